"""Other tools' formats: published cells, exact round trips, and everything that is said aloud."""

import json
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from nasdsl import interop, library, strategies
from nasdsl.errors import Source
from nasdsl.interop import darts, enas, lists, nasbench201, nasbench301, naslib, nni
from nasdsl.interop.dialect import Dialect
from nasdsl.interop.document import document
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, Output, hidden

# -- the forms in which these are published -------------------------------------------------

DARTS = """\
from collections import namedtuple

Genotype = namedtuple('Genotype', 'normal normal_concat reduce reduce_concat')

PRIMITIVES = ['none', 'max_pool_3x3']

DARTS_V1 = Genotype(normal=[('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('skip_connect', 0), \
('sep_conv_3x3', 1), ('skip_connect', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), \
('skip_connect', 2)], normal_concat=[2, 3, 4, 5], reduce=[('max_pool_3x3', 0), \
('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 0), ('max_pool_3x3', 0), \
('skip_connect', 2), ('skip_connect', 2), ('avg_pool_3x3', 0)], reduce_concat=[2, 3, 4, 5])
DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), \
('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), \
('dil_conv_3x3', 2)], normal_concat=range(2, 6), reduce=[('max_pool_3x3', 0), \
('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), \
('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))

DARTS = DARTS_V2
"""
# Nested pairs, as D-X-Y/AutoDL-Projects writes them.
GDAS = """\
GDAS_V1 = Genotype(
  normal=[
    (('skip_connect', 0), ('skip_connect', 1)),
    (('skip_connect', 0), ('sep_conv_5x5', 2)), # two
    (('sep_conv_3x3', 3), ('skip_connect', 0)),
    (('sep_conv_5x5', 4), ('sep_conv_3x3', 3))],
  normal_concat=[2, 3, 4, 5],
  reduce=[
    (('sep_conv_5x5', 0), ('sep_conv_3x3', 1)),
    (('sep_conv_5x5', 2), ('sep_conv_5x5', 1)),
    (('dil_conv_5x5', 2), ('sep_conv_3x3', 1)),
    (('sep_conv_5x5', 0), ('sep_conv_5x5', 1))],
  reduce_concat=[2, 3, 4, 5],
)
"""
SLIM = """\
class NasNetANormalCell(NasNetABaseCell):
  def __init__(self, num_conv_filters):
    operations = ['separable_5x5_2', 'separable_3x3_2', 'separable_5x5_2', 'separable_3x3_2',
                  'avg_pool_3x3', 'none', 'avg_pool_3x3', 'avg_pool_3x3', 'separable_3x3_2', 'none']
    used_hiddenstates = [1, 0, 0, 0, 0, 0, 0]
    hiddenstate_indices = [0, 1, 1, 1, 0, 1, 1, 1, 0, 0]

class NasNetAReductionCell(NasNetABaseCell):
  def __init__(self, num_conv_filters):
    operations = ['separable_5x5_2', 'separable_7x7_2', 'max_pool_3x3', 'separable_7x7_2',
                  'avg_pool_3x3', 'separable_5x5_2', 'none', 'avg_pool_3x3', 'separable_3x3_2',
                  'max_pool_3x3']
    used_hiddenstates = [1, 1, 1, 0, 0, 0, 0]
    hiddenstate_indices = [0, 1, 0, 1, 0, 1, 3, 2, 2, 0]
"""
# As branches, the way AmoebaNet's model_specs chooses.
AMOEBANET = """\
def get_normal_cell(cell_name):
  operations = []
  hiddenstate_indices = []
  used_hiddenstates = []
  if cell_name == 'evol_net_g' or cell_name == 'amoeba_net_a':
    operations = ['avg_pool_3x3', 'max_pool_3x3', 'separable_3x3_2', 'none', 'none',
                  'avg_pool_3x3', 'separable_3x3_2', 'separable_5x5_2', 'avg_pool_3x3',
                  'separable_3x3_2']
    hiddenstate_indices = [0, 0, 1, 1, 0, 1, 0, 2, 5, 0]
    used_hiddenstates = [1, 0, 1, 0, 0, 1, 0]
  elif cell_name == 'amoeba_net_b':
    operations = ['1x1', 'max_pool_3x3', 'none', 'separable_3x3_2', '1x1', 'separable_3x3_2',
                  '1x1', 'none', 'avg_pool_3x3', '1x1']
    hiddenstate_indices = [1, 1, 1, 0, 1, 0, 2, 2, 1, 5]
    used_hiddenstates = [0, 1, 1, 0, 0, 1, 0]
  return operations, hiddenstate_indices, used_hiddenstates

def get_reduction_cell(cell_name):
  if cell_name == 'amoeba_net_a':
    operations = ['separable_3x3_2', 'avg_pool_3x3', 'max_pool_3x3', 'separable_7x7_2',
                  'max_pool_3x3', 'max_pool_3x3', 'separable_3x3_2', '1x7_7x1', 'avg_pool_3x3',
                  'separable_7x7_2']
    hiddenstate_indices = [1, 0, 0, 2, 1, 0, 4, 0, 1, 0]
    used_hiddenstates = [1, 1, 0, 0, 0, 0, 0]
  elif cell_name == 'amoeba_net_b':
    operations = ['max_pool_2x2', 'max_pool_3x3', 'none', '3x3', 'dil_2_separable_5x5_2',
                  'max_pool_3x3', 'none', 'separable_3x3_2', 'avg_pool_3x3', '1x1']
    hiddenstate_indices = [0, 0, 2, 1, 2, 2, 3, 1, 4, 3]
    used_hiddenstates = [1, 1, 1, 1, 1, 0, 0]
"""
PNASNET = """\
class PNASCell(NASBaseCell):
  def __init__(self):
    operations = [
        'separable_5x5_2', 'max_pool_3x3', 'separable_7x7_2', 'max_pool_3x3',
        'separable_5x5_2', 'separable_3x3_2', 'separable_3x3_2', 'max_pool_3x3',
        'separable_3x3_2', 'none'
    ]
    used_hiddenstates = [1, 1, 0, 0, 0, 0, 0]
    hiddenstate_indices = [1, 1, 0, 0, 0, 0, 4, 0, 1, 0]
"""
ENAS = """\
fixed_arc="0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1"
fixed_arc="$fixed_arc 1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"
"""
NASBENCH201 = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
)
NASBENCH101 = """\
INPUT, OUTPUT = 'input', 'output'
cell = api.ModelSpec(
  matrix=[[0, 1, 1, 1, 0, 1, 0],
          [0, 0, 0, 0, 0, 0, 1],
          [0, 0, 0, 0, 0, 0, 1],
          [0, 0, 0, 0, 1, 0, 0],
          [0, 0, 0, 0, 0, 0, 1],
          [0, 0, 0, 0, 0, 0, 1],
          [0, 0, 0, 0, 0, 0, 0]],
  ops=[INPUT, CONV1X1, CONV3X3, CONV3X3, CONV3X3, MAXPOOL3X3, OUTPUT])
"""
PUBLISHED = [
    ("darts", DARTS, "darts_v1", "darts_v1"),
    ("darts", DARTS, "DARTS_V2", "darts_v2"),
    ("darts", DARTS, "DARTS", "darts_v2"),
    ("darts", GDAS, None, "gdas"),
    ("darts", f"11/01 08:33:05 PM epoch 49\n11/01 PM genotype = {GDAS[10:]}\nend", None, "gdas"),
    ("slim", SLIM, None, "nasnet_a"),
    ("slim", PNASNET, None, "pnasnet5"),
    ("amoebanet", AMOEBANET, "amoeba_net_a", "amoebanet_a"),
    ("amoebanet", AMOEBANET, "amoeba_net_b", "amoebanet_b"),
    ("enas", ENAS, None, "enas_micro"),
]


@pytest.mark.parametrize(("format", "text", "name", "entry"), PUBLISHED)
def test_published_texts(format: str, text: str, name: str | None, entry: str) -> None:
    """The texts people have, detected automatically, are the library's cells."""
    reading = interop.read(text)
    assert reading.format == format
    assert reading.findings == ()
    held = interop.find(text)
    genotype, _ = held.read(held.choose(name))
    expected = nasdsl.load(entry)
    assert nasdsl.canonical_hash(genotype) == nasdsl.canonical_hash(expected)
    assert genotype.settings.skeleton == (expected.settings.skeleton or "nasnet")
    assert nasdsl.loads(nasdsl.genotype_text(genotype)) == genotype


# -- round trips --------------------------------------------------------------------------


def _cells(ops: list[str], blocks: int, outputs: str) -> st.SearchStrategy[tuple[Cell, Cell]]:
    """Both cells of any wiring, as the format's ops and outputs allow."""

    @st.composite
    def cell(draw: Callable[..., object], kind: str) -> Cell:
        made: list[Block] = []
        for at in range(blocks):
            states = [hidden(0), hidden(1), *(BlockState(f"b{k}") for k in range(at))]
            pick, op = st.sampled_from(states), st.sampled_from(ops)
            inputs, pair = (draw(pick), draw(pick)), (draw(op), draw(op))
            if outputs == "distinct" and inputs[0] == inputs[1]:
                inputs = (states[0], states[1])
            made.append(Block(f"b{at}", inputs, pair, "add"))  # type: ignore[arg-type]
        kept = _outputs(made, outputs, draw)
        return Cell(kind, tuple(made), Output("concat", tuple(kept)))  # type: ignore[arg-type]

    return st.tuples(cell("normal"), cell("reduction"))


def _outputs(blocks: list[Block], rule: str, draw: Callable[..., object]) -> list[object]:
    states = [BlockState(block.name) for block in blocks]
    read = {state for block in blocks for state in block.inputs}
    everything = [hidden(1), hidden(0), *states]
    if rule in ("every", "distinct"):
        return list(states)
    if rule == "unread":
        return [state for state in everything if state not in read]
    free = st.lists(st.sampled_from(everything), min_size=1, unique=True)
    kept = {states[-1], *draw(free)}  # type: ignore[misc]
    return sorted(kept, key=everything.index)


FAMILIES: dict[str, tuple[Dialect, int, str]] = {
    "darts": (darts.DIALECT, 4, "any"),
    "slim": (lists.SLIM, 5, "any"),
    "amoebanet": (lists.AMOEBANET, 5, "any"),
    "enas": (enas.DIALECT, 5, "unread"),
    "nni": (nni.DIALECT, 4, "every"),
    "naslib": (naslib.DIALECT, 4, "distinct"),
    "nasbench301": (nasbench301.DIALECT, 4, "distinct"),
    "json": (lists.SLIM, 3, "any"),
    "yaml": (lists.SLIM, 3, "any"),
}


@pytest.mark.parametrize("format", FAMILIES)
@given(data=st.data())
def test_round_trips(format: str, data: st.DataObject) -> None:
    """Text to format to text: the same canonical hash, and nothing to tell."""
    dialect, blocks, outputs = FAMILIES[format]
    cells = data.draw(_cells(sorted(set(dialect.ops.values())), blocks, outputs))
    genotype = dialect.genotype("drawn", cells)
    written = interop.write(genotype, format)
    assert written.findings == ()
    reading = interop.read(written.text, format)
    # What the language itself says of the cell, such as blocks that reach no output, aside.
    assert not {found.code for found in reading.findings} - {"NAS307"} or format == "nni"
    (again,) = reading.genotypes
    assert nasdsl.canonical_hash(again) == nasdsl.canonical_hash(genotype)
    assert again.settings == genotype.settings


@given(genotype=strategies.any_genotypes())
def test_documents_hold_everything(genotype: Genotype) -> None:
    """JSON and YAML of any genotype, its own ops and names included, read back equal."""
    for format in ("json", "yaml", "cell"):
        written = interop.write(genotype, format)
        assert written.findings == ()
        assert interop.read(written.text, format).genotypes == (genotype,)


@given(ops=st.lists(st.sampled_from(sorted(nasbench201.DIALECT.ops)), min_size=6, max_size=6))
def test_nasbench201_strings(ops: list[str]) -> None:
    """Each of the 15,625 strings comes back as it went in."""
    edges = iter(ops)
    nodes = ["".join(f"|{next(edges)}~{at}" for at in range(node)) + "|" for node in (1, 2, 3)]
    text = "+".join(nodes)
    reading = interop.read(text)
    assert reading.format == "nasbench201"
    # Nothing is lost: the benchmark's network is a skeleton.
    assert reading.genotypes[0].settings.skeleton == "nasbench201"
    assert {found.code for found in reading.findings} <= {"NAS307"}
    assert interop.write(reading.genotypes[0], "nasbench201") == (text + "\n", ())


@st.composite
def _graphs(draw: Callable[..., object]) -> tuple[list[list[int]], list[str]]:
    size = draw(st.integers(3, 7))
    assert isinstance(size, int)
    cut = (0, size - 1)
    rows = [
        [
            int(bool(target > source and (source, target) != cut and draw(st.booleans())))
            for target in range(size)
        ]
        for source in range(size)
    ]
    rows[0][1], rows[size - 2][size - 1] = 1, 1
    for vertex in range(1, size - 2):
        rows[vertex][vertex + 1] = 1
    names = st.sampled_from(["conv1x1-bn-relu", "conv3x3-bn-relu", "maxpool3x3"])
    ops = ["input", *(str(draw(names)) for _ in range(size - 2)), "output"]
    return rows, ops


@given(graph=_graphs())
def test_nasbench101_graphs(graph: tuple[list[list[int]], list[str]]) -> None:
    """A graph all of whose vertices matter comes back as it went in."""
    rows, ops = graph
    reading = interop.read(f"matrix = {rows}\nops = {ops}\n")
    assert reading.format == "nasbench101"
    written = interop.write(reading.genotypes[0], "nasbench101")
    found: dict[str, object] = {}
    for line in written.text.replace("\n    ", "").replace(",\n]", "]").splitlines():
        name, _, value = line.partition(" = ")
        found[name] = json.loads(value.replace("'", '"').replace(",]", "]"))
    assert found == {"matrix": rows, "ops": ops}


def test_nasbench101_prunes() -> None:
    """Vertices on no path from input to output are left out, as the benchmark does."""
    kept = (
        "matrix = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]\nops = ['input', 'conv3x3-bn-relu', 'output']"
    )
    more = (
        "matrix = [[0, 1, 1, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]\n"
        "ops = ['input', 'conv3x3-bn-relu', 'maxpool3x3', 'output']"
    )
    one, other = (interop.read(text).genotypes[0] for text in (kept, more))
    assert one == other


@pytest.mark.parametrize("ops", [["conv3x3"], ["conv3x3", "conv1x1", "maxpool3x3"]])
def test_nasbench101_cells(ops: list[str]) -> None:
    """A cell that is a graph of vertices comes back as it went in, with the input added or not."""
    vertices = "".join(f"b{at} = (p, p, {op}, none, add)\n" for at, op in enumerate(ops))
    start = f"ops nasbench101\ncell normal {{\np = (h[i], h[i], project, none, add)\n{vertices}"
    outputs = [f"output concat({', '.join(f'b{at}' for at in range(len(ops)))})\n}}\n"]
    if len(ops) == 1:
        outputs.append("s = (b0, h[i], identity, project, add)\noutput concat(s)\n}\n")
    for output in outputs:
        genotype = nasdsl.loads(start + output)
        (again,) = interop.read(interop.write(genotype, "nasbench101").text).genotypes
        assert nasdsl.canonical_hash(again, "function") == nasdsl.canonical_hash(
            genotype, "function"
        )


@pytest.mark.parametrize("name", ["reduced_net", "my_reduction_normal", "reduction", "lambda"])
@pytest.mark.parametrize("format", ["slim", "darts"])
def test_names_mislead_no_reader(format: str, name: str) -> None:
    """A name that has the word for the other cell in it, or that Python keeps for itself."""
    genotype = replace(nasdsl.load("nasnet_a_darts"), name=name)
    if format == "slim":
        genotype = replace(nasdsl.load("nasnet_a"), name=name)
    text = interop.write(genotype, format).text
    compile(text, "x.py", "exec")
    (again,) = interop.read(text, format).genotypes
    assert (again.name, nasdsl.canonical_hash(again)) == (name, nasdsl.canonical_hash(genotype))


def test_long_definitions_in_documents() -> None:
    """Two hundred layers written out are a long line, and nothing is lost."""
    genotype = nasdsl.loads(
        "genotype big\nops nasnet\nop long = 50 * [relu, depthwise(3x3), pointwise, batch_norm]\n"
        "cell normal {\n b0 = (h[i], h[i-1], long, identity, add)\n}\n"
    )
    for format in ("json", "yaml"):
        text = interop.write(genotype, format).text
        assert interop.read(text, format).genotypes == (genotype,)


def test_nasbench101_example() -> None:
    """The example of the benchmark's README, constants and all; what differs is told."""
    reading = interop.read(NASBENCH101)
    assert reading.format == "nasbench101"
    assert {found.code for found in reading.findings} == {"NAS655"}
    assert len(reading.findings) == 2


@given(seed=st.integers(0, 10_000))
def test_dna(seed: int) -> None:
    """Numbers of a space's open decisions, there and back."""
    space = nasdsl.load_space("nasnet_space")
    (genotype,) = nasdsl.sample(space, n=1, seed=seed)
    written = interop.write(genotype, "pyglove", space=space)
    (again,) = interop.read(written.text, space=space).genotypes
    assert again == genotype


def test_dna_is_pygloves() -> None:
    """PyGlove draws DNA of the same decisions, and both mean the same genotype."""
    geno = pytest.importorskip("pyglove.core.geno", reason="PyGlove is not installed")
    space = nasdsl.load_space("nasnet_space")
    options = [len(options) for options in nasdsl.space.decisions(space) if len(options) > 1]
    spec = geno.space([geno.oneof([geno.constant() for _ in range(count)]) for count in options])
    dna = geno.random_dna(spec)
    text = f"DNA({[child.value for child in dna.children]})"
    (genotype,) = interop.read(text, space=space).genotypes
    written = interop.write(genotype, "pyglove", space=space).text
    assert geno.DNA(json.loads(written.strip()[4:-1]), spec=spec) == dna


# -- sums --------------------------------------------------------------------------------------


def test_nasbench201_computes_its_sum() -> None:
    """The blocks add what the string adds: node by node, against a naive reading in numbers."""
    (genotype,) = interop.read(NASBENCH201).genotypes
    scale = {"none": 0, "skip_connect": 1, "nor_conv_1x1": 2, "nor_conv_3x3": 3, "avg_pool_3x3": 5}
    values: dict[object, int] = {hidden(0): 1}
    (cell,) = genotype.cells
    for block in cell.blocks:
        pairs = zip(block.inputs, block.ops, strict=True)
        values[BlockState(block.name)] = sum(scale[op] * values[state] for state, op in pairs)
    one = 3
    two = 3 * 1 + 5 * one
    three = 1 * 1 + 3 * one + 1 * two
    assert [values[state] for state in cell.output_states] == [three]


# -- what does not carry over -------------------------------------------------------------


def _told(genotype: Genotype, format: str) -> list[str]:
    return [found.message for found in interop.write(genotype, format).findings]


def test_definitions_are_told() -> None:
    """An op that computes something else there is named with both definitions."""
    told = _told(nasdsl.load("nasnet_a_unused"), "darts")
    assert any("`sep_conv_3x3`" in line and "symmetric" in line for line in told)
    assert any("`identity`" in line and "'skip_connect'" in line for line in told)
    assert any("skeleton" in line for line in told)


def test_settings_are_told() -> None:
    """N, filters and the rest are part of no format but ours."""
    (told,) = _told(nasdsl.load("darts_v2_cifar"), "darts")
    assert "N = 6" in told
    genotype = nasdsl.load("darts_v2").with_settings(Settings(auxiliary=True))
    assert any("auxiliary = true" in line for line in _told(genotype, "darts"))
    assert _told(nasdsl.load("darts_v2_cifar"), "json") == []


CANNOT = [
    ("darts", "example_b_form", "add_layer_norm"),
    ("naslib", "nasnet_a_darts", "sep_conv_7x7"),
    ("enas", "nasnet_a", "sep_conv_7x7"),
    ("nasbench201", "darts_v2", "op"),
    ("nasbench201", "SMALL", "cannot hold"),
    ("nasbench101", "darts_v2", "normal cell"),
    ("slim", "darts_v2", "dil_conv_3x3"),
    ("nasbench101", "SUM", "the output `b3`: edges to the output concatenate"),
    ("nasbench101", "INPUT", "the output `b0` beside others"),
    ("nasbench101", "ZERO", "zero alone"),
    ("nasbench201", "RENAMED", "cannot hold"),
]
_NB101 = """\
genotype small
ops nasbench101

cell normal {
    b0 = (h[i], h[i], project, none, add)
    b1 = (b0, b0, conv3x3, none, add)
    b2 = (b0, b0, conv1x1, none, add)
    b3 = (b1, b2, identity, identity, add)
    b4 = (b0, b0, none, none, add)
    b5 = (b4, b4, conv3x3, none, add)
    output concat(OUTPUT)
}
"""
_NB201 = """\
genotype small
ops nasbench201

op none = []

cell normal {
    b0 = (h[i], h[i], nor_conv_3x3, none, add)
    b1 = (h[i], b0, skip_connect, nor_conv_3x3, add)
    b2 = (h[i], b0, skip_connect, nor_conv_3x3, add)
    b3 = (b2, b1, skip_connect, nor_conv_3x3, add)
    output concat(b3)
}
"""
SMALL = """\
genotype small
ops nasbench201

cell normal {
    b0 = (h[i], h[i], nor_conv_3x3, none, add)
    output concat(b0)
}
"""


#: Cells that look like the format's and mean something else.
ALMOST = {
    "SMALL": SMALL,
    "SUM": _NB101.replace("OUTPUT", "b3"),
    "INPUT": _NB101.replace("OUTPUT", "b0, b1"),
    "ZERO": _NB101.replace("OUTPUT", "b1, b5"),
    "RENAMED": _NB201,
}


@pytest.mark.parametrize(("format", "name", "said"), CANNOT)
def test_what_formats_cannot_hold(format: str, name: str, said: str) -> None:
    """NAS654, and nothing is written."""
    genotype = nasdsl.loads(ALMOST[name]) if name in ALMOST else nasdsl.load(name)
    with pytest.raises(nasdsl.CellError) as caught:
        interop.write(genotype, format)
    assert {found.code for found in caught.value.diagnostics} == {"NAS654"}
    assert said in str(caught.value)


# -- the published schema -------------------------------------------------------------------


@given(genotype=strategies.any_genotypes())
def test_documents_fit_the_schema(genotype: Genotype) -> None:
    """What is written fits the schema that `nasdsl convert --schema` prints."""
    jsonschema.Draft202012Validator(_schema()).validate(document(genotype))


def _schema() -> dict[str, object]:
    from importlib.resources import files

    text = files("nasdsl.interop").joinpath("genotype.schema.json").read_text("utf-8")
    made = json.loads(text)
    assert isinstance(made, dict)
    return made


@pytest.mark.parametrize("name", library.names())
def test_the_library_as_documents(name: str) -> None:
    """Every entry that is a genotype, in JSON and YAML and back."""
    space = nasdsl.load_space(name)
    if not space.is_genotype:
        pytest.skip("a space has holes")
    genotype = nasdsl.load(name)
    for format in ("json", "yaml"):
        text = interop.write(genotype, format).text
        assert interop.read(Source(f"x.{format}", text)).genotypes == (genotype,)
