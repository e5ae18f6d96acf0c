"""Drawings as SVG, PNG and PDF, for files and for notebooks.

Purpose: the one place that runs Graphviz's `dot`, through the `graphviz` package, and what to do
where it is missing. DOT itself needs no Graphviz to be written.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal, get_args

from nasdsl.drawing.draw import Drawing, genotype_drawing, network_drawing, space_drawing
from nasdsl.drawing.network import stack_lines
from nasdsl.drawing.page import dot_string, dot_text
from nasdsl.drawing.themes import DrawingOptions
from nasdsl.errors import CellError, cell_error, listed
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Cell, Genotype, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.network import NetworkGraph
from nasdsl.values import typed

PictureFormat = Literal["svg", "png", "pdf", "dot"]
PICTURE_FORMATS: tuple[PictureFormat, ...] = get_args(PictureFormat)
#: Those of plots, which are not drawn from DOT.
PLOT_FORMATS: tuple[PictureFormat, ...] = ("svg", "png", "pdf")

#: Pixels an inch of a PNG: twice a screen's, so that it is sharp in slides.
_DOTS_PER_INCH = "192"
#: Older versions of cairo put the time of day into PDFs, whatever they are told.
_DATE = re.compile(rb"/CreationDate \(D:\d{14}[^)]*\)")
_NO_DATE = b"/CreationDate (D:19700101000000Z)"
_COMMENT = re.compile(r"\s*<!--.*?-->", re.DOTALL)

INSTALL = (
    "Debian, Ubuntu: sudo apt install graphviz; Fedora: sudo dnf install graphviz",
    "macOS: brew install graphviz; Windows: winget install graphviz; conda: conda install graphviz",
    "DOT (`-o NAME.dot`) and `nasdsl show --tree` work without it",
)
#: Drawings ask for the engine `nop2`, which newer versions of Debian have in a package of its own.
_INSTALL_LAYOUT = "Debian, Ubuntu: sudo apt install 'libgvplugin-neato-layout[0-9]'"


@typed
def form_of(
    path: str | os.PathLike[str], forms: Sequence[PictureFormat] = PICTURE_FORMATS, *hints: str
) -> PictureFormat:
    """The format that the suffix of a path means.

    Raises:
        CellError: NAS712, it is not one of `forms`; with the hints.
    """
    suffix = Path(path).suffix.removeprefix(".").lower()
    for form in forms:
        if suffix == form:
            return form
    said = f"`.{suffix[:20]}`" if suffix else "no suffix"
    raise cell_error(
        "NAS712",
        f"{os.fspath(path)[:200]!r} has {said}, and a picture is {suffixes(forms)}",
        *hints,
    )


def suffixes(forms: Sequence[PictureFormat]) -> str:
    """`.svg`, `.png` or `.pdf`."""
    return listed((f".{form}" for form in forms), "or")


@typed
def picture_bytes(drawing: Drawing, form: PictureFormat) -> bytes:
    """A drawing as a file's content; the same bytes on every run.

    Raises:
        CellError: Graphviz's `dot` is not installed (NAS710), or fails (NAS711).
    """
    if form == "dot":
        return drawing.dot.encode()
    if form == "svg":
        return svg(drawing).encode()
    graph = drawing.graph
    if form == "png":
        graph = replace(graph, graph={**graph.graph, "dpi": dot_string(_DOTS_PER_INCH)})
    return _DATE.sub(_NO_DATE, _dot_output(dot_text(graph), form))


@typed
def svg(drawing: Drawing) -> str:
    """A drawing as one `<svg>` element: no prolog, no comments, nothing from elsewhere.

    Raises:
        CellError: as `picture_bytes`.
    """
    text = _dot_output(drawing.dot, "svg").decode()
    return _COMMENT.sub("", text[text.index("<svg") :])


def missing_dot_error() -> CellError:
    """The error for a machine without `dot`, this system's advice first."""
    first = {"darwin": 1, "win32": 1}.get(sys.platform, 0)
    advice = (INSTALL[first], INSTALL[1 - first], INSTALL[2])
    return cell_error(
        "NAS710", "pictures need Graphviz, and its program `dot` was not found", *advice
    )


def require_dot() -> None:
    """Raise what `picture_bytes` would where `dot` is missing."""
    if shutil.which("dot") is None:
        raise missing_dot_error()


def _dot_output(dot: str, form: str) -> bytes:
    # Imported here because DOT and the terminal do without it.
    import graphviz
    from graphviz.backend import CalledProcessError

    try:
        with _no_date():
            return bytes(graphviz.pipe("dot", form, dot.encode(), quiet=True))
    except graphviz.ExecutableNotFound:
        raise missing_dot_error() from None
    except CalledProcessError as error:
        said = (error.stderr or b"").decode(errors="replace").strip().splitlines()
        reason = said[-1][:200] if said else f"exit code {error.returncode}"
        hints = [_INSTALL_LAYOUT] if "layout plugins" in reason else []
        raise cell_error("NAS711", f"`dot` could not make the {form}: {reason}", *hints) from None


@contextmanager
def _no_date() -> Iterator[None]:
    """Ask for PDFs without the time of day, which would differ on every run."""
    name = "SOURCE_DATE_EPOCH"
    before = os.environ.get(name)
    os.environ[name] = before or "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


_OPTIONS = DrawingOptions()


def mime_bundle(value: object) -> dict[str, str]:
    """The value as `text/plain`, and as `image/svg+xml` where Graphviz is installed."""
    if isinstance(value, Cell):
        # Without a vocabulary nothing is known of its ops, and all have one colour.
        value = Genotype("cell", Vocabulary(""), (value,))
    text, drawing = _text_and_drawing(value)
    try:
        return {"text/plain": text, "image/svg+xml": svg(drawing)}
    except CellError:
        return {"text/plain": text}


def _text_and_drawing(value: object) -> tuple[str, Drawing]:
    if isinstance(value, Genotype):
        return genotype_text(value).rstrip("\n"), genotype_drawing(value, _OPTIONS)
    if isinstance(value, Space):
        return space_text(value).rstrip("\n"), space_drawing(value, _OPTIONS)
    assert isinstance(value, NetworkGraph), type(value)
    return "\n".join(stack_lines(value)), network_drawing(value, _OPTIONS)
