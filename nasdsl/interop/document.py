"""nasdsl's own text, and a genotype as plain data in JSON and YAML.

Documents are what `genotype.schema.json` describes. They hold all that a genotype's text holds,
except comments and open fields, and nothing is lost either way.

A document is turned into the lines of a `.cell` text, each with the place it came from. So every
check of the language applies, and every finding points into the document.
"""

import json
import re
from collections.abc import Iterator

from nasdsl.errors import CellError, Diagnostic, Source, Span
from nasdsl.interop.foreign import MAX_CHARACTERS, Foreign, Options
from nasdsl.interop.formats import Format
from nasdsl.interop.literals import LiteralValue, json_value
from nasdsl.interop.yaml_tree import yaml_value
from nasdsl.language.genotype.text import genotype_text, written_vocabulary
from nasdsl.language.genotype.types import Genotype

VERSION = 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STATE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|h\[i(?:-[0-9]{1,4})?\]")
_DEFINITION = re.compile(r"[^\n\r#{}=]+")
_MEMBERS = ("nasdsl", "genotype", "ops", "definitions", "cells", "network")

TextLines = Iterator[tuple[str, Span]]


def read_cell(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of a `.cell` text. Raises as `nasdsl.loads` does."""
    from nasdsl.loading import analyse, genotype_in

    analysis = analyse(foreign.source)
    found = genotype_in(analysis)
    foreign.findings += analysis.diagnostics
    return [found]


def write_cell(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The text, in the one style."""
    return genotype_text(genotype), []


def read_json(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of a JSON document.

    Raises:
        CellError: NAS651 where it is no such document, or is not JSON alone, and whatever its
            text would raise.
    """
    return _read(foreign, json_value(foreign))


def read_yaml(foreign: Foreign, options: Options) -> list[Genotype]:
    """The genotype of a YAML document; raises as `read_json` does, and NAS656."""
    return _read(foreign, yaml_value(foreign))


def _read(foreign: Foreign, value: LiteralValue) -> list[Genotype]:
    from nasdsl.loading import analyse, genotype_in

    pairs: list[tuple[str, Span]] = []
    length = 0
    for line, place in _lines(foreign, value):
        # Aliases of YAML can make much of little.
        length += len(line) + 1
        if length > MAX_CHARACTERS:
            text = f"the document says more than {MAX_CHARACTERS:,} characters"
            raise foreign.cell_error("NAS656", text, place)
        pairs.append((line, place))
    text = "\n".join(line for line, _ in pairs) + "\n"
    analysis = analyse(Source(foreign.source.name, text))
    found = [_finding_in_document(finding, foreign, pairs) for finding in analysis.diagnostics]
    if any(finding.is_error for finding in found):
        raise CellError((*foreign.findings, *found))
    foreign.findings += found
    return [genotype_in(analysis)]


def _finding_in_document(
    found: Diagnostic, foreign: Foreign, pairs: list[tuple[str, Span]]
) -> Diagnostic:
    """A finding about our lines, at the place of the document they came from."""
    place = foreign.whole
    if found.source is not None and found.span is not None:
        line = found.source.position(found.span.start).line
        place = pairs[min(line, len(pairs)) - 1][1]
    return Diagnostic(
        found.code, found.message, foreign.source, place, found.label, (), found.hints
    )


# -- a document as lines ------------------------------------------------------------------


def _lines(foreign: Foreign, document: LiteralValue) -> TextLines:
    members = _members(foreign, document, _MEMBERS, "a document")
    version = members.get("nasdsl")
    if version is None or version.data != VERSION:
        span = document.span if version is None else version.span
        raise foreign.cell_error("NAS651", f'a document of nasdsl says `"nasdsl": {VERSION}`', span)
    for needed in ("genotype", "cells"):
        if needed not in members:
            raise foreign.cell_error("NAS651", f"`{needed}` is missing", document.span)
    name = members["genotype"]
    yield f"genotype {_word(foreign, name, _NAME)}", name.span
    if "ops" in members:
        yield f"ops {_word(foreign, members['ops'], _NAME)}", members["ops"].span
    for head, value in _pairs(foreign, members.get("definitions"), "`definitions`"):
        kind, _, defined = head.partition(" ")
        if kind not in ("op", "combine") or not _NAME.fullmatch(defined):
            text = f"{head[:60]!r} is not `op NAME` or `combine NAME`"
            raise foreign.cell_error("NAS651", text, value.span)
        yield f"{head} = {_word(foreign, value, _DEFINITION)}", value.span
    for kind, value in _pairs(foreign, members["cells"], "`cells`"):
        yield from _cell_lines(foreign, kind, value)
    if "network" in members:
        yield "network {", members["network"].span
        for key, value in _pairs(foreign, members["network"], "`network`"):
            yield (
                f"{_matching(foreign, key, _NAME, value.span)} = {_setting(foreign, value)}",
                value.span,
            )
        yield "}", members["network"].span


def _cell_lines(foreign: Foreign, kind: str, cell: LiteralValue) -> TextLines:
    parts = _members(foreign, cell, ("blocks", "output"), "a cell")
    blocks = parts.get("blocks")
    yield f"cell {_matching(foreign, kind, _NAME, cell.span)} {{", cell.span
    for block in _list(foreign, blocks, cell.span, "`blocks`"):
        fields = _members(foreign, block, ("name", "inputs", "ops", "combine"), "a block")
        for needed in ("name", "inputs", "ops", "combine"):
            if needed not in fields:
                raise foreign.cell_error("NAS651", f"`{needed}` is missing", block.span)
        inputs = _words(foreign, fields["inputs"], _STATE, 2)
        ops = _words(foreign, fields["ops"], _NAME, 2)
        name, combine = (_word(foreign, fields[part], _NAME) for part in ("name", "combine"))
        yield f"{name} = ({', '.join([*inputs, *ops, combine])})", block.span
    output = parts.get("output")
    if output is not None:
        yield f"output {_output(foreign, output)}", output.span
    yield "}", cell.span


def _output(foreign: Foreign, value: LiteralValue) -> str:
    if isinstance(value.data, str):
        return _matching(foreign, value.data, re.compile("unused"), value.span)
    pairs = _pairs(foreign, value, "`output`")
    if len(pairs) != 1:
        raise foreign.cell_error("NAS651", "an output is `unused`, `concat` or `each`", value.span)
    ((kind, states),) = pairs
    names = _words(foreign, states, _STATE, None)
    return f"{_matching(foreign, kind, re.compile('concat|each'), value.span)}({', '.join(names)})"


def _setting(foreign: Foreign, value: LiteralValue) -> str:
    data = value.data
    if isinstance(data, bool):
        return str(data).lower()
    if isinstance(data, int | float):
        return repr(data)
    return _word(foreign, value, _NAME)


# -- parts of a document ------------------------------------------------------------------


def _pairs(
    foreign: Foreign, value: LiteralValue | None, what: str
) -> list[tuple[str, LiteralValue]]:
    if value is None:
        return []
    if not isinstance(value.data, dict):
        raise foreign.cell_error("NAS651", f"{what} is not an object", value.span)
    return list(value.data.items())


def _members(
    foreign: Foreign, value: LiteralValue, known: tuple[str, ...], what: str
) -> dict[str, LiteralValue]:
    found = dict(_pairs(foreign, value, what))
    for name, member in found.items():
        if name not in known:
            text = f"{what} has no member {name[:60]!r}"
            raise foreign.cell_error("NAS651", text, member.span, "", f"it has {', '.join(known)}")
    return found


def _list(
    foreign: Foreign, value: LiteralValue | None, place: Span, what: str
) -> list[LiteralValue]:
    if value is None or not isinstance(value.data, list):
        raise foreign.cell_error(
            "NAS651", f"{what} is not a list", place if value is None else value.span
        )
    return value.data


def _words(
    foreign: Foreign, value: LiteralValue, form: "re.Pattern[str]", count: int | None
) -> list[str]:
    parts = _list(foreign, value, value.span, "this")
    if count is not None and len(parts) != count:
        raise foreign.cell_error("NAS651", f"there are {len(parts)} of {count}", value.span)
    return [_word(foreign, part, form) for part in parts]


def _word(foreign: Foreign, value: LiteralValue, form: "re.Pattern[str]") -> str:
    if not isinstance(value.data, str):
        raise foreign.cell_error("NAS651", "this is not a text", value.span)
    return _matching(foreign, value.data, form, value.span)


def _matching(foreign: Foreign, word: str, form: "re.Pattern[str]", span: Span) -> str:
    if not form.fullmatch(word):
        raise foreign.cell_error("NAS651", f"{word[:60]!r} cannot stand here", span)
    return word


# -- writing ------------------------------------------------------------------------------


def write_json(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The genotype as a JSON document."""
    return json.dumps(document(genotype), indent=2) + "\n", []


def write_yaml(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The genotype as a YAML document."""
    import yaml

    made = yaml.safe_dump(document(genotype), sort_keys=False, default_flow_style=None, width=90)
    return str(made), []


def document(genotype: Genotype) -> dict[str, object]:
    """The genotype as plain data: dictionaries, lists, texts, numbers."""
    vocabulary = written_vocabulary(genotype)
    made: dict[str, object] = {"nasdsl": VERSION, "genotype": genotype.name}
    if vocabulary.name:
        made["ops"] = vocabulary.name
    if vocabulary.local:
        made["definitions"] = {
            f"op {name}" if name in vocabulary.op else f"combine {name}": (
                vocabulary.op[name].definition
                if name in vocabulary.op
                else vocabulary.combine[name].definition
            )
            for name in vocabulary.local
        }
    made["cells"] = {
        cell.kind: {
            "blocks": [
                {
                    "name": block.name,
                    "inputs": [str(state) for state in block.inputs],
                    "ops": list(block.ops),
                    "combine": block.combine,
                }
                for block in cell.blocks
            ],
            "output": "unused"
            if cell.output.kind == "unused"
            else {cell.output.kind: [str(state) for state in cell.output.states]},
        }
        for cell in genotype.cells
    }
    given = genotype.settings.given()
    if given:
        made["network"] = dict(given)
    return made


CELL = Format(
    title="nasdsl's own text",
    sign=r"(?m)^[ \t]*(genotype|vocabulary)[ \t]+\w+[ \t]*(#.*)?$",
    read=read_cell,
    write=write_cell,
    endings=(".cell",),
    is_ours=True,
)
JSON = Format(
    title="nasdsl's own data as JSON",
    sign=r'(?s)\A\s*\{.*"nasdsl"\s*:',
    read=read_json,
    write=write_json,
    is_ours=True,
)
YAML = Format(
    title="nasdsl's own data as YAML",
    sign=r"(?m)^nasdsl[ ]*:",
    read=read_yaml,
    write=write_yaml,
    usual_endings=(".yaml", ".yml"),
    is_ours=True,
)
