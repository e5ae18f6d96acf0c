"""`nasdsl search` and its actions on a store: what they print, write and refuse."""

import contextlib
import csv
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import pytest

import nasdsl
from bench.reliability.patience import PATIENCE, becomes_true
from nasdsl.cli.group import program
from nasdsl.cli.search import ACTIONS
from nasdsl.cli.search_view import curve
from nasdsl.search.evaluators.finishing import data_of
from nasdsl.search.figures import best_so_far, unique_rewards
from nasdsl.search.results import summary
from nasdsl.search.store import Reader, Store
from nasdsl.search.store.records import Proposal
from nasdsl.space import enumerate_genotypes
from tests.cli_run import Run, runner
from tests.conftest import ReadStudy
from tests.plugin.nasdsl_example.inline import Inline

SPACE = """\
genotype small
ops nasnet

cell normal {
    b0 = (?, ?, {identity | avg_pool_3x3}, {identity | sep_conv_3x3}, add)
}

cell reduction {
    b0 = (h[i], h[i-1], max_pool_3x3, identity, add)
}
"""
REWARD = """\
import os
import time
from pathlib import Path
from typing import Any

import nasdsl

begun = 0


def reward(text, seed, report):
    global begun
    begun += 1
    while Path("wait").exists() and begun > 2:
        time.sleep(0.05)
    return (int(nasdsl.canonical_hash(nasdsl.loads(text)), 16) % 1000) / 1000


def fails(text, seed, report):
    raise RuntimeError("no luck")


def dies(text, seed, report):
    os._exit(3)


def nothing(text, seed, report):
    return float("nan")
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("search", ...)` in a folder with `small.cell` and the module `rewards`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.fspath(tmp_path))
    monkeypatch.syspath_prepend(os.fspath(tmp_path))
    Path("small.cell").write_text(SPACE)
    Path("rewards.py").write_text(REWARD)
    return runner(capfd, monkeypatch)


WORDS = ("small.cell", "--evaluator", "python:rewards:reward", "--seed", "3")


def searched(run: Run, *more: str, store: str = "s.db") -> str:
    """A search of a few trials; what it printed."""
    ran = run("search", *WORDS, "--trials", "12", "--store", store, *more)
    assert ran.code == 0, ran.err
    return ran.out


def test_the_best_is_printed(run: Run) -> None:
    """The best network as text that reads, its scores in comments, equal to the store's best."""
    out = searched(run)
    first, *_ = out.splitlines()
    with Reader(Path("s.db")) as store:
        (best,) = store.best(1)
        rewards = [trial.reward for trial in store.trials() if trial.reward is not None]
    assert best.reward == max(rewards)
    assert first == f"# reward {best.reward:.6g}, trial {best.id}, hash {best.hash}"
    assert nasdsl.canonical_hash(nasdsl.loads(out)) == best.hash


@pytest.mark.parametrize("algorithm", ["random", "ppo", "evolution", "local"])
def test_algorithms(algorithm: str, run: Run) -> None:
    """Every algorithm of ours runs from the command line, and `--json` is an object."""
    ran = run(
        *("search", *WORDS, "--algorithm", algorithm, "--trials", "6", "--store", "a.db"),
        *("--json", "--quiet"),
    )
    assert (ran.code, ran.err) == (0, "")
    found = json.loads(ran.out)
    assert found["completed"] == 6
    assert found["best"]["reward"] is not None


def test_going_on(run: Run) -> None:
    """More trials with `--resume`; the first ones stay as they were."""
    searched(run)
    with Reader(Path("s.db")) as store:
        before = [(trial.text, trial.reward) for trial in store.trials()]
    ran = run("search", *WORDS, "--trials", "20", "--store", "s.db", "--resume")
    assert ran.code == 0
    with Reader(Path("s.db")) as store:
        after = [(trial.text, trial.reward) for trial in store.trials()]
    assert (len(after), after[: len(before)]) == (20, before)


def test_the_store_is_enough(run: Run) -> None:
    """Everything that is not said again is as before, the number of workers too."""
    searched(run, "--workers", "2", "--max-params", "9000000", "--algorithm", "evolution")
    ran = run("search", "--resume", "s.db", "--trials", "20", "--deadline", "500")
    assert ran.code == 0, ran.err
    assert "python:rewards:reward" in ran.err
    with Reader(Path("s.db")) as store:
        assert store.counts().completed == 20
        execution = store.settings()["execution"]
    assert (execution["workers"], execution["deadline"]) == (2, 500)
    searched(run, "--trials", "20", "--max-params", "9000000", "--algorithm", "evolution",
             "--workers", "2", store="whole.db")  # fmt: skip
    with Reader(Path("s.db")) as store, Reader(Path("whole.db")) as whole:
        assert [t.text for t in store.trials()] == [t.text for t in whole.trials()]
    assert "NAS863" in run("search", "--resume", "s.db", "--seed", "4").err


def test_status(run: Run) -> None:
    """Whole numbers for scripts, lines for people."""
    searched(run)
    found = json.loads(run("search", "status", "s.db", "--json").out)
    for name in ("completed", "running", "failed", "unique"):
        assert type(found[name]) is int
    assert (found["completed"], found["running"], found["failed"]) == (12, 0, 0)
    assert "completed  12 of 12\n" in run("search", "status", "s.db").out


def test_top(run: Run) -> None:
    """Files in the order of their rewards, each of them a genotype."""
    searched(run)
    ran = run("search", "top", "s.db", "-n", "3", "-o", "best")
    assert (ran.code, ran.out) == (0, "")
    files = sorted(Path("best").iterdir())
    assert [path.name for path in files] == ["001.cell", "002.cell", "003.cell"]
    rewards = [float(path.read_text().split()[2].rstrip(",")) for path in files]
    assert rewards == sorted(rewards, reverse=True)
    assert len({nasdsl.canonical_hash(nasdsl.load(path)) for path in files}) == 3
    assert len(json.loads(run("search", "top", "s.db", "-n", "2", "--json").out)["best"]) == 2


def test_plot(run: Run) -> None:
    """Several stores in one picture, the same bytes each time."""
    searched(run)
    searched(run, "--algorithm", "evolution", store="e.db")
    assert run("search", "plot", "s.db", "e.db", "-o", "one.svg").code == 0
    assert run("search", "plot", "s.db", "e.db", "-o", "two.svg").code == 0
    text = Path("one.svg").read_text()
    assert "evolution (e), best" in text.replace("<!-- ", "").replace(" -->", "")
    assert text == Path("two.svg").read_text()
    searched(run, "--trials", "1", store="first.db")
    assert run("search", "plot", "first.db", "-o", "first.svg").code == 0
    ticks = r'<g id="xtick_\d+">.*?<!-- ([\d.]+) -->'
    assert re.findall(ticks, Path("first.svg").read_text(), re.DOTALL) == ["1"]
    assert all(each.isdigit() for each in re.findall(ticks, text, re.DOTALL))


def test_plot_of_one_name_twice(run: Run) -> None:
    """Stores of one name in two folders are two searches in the picture."""
    for folder, seed in (("a", "1"), ("b", "2")):
        searched(run, "--seed", seed, store=f"{folder}/s.db")
    assert run("search", "plot", "a/s.db", "b/s.db", "-o", "both.svg").code == 0
    text = Path("both.svg").read_text()
    assert "random (a/s.db), best" in text
    assert "random (b/s.db), best" in text


def test_figure_six() -> None:
    """The means of the best so far, against sorting anew after each network."""
    rewards = [0.3, 0.9, 0.1, 0.5, 0.95, 0.2, 0.7]
    for k in (1, 2, 5):
        expected = [sum(sorted(rewards[:n])[-k:]) / k for n in range(k, len(rewards) + 1)]
        assert best_so_far(rewards, k) == pytest.approx(expected)


def test_networks_count_once(run: Run) -> None:
    """Among the unique rewards, a network that was proposed several times is one."""
    searched(run, "--trials", "40")
    with Reader(Path("s.db")) as store:
        counts, rewards = store.counts(), unique_rewards(store.trials())
    assert counts.shared > 0
    assert len(rewards) == counts.unique


def test_what_the_figure_counts(run: Run) -> None:
    """The paper's axis ends at the samples, the other at the unique networks; both are as high."""
    from matplotlib.axes import Axes

    searched(run, "--trials", "40")
    drawn: list[tuple[list[int], list[float]]] = []
    plot = Axes.plot

    def noted(axes: Axes, across: Any, up: Any, *rest: Any, **more: Any) -> Any:
        drawn.append((list(across), list(up)))
        return plot(axes, across, up, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Axes, "plot", noted)
        for words in ([], ["--count", "sampled"], ["--count", "unique"]):
            assert run("search", "plot", "s.db", "-o", "f.svg", *words).code == 0
    default, sampled, unique = (drawn[start] for start in range(0, len(drawn), len(drawn) // 3))
    with Reader(Path("s.db")) as store:
        trials = list(store.trials())
    assert len({trial.hash for trial in trials}) < len(trials) == 40
    assert default == sampled
    assert sampled[0] == list(range(1, 41))
    assert sampled[1] == [max(one.reward or 0.0 for one in trials[:n]) for n in sampled[0]]
    assert unique[0] == list(range(1, 1 + len({trial.hash for trial in trials})))
    assert unique[1][-1] == sampled[1][-1]


def test_legends_are_not_cut_off() -> None:
    """Entries that are too wide together stand in fewer columns."""
    pytest.importorskip("matplotlib")
    from nasdsl.report.plots import add_legend_below, new_picture

    for length, columns in ((3, 3), (25, 2), (60, 1)):
        with new_picture((6, 4)) as picture:
            axes = picture.add_subplot()
            for letter in "abc":
                axes.plot([0, 1], label=letter * length)
            add_legend_below(picture, columns=3)
            picture.draw_without_rendering()
            (legend,) = picture.legends
            found = legend.get_window_extent()
            assert picture.bbox.x0 <= found.x0 < found.x1 <= picture.bbox.x1
            assert legend._ncols == columns  # which matplotlib offers in no other way


def test_export(run: Run) -> None:
    """A row a trial in each table; the study has the rewards."""
    searched(run)
    assert run("search", "export", "s.db", "-o", "t.csv").code == 0
    # Without -o, as it was typed before there was one.
    assert run("search", "export", "s.db", "before.csv").code == 0
    assert Path("before.csv").read_bytes() == Path("t.csv").read_bytes()
    with Path("t.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    with Reader(Path("s.db")) as store:
        trials = list(store.trials())
    assert [(row["hash"], float(row["reward"])) for row in rows] == [
        (trial.hash, trial.reward) for trial in trials
    ]
    parquet = pytest.importorskip("pyarrow.parquet")
    assert run("search", "export", "s.db", "t.parquet").code == 0
    assert parquet.read_table("t.parquet").column("hash").to_pylist() == [t.hash for t in trials]


def test_export_to_optuna(run: Run, read_study: ReadStudy) -> None:
    """A study of as many trials with the same best value."""
    optuna = pytest.importorskip("optuna")
    searched(run)
    assert run("search", "export", "s.db", "study.db").code == 0
    study = read_study("study.db")
    with Reader(Path("s.db")) as store:
        (best,) = store.best(1)
    assert (len(study.trials), study.best_value) == (12, best.reward)
    # Each open decision is a parameter, in the words of the text; fixed ones are none.
    assert set(study.best_params) == {
        *("normal b0 first input", "normal b0 second input"),
        *("normal b0 first op", "normal b0 second op"),
    }
    with Reader(Path("s.db")) as store:
        for trial, row in zip(study.trials, store.trials(), strict=True):
            normal = row.text.partition("b0 = (")[2].partition(")")[0].split(",")
            assert list(trial.params.values()) == [word.strip() for word in normal[:4]]
            assert trial.datetime_start.timestamp() == pytest.approx(row.started or row.proposed)
            assert trial.datetime_complete.timestamp() == pytest.approx(row.finished)
    importances = optuna.importance.get_param_importances(
        study, evaluator=optuna.importance.PedAnovaImportanceEvaluator()
    )
    assert importances.keys() == set(study.best_params)
    ran = run("search", "export", "s.db", "study.db")
    assert (ran.code, "NAS006" in ran.err) == (2, True)
    assert run("search", "export", "s.db", "what?#.db").code == 0
    assert Path("what?#.db").read_bytes()[:6] == b"SQLite"
    assert "NAS006" in run("search", "export", "s.db", "small.cell/study.db").err


PARTS = """
from pathlib import Path

import nasdsl


def after(text, epochs):
    number = int(nasdsl.canonical_hash(nasdsl.loads(text)), 16)
    if number % 4 == 0:
        raise RuntimeError("no luck")
    return number % 1000 / 1000 + epochs / 100


def from_the_start(text, seed, report, epochs=1, folder=""):
    for epoch in range(epochs):
        report(epoch, after(text, epoch + 1))
    return after(text, epochs)


def since_the_last_part(text, seed, report, epochs=1, folder=""):
    Path(folder).mkdir(parents=True, exist_ok=True)
    state = Path(folder) / "epochs"
    for epoch in range(int(state.read_text()) if state.exists() else 0, epochs):
        report(after(text, epoch + 1))
    state.write_text(str(epochs))
    return after(text, epochs)


def at_the_end(text, seed, report, epochs=1):
    return after(text, epochs)


def in_batches(text, seed, report, epochs=1):
    for batch in range(7 * epochs + 1):
        report(batch / 100)
    return after(text, epochs)
"""


@pytest.mark.parametrize(
    ("function", "every"),
    [("from_the_start", 1), ("since_the_last_part", 1), ("at_the_end", 0), ("in_batches", 0)],
)
def test_parts_as_a_study(function: str, every: int, run: Run, read_study: ReadStudy) -> None:
    """A network is a trial, its epochs intermediate values; what went to the end is complete."""
    Path("parts.py").write_text(PARTS)
    ran = run(
        *("search", "small.cell", "--evaluator", f"python:parts:{function}", "--store", "p.db"),
        *("--fidelity", "asha", "--max-epochs", "4", "--reduction", "2", "--trials", "12"),
    )
    assert ran.code == 0, ran.err
    assert run("search", "export", "p.db", "study.db").code == 0
    study = read_study("study.db")
    assert study.metric_names == ["reward"]
    assert study.user_attrs["evaluator"] == f"python:parts:{function}"
    assert len(study.trials) == 12
    states = set()
    with Reader(Path("p.db")) as store:
        rows = {row.id: row for row in store.trials()}
    for trial in study.trials:
        last = rows[trial.user_attrs["trial"]]
        states.add(trial.state.name)
        number = int(last.hash, 16)
        if number % 4 == 0:
            assert (trial.state.name, trial.intermediate_values) == ("FAIL", {})
            continue
        assert last.epochs is not None
        assert trial.state.name == ("COMPLETE" if last.epochs == 4 else "PRUNED")
        known = [epoch for epoch in (1, 2, 3, 4) if every or epoch != 3][: last.epochs]
        expected = {epoch: number % 1000 / 1000 + epoch / 100 for epoch in known}
        assert trial.intermediate_values == pytest.approx(expected)
        assert trial.value == pytest.approx(expected[last.epochs])
        first = rows[last.id]
        while first.continues is not None:
            first = rows[first.continues]
        begun = first.started or first.proposed  # those that share a result never began
        assert trial.datetime_start.timestamp() == pytest.approx(begun)
        assert trial.datetime_complete.timestamp() == pytest.approx(last.finished)
    assert states == {"COMPLETE", "FAIL", "PRUNED"}
    complete = [trial.value for trial in study.trials if trial.state.name == "COMPLETE"]
    assert study.best_value == max(complete)


def test_finish(run: Run) -> None:
    """The best are trained anew and ranked by what they reach; done again, nothing is lost."""
    pytest.importorskip("sklearn")
    searched(run)
    words = (
        *("search", "finish", "s.db", "--top", "2", "--recipe", "quick", "--set", "epochs=1"),
        *("--N", "1", "--filters", "4", "--quiet", "--json", "--out", "won", "--jobs", "2"),
    )
    with Reader(Path("s.db")) as store:
        best = [trial.hash for trial in store.best(2)]
    ran = run(*words)
    assert ran.code == 0, ran.err
    won = json.loads(ran.out)["winners"]
    assert sorted(one["hash"] for one in won) == sorted(best)
    accuracies = [one["accuracy"] for one in won]
    assert accuracies == sorted(accuracies, reverse=True)
    assert nasdsl.canonical_hash(nasdsl.load("won/001.cell")) == won[0]["hash"]
    assert {one["images"] for one in won} == {"held-out"}
    assert json.loads(run(*words).out)["winners"] == won
    # The accuracies of one recipe never stand as those of another.
    for other in (("--seed", "5"), ("--set", "epochs=2"), ("--filters", "8"), ("--data", "fake")):
        ran = run(*words, *other)
        assert (ran.code, ran.out.count("NAS841")) == (2, 1), other
    assert json.loads(run(*words, "--device", "cpu").out)["winners"] == won
    status = json.loads(run("search", "status", "won/finish.db", "--json").out)
    assert (status["completed"], status["failed"]) == (2, 0)


@pytest.fixture
def inline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of a finish are trained in this process, which has imported PyTorch before."""
    monkeypatch.setattr("nasdsl.search.finishing.engine_for", Inline)


@pytest.mark.usefixtures("inline")
def test_finish_survives_a_network_that_fails(run: Run) -> None:
    """Its reason is shown and kept, and more networks may be trained later."""
    pytest.importorskip("sklearn")
    searched(run)
    with Reader(Path("s.db")) as store:
        first, second, third = (trial.hash for trial in store.best(3))
    Path("won/runs", first).mkdir(parents=True)
    Path("won/runs", first, "in_the_way").touch()
    words = ("search", "finish", "s.db", "--recipe", "quick", "--set", "epochs=1", "--N", "1")
    words = (*words, "--filters", "4", "--json", "--quiet", "--out", "won")
    ran = run(*words, "--top", "2")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert [one["hash"] for one in found["winners"]] == [second]
    assert "NAS841" in found["failures"][first]
    assert f"failed: {first}, " in ran.err
    assert [path.name for path in Path("won").glob("*.cell")] == ["001.cell"]
    Path("won/runs", first, "in_the_way").unlink()
    ran = run(*words, "--top", "3", "--retry-failed")
    assert (ran.code, json.loads(ran.out)["failures"]) == (0, {})
    assert {one["hash"] for one in json.loads(ran.out)["winners"]} == {first, second, third}


@pytest.mark.parametrize(
    ("spec", "data"),
    [
        ("train?epochs=2&data=imagefolder%3Apictures", "imagefolder:pictures"),
        ("proxy:naswot?data=fake", "fake"),
        ("train", "digits"),
        ("table:digits.csv", "digits"),
    ],
)
def test_finish_trains_on_what_the_search_used(spec: str, data: str) -> None:
    """The data of the evaluator's spec, or the digits."""
    assert data_of(spec) == data


@pytest.mark.usefixtures("inline")
def test_finish_in_bf16(run: Run) -> None:
    """Every winner has its model."""
    pytest.importorskip("sklearn")
    searched(run)
    ran = run(
        *("search", "finish", "s.db", "--top", "2", "--recipe", "quick", "--set", "epochs=1"),
        *("--N", "1", "--filters", "4", "--quiet", "--precision", "bf16", "--out", "won"),
    )
    assert (ran.code, "NAS" in ran.err) == (0, False)
    assert len(list(Path("won/runs").glob("*/model.safetensors"))) == 2


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_search_without_a_result(form: tuple[str, ...], run: Run) -> None:
    """Every worker dies: a diagnostic and exit code 1, and no picture of nothing."""
    words = ("small.cell", "--evaluator", "python:rewards:dies", "--trials", "2", "--quiet")
    ran = run("search", *words, "--store", "dead.db", *form)
    assert (ran.code, ran.err.count("error[NAS872]")) == (1, 1)
    assert json.loads(ran.out)["completed"] == 0 if form else ran.out == ""
    searched(run)
    for stores in (("dead.db",), ("s.db", "dead.db")):
        ran = run("search", "plot", *stores, "-o", "figure.svg")
        assert (ran.code, ran.err.count("error[NAS872]")) == (1, 1)
        assert "'dead.db'" in ran.err
        assert not Path("figure.svg").exists()


def test_a_repaired_evaluator(run: Run) -> None:
    """The same command with --resume tries everything again; nothing counts as running before."""
    module = Path("rewards.py").read_text()
    Path("rewards.py").write_text(module.replace("    global begun", "    raise KeyError('x')"))
    words = ("search", *WORDS, "--trials", "12", "--store", "s.db")
    ran = run(*words)
    assert (ran.code, "error[NAS867]" in ran.err) == (2, True)
    assert json.loads(run("search", "status", "s.db", "--json").out)["running"] == 0
    Path("rewards.py").write_text(module)
    assert run(*words, "--resume").code == 0
    counts = json.loads(run("search", "status", "s.db", "--json").out)
    assert (counts["completed"], counts["failed"]) == (12, 0)


def test_retry_failed(run: Run) -> None:
    """What fails now and then is tried again on request, and only with --resume."""
    module = Path("rewards.py").read_text()
    fault = "    if begun == 1 or begun > 3:\n        raise KeyError('x')\n    while Path"
    Path("rewards.py").write_text(module.replace("    while Path", fault))
    words = ("search", *WORDS, "--trials", "12", "--store", "s.db")
    ran = run(*words)
    assert ran.code == 0, ran.err
    assert json.loads(run("search", "status", "s.db", "--json").out)["failed"] > 0
    ended, hint = ran.err, "`nasdsl search --resume s.db --retry-failed` evaluates"
    ran = run("search", "status", "s.db")
    assert (hint in ended, hint in ran.err) == (True, True)
    said = ran.out
    assert "failed:\n  KeyError: 'x'\n" in said
    assert "rewards.py" in said
    assert "raise KeyError('x')" in said
    assert "raise KeyError('x')" in Path("s.db.log").read_text()
    Path("rewards.py").write_text(module)
    assert run(*words, "--retry-failed").code == 2
    ran = run(*words, "--resume", "--retry-failed")
    assert (ran.code, hint in ran.err) == (0, False)
    counts = json.loads(run("search", "status", "s.db", "--json").out)
    assert (counts["completed"], counts["failed"]) == (12, 0)


REFUSED = {
    "a space without holes": ("NAS604", "nasnet_a"),
    "an unknown algorithm": ("NAS880", "small.cell --algorithm poo"),
    "an unknown evaluator": ("NAS882", "small.cell --evaluator trian"),
    "an option it lacks": ("NAS881", "small.cell --algorithm ppo --option lrr=1"),
    "an option without value": ("NAS881", "small.cell --option lr"),
    "data for another evaluator": ("NAS882", "small.cell --evaluator proxy:naswot --data digits"),
    "no network within the limits": (
        "NAS868",
        "small.cell --evaluator python:rewards:reward --max-params 1",
    ),
    "an evaluator that raises": ("NAS867", "small.cell --evaluator python:rewards:fails"),
    "an evaluator of NaN": ("NAS867", "small.cell --evaluator python:rewards:nothing"),
    "a folder as store": ("NAS865", "small.cell --store ."),
    "no GPU": ("NAS869", "small.cell --evaluator python:rewards:reward --gpus 99"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str, run: Run) -> None:
    """One diagnostic, exit code 2, nothing on standard output."""
    code, words = REFUSED[case]
    ran = run("search", "--store", "new.db", *words.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("error[") == 1
    assert f"error[{code}]" in ran.err


def test_stores_are_refused(run: Run) -> None:
    """One that is there, one of another search, one that is none, one that is not there."""
    searched(run)
    again = ("search", *WORDS, "--trials", "12", "--store", "s.db")
    assert "NAS866" in run(*again).err
    assert "NAS863" in run(*again, "--seed", "4", "--resume").err
    Path("text.db").write_text("hello " * 1000)
    for action in ("status", "top", "finish"):
        assert "NAS865" in run("search", action, "text.db").err
        assert "NAS001" in run("search", action, "missing.db").err
        assert "NAS865" in run("search", action, ".").err
    assert "NAS007" in run("search", "export", "s.db", "t.xlsx").err
    assert "NAS712" in run("search", "plot", "s.db", "-o", "t.gif").err


def _completed(run: Run) -> int:
    """Trials of `c.db` that are done; none where it is not there yet."""
    if not Path("c.db").exists() or run("search", "status", "c.db").code:
        return 0
    with Reader(Path("c.db")) as store:
        return store.counts().completed


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interruptions(run: Run, name: str) -> None:
    """Ctrl-C and SIGTERM: exit code 130, the command that continues, and no trial lost."""
    Path("wait").touch()  # each worker waits with its third trial
    command = [sys.executable, "-m", "nasdsl", "search", *WORDS, "--trials", "60"]
    with subprocess.Popen(
        [*command, "--store", "c.db"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert becomes_true(lambda: _completed(run) >= 2)
        assert json.loads(run("search", "status", "c.db", "--json").out)["is_running"]
        process.send_signal(signal.Signals[name])
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 130
    assert [path.name for path in sorted(Path().glob("c.db*"))] == ["c.db"]
    assert "to continue, run `nasdsl search " in said
    with Reader(Path("c.db")) as store:
        done = [(trial.id, trial.reward) for trial in store.trials() if trial.reward is not None]
    assert 2 <= len(done) < 60
    Path("wait").unlink()
    assert run("search", *WORDS, "--trials", "60", "--store", "c.db", "--resume").code == 0
    with Reader(Path("c.db")) as store:
        after = {trial.id: trial.reward for trial in store.trials()}
    assert len(after) == 60
    assert all(after[number] == reward for number, reward in done)


def test_what_a_killed_search_left_running(run: Run) -> None:
    """Nothing runs on a store that no search has open, whatever was running when it ended."""
    with contextlib.closing(Store(Path("k.db"))) as store, store.transaction():
        store.put_settings({"algorithm": "random", "trials": 2})
        store.propose(0, [Proposal(SPACE, "0" * 16), Proposal(SPACE, "1" * 16)])
        store.claim(1, "me")
        assert summary("k.db").is_running
    found = json.loads(run("search", "status", "k.db", "--json").out)
    assert (found["is_running"], found["running"], found["queued"]) == (False, 0, 2)
    ran = run("search", "status", "k.db")
    assert "running    0\n" in ran.out
    assert "`nasdsl search --resume k.db` continues it" in ran.err


def test_nothing_is_left_beside_a_store(run: Run) -> None:
    """One file after a search, and after it was looked at."""
    searched(run)
    for action in (("status",), ("top",), ("export",)):
        assert run("search", *action, "s.db", *["t.csv"] * (action == ("export",))).code == 0
    assert [path.name for path in Path().glob("s.db*")] == ["s.db"]


def test_names_of_winners(run: Run) -> None:
    """Cells are named for the search and the trial, in files, on the output and in tables."""
    searched(run, store="my-search.db")
    with Reader(Path("my-search.db")) as store:
        best = store.best(2)
        names = {trial.hash: f"my_search_{trial.id}" for trial in store.trials()}
    assert best[0].text.startswith("genotype small\n")
    run("search", "top", "my-search.db", "-n", "2", "-o", "best")
    for place, trial in enumerate(best, 1):
        found = nasdsl.load(f"best/00{place}.cell")
        assert found.name == f"my_search_{trial.id}"
        assert nasdsl.canonical_hash(found) == trial.hash
    assert run("search", "export", "my-search.db", "t.csv").code == 0
    with Path("t.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["hash"]: nasdsl.loads(row["text"]).name for row in rows} == names


def test_a_trial_is_said_first(run: Run) -> None:
    """The network, its size, what is done with it, and an option that the space's own beats."""
    pytest.importorskip("torch")
    Path("wide.cell").write_text(SPACE + "network { filters = 24 }\n")
    spec = "train?data=digits&N=1&cell_filters=4&epochs=3&batch=100"
    ran = run("search", "wide.cell", "--evaluator", spec, "--max-params", "1")
    own = "the space's own filters = 24 takes the place of the option cell_filters=4"
    assert "each trial trains for 3 epochs of " in ran.err
    assert f"note: {own}\n" in ran.err
    assert "parameters and " in ran.err
    # The network that is counted is the one that would be trained.
    assert "params in a network of N = 1, 6 filters in the first cell" in ran.err


def test_tables_that_move_with_the_store(run: Run, tmp_path: Path) -> None:
    """A path is absolute in the store, and found beside a store that was moved with its table."""
    members = enumerate_genotypes(nasdsl.load_space("small.cell"))
    rows = [f"{hash},0.5" for hash in {nasdsl.canonical_hash(member) for member in members}]
    Path("old").mkdir()
    Path("old/table.csv").write_text("\n".join(["hash,held_out", *rows]) + "\n")
    words = ("search", "small.cell", "--evaluator", "table:old/table.csv", "--quiet")
    assert run(*words, "--trials", "3", "--store", "old/s.db").code == 0
    with Reader(Path("old/s.db")) as store:
        assert store.settings()["evaluator"] == f"table:{tmp_path / 'old/table.csv'}"
    Path("old").rename("new")
    ran = run("search", "--resume", "new/s.db", "--trials", "5", "--quiet")
    assert ran.code == 0, ran.err
    moved = ("search", "small.cell", "--evaluator", "table:new/table.csv", "--store", "new/s.db")
    assert run(*moved, "--trials", "6", "--resume").code == 0
    assert json.loads(run("search", "status", "new/s.db", "--json").out)["completed"] == 6


def test_live_view(run: Run) -> None:
    """On a terminal counts, rewards and the best cell are redrawn; the result stays apart."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    shown = b""
    command = [sys.executable, "-m", "nasdsl", "search", *WORDS, "--trials", "12"]
    with subprocess.Popen(
        [*command, "--store", "v.db"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
    ) as process:
        os.close(theirs)
        # At the end of the other side Linux gives an error, not an empty read.
        with suppress(OSError):
            while part := os.read(ours, 4096):
                shown += part
        out = process.communicate(timeout=PATIENCE)[0].decode()
    os.close(ours)
    assert process.returncode == 0
    for words in ("12/12 done", "% unique", "best 0.", "rewards", "Normal cell"):
        assert words in shown.decode()
    assert "\x1b" not in out
    with Reader(Path("v.db")) as store:
        assert nasdsl.canonical_hash(nasdsl.loads(out)) == store.best(1)[0].hash


# -- the actions --------------------------------------------------------------------------


def action_commands() -> dict[str, click.Command]:
    """The actions of `nasdsl search` by name."""
    with program.make_context("nasdsl", ["search"], resilient_parsing=True) as context:
        search = program.get_command(context, "search")
        assert isinstance(search, click.Group)
        found = {name: search.get_command(context, name) for name in search.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


@pytest.mark.parametrize("action", ACTIONS)
def test_help_of_actions(action: str, run: Run) -> None:
    """Each action has help with an example of itself that parses, and a line in `search --help`."""
    ran = run("search", action, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: nasdsl search {action} [OPTIONS] ")
    assert f"nasdsl search {action}" in ran.out.partition("Examples:")[2]
    assert f"\n  {action:<6}  " in run("search", "--help").out
    command = action_commands()[action]
    for line in command.examples.splitlines():
        command.make_context(action, line.split()[3:], resilient_parsing=True)


def test_help_is_the_same_for_a_space(run: Run) -> None:
    """`search SPACE --help` is the help of `search`, in which every option stands."""
    ran = run("search", "--help")
    assert run("search", "small.cell", "--trials", "5", "--help") == ran
    assert "Usage: nasdsl search [OPTIONS] SPACE\n       nasdsl search ACTION STORE" in ran.out
    assert "--algorithm" in ran.out


@pytest.mark.parametrize(
    ("word", "meant"), [("stauts", "status"), ("tpo", "top"), ("polt", "plot")]
)
def test_misspelt_actions(run: Run, word: str, meant: str) -> None:
    """A misspelt action is not taken for a space; a file of that name is."""
    ran = run("search", word, "s.db")
    assert (ran.code, ran.out) == (2, "")
    assert f"did you mean `{meant}`?" in ran.err
    Path(word).write_text(SPACE)
    assert "did you mean" not in run("search", word, "--trials", "0").err


def test_options_before_the_space(run: Run) -> None:
    """Options may come first, as before there were actions."""
    ran = run("search", "--trials", "2", "--store", "o.db", "--quiet", *WORDS)
    assert ran.code == 0


def test_curve() -> None:
    """As wide as the rewards, at most sixty; the lowest is blank, the highest `@`."""
    assert curve([0.0, 1.0]) == " @  1.0000"
    assert len(curve([float(k) for k in range(6000)]).rpartition("  ")[0]) == 60


def test_a_very_bad_network_leaves_no_trace() -> None:
    """The mean of the best is that of their rewards, whatever was among them before."""
    assert best_so_far([-1e20, 0.5, 0.25], 1) == [-1e20, 0.5, 0.5]
    assert best_so_far([0.1, -1e20, 0.3], 2)[-1] == pytest.approx(0.2)


def test_a_finish_is_continued_by_its_command(run: Run) -> None:
    """Its store is no search of an algorithm, and nothing says that `search --resume` is."""
    text = nasdsl.genotype_text(next(enumerate_genotypes(nasdsl.loads_space(SPACE))))
    with contextlib.closing(Store(Path("finish.db"))) as store, store.transaction():
        about = {"algorithm": "best networks", "evaluator": "finish", "seed": 0, "space": SPACE}
        store.put_settings({**about, "trials": 1})
        store.propose(0, [Proposal(text, nasdsl.canonical_hash(nasdsl.loads(text)))])
    ran = run("search", "status", "finish.db")
    assert "the same `nasdsl search finish` command continues it" in ran.err
    assert "--resume" not in ran.err
    ran = run("search", "--resume", "finish.db")
    assert (ran.code, "`nasdsl search finish`" in ran.err) == (2, True)
