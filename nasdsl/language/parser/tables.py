"""The parser's tables in a file: to build them anew takes longer than to check a text.

Purpose: `grammar/cell.json` is what lark has worked out from `grammar/cell.lark`, as plain data.
It is used only if it was made from that very grammar by that very version of lark.

    python -c "from nasdsl.language.parser import tables; tables.write()"    makes it anew
"""

import hashlib
import json
from typing import Any

import lark
from lark import Lark

from nasdsl import resources

#: Raised where what is written changes without lark or the grammar.
_FORMAT = 1


def read(grammar: str, transformer: Any) -> Lark | None:
    """The parser in the file; None where there is none for this grammar and this lark."""
    try:
        text = resources.grammar().joinpath("cell.json").read_text(encoding="utf-8")
    except OSError:
        return None
    # lark numbers states and rules, and names of JSON are text.
    data = json.loads(text, object_hook=_with_numbers)
    if not isinstance(data, dict) or data.pop("made_from", None) != made_from(grammar):
        return None
    parser: Any = Lark.__new__(Lark)
    # What `Lark.load` does with a file, which would be unpickled.
    parser._load(data, transformer=transformer)
    found: Lark = parser
    return found


def made_from(grammar: str) -> list[object]:
    """What the tables depend on."""
    digest = hashlib.sha256(grammar.encode()).hexdigest()
    return [_FORMAT, lark.__version__, digest]


def written(grammar: str, parser: Any) -> str:
    """The file of a parser that has no transformer."""
    from lark.grammar import Rule
    from lark.lexer import TerminalDef

    data, memo = parser.memo_serialize([TerminalDef, Rule])
    held = {"made_from": made_from(grammar), "data": data, "memo": memo}
    return json.dumps(held, separators=(",", ":"), sort_keys=True) + "\n"


def _with_numbers(members: dict[str, Any]) -> dict[Any, Any]:
    return {int(name) if name.isdigit() else name: value for name, value in members.items()}


def write() -> None:
    """Make the file of the grammar anew."""
    from nasdsl.language.parser.grammar import built

    folder = resources.grammar()
    grammar = folder.joinpath("cell.lark").read_text(encoding="utf-8")
    with open(str(folder.joinpath("cell.json")), "w", encoding="utf-8") as file:
        file.write(written(grammar, built(grammar)))
