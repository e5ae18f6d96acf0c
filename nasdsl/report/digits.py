"""Numbers of any length, printed whole.

Python refuses to write or read whole numbers of more than 4,300 digits, because that takes time in
proportion to their square. Spaces have sizes of more digits, which nasdsl has counted itself.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def every_digit() -> Iterator[None]:
    """Let whole numbers of any length be printed within the block.

    The bound is the process's: nothing from outside may be read in the block.
    """
    bound = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        yield
    finally:
        sys.set_int_max_str_digits(bound)
