"""A package that adds one of each kind, installed in a fresh environment, works.

`tests/plugin` is that package, as a third party would write it. The fresh environment has nasdsl
and it, each built and installed by pip; what they depend on is the libraries of this environment,
because PyTorch is large.
"""

import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from nasdsl import contains, enumerate_genotypes, genotype_text, load, loads_space
from nasdsl.errors import CellError
from nasdsl.metadata import own_groups
from nasdsl.registry import Registry, installed_plugins
from nasdsl.search.store import Reader
from nasdsl.train.recipe import recipe
from tests.cli_run import TINY
from tests.test_install import built, fresh, pip, run, tree, wheel  # noqa: F401

pytest.importorskip("torch", reason="some of the example's parts need it")
pytest.importorskip("accelerate", reason="training needs it")

from safetensors.torch import load_file, save_file

EXAMPLE = Path(__file__).parent / "plugin"
OFFERED = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]["entry-points"]
CONTRIBUTING = (Path(__file__).parent.parent / "CONTRIBUTING.md").read_text()
SPACE = TINY.replace("sep_conv_3x3, identity", "{sep_conv_3x3 | identity}, ?")


def shown(heading: str) -> list[str]:
    """The command that CONTRIBUTING.md shows for a kind of addition, without `nasdsl`."""
    _, _, section = CONTRIBUTING.partition(f"### {heading}\n")
    (command,) = re.findall(r"^```sh\nnasdsl (.*)\n```$", section.partition("\n### ")[0], re.M)
    return shlex.split(command)


def enumerated() -> Iterator[str]:
    """The members of the space, as text."""
    return map(genotype_text, enumerate_genotypes(loads_space(SPACE)))


def proposed(nasdsl, store: str) -> list[str]:
    """What a search has proposed."""
    with Reader(nasdsl.folder / store) as reader:
        return sorted(trial.text for trial in reader.trials())


#: Reads commands, a JSON list of arguments a line, and answers each with a line: the code it ends
#: with, and what it printed. Whatever else prints there goes to standard error.
COMMANDS = """
import contextlib, io, json, os, sys
from nasdsl.cli import main

answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
for line in sys.stdin:
    sys.argv[1:] = words = json.loads(line)
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            main(words)
        except SystemExit as ended:
            code = ended.code
    said = [stream.buffer.getvalue().decode() for stream in streams]
    print(json.dumps([code, *said]), file=answers, flush=True)
"""


@pytest.fixture(scope="module")
def nasdsl(tmp_path_factory: pytest.TempPathFactory, wheel: Path):  # noqa: F811
    """The command of a fresh environment in which the example is installed, run in a folder.

    The commands run one after the other in one process of that environment, which imports PyTorch
    once; `alone` runs one in a process of its own.
    """
    folder = tmp_path_factory.mktemp("plugins")
    scripts = fresh(folder)
    (site,) = (folder / "env").glob("lib/python*/site-packages")
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    # A path in a .pth file comes after the environment's own packages.
    (site / "libraries.pth").write_text("".join(f"{path}\n" for path in libraries))
    # A copy, because building leaves files in the tree.
    example = shutil.copytree(EXAMPLE, folder / "example")
    into = ("--python", scripts / "python", "install", "--quiet", "--no-deps")
    pip(*into, wheel, example, cwd=folder)
    work = folder / "work"
    work.mkdir()
    (work / "tiny.cell").write_text(TINY)
    (work / "space.cell").write_text(SPACE)

    with subprocess.Popen(
        [scripts / "python", "-P", "-c", COMMANDS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        cwd=work,
    ) as process:

        def command(*words: str) -> str:
            print(json.dumps(words), file=process.stdin, flush=True)
            answer = process.stdout.readline()
            assert answer, f"{words} ended the process"
            code, out, err = json.loads(answer)
            assert code == 0, f"{words}\n{out}\n{err}"
            return out

        command.folder = work
        command.alone = lambda *words: run(scripts / "nasdsl", *words, cwd=work)
        yield command
        process.communicate()


def test_every_kind_has_an_example() -> None:
    """Whatever kind nasdsl has entry points of, the example adds one."""
    assert set(OFFERED) == own_groups()


def test_one_file_and_one_entry_point_each() -> None:
    """The table of CONTRIBUTING.md, counted: the example has no file besides."""
    files = {path.name for path in (EXAMPLE / "nasdsl_example").iterdir() if path.is_file()}
    entries = [(name, value) for group in OFFERED.values() for name, value in group.items()]
    modules = {value.partition(":")[0].partition(".")[2] or name for name, value in entries}
    assert {Path(name).stem for name in files} == {*modules, "__init__"}
    assert len(files) == len(entries) + 1
    rows = re.findall(r"^\| .* \| 1, `(.+)` \| `(.+)` \|$", CONTRIBUTING, re.M)
    assert sorted(name for name, _ in rows) == sorted(files - {"__init__.py"})
    assert sorted(group for _, group in rows) == sorted(OFFERED)


def test_recipes_for_additions_are_the_example() -> None:
    """CONTRIBUTING.md shows each file and each entry point as it is."""
    blocks = set(re.findall(r"^```(?:python|toml)\n(.*?)^```$", CONTRIBUTING, re.M | re.S))
    for path in (EXAMPLE / "nasdsl_example").iterdir():
        if path.is_file() and path.name != "__init__.py":
            assert path.read_text() in blocks, path.name
    for group, entries in OFFERED.items():
        for name, value in entries.items():
            assert f'[project.entry-points."{group}"]\n{name} = "{value}"\n' in blocks, name


def test_listed_with_package_and_version(nasdsl) -> None:
    """`list --plugins` and `doctor` show everything, and that it can be used."""
    found = json.loads(nasdsl.alone("list", "--plugins", "--json"))["plugins"]
    ours = {(each["kind"], each["name"]): each for each in found if each["version"] == "1.0"}
    assert set(ours) == {
        (group.removeprefix("nasdsl."), name) for group in OFFERED for name in OFFERED[group]
    }
    assert {each["package"] for each in ours.values()} == {"nasdsl-example"}
    assert not any(each["problem"] for each in found)
    assert re.search(r"^  sweep +nasdsl-example 1\.0$", nasdsl("list", "--plugins"), re.M)
    lines = nasdsl("doctor").splitlines()
    for group, names in OFFERED.items():
        for name in names:
            assert any(f"{name} (nasdsl-example)" in line for line in lines), group
    assert not any("cannot be used" in line for line in lines)


def test_backend(nasdsl) -> None:
    """A line a node; the last one is the classifier of ten classes."""
    lines = nasdsl(*shown("A backend")).splitlines()
    assert [line.split()[1:] for line in lines[-2:]] == [
        ["dropout", "24x1x1"],
        ["linear", "10x1x1"],
    ]


def test_pass(nasdsl) -> None:
    """All lines but the one of the dropout are there, in order; the pass is verified."""
    before = nasdsl(*shown("A backend")).splitlines()
    after = nasdsl(*shown("A pass")).splitlines()
    assert after == [line for line in before if line.split()[1] != "dropout"]
    assert len(after) == len(before) - 1


def test_skeleton(nasdsl) -> None:
    """Three cells; stem and head are counted by hand: the first cell has 12 filters of the 24."""
    modules = json.loads(nasdsl(*shown("A skeleton"), "--json"))["modules"]
    names = ["stem", "cells.0", "cells.1", "cells.2", "head"]
    assert [module["name"] for module in modules] == names
    assert modules[0]["mult_adds"] == 3 * 3 * 3 * 12 * 32 * 32
    assert modules[-1]["params"] == 24 * 10 + 10


def test_searcher(nasdsl) -> None:
    """`sweep` proposes every second member, and none again after the search goes on."""
    ran = json.loads(nasdsl(*shown("A searcher"), "--quiet", "--json"))
    assert (ran["completed"], ran["failed"]) == (4, 0)
    members = [text for _, text in zip(range(8), enumerated(), strict=False)]
    assert proposed(nasdsl, "a.db") == sorted(members[::2])
    words = [*shown("A searcher"), "--resume"]
    words[words.index("4")] = "6"
    assert json.loads(nasdsl(*words, "--quiet", "--json"))["completed"] == 6
    members = [text for _, text in zip(range(12), enumerated(), strict=False)]
    assert proposed(nasdsl, "a.db") == sorted(members[::2])


def test_one_shot_algorithm(nasdsl) -> None:
    """`pairs` trains a super-network, and what it leads to is a member."""
    nasdsl(*shown("A one-shot algorithm"), "--quiet")
    derived = load(nasdsl.folder / "runs" / "pairs" / "derived.cell")
    assert contains(loads_space(SPACE), derived)


def test_engine(nasdsl) -> None:
    """`inline` evaluates everything that is not a repetition."""
    assert json.loads(nasdsl(*shown("An engine"), "--quiet", "--json"))["completed"] == 4
    with Reader(nasdsl.folder / "b.db") as store:
        assert {trial.worker for trial in store.trials()} - {None} == {"inline"}


def test_evaluator(nasdsl) -> None:
    """`size` rewards: the best has the fewest parameters."""
    best = json.loads(nasdsl(*shown("An evaluator"), "--quiet", "--json"))["best"]
    with Reader(nasdsl.folder / "c.db") as store:
        trials = list(store.trials())
    assert len(trials) == 4
    assert all(trial.reward == -trial.params for trial in trials)
    assert best["params"] == min(trial.params for trial in trials)


def test_proxy(nasdsl) -> None:
    ran = json.loads(nasdsl(*shown("A proxy"), "--quiet", "--json"))
    assert ran["completed"] == 2
    assert ran["best"]["reward"] > 0


def test_format(nasdsl) -> None:
    """Written, detected automatically, and read again."""
    nasdsl(*shown("A format"))
    assert (nasdsl.folder / "tiny.txt").read_text().splitlines()[:2] == [
        "lines tiny nasnet",
        "normal b0 h[i] h[i-1] sep_conv_3x3 identity add",
    ]
    assert nasdsl("convert", "tiny.txt", "--name", "tiny") == nasdsl("convert", "tiny.cell")
    assert "a line per block" in nasdsl("convert", "--list")


def test_weight_layout(nasdsl) -> None:
    """A file with the layout's names is loaded, by name and by looking at them."""
    words = shown("A weight layout")
    network = words[: words.index("--weights")]
    nasdsl(*network, "--seed", "7", "-o", "seven.safetensors")
    weights = load_file(nasdsl.folder / "seven.safetensors")
    loud = {name.upper(): tensor for name, tensor in weights.items() if "progress" not in name}
    save_file(loud, nasdsl.folder / "loud.safetensors")
    for layout in ("loud", "auto"):
        nasdsl(*(layout if word == "loud" else word for word in words))
        found = load_file(nasdsl.folder / "native.safetensors")
        assert all(found[name].equal(weights[name]) for name in weights)


def test_runtime(nasdsl) -> None:
    """`parts` runs the network; its logits are those of the network."""
    (found,) = json.loads(nasdsl(*shown("A runtime"), "--json"))["measured"]
    assert found["contender"]["runtime"] == "parts"
    assert found["relative_error"] < 1e-5


def test_recipe(nasdsl) -> None:
    """The run's folder has all values of `brief`, and names it as their base."""
    nasdsl(*shown("A recipe"), "--quiet", "--no-tensorboard")
    written = tomllib.loads((nasdsl.folder / "runs" / "brief" / "recipe.toml").read_text())
    assert (written["base"], written["epochs"], written["lr"]) == ("brief", 1, 0.05)
    assert written["optimizer"] == recipe("quick").optimizer


def test_data_set(nasdsl) -> None:
    """Trained and evaluated on `stripes`, whose two classes are easily told apart."""
    nasdsl(*shown("A data set"), "--quiet", "--no-tensorboard")
    assert "stripes" in nasdsl("train", "--help")
    found = json.loads(nasdsl("eval", "runs/stripes", "--json"))
    assert found["images"] == 128


def test_logger(nasdsl) -> None:
    """`plain` is told every figure; the run's own file has the same."""
    nasdsl(*shown("A logger"), "--quiet", "--no-tensorboard")
    folder = nasdsl.folder / "runs" / "plain"
    (epoch,) = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    lines = (folder / "plain.txt").read_text().splitlines()
    assert f"{epoch['step']} train/loss {epoch['loss']}" in lines
    assert sum("test/accuracy" in line for line in lines) == 1


# -- what is wrong with a package ---------------------------------------------------------


@pytest.fixture
def offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a package of one module, whose entry points these are."""

    def install(entries: str, module: str, name: str = "other") -> None:
        folder = tmp_path / name
        (folder / f"{name}-2.0.dist-info").mkdir(parents=True)
        (folder / f"{name}-2.0.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {name}\nVersion: 2.0\n"
        )
        (folder / f"{name}-2.0.dist-info" / "entry_points.txt").write_text(entries)
        (folder / f"{name}_module.py").write_text(module)
        monkeypatch.syspath_prepend(folder)

    return install


REGISTRIES = {
    "nasdsl.backends": ("nasdsl.backend", "BACKENDS", "NAS704"),
    "nasdsl.datasets": ("nasdsl.train.data_sets", "DATA_SETS", "NAS825"),
    "nasdsl.engines": ("nasdsl.search.engines.choosing", "ENGINES", "NAS871"),
    "nasdsl.evaluators": ("nasdsl.search.evaluators", "EVALUATORS", "NAS882"),
    "nasdsl.formats": ("nasdsl.interop", "FORMATS", "NAS650"),
    "nasdsl.layouts": ("nasdsl.weights", "LAYOUTS", "NAS805"),
    "nasdsl.loggers": ("nasdsl.train.loggers", "LOGGERS", "NAS850"),
    "nasdsl.oneshot": ("nasdsl.oneshot.method", "METHODS", "NAS880"),
    "nasdsl.passes": ("nasdsl.passes", "PASSES", "NAS722"),
    "nasdsl.runtimes": ("nasdsl.runtimes", "RUNTIMES", "NAS732"),
    "nasdsl.proxies": ("nasdsl.search.proxies", "PROXIES", "NAS882"),
    "nasdsl.recipes": ("nasdsl.train.recipe", "RECIPES", "NAS820"),
    "nasdsl.skeletons": ("nasdsl.network", "SKELETONS", "NAS502"),
    "nasdsl.searchers": ("nasdsl.search.searchers", "SEARCHERS", "NAS880"),
}


def registry(group: str) -> Registry[object]:
    module, name, _ = REGISTRIES[group]
    found: Registry[object] = getattr(import_module(module), name)
    return found


def test_every_kind_has_a_registry() -> None:
    assert {group: registry(group).group for group in REGISTRIES} == {
        group: group for group in own_groups()
    }


@pytest.mark.parametrize("group", REGISTRIES)
def test_ours_can_be_used(group: str) -> None:
    """Each of our own entry points leads to what its kind asks for."""
    kind = registry(group)
    assert list(kind.usable()) == kind.names()


@pytest.mark.parametrize("group", REGISTRIES)
@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("thing = 1", "is offered as"),
        ("other_name = 1", "has no attribute 'thing'"),
        ("raise RuntimeError('out of order')", "out of order"),
        ("this is no Python", "invalid syntax"),
        ("import nobody_has_this_package", "needs `nobody_has_this_package`"),
        # What is there and lacks a module is not missing: the name is wrong, or the version.
        ("import json.nothing_of_this_name", "No module named 'json.nothing_of_this_name'"),
        ("import nasdsl.nothing_of_this_name", "No module named 'nasdsl.nothing_of_this_name'"),
    ],
)
def test_what_cannot_be_used(offered, group: str, module: str, said: str) -> None:
    """One finding, whatever is wrong; the others of its kind work, and a list has all names."""
    offered(f"[{group}]\nodd = other_module:thing\n", module)
    sys.modules.pop("other_module", None)
    kind = registry(group)
    with pytest.raises(CellError) as caught:
        kind.find("odd")
    (found,) = caught.value.diagnostics
    assert said in found.message
    assert found.code == ("NAS701" if "nobody" in module else REGISTRIES[group][2])
    assert "odd" in kind
    assert "odd" not in kind.usable()
    assert len(kind.usable()) == len(kind) - 1


@pytest.mark.parametrize("group", REGISTRIES)
def test_unknown_names(group: str) -> None:
    """The nearest name, or those that are installed."""
    kind = registry(group)
    name = kind.names()[0]
    with pytest.raises(CellError) as caught:
        kind.find(f"{name}_")
    assert caught.value.diagnostics[0].hints == (f"did you mean `{name}`?",)
    with pytest.raises(CellError) as caught:
        kind.find("qqqqqqqqq")
    assert f"`{name}`" in caught.value.diagnostics[0].hints[0]


def test_problems_that_metadata_show(offered) -> None:
    """A name that two packages offer, and a group that is misspelt."""
    offered("[nasdsl.searchers]\nsweep = other_module:a\n", "a = 1")
    offered("[nasdsl.searchers]\nsweep = third_module:a\n", "a = 1", "third")
    offered("[nasdsl.searcher]\nlost = fourth_module:a\n", "a = 1", "fourth")
    found = {(each.package, each.name): each.problem for each in installed_plugins()}
    assert found["other", "sweep"] == found["third", "sweep"] == "two packages offer this name"
    lost = "there is no such kind; did you mean `nasdsl.searchers`?"
    assert found["fourth", "lost"] == lost
    with pytest.raises(CellError) as caught:
        registry("nasdsl.searchers").find("sweep")
    (finding,) = caught.value.diagnostics
    assert finding.hints == ("uninstall all but one of `other` and `third`",)


def test_a_recipe_says_what_it_is_based_on(offered, tmp_path: Path) -> None:
    """A file that is missing, circular, incomplete or damaged is a finding."""
    names = ("absent", "circular", "twin", "partial", "damaged", "odd", "wrong")
    offered("[nasdsl.recipes]\n" + "".join(f"{name} = bases_here\n" for name in names), "")
    package = tmp_path / "other" / "bases_here"
    package.mkdir()
    (package / "__init__.py").touch()
    texts = {
        "circular": 'base = "twin"',
        "twin": 'base = "circular"',
        "partial": "epochs = 3",
        "damaged": "epochs =",
        "odd": "base = 3",
        "wrong": 'base = "quick"\nepoch = 3',
    }
    for name, text in texts.items():
        (package / f"{name}.toml").write_text(text)
    codes = {}
    for name in names:
        with pytest.raises(CellError) as caught:
            recipe(name)
        codes[name] = caught.value.diagnostics[0].code
    assert codes == {**dict.fromkeys(names, "NAS820"), "wrong": "NAS821"}


def test_checking_a_file_looks_at_no_packages() -> None:
    """`import nasdsl` and `nasdsl check` scan no entry points: that takes as long as they do."""
    code = (
        "import importlib.metadata as m, sys\n"
        "def refuse(*a, **k): raise SystemExit('scanned')\n"
        "m.entry_points = m.distributions = refuse\n"
        "import nasdsl\n"
        "from nasdsl.cli import main\n"
        "sys.argv = ['nasdsl', 'check', 'nasnet_a']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "nasnet_a: no findings\n")


def test_one_wording_of_the_nearest_name() -> None:
    """Hints about misspelt names are made in one place; two others say something else."""
    root = Path(__file__).parent.parent
    found = {
        path.relative_to(root).as_posix()
        for folder in ("nasdsl", "backends")
        for path in (root / folder).rglob("*.py")
        if 'f"did you mean' in path.read_text()
    }
    different = {"nasdsl/export/formats.py", "nasdsl/language/parser/messages.py"}
    assert found == {"nasdsl/errors/hints.py", *different}
