"""From a name or a path to a text: standard input, a file, an entry of the library.

Purpose: which of them a name means, and what else it may have meant where it means none.
Non-goals: what texts say (`nasdsl.loading.analysis`).
"""

import errno
import os
from glob import escape
from pathlib import Path

from nasdsl import library
from nasdsl.errors import CellError, Source, cell_error, listed, name_hints
from nasdsl.errors.visible import shortened
from nasdsl.language.parser import read_file, read_stdin
from nasdsl.language.parser.read import is_model, read_model
from nasdsl.loading.kinds import kind_at
from nasdsl.values import require_types

NameOrPath = str | os.PathLike[str]

_WEIGHTS = frozenset({".pt", ".pth", ".npz", ".h5", ".keras", ".ckpt"})
_EXPORTS = frozenset({".py", ".pt2", ".onnx"})
#: Characters of a name that a message repeats.
_MAX_SHOWN = 200


def source_of(name_or_path: NameOrPath) -> Source:
    """The text of `-` (standard input), a file, or a library name; in that order.

    A `.safetensors` file that nasdsl has written carries its text.

    Raises:
        CellError: it is none of these, or cannot be read.
    """
    require_types(name_or_path=(name_or_path, NameOrPath))
    name = os.fspath(name_or_path)
    if name == "-":
        return read_stdin()
    if "\0" in name:
        raise cell_error("NAS001", f"{name!r} is not the name of a file")
    if is_library_name(name):
        return library.source(name.removesuffix(".cell"))
    if not _exists(name):
        raise _not_found(name)
    if is_model(name):
        return read_model(name)
    _refuse_other_kinds(name)
    return read_file(name)


def _exists(name: str) -> bool:
    try:
        os.stat(name)
    except OSError as error:
        # A text in place of a name is longer than names of files may be.
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG):
            return False
        shown = shortened(name, _MAX_SHOWN)
        raise cell_error("NAS001", f"cannot read {shown!r}: {error.strerror}") from None
    return True


def _not_found(name: str) -> CellError:
    """That there is no file, and no library entry where a name of one may be meant."""
    if "\n" in name:
        return cell_error(
            "NAS001",
            "a text stands where a path or a name of the library belongs: "
            f"{shortened(name.strip(), 60)!r}",
            "in Python, `nasdsl.loads` reads the text of a genotype and `loads_space` that of a "
            "space",
            "on the command line, `-` reads standard input",
        )
    shown = shortened(name, _MAX_SHOWN)
    if not _looks_like_path(name):
        known = [*library.names(), *library.vocabulary_names()]
        all_names = f"the library has {listed(library.names())}"
        hints = name_hints(name.removesuffix(".cell"), known, all_names)
        return cell_error("NAS001", f"no file and no library entry is called {shown!r}", *hints)
    path = Path(name)
    if not os.path.isdir(path.parent):
        return cell_error(
            "NAS001",
            f"no such file: {shown!r}",
            f"there is no folder {shortened(str(path.parent), _MAX_SHOWN)!r}",
        )
    there = [str(each) for each in path.parent.glob(f"*{escape(path.suffix)}")]
    by_name = library.names() if path.suffix == ".cell" and path.name == name else []
    hints = name_hints(name, there) or name_hints(path.stem, by_name)
    return cell_error("NAS001", f"no such file: {shown!r}", *hints)


def _looks_like_path(name: str) -> bool:
    return os.sep in name or "/" in name or bool(Path(name).suffix)


def _refuse_other_kinds(name: str) -> None:
    """What holds no text of ours, as its kind or its suffix says, is not read for one."""
    suffix, kind = Path(name).suffix.lower(), kind_at(name)
    if kind is not None and suffix != ".cell":
        said = f"{name!r} is {kind.words}, and a text of cells belongs here"
        raise cell_error("NAS007", said, *kind.hints)
    if suffix in _WEIGHTS:
        hint = f"use weights together with a text: `nasdsl compile FILE.cell --weights {name}`"
        raise cell_error("NAS007", f"{name!r} contains weights, not cells", hint)
    refuse_exports(name)


def refuse_exports(name: str) -> None:
    """Refuse a file whose suffix says that it is an export, which other programs run.

    Raises:
        CellError: NAS007.
    """
    if Path(name).suffix.lower() in _EXPORTS:
        raise cell_error(
            "NAS007",
            f"{name!r} is a kind of file that nasdsl writes but does not read",
            "of the files that `nasdsl compile -o` writes, nasdsl reads .safetensors alone",
        )


def is_library_name(name: str) -> bool:
    """Whether `name` means a library entry: no file is called so, and the library has it."""
    stem = name.removesuffix(".cell")
    known = stem in library.names() or stem in library.vocabulary_names()
    return known and not os.path.isfile(name)


def preset_name(name: str, preset: str) -> str:
    """The library's network of a genotype: `darts_v2` and `cifar` to `darts_v2_cifar`.

    Raises:
        CellError: NAS213, the library has no such network.
    """
    stem = name.removesuffix(".cell")
    found = library.presets(stem) if is_library_name(name) else {}
    if preset in found:
        return found[preset]
    if found:
        raise cell_error(
            "NAS213",
            f"`{stem}` has no preset `{preset[:60]}`",
            *name_hints(preset, found, f"its presets are {listed(found)}"),
        )
    raise cell_error(
        "NAS213",
        f"{name!r:.60} has no presets; the library's genotypes have",
        "the flags `--skeleton`, `--stem`, `--N` and `--filters` describe a network",
    )
