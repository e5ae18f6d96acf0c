"""The pickles that CIFAR is published as, read without running what they name.

Purpose: dictionaries of arrays and lists, and nothing else a pickle can hold.
Non-goals: other pickles.
"""

import pickle
from pathlib import Path
from typing import Any

#: What numpy's arrays are made of, under the names of its first and second version.
_ALLOWED = {
    (f"numpy.{core}.{module}", name)
    for core in ("core", "_core")
    for module, name in (("multiarray", "_reconstruct"), ("numeric", "_frombuffer"))
} | {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which is not data")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read(path: Path) -> dict[str, Any]:
    """The members of a file.

    Raises:
        pickle.UnpicklingError: it holds anything but plain values and arrays.
        Exception: whatever unpickling damaged bytes comes to.
    """
    with path.open("rb") as file:
        found = _Reader(file, encoding="latin1").load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError("it holds no members")
    return found
