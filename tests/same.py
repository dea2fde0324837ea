"""Equal to the bit on a CPU; on a GPU, where sums have no fixed order, nearly."""

import numpy as np

from tlcourse.course import machine


def assert_same(one, two, exact=True):
    """Compares two lists of arrays that the same computation gave twice."""
    near = {"rtol": 1e-5, "atol": 1e-6}
    if machine.device() != "CPU":
        exact, near = False, {"rtol": 1e-3, "atol": 1e-4}
    for a, b in zip(one, two, strict=True):
        if exact:
            np.testing.assert_array_equal(a, b)
        else:
            np.testing.assert_allclose(a, b, **near)
