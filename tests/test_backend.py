"""Backends are found through entry points, ours and anybody's.

`tests/data/backends/` holds installed packages: a module beside its `.dist-info`. Put on the
path, they are found by the same look-up as those pip installs.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from inspect import signature
from operator import attrgetter
from pathlib import Path

import click
import pytest

import nasdsl
from nasdsl import backend
from nasdsl.api.compile import compiled_graph
from nasdsl.api.request import ELSEWHERE
from nasdsl.errors import CellError, Diagnostic
from nasdsl.language.genotype.settings import RULES
from nasdsl.network import PRIMITIVES, Node, Shape
from tests.cli_options import commands

PACKAGES = Path(__file__).parent / "data" / "backends"
OURS = [
    entry.name
    for entry in entry_points(group=backend.BACKENDS.group)
    if entry.value.startswith("nasdsl_backends.")
]
SHAPE = Shape(4, 1, 1)
TINY = {"N": 1, "filters": 96, "image_size": 16, "stem": "cifar"}


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package `listing-backend` is installed."""
    monkeypatch.syspath_prepend(PACKAGES / "listing")


def code_of(error: pytest.ExceptionInfo[CellError]) -> str:
    """The code of the one finding."""
    (finding,) = error.value.diagnostics
    return finding.code


# -- a third party ----------------------------------------------------------------------


@pytest.mark.usefixtures("third_party")
def test_third_party() -> None:
    """A backend this repository does not know builds a network when it is named."""
    assert "listing" in backend.names()
    listed = nasdsl.compile("nasnet_a", backend="listing", separator=";", **TINY)
    expected = [
        f"{node.name};{node.primitive};{'x'.join(map(str, node.shape))}"
        for _, node in compiled_graph("nasnet_a", **TINY).nodes()
    ]
    assert listed.splitlines() == expected


@pytest.mark.usefixtures("third_party")
def test_names_import_nothing() -> None:
    """Listing backends does not import them."""
    sys.modules.pop("listing_backend", None)
    assert backend.names() == sorted({*OURS, "absent", "broken", "listing", "poor", "unimportable"})
    assert "listing_backend" not in sys.modules


@pytest.mark.usefixtures("third_party")
def test_unknown_option() -> None:
    """A keyword that is neither a setting nor an option is refused with the nearest."""
    with pytest.raises(CellError, match="seperator") as caught:
        nasdsl.compile("nasnet_a", backend="listing", seperator=";")
    assert code_of(caught) == "NAS501"
    assert caught.value.diagnostics[0].hints == ("did you mean `separator`?",)


def test_unknown_setting() -> None:
    """A misspelt setting is not taken for an option."""
    with pytest.raises(CellError) as caught:
        nasdsl.compile("nasnet_a", filter=96, sede=1)
    found = {finding.code: finding.hints for finding in caught.value.diagnostics}
    assert found == {"NAS501": ("did you mean `seed`?",)}
    assert len(caught.value.diagnostics) == 2
    assert caught.value.diagnostics[0].hints == ("did you mean `filters`?",)


def refusal(function: Callable[..., object], source: str, **settings: object) -> Diagnostic:
    """The one finding about a call."""
    with pytest.raises(CellError) as caught:
        function(source, **settings)
    (finding,) = caught.value.diagnostics
    return finding


#: Public functions that take settings by name, with a source each.
WITH_SETTINGS: dict[Callable[..., object], str] = {
    nasdsl.compile: "nasnet_a",
    nasdsl.cost: "nasnet_a",
    nasdsl.prove: "nasnet_a",
    nasdsl.supernet: "nasnet_space",
    nasdsl.detection.faster_rcnn: "nasnet_a",
}


@pytest.mark.parametrize("function", WITH_SETTINGS, ids=lambda each: each.__name__)
def test_misspelt_keyword(function: Callable[..., object]) -> None:
    """Each argument of a function is offered for a misspelt one, as settings are."""
    for name, parameter in signature(function).parameters.items():
        if parameter.kind is not parameter.KEYWORD_ONLY:
            continue
        finding = refusal(function, WITH_SETTINGS[function], **{f"{name}_": None})
        assert (finding.code, finding.hints) == ("NAS501", (f"did you mean `{name}`?",))


@pytest.mark.parametrize("word", ELSEWHERE)
def test_said_elsewhere(word: str) -> None:
    """What another function is told leads to that function, which exists."""
    finding = refusal(nasdsl.compile, "nasnet_a", **{word: "x"})
    name = re.search(r"`nasdsl\.([a-z.]+)\(", finding.hints[0])
    assert finding.code == "NAS501"
    assert name is not None
    assert callable(attrgetter(name[1])(nasdsl))


def test_flags_as_keywords() -> None:
    """Each flag of `nasdsl compile` is an argument of `nasdsl.compile`, or leads to another."""
    options = (param for param in commands()["compile"].params if isinstance(param, click.Option))
    flags = {option.opts[0].strip("-").replace("-", "_") for option in options}
    known = {*signature(nasdsl.compile).parameters, *RULES, *backend.find("torch").options}
    # What is printed concerns a terminal, and what is written is `out` in the table.
    assert flags - known - set(ELSEWHERE) == {"print_after", "json", "o"}


def test_unknown_backend() -> None:
    """An unknown name is refused with the nearest, or with what is installed."""
    for name, hint in (("toch", "did you mean `torch`?"), ("qqq", "`torch`")):
        with pytest.raises(CellError) as caught:
            nasdsl.compile("nasnet_a", backend=name)
        assert code_of(caught) == "NAS702"
        assert hint in caught.value.diagnostics[0].hints[0]


@pytest.mark.usefixtures("third_party")
def test_missing_package() -> None:
    """A backend whose needs are not installed says what to install."""
    with pytest.raises(CellError, match="nobody_has_this_package") as caught:
        backend.find("unimportable")
    assert code_of(caught) == "NAS701"
    assert caught.value.diagnostics[0].hints == ("pip install nobody_has_this_package",)


def test_missing_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PyTorch, its backend names the extra that brings it."""
    for name in [name for name in sys.modules if name.startswith("nasdsl_backends.torch")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(CellError, match="torch") as caught:
        nasdsl.compile("nasnet_a")
    assert code_of(caught) == "NAS701"
    assert caught.value.diagnostics[0].hints == (
        'run `pip install ".[torch]"` in a checkout of nasdsl',
    )


@pytest.mark.usefixtures("third_party")
@pytest.mark.parametrize("name", ["broken", "absent"])
def test_not_a_backend(name: str) -> None:
    """An entry point to something else, or to nothing, is refused by name."""
    with pytest.raises(CellError, match="listing_backend") as caught:
        backend.find(name)
    assert code_of(caught) == "NAS704"


@pytest.mark.usefixtures("third_party")
def test_lacking_primitives() -> None:
    """A backend is not given a network with primitives it lacks."""
    with pytest.raises(CellError, match="`avg_pool`, `batch_norm`") as caught:
        nasdsl.compile("nasnet_a", backend="poor", **TINY)
    assert code_of(caught) == "NAS704"


@pytest.mark.usefixtures("third_party")
def test_two_packages_offer_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two packages offer a backend, neither is taken."""
    monkeypatch.syspath_prepend(PACKAGES / "rival")
    with pytest.raises(CellError, match="2 installed packages") as caught:
        backend.find("listing")
    assert code_of(caught) == "NAS703"
    assert "`listing-backend` and `rival-backend`" in caught.value.diagnostics[0].hints[0]


# -- ours -------------------------------------------------------------------------------


def test_ours_are_installed() -> None:
    """The package's own entry points are there."""
    assert "torch" in OURS


@pytest.mark.parametrize("name", OURS)
def test_every_primitive_has_an_emission(name: str) -> None:
    """Each of our backends emits every primitive of the graph, and no other."""
    assert backend.find(name).primitives == frozenset(PRIMITIVES)
    assert backend.find(name).name == name


def test_the_torch_tables() -> None:
    """PyTorch's emissions: a primitive is a layer or a function, and owners are layers."""
    emission = import_module("nasdsl_backends.torch.emission")
    for name, row in emission.EMISSIONS.items():
        assert (row.module is None) != (row.function is None), name
        assert row.in_place is None or row.function is not None, name
        assert not (row.gives_away and row.hands_on), name
        owns = bool(PRIMITIVES[name].tensors(Node("x", name, ("y",), SHAPE, SHAPE)))
        assert not owns or row.module is not None, name


def test_the_source_table() -> None:
    """The printed file's emissions: a primitive is a layer, a join or stands around a path."""
    emission = import_module("nasdsl_backends.source.emission")
    for name, row in emission.EMISSIONS.items():
        assert [row.layer is not None, bool(row.join), bool(row.around)].count(True) == 1, name


def test_torch_is_not_imported_unasked() -> None:
    """`import nasdsl`, its costs and the compiler itself leave torch alone."""
    code = (
        "import sys, nasdsl, nasdsl.backend, nasdsl.api.compile, nasdsl.passes;"
        "nasdsl.compile;"
        "nasdsl.cost('nasnet_a_large'); nasdsl.backend.names();"
        "sys.exit(sum(name.split('.')[0] in ('torch', 'numpy', 'nasdsl_backends')"
        " for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
