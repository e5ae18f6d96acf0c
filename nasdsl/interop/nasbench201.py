"""NAS-Bench-201: `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|...~0|...~1|...~2|`.

The string may stand between other words, as in a log or in a program.

Mirrors D-X-Y/AutoDL-Projects, docs/NAS-Bench-201.md: node 0 is the cell's input, each later node
adds an op of every node before it, and the last is the output. A sum of n operands is n - 1
blocks that add; the one operand of node 1 is added to a zero (`none`). That is the same function.
"""

import re
from functools import partial

from nasdsl.errors import CellError, Diagnostic, Span, plural
from nasdsl.interop.dialect import Dialect, cannot_hold, cell_of
from nasdsl.interop.foreign import Entry, Foreign, Options, genotype_name, name_before
from nasdsl.interop.formats import Format
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, State, hidden

_OPS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
DIALECT = Dialect("NAS-Bench-201", "nasbench201", {name: name for name in _OPS}, "nasbench201")
_EDGE = re.compile(r"([^|~+\s]+)~([0-9]{1,3})")
_SIGN = re.compile(r"\|[^|~\s]+~[0-9]")
_RUN = re.compile(r"""[^\s"'()]+""")
_NODES = 4


def find(foreign: Foreign, options: Options) -> list[Entry]:
    """Every string of the text, whatever stands around it.

    Raises:
        CellError: NAS651 where there is none.
    """
    found = [span for span in _runs(foreign.text) if _SIGN.search(foreign.text, *span)]
    if not found and "|" in foreign.text:
        # What is there is no such string; reading it says why.
        found = [foreign.whole]
    if not found:
        raise foreign.cell_error("NAS651", "there is no `|op~0|+|op~0|op~1|+...` in the text")
    return [Entry(name_before(foreign.text, at.start), at, partial(_genotype, at)) for at in found]


def _runs(text: str) -> list[Span]:
    """What reaches from a bar to a bar without a space, except around `+`."""
    found: list[Span] = []
    goes_on = False
    for run in _RUN.finditer(text):
        start, end = run.span()
        joins = bool(found) and (goes_on or text[start] == "+")
        if joins and text[found[-1].end : start].isspace():
            found[-1] = Span(found[-1].start, end)
        elif (bar := text.find("|", start, end)) >= 0:
            found.append(Span(bar, end))
        goes_on = text[end - 1] == "+"
    return [Span(span.start, text.rindex("|", *span) + 1) for span in found]


def _genotype(span: Span, foreign: Foreign, name: str) -> Genotype:
    """A normal cell alone."""
    nodes: list[list[str]] = []
    at = span.start
    for part in foreign.text[span.start : span.end].split("+"):
        nodes.append(_edges(foreign, part, at, len(nodes) + 1))
        at += len(part) + 1
    if len(nodes) != _NODES - 1:
        text = f"{plural(len(nodes), 'node')} after the input; a cell has {_NODES - 1}"
        raise foreign.cell_error("NAS651", text, span)
    blocks: list[Block] = []
    states: list[State] = [hidden(0)]
    for ops in nodes:
        states.append(_sum_of(blocks, states, ops))
    cell = cell_of("normal", blocks, states[-1:])
    return DIALECT.genotype(genotype_name(name, "nasbench201_cell"), [cell])


def _edges(foreign: Foreign, part: str, at: int, node: int) -> list[str]:
    """The ops of a node's edges, from state 0 on."""
    bare = part.strip()
    span = Span(at, at + max(len(part), 1)) if at < len(foreign.text) else None
    if len(bare) < 2 or not (bare.startswith("|") and bare.endswith("|")):
        raise foreign.cell_error("NAS651", "a node is written `|op~0|...|`", span)
    found: dict[int, str] = {}
    offset = at + part.index("|") + 1
    for edge in bare[1:-1].split("|"):
        place = Span(offset, offset + max(len(edge), 1))
        offset += len(edge) + 1
        match = _EDGE.fullmatch(edge)
        if match is None:
            raise foreign.cell_error("NAS651", "an edge is written `op~node`", place)
        index = int(match.group(2))
        if index >= node or index in found:
            text = f"node {node} reads each of the nodes 0 to {node - 1} once, not {index}"
            raise foreign.cell_error("NAS653", text, place)
        found[index] = DIALECT.op(foreign, match.group(1), place)
    if len(found) != node:
        text = f"node {node} has {len(found)} edges; it reads all {node} before it"
        raise foreign.cell_error("NAS651", text, span)
    return [found[index] for index in range(node)]


def _sum_of(blocks: list[Block], states: list[State], ops: list[str]) -> State:
    """Append the blocks that add op k of state k, for all k; the state that holds the sum."""

    def block(inputs: tuple[State, State], pair: tuple[str, str]) -> State:
        blocks.append(Block(f"b{len(blocks)}", inputs, pair, "add"))
        return BlockState(blocks[-1].name)

    if len(ops) == 1:
        return block((states[0], states[0]), (ops[0], "none"))
    total = block((states[0], states[1]), (ops[0], ops[1]))
    for state, op in zip(states[2:], ops[2:], strict=True):
        total = block((total, state), ("skip_connect", op))
    return total


def write(genotype: Genotype, options: Options) -> tuple[str, list[Diagnostic]]:
    """The string of the normal cell.

    Raises:
        CellError: the cell is not of that form (NAS654), up to the order of operands.
    """
    names = DIALECT.op_names(genotype)
    cell = genotype.cell("normal")
    if len(genotype.cells) != 1 or cell is None:
        raise CellError((cannot_hold(DIALECT.title, "more than a normal cell"),))
    nodes = _nodes(cell, names)
    if nodes is None:
        what = "this cell: its nodes add an op of each node before them, the last is the output"
        raise CellError((cannot_hold(DIALECT.title, what),))
    parts = ("".join(f"|{op}~{at}" for at, op in enumerate(ops)) + "|" for ops in nodes)
    return "+".join(parts) + "\n", DIALECT.losses(genotype)


def _nodes(cell: Cell, names: dict[str, str]) -> list[list[str]] | None:
    """The ops of each node where the cell's four blocks are those that `read` makes."""
    if len(cell.blocks) != _NODES or cell.output_states != (BlockState(cell.blocks[3].name),):
        return None
    one, two, part, last = ([*zip(b.inputs, b.ops, strict=True)] for b in cell.blocks)
    b0, b1, b2 = (BlockState(block.name) for block in cell.blocks[:3])
    first = _only(one, hidden(0), names)
    second = _by_state(two, (hidden(0), b0))
    third = _by_state(part, (hidden(0), b0))
    fourth = _by_state(last, (b2, b1))
    if first is None or second is None or third is None or fourth is None:
        return None
    if names[fourth[0]] != "skip_connect":
        return None
    ops = [[first], second, [*third, fourth[1]]]
    return [[names[op] for op in node] for node in ops]


def _only(operands: list[tuple[State, str]], state: State, names: dict[str, str]) -> str | None:
    """The op of the operand that is not the zero that stands for nothing.

    What is zero is told by the benchmark's names: another vocabulary may call something else so.
    """
    (left, left_op), (right, right_op) = operands
    if left != state or right != state:
        return None
    if names[right_op] == "none":
        return left_op
    return right_op if names[left_op] == "none" else None


def _by_state(operands: list[tuple[State, str]], states: tuple[State, State]) -> list[str] | None:
    """The ops in the order of `states`, where the operands read those."""
    found = dict(operands)
    return [found[state] for state in states] if set(found) == set(states) else None


FORMAT = Format(
    title="the string of NAS-Bench-201",
    sign=_SIGN.pattern,
    find=find,
    write=write,
)
