"""Loggers: what they are told, what a resumed run continues, and that none can end a training.

The packages are large, so that these tests have small ones in their place, with the functions and
arguments of wandb 0.31, MLflow 3.17 and Trackio 0.43 that are called.
"""

import json
import random
import sys
from dataclasses import replace
from functools import partialmethod
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.cli_run import Run, runner

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")
pytest.importorskip("sklearn", reason="the digits come with it")

from nasdsl.errors import CellError, Diagnostic  # noqa: E402
from nasdsl.network.self_contained import network_text  # noqa: E402
from nasdsl.train import Execution, Job, RunFolder, RunPlan, Watcher, fit, train_run  # noqa: E402
from nasdsl.train.loggers import LoggedRun, Logger, watchers_of  # noqa: E402
from tests.test_cli_train import CELLS, FLASH  # noqa: E402
from tests.train_cases import network, short, splits  # noqa: E402

#: What a run calls its figures, after one epoch of two steps.
NAMES = {
    *("train/loss", "train/accuracy", "train/drop_path_keep", "train/images_per_second"),
    *("held_out/loss", "held_out/accuracy", "test/loss", "test/accuracy"),
}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("tiny.cell").write_text(CELLS)
    return runner(capfd, monkeypatch)


class Told:
    """What a service has been told: its runs by what finds them, and calls in order."""

    def __init__(self) -> None:
        self.runs: dict[str, dict[str, Any]] = {}

    def open(self, key: str, **about: Any) -> dict[str, Any]:
        run = self.runs.setdefault(key, {"figures": {}, "opened": 0, "ended": [], **about})
        run["opened"] += 1
        return run


def module(monkeypatch: pytest.MonkeyPatch, name: str, **members: Any) -> None:
    made = ModuleType(name)
    made.__spec__ = ModuleSpec(name, None)
    vars(made).update(members)
    monkeypatch.setitem(sys.modules, name, made)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    def init(*, project: str, name: str, id: str, resume: str, dir: str, config: dict) -> Any:
        assert (project, resume) == ("nasdsl", "allow")
        run = told.open(id, name=name, config=config, dir=dir)

        def log(data: dict[str, float]) -> None:
            step = data.pop("step")
            run["figures"] |= {(step, name): value for name, value in data.items()}

        print("wandb: hello on standard output")
        return SimpleNamespace(
            define_metric=lambda name, step_metric=None: None,
            log=log,
            finish=lambda exit_code: run["ended"].append(exit_code),
        )

    module(monkeypatch, "wandb", init=init)
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    return told


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()

    class MlflowClient:
        def get_experiment_by_name(self, name: str) -> Any:
            assert name == "nasdsl"
            return SimpleNamespace(experiment_id="7") if told.runs else None

        def create_experiment(self, name: str) -> str:
            return "7"

        def search_runs(self, experiment_ids: list[str], filter_string: str) -> list[Any]:
            assert experiment_ids == ["7"]
            found = [key for key in told.runs if filter_string == f"tags.`nasdsl.run` = '{key}'"]
            return [SimpleNamespace(info=SimpleNamespace(run_id=key)) for key in found]

        def create_run(self, experiment_id: str, *, tags: dict, run_name: str) -> Any:
            key = tags["nasdsl.run"]
            told.open(key, name=run_name, config={})
            return SimpleNamespace(info=SimpleNamespace(run_id=key))

        def update_run(self, run_id: str, status: str) -> None:
            assert status == "RUNNING"
            told.open(run_id)

        def log_param(self, run_id: str, key: str, value: Any) -> None:
            told.runs[run_id]["config"][key] = value

        def log_metric(self, run_id: str, key: str, value: float, step: int) -> None:
            told.runs[run_id]["figures"][step, key] = value

        def set_terminated(self, run_id: str, status: str) -> None:
            told.runs[run_id]["ended"].append(status)

    module(monkeypatch, "mlflow")
    module(monkeypatch, "mlflow.tracking", MlflowClient=MlflowClient)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    return told


@pytest.fixture
def trackio(monkeypatch: pytest.MonkeyPatch) -> Told:
    told = Told()
    opened = []

    def init(*, project: str, name: str, config: dict, resume: str) -> Any:
        assert (project, resume) == ("nasdsl", "allow")
        run = told.open(name, name=name, config=config)
        opened.append(run)

        def log(metrics: dict[str, float], step: int) -> None:
            run["figures"] |= {(step, name): value for name, value in metrics.items()}

        return SimpleNamespace(log=log)

    module(monkeypatch, "trackio", init=init, finish=lambda: opened.pop()["ended"].append("done"))
    return told


def test_every_logger_is_told_and_resumed(
    run: Run, wandb: Told, mlflow: Told, trackio: Told
) -> None:
    """Each has the figures of `metrics.jsonl`; a resumed run continues what was begun."""
    services = {"wandb": wandb, "mlflow": mlflow, "trackio": trackio}
    words = [word for name in services for word in ("--log", name)]
    ran = run(*FLASH, *words, "--out", "one", "--json")
    assert ran.code == 0, ran.err
    result = json.loads(ran.out)  # nothing else is on standard output
    (line,) = map(json.loads, Path("one/metrics.jsonl").read_text().splitlines())
    recorded = json.loads(Path("one/run.json").read_text())
    assert recorded["loggers"] == list(services)
    for name, told in services.items():
        ((key, found),) = told.runs.items()
        assert recorded["log_id"][:8] in key, name
        assert found["name"].startswith("one")
        assert {figure for _, figure in found["figures"]} == NAMES
        assert found["figures"][2, "train/loss"] == line["loss"]
        assert found["figures"][2, "held_out/accuracy"] == line["held_out"]["accuracy"]
        assert found["figures"][2, "test/accuracy"] == result["test"]["accuracy"]
        assert found["config"]["recipe.lr"] == 0.1
        assert found["config"]["seed"] == 0
    before = {name: dict(told.runs) for name, told in services.items()}
    assert run("train", "--resume", "one", "--quiet").code == 0
    for name, told in services.items():
        assert told.runs.keys() == before[name].keys()
        ((_, found),) = told.runs.items()
        assert found["opened"] == 2
        assert found["ended"] == 2 * [{"wandb": 0, "mlflow": "FINISHED", "trackio": "done"}[name]]


class Odd(Watcher):
    """Draws random numbers from every generator, and raises where it is told to."""

    def __init__(self, moment: str) -> None:
        self.moment, self.calls = moment, []

    def _called(self, moment: str, *what: Any) -> None:
        self.calls.append(moment)
        torch.rand(3)
        random.random()
        if moment == self.moment:
            raise RuntimeError("the service\nis out of order")


MOMENTS = ("started", "stepped", "epoch_ended", "ended", "closed")
for _moment in MOMENTS:
    setattr(Odd, _moment, partialmethod(Odd._called, _moment))


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> list[Odd]:
    """Put loggers in place of ours that raise at the moment they are called by; all are listed."""
    made: list[Odd] = []

    def find(name: str) -> Logger:
        def watcher(run: Any) -> Odd:
            made.append(Odd(name))
            return made[-1]

        return Logger(name, "odd", watcher)

    monkeypatch.setattr("nasdsl.train.loggers.logger.find", find)
    return made


def test_loggers_that_raise(odd: list[Odd]) -> None:
    """One finding each; none is called again, and none keeps the others from anything."""
    about, findings = LoggedRun(Path("one"), "one", "", {}), []
    watchers = watchers_of([*MOMENTS, "never"], about, findings.append)
    plain, logged = network(), network()
    expected = fit(plain, splits(), short(epochs=1), seed=3)
    fitted = fit(logged, splits(), short(epochs=1), seed=3, watchers=watchers)
    assert sorted(found.message for found in findings) == sorted(
        f"logger `{moment}` has failed: RuntimeError: the service" for moment in MOMENTS
    )
    for logger in odd:
        if logger.moment != "never":
            assert logger.calls.index(logger.moment) == len(logger.calls) - 1
    assert odd[-1].calls[0] == "started"
    assert odd[-1].calls[-2:] == ["ended", "closed"]
    # Though they draw random numbers, nothing is computed differently.
    assert [epoch.loss for epoch in fitted.history] == [epoch.loss for epoch in expected.history]
    state = logged.state_dict()
    assert all(torch.equal(state[name], tensor) for name, tensor in plain.state_dict().items())


def test_a_loggers_failure_is_said_at_once_and_reported(run: Run, wandb: Told) -> None:
    """One warning from the command, which is in the report too."""
    sys.modules["wandb"].init = None
    ran = run(*FLASH, "--log", "wandb", "--out", "one")
    assert (ran.code, ran.err.count("warning[NAS851]")) == (0, 1)
    assert "logger `wandb` has failed: TypeError" in ran.err
    assert "NAS851" in Path("one/report.md").read_text()


def begun(path: Path, *loggers: str) -> tuple[RunFolder, RunPlan]:
    """A run that has not been trained."""
    text = network_text(network().graph)
    job = Job(text, "noisy", short(epochs=1), 0, Execution("cpu"), loggers=loggers)
    folder = RunFolder(path)
    folder.create(job, ["nasdsl"])
    return folder, RunPlan(folder.job(), network().graph, replace(splits(), name=job.data))


def test_a_package_that_is_gone_when_a_run_is_resumed(tmp_path: Path) -> None:
    """A finding that says how to install it, to the watchers and in the end."""
    folder, plan = begun(tmp_path / "one", "trackio")
    warned: list[Diagnostic] = []

    class Listening(Watcher):
        def warned(self, finding: Diagnostic) -> None:
            warned.append(finding)

    fitted = train_run(folder, plan, watchers=[Listening()], tensorboard=False)
    (found,) = fitted.findings
    assert (found.code, found.hints) == ("NAS851", ("run `pip install trackio`",))
    assert warned == [found]


def test_tensorboard_without_a_place(tmp_path: Path) -> None:
    """A file where its folder would be: the training ends with its model all the same."""
    pytest.importorskip("tensorboard")
    folder, plan = begun(tmp_path / "one")
    (folder / "tensorboard").write_text("in the way")
    fitted = train_run(folder, plan)
    assert [found.code for found in fitted.findings] == ["NAS851"]
    assert (folder / "model.safetensors").is_file()


@pytest.mark.parametrize(
    "change", [{"loggers": "wandb"}, {"loggers": [3]}, {"log_id": "x' or '1' = '1"}]
)
def test_a_damaged_record(tmp_path: Path, change: dict[str, Any]) -> None:
    """NAS843; nothing else is sent to a service than what was written."""
    folder, _ = begun(tmp_path / "one", "mlflow")
    about = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(about | change))
    with pytest.raises(CellError) as caught:
        folder.job()
    assert caught.value.diagnostics[0].code == "NAS843"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("--log wandbb", "NAS850", "did you mean `wandb`?"),
        ("--log trackio", "NAS701", "run `pip install trackio`"),
        ("--log wandb --log mlflow", "NAS701", "pip install"),
    ],
)
def test_what_there_is_not(run: Run, words: str, code: str, said: str) -> None:
    """It is refused before anything is written."""
    ran = run(*FLASH, *words.split(), "--out", "one")
    assert (ran.code, f"error[{code}]" in ran.err, said in ran.err) == (2, True, True)
    assert not Path("one").exists()


def test_flags_that_contradict_each_other(run: Run) -> None:
    ran = run(*FLASH, "--log", "tensorboard", "--out", "one")
    assert (ran.code, "contradict" in ran.err) == (2, True)
    ran = run("train", "--resume", "one", "--log", "wandb")
    assert (ran.code, "--log would change it" in ran.err) == (2, True)
