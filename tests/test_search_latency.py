"""The evaluator `latency`: what it counts, when it stops, and what it refuses."""

from pathlib import Path

import pytest

pytest.importorskip("torch")

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.text import genotype_text
from nasdsl.search import evaluator, limit_for, plan_search
from nasdsl.search.evaluators.latency import LatencyEvaluator, machine, steady_seconds
from nasdsl.space import genotype_at

SPEC = "latency?N=1&cell_filters=2&image_size=8&stem=cifar&classes=10"


class Clock:
    """Shows these durations between every two looks, the last one for ever."""

    def __init__(self, *durations: float) -> None:
        self.durations, self.looks, self.now = durations, 0, 0.0

    def __call__(self) -> float:
        if self.looks % 2:
            self.now += self.durations[min(self.looks // 2, len(self.durations) - 1)]
        self.looks += 1
        return self.now


def counted(clock: Clock) -> tuple[float, int]:
    """What was measured, and how many calls there were."""
    calls: list[None] = []
    return steady_seconds(lambda: calls.append(None), clock), len(calls)


def test_steady_times() -> None:
    """Three calls that are not counted, then ten where all take as long."""
    assert counted(Clock(0.25)) == (0.25, 13)


def test_unsteady_times() -> None:
    """More calls until half of them are alike, the median of all; two hundred at most."""
    seconds, calls = counted(Clock(*[1.0, 2.0] * 5, 3.0))
    assert seconds == 3.0
    assert 13 < calls < 203
    assert counted(Clock(*[1.0, 2.0] * 100))[1] == 203


def test_score() -> None:
    """Minus milliseconds of the network that limits count, with its cost."""
    text = genotype_text(genotype_at(nasdsl.load_space("nasnet_space"), 7))
    found = evaluator(SPEC)
    assert isinstance(found, LatencyEvaluator)
    found.clock = Clock(0.002)
    score = found.evaluate(text, 1, lambda value: None)
    cost = nasdsl.cost(found.child.network(nasdsl.loads(text)))
    assert score.reward == pytest.approx(-2.0)
    assert (score.params, score.mult_adds) == (cost.params, cost.mult_adds)
    limit = limit_for(found, max_params=cost.params - 1)
    assert limit is not None
    assert str(cost.params) in (limit(nasdsl.loads(text)) or "").replace(",", "")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("&batch=0", "NAS882"),
        ("&threads=two", "NAS882"),
        ("&engine=eagre", "NAS730"),
        ("&bach=1", "NAS882"),
    ],
)
def test_refusals(options: str, code: str) -> None:
    """One diagnostic each."""
    with pytest.raises(CellError) as caught:
        evaluator(SPEC + options)
    assert [found.code for found in caught.value.diagnostics] == [code]


def test_an_objective_says_how_it_is_measured(tmp_path: Path) -> None:
    """Before the search: in which runtime, and on which machine."""
    space = nasdsl.loads_space(
        "genotype s\nops nasnet\ncell normal { b0 = (h[i], h[i], identity, ?, add) }\n"
        "cell reduction { b0 = (h[i], h[i], max_pool_3x3, identity, add) }\n"
    )
    words = plan_search(
        space,
        tmp_path / "s.db",
        evaluator="proxy:synflow?N=1&cell_filters=2&image_size=8&stem=cifar&classes=10",
        objectives=("reward", "latency:min"),
    ).trial
    assert f"in runtime eager on 1 thread of this machine ({machine()})" in words
