"""The names of cells that were made in Python, or are read in another vocabulary.

A text's own names are looked up where it is resolved (`nasdsl.language.genotype.resolve`).
"""

from dataclasses import replace

from nasdsl.errors import CellError, Diagnostic, cell_error, listed, name_hints
from nasdsl.language.genotype.types import BlockState, Genotype
from nasdsl.language.genotype.vocabulary import Vocabulary


def require_known_names(genotype: Genotype) -> None:
    """Refuse a genotype that was made in Python with names that mean nothing.

    Raises:
        CellError: NAS201 to NAS204 for ops, combines and states, NAS305 for outputs.
    """
    found: list[Diagnostic] = []
    vocabulary = genotype.vocabulary
    for cell in genotype.cells:
        made: set[str] = set()
        for block in cell.blocks:
            where = f"block `{block.name}` of the {cell.kind} cell"
            for op in block.ops:
                if op not in vocabulary.op:
                    hints = name_hints(op, vocabulary.op, f"the ops are {listed(vocabulary.op)}")
                    found.append(Diagnostic("NAS201", f"unknown op `{op}` in {where}", hints=hints))
            if block.combine not in vocabulary.combine:
                combines = vocabulary.combine
                hints = name_hints(block.combine, combines, f"the combines are {listed(combines)}")
                message = f"unknown combine `{block.combine}` in {where}"
                found.append(Diagnostic("NAS202", message, hints=hints))
            for state in block.inputs:
                if isinstance(state, BlockState) and state.name not in made:
                    message = f"{where} reads `{state}`, which is not a block before it"
                    found.append(Diagnostic("NAS203", message))
            made.add(block.name)
        for state in cell.output.states:
            if isinstance(state, BlockState) and state.name not in made:
                output = f"the output of the {cell.kind} cell"
                message = f"{output} names `{state}`, which is not a block of it"
                found.append(Diagnostic("NAS305", message))
    if found:
        raise CellError(tuple(found))


def in_vocabulary(genotype: Genotype, other: Vocabulary) -> Genotype:
    """The same cells, their names read in another vocabulary.

    What the genotype's own file defines keeps its meaning, as it would had the file named
    that vocabulary.

    Raises:
        CellError: NAS201 or NAS202 for the names it does not have.
    """
    own = genotype.vocabulary
    ops = {**other.op, **{name: own.op[name] for name in own.local if name in own.op}}
    combines = {
        **other.combine,
        **{name: own.combine[name] for name in own.local if name in own.combine},
    }
    blocks = [block for cell in genotype.cells for block in cell.blocks]
    for code, kind, used, known in (
        ("NAS201", "op", {op for block in blocks for op in block.ops}, ops),
        ("NAS202", "combine", {block.combine for block in blocks}, combines),
    ):
        missing = sorted(used - set(known))
        if missing:
            raise cell_error(
                code,
                f"the vocabulary `{other.name}` has no {kind} {listed(missing, 'or')}",
                f"its {kind}s are {listed(known)}",
            )
    vocabulary = Vocabulary(other.name, tuple(ops.values()), tuple(combines.values()), own.local)
    return replace(genotype, vocabulary=vocabulary)
