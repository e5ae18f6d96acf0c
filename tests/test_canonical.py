"""The canonical form: equal if and only if the coloured graphs are isomorphic."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from itertools import combinations, product
from random import Random

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.canonical import (
    canonical_form,
    canonical_hash,
    cell_encoding,
    differences,
    equivalent,
)
from nasdsl.canonical.order import refined_colours
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.genotype.types import (
    UNUSED,
    Block,
    BlockState,
    Cell,
    Genotype,
    Hidden,
    Output,
    State,
    block_state,
    hidden,
)
from nasdsl.language.genotype.vocabulary import Combine, Form, Layer, Op, Vocabulary
from nasdsl.loading import load, load_space, loads
from nasdsl.space import sample
from nasdsl.strategies import any_genotypes
from tests.hash_seeds import printed_under_hash_seeds

NEAR = Op("near", (Form((Layer("conv", (1, 1), (True, True)),)),))
FAR = Op("far", (Form((Layer("conv", (3, 3), (True, True)),)),))
ADD, CONCAT = Combine("add", "sum"), Combine("concat", "concat")
#: So few ops that symmetric cells are common.
TINY = Vocabulary("tiny", (NEAR, FAR), (ADD, CONCAT))
#: So few that blocks which differ at all are rare.
PLAIN = Vocabulary("plain", (NEAR,), (ADD, CONCAT))

Row = tuple[str, State, State, str]


def normal(rows: list[Row], output: Output = UNUSED, op: str = "near") -> Genotype:
    """A genotype of one cell, whose blocks are `(name, input, input, combine)`."""
    blocks = (Block(name, (a, b), (op, op), combine) for name, a, b, combine in rows)
    return Genotype("g", TINY, (Cell("normal", tuple(blocks), output),))


def ladder(*steps: tuple[str, str, str]) -> Genotype:
    """A genotype of `near` and `add` from `(name, input, input)`; `h` is `h[i]`."""
    rows = [(name, _named(a), _named(b), "add") for name, a, b in steps]
    return normal(rows)


def _named(word: str) -> State:
    return hidden(0) if word == "h" else block_state(word)


# -- the reference: networkx ---------------------------------------------------------------


def coloured_graph(genotype: Genotype) -> nx.DiGraph:
    """Everything the canonical form should tell apart, as colours of nodes.

    Operands are nodes, so a block that reads one state twice needs no parallel edges.
    """
    graph = nx.DiGraph()
    for cell in genotype.cells:
        sink = ("output", cell.kind)
        each = cell.output.kind == "each"
        graph.add_node(sink, colour=(cell.kind, "each" if each else "concat"))
        for block in cell.blocks:
            _add_block(graph, genotype.vocabulary, cell, block)
        for place, state in enumerate(cell.output_states):
            passed = ("passed on", cell.kind, place)
            graph.add_node(passed, colour=("passed on", place if each else 0))
            graph.add_edge(_state_node(graph, cell, state), passed)
            graph.add_edge(passed, sink)
    sinks = [("output", cell.kind) for cell in genotype.cells]
    live = set(sinks).union(*(nx.ancestors(graph, sink) for sink in sinks))
    return graph.subgraph(live)


def _add_block(graph: nx.DiGraph, vocabulary: Vocabulary, cell: Cell, block: Block) -> None:
    combine = vocabulary.combine[block.combine]
    node = _state_node(graph, cell, block_state(block.name))
    graph.nodes[node]["colour"] = (cell.kind, "block", combine.definition)
    for slot, (state, op) in enumerate(zip(block.inputs, block.ops, strict=True)):
        operand = (*node, slot)
        seen_slot = 0 if combine.operation == "sum" else slot
        graph.add_node(operand, colour=("operand", seen_slot, vocabulary.op[op].definition))
        graph.add_edge(_state_node(graph, cell, state), operand)
        graph.add_edge(operand, node)


def _state_node(graph: nx.DiGraph, cell: Cell, state: State) -> tuple[str, State]:
    node = (cell.kind, state)
    if node not in graph:
        colour = ("hidden", state.back) if isinstance(state, Hidden) else ()
        graph.add_node(node, colour=(cell.kind, *colour))
    return node


def isomorphic(a: Genotype, b: Genotype) -> bool:
    """Whether networkx finds the coloured graphs isomorphic."""
    return nx.is_isomorphic(
        coloured_graph(a), coloured_graph(b), node_match=lambda x, y: x["colour"] == y["colour"]
    )


# -- strategies -------------------------------------------------------------------------------


@st.composite
def tiny_genotypes(draw: st.DrawFn, vocabulary: Vocabulary = TINY) -> Genotype:
    """Small cells over `vocabulary`, half of them with every block doubled."""
    genotype = draw(any_genotypes(vocabulary, max_blocks=5))
    if draw(st.booleans()):
        return genotype
    return replace(genotype, cells=tuple(draw(_doubled(cell)) for cell in genotype.cells))


@st.composite
def _doubled(draw: st.DrawFn, cell: Cell) -> Cell:
    """Each block and a copy of it; which of the two is read is drawn anew."""
    blocks: list[Block] = []
    for block in cell.blocks:
        for name in (block.name, f"{block.name}_copy"):
            inputs = tuple(draw(_either(state)) for state in block.inputs)
            blocks.append(replace(block, name=name, inputs=(inputs[0], inputs[1])))
    states = list(cell.output.states)
    if cell.output.kind == "concat":
        states += [draw(_either(state)) for state in cell.output.states]
    return Cell(cell.kind, tuple(blocks), replace(cell.output, states=tuple(dict.fromkeys(states))))


def _either(state: State) -> st.SearchStrategy[State]:
    if isinstance(state, Hidden):
        return st.just(state)
    return st.sampled_from([state, block_state(f"{state.name}_copy")])


@st.composite
def scrambled(draw: st.DrawFn, genotype: Genotype) -> Genotype:
    """The same genotype under other names, in another order, with operands commuted."""
    return scramble(genotype, Random(draw(st.integers(0, 2**32))))


def scramble(genotype: Genotype, random: Random) -> Genotype:
    """The same genotype written otherwise."""
    cells = [_scrambled_cell(cell, genotype.vocabulary, random) for cell in genotype.cells]
    random.shuffle(cells)
    return Genotype("other", genotype.vocabulary, tuple(cells), Settings(N=random.randint(1, 9)))


def _scrambled_cell(cell: Cell, vocabulary: Vocabulary, random: Random) -> Cell:
    numbers = random.sample(range(1000), len(cell.blocks))
    new: dict[State, State] = {
        BlockState(block.name): block_state(f"n{number}")
        for block, number in zip(cell.blocks, numbers, strict=True)
    }
    written: list[Block] = []
    waiting, known = list(cell.blocks), set[State]()
    while waiting:
        ready = [
            block
            for block in waiting
            if all(isinstance(state, Hidden) or state in known for state in block.inputs)
        ]
        block = random.choice(ready)
        waiting.remove(block)
        known.add(BlockState(block.name))
        operands = [
            (new.get(state, state), op) for state, op in zip(block.inputs, block.ops, strict=True)
        ]
        if vocabulary.combine[block.combine].commutative:
            random.shuffle(operands)
        (left, left_op), (right, right_op) = operands
        name = str(new[BlockState(block.name)])
        written.append(Block(name, (left, right), (left_op, right_op), block.combine))
    return Cell(cell.kind, tuple(written), _scrambled_output(cell, new, random))


def _scrambled_output(cell: Cell, new: dict[State, State], random: Random) -> Output:
    if cell.output.kind == "unused" and random.random() < 0.5:
        return UNUSED
    states = [new.get(state, state) for state in cell.output_states]
    if cell.output.kind != "each":
        random.shuffle(states)
    return Output("each" if cell.output.kind == "each" else "concat", tuple(states))


# -- the definition ---------------------------------------------------------------------------


PAIRS = st.sampled_from([TINY, PLAIN]).flatmap(
    lambda vocabulary: st.tuples(tiny_genotypes(vocabulary), tiny_genotypes(vocabulary))
)
TWINS = st.sampled_from([TINY, PLAIN]).flatmap(tiny_genotypes)


@given(PAIRS)
def test_equal_forms_are_isomorphism(pair: tuple[Genotype, Genotype]) -> None:
    """Forms, hashes and encodings of two cells agree with networkx on whether they are one."""
    a, b = pair
    same = isomorphic(a, b)
    assert (canonical_form(a) == canonical_form(b)) == same
    assert (canonical_hash(a) == canonical_hash(b)) == same
    assert equivalent(a, b) == same


@given(TWINS, st.data())
def test_a_rewired_block_is_told_apart_exactly_when_it_matters(
    genotype: Genotype, data: st.DataObject
) -> None:
    """Near misses: one input is another; the form changes exactly when the graph does."""
    cell = genotype.cells[0]
    at = data.draw(st.integers(0, len(cell.blocks) - 1))
    earlier = [block_state(block.name) for block in cell.blocks[:at]]
    state = data.draw(st.sampled_from([hidden(0), hidden(1), *earlier]))
    blocks = list(cell.blocks)
    blocks[at] = replace(blocks[at], inputs=(state, blocks[at].inputs[1]))
    rewired = replace(genotype, cells=(replace(cell, blocks=tuple(blocks)), *genotype.cells[1:]))
    assert (canonical_form(genotype) == canonical_form(rewired)) == isomorphic(genotype, rewired)


@given(TWINS.flatmap(lambda g: st.tuples(st.just(g), scrambled(g))))
def test_writing_it_otherwise_changes_nothing(pair: tuple[Genotype, Genotype]) -> None:
    """Names, order, commuted operands, `unused` written out and settings do not matter."""
    one, other = pair
    assert isomorphic(one, other)
    assert canonical_form(one) == canonical_form(other)
    assert canonical_hash(one) == canonical_hash(other)


@given(any_genotypes())
def test_a_form_is_a_genotype_and_its_own_form(genotype: Genotype) -> None:
    """The form reads back from its text, means the same, and is a fixed point."""
    form = canonical_form(genotype)
    assert loads(genotype_text(form)) == form
    assert isomorphic(form, genotype)
    assert canonical_form(form) == form


def test_every_cell_of_three_blocks_against_networkx() -> None:
    """Of all 576 wirings of three equal blocks, forms make the classes networkx makes."""
    names = ["b0", "b1", "b2"]
    states = [[hidden(0), hidden(1), *map(block_state, names[:at])] for at in range(3)]
    classes: dict[Genotype, Genotype] = {}
    pairs = [list(product(known, repeat=2)) for known in states]
    for wiring in product(*pairs):
        rows = [(name, a, b, "add") for name, (a, b) in zip(names, wiring, strict=True)]
        genotype = normal(rows)
        first = classes.setdefault(canonical_form(genotype), genotype)
        assert isomorphic(first, genotype)
    assert len(classes) > 50
    for a, b in combinations(classes.values(), 2):
        assert not isomorphic(a, b)


# -- what matters and what does not --------------------------------------------------------


def test_equal_blocks_stay_apart() -> None:
    """Two equal blocks have two sets of weights: reading both is not reading one twice."""
    both = ladder(("a", "h", "h"), ("b", "h", "h"), ("c", "a", "b"))
    one_twice = ladder(("a", "h", "h"), ("b", "h", "h"), ("c", "a", "a"))
    shared = ladder(("a", "h", "h"), ("c", "a", "a"))
    assert len({canonical_hash(each) for each in (both, one_twice, shared)}) == 3


def test_refinement_counts_readings_by_block() -> None:
    """Two readers of both blocks differ from two that each read one block twice.

    Every block has two equal readings either way, so counting alone cannot tell.
    """
    crossed = ladder(("a", "h", "h"), ("b", "h", "h"), ("c", "a", "b"), ("d", "a", "b"))
    straight = ladder(("a", "h", "h"), ("b", "h", "h"), ("c", "a", "a"), ("d", "b", "b"))
    assert canonical_hash(crossed) != canonical_hash(straight)


def _wiring(vertices: int, edges: list[tuple[int, int]]) -> Genotype:
    """A graph as a cell: a block for each vertex, and one for each edge that reads two."""
    rows: list[Row] = [(f"v{v}", hidden(0), hidden(0), "add") for v in range(vertices)]
    rows += [
        (f"e{n}", block_state(f"v{a}"), block_state(f"v{b}"), "add")
        for n, (a, b) in enumerate(edges)
    ]
    return normal(rows)


def _ring(size: int, first: int = 0) -> list[tuple[int, int]]:
    return [(first + v, first + (v + 1) % size) for v in range(size)]


PETERSEN = _ring(5) + [(v, v + 5) for v in range(5)] + [(5 + v, 5 + (v + 2) % 5) for v in range(5)]
PRISM = _ring(5) + [(v, v + 5) for v in range(5)] + _ring(5, 5)


TWISTED = [
    *((0, 1), (0, 2), (0, 5), (1, 6), (1, 3), (2, 9), (2, 8), (3, 8), (3, 4), (4, 6), (4, 8)),
    *((5, 7), (5, 9), (6, 7), (7, 9)),
]
FRUCHT = [
    *_ring(7),
    *((0, 7), (1, 7), (2, 8), (3, 9), (4, 9), (5, 10), (6, 10), (7, 11), (8, 11), (8, 9), (10, 11)),
]


@pytest.mark.parametrize(
    ("vertices", "one", "other"),
    [
        pytest.param(6, _ring(6), _ring(3) + _ring(3, 3), id="six-ring and two triangles"),
        pytest.param(10, PETERSEN, PRISM, id="Petersen graph and prism"),
        pytest.param(
            8,
            _ring(8) + [(v, v + 4) for v in range(4)],
            [*_ring(8), (0, 2), (1, 3), (4, 6), (5, 7)],
            id="two cubic graphs on eight vertices",
        ),
    ],
)
def test_graphs_that_refinement_cannot_tell_apart(
    vertices: int, one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    """Regular graphs look alike to refinement; the search finds them different, and itself."""
    a, b = _wiring(vertices, one), _wiring(vertices, other)
    assert canonical_hash(a) != canonical_hash(b)
    for seed in range(5):
        assert canonical_form(scramble(a, Random(seed))) == canonical_form(a)
        assert canonical_form(scramble(b, Random(seed))) == canonical_form(b)


@pytest.mark.parametrize(
    ("vertices", "edges", "hashed"),
    [
        pytest.param(8, [*_ring(8), (0, 2), (1, 3), (4, 6), (5, 7)], "6c16169114518443", id="8"),
        pytest.param(10, TWISTED, "196e14041fb20e35", id="10"),
        pytest.param(12, FRUCHT, "057273be830bd29a", id="Frucht graph"),
    ],
)
def test_hashes_that_a_search_decides_stay(
    vertices: int, edges: list[tuple[int, int]], hashed: str
) -> None:
    """In these cubic graphs vertices look alike and are not: the least of their orders counts."""
    assert canonical_hash(_wiring(vertices, edges)) == hashed


def test_a_pair_read_by_two_ops_each_way() -> None:
    """Two blocks read the same pair, each by the ops of the other: which is first is no matter."""
    pair = (block_state("a"), block_state("b"))
    blocks = (
        *(Block(name, (hidden(0), hidden(0)), ("near", "near"), "add") for name in "ab"),
        Block("c", pair, ("near", "far"), "add"),
        Block("d", pair, ("far", "near"), "add"),
    )
    one = Genotype("g", TINY, (Cell("normal", blocks, UNUSED),))
    assert len({canonical_form(scramble(one, Random(seed))) for seed in range(10)}) == 1


def test_components_that_refinement_cannot_tell_apart() -> None:
    """A six-ring and two triangles in one cell: their order is settled by certificate."""
    both = _wiring(12, _ring(6) + _ring(3, 6) + _ring(3, 9))
    for seed in range(10):
        assert canonical_form(scramble(both, Random(seed))) == canonical_form(both)


def test_equal_blocks_of_which_one_is_passed_on() -> None:
    """The output tells two blocks apart that nothing else does, whatever their order."""
    for first, second in ("ab", "ba"):
        rows: list[Row] = [
            (first, hidden(0), hidden(0), "add"),
            (second, hidden(0), hidden(0), "add"),
            ("c", block_state("a"), block_state("b"), "add"),
        ]
        output = Output("concat", (block_state("a"), block_state("c")))
        assert canonical_form(normal(rows, output)).cells[0].output.states == (
            block_state("b1"),
            block_state("b2"),
        )


def test_equal_blocks_with_readers_that_differ() -> None:
    """Readers tell two blocks apart that look alike from below, whatever their order."""
    forms = set()
    for first, second in ("ab", "ba"):
        rows: list[Row] = [
            (first, hidden(0), hidden(0), "add"),
            (second, hidden(0), hidden(0), "add"),
            ("c", block_state("a"), hidden(0), "add"),
            ("d", block_state("b"), hidden(1), "add"),
        ]
        forms.add(canonical_form(normal(rows)))
    assert len(forms) == 1


def test_equal_blocks_in_two_slots() -> None:
    """The slots of a `concat` tell two blocks apart that nothing else does."""
    forms = set()
    for first, second in ("ab", "ba"):
        rows: list[Row] = [
            (first, hidden(0), hidden(0), "add"),
            (second, hidden(0), hidden(0), "add"),
            ("c", block_state("a"), block_state("b"), "concat"),
        ]
        forms.add(canonical_form(normal(rows)))
    assert len(forms) == 1


def test_slots_matter_where_a_combine_concatenates() -> None:
    """`concat` puts its first operand first; `add` does not care."""

    def pair(combine: str, *inputs: State) -> Genotype:
        return normal([("b0", inputs[0], inputs[1], combine)])

    there, back = (hidden(0), hidden(1)), (hidden(1), hidden(0))
    assert canonical_hash(pair("concat", *there)) != canonical_hash(pair("concat", *back))
    assert canonical_hash(pair("add", *there)) == canonical_hash(pair("add", *back))


def test_order_of_the_output_matters_in_each_alone() -> None:
    """`each` passes states on one by one, in order; `concat` is the same in any order."""
    rows: list[Row] = [("a", hidden(0), hidden(0), "add"), ("b", hidden(1), hidden(1), "add")]
    states = (block_state("a"), block_state("b"))

    def hashed(kind: str, order: tuple[State, ...]) -> str:
        return canonical_hash(normal(rows, Output(kind, order)))  # type: ignore[arg-type]

    assert hashed("concat", states) == hashed("concat", states[::-1])
    assert hashed("each", states) != hashed("each", states[::-1])
    assert hashed("each", states) != hashed("concat", states)


def test_dead_blocks_are_not_part_of_the_form() -> None:
    """A block that reaches no output, and one that only it reads, leave no trace."""
    rows: list[Row] = [("a", hidden(0), hidden(1), "add")]
    output = Output("concat", (block_state("a"),))
    dead: list[Row] = [
        ("x", hidden(1), hidden(1), "add"),
        ("y", block_state("x"), block_state("a"), "concat"),
    ]
    assert canonical_form(normal(rows + dead, output)) == canonical_form(normal(rows, output))
    assert len(canonical_form(normal(rows + dead, output)).cells[0].blocks) == 1


def test_definitions_count_and_names_do_not() -> None:
    """An op under another name is the same op; another op under its name is not."""
    alias = replace(NEAR, name="close")
    renamed = Vocabulary("other", (alias, FAR), TINY.combines)
    redefined = Vocabulary("other", (replace(FAR, name="near"), FAR), TINY.combines)
    genotype = ladder(("a", "h", "h"))
    blocks = (Block("a", (hidden(0), hidden(0)), ("close", "close"), "add"),)
    called_otherwise = Genotype("g", renamed, (Cell("normal", blocks),))
    assert canonical_hash(called_otherwise) == canonical_hash(genotype)
    assert canonical_hash(replace(genotype, vocabulary=redefined)) != canonical_hash(genotype)


def test_the_first_name_of_a_definition_is_taken() -> None:
    """Over a vocabulary with two names for one op, forms are equal, not hashes alone."""
    both = Vocabulary("two", (replace(NEAR, name="first"), NEAR, FAR), TINY.combines)
    one = replace(ladder(("a", "h", "h")), vocabulary=both)
    other = replace(normal([("a", hidden(0), hidden(0), "add")], op="first"), vocabulary=both)
    assert canonical_form(one) == canonical_form(other)
    assert canonical_form(one).cells[0].blocks[0].ops == ("first", "first")


def test_the_hash_does_not_depend_on_the_run() -> None:
    """Under two PYTHONHASHSEEDs, and written down here: a stored hash stays good."""
    code = (
        "import nasdsl.loading as l, nasdsl.canonical as c;"
        "print(c.canonical_hash(l.load('nasnet_a')))"
    )
    printed = printed_under_hash_seeds(code)
    assert printed == {canonical_hash(load("nasnet_a"))} == {"f0b82c7102bf53aa"}


def test_hashes_stay_as_they_are() -> None:
    """Stores and tables know networks by their hashes: no later version may have others."""
    found = "".join(canonical_hash(each) for each in sample(load_space("nasnet_space"), 50, 0))
    assert blake2b(found.encode(), digest_size=8).hexdigest() == "7e4ecbc42bf06732"


def test_encoding_is_as_documented() -> None:
    """The text that is hashed, for a cell with a tie, a dead block and both combines."""
    rows: list[Row] = [
        ("q", hidden(1), hidden(0), "add"),
        ("dead", hidden(0), hidden(0), "add"),
        ("p", block_state("q"), hidden(0), "concat"),
    ]
    output = Output("concat", (block_state("p"), hidden(1)))
    assert cell_encoding(normal(rows, output).cells[0], TINY).decode() == (
        "cell normal\n"
        "h0 [conv(1x1, stride)];h1 [conv(1x1, stride)];[sum]\n"
        "0 [conv(1x1, stride)];h0 [conv(1x1, stride)];[concat]\n"
        "concat h1 1\n"
    )


# -- the library ------------------------------------------------------------------------------


def test_published_cells_by_their_forms() -> None:
    """Presets share their genotype's form; the two readings of NASNet-A differ."""
    assert canonical_form(load("nasnet_a_large")) == canonical_form(load("nasnet_a_mobile"))
    assert canonical_hash(load("nasnet_a")) != canonical_hash(load("nasnet_a_unused"))


def test_samples_of_the_paper_space_scrambled() -> None:
    """Five blocks and thirteen ops: every scrambled draw has the form of the draw."""
    random = Random(5)
    for genotype in sample(load_space("nasnet_space"), 100, seed=5):
        assert canonical_form(scramble(genotype, random)) == canonical_form(genotype)


# -- size and symmetry ------------------------------------------------------------------------


def _equal(count: int) -> Genotype:
    return ladder(*((f"b{n}", "h", "h") for n in range(count)))


def _chains(chains: int, length: int) -> Genotype:
    return ladder(
        *(
            (f"c{c}_{n}", f"c{c}_{n - 1}" if n else "h", "h")
            for n in range(length)
            for c in range(chains)
        )
    )


def _twin_ladder(rungs: int) -> Genotype:
    """Pairs that read both of the pair before: 2^rungs symmetries."""
    steps = [("x0", "h", "h"), ("y0", "h", "h")]
    for n in range(1, rungs):
        steps += [(f"{side}{n}", f"x{n - 1}", f"y{n - 1}") for side in "xy"]
    return ladder(*steps)


def _braid(steps: int) -> Genotype:
    """A twin ladder with a longer way between its rungs: its twins have other inputs."""
    rows = [("x0", "h", "h"), ("y0", "h", "h")]
    for n in range(1, steps):
        rows += [(f"p{n}", f"x{n - 1}", f"y{n - 1}"), (f"q{n}", f"x{n - 1}", f"y{n - 1}")]
        rows += [(f"x{n}", f"p{n}", "h"), (f"y{n}", f"q{n}", "h")]
    return ladder(*rows)


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: _equal(10_000), id="equal blocks"),
        pytest.param(lambda: _chains(1, 10_000), id="one chain"),
        pytest.param(lambda: _chains(2, 5_000), id="two chains"),
        pytest.param(lambda: _chains(100, 100), id="hundred chains"),
        pytest.param(lambda: _twin_ladder(5_000), id="twin ladder"),
        pytest.param(lambda: _braid(2_500), id="braid"),
    ],
)
def test_ten_thousand_blocks(made: Callable[[], Genotype]) -> None:
    """Large and symmetric cells have a form, without recursion and in little time."""
    genotype = made()
    assert len(canonical_hash(genotype)) == 16


@pytest.mark.parametrize(
    "make", [_chains, lambda c, n: _braid(c * n), lambda c, n: _twin_ladder(c * n)]
)
def test_symmetric_cells_scrambled(make: Callable[[int, int], Genotype]) -> None:
    """The fast ways through symmetry are invariant too."""
    genotype = make(4, 5)
    for seed in range(10):
        assert canonical_form(scramble(genotype, Random(seed))) == canonical_form(genotype)


def test_too_much_symmetry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten blocks and a reader for every two of them: 10! symmetries, a diagnostic."""
    monkeypatch.setattr("nasdsl.canonical.order.MAX_WORK", 50_000)
    with pytest.raises(CellError) as raised:
        canonical_hash(_wiring(10, list(combinations(range(10), 2))))
    assert [found.code for found in raised.value.diagnostics] == ["NAS603"]


def test_as_many_special_blocks_as_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """One special vertex tells all of the Frucht graph apart; with none allowed it is refused."""
    monkeypatch.setattr("nasdsl.canonical.order.MAX_DEPTH", 1)
    assert canonical_hash(_wiring(12, FRUCHT)) == "057273be830bd29a"
    monkeypatch.setattr("nasdsl.canonical.order.MAX_DEPTH", 0)
    with pytest.raises(CellError) as raised:
        canonical_hash(_wiring(12, FRUCHT))
    assert [found.code for found in raised.value.diagnostics] == ["NAS603"]


def test_work_of_refinement() -> None:
    """Work is edges looked at, from each group that others may be split by."""
    edges = {0: [], 1: [(2, 0)], 2: [(1, 1)]}
    assert refined_colours([[0, 1], [2]], {}.fromkeys(range(3), ()), [0, 1])[1] == 0
    assert refined_colours([[0, 1], [2]], edges, [1]) == ({0: 0, 1: 1, 2: 2}, 2)


# -- differences ------------------------------------------------------------------------------


def test_a_genotype_does_not_differ_from_itself() -> None:
    """No differences, whatever the name."""
    genotype = load("nasnet_a_mobile")
    assert differences(genotype, replace(genotype, name="other")) == ()


def test_differences_are_listed_in_the_order_of_the_file() -> None:
    """Every kind of difference, as it is printed."""
    one = loads(
        "genotype one\nops nasnet\n"
        "cell normal {\n"
        "a = (h[i], h[i-1], identity, identity, add)\n"
        "b = (h[i], a, identity, sep_conv_3x3, add)\n"
        "}\n"
        "cell reduction { a = (h[i], h[i], identity, identity, add) }\n"
        "network { N = 4 auxiliary = true filters = 96 }\n"
    )
    other = loads(
        "genotype other\nops nasnet\n"
        "op identity = [relu]  combine add = [sum, layer_norm]\n"
        "cell normal {\n"
        "c = (h[i], h[i-1], identity, identity, add)\n"
        "b = (h[i], h[i], identity, sep_conv_5x5, add)\n"
        "a = (h[i], h[i-1], identity, identity, add)\n"
        "output concat(a, b)\n"
        "}\n"
    )
    assert [str(found) for found in differences(one, other)] == [
        "op identity: [] else [relu, conv(1x1, stride), batch_norm] -> [relu]",
        "combine add: [sum] -> [sum, layer_norm]",
        "cell normal, b, second input: a -> h[i]",
        "cell normal, b, second op: sep_conv_3x3 -> sep_conv_5x5",
        "cell normal, c, block: nothing -> (h[i], h[i-1], identity, identity, add)",
        "cell normal, order of blocks: a, b -> b, a",
        "cell normal, output: unused -> concat(a, b)",
        "cell reduction, cell: 1 block -> nothing",
        "network N: 4 -> nothing",
        "network filters: 96 -> nothing",
        "network auxiliary: true -> nothing",
    ]


@pytest.mark.parametrize(("old", "new"), [("a", "b"), ("b", "a")])
def test_differences_of_vocabularies(old: str, new: str) -> None:
    """Their names, whichever comes first in the alphabet."""
    genotype = load("nasnet_a")
    one, other = (
        replace(genotype, vocabulary=replace(genotype.vocabulary, name=name)) for name in (old, new)
    )
    assert [str(found) for found in differences(one, other)] == [f"ops: {old} -> {new}"]


@given(any_genotypes(library.vocabulary("nasnet")), any_genotypes(library.vocabulary("nasnet")))
def test_no_differences_means_equal(a: Genotype, b: Genotype) -> None:
    """Nothing is left out: without differences, two genotypes are equal but for the name."""
    assert (differences(a, b) == ()) == (replace(a, name="x") == replace(b, name="x"))
