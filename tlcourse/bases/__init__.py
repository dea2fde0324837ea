"""Networks of keras.applications by name: figures, constructors, weights, pixels."""

from tlcourse.bases.constructors import (
    build,
    cached_weights,
    preprocessing,
    weights_file,
)
from tlcourse.bases.table import CATALOGUE, NETWORKS, find

__all__ = ["CATALOGUE", "NETWORKS", "find"]
__all__ += ["build", "cached_weights", "preprocessing", "weights_file"]
