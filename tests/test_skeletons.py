"""A skeleton is one file and one entry point, ours and anybody's.

`tests/data/skeletons/` holds installed packages: a module beside its `.dist-info`. Put on the
path, they are found by the same look-up as those pip installs.
"""

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl import api
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import analysis
from nasdsl.network import SKELETONS, complete, configuration_of, expand, network_graph, verified
from nasdsl.search.child import limit_for
from nasdsl.search.evaluators import evaluator
from tests.cli_run import Run, runner
from tests.searches import proposing

PACKAGES = Path(__file__).parent / "data" / "skeletons"
ROOT = Path(__file__).parent.parent
OURS = ["amoebanet", "darts", "enas", "nasbench201", "nasnet", "pnasnet"]
#: NASNet-A's cells on the ladder: six states of the same filters in every stage.
TEXT = """\
genotype rungs

network {
    genotype = nasnet_a
    skeleton = ladder
    stem     = patch
}
"""


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package `ladder-skeleton` is installed."""
    monkeypatch.syspath_prepend(PACKAGES / "ladder")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("cost", "rungs.cell")` in a folder with that file."""
    monkeypatch.chdir(tmp_path)
    Path("rungs.cell").write_text(TEXT)
    return runner(capfd, monkeypatch)


# -- a third party ----------------------------------------------------------------------


@pytest.mark.usefixtures("third_party")
def test_check_and_cost(run: Run) -> None:
    """The text is legal, and the head reads the six states of 32 filters that there are."""
    assert run("check", "rungs.cell").code == 0
    found = json.loads(run("cost", "rungs.cell", "--json").out)
    network = found["network"]
    assert (network["skeleton"], network["stem"], network["N"]) == ("ladder", "patch", 2)
    assert (network["cell_filters"], network["filters"], network["stem_filters"]) == (32, 192, 64)
    assert (network["image_size"], network["drop_path"]) == (64, 0.1)
    kinds = [module["kind"] for module in found["modules"] if module["role"] == "cell"]
    stage = ["normal", "normal"]
    assert kinds == [*stage, "reduction", *stage, "reduction", *stage, "reduction", *stage]
    (head,) = [module for module in found["modules"] if module["role"] == "head"]
    assert head["params"] == 192 * 10 + 10
    assert "2 @ 192" in run("cost", "rungs.cell").out


@pytest.mark.usefixtures("third_party")
def test_sizes_follow_from_the_plan() -> None:
    """Filters, images and depths are those of its own stages, and every graph is sound."""
    genotype = nasdsl.load("nasnet_a").with_settings(Settings(skeleton="ladder"))
    graph = verified(network_graph(genotype, Settings(N=1, filters=24, image_size=128)))
    cells = [module for module in graph.modules if module.role == "cell"]
    assert {cell.filters for cell in cells} == {4}
    assert [cell.depth for cell in cells] == pytest.approx([place / 7 for place in range(1, 8)])
    (found,) = [each for _, each in complete(genotype, Settings(filters=100)).findings]
    assert found.message == "filters: 100 is not a multiple of 6; 96 and 102 are"
    # The stem halves, and two reductions come before the auxiliary classifier: 5 pixels of 33.
    auxiliary = Settings(auxiliary=True, image_size=32)
    (found,) = [each for _, each in complete(genotype, auxiliary).findings]
    assert "33 is the smallest legal size" in found.message
    verified(network_graph(genotype, auxiliary.override(Settings(image_size=33))))


@pytest.mark.usefixtures("third_party")
def test_words_are_those_that_are_installed(run: Run) -> None:
    """A skeleton that is installed is a legal word, with its stems and no others."""
    wrong = TEXT.replace("= ladder", "= laddr")
    ran = run("check", "-", stdin=wrong)
    assert ran.code == 1
    assert "NAS502" in ran.out
    assert "did you mean `ladder`?" in ran.out
    ran = run("check", "-", stdin=TEXT.replace("= patch", "= cifar"))
    assert "`stem` cannot be `cifar`" in ran.out
    assert "expected `patch`" in ran.out
    ran = run("cost", "nasnet_a", "--stem", "patch")
    assert ran.code == 2
    assert "`stem` cannot be `patch` in the nasnet skeleton" in ran.err
    assert run("cost", "nasnet_a", "--skeleton", "ladder", "--json").code == 0
    ran = run("cost", "rungs.cell", "--skip-reduction-input")
    assert "a ladder skips nothing" in ran.err
    help = run("cost", "--help").out
    assert "ladder" in help
    assert "patch" in help


def test_words_are_not_those_that_are_not(run: Run) -> None:
    """Without the package the same text is refused, and so is the flag."""
    ran = run("check", "rungs.cell")
    assert ran.code == 1
    assert "`skeleton` cannot be `ladder`" in ran.out
    assert run("cost", "nasnet_a", "--skeleton", "ladder").code == 2
    assert run("cost", "nasnet_a", "--stem", "patch").code == 2


@pytest.mark.usefixtures("third_party")
def test_render(run: Run) -> None:
    """The picture of the network has its skeleton, and its reductions."""
    ran = run("render", "rungs.cell", "--network", "--format", "dot")
    assert ran.code == 0, ran.err
    assert "ladder skeleton" in ran.out
    assert ran.out.count("Reduction") >= 3


@pytest.mark.usefixtures("third_party")
def test_compile_export_and_read_back(run: Run) -> None:
    """It compiles; files of it are read back and agree, with its own initial weights."""
    torch = pytest.importorskip("torch", reason="networks are torch modules")
    small = ("--N", "1", "--filters", "24", "--image-size", "40", "--auxiliary", "--json")
    for name in ("rungs.safetensors", "rungs.py"):
        ran = run("compile", "rungs.cell", *small, "-o", name)
        assert ran.code == 0, ran.err
        assert json.loads(ran.out)["file"]["path"].endswith(name)
    net = nasdsl.compile("rungs.safetensors")
    chosen = net.graph.configuration
    assert (chosen.name, chosen.stem, chosen.filters, chosen.auxiliary) == (
        *("ladder", "patch", 24),
        True,
    )
    assert net.head.linear.in_features == 24
    assert "Draw weights as He et al. 2015 do." in Path("rungs.py").read_text()
    # `he_normal`, cut at two standard deviations, which leaves 0.774 of the variance.
    wide = nasdsl.compile("rungs.cell", filters=6 * 64, seed=1)
    weight = wide.state_dict()["cells.0.input0.1.weight"]
    expected = (2 / weight[0].numel() * 0.7737) ** 0.5
    assert float(weight.std()) == pytest.approx(expected, rel=0.05)
    images = torch.zeros(1, 3, 40, 40)
    assert net.eval()(images).shape == (1, 10)


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize("text", [TEXT, TEXT.replace("    stem     = patch\n", "")])
def test_train(run: Run, text: str) -> None:
    """A step of training, from the file to a model that can be compiled again."""
    pytest.importorskip("torch", reason="networks are torch modules")
    pytest.importorskip("accelerate", reason="training needs it")
    pytest.importorskip("sklearn", reason="the digits come with it")
    Path("rungs.cell").write_text(text)
    sizes = ("--N", "1", "--filters", "24", "--set", "batch=2048", "--set", "epochs=1")
    ran = run("train", "rungs.cell", *sizes, "--set", "warmup=0", "--out", "one")
    assert ran.code == 0, ran.err
    net = nasdsl.compile("one/model.safetensors")
    assert (net.graph.configuration.stem, net.num_classes) == ("patch", 10)


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize(("name", "code"), [("broken", "NAS502"), ("absent", "NAS502")])
def test_offers_that_are_none(name: str, code: str, run: Run) -> None:
    """An entry point to something else, or to nothing, is refused by name."""
    text = TEXT.replace("ladder", name)
    ran = run("check", "-", stdin=text)
    assert (ran.code, code in ran.out, "ladder_skeleton" in ran.out) == (1, True, True)
    with pytest.raises(CellError) as caught:
        nasdsl.cost("nasnet_a", skeleton=name)
    assert [found.code for found in caught.value.diagnostics] == [code]


@pytest.mark.usefixtures("third_party")
def test_two_packages_offer_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two packages offer a skeleton, neither is taken."""
    monkeypatch.syspath_prepend(PACKAGES / "rival")
    with pytest.raises(CellError, match="2 installed packages") as caught:
        nasdsl.cost("nasnet_a", skeleton="ladder")
    assert [found.code for found in caught.value.diagnostics] == ["NAS502"]


# -- ours -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", OURS)
def test_ours_say_all_there_is(name: str) -> None:
    """Ours are registered as a third party's are; their plans name cells once and in order."""
    skeleton = SKELETONS.find(name)
    assert skeleton.name == name
    assert set(skeleton.stems) <= {"cifar", "imagenet"}
    assert skeleton.default_stem in skeleton.stems
    own = {cell.kind for cell in skeleton.own.cells} if skeleton.own else set()
    for stem, rules in skeleton.stems.items():
        plan = skeleton.plan(stem, 3)
        assert len({cell.name for cell in plan}) == len(plan)
        assert {cell.kind for cell in plan} == {*skeleton.cells, *own}
        assert sum(cell.before_auxiliary for cell in plan) == (rules.auxiliary is not None)


def compared_names(tree: ast.AST) -> set[str]:
    """The skeletons' names that a file compares something with, or looks for something among."""
    compared: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            compared += [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            compared.append(node.value)
    for each in list(compared):
        if isinstance(each, ast.Tuple | ast.List | ast.Set):
            compared += each.elts
    words = {each.value for each in compared if isinstance(each, ast.Constant)}
    return words & set(SKELETONS.names())


def test_nobody_else_asks_for_a_name() -> None:
    """No other code compares a skeleton's name: whoever wants to know asks the object."""
    assert compared_names(ast.parse('x == "darts" or y in ("enas",)')) == {"darts", "enas"}
    sources = [*ROOT.glob("nasdsl/**/*.py"), *ROOT.glob("backends/**/*.py")]
    assert sources
    found = {
        str(path.relative_to(ROOT)): compared_names(ast.parse(path.read_text(encoding="utf-8")))
        for path in sources
        if path.parent != ROOT / "nasdsl" / "skeletons"
    }
    # Among formats it is the name of a format.
    assert found.pop("nasdsl/interop/formats.py") == {"amoebanet"}
    assert {path: names for path, names in found.items() if names} == {}


def test_nothing_is_looked_up_unasked() -> None:
    """Neither `import nasdsl` nor checking a file without a network looks for plugins."""
    code = (
        "import importlib.metadata, sys\n"
        "def entry_points(**_): sys.exit('entry points were read')\n"
        "importlib.metadata.entry_points = entry_points\n"
        "import nasdsl\n"
        "from nasdsl.cli.run import exit_code\n"
        "assert exit_code(['check', 'nasnet_a']) == 0\n"
        "assert not [name for name in sys.modules if name.startswith('nasdsl.skeletons')]\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "nasnet_a: no findings\n")


# -- settings are completed once ---------------------------------------------------------


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often settings were completed and networks expanded, wherever it was asked for."""
    counts = {"complete": 0, "expand": 0}

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            counts[name] += 1
            return function(*args, **kwargs)

        return counted

    complete_module = sys.modules["nasdsl.network.complete"]
    for name, module, attribute in (
        ("complete", complete_module, "choices_of"),
        ("expand", expand, "Stack"),
    ):
        monkeypatch.setattr(module, attribute, counting(name, getattr(module, attribute)))
    return counts


@pytest.mark.parametrize(
    "words",
    [
        ["cost", "nasnet_a"],
        ["cost", "nasnet_a_large", "--json"],
        ["cost", "nasnet_a_large", "--N", "2", "--auxiliary"],
        ["cost", "darts_v2", "--preset", "cifar", "--filters", "64"],
        ["cost", "nasnet_a_mobile", "--ops", "nasnet_keras"],
    ],
    ids=" ".join,
)
def test_cost_completes_and_expands_once(calls: dict[str, int], run: Run, words: list[str]) -> None:
    """Whether settings come from the file, from flags or from both."""
    assert run(*words).code == 0
    assert calls == {"complete": 1, "expand": 1}


@pytest.mark.parametrize("own", ["nasnet_a", "nasnet_a_cifar"])
def test_compile_completes_and_expands_once(calls: dict[str, int], run: Run, own: str) -> None:
    """By command, with a file written and read back."""
    pytest.importorskip("torch", reason="networks are torch modules")
    small = ("--stem", "cifar", "--N", "1", "--filters", "96", "--image-size", "16")
    assert run("compile", own, *small).code == 0
    assert calls == {"complete": 1, "expand": 1}


def test_python_completes_and_expands_once(calls: dict[str, int]) -> None:
    """The same from Python, from a name as from a genotype."""
    for source in ("nasnet_a_cifar", nasdsl.load("nasnet_a")):
        calls.update(complete=0, expand=0)
        nasdsl.cost(source, N=1)
        assert calls == {"complete": 1, "expand": 1}
        if "torch" not in sys.modules:
            continue
        calls.update(complete=0, expand=0)
        nasdsl.compile(source, N=1, stem="cifar", filters=96, device="meta")
        assert calls == {"complete": 1, "expand": 1}


@pytest.mark.parametrize(
    "spec",
    [
        "train?epochs=1&batch=899&N=1&cell_filters=2&augmentation=none",
        "proxy:naswot?batch=2&N=1&cell_filters=2",
        "proxy:synflow?N=1&cell_filters=2&image_size=8&stem=cifar",
    ],
)
@pytest.mark.parametrize("network", ["", "network { N = 2  filters = 96 }"])
def test_an_evaluation_completes_and_expands_once(
    calls: dict[str, int], spec: str, network: str
) -> None:
    """However much of the network the text says itself."""
    pytest.importorskip("torch", reason="networks are torch modules")
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    text = nasdsl.genotype_text(nasdsl.load("nasnet_a")) + network
    made = evaluator(spec)
    calls.update(complete=0, expand=0)
    made.evaluate(text, 0, lambda value: None)
    assert calls == {"complete": 1, "expand": 1}


def test_a_limit_completes_and_expands_once(calls: dict[str, int]) -> None:
    """A proposal that is counted, and one of a file with settings of its own."""
    limit = limit_for(evaluator("python:math:sqrt"), max_params=1)
    assert limit is not None
    for name in ("nasnet_a", "nasnet_a_cifar"):
        genotype = nasdsl.load(name)
        calls.update(complete=0, expand=0)
        assert limit(genotype) is not None
        assert calls == {"complete": 1, "expand": 1}


def test_a_proposal_completes_and_expands_once(calls: dict[str, int], tmp_path: Path) -> None:
    """It is read, hashed and counted, whatever the space's text says of a network."""
    with proposing(tmp_path / "s.db", trials=3) as (proposer, store):
        calls.update(complete=0, expand=0)
        proposer.advance()
        assert store.counts().proposed == 3
    assert calls == {"complete": 3, "expand": 3}


def test_train_completes_and_expands_once(
    calls: dict[str, int], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model at the end is read back, as anybody would: that is the second time."""
    texts: list[str] = []
    parse = analysis.parse
    monkeypatch.setattr(
        analysis, "parse", lambda source: texts.append(source.name) or parse(source)
    )
    pytest.importorskip("accelerate", reason="training needs it")
    Path("own.cell").write_text("network { genotype = nasnet_a N = 1 filters = 24 drop_path = 0 }")
    small = ("--set", "epochs=1", "--set", "batch=512", "--no-tensorboard", "--quiet")
    assert run("train", "own.cell", *small, "--out", "one").code == 0
    assert calls == {"complete": 2, "expand": 2}
    assert texts[0] == "own.cell"
    assert [Path(name.strip("<>")).suffix for name in texts] == [".cell", ".safetensors"]
    calls.update(complete=0, expand=0)
    Path("one/model.safetensors").unlink()
    assert run("train", "--resume", "one", "--quiet").code == 0
    assert calls == {"complete": 2, "expand": 2}


def test_fit_completes_and_expands_nothing(calls: dict[str, int]) -> None:
    """It reads the graph of the network that it is given."""
    pytest.importorskip("accelerate", reason="training needs it")
    from nasdsl.train import fit
    from tests.train_cases import network, short, splits

    net = network()
    assert calls == {"complete": 1, "expand": 1}
    fit(net, splits(), short(epochs=1), test=True)
    assert calls == {"complete": 1, "expand": 1}


def test_flags_win_over_a_mistake_they_replace(run: Run) -> None:
    """A wrong number in a file is no mistake of a network that has another."""
    Path("wrong.cell").write_text("network { genotype = nasnet_a filters = 1538 }\n")
    assert run("cost", "wrong.cell").code == 1
    ran = run("cost", "wrong.cell", "--N", "2")
    assert ran.code == 1
    assert "wrong.cell:1" in ran.err
    assert run("cost", "wrong.cell", "--filters", "1536").code == 0
    ran = run("cost", "wrong.cell", "--filters", "1536", "--image-size", "2")
    assert ran.code == 2
    assert "image of 2 pixels" in ran.err


def test_a_configuration_is_one_completion() -> None:
    """What raises and what reports are one function."""
    genotype = nasdsl.load("nasnet_a_large")
    assert complete(genotype).configuration == configuration_of(genotype)
    assert api.request.source_network(genotype).configuration == configuration_of(genotype)
