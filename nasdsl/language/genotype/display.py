"""How values show themselves in notebooks: a place where a drawing can be hooked in.

Purpose: genotypes and networks lie below the drawing and may not import it; they ask here,
and `nasdsl` names the function that answers when it is imported.
"""

from importlib import import_module

_maker = ""


def make_bundles_with(function: str) -> None:
    """Let `module:function` make the bundles; it is imported when it is first needed."""
    global _maker
    _maker = function


def mime_bundle(value: object) -> dict[str, str]:
    """What a notebook shows of a value, by MIME type; nothing where no function was given."""
    if not _maker:
        return {}
    module, _, name = _maker.partition(":")
    made: dict[str, str] = getattr(import_module(module), name)(value)
    return made
