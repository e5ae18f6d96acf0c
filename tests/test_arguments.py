"""Arguments of the wrong kind: every public function answers with a diagnostic."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from inspect import Parameter, isabstract, isfunction, signature
from math import inf
from pathlib import Path
from random import Random
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import RULES
from nasdsl.values import Values, limits_of

#: Values of every kind that someone may pass by mistake.
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.complex_numbers(),
    st.text(max_size=8),
    st.binary(max_size=8),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.sampled_from([object(), int, len, Path("x"), {1}, range(3), 10**5000, Ellipsis]),
)
SMALL = {"N": 1, "filters": 32, "image_size": 8, "stem": "cifar"}
OPTIONS = ["backend", "passes", "verify_passes", "device", "dtype", "seed", "drop_path_mode", "ops"]


def answers(call: Any, *arguments: Any, **keywords: Any) -> bool:
    """Whether a call does what it is for or raises a CellError; anything else is raised."""
    with suppress(CellError):
        call(*arguments, **keywords)
    return True


@settings(max_examples=60)
@given(st.sampled_from([*RULES, "ops", "filterz"]), ANYTHING)
def test_cost(name: str, value: Any) -> None:
    """Any value of any setting."""
    assert answers(nasdsl.cost, "darts_v2", **{name: value})


@settings(max_examples=60)
@given(ANYTHING)
def test_sources(value: Any) -> None:
    """Anything in place of a name, a path or a text."""
    for call in (nasdsl.load, nasdsl.load_space, nasdsl.loads, nasdsl.loads_space, nasdsl.cost):
        if value != "-":
            assert answers(call, value)
    found = nasdsl.check(value) if value != "-" else ()
    assert all(isinstance(each, nasdsl.Diagnostic) for each in found)


@settings(max_examples=40)
@given(st.sampled_from(OPTIONS), ANYTHING)
def test_compile(name: str, value: Any) -> None:
    """Any value of any option."""
    pytest.importorskip("torch")
    chosen = {"device": "meta", **SMALL, name: value}
    assert answers(nasdsl.compile, "darts_v2", **chosen)


@settings(max_examples=40)
@given(st.sampled_from([*OPTIONS[1:6], "ops", "weights"]), ANYTHING)
def test_prove(name: str, value: Any) -> None:
    """The same where the network is run."""
    pytest.importorskip("torch")
    chosen = {"device": "meta", **SMALL, name: value}
    assert answers(nasdsl.prove, "darts_v2", **chosen)


@settings(max_examples=40)
@given(ANYTHING)
def test_weights_and_exports(value: Any) -> None:
    """Anything in place of a network, a file, a layout or a flag."""
    pytest.importorskip("torch")
    net = nasdsl.compile("darts_v2", device="meta", **SMALL)
    assert answers(nasdsl.weights.load, value, {})
    assert answers(nasdsl.weights.load, net, value)
    assert answers(nasdsl.weights.load, net, {}, value)
    assert answers(nasdsl.weights.load, net, {}, drop_background=value)
    assert answers(nasdsl.export.write, value, "x.pt2")
    assert answers(nasdsl.export.write, net, value)
    assert answers(nasdsl.export.write, net, "x.pt2", dynamic_size=value)


def test_types_of_pytorch() -> None:
    """Types that weights cannot have, and devices that are not there."""
    torch = pytest.importorskip("torch")
    for options, code in (
        ({"dtype": torch.int8}, "NAS502"),
        ({"dtype": "int8"}, "NAS502"),
        ({"dtype": 32}, "NAS502"),
        ({"seed": "a"}, "NAS502"),
        ({"seed": -1}, "NAS502"),
        ({"device": "nowhere"}, "NAS707"),
        ({"backend": 3}, "NAS008"),
    ):
        with pytest.raises(CellError) as caught:
            nasdsl.compile("darts_v2", **{**SMALL, **options})
        assert [found.code for found in caught.value.diagnostics] == [code]


@settings(max_examples=60)
@given(ANYTHING)
def test_spaces(value: Any) -> None:
    """Anything in place of a space, a genotype, a number, a seed or a generator."""
    space, genotype = nasdsl.load_space("nasbench201_space"), nasdsl.load("nasnet_a")
    member = next(nasdsl.enumerate_genotypes(space))
    for call, arguments in (
        (nasdsl.count, (value,)),
        (nasdsl.count_distinct, (value,)),
        (nasdsl.count_distinct, (genotype, value)),
        (nasdsl.enumerate_genotypes, (value,)),
        (nasdsl.contains, (value, genotype)),
        (nasdsl.contains, (space, value)),
        (nasdsl.sample, (value, 1, 0)),
        (nasdsl.sample, (space, value, 0)),
        (nasdsl.sample, (space, 1, value)),
        (nasdsl.mutate, (value, member, Random(0))),
        (nasdsl.mutate, (space, value, Random(0))),
        (nasdsl.mutate, (space, member, value)),
        (nasdsl.neighbours, (value, member)),
        (nasdsl.neighbours, (space, value)),
    ):
        assert answers(call, *arguments)


#: Packages whose public functions answer a wrong type with a diagnostic, and what they need.
PACKAGES = {
    **dict.fromkeys(("nasdsl", "nasdsl.space", "nasdsl.canonical", "nasdsl.interop"), ""),
    **dict.fromkeys(("nasdsl.drawing", "nasdsl.report", "nasdsl.passes"), ""),
    **dict.fromkeys(("nasdsl.export", "nasdsl.runtimes", "nasdsl.weights"), "torch"),
    **dict.fromkeys(("nasdsl.train", "nasdsl.search", "nasdsl.detection"), "accelerate"),
    "nasdsl.hub": "huggingface_hub",
}
#: Public functions that are right to take anything: the first is called by IPython.
TAKE_ANYTHING = {"load_ipython_extension", "library_entries"}


def public_functions(package: str) -> list[Any]:
    """The functions among a package's public names."""
    module = import_module(package)
    found = [getattr(module, name) for name in module.__all__ if name not in TAKE_ANYTHING]
    return [each for each in found if isfunction(each)]


@pytest.mark.parametrize("package", PACKAGES)
def test_public_functions(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same wrong value in every place that has to be filled: a diagnostic, or a result."""
    if PACKAGES[package]:
        pytest.importorskip(PACKAGES[package])
    monkeypatch.chdir(tmp_path)
    functions = public_functions(package)
    assert functions
    for function in functions:
        needed = [each for each in signature(function).parameters.values() if is_needed(each)]
        places = sum(each.kind is not Parameter.KEYWORD_ONLY for each in needed)
        named = [each.name for each in needed[places:]]
        for value in (None, 3, "x", [], object(), b"x"):
            with suppress(CellError):
                made = function(*[value] * places, **dict.fromkeys(named, value))
                if isinstance(made, Iterator):
                    next(made, None)


def is_needed(parameter: Parameter) -> bool:
    """Whether a call has to give it."""
    several = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return parameter.default is Parameter.empty and parameter.kind not in several


#: Sound values of arguments, by name.
SOUND = {
    "source": "darts_v2",
    "space": nasdsl.load_space("nasbench201_space"),
    **dict.fromkeys(("genotype", "a", "b"), nasdsl.load("darts_v2")),
}
#: What is built without PyTorch; `test_compile` and others try the rest.
WITHOUT_PYTORCH = [
    each
    for each in public_functions("nasdsl")
    if {name for name, found in signature(each).parameters.items() if is_needed(found)} <= {*SOUND}
    and each.__name__ not in ("compile", "prove", "supernet")
]


@pytest.mark.parametrize("function", WITHOUT_PYTORCH, ids=lambda each: each.__name__)
def test_one_wrong_argument(function: Any) -> None:
    """A wrong value in one place, those that may be left out among them, and sound ones in all."""
    found = signature(function).parameters
    needed = {name: SOUND[name] for name, each in found.items() if is_needed(each)}
    keywords = {name for name, each in found.items() if each.kind is not Parameter.VAR_KEYWORD}
    takes_settings = keywords != {*found}
    for name in sorted(keywords) + ["N", "stem", "nosuch"] * takes_settings:
        for value in (None, 3, -1, 2.5, "x", b"x", [], {}, ("a",), object(), print):
            assert answers(lambda **given: first_of(function(**given)), **{**needed, name: value})


#: Numbers that a public function looks at by itself, with codes and hints of its own.
DETECTOR = {"classes", "image_size", "proposals", "crop", "training_boxes"}
LOOKED_AT = {
    "plan_search": {"seed", "max_latency", "min_epochs", "max_epochs", "reduction"},
    "searcher": {"seed"},
    "backbone": {"levels", "pyramid"},
    "plan_detector": DETECTOR,
    "faster_rcnn": DETECTOR,
}


def options_of(annotation: Any) -> set[Any]:
    """The types of which an argument has one."""
    is_union = get_origin(annotation) in (Union, UnionType)
    return set(get_args(annotation)) if is_union else {annotation}


def decorated_functions(package: str) -> list[Any]:
    """The public functions whose annotations are required."""
    if PACKAGES[package]:
        pytest.importorskip(PACKAGES[package])
    return [each for each in public_functions(package) if hasattr(each, "__wrapped__")]


@pytest.mark.parametrize("package", PACKAGES)
def test_numbers_have_limits(package: str) -> None:
    """A number that a public function takes says which are legal, where it is declared."""
    for function in decorated_functions(package):
        numbers = {
            name
            for name, each in signature(function).parameters.items()
            if {int, float} & options_of(each.annotation) and limits_of(each.annotation) is None
        }
        assert numbers == LOOKED_AT.get(function.__name__, set()), function


def illegal(values: Values) -> list[Any]:
    """Values just beyond the limits, and of another type."""
    if values.words:
        return ["nosuch", "", 3]
    beyond: list[Any] = ["1", True]
    if values.minimum != -inf:
        beyond.append(values.minimum - 1)
    if values.maximum != inf:
        beyond.append(values.maximum + 1)
    return beyond


def stand_in(annotation: Any) -> Any:
    """Something of a type, which nothing but its type is looked at of."""
    kind = get_origin(annotation) or annotation
    if kind in (Union, UnionType):
        return stand_in(get_args(annotation)[0])
    if kind in (str, int):
        return kind("1")
    if kind in (Sequence, Iterable, tuple):
        return ()
    return object.__new__(kind) if isinstance(kind, type) and not isabstract(kind) else print


@pytest.mark.parametrize("package", PACKAGES)
def test_numbers_beyond_their_limits(package: str) -> None:
    """NAS008 says what is legal; nothing of the function has run."""
    for function in decorated_functions(package):
        found = signature(function).parameters
        needed = {n: stand_in(each.annotation) for n, each in found.items() if is_needed(each)}
        for name, each in found.items():
            limits = limits_of(each.annotation)
            for value in illegal(limits) if limits else ():
                with pytest.raises(CellError, match="NAS008") as caught:
                    function(**{**needed, name: value})
                assert {each.code for each in caught.value.diagnostics} == {"NAS008"}
                assert f"{name} is " in str(caught.value), (function, name, value)


def test_settings_beyond_their_limits() -> None:
    """The dataclasses that a caller fills in refuse what no search or training can do."""
    pytest.importorskip("accelerate")
    sound = {
        nasdsl.search.SearchSettings: {"space": SOUND["space"], "store": "s.db"},
        nasdsl.train.Execution: {},
    }
    for kind, rest in sound.items():
        assert kind(**rest)
        hints = get_type_hints(kind, include_extras=True)
        limited = {name: limits for name in hints if (limits := limits_of(hints[name]))}
        assert len(limited) >= 2
        for name, limits in limited.items():
            for value in illegal(limits):
                words = re.escape(f"error[NAS008]: {name} is {limits.description}, not ")
                with pytest.raises(CellError, match=words):
                    kind(**{**rest, name: value})


@pytest.mark.parametrize("seeds", [[1, 1], [-1], [0, 2**63], ["a"], [1.5]])
def test_seeds(seeds: list[Any], tmp_path: Path) -> None:
    """Seeds that no runs can have are refused before the first run has a folder."""
    pytest.importorskip("accelerate")
    plan = nasdsl.train.plan_run("darts_v2", settings=nasdsl.Settings(layers=2, cell_filters=4))
    with pytest.raises(CellError, match=r"NAS008.*seed"):
        nasdsl.train.begin_seeds(tmp_path / "runs", plan, seeds)
    assert not [*tmp_path.iterdir()]


def first_of(made: Any) -> Any:
    """The first of what a function gives one by one, so that it begins."""
    return next(made, None) if isinstance(made, Iterator) else made


def test_wrong_types_have_one_code() -> None:
    """NAS008 says which argument is of which type, and that a text is no list of names."""
    genotype = nasdsl.load("nasnet_a")
    for call, words in (
        (lambda: nasdsl.canonical_hash("nasnet_a"), "genotype is a Genotype, not 'nasnet_a'"),
        (lambda: nasdsl.differences(genotype, None), "b is a Genotype, not None"),
        (lambda: nasdsl.space_text(genotype), "space is a Space, not Genotype("),
        (lambda: nasdsl.cost("nasnet_a", ops=3), "ops is a text or None, not 3"),
        (lambda: nasdsl.passes.run(3, "merge"), "graph is a NetworkGraph, not 3"),
        (lambda: nasdsl.compile("nasnet_a", passes="merge"), "passes is a Sequence or None"),
        (lambda: nasdsl.backend.find(3), "name is a text, not 3"),
        (lambda: nasdsl.optimize(3), "compiled networks are optimised, not 3"),
    ):
        with pytest.raises(CellError) as caught:
            call()
        assert caught.value.diagnostics[0].code == "NAS008"
        assert words in str(caught.value)
    for named, reader in (
        (lambda: nasdsl.canonical_hash("nasnet_a"), "`nasdsl.load`"),
        (lambda: nasdsl.count("nasnet_space"), "`nasdsl.load_space`"),
        (lambda: nasdsl.sample(Path("nasnet_space"), 1, 0), "`nasdsl.load_space`"),
    ):
        with pytest.raises(CellError) as caught:
            named()
        assert reader in caught.value.diagnostics[0].hints[0]


def test_a_text_is_no_path() -> None:
    """Whoever reads a file by a text is told which function reads texts, however long it is."""
    text = nasdsl.genotype_text(nasdsl.load("nasnet_a"))
    for read in (nasdsl.load, nasdsl.load_space, nasdsl.cost, nasdsl.compile):
        with pytest.raises(CellError) as caught:
            read(text)
        (found,) = caught.value.diagnostics
        assert (found.code, "`nasdsl.loads`" in found.hints[0]) == ("NAS001", True)
    (found,) = nasdsl.check(text)
    assert found.code == "NAS001"


@settings(max_examples=40)
@given(ANYTHING)
def test_methods_of_networks(value: Any) -> None:
    """Anything that a network's methods are given in place of numbers."""
    torch = pytest.importorskip("torch")
    net = nasdsl.compile("darts_v2", device="meta", **SMALL).eval()
    images = torch.zeros(1, 3, 8, 8, device="meta")
    assert answers(net.set_progress, value)
    assert answers(net.forward_intermediates, images, value)
    assert answers(net.forward_intermediates, images, output_fmt=value)
    with suppress(CellError):
        net.reset_classifier(value)
        assert net.num_classes == value


def test_genotypes_made_in_python() -> None:
    """Names that mean nothing are found in genotypes that no text was read for."""
    genotype = nasdsl.load("nasnet_a")
    cell, *others = genotype.cells
    first, *rest = cell.blocks
    for wrong, code in (
        (replace(first, ops=("sep_conv_3x4", "identity")), "NAS201"),
        (replace(first, combine="ad"), "NAS202"),
        (replace(first, inputs=(nasdsl.Hidden(0), nasdsl.BlockState("b9"))), "NAS203"),
    ):
        spoilt = replace(genotype, cells=(replace(cell, blocks=(wrong, *rest)), *others))
        with pytest.raises(CellError) as caught:
            nasdsl.cost(spoilt, N=1, filters=528)
        assert [found.code for found in caught.value.diagnostics] == [code]


def test_check(tmp_path: Path) -> None:
    """The findings of `nasdsl check`, errors and warnings, in the order of the text."""
    assert nasdsl.check("nasnet_a") == ()
    assert [found.code for found in nasdsl.check(tmp_path / "none.cell")] == ["NAS001"]
    (tmp_path / "x.cell").write_text(
        "genotype x\nops nasnet\ncell normal {\n    b0 = (h[i], h[i], sep_3x3, identity, ad)\n}\n"
    )
    assert [found.code for found in nasdsl.check(tmp_path / "x.cell")] == ["NAS201", "NAS202"]
