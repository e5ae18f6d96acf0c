"""Evaluators that train or look at images: rewards, curves, and what they refuse."""

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("nasdsl.train")

import nasdsl
from nasdsl.errors import CellError
from nasdsl.search.evaluators import evaluator
from nasdsl.search.planning import plan_search

BLOCK = "{ b0 = (h[i], h[i-1], conv_3x3, identity, add) }"
TEXT = f"genotype g\nops nasnet\ncell normal {BLOCK}\ncell reduction {BLOCK}\n"
SMALL = "N=1&cell_filters=2&epochs=2&batch=64&device=cpu"


def _nothing(value: float) -> None:
    """A report that nobody reads."""


def test_a_training_is_its_seeds() -> None:
    """The reward is the last of the curve, which is reported; the same seed gives the same."""
    trained = evaluator(f"train?{SMALL}")
    reported: list[float] = []
    score = trained.evaluate(TEXT, 3, reported.append)
    assert len(score.curve) == 2
    assert reported == [*score.curve]
    assert score.reward == score.curve[-1]
    assert trained.evaluate(TEXT, 3, _nothing) == score
    assert trained.evaluate(TEXT, 4, _nothing) != score


def test_channels_last_is_a_matter_of_execution() -> None:
    """It is no value of the recipe, and changes a reward by no more than the order of sums."""
    trained: Any = evaluator(f"train?{SMALL}&channels_last=true")
    plain: Any = evaluator(f"train?{SMALL}&channels_last=false")
    assert trained.execution.channels_last
    assert not plain.execution.channels_last
    assert trained.recipe == plain.recipe
    difference = (
        trained.evaluate(TEXT, 3, _nothing).reward - plain.evaluate(TEXT, 3, _nothing).reward
    )
    assert abs(difference) < 0.1


def test_costs_are_those_of_the_network_that_is_trained() -> None:
    """Digits say the size of the image, its channels and the classes."""
    asked: Any = evaluator(f"train?{SMALL}")
    score = asked.evaluate(TEXT, 0, _nothing)
    settings = {"stem": "cifar", "image_size": 8, "input_channels": 1, "classes": 10}
    cost = nasdsl.cost(nasdsl.loads(TEXT), N=1, filters=8, **settings)
    assert (score.params, score.mult_adds) == (cost.params, cost.mult_adds)


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("train:search", "NAS882"),
        ("train?held_out=0", "NAS882"),
        ("train?epoch=3", "NAS821"),
        ("train?epochs=many", "NAS822"),
        ("train?N=0", "NAS502"),
        ("train?channels_last=yes", "NAS882"),
        ("train?cuda_graph=2", "NAS882"),
        ("train?data=digitz", "NAS825"),
        ("proxy:naswot?batch=none", "NAS882"),
        ("proxy:naswot?epochs=3", "NAS882"),
    ],
)
def test_wrong_specs(spec: str, code: str) -> None:
    """One finding each, of the part that is wrong."""
    with pytest.raises(CellError) as caught:
        evaluator(spec)
    (found,) = caught.value.diagnostics
    assert found.code == code


def test_naswot_looks_at_images() -> None:
    """The same seed has the same score; more images, another determinant."""
    few, many = (evaluator(f"proxy:naswot?N=1&cell_filters=4&batch={n}") for n in (8, 16))
    score = few.evaluate(TEXT, 0, _nothing).reward
    assert few.evaluate(TEXT, 0, _nothing).reward == score
    assert 0 < score < many.evaluate(TEXT, 0, _nothing).reward


def test_data_take_the_place_of_those_in_the_spec(tmp_path: Path) -> None:
    """So a search that is continued with the same `--data` is the same search."""
    spec = "train?data=digits&epochs=2"
    space = nasdsl.load_space("nasbench201_space")
    planned = plan_search(space, tmp_path / "s.db", evaluator=spec, data="digits")
    assert planned.evaluator == "train?epochs=2&data=digits"
