"""What a caller asks for: a genotype from any source, and settings by keyword.

Purpose: `requested`, which the functions of the Python API share, and `cost`, the first of
them.
Non-goals: flags of the command line (`nasdsl.cli`); what settings mean together
(`nasdsl.network.skeleton`).
"""

from dataclasses import replace
from typing import Any

from nasdsl import library
from nasdsl.errors import CellError, Diagnostic, cell_error, listed, nearest
from nasdsl.language.genotype.settings import RULES, Settings
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.loading import NameOrPath, load
from nasdsl.network.cost import Cost, genotype_cost
from nasdsl.values import shown


def cost(source: NameOrPath | Genotype, *, ops: str | None = None, **settings: object) -> Cost:
    """What a network costs: parameters, mult-adds and activations, without building it.

    Args:
        source: a library name, a path or a genotype.
        ops: another vocabulary of the library for the same cells.
        **settings: network settings by name (`nasdsl.Settings`); they win over the file's.

    Returns:
        Integers `params` (trained), `params_total` (with batch norm's moving statistics),
        `mult_adds` (convolutions and linear layers, one image), `activations` (numbers the
        primitives write for one image); the same by module and by op.

    Raises:
        CellError: the text, the settings or their combination have mistakes.
    """
    return genotype_cost(requested(source, ops=ops, **settings))


def requested(
    source: NameOrPath | Genotype, *, ops: str | None = None, **settings: object
) -> Genotype:
    """The genotype of a source, in another vocabulary if asked, with settings put over its own.

    Raises:
        CellError: besides what `load` raises, NAS501 for an unknown setting, NAS502 for a
            value a setting cannot have, NAS201 and NAS202 for names the vocabulary lacks.
    """
    genotype = source if isinstance(source, Genotype) else load(source)
    if ops is not None:
        genotype = in_vocabulary(genotype, library.vocabulary(ops))
    return genotype.with_settings(genotype.settings.override(chosen_settings(settings)))


def chosen_settings(values: dict[str, object]) -> Settings:
    """Settings from keyword arguments; None leaves a setting as it is.

    Raises:
        CellError: every unknown setting (NAS501) and illegal value (NAS502), at once.
    """
    findings: list[Diagnostic] = []
    chosen: dict[str, Any] = {}
    for name, value in values.items():
        if name not in RULES:
            guess = nearest(name, RULES)
            hint = f"did you mean `{guess}`?" if guess else f"the settings are {listed(RULES)}"
            findings.append(
                Diagnostic("NAS501", f"unknown network setting `{name}`", hints=(hint,))
            )
        elif value is not None:
            chosen[name] = RULES[name].legal(value)
            if chosen[name] is None:
                wants = RULES[name].description
                findings.append(Diagnostic("NAS502", f"{name} is {wants}, not {shown(value)}"))
    if findings:
        raise CellError(tuple(findings))
    return Settings(**chosen)


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
