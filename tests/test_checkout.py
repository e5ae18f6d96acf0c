"""A checkout works as it is: without an install, and with another clone on the path.

The processes here see the installed dependencies and no nasdsl but those in the copies of the
tree: neither the package nor its metadata, and no hook of an editable install.
"""

import json
import os
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

import nasdsl
from nasdsl import metadata, resources
from tests.clones import clone, other_clone

ROOT = Path(__file__).parent.parent
CELL = """genotype added
ops nasnet
cell normal { b0 = (h[i], h[i], identity, identity, add) }
cell reduction { b0 = (h[i], h[i], max_pool_3x3, max_pool_3x3, add) }
"""


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every installed package but nasdsl."""
    folder = tmp_path_factory.mktemp("dependencies")
    packages = [Path(entry) for entry in sys.path if Path(entry).name.endswith("-packages")]
    for package in (package for place in packages for package in place.iterdir()):
        link = folder / package.name
        if package.name.startswith(("nasdsl", "__editable__")) or link.exists():
            continue
        try:
            link.symlink_to(package)
        except OSError as error:
            pytest.skip(f"this system lets no test make links: {error}")
    return folder


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with a cell and a backend of its own."""
    folder = clone(tmp_path_factory.mktemp("mine") / "nasdsl")
    (folder / "genotypes" / "added.cell").write_text(CELL, "utf-8")
    project = folder / "pyproject.toml"
    group = '[project.entry-points."nasdsl.backends"]\n'
    text = project.read_text("utf-8")
    assert group in text
    added = group + 'added = "nasdsl_backends.added:backend"\n'
    project.write_text(text.replace(group, added), "utf-8")
    (folder / "backends" / "nasdsl_backends" / "added.py").write_text(
        "class Added:\n"
        "    name = 'added'\n"
        "    primitives = frozenset()\n"
        "    options = frozenset()\n"
        "    def build(self, graph, **options): return graph\n"
        "backend = Added()\n"
    )
    return folder


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose every file is another."""
    return other_clone(tmp_path_factory.mktemp("other") / "nasdsl")


@pytest.fixture(params=["alone", "beside another clone"])
def path(request: pytest.FixtureRequest, other: Path, dependencies: Path) -> list[Path]:
    """Where Python looks after the working folder."""
    others = [other, other / "backends"] if request.param == "beside another clone" else []
    return [*others, dependencies]


def output(*words: str | Path, cwd: Path, path: list[Path]) -> str:
    """Standard output of a Python without site packages, which has to succeed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-S", *words]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_it_reads_its_own_grammar_and_library(mine: Path, path: list[Path]) -> None:
    """The other clone's grammar reads nothing, and its cells have other names."""
    output("-m", "nasdsl", "check", "nasnet_a", "added", cwd=mine, path=path)
    for name in ("nasnet_a", "added"):
        shown = output("-m", "nasdsl", "show", name, cwd=mine, path=path)
        assert shown == (mine / "genotypes" / f"{name}.cell").read_text("utf-8")


def test_it_has_its_own_version(mine: Path, path: list[Path]) -> None:
    version = output("-m", "nasdsl", "--version", cwd=mine, path=path)
    assert version == f"nasdsl {nasdsl.__version__}\n"


def test_its_entry_points_are_found(mine: Path, path: list[Path]) -> None:
    """Those of its pyproject.toml, from its own folders."""
    code = (
        "import json, sys; from nasdsl import backend; from nasdsl.search import searchers\n"
        "import nasdsl.metadata as m; dist = m.distribution()\n"
        "found = backend.find('added'); import nasdsl_backends\n"
        "print(json.dumps([found.name, nasdsl_backends.__file__, searchers.names(),\n"
        "    backend.names(), dist.name, dist.version]))"
    )
    name, file, searchers, backends, project, version = json.loads(
        output("-c", code, cwd=mine, path=path)
    )
    assert (name, project, version) == ("added", "nasdsl", nasdsl.__version__)
    assert Path(file).parents[2].samefile(mine)
    groups = tomllib.loads((mine / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    assert searchers == sorted(groups["nasdsl.searchers"])
    assert backends == sorted(groups["nasdsl.backends"])


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_it_compiles(mine: Path, path: list[Path], tmp_path: Path) -> None:
    """Both of our backends come from the checkout."""
    words = ("compile", "added", "--N", "1", "--filters", "8", "--stem", "cifar")
    output("-m", "nasdsl", *words, "-o", tmp_path / "added.py", cwd=mine, path=path)
    assert "class" in (tmp_path / "added.py").read_text("utf-8")


def test_this_tree_is_a_checkout() -> None:
    """The suite itself reads the tree it lies in, whatever is installed."""
    assert resources.checkout() == ROOT
    assert resources.grammar() == ROOT / "grammar"
    assert resources.genotypes() == ROOT / "genotypes"


def test_what_the_checkout_requires() -> None:
    """As an install's metadata would say it: extras as markers."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    dist = metadata.distribution()
    required = dist.requires or []
    assert required[: len(project["dependencies"])] == project["dependencies"]
    assert 'matplotlib>=3.9; extra == "plot"' in required
    assert dist.metadata.get_all("Provides-Extra") == list(project["optional-dependencies"])


def test_workers_run_the_same_clone(
    mine: Path, other: Path, dependencies: Path, tmp_path: Path
) -> None:
    """Where the working folder is another clone, the processes of a search do not run that one."""
    (tmp_path / "asked.py").write_text(
        "from pathlib import Path\n"
        "import nasdsl, nasdsl.library\n"
        "def place(text, seed, report):\n"
        f"    Path({str(tmp_path / 'place')!r}).write_text(nasdsl.library.__file__)\n"
        "    return 0.5\n"
    )
    words = ("search", "nasnet_space", "--algorithm", "random", "--trials", "1", "--workers", "1")
    store = ("--store", tmp_path / "s.db", "--evaluator", "python:asked:place")
    path = [mine, tmp_path, dependencies]
    output("-P", "-m", "nasdsl", *words, *store, cwd=other, path=path)
    assert Path((tmp_path / "place").read_text()).is_relative_to(mine)
