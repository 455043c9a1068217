"""Types of arrays, and where groups begin in them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
AnyInts = NDArray[Any]


def begins_group(numbers: AnyInts) -> Bools:
    """Whether each of these numbers differs from the one before it; there is at least one."""
    return np.concatenate([[True], numbers[1:] != numbers[:-1]])
