"""The public names: what `__init__.pyi` lists is there, is the thing named, and is lazy."""

import ast
import subprocess
import sys
from importlib import import_module
from operator import attrgetter
from pathlib import Path

import pytest

import nasdsl

FACADES = ("nasdsl", "nasdsl.detection", "nasdsl.report", "nasdsl.search", "nasdsl.train")


def _listed(facade: str) -> dict[str, str]:
    """Public names and the modules that define them, as the stub says."""
    folder = Path(nasdsl.__file__).parents[1] / facade.replace(".", "/")
    found = {}
    for node in ast.parse((folder / "__init__.pyi").read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.name] = f"{facade}.{node.module}" if node.module else ""
    return found


@pytest.mark.parametrize("facade", FACADES)
def test_every_public_name(facade: str) -> None:
    """Each name of the stub is an attribute, the very object of its module; no other is there."""
    if facade == "nasdsl.train":
        pytest.importorskip("accelerate", reason="training needs it")
    package, listed = import_module(facade), _listed(facade)
    assert sorted(listed) == sorted(package.__all__)
    for name, module in listed.items():
        found = getattr(package, name)
        assert found is (
            getattr(import_module(module), name) if module else sys.modules[f"{facade}.{name}"]
        )
    with pytest.raises(AttributeError, match=r"has no attribute 'qqq'; there are `"):
        _ = package.qqq


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("compil", "compile"),  # misspelt
        ("load_sapce", "load_space"),
        ("hash", "canonical_hash"),  # what the command is called
        ("enumerate", "enumerate_genotypes"),
        ("evaluate", "train.evaluate"),  # of another package
        ("plan_search", "search.plan_search"),
        ("faster_rcnn", "detection.faster_rcnn"),
        ("from_pretrained", "hub.from_pretrained"),
    ],
)
def test_name_meant(name: str, meant: str) -> None:
    """A name that is not there leads to the one that is meant."""
    with pytest.raises(AttributeError) as caught:
        getattr(nasdsl, name)
    assert str(caught.value) == (
        f"module 'nasdsl' has no attribute {name!r}; did you mean `{meant}`?"
    )
    assert attrgetter(meant)(nasdsl) is not None


def test_modules_that_are_not_imported() -> None:
    """A module of the package that nobody has imported is named as one."""
    program = "import nasdsl\ntry: nasdsl.drawing\nexcept AttributeError as error: print(error)"
    assert _printed(program) == (
        "module 'nasdsl' has no attribute 'drawing'; `import nasdsl.drawing` imports that module\n"
    )


def test_names_of_others() -> None:
    """Names that Python and notebooks ask for are answered without looking any up."""
    with pytest.raises(AttributeError) as caught:
        _ = nasdsl._repr_html_  # type: ignore[attr-defined]
    assert str(caught.value) == "module 'nasdsl' has no attribute '_repr_html_'"
    assert not hasattr(nasdsl, "__wrapped__")


NAMED = """
import nasdsl
print(nasdsl.search.run.__name__, nasdsl.search.SearchSettings.__name__)
print(nasdsl.search.Reader.__name__, nasdsl.backend.names()[0])
print(nasdsl.train.recipe("quick").name)
"""

HEAVY = f"""
import sys, {", ".join(FACADES)}
heavy = ("torch", "optuna", "matplotlib", "sqlite3", "nasdsl.search.loop", "nasdsl.network.cost")
print([name for name in heavy if name in sys.modules])
"""


def _printed(program: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return ran.stdout


def test_what_documents_name() -> None:
    """`import nasdsl` is enough for everything that documents name after it."""
    assert _printed(NAMED).split() == ["run", "SearchSettings", "Reader", "source", "quick"]


def test_names_are_imported_when_they_are_used() -> None:
    """Importing a facade brings none of the heavy packages, nor its own modules."""
    assert _printed(HEAVY).strip() == "[]"
