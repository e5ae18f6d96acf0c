"""Notebooks: Python files in `docs/notebooks` that are run, and shown with what they gave.

A file is a notebook in the percent format of Jupytext, which any editor and Jupyter open. Running
one needs no Jupyter: cells share their names, and the value of a last line is shown as there.
"""

import ast
import base64
import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
import nbformat
from IPython.core.formatters import DisplayFormatter

NOTEBOOKS = Path(__file__).parent.parent / "docs" / "notebooks"
#: What is shown of a value, the first that it has.
_PICTURES = {"image/svg+xml": "svg", "image/png": "png"}


class Cell(NamedTuple):
    """A cell that was run.

    Attributes:
        kind: `markdown` or `code`.
        source: its text.
        printed: what it wrote to standard output.
        shown: the value of its last line in the kinds that a notebook knows, by their MIME types.
    """

    kind: str
    source: str
    printed: str = ""
    shown: dict[str, Any] = {}  # noqa: RUF012 (never changed)


def run_notebook(path: Path) -> list[Cell]:
    """Run a notebook in an empty folder; its cells with what they gave."""
    cells = jupytext.read(path).cells
    names: dict[str, Any] = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory() as folder, _inside(folder):
        return [
            _run(cell.cell_type, cell.source, f"<{path.name}, cell {number}>", names)
            for number, cell in enumerate(cells, 1)
        ]


@contextlib.contextmanager
def _inside(folder: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _run(kind: str, source: str, place: str, names: dict[str, Any]) -> Cell:
    if kind != "code":
        return Cell(kind, source)
    tree = ast.parse(source, place)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, place, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), place, "eval"), names)
    shown = {} if value is None else DisplayFormatter().format(value)[0]
    return Cell(kind, source, printed.getvalue(), dict(shown))


def notebook_pages() -> tuple[dict[str, str], dict[str, bytes]]:
    """The page of each notebook by its place, and the pictures and notebooks beside them."""
    pages: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for path in sorted(NOTEBOOKS.glob("*.py")):
        cells = run_notebook(path)
        text, pictures = page_of(path.stem, cells)
        pages[f"notebooks/{path.stem}.md"] = text
        files |= {f"notebooks/{name}": content for name, content in pictures.items()}
        files[f"notebooks/{path.stem}.ipynb"] = notebook_of(cells).encode()
    return pages, files


def page_of(name: str, cells: list[Cell]) -> tuple[str, dict[str, bytes]]:
    """The Markdown of a notebook, and its pictures by their file names."""
    parts: list[str] = []
    pictures: dict[str, bytes] = {}
    for number, cell in enumerate(cells):
        if cell.kind != "code":
            parts.append(cell.source)
            continue
        parts.append(f"```python\n{cell.source}\n```")
        if cell.printed:
            parts.append(f"```text\n{cell.printed.rstrip()}\n```")
        picture = next((kind for kind in _PICTURES if kind in cell.shown), None)
        if picture is not None:
            file = f"{name}_{number}.{_PICTURES[picture]}"
            content = cell.shown[picture]
            is_text = picture == "image/svg+xml"
            pictures[file] = content.encode() if is_text else base64.b64decode(content)
            parts.append(f"![What the cell above shows]({file})")
        elif cell.shown:
            parts.append(f"```text\n{cell.shown['text/plain']}\n```")
    download = f"[Download this page as a notebook]({name}.ipynb){{download}}"
    return "\n\n".join([*parts, download]) + "\n", pictures


def notebook_of(cells: list[Cell]) -> str:
    """The same as Jupyter's file, with what the cells gave."""
    book = nbformat.v4.new_notebook()
    for number, cell in enumerate(cells):
        if cell.kind != "code":
            made = nbformat.v4.new_markdown_cell(cell.source)
        else:
            made = nbformat.v4.new_code_cell(cell.source)
            if cell.printed:
                made.outputs.append(nbformat.v4.new_output("stream", text=cell.printed))
            if cell.shown:
                made.outputs.append(nbformat.v4.new_output("display_data", data=cell.shown))
        made["id"] = f"cell-{number}"  # the same in every build
        book.cells.append(made)
    return str(nbformat.writes(book))
