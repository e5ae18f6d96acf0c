"""Latencies predicted from a few measurements: from other devices, and from costs."""

from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl import interop
from nasdsl.canonical import canonical_hash
from nasdsl.errors import CellError
from nasdsl.network.cost import graph_cost
from nasdsl.search import plan_search
from nasdsl.search.child import Child
from nasdsl.search.evaluators import evaluator
from nasdsl.search.evaluators.places import absolute_spec, spec_at

numpy = pytest.importorskip("numpy")

from nasdsl.search.latency_model import (  # noqa: E402
    CostModel,
    cost_features,
    device_latencies,
    rank_correlation,
)

SPACE = nasdsl.load_space("nasbench201_space")
MEMBERS = list(nasdsl.sample(SPACE, 60, seed=0))
GRAPHS = [Child().graph(member) for member in MEMBERS]
STRINGS = [interop.write(member, "nasbench201").text.strip() for member in MEMBERS]
TEXTS = [nasdsl.genotype_text(member) for member in MEMBERS]


def test_rank_correlation() -> None:
    """By hand: 1 - 6 * sum of squared differences / (n * (n^2 - 1)); equal ones share a rank."""
    one = numpy.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(one, numpy.exp(one)) == pytest.approx(1)
    assert rank_correlation(one, -one) == pytest.approx(-1)
    assert rank_correlation(one, numpy.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx(1 - 12 / 60)
    assert rank_correlation(one, numpy.array([5.0, 5.0, 6.0, 6.0])) == pytest.approx(0.8944272)
    assert rank_correlation(one, numpy.ones(4)) == 0


def test_features_add_up() -> None:
    """The mult-adds and activations by primitive are those of the network."""
    for graph in GRAPHS[:5]:
        nodes, mult_adds, activations = cost_features(graph).reshape(-1, 3).sum(0)
        cost = graph_cost(graph)
        assert (mult_adds, activations) == (cost.mult_adds, cost.activations)
        assert nodes == sum(len(module.body.nodes) for module in graph.modules)


def test_costs_explain_a_device() -> None:
    """A device that takes a time a node and a time a mult-add is ordered by ten measurements."""
    features = numpy.stack([cost_features(graph) for graph in GRAPHS])
    truth = features.reshape(len(features), -1, 3) @ numpy.array([0.5, 2e-8, 1e-6])
    truth = truth.sum(1)
    model = CostModel(features[:10], list(truth[:10]))
    predicted = numpy.array([model.latency(row) for row in features])
    assert rank_correlation(predicted[10:], truth[10:]) > 0.97
    mult_adds = numpy.array([float(graph_cost(graph).mult_adds) for graph in GRAPHS])
    assert rank_correlation(mult_adds[10:], truth[10:]) < 0.95


def test_other_devices_explain_a_device() -> None:
    """Devices are mixtures of two kinds; a new mixture is told by a few networks."""
    draws = numpy.random.default_rng(0)
    kinds = draws.lognormal(size=(200, 2))
    shares = draws.uniform(size=(2, 9))
    devices = kinds @ shares * draws.uniform(1, 50, 9)
    new = kinds @ numpy.array([0.9, 0.1]) * 7
    measured = list(range(10))
    predicted = device_latencies(devices, measured, list(new[measured]))
    assert rank_correlation(predicted[10:], new[10:]) > 0.98
    assert numpy.median(predicted / new) == pytest.approx(1, abs=0.1)
    plain = numpy.log(devices).mean(1)
    assert rank_correlation(plain[10:], new[10:]) < 0.95


# -- the evaluator --------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Ten networks on a new phone, and all of them on three devices, one of them in no unit."""
    latencies = [1 + graph_cost(graph).mult_adds / 1e7 for graph in GRAPHS]
    rows = [f"{key},{value:.6f}\n" for key, value in zip(STRINGS, latencies, strict=True)]
    (tmp_path / "phone.csv").write_text("arch,ms\n" + "".join(rows[:10]))
    hashed = [
        f"{canonical_hash(member)},{value:.6f}\n"
        for member, value in zip(MEMBERS, latencies, strict=True)
    ]
    (tmp_path / "hashed.csv").write_text("hash,ms\n" + "".join(hashed[:10]))
    lines = [
        f"{key},{2 * value:.6f},{value**1.2:.6f},{'?' if at else 1}\n"
        for at, (key, value) in enumerate(zip(STRINGS, latencies, strict=True))
    ]
    (tmp_path / "others.csv").write_text("arch,one,two,note\n" + "".join(lines))
    return tmp_path


def predicted(spec: str) -> list[float]:
    """The latencies of the networks that were not measured."""
    made = evaluator(spec)
    scores = [made.evaluate(text, 0, lambda value: None) for text in TEXTS[10:]]
    assert [score.reward for score in scores] == [-score.measures["latency"] for score in scores]
    return [score.measures["latency"] for score in scores]


@pytest.mark.parametrize("how", ["devices={}/others.csv", "skeleton=nasbench201"])
def test_networks_are_ordered(files: Path, how: str) -> None:
    """From other devices, and from costs: milliseconds that order what was not measured."""
    found = predicted(f"predicted:{files}/phone.csv?key=arch&value=ms&{how.format(files)}")
    truth = [1 + graph_cost(graph).mult_adds / 1e7 for graph in GRAPHS[10:]]
    assert rank_correlation(numpy.array(found), numpy.array(truth)) > 0.95
    assert numpy.median(numpy.array(found) / numpy.array(truth)) == pytest.approx(1, abs=0.3)


def test_it_says_how_well(files: Path) -> None:
    """Before a search: from what, and the rank correlation of each with what the others say."""
    spec = f"predicted:{files}/phone.csv?key=arch&value=ms&devices={files}/others.csv"
    said = plan_search(SPACE, files / "s.db", evaluator=spec).trial
    assert "10 measurements" in said
    assert "2 devices" in said
    assert "rank correlation is 1.00" in said or "rank correlation is 0.9" in said


def test_paths_are_absolute(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both files are found from anywhere, and beside a store that has moved with them."""
    monkeypatch.chdir(files)
    spec = absolute_spec("predicted:phone.csv?key=arch&value=ms&devices=others.csv")
    assert spec == f"predicted:{files}/phone.csv?key=arch&value=ms&devices={files}/others.csv"
    there = files / "there"
    there.mkdir()
    for name in ("phone.csv", "others.csv"):
        (files / name).rename(there / name)
    moved = spec_at(spec, str(files), there / "s.db")
    assert moved == f"predicted:{there}/phone.csv?key=arch&value=ms&devices={there}/others.csv"


WRONG: dict[str, tuple[str, str]] = {
    "predicted": ("NAS882", "needs a file of measurements"),
    "predicted:{}/phone.csv?key=arch&value=ms&speed=3": ("NAS882", "and has `speed`"),
    "predicted:{}/phone.csv?key=arch&value=s": ("NAS883", "no column `s`"),
    "predicted:{}/hashed.csv?value=ms": ("NAS883", "no costs can be counted of a hash"),
    "predicted:{}/one.csv?key=arch&value=ms": ("NAS883", "has 1 measurement;"),
    "predicted:{}/zero.csv?key=arch&value=ms": ("NAS883", "a latency of 0"),
    "predicted:{0}/phone.csv?key=arch&value=ms&devices={0}/few.csv": ("NAS884", "has no row"),
    "predicted:{0}/phone.csv?key=arch&value=ms&devices={0}/words.csv": ("NAS883", "no column of"),
    "predicted:{}/phone.csv?key=arch&value=ms&skeleton=nasnet": ("NAS304", "no reduction cell"),
}


@pytest.mark.parametrize("spec", WRONG)
def test_what_cannot_be_predicted(files: Path, spec: str) -> None:
    """One diagnostic each, before a search begins."""
    head, first, second, *_ = (files / "phone.csv").read_text().splitlines()
    (files / "one.csv").write_text(f"{head}\n{first}\n")
    (files / "zero.csv").write_text(f"{head}\n{first}\n{second.partition(',')[0]},0\n")
    lines = (files / "others.csv").read_text().splitlines()
    (files / "few.csv").write_text("\n".join([lines[0], *lines[20:]]))
    (files / "words.csv").write_text("\n".join(f"{line.split(',')[0]},?" for line in lines))
    code, words = WRONG[spec]
    with pytest.raises(CellError) as caught:
        evaluator(spec.format(files))
    found: Any = caught.value.diagnostics[0]
    assert found.code == code
    assert words in found.message
