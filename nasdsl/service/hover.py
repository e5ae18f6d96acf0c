"""What an editor shows about the word under the pointer, as markdown."""

from collections.abc import Iterable
from typing import NamedTuple

from nasdsl import library
from nasdsl.errors import Span, listed
from nasdsl.language.genotype.settings import RULES
from nasdsl.language.genotype.types import BlockSpace, CellSpace
from nasdsl.primitives import ARGUMENTS, layer_of
from nasdsl.service.document import Document
from nasdsl.service.figures import block_cost, rounded, shape, short
from nasdsl.service.names import Name

# A list of options longer than this is cut.
_MOST = 12


class Hover(NamedTuple):
    """Markdown about the text at `span`."""

    markdown: str
    span: Span


def hover(document: Document, offset: int) -> Hover | None:
    """What is known about the name at an offset; None where nothing is.

    A block: what it computes, its shape in units of the cell's filters, and its cost in the
    network. An op or a combine: its chain. A hole: its options.
    """
    name = document.name_at(offset)
    if name is None:
        return None
    markdown = _about(document, name)
    return Hover(markdown, name.span) if markdown else None


def _about(document: Document, name: Name) -> str:
    vocabulary = document.analysis.resolution.vocabulary
    match name.role:
        case "block":
            return _block(document, name)
        case "hidden":
            return _hidden(name.text)
        case "hole":
            return _hole(document, name)
        case "op" if name.text in vocabulary.op:
            op = vocabulary.op[name.text]
            able = "can reduce" if op.can_reduce else "cannot reduce"
            return _definition("op", op.name, op.definition, f"{able}; {_from(document, name)}")
        case "combine" if name.text in vocabulary.combine:
            combine = vocabulary.combine[name.text]
            return _definition("combine", combine.name, combine.definition, _from(document, name))
        case "primitive":
            record = layer_of(name.text)
            takes = listed(record.arguments) if record is not None else ""
            text = f"primitive `{name.text}`: {record.help}" if record is not None else ""
            return f"{text}\n\nIt takes {takes}." if takes else text
        case "argument" if name.text in ARGUMENTS:
            example = ARGUMENTS[name.text].example or name.text
            return f"argument `{example}` of `{name.owner}`"
        case "setting" if name.text in RULES:
            rule = RULES[name.text]
            about = f"{rule.sentence} It is {rule.description}; the default is {rule.default}."
            return f"setting `{name.text}`: {about}"
        case "setting" if name.text == "genotype":
            return "setting `genotype`: the genotype whose cells are stacked"
        case "vocabulary":
            return (
                f"vocabulary `{name.text}`: {len(vocabulary.ops)} ops and "
                f"{len(vocabulary.combines)} combines\n\n"
                f"{listed(vocabulary.op)}; {listed(vocabulary.combine)}"
            )
        case "genotype":
            return _genotype(document, name)
        case "kind":
            return _kind(document, name)
    return ""


# -- blocks and cells ------------------------------------------------------------------------


def _blocks(document: Document, name: Name) -> list[tuple[CellSpace, int]]:
    """The blocks that a name means in its cell, or that have a hole."""
    if name.role == "hole" or name.defines:
        return document.blocks_at.get(name.span, [])
    cell = _cell(document, name)
    indices = [] if cell is None else range(len(cell.blocks))
    return [(cell, i) for i in indices if cell is not None and cell.blocks[i].name == name.text]


def _cell(document: Document, name: Name) -> CellSpace | None:
    """The cell in which a name stands."""
    kind = next(
        (each.text for each in document.names if each.role == "kind" and each.cell == name.cell), ""
    )
    return next((cell for cell in document.cells if cell.kind == kind), None)


def _block(document: Document, name: Name) -> str:
    found = _blocks(document, name)
    if not found:
        return ""
    cell, index = found[0]
    block = cell.blocks[index]
    lines = [
        f"block `{block.name}` of the {cell.kind} cell",
        _code(f"{block.name} = {_computation(block)}"),
        f"Shape: {shape(cell, document.widths[cell.kind][index])}",
    ]
    if document.cost is not None:
        lines.append(_costs(document, cell, block.name))
    return "\n\n".join(lines)


def _computation(block: BlockSpace) -> str:
    """`add(sep_conv_3x3(h[i]), identity(h[i-1]))`."""
    (left, right), (left_op, right_op) = block.inputs, block.ops
    sides = [
        f"{_options(ops)}({_options(map(str, states))})"
        for ops, states in ((left_op, left), (right_op, right))
    ]
    return f"{_options(block.combines)}({', '.join(sides)})"


def _options(found: Iterable[str]) -> str:
    words = tuple(found)
    if len(words) == 1:
        return words[0]
    more = f" | {len(words) - _MOST} more" if len(words) > _MOST else ""
    return f"{{{' | '.join(words[:_MOST])}{more}}}"


def _costs(document: Document, cell: CellSpace, name: str) -> str:
    assert document.cost is not None
    assert document.configuration is not None
    count, cells = block_cost(document.cost, cell, [name])
    times = f"in {cells} {'cell' if cells == 1 else 'cells'}"
    return (
        f"In the network {document.configuration.size}: {short(count.params)} parameters and "
        f"{short(count.mult_adds)} mult-adds {times}"
    )


def _hidden(text: str) -> str:
    back = text.removeprefix("h[i").removesuffix("]").removeprefix("-")
    if text == "h[i]" or back == "0":
        return "hidden state `h[i]`: the newest, the last output of the cell before"
    if not back.isdigit():
        return ""
    return f"hidden state `{text}`: {back} before the newest, counted back from `h[i]`"


def _hole(document: Document, name: Name) -> str:
    options: dict[int, tuple[str, ...]] = {}
    for cell, index in document.blocks_at.get(name.span, []):
        place = document.analysis.resolution.places[cell.kind].blocks[index]
        decision = cell.blocks[index].decisions[place.fields.index(name.span)]
        options[len(decision)] = tuple(map(str, decision))
    if not options:
        return ""
    least, most = min(options), max(options)
    number = f"{most}" if least == most else f"{least} to {most}"
    return f"hole: {number} {'option' if most == 1 else 'options'}\n\n{listed(options[most], 'or')}"


def _kind(document: Document, name: Name) -> str:
    cell = _cell(document, name)
    does = {"normal": "keeps the size of its inputs", "reduction": "halves their height and width"}
    if cell is None or name.text not in does:
        return ""
    number = len(cell.blocks)
    return f"{name.text} cell: {does[name.text]}; {number} {'block' if number == 1 else 'blocks'}"


def _genotype(document: Document, name: Name) -> str:
    from nasdsl.space import count

    if not name.defines:
        known = name.text in library.names()
        return f"genotype `{name.text}`{' of the library' if known else ''}"
    if document.cost is not None and document.configuration is not None:
        return (
            f"genotype `{name.text}` as network {document.configuration.size}: "
            f"{short(document.cost.params)} parameters, {short(document.cost.mult_adds)} mult-adds"
        )
    if document.genotype is not None:
        return f"genotype `{name.text}`"
    if document.space is not None:
        return f"space `{name.text}` of {rounded(count(document.space))} genotypes"
    return ""


# -- definitions -----------------------------------------------------------------------------


def _definition(kind: str, name: str, right: str, remark: str) -> str:
    return f"{_code(f'{kind} {name} = {right}')}\n\n{remark}"


def _from(document: Document, name: Name) -> str:
    vocabulary = document.analysis.resolution.vocabulary
    local = name.text in vocabulary.local or any(
        each.defines and (each.role, each.text) == (name.role, name.text) for each in document.names
    )
    return "defined in this file" if local else f"from the vocabulary `{vocabulary.name}`"


def _code(text: str) -> str:
    return f"```cell\n{text}\n```"
