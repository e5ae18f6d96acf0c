"""The commands of the server: a picture, the cost, the size of a space, an explanation.

Purpose: `COMMANDS`. Each returns an object that a client may show by itself; clients that do not
say so (`initializationOptions.shows`) are asked to show a message or to open a file.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.uris import to_fs_path

from nasdsl.errors import CellError
from nasdsl.errors.explain import explanation
from nasdsl.lsp.server import CellServer
from nasdsl.service.figures import short

Shown = dict[str, Any]


async def svg(ls: CellServer, uri: str) -> Shown:
    """`{"svg": ...}`, the cells of a text as a picture, or `{"error": ...}`, why there is none."""

    def answer(uri: str) -> Shown:
        # Drawing is imported when the first picture is wanted.
        from nasdsl.drawing import DrawingOptions, cells_drawing, svg

        space = ls.documents.document(uri).space
        if space is None:
            return {"error": "a text with mistakes, or without cells, has no picture"}
        try:
            return {"svg": svg(cells_drawing(space, DrawingOptions()))}
        except CellError as error:
            return {"error": _error_text(error)}

    return await ls.ask(uri, answer)


async def render(ls: CellServer, uri: str) -> Shown:
    """The picture, shown."""
    shown = await svg(ls, uri)
    if ls.client_shows or "error" in shown:
        return await _shown(ls, shown.get("error", ""), shown)
    name = f"{Path(to_fs_path(uri) or 'cells').stem}.svg"
    path = Path(tempfile.mkdtemp(prefix="nasdsl-")) / name
    path.write_text(shown["svg"], encoding="utf-8")
    if await ls.opened(path.as_uri()):
        return shown
    return await _shown(ls, f"the picture is in {path}", shown)


async def cost(ls: CellServer, uri: str) -> Shown:
    """What the network of a text costs, as numbers and in words."""

    def answer(uri: str) -> Shown:
        document = ls.documents.document(uri)
        found, configuration = document.cost, document.configuration
        if found is None or configuration is None:
            return {"error": "the text describes no network that can be built"}
        return {
            "params": found.params,
            "mult_adds": found.mult_adds,
            "activations": found.activations,
            "text": f"{configuration.name} {configuration.size}, {configuration.stem} stem, "
            f"{configuration.image_size} pixels: {found.params:,} parameters, "
            f"{short(found.mult_adds)} mult-adds, {short(found.activations)} activations",
        }

    shown = await ls.ask(uri, answer)
    return await _shown(ls, shown.get("error") or shown["text"], shown)


async def count(ls: CellServer, uri: str) -> Shown:
    """The exact size of a space."""

    def answer(uri: str) -> Shown:
        from nasdsl.space import count

        space = ls.documents.document(uri).space
        if space is None:
            return {"error": "the text describes no space"}
        # A space may have more genotypes than Python prints of a number.
        size = count(space)
        digits = str(size) if size.bit_length() < 4000 else "more than 10^1000"
        members = "genotype" if size == 1 else "genotypes"
        return {"count": digits, "text": f"`{space.name}` has {digits} {members}"}

    shown = await ls.ask(uri, answer)
    return await _shown(ls, shown.get("error") or shown["text"], shown)


async def explain(ls: CellServer, code: str) -> Shown:
    """What a code means, in markdown."""
    try:
        text = explanation(code)
    except CellError as error:
        return await _shown(ls, _error_text(error), {"error": _error_text(error)})
    return await _shown(ls, text, {"markdown": text})


async def _shown(ls: CellServer, text: str, shown: Shown) -> Shown:
    if text and not ls.client_shows:
        kind = types.MessageType.Warning if "error" in shown else types.MessageType.Info
        ls.window_show_message(types.ShowMessageParams(kind, text))
    return shown


def _error_text(error: CellError) -> str:
    found = error.diagnostics[0]
    return "\n".join([found.message, *(f"help: {hint}" for hint in found.hints)])


#: The commands by name.
COMMANDS: dict[str, Callable[..., Any]] = {
    "nasdsl.svg": svg,
    "nasdsl.render": render,
    "nasdsl.cost": cost,
    "nasdsl.count": count,
    "nasdsl.explain": explain,
}
