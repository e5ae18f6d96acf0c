"""Pickles that run code, where nasdsl reads files of others: none of them is ever run.

    python -m bench.reliability.canaries

Each pickle calls something else, and would write a file. It is put where weights, checkpoints,
models, cells, images and the state of a search are read, in every form in which Python's libraries
would unpickle it. First each is unpickled on purpose: the file appears. Then nasdsl reads it, and
the file must not appear. Exit status 1 if one does, or if anything but a diagnostic comes of it.
"""

import argparse
import io
import os
import pickle
import runpy
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy
import torch

import nasdsl
from bench.reliability.forged import fates, interrupted_search
from nasdsl.errors import CellError
from nasdsl.train.checkpoint import Checkpoints
from nasdsl.train.data.cifar import read_batch
from nasdsl.weights import load as load_weights


class Call:
    """Calls a function when it is unpickled."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


def calls(path: Path) -> dict[str, Call]:
    """Things that a pickle can call to write a file, by what they are."""
    script = path.with_name("script.py")
    script.write_text(f"open({str(path)!r}, 'w').close()\n", encoding="utf-8")
    text = f"open({str(path)!r}, 'w').close()"
    return {
        "exec": Call(exec, text),
        "eval": Call(eval, text),
        "os.symlink": Call(os.symlink, script, path),
        "os.system": Call(os.system, f"touch '{path}'"),
        "os.mkdir": Call(os.mkdir, str(path)),
        "subprocess": Call(subprocess.call, ["touch", str(path)]),
        "pathlib": Call(Path.touch, path),
        "copy": Call(shutil.copyfile, str(script), str(path)),
        "runpy": Call(runpy.run_path, str(script)),
        "partial": Call(partial(exec, text)),
    }


# -- where a pickle is put -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carrier:
    """A file that holds a pickle, and how nasdsl comes to read it.

    Attributes:
        name: what the file is.
        file: its name.
        data: its bytes, of an object and what is sound beside it.
        read: reads it, and raises a CellError where it is refused.
    """

    name: str
    file: str
    data: Callable[[Any], bytes]
    read: Callable[[Path], object]


def _pickled(protocol: int) -> Callable[[Any], bytes]:
    return lambda item: pickle.dumps({"weight": item}, protocol)


def _saved(zipped: bool) -> Callable[[Any], bytes]:
    def data(item: Any) -> bytes:
        stream = io.BytesIO()
        state = {"format": 1, "step": 9, "state_dict": {"x": torch.zeros(2)}, "more": item}
        torch.save(state, stream, _use_new_zipfile_serialization=zipped)
        return stream.getvalue()

    return data


def _numpy_archive(item: Any) -> bytes:
    stream = io.BytesIO()
    numpy.savez(stream, x=numpy.zeros(2), more=numpy.array([item], object))
    return stream.getvalue()


def _newest(path: Path) -> object:
    return Checkpoints(path.parent).newest()


def _resumed(path: Path, sound: bytes) -> object:
    """A search goes on from a store in which the searcher's state and a trial are the pickle."""
    data = path.read_bytes()
    path.write_bytes(sound)
    with closing(sqlite3.connect(path, isolation_level=None)) as rows:
        rows.execute("UPDATE searcher SET value = ?", (data,))
        if len(data) % 2:  # in some of them, of a trial as well
            rows.execute("UPDATE trial SET curve = ?, failure = ? WHERE id = 1", (data, data))
    return fates(path, "evolution")


def carriers(folder: Path) -> Iterator[Carrier]:
    """Every kind of file that nasdsl reads and that could hold a pickle."""
    sound = interrupted_search(folder, "evolution")
    net = nasdsl.compile("nasnet_a", N=1, cell_filters=4, stem="cifar", classes=3)

    def resumed(path: Path) -> object:
        return _resumed(path, sound)

    def weights(path: Path) -> object:
        return load_weights(net, path)

    yield Carrier("weights, torch.save", "w.pt", _saved(zipped=True), weights)
    yield Carrier("weights, torch.save before 1.6", "w.pth", _saved(zipped=False), weights)
    yield Carrier("weights, pickle of protocol 2", "w.pt", _pickled(2), weights)
    yield Carrier("weights, pickle of protocol 5", "w.bin", _pickled(5), weights)
    yield Carrier("weights, pickle of text", "w.pkl", _pickled(0), weights)
    yield Carrier("weights, numpy's objects", "w.npz", _numpy_archive, weights)
    yield Carrier("a checkpoint", "step-000000009.pt", _saved(zipped=True), _newest)
    yield Carrier("an old checkpoint", "step-000000009.pt", _saved(zipped=False), _newest)
    yield Carrier("images of CIFAR", "data_batch_1", _pickled(2), read_batch)
    yield Carrier("a cell", "x.cell", _pickled(0), nasdsl.load)
    yield Carrier("a model", "x.safetensors", _pickled(2), nasdsl.load)
    yield Carrier("a store", "s.db", _pickled(4), lambda path: fates(path, "random"))
    yield Carrier("the searcher's state in a store", "s.db", _pickled(4), resumed)


# -- what comes of it ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What became of all pickles."""

    fates: Counter[str]
    run: tuple[str, ...]
    harmless: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every pickle could run, and none was run."""
        return not (self.run or self.harmless)


def read_all(folder: Path) -> Found:
    """Put every pickle into every carrier and let nasdsl read it.

    Raises:
        Exception: anything that is not a diagnostic.
    """
    canary = folder / "canary"
    counted: Counter[str] = Counter()
    run: list[str] = []
    harmless: list[str] = []
    places = list(carriers(folder))
    for name, call in calls(canary).items():
        pickle.loads(pickle.dumps(call))
        if not canary.exists():
            harmless.append(name)
        _remove(canary)
        for number, carrier in enumerate(places):
            place = folder / f"{name}-{number}"
            place.mkdir()
            path = place / carrier.file
            path.write_bytes(carrier.data(call))
            try:
                carrier.read(path)
                counted["the rest of the file was read"] += 1
            except CellError as error:
                counted[error.diagnostics[0].code] += 1
            if canary.exists():
                run.append(f"{name} in {carrier.name}")
                _remove(canary)
    return Found(counted, tuple(run), tuple(harmless))


def _remove(path: Path) -> None:
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def main() -> None:
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    with tempfile.TemporaryDirectory() as name:
        found = read_all(Path(name))
    print(f"{found.fates.total()} files with a pickle that runs code")
    for fate, count in sorted(found.fates.items()):
        print(f"  {count:>5}  {fate}")
    print(f"  {len(found.run):>5}  ran")
    print("\n".join([*found.run, *(f"{name} does nothing" for name in found.harmless)]))
    sys.exit(0 if found.is_sound else 1)


if __name__ == "__main__":
    main()
