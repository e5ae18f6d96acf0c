"""Planning a training: who decides where file, recipe, data and flags say different things."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.train import (
    Fitted,
    RunFolder,
    RunPlan,
    begin_run,
    plan_run,
    recipe,
    train_new,
    train_recorded,
)
from tests.train_cases import CELLS

#: A recipe that brings images to a size.
SIZED = recipe("quick", image_size=24, drop_path=0.4, dropout=0.2)


def plan(own: dict[str, Any], *changes: str, made: Any = SIZED, **flags: Any) -> RunPlan:
    """The plan for a file that says `own`, changes of the recipe, and flags."""
    file = nasdsl.loads(CELLS).with_settings(Settings(N=1, filters=8, **own))
    return plan_run(file, data="fake:3", recipe=made, changes=changes, settings=Settings(**flags))


@pytest.mark.parametrize(
    ("own", "changes", "flags", "expected"),
    [
        ({}, (), {}, 24),
        ({"image_size": 16}, (), {}, 16),
        ({"image_size": 16}, ("image_size=20",), {}, 20),
        ({"image_size": 16}, ("image_size=20",), {"image_size": 12}, 12),
        ({}, (), {"image_size": 12}, 12),
    ],
)
def test_image_size(
    own: dict[str, Any], changes: tuple[str, ...], flags: dict[str, Any], expected: int
) -> None:
    """A flag, a change of the recipe, the file, the recipe; images and network agree."""
    found = plan(own, *changes, **flags)
    network = nasdsl.loads(found.job.network).settings
    assert network.image_size == expected
    assert found.job.recipe.image_size == expected
    assert found.splits.image_size == expected
    image, _ = found.splits.train[0]
    assert tuple(image.shape) == (3, expected, expected)


def test_images_as_they_are() -> None:
    """Where the recipe takes images as the data has them, the network is made for those."""
    found = plan({"image_size": 16}, made="quick")
    assert found.job.recipe.image_size == 0
    assert nasdsl.loads(found.job.network).settings.image_size == found.splits.image_size == 32


@pytest.mark.parametrize(
    ("setting", "value", "other", "third"),
    [("drop_path", 0.4, 0.3, 0.1), ("dropout", 0.2, 0.3, 0.1)],
)
def test_rates(setting: str, value: float, other: float, third: float) -> None:
    """The recipe, the file over it, a change over the file, a flag over all."""
    cases: list[tuple[dict[str, Any], tuple[str, ...], dict[str, Any], float]] = [
        ({}, (), {}, value),
        ({setting: other}, (), {}, other),
        ({setting: other}, (f"{setting}={third}",), {}, third),
        ({setting: other}, (f"{setting}={third}",), {setting: 0.5}, 0.5),
    ]
    for own, changes, flags, expected in cases:
        found = plan(own, *changes, **flags)
        assert getattr(found.job.recipe, setting) == expected
        assert getattr(nasdsl.loads(found.job.network).settings, setting) == expected


def test_the_file_decides_about_the_auxiliary_classifier() -> None:
    """Recipe, file and flag, each over the one before."""
    weighted = replace(SIZED, auxiliary_weight=0.4)
    for own, flags, expected in (
        ({}, {}, True),
        ({"auxiliary": False}, {}, False),
        ({"auxiliary": False}, {"auxiliary": True}, True),
    ):
        found = plan(own, made=weighted, **flags)
        assert nasdsl.loads(found.job.network).settings.auxiliary is expected


def test_the_data_decide_about_classes_and_channels() -> None:
    """Whatever the file says."""
    found = nasdsl.loads(plan({"classes": 7, "input_channels": 1}).job.network).settings
    assert (found.classes, found.input_channels) == (3, 3)


@pytest.mark.parametrize(
    ("few", "size", "flags", "expected"),
    [
        (10_000, 20, {}, (2, 16)),
        (10_000, 16, {}, (1, 8)),
        (10_000, 20, {"N": 1, "cell_filters": 4}, (1, 4)),
        (500, 20, {}, (6, 32)),
    ],
)
def test_small_data_get_a_small_network(
    few: int,
    size: int,
    flags: dict[str, Any],
    expected: tuple[int, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where nobody says a size; what somebody says, and the published size for much data, stay."""
    monkeypatch.setattr("nasdsl.train.planning._FEW", few)  # a thousand images are many, or few
    made, cells = replace(SIZED, image_size=size), nasdsl.load("nasnet_a")
    found = plan_run(cells, data="fake:3", recipe=made, settings=Settings(**flags))
    network = nasdsl.loads(found.job.network).settings
    # Twice twice as many in the last cell, which concatenates six states.
    assert (network.N, network.filters) == (expected[0], expected[1] * 4 * 6)
    is_small = any("decide otherwise" in remark for remark in found.remarks)
    assert is_small is (not flags and few > 1000)


def test_a_mobile_network_with_the_large_recipe() -> None:
    """The file's 224 pixels stand, and the recipe of its size is named."""
    found = plan_run(nasdsl.load("nasnet_a_mobile"), data="fake:1000", recipe="imagenet")
    network = nasdsl.loads(found.job.network).settings
    assert (network.image_size, network.drop_path) == (224, 0)
    assert (found.splits.image_size, found.job.recipe.image_size) == (224, 224)
    (remark,) = found.remarks
    assert "224" in remark
    assert "331" in remark
    assert "`imagenet_mobile`" in remark


def test_nothing_to_remark() -> None:
    """Nobody is told what they asked for."""
    assert plan({}).remarks == ()
    assert plan({"image_size": 24}).remarks == ()
    assert plan({"image_size": 16}, "image_size=20").remarks == ()
    assert plan({"image_size": 16}, made="quick").remarks == ()


def test_the_recipe_of_the_mobile_networks() -> None:
    """Slim's mobile notes: 50 replicas of 32, 0.04 each, weight decay 4e-5, no dropped paths."""
    large, mobile = asdict(recipe("imagenet")), asdict(recipe("imagenet_mobile"))
    stated = {
        "batch": 50 * 32,
        "lr": 50 * 0.04,
        "weight_decay": 4e-5,
        "drop_path": 0.0,
        "image_size": 224,
        "lr_decay": 0.97,
        "lr_decay_epochs": 2.4,
        "dropout": 0.5,
    }
    assert mobile | stated == mobile
    differ = {name for name in large if large[name] != mobile[name]}
    assert differ == {"name", "lr", "weight_decay", "drop_path", "image_size"}
    assert recipe("imagenet").image_size == 331


def test_a_run_from_python(tmp_path: Path) -> None:
    """A plan becomes a folder once."""
    found = plan({})
    folder = begin_run(tmp_path / "run", found, ["python", "train.py"])
    assert folder.job() == found.job
    with pytest.raises(CellError, match="already holds a run"):
        begin_run(tmp_path / "run", found)


def test_a_whole_training_from_python(tmp_path: Path) -> None:
    """The plan is seen before anything is written, and what has ended is not trained again."""
    run, seen = tmp_path / "run", list[RunPlan]()
    changes = ("epochs=1", "batch=512", "warmup=0")

    def look(found: RunPlan) -> None:
        assert not run.exists()
        seen.append(found)

    ended = train_new(run, "nasnet_a", changes=changes, on_plan=look, seed=3)
    assert isinstance(ended.ended, Fitted)
    assert [found.job for found in seen] == [ended.job]
    assert RunFolder(run).job() == ended.job
    again = train_recorded(run)
    assert isinstance(again.ended, Fitted)
    assert again.ended.test == replace(ended.ended.test, seconds=again.ended.test.seconds)
    with pytest.raises(CellError, match="already holds a run"):
        train_new(run, "nasnet_a", changes=changes, on_plan=lambda plan: pytest.fail("too late"))


def test_a_plan_that_is_refused_leaves_nothing(tmp_path: Path) -> None:
    """Whoever looks at it may end the call."""

    def refuse(found: RunPlan) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_new(tmp_path / "run", "nasnet_a", on_plan=refuse)
    assert list(tmp_path.iterdir()) == []


def test_an_auxiliary_classifier_larger_than_the_network_gets_a_warning() -> None:
    """Wherever it comes from; without it there is none."""
    sized = recipe("quick", image_size=64, auxiliary_weight=0.4)
    for own, changes, flags, codes in (
        ({}, (), {}, ["NAS508"]),
        ({}, (), {"auxiliary": False}, []),
        ({}, ("auxiliary_weight=0",), {}, []),
    ):
        assert [each.code for each in plan(own, *changes, made=sized, **flags).warnings] == codes
