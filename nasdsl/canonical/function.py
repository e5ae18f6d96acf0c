"""The function form: what a cell computes, with all that changes nothing left out.

Purpose: terms, one for each thing that a cell computes on its way, and equal exactly where the
rules (`Rule`) make two things equal; and which rules make two genotypes equal (`agreement`).

The rules are read off the layers of which the vocabulary makes ops, never off names. An op with
several forms is one layer here, because which of them it takes depends on where the cell stands;
and a layer that takes the cell's stride is another one where it reads an input of the cell.

Two networks whose terms are equal compute the same for suitable weights, in evaluation and in
training: what is computed twice in one and once in the other has equal weights. Drop path, which
draws for each op, is left out. Batch norm's shift makes a constant of zero; that it stays zero is
assumed, as the benchmarks of cells do, unless the rule `SHIFT` is left out (the strict reading).

There is no rule for a pool that is applied twice. A maximum of 3x3 pixels after another one is the
maximum of 5x5 pixels: no pool is idempotent but that of 1x1.
Non-goals: `canonical_hash` of structures, by which stores find equal networks
(`nasdsl.canonical.form`).
"""

from collections.abc import Collection, Iterator, Sequence
from enum import Enum
from hashlib import blake2b
from itertools import combinations
from typing import NamedTuple

from nasdsl.language.genotype.types import (
    CELL_KINDS,
    Cell,
    CellKind,
    Genotype,
    Hidden,
    State,
    block_state,
)
from nasdsl.language.genotype.vocabulary import Layer, Op, Vocabulary
from nasdsl.values import require_types

#: What a state is: a sum of terms, sorted; no term is zero.
TermSum = tuple[str, ...]

#: Layers that give zero for zero, whatever their weights.
_KEEP_ZERO = frozenset(
    {
        *("zero", "identity", "relu", "avg_pool", "max_pool"),
        *("conv", "pointwise", "depthwise", "factorized_reduce"),
    }
)
#: Layers that shift: zero only while the shift is.
_SHIFT = frozenset({"batch_norm", "layer_norm", "instance_norm"})
#: Layers that make nothing negative of what is never negative.
_POOLS = frozenset({"avg_pool", "max_pool"})
_VERSION = b"nasdsl function form 1\n"
#: The terms of so many cells are kept.
_REMEMBERED = 20_000


class Rule(Enum):
    """What makes two different structures one function; the value says it in words."""

    IDENTITY = "an identity passes its input on"
    ZERO = "zero vanishes in a sum, and is zero after a layer that maps zero to zero"
    SHIFT = "zero is zero after a normalisation, too, as long as its shift is zero"
    SUM = "a sum of sums is one sum, in any order"
    RELU = "ReLU changes nothing where nothing is negative"


ALL_RULES = frozenset(Rule)
#: What holds whatever the weights are.
STRICT_RULES = ALL_RULES - {Rule.SHIFT}


class _Layer(NamedTuple):
    """What matters of a layer; its labels are those elsewhere and where it reads a cell's input."""

    labels: tuple[str, str]
    keeps_zero: bool = False
    is_zero: bool = False
    is_relu: bool = False
    is_pool: bool = False


class TermDefinition(NamedTuple):
    """How a term is made: by the layers of an op or a combine, of the values it reads."""

    label: str
    reads: tuple[TermSum, ...]


class Terms(NamedTuple):
    """The terms of a cell.

    Attributes:
        kind: the cell's.
        ordered: whether the order of the outputs counts, as in `output each`.
        outputs: the value of each state that the cell passes on; sorted where their order does not
            count.
        steps: how each term is made, but for the inputs of the cell, `h0`, `h1`, ...
    """

    kind: CellKind
    ordered: bool
    outputs: tuple[TermSum, ...]
    steps: dict[str, TermDefinition]


class FunctionForm:
    """The rules over one vocabulary.

    Args:
        vocabulary: what ops and combines mean.
        rules: those that apply.
    """

    def __init__(self, vocabulary: Vocabulary, rules: Collection[Rule] = ALL_RULES) -> None:
        self.rules = rules
        self._terms: dict[Cell, Terms] = {}
        self.ops = {op.name: self._op_layers(op) for op in vocabulary.ops}
        self.combines = {
            each.name: (each.operation == "sum", self._layers(each.layers))
            for each in vocabulary.combines
        }

    def hash(self, genotype: Genotype) -> str:
        """16 hexadecimal digits that are equal for genotypes with equal function forms.

        Different forms have equal hashes with a chance of one in 2^64.
        """
        digest = blake2b(_VERSION, digest_size=8)
        for terms in self.terms(genotype):
            output = f"{terms.kind} {'each' if terms.ordered else 'concat'}"
            digest.update(_digest(output, terms.outputs).encode())
        return digest.hexdigest()

    def terms(self, genotype: Genotype) -> Iterator[Terms]:
        """The terms of each cell, normal first."""
        for cell in sorted(genotype.cells, key=lambda cell: CELL_KINDS.index(cell.kind)):
            # The hash and the features of a member have the same terms, and its neighbours'
            # other cell has them, too.
            found = self._terms.get(cell)
            if found is None:
                if len(self._terms) >= _REMEMBERED:
                    self._terms.clear()
                found = self._terms[cell] = self._cell_terms(cell)
            yield found

    def _cell_terms(self, cell: Cell) -> Terms:
        values: dict[State, TermSum] = {}
        steps: dict[str, TermDefinition] = {}
        nonnegative: set[str] = set()
        for block in cell.blocks:
            left, right = (
                _chain(
                    self.ops[op],
                    _value(state, values),
                    isinstance(state, Hidden),
                    steps,
                    nonnegative,
                )
                for state, op in zip(block.inputs, block.ops, strict=True)
            )
            sums, layers = self.combines[block.combine]
            if not sums:
                made = _step("concat", (left, right), steps)
            elif left and right and Rule.SUM not in self.rules:
                made = _step("sum", (min(left, right), max(left, right)), steps)
            else:
                made = tuple(sorted(left + right))
            values[block_state(block.name)] = _chain(layers, made, False, steps, nonnegative)
        outputs = [_value(state, values) for state in cell.output_states]
        ordered = cell.output.kind == "each"
        return Terms(cell.kind, ordered, tuple(outputs if ordered else sorted(outputs)), steps)

    def _op_layers(self, op: Op) -> tuple[_Layer, ...]:
        if len(op.forms) > 1:
            keeps = all(self._keeps_zero(layer) for form in op.forms for layer in form.layers)
            return (_Layer((op.definition, f"{op.definition} /"), keeps),)
        found = self._layers(op.forms[0].layers)
        if found or Rule.IDENTITY in self.rules:
            return found
        return (_Layer(("identity", "identity"), self._keeps_zero(Layer("identity"))),)

    def _layers(self, layers: Sequence[Layer]) -> tuple[_Layer, ...]:
        zero, relu = Rule.ZERO in self.rules, Rule.RELU in self.rules
        return tuple(
            _Layer(
                (str(layer), f"{layer} /" if _strides(layer) else str(layer)),
                self._keeps_zero(layer),
                zero and layer.primitive == "zero",
                relu and layer.primitive == "relu",
                relu and layer.primitive in _POOLS,
            )
            for layer in layers
            if layer.primitive != "identity" or Rule.IDENTITY not in self.rules
        )

    def _keeps_zero(self, layer: Layer) -> bool:
        if Rule.ZERO not in self.rules:
            return False
        return layer.primitive in _KEEP_ZERO or (
            layer.primitive in _SHIFT and Rule.SHIFT in self.rules
        )


def _strides(layer: Layer) -> bool:
    return any(layer.stride) or layer.record.implicit_stride


def _chain(
    layers: tuple[_Layer, ...],
    value: TermSum,
    strides: bool,
    steps: dict[str, TermDefinition],
    nonnegative: set[str],
) -> TermSum:
    """What a chain makes of a value: one step, where anything is done to it."""
    labels: list[str] = []
    start, made = value, value
    for layer in layers:
        if layer.is_zero or (not made and layer.keeps_zero):
            labels, start, made = [], (), ()
            continue
        stays = nonnegative.issuperset(made)
        if layer.is_relu and stays:
            continue
        labels.append(layer.labels[strides])
        made = (_digest(labels[-1], (made,)),)
        if layer.is_relu or (layer.is_pool and stays):
            nonnegative.add(made[0])
    if labels:
        steps.setdefault(made[0], TermDefinition(", ".join(labels), (start,)))
    return made


def _step(label: str, reads: tuple[TermSum, ...], steps: dict[str, TermDefinition]) -> TermSum:
    """The value of one step, which is noted."""
    made = _digest(label, reads)
    steps[made] = TermDefinition(label, reads)
    return (made,)


def _value(state: State, values: dict[State, TermSum]) -> TermSum:
    return (f"h{state.back}",) if isinstance(state, Hidden) else values[state]


def _digest(label: str, reads: tuple[TermSum, ...]) -> str:
    # Nearly every step reads one value.
    read = ",".join(reads[0]) if len(reads) == 1 else ";".join(map(",".join, reads))
    text = f"{label}\n{read}"
    return blake2b(text.encode(), digest_size=8).hexdigest()


def agreement(a: Genotype, b: Genotype) -> tuple[Rule, ...] | None:
    """The fewest rules under which `a` and `b` compute the same; None where no rules do that.

    Empty where they compute the same without any rule. Two things hold without one: what is
    computed twice, with equal weights, may be computed once, and ops that follow each other are
    one chain of layers, however blocks divide it.
    """
    require_types(a=(a, Genotype), b=(b, Genotype))
    rules = list(Rule)
    if not _agree(a, b, rules):
        return None
    smaller = (found for size in range(len(rules)) for found in combinations(rules, size))
    return next((found for found in smaller if _agree(a, b, found)), tuple(rules))


def _agree(a: Genotype, b: Genotype, rules: Collection[Rule]) -> bool:
    return len({FunctionForm(each.vocabulary, rules).hash(each) for each in (a, b)}) == 1
