"""Every argument of every public function, of a type that nothing takes: a diagnostic."""

from inspect import Parameter, signature
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("accelerate")

import nasdsl
from nasdsl.errors import CellError
from nasdsl.train.data import Splits
from tests.test_arguments import PACKAGES, public_functions

#: Of types that no argument has.
WRONG = (object(), b"x", 3.5j)
SMALL = nasdsl.Settings(N=1, cell_filters=4, image_size=8, stem="cifar")
#: Functions whose other arguments are of a kind that this test does not make.
ELSEWHERE = {"register_with_timm", "average_precision", "begin_detection", "plan_detection"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Sound values of arguments by name, or by the function and the name."""
    from nasdsl import drawing, search, train

    genotype, space = nasdsl.load("nasnet_a"), nasdsl.load_space("nasbench201_space")
    member = next(nasdsl.sample(space, 1, 0))
    net = nasdsl.compile("darts_v2", N=1, cell_filters=4, image_size=32, stem="cifar").eval()
    recipe = train.recipe("quick")
    data: Splits = train.datasets("fake:3", recipe)
    store = tmp_path_factory.mktemp("stores") / "s.db"
    plan = search.plan_search(space, store, evaluator="proxy:synflow", trials=1, max_params=10**9)
    return {
        "genotype": member,
        "space": space,
        "a": genotype,
        "b": genotype,
        "cells": genotype,
        "source": "nasnet_a_cifar",
        "name_or_path": "nasnet_a",
        "ref": "x",
        "findings": (),
        "text": nasdsl.genotype_text(genotype),
        "n": 1,
        "seed": 0,
        "rng": Random(0),
        "index": 0,
        "choices": (0,) * 6,
        "cell": genotype.cells[0],
        "form": "structure",
        "vocabulary": genotype.vocabulary,
        "format": "darts",
        "path": "x.svg",
        "drawing": drawing.genotype_drawing(genotype),
        "names": ("merge",),
        "given": {},
        "passes": ("merge",),
        "graph": net.graph,
        "net": net,
        "network": net,
        "model": net,
        "name": "eager",
        "layout": "native",
        "data": data,
        "recipe": recipe,
        "spec": "fake:3",
        "images": data.test,
        "evaluator": "proxy:synflow",
        "settings": plan,
        "store": "s.db",
        "out": "o",
        "folder": "none",
        "repository": "me/x",
        "seeds": (0, 1),
        "runs": (),
        "plan": train.plan_run("darts_v2", data="fake:3", recipe=recipe, settings=SMALL),
        "network_drawing network": net.graph,
        "recipe name": "quick",
        "searcher name": "random",
        "evaluator spec": "proxy:synflow",
        "predict model": "none",
        "predict images": ["x.png"],
        "from_pretrained name": "me/x",
        "write path": "x.pt2",
        "detection_recipe name": "detection",
        "write_or_keep path": "x.pt2",
        "plan_detector source": "nasnet_a",
        "command": "x",
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_one_argument_of_another_type(
    package: str, sound: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused with a diagnostic, or not looked at; Python's own errors come from nowhere."""
    if PACKAGES[package]:
        pytest.importorskip(PACKAGES[package])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wrong = []
    for function in public_functions(package):
        if function.__name__ in ELSEWHERE:
            continue
        found = signature(function).parameters
        several = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
        names = [name for name, each in found.items() if each.kind not in several]
        needed = {
            name: sound.get(f"{function.__name__} {name}", sound.get(name))
            for name in names
            if found[name].default is Parameter.empty
        }
        for name in names:
            for value in WRONG:
                keywords = {**needed, name: value}
                only = [each for each in found if found[each].kind is Parameter.POSITIONAL_ONLY]
                places = [keywords.pop(each) for each in only]
                try:
                    function(*places, **keywords)
                except CellError:
                    pass
                except Exception as error:
                    wrong.append((function.__name__, name, type(value).__name__, repr(error)))
    assert wrong == []


def test_arguments_left_out_and_unknown_ones() -> None:
    """They are Python's own errors, which name the function and the argument."""
    for call, words in (
        (lambda: nasdsl.sample(nasdsl.load_space("nasbench201_space")), "'n'"),
        (lambda: nasdsl.drawing.svg(), "'drawing'"),
        (lambda: nasdsl.train.evaluate_model("run", top=1), "'top'"),
    ):
        with pytest.raises(TypeError, match=words):
            call()
    with pytest.raises(CellError, match="filterz"):
        nasdsl.cost("nasnet_a", filterz=3)


def test_diagnostics_made_by_others() -> None:
    """A code that there is not, and a place in no text, are refused by name."""
    for arguments, words in (
        (("NAS000", "text"), "NAS000"),
        (("X", "text"), "'X'"),
        ((3, "text"), "3"),
    ):
        with pytest.raises(CellError, match=f"NAS008.*{words}"):
            nasdsl.Diagnostic(*arguments)
    with pytest.raises(CellError, match="span is None where source is None"):
        nasdsl.Diagnostic("NAS201", "text", span=nasdsl.errors.Span(0, 1))
