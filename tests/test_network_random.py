"""Random genotypes on random skeletons: the graph is sound and its cost is the naive one.

The naive count below is written from the published rules alone: it builds each network as
states that point at what they were made from, walks back from the classifier and adds up.
It shares no code with the expansion, and knows the ops by their closed formulas.
"""

from dataclasses import dataclass, replace

from hypothesis import example, given
from hypothesis import strategies as st

from nasdsl import library
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import (
    Block,
    BlockState,
    Cell,
    Genotype,
    Hidden,
    Output,
    hidden_state_count,
)
from nasdsl.network import configuration_of, needed, network_graph, verified
from nasdsl.network.cost import genotype_cost, graph_cost

VOCABULARY = library.vocabulary("nasnet")
OPS = [op.name for op in VOCABULARY.ops]
COMBINES = [combine.name for combine in VOCABULARY.combines]

# -- random genotypes -------------------------------------------------------------------


@st.composite
def outputs(draw: st.DrawFn, blocks: int) -> Output:
    """An output of a cell of that many blocks; at least one block reaches it."""
    kind = draw(st.sampled_from(["unused", "unused", "concat", "each"]))
    if kind == "unused":
        return Output()
    names = draw(st.lists(st.integers(0, blocks - 1), min_size=1, max_size=4, unique=True))
    states = [*map(Hidden, draw(st.sets(st.integers(0, 1))))]
    return Output(kind, (*states, *(BlockState(f"x{name}") for name in names)))


@st.composite
def genotypes(draw: st.DrawFn) -> Genotype:
    """Two cells over the paper's ops and combines, reading as many inputs as they may."""
    sizes = [draw(st.integers(1, 5)) for _ in range(2)]
    outs = [draw(outputs(size)) for size in sizes]
    hidden = [Hidden(back) for back in range(hidden_state_count(tuple(outs)))]
    cells = []
    for kind, size, out in zip(("normal", "reduction"), sizes, outs, strict=True):
        blocks: list[Block] = []
        for index in range(size):
            states = st.sampled_from([*hidden, *(BlockState(f"x{i}") for i in range(index))])
            ops, combine = st.sampled_from(OPS), st.sampled_from(COMBINES)
            inputs = draw(states), draw(states)
            names = draw(ops), draw(ops)
            blocks.append(Block(f"x{index}", inputs, names, draw(combine)))
        cells.append(Cell(kind, tuple(blocks), out))
    return Genotype("random", VOCABULARY, tuple(cells))


@st.composite
def settings(draw: st.DrawFn, genotype: Genotype) -> Settings:
    """Legal settings, with small networks and odd sizes among them."""
    name = draw(st.sampled_from(["nasnet", "nasnet", "pnasnet", "amoebanet", "enas", "darts"]))
    stem = draw(st.sampled_from(["cifar", "imagenet"]))
    return Settings(
        skeleton=name,
        stem=stem,
        N=draw(st.integers(1, 3)),
        filters=4 * draw(st.integers(4, 13)) * units(genotype),
        image_size=draw(st.integers(33, 97)),
        classes=draw(st.integers(1, 12)),
        input_channels=draw(st.integers(1, 4)),
        stem_filters=None
        if (name, stem) == ("darts", "imagenet")
        else draw(st.none() | st.integers(1, 40)),
        skip_reduction_input=draw(st.none() | st.booleans()) if name == "nasnet" else None,
        drop_path=draw(st.sampled_from([0.0, 0.5])),
    )


cases = genotypes().flatmap(lambda genotype: st.tuples(st.just(genotype), settings(genotype)))


def units(genotype: Genotype) -> int:
    """Channels of the penultimate layer in units of the last cell's filters."""
    normal = next(cell for cell in genotype.cells if cell.kind == "normal")
    combines = {block.name: block.combine for block in normal.blocks}
    return sum(
        1 + (isinstance(state, BlockState) and combines[state.name] == "concat")
        for state in output_states(normal)
    )


def output_states(cell: Cell) -> list[object]:
    if cell.output.kind != "unused":
        return list(cell.output.states)
    read = [state for block in cell.blocks for state in block.inputs]
    made = [BlockState(block.name) for block in cell.blocks]
    return [state for state in made if state not in read]


# -- the naive count --------------------------------------------------------------------


@dataclass(eq=False)
class Made:
    """A state, what making it took, and the states it was made from."""

    channels: int
    size: int
    sources: tuple["Made", ...] = ()
    params: int = 0
    statistics: int = 0
    mult_adds: int = 0


def conv(source: Made, filters: int, taps: int = 1, stride: int = 1) -> Made:
    """A convolution of that many taps and a batch norm, padded so that sizes round up."""
    size = -(-source.size // stride)
    weights = taps * source.channels * filters
    return Made(filters, size, (source,), weights + 2 * filters, 2 * filters, weights * size * size)


def op(name: str, source: Made, filters: int, stride: int) -> Made:
    """One of the paper's thirteen ops."""
    if name == "identity":
        same = stride == 1 and source.channels == filters
        return source if same else conv(source, filters, stride=stride)
    kind, kernels = name.split("_")[0], name.split("_")[-1]
    if kind in ("avg", "max"):
        pooled = Made(source.channels, -(-source.size // stride), (source,))
        return pooled if pooled.channels == filters else conv(pooled, filters)
    if kind == "sep":
        k = int(kernels[0])
        for step in (stride, 1):
            size = -(-source.size // step)
            depth = k * k * source.channels
            point = source.channels * filters
            weights = depth + point
            source = Made(
                filters,
                size,
                (source,),
                weights + 2 * filters,
                2 * filters,
                weights * size * size,
            )
        return source
    if name in ("conv_1x3_3x1", "conv_1x7_7x1"):
        k = int(name[7])
        short, long = -(-source.size // stride), source.size
        first = k * source.channels * filters
        second = k * filters * filters
        return Made(
            filters,
            short,
            (source,),
            first + second + 4 * filters,
            4 * filters,
            first * long * short + second * short * short,
        )
    k = int(kernels[0])  # conv_1x1, conv_3x3, dil_conv_3x3
    return conv(source, filters, k * k, stride)


def smaller(source: Made, size: int, filters: int) -> Made:
    """Factorized reductions until the size is right; each costs what one convolution does."""
    while source.size != size:
        source = conv(source, filters, stride=2)
    return source


def joined(states: list[Made]) -> Made:
    return Made(sum(state.channels for state in states), states[0].size, tuple(states))


def run_cell(
    cell: Cell, hidden: list[Made], stride: int, filters: int, skeleton: str
) -> list[Made]:
    newest = hidden[-1]
    states: dict[object, Made] = {}
    darts, enas = skeleton == "darts", skeleton == "enas"
    for back in range(5):
        missing = back >= len(hidden)
        source = newest if missing else hidden[-1 - back]
        if source.size != newest.size:
            source = smaller(source, newest.size, filters)
        elif enas:
            source = source if source.channels == filters else conv(source, filters)
            source = source if back else conv(source, filters)
        elif back == 0 or darts or (source.channels != filters and not missing):
            source = conv(source, filters)
        states[Hidden(back)] = source
    wide = set()
    for block in cell.blocks:
        left, right = (
            op(name, states[state], filters, stride if isinstance(state, Hidden) else 1)
            for name, state in zip(block.ops, block.inputs, strict=True)
        )
        assert left.size == right.size
        state = BlockState(block.name)
        if block.combine == "concat":
            states[state] = joined([left, right])
            wide.add(state)
        else:
            norm = 2 * filters if "norm" in block.combine else 0
            assert left.channels == right.channels == filters
            states[state] = Made(filters, left.size, (left, right), norm)
    size = -(-newest.size // stride)
    # The released codes prepare both inputs, whether or not anything reads them.
    raw = [newest, hidden[-2] if len(hidden) > 1 else newest]
    prepared = [states[Hidden(back)] for back in (0, 1) if states[Hidden(back)] is not raw[back]]
    passed = []
    for state in output_states(cell):
        made = states[state]
        if made.size != size:
            made = smaller(made, size, filters)
        elif made.channels != filters and state not in wide:
            made = conv(made, filters)
        passed.append(made)
    if cell.output.kind != "each":
        passed = [joined(passed)]
    return [Made(made.channels, made.size, (made, *prepared)) for made in passed]


def naive_network(genotype: Genotype, given: Settings) -> Made:
    normal, reduction = genotype.cells
    n, filters = given.N, given.filters // (4 * units(genotype))
    image = Made(given.input_channels, given.image_size)
    darts, cifar = given.skeleton == "darts", given.stem == "cifar"
    if darts and not cifar:
        stem = conv(conv(image, filters // 2, 9, 2), filters, 9, 2)
        hidden = [stem, conv(stem, filters, 9, 2)]
    elif cifar:
        hidden = [conv(image, given.stem_filters or 3 * filters, 9)]
    else:
        default = 32 if given.skeleton in ("amoebanet", "enas") else 96
        width, size = given.stem_filters or default, (given.image_size - 1) // 2
        weights = 9 * image.channels * width
        stem = Made(width, size, (image,), weights + 2 * width, 2 * width, weights * size * size)
        hidden = [stem]
        for divisor in (4, 2):
            cell = normal if given.skeleton == "pnasnet" else reduction
            hidden += run_cell(cell, hidden, 2, filters // divisor, given.skeleton)
    skip = given.skip_reduction_input
    if skip is None:
        skip = given.skeleton == "nasnet" and not cifar
    made: list[Made] = []
    for stage in range(3):
        filters *= 2 if stage else 1
        reads = hidden
        if stage and given.skeleton != "pnasnet":
            older = hidden[: -len(made)]
            made = run_cell(reduction, hidden, 2, filters, given.skeleton)
            reads = (older if skip else hidden) + made
            hidden = hidden + made
        for index in range(n):
            strided = given.skeleton == "pnasnet" and stage > 0 and index == 0
            made = run_cell(normal, reads, 2 if strided else 1, filters, given.skeleton)
            hidden = hidden + made
            reads = hidden
    last = joined(made)
    assert last.channels == given.filters
    linear = given.filters * given.classes
    biases = 0 if given.skeleton == "enas" else given.classes
    return Made(given.classes, 1, (last,), linear + biases, 0, linear)


def naive_cost(genotype: Genotype, given: Settings) -> tuple[int, int, int]:
    """Parameters, parameters with statistics, and mult-adds of what the result needs."""
    found: dict[int, Made] = {}
    waiting = [naive_network(genotype, given)]
    while waiting:
        state = waiting.pop()
        if id(state) not in found:
            found[id(state)] = state
            waiting += state.sources
    params, statistics, mult_adds = (
        sum(getattr(state, name) for state in found.values())
        for name in ("params", "statistics", "mult_adds")
    )
    return params, params + statistics, mult_adds


# -- properties -------------------------------------------------------------------------

_READS_OLDER_ONLY = Genotype(
    "older",
    VOCABULARY,
    tuple(
        Cell(kind, (Block("x0", (Hidden(1), Hidden(1)), ("identity", "identity"), "concat"),))
        for kind in ("normal", "reduction")
    ),
)


@given(cases)
@example((_READS_OLDER_ONLY, Settings("nasnet", "cifar", 2, 4 * 2 * 4, 33, 2, 3)))
def test_cost_is_the_naive_count(case: tuple[Genotype, Settings]) -> None:
    """Parameters, totals and mult-adds equal a count that shares no code with the graph."""
    genotype, chosen = case
    counted = genotype_cost(genotype, chosen)
    assert naive_cost(genotype, chosen) == (
        counted.params,
        counted.params_total,
        counted.mult_adds,
    )


@given(cases, st.booleans())
def test_graph_is_sound(case: tuple[Genotype, Settings], auxiliary: bool) -> None:
    """Every graph passes the verifier, and leaving out what is not needed changes nothing."""
    genotype, chosen = case
    large = replace(chosen, auxiliary=auxiliary, image_size=chosen.image_size + 150)
    graph = verified(network_graph(genotype, large))
    assert needed(graph) == graph
    assert (graph.auxiliary_logits is not None) == auxiliary
    nodes = [node for _, node in graph.nodes()]
    names = [node.name for node in nodes]
    assert len(set(names)) == len(names)
    before = {"image"}
    for node in nodes:
        assert before.issuperset(node.inputs)
        before.add(node.name)
    read = {name for node in nodes for name in node.inputs}
    results = {str(graph.logits), str(graph.auxiliary_logits)}
    unread = {f"{module.name}.{name}" for module in graph.modules for name in module.body.unread}
    assert set(names) - read == results - {"None"} | unread
    assert {name.rsplit(".", 2)[1] for name in unread} <= {"input0", "input1"}
    assert graph.logits.node == "linear"


@given(cases)
def test_auxiliary_classifier_changes_nothing_else(case: tuple[Genotype, Settings]) -> None:
    """The cost of the network is the same with and without the auxiliary classifier."""
    genotype, chosen = case
    chosen = replace(chosen, image_size=chosen.image_size + 150)
    with_it = genotype_cost(genotype, replace(chosen, auxiliary=True))
    without = genotype_cost(genotype, chosen)
    if all(cell.output.kind != "each" for cell in genotype.cells):
        assert with_it.count == without.count
    assert with_it.auxiliary_params > 0 == without.auxiliary_params


@given(cases)
def test_breakdowns_add_up(case: tuple[Genotype, Settings]) -> None:
    """Modules, their parts and their nodes each add up to the whole."""
    genotype, chosen = case
    graph = network_graph(genotype, chosen)
    counted = graph_cost(graph)
    for name in ("params", "params_total", "mult_adds", "activations"):
        whole = getattr(counted, name)
        assert whole == sum(getattr(module, name) for module in counted.modules)
        assert whole == sum(
            getattr(part, name) for module in counted.modules for part in module.parts
        )
    ops = [part for module in counted.modules for part in module.parts if part.role == "op"]
    assert sum(cost.uses for cost in counted.ops) == len(ops)
    assert sum(cost.params for cost in counted.ops) == sum(part.params for part in ops)
    written = sum(
        node.shape.elements
        for _, node in graph.nodes()
        if node.primitive not in ("identity", "drop_path", "dropout")
    )
    assert counted.activations == written
    assert counted.activation_bytes == 4 * written


@given(cases)
def test_configuration_is_its_own_settings(case: tuple[Genotype, Settings]) -> None:
    """A configuration builds the network that its settings do."""
    genotype, chosen = case
    completed = configuration_of(genotype, chosen)
    assert network_graph(genotype, completed) == network_graph(genotype, chosen)
    assert completed.filters == chosen.filters
