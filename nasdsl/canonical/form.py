"""The canonical form of a genotype, its encoding and its hash.

Purpose: equal forms, equal encodings and equal hashes for genotypes that are the same
function class up to names and order, and for no others (a hash of 64 bits apart).
Functions that are equal by other means (a sum of three in another order) have different forms,
and blocks with equal definitions are not merged, because each has its own weights.

That is the form `structure`. The coarser form `function` has equal hashes for genotypes that
compute the same with suitable weights (`nasdsl.canonical.function`).

What does not matter: names of the genotype and its blocks, the order of blocks, the order
of the two operands (an input and its op) of a combine that sums, the order of a `concat`
output, `output unused` written out, blocks that reach no output, network settings, and
names of ops and combines: their definitions count.
"""

from hashlib import blake2b
from typing import Literal, get_args

from nasdsl.canonical.dag import HIDDEN, Dag, DagOperand, cell_dag
from nasdsl.canonical.function import ALL_RULES, STRICT_RULES, FunctionForm
from nasdsl.canonical.order import TooSymmetric, canonical_order
from nasdsl.errors import CellError, cell_error, listed, name_hints
from nasdsl.language.genotype.types import (
    CELL_KINDS,
    Block,
    Cell,
    Genotype,
    Output,
    State,
    block_state,
    hidden,
)
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.values import require_types, shown

#: What a hash may tell apart.
CanonicalForm = Literal["structure", "function", "function_strict"]
FORMS: tuple[CanonicalForm, ...] = get_args(CanonicalForm)

#: Changes whenever the encoding does, so that hashes of two versions never meet.
VERSION = b"nasdsl canonical form 1\n"


def canonical_form(genotype: Genotype) -> Genotype:
    """The genotype that stands for all that are the same up to names and order.

    Blocks are called b0, b1, ... in canonical order, which is an order they can be
    computed in; operands that may be exchanged are sorted, and the output is written out.
    The name is `canonical_` and the hash, settings are left out, and where a vocabulary
    has two names for one definition the first is taken. Over one vocabulary, two
    genotypes have equal canonical forms if and only if they are the same up to names and
    order; the form of a form is itself. A cell that passes on its inputs alone has a form
    without blocks, which no file can hold.

    Raises:
        CellError: a cell is too symmetric (NAS603).
    """
    require_types(genotype=(genotype, Genotype))
    cells = tuple(_canonical_cell(cell, genotype.vocabulary) for cell in _in_order(genotype))
    name = f"canonical_{canonical_hash(genotype)}"
    return Genotype(name, genotype.vocabulary, cells)


def canonical_hash(genotype: Genotype, form: CanonicalForm = "structure") -> str:
    """16 hexadecimal digits that are equal for genotypes with one form.

    It is the same in every run and on every machine. Different genotypes have equal hashes with a
    chance of one in 2^64. The hash of a structure is BLAKE2b with 8 bytes over `VERSION` and the
    encodings of the cells, normal first.

    Args:
        genotype: any genotype.
        form: what is equal: `structure`, genotypes that are the same up to names and order;
            `function`, those that compute the same with suitable weights, where zero stays zero
            after a normalisation; `function_strict`, those of which that holds whatever a
            normalisation adds.

    Raises:
        CellError: no form is called that (NAS008), or a cell is too symmetric for the form of its
            structure (NAS603).
    """
    require_types(genotype=(genotype, Genotype))
    require_form(form)
    if form != "structure":
        return function_form(genotype.vocabulary, form).hash(genotype)
    digest = blake2b(VERSION, digest_size=8)
    for cell in _in_order(genotype):
        digest.update(cell_encoding(cell, genotype.vocabulary))
    return digest.hexdigest()


def function_form(vocabulary: Vocabulary, form: CanonicalForm) -> FunctionForm:
    """The rules of `function` or `function_strict` over a vocabulary."""
    require_types(vocabulary=(vocabulary, Vocabulary))
    return FunctionForm(vocabulary, STRICT_RULES if form == "function_strict" else ALL_RULES)


def require_form(form: object) -> None:
    """Refuse what is not a name of a form.

    Raises:
        CellError: NAS008.
    """
    if form not in FORMS:
        raise cell_error(
            "NAS008",
            f"form is {listed(FORMS, 'or')}, not {shown(form)}",
            *(name_hints(form, FORMS) if isinstance(form, str) else ()),
        )


def equivalent(a: Genotype, b: Genotype) -> bool:
    """Whether two genotypes are the same up to names and order, settings apart.

    Raises:
        CellError: a cell is too symmetric (NAS603).
    """
    require_types(a=(a, Genotype), b=(b, Genotype))
    encodings = [
        [cell_encoding(cell, each.vocabulary) for cell in _in_order(each)] for each in (a, b)
    ]
    return encodings[0] == encodings[1]


def cell_encoding(cell: Cell, vocabulary: Vocabulary) -> bytes:
    r"""The canonical form of one cell as text.

    `cell KIND`, then a line for each block in canonical order, `STATE OP;STATE OP;COMBINE`,
    then `concat STATE STATE ...` or `each STATE ...`. A state is the number of a block or
    `h` and a number (`h0` is `h[i]`); ops and combines are their definitions, which have
    neither `;` nor line ends.

    Raises:
        CellError: the cell is too symmetric (NAS603).
    """
    require_types(cell=(cell, Cell), vocabulary=(vocabulary, Vocabulary))
    dag = cell_dag(cell, vocabulary)
    order = _order(dag, cell)
    place = _places(order)
    lines = [f"cell {cell.kind}"]
    for block in order:
        (left, left_op), (right, right_op) = _operands(dag, block, place)
        lines.append(
            f"{_state_code(left)} {left_op};{_state_code(right)} {right_op};{dag.combines[block]}"
        )
    lines.append(" ".join([_output_kind(dag), *map(_state_code, _output(dag, place))]))
    return "\n".join([*lines, ""]).encode()


def _in_order(genotype: Genotype) -> list[Cell]:
    return sorted(genotype.cells, key=lambda cell: CELL_KINDS.index(cell.kind))


def _order(dag: Dag, cell: Cell) -> list[int]:
    try:
        return canonical_order(dag)
    except TooSymmetric:
        raise _too_symmetric(cell) from None


def _too_symmetric(cell: Cell) -> CellError:
    return cell_error(
        "NAS603",
        f"the cell `{cell.kind}` is too symmetric: finding its canonical form takes too long",
        "make blocks differ in an op or in an input; such blocks are distinguished at once",
    )


def _places(order: list[int]) -> list[int]:
    places = [0] * len(order)
    for place, block in enumerate(order):
        places[block] = place
    return places


def _operands(dag: Dag, block: int, place: list[int]) -> tuple[DagOperand, DagOperand]:
    """What a block reads by canonical numbers, sorted where the operands may be exchanged."""
    (left, left_op), (right, right_op) = dag.operands[block]
    one = (place[left] if left >= 0 else left, left_op)
    other = (place[right] if right >= 0 else right, right_op)
    return (other, one) if other < one and not dag.ordered[block] else (one, other)


def _output(dag: Dag, place: list[int]) -> list[int]:
    states = [place[state] if state >= 0 else state for state in dag.output]
    return states if dag.each else sorted(states)


def _output_kind(dag: Dag) -> str:
    return "each" if dag.each else "concat"


def _state_code(state: int) -> str:
    return str(state) if state >= 0 else f"h{state - HIDDEN}"


def _canonical_cell(cell: Cell, vocabulary: Vocabulary) -> Cell:
    dag = cell_dag(cell, vocabulary)
    order = _order(dag, cell)
    place = _places(order)
    op_name = {op.definition: op.name for op in reversed(vocabulary.ops)}
    combine_name = {each.definition: each.name for each in reversed(vocabulary.combines)}
    blocks = []
    for at, block in enumerate(order):
        (left, left_op), (right, right_op) = _operands(dag, block, place)
        blocks.append(
            Block(
                f"b{at}",
                (_state(left), _state(right)),
                (op_name[left_op], op_name[right_op]),
                combine_name[dag.combines[block]],
            )
        )
    states = tuple(map(_state, _output(dag, place)))
    return Cell(cell.kind, tuple(blocks), Output("each" if dag.each else "concat", states))


def _state(number: int) -> State:
    return block_state(f"b{number}") if number >= 0 else hidden(number - HIDDEN)
