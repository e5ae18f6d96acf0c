"""Processes that Python starts for `multiprocessing` run nothing of the working folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

_SAFE_PATH = "PYTHONSAFEPATH"


@contextmanager
def isolated_start() -> Iterator[None]:
    """Keep the working folder off the path of the processes that are started within the block.

    A spawned process begins with `python -c`, which looks for modules there first: a `pickle.py`
    of a folder that somebody sent would be run. Afterwards it has the path of this process.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = before
