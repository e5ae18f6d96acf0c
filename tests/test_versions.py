"""What earlier versions left behind still opens: stores, a run stopped in mid-epoch, a model.

`tests/data/versions/VERSION/` holds files as that version wrote them, and in `expected.json`
how that version itself went on from them. Both searches and the training were killed. The space
has few members and the rewards are functions of the network, so going on is exact where no
floating-point sum of the machine takes part.
"""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl.search.store import Reader
from tests.cli_run import Run, runner

VERSIONS = Path(__file__).parent / "data" / "versions"


@pytest.fixture(params=sorted(path.name for path in VERSIONS.iterdir()))
def left(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of one version's files."""
    return Path(shutil.copytree(VERSIONS / request.param, tmp_path / "left"))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return runner(capfd, monkeypatch)


def _expected(left: Path, name: str) -> Any:
    return json.loads((left / "expected.json").read_text())[name]


def _rows(store: Path) -> list[list[Any]]:
    with Reader(store) as reader:
        return [[trial.hash, trial.reward, trial.state] for trial in reader.trials()]


def _resume_search(run: Run, left: Path, algorithm: str, *options: str) -> list[list[Any]]:
    words = ("search", str(left / "space.cell"), "--algorithm", algorithm)
    words += ("--evaluator", "python:tests.search_evaluators:seeded", "--seed", "3")
    words += ("--trials", "60", "--workers", "2", "--store", str(left / f"{algorithm}.db"))
    ran = run(*words, *options, "--resume", "--quiet")
    assert ran.code == 0, ran.err
    return _rows(left / f"{algorithm}.db")


def test_a_store_goes_on(run: Run, left: Path) -> None:
    """A killed search ends with the very trials that the version itself went on to."""
    rows = _resume_search(
        run, left, "evolution", "--option", "population=10", "--option", "sample=3"
    )
    assert rows == _expected(left, "evolution")


def test_a_store_with_a_network_goes_on(run: Run, left: Path) -> None:
    """The controller network of PPO is read back: what was settled stays, the rest follows."""
    pytest.importorskip("torch")
    settled = [row for row in _rows(left / "ppo.db") if row[2] == "done"]
    rows = _resume_search(run, left, "ppo", "--option", "hidden=4", "--option", "batch=5")
    assert [row[2] for row in rows] == ["done"] * 60
    assert [row for row in rows if row in settled][: len(settled)] == settled
    expected = _expected(left, "ppo")
    # Proposals that had been drawn before; later ones come from sums of floats.
    assert rows[:20] == expected[:20]


def test_a_run_goes_on(run: Run, left: Path) -> None:
    """A training killed in its second epoch ends as the version itself went on."""
    pytest.importorskip("accelerate")
    folder = left / "run"
    before = (folder / "metrics.jsonl").read_text()
    ran = run("train", "--resume", str(folder), "--quiet", "--no-tensorboard")
    assert ran.code == 0, ran.err
    text = (folder / "metrics.jsonl").read_text()
    assert text.startswith(before)
    epochs = [json.loads(line) for line in text.splitlines()]
    for epoch, expected in zip(epochs, _expected(left, "run"), strict=True):
        assert epoch["step"] == expected["step"]
        assert epoch["loss"] == pytest.approx(expected["loss"], rel=1e-3)
        assert epoch["learning_rate"] == pytest.approx(expected["learning_rate"])
        assert epoch["held_out"]["loss"] == pytest.approx(expected["held_out"]["loss"], rel=0.1)


def test_a_model_opens(left: Path) -> None:
    """An exported model compiles to the network it was."""
    torch = pytest.importorskip("torch")
    network = nasdsl.compile(left / "model.safetensors").eval()
    assert network(torch.zeros(2, 1, 8, 8)).shape == (2, 10)
