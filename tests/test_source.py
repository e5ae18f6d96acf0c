"""The backend `source`: what it prints computes the same as the eager module."""

import ast
import importlib.util
import io
import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from nasdsl_backends.source import backend
from nasdsl_backends.source.words import comment, prose

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, Hidden
from nasdsl.language.genotype.vocabulary import Op, Vocabulary
from nasdsl.network import PRIMITIVES, NetworkGraph, network_graph
from nasdsl.passes import run
from tests.test_network_random import cases

torch = pytest.importorskip("torch", reason="the printed files need PyTorch")

from nasdsl_backends.torch import Network  # noqa: E402

from tests.hash_seeds import printed_under_hash_seeds  # noqa: E402
from tests.thorough import many  # noqa: E402
from tests.torch_networks import (  # noqa: E402
    KINDS,
    built,
    halving_genotype,
    image,
    random_graphs,
    randomised,
    small,
)

ROOT = Path(__file__).parent.parent
TOLERANCE = 1e-10
TINY = """\
# A comment of the author.
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity,     add)
    b1 = (b0,   h[i],   conv_1x1,     avg_pool_3x3, add_layer_norm)
    output concat(h[i-1], b1)
}

cell reduction {
    b0 = (h[i], h[i-1], sep_conv_3x3, max_pool_3x3, concat)
}
"""


def imported(text: str) -> ModuleType:
    """A printed file as a module."""
    spec = importlib.util.spec_from_loader("printed", loader=None)
    assert spec
    module = importlib.util.module_from_spec(spec)
    exec(compile(text, "printed.py", "exec"), module.__dict__)  # as an import would
    return module


def both(graph: NetworkGraph) -> tuple[Network, torch.nn.Module]:
    """The eager module and the printed one, with the same weights."""
    net = randomised(built(graph, seed=0)).eval()
    printed = imported(backend.build(graph)).Network().eval()
    printed.load_state_dict(net.state_dict(), strict=True)
    net.load_state_dict(printed.state_dict(), strict=True)
    return net, printed


def difference(graph: NetworkGraph, size: int | None = None) -> float:
    """How far the two are apart, relative to the largest logit, in double precision.

    In single precision a norm of nearly equal values makes noise of any size.
    """
    net, printed = (module.double() for module in both(graph))
    pixels = image(graph, 2, size).double()
    with torch.inference_mode():
        ours, theirs = net(pixels), printed(pixels)
    assert ours.isfinite().all()
    return float((ours - theirs).abs().max() / ours.abs().max().clamp_min(1e-30))


# -- equality -----------------------------------------------------------------------------


@pytest.mark.parametrize("part", range(8))
def test_random_genotypes_agree(part: int) -> None:
    """Genotypes of the paper's space, at the size they were built for and at another.

    40 of them, and 200 with HYPOTHESIS_PROFILE=thorough.
    """
    for number, graph in enumerate(random_graphs(many(25, usually=5), seed=part)):
        size = None if number % 2 else graph.configuration.image_size + 7
        assert difference(graph, size) < TOLERANCE


@hypothesis_settings(max_examples=many(40, usually=20))
@given(cases)
def test_every_setting_agrees(case: tuple[Genotype, Settings]) -> None:
    """Outputs, combines, skeletons, blocks and cells that no result needs."""
    genotype, settings = case
    assert difference(network_graph(genotype, replace(settings, auxiliary=False))) < TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_the_library_agrees(kind: str) -> None:
    """Every skeleton, vocabulary, output and combine of the library."""
    assert difference(small(kind)) < TOLERANCE
    assert difference(small(kind), 64) < TOLERANCE


@pytest.mark.parametrize("ops", ["nasnet_timm", "nasnet_keras", "darts"])
def test_other_vocabularies_agree(ops: str) -> None:
    """The same cells with other paddings, pools and forms."""
    genotype = nasdsl.load("darts_v1" if ops == "darts" else "nasnet_a")
    if ops != "darts":
        from nasdsl.library import vocabulary
        from nasdsl.loading.vocabulary import in_vocabulary

        genotype = in_vocabulary(genotype, vocabulary(ops))
    assert difference(small(genotype)) < TOLERANCE
    assert difference(small(genotype, stem="cifar"), 32) < TOLERANCE


WINDOWS = [
    "[avg_pool(3x3, stride, count_padding)]",
    "[avg_pool(5x5, stride, symmetric, count_padding)]",
    "[avg_pool(2x2, stride)]",
    "[avg_pool(1x4, stride)]",
    "[max_pool(3x3, stride, zero_padded)]",
    "[max_pool(3x3, stride, symmetric, zero_padded)]",
    "[max_pool(2x2, stride)]",
    "[conv(2x3, stride)]",
    "[conv(4x4, stride, dilation 2)]",
    "[conv(3x1, stride_y), conv(1x3, stride_x)]",
    "[depthwise(5x5, stride, symmetric, dilation 3), pointwise]",
    "[relu, conv(1x1, filters/3), conv(3x3, stride, filters/4), conv(1x1), instance_norm]",
    "[zero]",
    "[factorized_reduce, layer_norm]",
]


@pytest.mark.parametrize("window", WINDOWS)
def test_every_argument_agrees(window: str) -> None:
    """Paddings, strides, dilations and pools that the library's vocabularies do not have."""
    fit = "" if "conv" in window or "zero" in window or "fact" in window else ", conv(1x1)"
    text = (
        f"genotype own\n\nop one = {window[:-1]}{fit}]\nop fit = [conv(1x1, stride)]\n"
        "combine add = [sum]\n\n"
        "cell normal {\n    b0 = (h[i], h[i-1], one, fit, add)\n"
        "    b1 = (b0, b0, one, one, add)\n}\n\n"
        "cell reduction {\n    b0 = (h[i], h[i-1], one, one, add)\n}\n"
    )
    genotype = nasdsl.loads(text)
    assert difference(small(genotype, stem="cifar")) < TOLERANCE
    assert difference(small(genotype, stem="cifar"), 28) < TOLERANCE


@pytest.mark.parametrize("filters", [1, 3])
def test_odd_halves_agree(filters: int) -> None:
    """A factorized reduction to an odd number of filters; one filter has one path."""
    graph = small(halving_genotype(), stem="imagenet", cell_filters=4 * filters)
    assert difference(graph) < TOLERANCE


def test_training_agrees() -> None:
    """In training: both logits, the gradients and the moving statistics."""
    graph = small("nasnet_a_cifar", auxiliary=True, drop_path=0.0, image_size=32)
    net, printed = (module.double() for module in both(graph))
    pixels = image(graph).double()
    for module in (net, printed):
        module.train()
        made = module(pixels)
        (made.logits.sum() + made.aux_logits.square().sum()).backward()
    assert type(made).__name__ == "NetworkOutputs"
    state, other = net.state_dict(), printed.state_dict()
    for name, tensor in state.items():
        torch.testing.assert_close(other[name], tensor, rtol=1e-9, atol=1e-9)
    gradients = {name: p.grad for name, p in printed.named_parameters()}
    for name, parameter in net.named_parameters():
        torch.testing.assert_close(gradients[name], parameter.grad, rtol=1e-6, atol=1e-8)


def test_paths_are_dropped_as_scheduled() -> None:
    """A path survives with 1 - drop_path * depth * progress, and is scaled by its inverse."""
    graph = small("nasnet_a_cifar", drop_path=0.5, image_size=16)
    printed = imported(backend.build(graph)).Network().train()
    assert float(printed.keep(1.0)) == 1.0
    printed.set_progress(0.5)
    keep = printed.keep(0.8)
    assert float(keep) == pytest.approx(1 - 0.5 * 0.8 * 0.5)
    drop_path = imported(backend.build(graph)).drop_path
    torch.manual_seed(0)
    made = drop_path(torch.ones(20_000, 1, 1, 1), keep)
    assert made.unique().tolist() == [0.0, pytest.approx(1 / 0.8)]
    assert float(made.mean()) == pytest.approx(1.0, abs=0.02)
    assert printed.eval().keep(1.0) is None


def test_initial_weights_are_the_skeletons() -> None:
    """The released variance scaling over the fan-out; zero biases."""
    printed = imported(backend.build(small("nasnet_a_cifar", cell_filters=32))).build()
    weight = printed.cells[0].b0.left[2].weight.detach()
    expected = (1.3 * 2 / weight.shape[0]) ** 0.5
    assert float(weight.abs().max()) <= 2 * expected
    # A normal distribution cut at two standard deviations has 0.88 of the deviation.
    assert float(weight.std()) == pytest.approx(0.88 * expected, rel=0.1)
    assert not printed.head.linear.bias.any()
    printed = imported(backend.build(small("enas_micro_cifar", cell_filters=32))).build()
    weight = printed.cells[0].b0.right[2].weight.detach()
    assert float(weight.std()) == pytest.approx(0.88 * (2 / weight.shape[1]) ** 0.5, rel=0.1)
    assert printed.head.linear.bias is None


# -- the text -----------------------------------------------------------------------------


def test_every_primitive_has_an_emission() -> None:
    """No primitive of the graph is missing, and none is made up."""
    assert set(PRIMITIVES) == backend.primitives


def test_golden_source(golden: Callable[[str, str], None]) -> None:
    """The file of one small network, word for word."""
    genotype = nasdsl.loads(TINY)
    graph = small(genotype, auxiliary=True, stem="cifar", image_size=32)
    golden("source/tiny.py.txt", backend.build(graph, text=nasdsl.genotype_text(genotype)))


@pytest.mark.parametrize("kind", [*KINDS, "tiny"])
def test_files_are_formatted_and_import_only_torch(kind: str, tmp_path: Path) -> None:
    """`ruff format` leaves them as they are, `ruff check` has no findings."""
    graph = small(nasdsl.loads(TINY) if kind == "tiny" else kind)
    text = backend.build(graph)
    path = tmp_path / "network.py"
    path.write_text(text)
    ruff = [sys.executable, "-m", "ruff"]
    wide = ["--line-length", "100", "--isolated", "--no-cache", str(path)]
    for command in (["format", "--check", *wide], ["check", "--select=E,F,W,I,UP", *wide]):
        ran = subprocess.run([*ruff, *command], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    names = {
        alias.name if isinstance(node, ast.Import) else node.module
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert names <= {"torch", "torch.nn.functional", "collections", "typing"}


def test_the_file_runs_alone(tmp_path: Path) -> None:
    """Without nasdsl on the path it builds the network and says how large it is."""
    graph = small("nasnet_a_cifar")
    (tmp_path / "network.py").write_text(backend.build(graph))
    command = [sys.executable, "-I", str(tmp_path / "network.py")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    count = sum(p.numel() for p in built(graph, device="meta").parameters())
    assert ran.stdout == f"{count:,} parameters, logits (1, 7)\n"


def test_the_same_bytes_in_every_process() -> None:
    """Hash seeds do not show."""
    code = (
        "import sys, hashlib, nasdsl\n"
        "from nasdsl.api.compile import compiled_graph\n"
        "from nasdsl_backends.source import backend\n"
        "text = backend.build(compiled_graph('nasnet_a_large', auxiliary=True))\n"
        "assert 'torch' not in sys.modules\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    found = printed_under_hash_seeds(code)
    assert len(found) == 1


def test_repeated_cells_share_a_class() -> None:
    """One class for each distinct wiring, whatever the filters."""
    text = backend.build(small("nasnet_a_large", N=6))
    classes = re.findall(r"^class (\w*Cell\w*)\(", text, re.M)
    assert classes == [
        "StemReductionCell",
        "StemReductionCell2",
        "NormalCellAfterReduction",
        "NormalCell",
        "ReductionCell",
    ]
    assert len(text.splitlines()) < 500


# -- hostile names ------------------------------------------------------------------------

HOSTILE = [
    '"""',
    "'''\nimport os\nos.system('x')",
    '"""\nimport os\n"""',
    "\\",
    '\\"""',
    "\r\nimport os",
    "\x0cimport os",
    "\u2028import os",
    "\x85import os",
    "x\0y",
    "{__import__('os')}",
    "%s%n",
    "\N{RIGHT-TO-LEFT OVERRIDE}os",
    "\N{KELVIN SIGN}elvin",
    "def",
    "class",
    "super",
    "filters",
    "in0",
    "channels",
    "torch",
    "nn",
    "F",
    "batch_norm",
    "drop_path",
    "Parts",
    "parts",
    "self",
    "None",
    "",
    " ",
    "9",
    "a" * 5000,
    "# noqa",
    "# type: ignore",
    "# -*- coding: utf-7 -*-",
    "\udc80",
]
_PIECES = [
    '"',
    "'",
    "\\",
    "\n",
    "\r",
    "#",
    "(",
    ")",
    "os",
    " ",
    "\t",
    "\x1b",
    "\u202e",
    "é",
    "{",
    "0",
]


def names(count: int) -> Iterator[str]:
    """Names meant to break out of whatever they stand in."""
    draw = Random(0)
    yield from HOSTILE
    for _ in range(count - len(HOSTILE)):
        yield "".join(draw.choices(_PIECES, k=draw.randrange(1, 12)))


def named(words: Iterator[str]) -> Genotype:
    """A genotype all of whose names are taken from `words`."""
    plain = nasdsl.load("nasnet_a").vocabulary
    seen: set[str] = set()

    def fresh() -> str:
        word = next(words)
        while word in seen:
            word += "'"
        seen.add(word)
        return word

    shapes = [plain.op[name] for name in ("sep_conv_3x3", "avg_pool_3x3", "identity")]
    ops = [Op(fresh(), shapes[i % 3].forms) for i in range(30)]
    add = replace(plain.combine["add"], name=fresh())
    vocabulary = Vocabulary(fresh(), tuple(ops), (add,))
    blocks: list[Block] = []
    for index in range(15):
        states = Hidden(0) if index < 2 else BlockState(blocks[-1].name), Hidden(1)
        left, right = ops[2 * index].name, ops[2 * index + 1].name
        blocks.append(Block(fresh(), states, (left, right), add.name))
    cells = Cell("normal", tuple(blocks)), Cell("reduction", tuple(blocks))
    return Genotype(fresh(), vocabulary, cells)


def skeleton_of(text: str) -> str:
    """The syntax tree of a file without docstrings and names of ops."""
    tree = ast.parse(text)
    functions: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            docstring = ast.get_docstring(node)
            if isinstance(node, ast.FunctionDef) and (docstring or "").startswith("The op "):
                functions[node.name] = f"op_number_{len(functions)}"
                node.name = functions[node.name]
            if docstring is not None:
                node.body = node.body[1:]
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = functions.get(node.id, node.id)
    return ast.dump(tree)


def test_names_cannot_break_out() -> None:
    """1,200 names: the same program as with plain ones, in printable ASCII.

    10,000 with HYPOTHESIS_PROFILE=thorough.
    """
    plain = named(f"name{number}" for number in range(1000))
    settings = Settings(N=1, cell_filters=4, stem="cifar", classes=3)
    expected = skeleton_of(backend.build(network_graph(plain, settings)))
    count = many(10_000, usually=1_200)
    words, used = names(count), 0
    while used < count - 100:
        each = list(islice(words, 60))
        used += len(each)
        genotype = named(iter([*each, *(f"z{number}" for number in range(60))]))
        text = backend.build(network_graph(genotype, settings), text="\n".join(each))
        assert text.isascii()
        assert text.replace("\n", "").isprintable()
        assert skeleton_of(text) == expected
        comments = [
            token.string
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        ]
        assert all(found.startswith("# ") for found in comments)
    assert max(map(len, text.splitlines())) < 20_000


@pytest.mark.parametrize("word", HOSTILE)
def test_words_end_where_they_should(word: str) -> None:
    """A comment is one comment; a docstring gives back printable text."""
    (only,) = ast.parse(f'"""{prose(word)}."""\n{comment(word, 60)}\n').body
    assert isinstance(only, ast.Expr)
    assert isinstance(only.value, ast.Constant)
    assert json.dumps(only.value.value).isascii()


@pytest.mark.parametrize("names", [("merge",), ("hoist",), ("merge", "hoist", "dead")])
@given(cases)
@hypothesis_settings(max_examples=many(25, usually=10))
def test_networks_that_passes_have_rewritten(
    names: tuple[str, ...], case: tuple[Genotype, Settings]
) -> None:
    """A rewritten network is printed right, or refused in one finding: never a mistake of ours."""
    graph = network_graph(*case)
    passed = run(graph, names)
    try:
        text = backend.build(passed)
    except CellError as error:
        refused = [found.code for found in error.diagnostics]
    else:
        refused = []
    assert refused in ([], ["NAS704"])
    if refused:
        return
    net = randomised(built(graph, dtype=torch.float64)).eval()
    printed = imported(text).build().double().eval()
    printed.load_state_dict(net.state_dict())
    pixels = image(graph).double()
    torch.testing.assert_close(printed(pixels), net(pixels))
