"""The long form of a code: what it means, why the rule exists, the way out.

Purpose: `explanation`, read from the texts beside this module.
"""

from importlib.resources import files

from nasdsl.errors.codes import CODES
from nasdsl.errors.diagnostic import cell_error
from nasdsl.errors.hints import name_hints


def explanation(code: str) -> str:
    """The explanation of a code, in markdown, with a final newline.

    Args:
        code: a code such as `NAS201`, in any case, or its number alone.

    Raises:
        CellError: there is no such code (NAS213); the nearest one is suggested.
    """
    name = code.strip().upper()
    name = f"NAS{name:0>3}" if name.isascii() and name.isdigit() and len(name) <= 3 else name
    if name not in CODES:
        hints = name_hints(name, CODES, "`nasdsl explain` alone lists the codes")
        raise cell_error("NAS213", f"no finding has the code {code[:40]!r}", *hints)
    return (files("nasdsl.errors") / "explanations" / f"{name}.md").read_text(encoding="utf-8")
