"""The project's own files agree with each other: packages, lock file, hooks, classifiers, words."""

import ast
import re
import shlex
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clones import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PROJECT: dict[str, Any] = PYPROJECT["project"]
GROUPS: dict[str, list[Any]] = PYPROJECT["dependency-groups"]
CELL = "genotype mine\nops nasnet\n\ncell normal {\n    b0 = (h[i], h[i-1], %s, identity, add)\n}\n"


def test_every_package_is_listed() -> None:
    """A folder with an `__init__.py` is a package of the wheel."""
    homes = {"nasdsl": ROOT / "nasdsl", "nasdsl_backends": ROOT / "backends" / "nasdsl_backends"}
    found = {
        ".".join((name, *init.parent.relative_to(home).parts))
        for name, home in homes.items()
        for init in home.rglob("__init__.py")
    }
    found |= {"nasdsl.genotypes", "nasdsl.grammar"}
    listed = PYPROJECT["tool"]["setuptools"]["packages"]
    assert listed == sorted(found)


def test_every_package_has_its_storey() -> None:
    """The contract of the layers has at most twelve, and each part of nasdsl is in one of them."""
    contract, _ = PYPROJECT["tool"]["importlinter"]["contracts"]
    named = [part for layer in contract["layers"] for part in re.findall(r"[\w.]+", layer)]
    parts = {path.stem for path in (ROOT / "nasdsl").iterdir() if path.suffix in (".py", "")}
    facade = {"__init__", "__main__", "__pycache__"}
    assert len(contract["layers"]) <= 12
    assert sorted(named) == sorted(f"nasdsl.{part}" for part in parts - facade)


# -- the lock file --------------------------------------------------------------------------


def lock() -> dict[str, Any]:
    return tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))


def requirement(text: str) -> str:
    """A requirement of pyproject.toml as uv.lock has it: its name, extras and versions."""
    found = re.fullmatch(r"([\w.-]+)(?:\[([\w,-]+)\])?\s*([^;]*)(;.*)?", text)
    assert found, text
    name = re.sub(r"[-_.]+", "-", found[1]).lower()
    extras = ",".join(sorted((found[2] or "").split(",")))
    return f"{name}[{extras}]{found[3].strip()}"


def locked_requirement(entry: dict[str, Any]) -> str:
    extras = ",".join(sorted(entry.get("extras", ())))
    return f"{entry['name']}[{extras}]{entry.get('specifier', '')}"


def group(name: str) -> set[str]:
    """The requirements of a dependency group, with those of the groups it includes."""
    found: set[str] = set()
    for entry in GROUPS[name]:
        found |= {requirement(entry)} if isinstance(entry, str) else group(entry["include-group"])
    return found


def test_the_lock_file_is_up_to_date() -> None:
    """`uv lock` writes it anew after a change of what is required."""
    (ours,) = (package for package in lock()["package"] if package["name"] == "nasdsl")
    metadata = ours["metadata"]
    locked = {locked_requirement(entry) for entry in metadata["requires-dist"]}
    required = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    assert locked == {requirement(each) for each in chain(*required)}, "run `uv lock`"
    for name in GROUPS:
        entries = metadata["requires-dev"][name]
        assert {locked_requirement(entry) for entry in entries} == group(name), "run `uv lock`"
    assert lock()["requires-python"] == PROJECT["requires-python"]


def test_the_lock_file_names_the_public_index_alone() -> None:
    text = (ROOT / "uv.lock").read_text("utf-8")
    hosts = set(re.findall(r"\w+://[^/\"]*", text))
    assert hosts == {"https://pypi.org", "https://files.pythonhosted.org"}


# -- versions of Python -----------------------------------------------------------------------


def test_the_versions_of_python_agree() -> None:
    """Classifiers, what CI runs, and the oldest that is allowed."""
    start = "Programming Language :: Python :: 3."
    claimed = [word.rpartition(" ")[2] for word in PROJECT["classifiers"] if word.startswith(start)]
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8"))
    matrix = workflow["jobs"]["tests"]["strategy"]["matrix"]
    assert matrix["python"] == claimed
    assert PROJECT["requires-python"] == f">={claimed[0]}"


# -- hooks ------------------------------------------------------------------------------------


def hook(name: str) -> dict[str, Any]:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    (found,) = (hook for hook in hooks if hook["id"] == name)
    return dict(found)


def run_hook(name: str, *files: str, cwd: Path) -> int:
    """The exit code of the hook's command on these files, as pre-commit runs it."""
    found = hook(name)
    assert found["language"] == "python"
    assert all(re.search(found["files"], file) for file in files)
    command = [sys.executable, "-m", *shlex.split(found["entry"]), *files]
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False).returncode


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """A folder with a sound cell, a wrong one and one that is not in the style."""
    (tmp_path / "sound.cell").write_text(CELL % "sep_conv_3x3")
    (tmp_path / "wrong.cell").write_text(CELL % "sep_con_3x3")
    (tmp_path / "rough.cell").write_text((CELL % "sep_conv_3x3").replace(", ", ","))
    return tmp_path


def test_the_hook_check(cells: Path) -> None:
    assert run_hook("nasdsl-check", "sound.cell", "rough.cell", cwd=cells) == 0
    assert run_hook("nasdsl-check", "sound.cell", "wrong.cell", cwd=cells) == 1


def test_the_hook_fmt(cells: Path) -> None:
    """It writes the file anew, which pre-commit takes for a failure, and then is content."""
    assert run_hook("nasdsl-fmt", "sound.cell", "rough.cell", cwd=cells) == 0
    sound = (cells / "sound.cell").read_text()
    assert sound == CELL % "sep_conv_3x3"
    assert (cells / "rough.cell").read_text() == sound


def test_the_image_has_what_make_needs() -> None:
    """It installs as `make` does, with the system's packages that the Makefile names."""
    text = (ROOT / "Dockerfile").read_text()
    makefile = (ROOT / "Makefile").read_text()
    stamp = re.search(r"^STAMP\s+:= \$\(VENV\)/(\S+)$", makefile, re.M)
    assert stamp is not None
    assert f"RUN make .venv/{stamp[1]}" in text
    assert {"git", "graphviz", "make"} <= set(text.split())
    assert re.search(r'^CMD \["make", "demo"\]$', text, re.M)


# -- words: one word means one thing ------------------------------------------------------

#: What is written, as it is written; `tree.Cell` is a cell in a text, `Cell` what it means.
TREE = "nasdsl/language/tree.py"
#: Participles that do not say of what, and words that only this project had.
OBSCURE = {
    *("agreed", "checked", "chosen", "lost", "placed", "told"),
    *("apart", "circumstances", "examined", "habits", "home", "keeper", "placing"),
}


@cache
def modules() -> dict[str, ast.Module]:
    """The modules of nasdsl and its backends by path."""
    paths = (path for root in ("nasdsl", "backends") for path in (ROOT / root).rglob("*.py"))
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in sorted(paths)
    }


def types_of(module: ast.Module) -> Iterator[str]:
    """The classes and the names of types that a module defines."""
    for node in ast.walk(module):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for statement in module.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name = statement.targets[0].id
            if re.fullmatch(r"[A-Z]+[a-z]\w*", name):
                yield name


def functions_of(module: ast.Module) -> Iterator[str]:
    """The functions of a module, methods and inner ones included."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name


def test_every_type_has_a_name_of_its_own() -> None:
    """A class of the tree alone may be called what the class of its meaning is called."""
    places = defaultdict[str, list[str]](list)
    for path, module in modules().items():
        if path != TREE:
            for name in types_of(module):
                places[name].append(path)
    assert len(places) > 400
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


def test_the_tree_shares_its_names_with_their_meanings_alone() -> None:
    """What is called like a class of the tree is what that class means."""
    written = set(types_of(modules()[TREE]))
    shared = {
        path: found
        for path, module in modules().items()
        if path != TREE and (found := written.intersection(types_of(module)))
    }
    assert shared == {
        "backends/nasdsl_backends/torch/network.py": {"Network"},
        "nasdsl/language/genotype/settings.py": {"Setting"},
        "nasdsl/language/genotype/types.py": {"Block", "Cell", "Output", "State"},
        "nasdsl/language/genotype/vocabulary.py": {"Combine", "Form", "Layer", "Op"},
    }


def test_functions_say_what_they_return() -> None:
    """No function is called by a word that says neither what it does nor what comes out."""
    found = {
        f"{path}: {name}"
        for path, module in modules().items()
        for name in functions_of(module)
        if name.strip("_") in OBSCURE
    }
    assert found == set()


def test_bounds_are_called_max_and_min() -> None:
    """`MAX_CELLS`, not `MOST_CELLS`."""
    for path, module in modules().items():
        names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
        assert not [name for name in names if re.match(r"_?(MOST|LEAST)_", name)], path
