"""Genotypes and spaces as text: the one canonical printed form of a `.cell` file.

Purpose: `loads(genotype_text(g)) == g`, and the formatter leaves the text as it is. Definitions
that come from a file beside the text that was read are written out, because the file may not lie
beside this one.
Comments and an author's layout are not kept; the formatter, which prints syntax trees, keeps them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Genotype, Output, Space
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.language.printer.lines import INDENT, aligned_tuples, column_width, definition_lines
from nasdsl.values import Value, require_types


def genotype_text(genotype: Genotype) -> str:
    """The `.cell` text of `genotype`, in the formatter's style, with a final newline."""
    require_types(genotype=(genotype, Genotype))
    cells = (
        (
            cell.kind,
            [(f"{block.name} =", block.fields) for block in cell.blocks],
            cell.output,
        )
        for cell in genotype.cells
    )
    return _text(genotype.name, written_vocabulary(genotype), cells, genotype.settings)


def written_vocabulary(genotype: Genotype) -> Vocabulary:
    """The vocabulary as a text of the genotype states it; see `Vocabulary.written_out`."""
    blocks = [block for cell in genotype.cells for block in cell.blocks]
    return genotype.vocabulary.written_out(
        {name for block in blocks for name in (*block.ops, block.combine)}
    )


def space_text(space: Space) -> str:
    """The `.cell` text of `space`; every field left open lists its options.

    `?` is never printed: what it stands for depends on the rest of the file, and a list
    of options always means the same.
    """
    require_types(space=(space, Space))
    cells = (
        (
            cell.kind,
            [
                (f"{block.name} =", [_choice(options) for options in block.decisions])
                for block in cell.blocks
            ],
            cell.output,
        )
        for cell in space.cells
    )
    blocks = [block for cell in space.cells for block in cell.blocks]
    used = {name for block in blocks for names in (*block.ops, block.combines) for name in names}
    return _text(space.name, space.vocabulary.written_out(used), cells, space.settings)


_Row = tuple[str, Sequence[str]]


def _text(
    name: str,
    vocabulary: Vocabulary,
    cells: Iterable[tuple[str, Sequence[_Row], Output]],
    settings: Settings,
) -> str:
    header = f"genotype {name}"
    items = [f"{header}\nops {vocabulary.name}" if vocabulary.name else header]
    if vocabulary.local:
        items.append("\n".join(_definitions(vocabulary)))
    for kind, rows, output in cells:
        lines = [f"cell {kind} {{", *aligned_tuples(rows), f"output {output_text(output)}"]
        items.append(f"\n{INDENT}".join(lines) + "\n}")
    given = settings.given()
    if given:
        items.append(_network(given))
    return "\n\n".join(items) + "\n"


def _choice(options: Sequence[object]) -> str:
    if len(options) == 1:
        return str(options[0])
    return f"{{{' | '.join(map(str, options))}}}"


def _definitions(vocabulary: Vocabulary) -> Iterator[str]:
    """The file's own definitions, the `=` of neighbours of one kind under one another."""
    kinds = [("op" if name in vocabulary.op else "combine", name) for name in vocabulary.local]
    for kind, run in groupby(kinds, key=itemgetter(0)):
        names = [name for _, name in run]
        width = column_width(names)
        for name in names:
            head = f"{kind} {name:<{width}} ="
            if kind == "op":
                yield from definition_lines(head, list(map(str, vocabulary.op[name].forms)))
            else:
                yield from definition_lines(head, [vocabulary.combine[name].definition])


def output_text(output: Output) -> str:
    """What stands after the word `output`: `unused`, `concat(b0, b1)`, ..."""
    if output.kind == "unused":
        return "unused"
    return f"{output.kind}({', '.join(map(str, output.states))})"


def _network(given: dict[str, Value]) -> str:
    width = column_width(given)
    lines = [f"{INDENT}{key:<{width}} = {setting_text(value)}" for key, value in given.items()]
    return "\n".join(["network {", *lines, "}"])


def setting_text(value: Value) -> str:
    """A network setting's value as a file writes it: `true`, `0.5`, `imagenet`, ..."""
    return str(value).lower() if isinstance(value, bool) else str(value)
