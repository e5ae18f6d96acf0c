"""The parser's tables in a file: to build them anew takes longer than to check a text.

Purpose: `grammar/cell.json` is what lark has worked out from `grammar/cell.lark`, as plain data.
It is used only if it was made from that very grammar by that very version of lark.
`grammar/machine.json` has of it what sound texts need (`nasdsl.language.parser.machine`).

    python -c "from nasdsl.language.parser import tables; tables.write()"    makes it anew
"""

import hashlib
import json
from typing import Any

import lark
from lark import Lark
from lark.lexer import PatternStr
from lark.parsers.lalr_analysis import Shift

from nasdsl import resources
from nasdsl.language.parser import machine

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


def written_machine(grammar: str, parser: Any) -> str:
    """The file of `nasdsl.language.parser.machine`."""
    table = parser.parser.parser._parse_table
    rules = list(dict.fromkeys(parser.rules))
    states = []
    for number in range(len(table.states)):
        state = {}
        for name, (action, where) in table.states[number].items():
            state[name] = where if action is Shift else -1 - rules.index(where)
        states.append(state)
    keywords, patterns = {}, []
    for terminal in parser.terminals:
        regexp = terminal.pattern.to_regexp()
        word = regexp.removesuffix(r"\b")
        if word.isalpha():
            keywords[word] = terminal.name
            continue
        # The order of lark's lexer: by priority, then what is written literally after the rest.
        literal = isinstance(terminal.pattern, PatternStr)
        patterns.append((-terminal.priority, literal, terminal.name, regexp))
    held = {
        "format": machine.FORMAT,
        "grammar": grammar,
        "kinds": [(name, regexp) for *_, name, regexp in sorted(patterns)],
        "ignored": sorted(parser.ignore_tokens),
        "keywords": keywords,
        "states": states,
        "rules": [(rule.origin.name, len(rule.expansion), rule.options.expand1) for rule in rules],
        "start": table.start_states["file"],
        "end": table.end_states["file"],
    }
    return json.dumps(held, separators=(",", ":"), sort_keys=True) + "\n"


def _with_numbers(members: dict[str, Any]) -> dict[Any, Any]:
    return {int(name) if name.isdigit() else name: value for name, value in members.items()}


def write() -> None:
    """Make the files of the grammar anew."""
    from nasdsl.language.parser.grammar import built

    folder = resources.grammar()
    grammar = folder.joinpath("cell.lark").read_text(encoding="utf-8")
    parser = built(grammar)
    contents = {"cell": written(grammar, parser), "machine": written_machine(grammar, parser)}
    for name, content in contents.items():
        with open(str(folder.joinpath(f"{name}.json")), "w", encoding="utf-8") as file:
            file.write(content)
