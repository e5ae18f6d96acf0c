"""Hints about missing extras: they name extras that exist, and nothing promises an index."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from nasdsl.errors import first_line, install_hint
from nasdsl.export.formats import FORMATS

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
PYTHON = [path for name in ("nasdsl", "backends") for path in (ROOT / name).rglob("*.py")]
WORDS = [*PYTHON, *ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("nasdsl/**/*.md")]


def _hinted() -> set[str]:
    """Every extra that is written out: in a hint, given to what hints, or what that takes alone."""
    named: list[ast.expr | None] = []
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name("install_hint"), args=[extra, *_]):
                    named.append(extra)
                case ast.Call(func=ast.Name("require_packages"), args=[_, _, extra]):
                    named.append(extra)
                case ast.keyword("extra", extra):
                    named.append(extra)
                case ast.arguments():
                    takes = zip(node.kwonlyargs, node.kw_defaults, strict=True)
                    named += [default for argument, default in takes if argument.arg == "extra"]
    return {node.value for node in named if isinstance(node, ast.Constant) and node.value}


def test_texts() -> None:
    """The command that installs from a checkout, with and without an extra."""
    assert install_hint("train") == 'run `pip install ".[train]"` in a checkout of nasdsl'
    assert install_hint() == "run `pip install .` in a checkout of nasdsl"


@pytest.mark.parametrize(
    ("file", "command"),
    [("uv-receipt.toml", "uv tool install"), ("pipx_metadata.json", "pipx install --force")],
)
def test_environments_of_tools(
    file: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pip` is not there, and what is installed would be replaced: all extras are asked for."""
    (tmp_path / file).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert install_hint("train") == f'run `{command} ".[all]"` in a checkout of nasdsl'
    for extra in {*EXTRAS} - set(re.findall(r"\w+", EXTRAS["all"][0])) - {"all"}:
        assert f'".[all,{extra}]"' in install_hint(extra)


def test_first_lines() -> None:
    """What others' exceptions say fits a hint, also where they say nothing."""
    assert first_line(ValueError("\n one\ntwo")) == "one"
    assert first_line(ValueError("x" * 300)) == "x" * 200
    assert first_line(EOFError()) == first_line(EOFError(" \n")) == "EOFError"


def test_hinted_extras_exist() -> None:
    """A hint that names an extra which pyproject.toml does not have would lead nowhere."""
    hinted = _hinted() | {form.extra for form in FORMATS.values()}
    assert {"torch", "train", "search", "plot", "ray", "onnx", "strategies"} <= hinted
    assert hinted <= EXTRAS.keys()


#: Packages that are imported under another name, and what brings those that nothing names.
PACKAGES = {
    "IPython": "ipython",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "PIL": "torchvision",
    "numpy": "torchvision",
}


def _imported() -> set[str]:
    """The packages that nasdsl imports anywhere, whether in a statement or by `import_module`."""
    names: set[str] = set()
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
                names.add(node.module)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id == "import_module" and isinstance(first, ast.Constant):
                    names.add(first.value)
    tops = {name.partition(".")[0] for name in names if not name.startswith(".")}
    return tops - sys.stdlib_module_names - {"nasdsl", "nasdsl_backends", "_typeshed"}


#: Clients of services, which those install who use the service: `--log` says how.
SERVICES = {"mlflow", "trackio", "wandb"}


def test_every_imported_package_comes_with_an_extra() -> None:
    """Whatever nasdsl can read or write, some extra brings the package for it, and `all` too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    brought = {
        re.split(r"[\[<>=;]", line)[0]
        for line in (
            *project["dependencies"],
            *(each for extra in EXTRAS.values() for each in extra),
        )
    }
    wanted = {PACKAGES.get(name, name.replace("_", "-")) for name in _imported()}
    assert wanted - brought == SERVICES
    assert {"h5py", "torch", "lark"} <= wanted
    assert "nasdsl[torch" in EXTRAS["all"][0]


@pytest.mark.parametrize("path", WORDS, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_promises_an_index(path: Path) -> None:
    """The way is from a checkout until it is published."""
    promise = re.compile(r"pip install\s+(?:--?\w+\s+)*[\"']?nasdsl\b")
    assert not promise.search(path.read_text(encoding="utf-8"))
