"""Equal to the bit on a CPU; on a GPU, where sums have no fixed order, nearly."""

import numpy as np

from tlcourse.course import machine


def assert_same(one, two, exact=True):
    """Compares two lists of arrays that the same computation gave twice."""
    exact = exact and machine.device() == "CPU"
    near = {} if exact else {"rtol": 1e-3, "atol": 1e-4}
    compare = np.testing.assert_allclose if near else np.testing.assert_array_equal
    for a, b in zip(one, two, strict=True):
        compare(a, b, **near)
