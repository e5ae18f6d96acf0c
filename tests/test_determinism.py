"""The same text gives the same bytes: today, in another process, and after a change.

Golden files hold every stage of every library file. A change of one is a change of what
users get, and shows in review: `pytest --update-golden` writes them anew.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from nasdsl import library
from nasdsl.canonical import canonical_form, canonical_hash
from nasdsl.errors import Source, Span
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import Genotype
from nasdsl.language.parser import parse
from nasdsl.loading import load, load_space
from nasdsl.network import Body, NetworkGraph, Node, Part, Shape, network_graph
from nasdsl.network.cell_graph import cell_graph
from tests.cli_run import exit_code
from tests.commands_without import outcomes_without

GENOTYPES = [name for name in library.names() if load_space(name).is_genotype]
GOLDEN = Path(__file__).parent / "golden"
FILES = [*library.names(), *library.vocabulary_names()]


def lines(*texts: str) -> str:
    return "".join(f"{text}\n" for text in texts)


# -- golden files, a stage at a time --------------------------------------------------------


def test_no_golden_file_outlives_its_library_file() -> None:
    """What the library no longer has leaves no golden files behind."""
    assert {folder.name for folder in (GOLDEN / "library").iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_syntax(golden, name: str) -> None:
    """The tree of every file, with places as line:column."""
    source = library.source(name)
    parsed = parse(source)
    assert parsed.diagnostics == ()
    golden(f"library/{name}/syntax.txt", lines(*outline(parsed.file, source)))


def outline(node: Any, source: Source, label: str = "", depth: int = 0) -> Iterator[str]:
    """A line for each node of a syntax tree, leaves with their text."""
    indent = "  " * depth
    if isinstance(node, tuple):
        for child in node:
            yield from outline(child, source, label, depth)
    elif is_dataclass(node):
        span: Span | None = getattr(node, "span", None)
        place = ""
        if span is not None:
            (line, column), end = source.position(span.start), source.position(span.end)
            place = f" {line}:{column}-{end.line}:{end.column}"
        text = f" {node.text!r}" if hasattr(node, "text") else ""
        yield f"{indent}{label}{type(node).__name__}{place}{text}"
        for field in fields(node):
            child = getattr(node, field.name)
            if is_dataclass(child) or (isinstance(child, tuple) and not isinstance(child, Span)):
                yield from outline(child, source, f"{field.name}: ", depth + 1)
            elif field.name not in ("span", "text") and child not in (None, ""):
                yield f"{indent}  {field.name}: {child!r}"


@pytest.mark.parametrize("name", library.names())
def test_genotype(golden, name: str) -> None:
    """What the names of every genotype and space resolve to, printed."""
    golden(f"library/{name}/genotype.cell", space_text(load_space(name)))


@pytest.mark.parametrize("name", library.vocabulary_names())
def test_vocabulary(golden, name: str) -> None:
    """Every op and combine of every vocabulary, repetitions written out."""
    vocabulary = library.vocabulary(name)
    ops = [f"op {op.name} = {op.definition}" for op in vocabulary.ops]
    combines = [f"combine {each.name} = {each.definition}" for each in vocabulary.combines]
    golden(f"library/{name}/vocabulary.txt", lines(*ops, *combines))


@pytest.mark.parametrize("name", GENOTYPES)
def test_canonical_form(golden, name: str) -> None:
    """The canonical form and the hash of every genotype."""
    genotype = load(name)
    text = f"# {canonical_hash(genotype)}\n{genotype_text(canonical_form(genotype))}"
    golden(f"library/{name}/canonical.cell", text)


@pytest.mark.parametrize("name", GENOTYPES)
def test_cell_graph(golden, name: str) -> None:
    """Nodes and edges of every cell, in the order the graph keeps them."""
    golden(f"library/{name}/cell_graph.txt", lines(*graph_lines(load(name))))


def graph_lines(genotype: Genotype) -> Iterator[str]:
    for cell in genotype.cells:
        graph = cell_graph(genotype, cell.kind)
        yield " ".join(f"{key}={value}" for key, value in graph.graph.items())
        for node, values in graph.nodes(data=True):
            yield f"  {node}: " + " ".join(f"{key}={value}" for key, value in values.items())
        for start, end, key, values in graph.edges(keys=True, data=True):
            assert key == values["slot"]
            yield f"  {start} -> {end} slot {key}"


@pytest.mark.parametrize("name", GENOTYPES)
def test_network_and_cost(golden, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Every module, each different body's layers and shapes, and what the network costs."""
    golden(f"library/{name}/network.txt", lines(*network_lines(network_graph(load(name)))))
    assert exit_code(["cost", name, "--json"]) == 0
    cost = json.loads(capsys.readouterr().out)
    del cost["version"]
    golden(f"library/{name}/cost.json", json.dumps(cost, indent=2) + "\n")


def network_lines(graph: NetworkGraph) -> Iterator[str]:
    choices = asdict(graph.configuration)
    if choices["layers"] is None:
        del choices["layers"]
    chosen = ", ".join(f"{name}={value!r}" for name, value in choices.items())
    yield f"{graph.name}: Skeleton({chosen})"
    bodies: dict[int, Body] = {}
    for module in graph.modules:
        number = list(bodies).index(id(module.body)) if id(module.body) in bodies else len(bodies)
        bodies[id(module.body)] = module.body
        yield (
            f"{module.name}: body {number} of {', '.join(map(str, module.inputs))}"
            f" stride {module.stride} filters {module.filters} depth {module.depth:.4f}"
            f"{' for the auxiliary classifier' if module.for_auxiliary else ''}"
        )
    for number, body in enumerate(bodies.values()):
        ports = ", ".join(f"{port.name} {size(port.shape)}" for port in body.ports)
        yield f"body {number}: {ports} -> {', '.join(body.outputs)}"
        yield from (f"  {part_line(part)}" for part in body.parts)


def part_line(part: Part) -> str:
    own = {node.name for node in part.nodes}
    read = dict.fromkeys(name for node in part.nodes for name in node.inputs if name not in own)
    path = [part.path] if part.path else []
    return " ".join([part.role, *path, part.label, *read, *map(node_text, part.nodes)])


def node_text(node: Node) -> str:
    """`[primitive options shape]`, the shape where it is not what goes in."""
    words = [str(node.primitive)]
    if node.kernel != (1, 1) or node.stride != (1, 1):
        words.append(f"{node.kernel[0]}x{node.kernel[1]}/{node.stride[0]}x{node.stride[1]}")
    words += [f"dilation {node.dilation}"] if node.dilation != 1 else []
    words += [node.padding] if node.padding != "same" else []
    words += [name for name in ("count_padding", "zero_padded") if getattr(node, name)]
    words += [size(node.shape)] if node.shape != node.before else []
    return f"[{' '.join(words)}]"


def size(shape: Shape) -> str:
    return f"{shape.channels}x{shape.height}x{shape.width}"


# -- other processes -------------------------------------------------------------------------

MISTAKES = """genotype g
ops nasnt
op a = [rel]
cell norml {
    b0 = (h[i], h[i-5], sep_conv_3x3, idenity, add)
    b1 = (b0, b7, conv_1x1, sum)
    b1 = (b0, h[j], a, a, concat)
    output concat(b0, b9, b0)
}
network { N = 0 filtrs = 4032 stem = imagnet }
"""

COMMANDS = [
    ["check", "mistakes.cell"],
    ["check", "--format", "json", "mistakes.cell"],
    ["check", "--format", "sarif", "mistakes.cell"],
    ["check", "--format", "github", "mistakes.cell"],
    ["fmt", "--diff", "untidy.cell"],
    ["hash", "nasnet_a", "darts_v1", "pnasnet5"],
    ["cost", "nasnet_a_large"],
    ["cost", "darts_v2_imagenet", "--json"],
    ["sample", "nasnet_space", "-n", "5", "--seed", "7"],
    ["count", "nasnet_space"],
    ["enumerate", "small.cell"],
    ["diff", "nasnet_a", "nasnet_a_unused"],
    ["list"],
    ["show", "nasnet_a"],
]
HASH_SEEDS = ("0", "1", "31337")

SMALL = """ops nasnet
op mine = [relu, pointwise]
cell normal {
    b0 = (?, h[i], {mine | identity}, identity, {add | concat})
    output each(b0, h[i])
}
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[int, str]]]:
    """For each hash seed, a process of its own, the code and the output of each command."""
    folder = tmp_path_factory.mktemp("hash_seeds")
    (folder / "mistakes.cell").write_text(MISTAKES)
    (folder / "untidy.cell").write_text(MISTAKES.replace("    ", " ").replace(", ", ","))
    (folder / "small.cell").write_text(SMALL)
    runs = [
        outcomes_without("missing", [], COMMANDS, folder, PYTHONHASHSEED=seed)
        for seed in HASH_SEEDS
    ]
    return [[(code, said) for code, said, _ in run] for run in runs]


@pytest.mark.parametrize("number", range(len(COMMANDS)), ids=map(" ".join, COMMANDS))
def test_output_does_not_depend_on_the_hash_seed(
    outcomes: list[list[tuple[int, str]]], number: int
) -> None:
    """Every command prints the same and exits alike under any PYTHONHASHSEED."""
    ((code, said),) = {each[number] for each in outcomes}
    assert code in (0, 1)
    assert said
