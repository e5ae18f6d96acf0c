"""The notebooks of the documentation run, and become pages and files of Jupyter."""

import json
from pathlib import Path

import nbformat
import pytest

torch = pytest.importorskip("torch", reason="networks are torch modules")
for _package in ("accelerate", "jupytext", "sklearn", "IPython"):
    pytest.importorskip(_package)

from website.notebooks import NOTEBOOKS, Cell, notebook_of, page_of, run_notebook  # noqa: E402

FILES = sorted(NOTEBOOKS.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, one_thread: None) -> None:
    """Every cell, in a folder of its own; what it shows and prints gets onto its page."""
    cells = run_notebook(path)
    text, pictures = page_of(path.stem, cells)
    assert text.startswith("# ")
    assert all(content.lstrip().startswith(b"<") for content in pictures.values())
    assert pictures
    for cell in cells:
        assert cell.source in text
        assert cell.printed.strip() in text
    book = nbformat.reads(notebook_of(cells), as_version=4)
    nbformat.validate(book)
    assert [cell.source for cell in book.cells] == [cell.source for cell in cells]


def test_there_are_two() -> None:
    assert len(FILES) >= 2


def test_values_as_a_page_and_as_a_notebook_show_them() -> None:
    """Pictures become files, plain values are printed, and markdown is itself."""
    cells = [
        Cell("markdown", "# A title"),
        Cell("code", "1 + 1", "said\n", {"text/plain": "2"}),
        Cell("code", "it", "", {"text/plain": "It()", "image/svg+xml": "<svg/>"}),
    ]
    text, pictures = page_of("it", cells)
    assert pictures == {"it_2.svg": b"<svg/>"}
    assert "# A title\n\n```python\n1 + 1\n```\n\n```text\nsaid\n```\n\n```text\n2\n```" in text
    assert "](it_2.svg)" in text
    book = json.loads(notebook_of(cells))
    assert [len(cell.get("outputs", ())) for cell in book["cells"]] == [0, 2, 1]
