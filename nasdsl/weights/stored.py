"""Arrays that are still in their file.

A file may say that it holds any number of terabytes, and a compressed one may even keep that in a
few kilobytes. So a network's names and shapes are compared with what a file declares, and then only
the arrays that the network has a place for are read, one by one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from nasdsl.primitives import Sizes


class Stored(NamedTuple):
    """An array of a file.

    Attributes:
        shape: as the file declares it.
        read: reads it, as an array or a tensor of that shape. Raises CellError as
            `nasdsl.weights.files.opened_weights` does.
        is_numeric: whether it holds whole or real numbers.
    """

    shape: Sizes
    read: Callable[[], Any]
    is_numeric: bool = True
