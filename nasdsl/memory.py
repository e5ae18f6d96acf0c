"""Memory: whether there is enough for weights, and the finding where it ends all the same.

PyTorch is not imported: what it raises is known by its name and its words.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from nasdsl.errors import CellError, cell_error

#: What PyTorch says where it raises RuntimeError: on a CPU, on MPS, and what CUDA itself says.
_WORDS = ("can't allocate memory", "not enough memory", "out of memory")


def require_room(size: int) -> None:
    """Refuse weights that alone are larger than the memory of this machine.

    Args:
        size: of the weights, in bytes.

    Raises:
        CellError: NAS707.
    """
    if not hasattr(os, "sysconf"):
        return
    most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if 0 < most < size:
        raise cell_error(
            "NAS707",
            f"the weights take {size / 1e9:,.1f} GB, more than this machine's memory of "
            f"{most / 1e9:,.1f} GB",
            "fewer filters or cells take less",
            "on the device `meta` a network is built without values",
        )


def ran_out(error: BaseException) -> bool:
    """Whether an exception says that there is no memory left."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS)


@contextmanager
def memory_errors(*ways_out: str, what: str = "this batch") -> Iterator[None]:
    """Turn what PyTorch raises where memory ends into NAS707.

    Args:
        ways_out: what takes less.
        what: there is too little memory for.
    """
    try:
        yield
    except CellError:
        raise
    except (RuntimeError, MemoryError) as error:
        if not ran_out(error):
            raise
        text = f"the device has too little memory for {what}"
        raise cell_error("NAS707", text, *ways_out) from None
