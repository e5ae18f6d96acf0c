"""Notebooks as the text of their cells.

In the file, a genotype of several lines is a list of strings. Here every cell is what it is in the
notebook: code as code, without the commands of the notebook itself, and other cells and what the
code printed as strings of their own. Nothing is executed.
"""

import re
from typing import Any

from nasdsl import documents
from nasdsl.errors import Source

_SIGN = re.compile(r'(?s)\A\s*\{.*"nbformat"\s*:')
_COMMAND = re.compile(r"(?m)^(?=[ \t]*[%!])")


def with_cells_as_text(source: Source) -> Source:
    """The text of a notebook's cells, one after another; any other source as it is."""
    if not _SIGN.match(source.text):
        return source
    try:
        notebook = documents.json_value(source.text)
    except ValueError:
        return source
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return source
    parts = [part for cell in cells if isinstance(cell, dict) for part in _parts(cell)]
    return Source(source.name, "\n".join(part.rstrip() for part in parts) + "\n")


def _parts(cell: dict[str, Any]) -> list[str]:
    """What a cell says, and what its outputs print."""
    text = _joined(cell.get("source"))
    found = [_COMMAND.sub("# ", text) if cell.get("cell_type") == "code" else _quoted(text)]
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            data = output.get("data")
            plain = data.get("text/plain") if isinstance(data, dict) else None
            found += [_quoted(_joined(each)) for each in (output.get("text"), plain) if each]
    return found


def _joined(lines: object) -> str:
    """A text, which a notebook may also give line by line."""
    if isinstance(lines, str):
        return lines
    return "".join(map(str, lines)) if isinstance(lines, list) else ""


def _quoted(text: str) -> str:
    """A text as a string of Python, its lines as they are; bare where no quotes can hold it."""
    text = text.rstrip("\n")
    quotes = next((each for each in ("'" * 3, '"' * 3) if each not in text), "")
    return f"r{quotes}\n{text}\n{quotes}" if quotes else text
