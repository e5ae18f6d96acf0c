"""Searches of several objectives: what is measured, what is kept, and what is shown of it."""

import csv
import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from nasdsl.errors import CellError
from nasdsl.network.cost import genotype_cost
from nasdsl.search import Reader, SearchSettings, plan_search
from nasdsl.search.checking import best_trials
from nasdsl.search.child import Child
from nasdsl.search.exporting import export_trials
from nasdsl.search.figures import write_figure
from nasdsl.search.loop import Event
from nasdsl.search.objectives import milliseconds, objective_of
from nasdsl.search.pareto import (
    crowding,
    dominates,
    front,
    fronts,
    hypervolume,
    hypervolumes,
)
from nasdsl.search.planning import plan_resumed
from nasdsl.search.regret_figures import regrets, table_of, trials_of
from nasdsl.search.results import summary, trial_text
from nasdsl.search.store import Trial
from tests.cli_run import Run, runner
from tests.conftest import ReadStudy
from tests.inline_search import search

VERSIONS = Path(__file__).parent / "data" / "versions"
SPACE = nasdsl.loads_space("""\
genotype small
ops nasnet
cell normal    { b0 = (?, ?, {identity | avg_pool_3x3}, {max_pool_3x3 | sep_conv_3x3}, add) }
cell reduction { b0 = (h[i], ?, max_pool_3x3, {identity | sep_conv_5x5}, add) }
network { N = 1 cell_filters = 4 stem = cifar image_size = 8 }
""")
HASHES = {nasdsl.canonical_hash(each) for each in nasdsl.enumerate_genotypes(SPACE)}


def accuracy(text: str) -> float:
    """In whole percent, from the hash; so that some are equal."""
    return int(nasdsl.canonical_hash(nasdsl.loads(text)), 16) % 50 + 50


def phone(text: str) -> float:
    """Milliseconds, from the other end of the hash."""
    return int(nasdsl.canonical_hash(nasdsl.loads(text))[:6], 16) % 40 + 0.5


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of every network, in percent and in milliseconds."""
    texts = {
        nasdsl.canonical_hash(each): nasdsl.genotype_text(each)
        for each in nasdsl.enumerate_genotypes(SPACE)
    }
    rows = [f"{hash},{accuracy(text)},{phone(text)}\n" for hash, text in texts.items()]
    path = tmp_path / "table.csv"
    path.write_text("key,val,phone\n" + "".join(rows))
    return path


AIMS = ("accuracy", "phone:min")


def planned(table: Path, name: str = "s.db", **members: Any) -> SearchSettings:
    """A search of both objectives of the table."""
    asked: dict[str, Any] = {"objectives": AIMS, "trials": 60, "block": 4, "window": 8, **members}
    return plan_search(
        SPACE, table.parent / name, evaluator=f"table:{table}?key=key&value=val", **asked
    )


def said(call: Callable[[], object]) -> tuple[str, str]:
    """The code of a refusal, and all that it says."""
    with pytest.raises(CellError) as caught:
        call()
    (finding,) = caught.value.diagnostics
    return finding.code, " ".join([finding.message, *finding.hints])


# -- fronts and volumes ---------------------------------------------------------------------

points = st.integers(2, 3).flatmap(
    lambda n: st.lists(st.tuples(*[st.integers(0, 4).map(float)] * n), min_size=1, max_size=12)
)


@given(points)
def test_a_front_is_what_nothing_dominates(found: list[Any]) -> None:
    """As the definition says, in the order of the first objective."""
    best = front(found)
    wanted = [
        at
        for at, one in enumerate(found)
        if not any(
            all(b >= a for a, b in zip(one, other, strict=True)) and one != other for other in found
        )
    ]
    assert sorted(best) == wanted
    assert [found[at][0] for at in best] == sorted((found[at][0] for at in best), reverse=True)
    layers = fronts(found)
    assert sorted(itertools.chain(*layers)) == list(range(len(found)))
    for before, after in itertools.pairwise(layers):
        for at in after:
            assert any(dominates(found[other], found[at]) for other in before)


@given(points)
def test_a_volume_is_the_number_of_unit_cubes(found: list[Any]) -> None:
    """Points of whole numbers dominate whole cubes, which can be counted."""
    n = len(found[0])
    cubes = sum(
        any(all(low + 1 <= value for low, value in zip(cube, one, strict=True)) for one in found)
        for cube in itertools.product(range(4), repeat=n)
    )
    assert hypervolume(found, (0.0,) * n) == cubes
    growing = hypervolumes([None, *found], (0.0,) * n)
    assert growing[0] == 0
    assert growing[-1] == cubes
    assert growing == sorted(growing)


def test_crowding_is_that_of_the_paper() -> None:
    """Ends are infinitely far; between them, the sides of the box between the neighbours."""
    found = crowding([(0.0, 10.0), (1.0, 6.0), (3.0, 5.0), (4.0, 0.0)])
    assert found == [float("inf"), 3 / 4 + 5 / 10, 3 / 4 + 6 / 10, float("inf")]


# -- what is asked for ----------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "a b", "accuracy:most", ":min", "a:min:max", "latency:"])
def test_texts_that_are_no_objectives(text: str) -> None:
    """One code, and an example of what is."""
    code, message = said(lambda: objective_of(text))
    assert code == "NAS885"
    assert "latency:min" in message


def test_costs_are_to_be_small() -> None:
    """Nobody wants many parameters; everything else is to be large unless it is said."""
    less = {name: objective_of(name).less for name in ("params", "mult_adds", "latency", "val")}
    assert less == {"params": True, "mult_adds": True, "latency": True, "val": False}
    assert objective_of("params:max").less is False
    assert objective_of("p:min=table:a=b?key=c").spec == "table:a=b?key=c"


def test_durations() -> None:
    """Milliseconds, unless another unit is there."""
    assert [milliseconds(each) for each in ("20ms", "0.02s", "20", 20, "500us")] == [20] * 4 + [0.5]
    for text in ("20 parsecs", "0ms", "-1", "fast", "nan"):
        assert said(partial(milliseconds, text))[0] == "NAS885"


@pytest.mark.parametrize(
    ("objectives", "algorithm", "words"),
    [
        (("accuracy", "phon:min"), "random", "has no column `phon`"),
        (("accuracy", "latency"), "random", "has no column `latency`"),
        (("accuracy", "phone:min", "phone:max"), "random", "named more than once"),
        (AIMS, "local", "`nsga2`, `evolution`"),
        (AIMS, "ppo", "takes one objective, and there are 2"),
    ],
)
def test_objectives_that_cannot_be_pursued(
    table: Path, objectives: tuple[str, ...], algorithm: str, words: str
) -> None:
    """Each is one diagnostic before anything is written."""
    code, message = said(lambda: planned(table, objectives=objectives, algorithm=algorithm))
    assert code == "NAS885"
    assert words in message
    assert not (table.parent / "s.db").exists()


def test_only_a_table_has_columns(tmp_path: Path) -> None:
    """Without one, the names that are always known are offered."""
    spec = "python:tests.search_evaluators:seeded"
    code, message = said(
        lambda: plan_search(SPACE, tmp_path / "s.db", evaluator=spec, objectives=("param:min",))
    )
    assert code == "NAS885"
    assert "did you mean `params`" in message


def test_objectives_is_no_option(table: Path) -> None:
    """How many there are follows from what is asked for."""
    refusal = said(lambda: planned(table, algorithm="nsga2", options=("objectives=3",)))
    assert refusal[0] == "NAS881"


# -- what is measured and kept ---------------------------------------------------------------


def test_every_objective_is_measured(table: Path) -> None:
    """Percent become shares, and what is to be small stays as it is; costs are the child's."""
    aims = ("accuracy", "phone:min", "params:min", "mult_adds")
    for trial in search(planned(table, objectives=aims, trials=10)):
        cost = genotype_cost(Child().network(nasdsl.loads(trial.text)))
        assert trial.measures == {
            "accuracy": accuracy(trial.text) / 100,
            "phone": phone(trial.text),
            "params": cost.params,
            "mult_adds": cost.mult_adds,
        }
        assert trial.reward == accuracy(trial.text) / 100
        assert list(trial.measures) == ["accuracy", "phone", "params", "mult_adds"]


def test_the_first_objective_is_the_reward(table: Path) -> None:
    """Whatever it is; more is better, so what is to be small counts as less than nothing."""
    trials = search(planned(table, objectives=("phone:min", "accuracy"), trials=10))
    assert [trial.reward for trial in trials] == [-phone(trial.text) for trial in trials]


def test_an_evaluator_of_its_own(table: Path) -> None:
    """A second table by another name, and its unit where it is said."""
    other = f"quick:min=table:{table}?key=key&value=phone"
    share = f"good:max=table:{table}?key=key&value=val"
    (trial,) = search(planned(table, objectives=("accuracy", other, share), trials=1))
    assert trial.measures["quick"] == phone(trial.text)
    assert trial.measures["good"] == accuracy(trial.text) / 100


def test_the_unit_is_said(table: Path) -> None:
    """What a table's numbers were taken for is told before the search starts."""
    assert "has accuracies in percent, and divided by 100" in planned(table).trial


@pytest.mark.parametrize("algorithm", ["random", "evolution", "nsga2", "optuna"])
def test_interruptions_change_nothing(table: Path, algorithm: str) -> None:
    """A search that was stopped goes on as if it had not been, by the settings of its store."""
    if algorithm == "optuna":
        pytest.importorskip("optuna")
    small = {"evolution": ("population=10", "sample=4"), "nsga2": ("population=8",)}
    how: dict[str, Any] = {"algorithm": algorithm, "options": small.get(algorithm, ())}
    whole = search(planned(table, "whole.db", **how))

    def stop(event: Event) -> None:
        if event.counts.completed >= 23:
            raise KeyboardInterrupt

    cut = planned(table, "cut.db", **how)
    with pytest.raises(KeyboardInterrupt):
        search(cut, on_event=stop)
    resumed = search(plan_resumed(cut.store), resume=True)
    assert len(whole) == 60
    for one, other in zip(whole, resumed, strict=True):
        assert (one.text, one.reward, one.measures) == (other.text, other.reward, other.measures)


def test_another_objective_is_another_search(table: Path) -> None:
    """The store says which it has."""
    search(planned(table, trials=4))
    other = planned(table, trials=8, objectives=("accuracy", "phone:max"))
    code, message = said(lambda: search(other, resume=True))
    assert code == "NAS863"
    assert "objectives" in message


def test_a_store_that_moved_with_its_tables(table: Path, tmp_path: Path) -> None:
    """The paths in objectives are found again, as that of the evaluator is."""
    aim = f"quick:min=table:{table}?key=key&value=phone"
    search(planned(table, trials=4, objectives=("accuracy", aim)))
    there = tmp_path / "there"
    there.mkdir()
    for name in ("s.db", "table.csv"):
        (tmp_path / name).rename(there / name)
    trials = search(replace(plan_resumed(there / "s.db"), trials=8), resume=True)
    assert len(trials) == 8
    assert all("quick" in trial.measures for trial in trials)


def test_nsga2_finds_the_front_of_the_table(table: Path) -> None:
    """A space this small is searched whole; without breeding, it would take longer."""
    trials = search(planned(table, algorithm="nsga2", options=("population=10",), trials=400))
    every = {
        nasdsl.canonical_hash(each): nasdsl.genotype_text(each)
        for each in nasdsl.enumerate_genotypes(SPACE)
    }
    known = [(accuracy(text) / 100, -phone(text)) for text in every.values()]
    best = {known[at] for at in front(known)}
    found = [(trial.reward or 0, -trial.measures["phone"]) for trial in trials]
    assert {found[at] for at in front(found)} == best


# -- limits ---------------------------------------------------------------------------------


def limited(table: Path, **members: Any) -> SearchSettings:
    """A search in which a latency is limited."""
    latency = f"latency:min=table:{table}?key=key&value=phone"
    return planned(table, **{"objectives": ("accuracy", latency), "max_latency": "20ms", **members})


def test_what_is_too_slow_is_rejected(table: Path) -> None:
    """It is measured, has no reward, and does not count among the trials."""
    trials = search(limited(table, trials=30))
    slow = [trial for trial in trials if phone(trial.text) > 20]
    assert slow
    assert [trial.state for trial in trials if trial in slow] == ["rejected"] * len(slow)
    assert len(trials) == 30 + len(slow)
    reason = slow[0].reason or ""
    assert reason == f"{phone(slow[0].text):.4g} ms of latency; more than 20"
    with Reader(table.parent / "s.db") as store:
        assert store.counts().rejected == len(slow)


@pytest.mark.parametrize("workers", [1, 4])
def test_rejections_depend_on_no_clock(table: Path, workers: int) -> None:
    """With a number of networks to train, too, a cut search is the whole one."""
    how = {"trials": 200, "trained": 12, "algorithm": "evolution", "options": ("population=5",)}
    whole = search(limited(table, name="whole.db", **how))
    cut = limited(table, name="cut.db", **how, workers=workers)

    def stop(event: Event) -> None:
        if event.counts.rejected >= 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(cut, on_event=stop)
    resumed = search(cut, resume=True)
    assert [(each.text, each.state) for each in resumed] == [
        (each.text, each.state) for each in whole
    ]
    with Reader(cut.store) as store:
        assert store.counts().unique == 12


def test_a_limit_that_nothing_meets(table: Path) -> None:
    """One diagnostic, with the fastest that was measured."""
    settings = replace(limited(table, max_latency=0.1), dry_after=20)
    code, message = said(lambda: search(settings))
    assert code == "NAS868"
    assert "latency 0.1" in message
    with Reader(settings.store) as store:
        fastest = min(phone(trial.text) for trial in store.trials() if trial.failure)
    assert f"the smallest of them has {fastest:.4g} ms" in message


def test_a_limit_without_objectives(table: Path) -> None:
    """The reward stays the evaluator's; a latency that nothing gives is a mistake."""
    code, _ = said(lambda: limited(table, objectives=()))
    assert code == "NAS885"
    renamed = table.with_name("renamed.csv")
    renamed.write_text(table.read_text().replace("phone", "latency"))
    trials = search(limited(renamed, objectives=(), trials=20))
    assert {trial.state for trial in trials} == {"done", "rejected"}
    assert all(trial.reward == accuracy(trial.text) / 100 for trial in trials if trial.reward)


# -- what is shown --------------------------------------------------------------------------


@pytest.fixture
def run_here(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, table: Path
) -> Run:
    """`run("search", ...)` in the folder of the table, with a search of it in `s.db`."""
    monkeypatch.chdir(table.parent)
    search(planned(table))
    return runner(capfd, monkeypatch)


def test_the_front_is_shown(run_here: Run, table: Path) -> None:
    """In `top`, in `status`, in a table and in a study: the networks that nothing dominates."""
    with Reader(table.parent / "s.db") as store:
        unique = {each.hash: each for each in store.distinct()}
    known = [(each.reward or 0, -each.measures["phone"]) for each in unique.values()]
    best = {list(unique)[at] for at in front(known)}
    texts = run_here("search", "top", "s.db").out
    assert {part[:16] for part in texts.split("hash ")[1:]} == best
    assert f"phone {phone(best_trials('s.db')[0].text):g}" in texts
    assert len(best_trials("s.db", len(best) + 3)) == len(best) + 3
    assert len(best_trials("s.db", 1)) == 1
    status = run_here("search", "status", "s.db").out
    assert f"front      {len(best)} networks by accuracy:max, phone:min" in status
    run_here("search", "export", "s.db", "t.csv")
    with open("t.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["hash"] for row in rows if row["on_front"] == "True"} == best
    assert {float(row["phone"]) for row in rows if row["hash"] in best} == {
        -known[list(unique).index(hash)][1] for hash in best
    }


def test_a_study_has_both_directions(run_here: Run, table: Path, read_study: ReadStudy) -> None:
    """Optuna finds the same front."""
    run_here("search", "export", "s.db", "study.db")
    study = read_study(table.parent / "study.db")
    assert [each.name for each in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    found = {trial.user_attrs["hash"] for trial in study.best_trials}
    assert found == {trial.hash for trial in best_trials("s.db")}


def test_a_picture_of_fronts(run_here: Run, table: Path) -> None:
    """One search or two; searches of other objectives cannot be compared."""
    pytest.importorskip("matplotlib")
    search(planned(table, "other.db", algorithm="evolution"))
    search(planned(table, "single.db", objectives=()))
    assert run_here("search", "plot", "s.db", "other.db", "-o", "f.svg").code == 0
    drawn = Path("f.svg").read_text()
    assert "<!-- hypervolume -->" in drawn
    assert "<!-- phone (less is better) -->" in drawn
    code, message = said(lambda: write_figure(["s.db", "single.db"], "g.svg"))
    assert code == "NAS885"
    assert "different objectives" in message
    assert not Path("g.svg").exists()


def test_from_the_command_line(run_here: Run) -> None:
    """The flags lead to the same search; the result speaks of the front."""
    words = ("--evaluator", "table:table.csv?key=key&value=val", "--trials", "6", "--quiet")
    aims = ("--objective", "accuracy", "--objective", "phone:min", "--algorithm", "nsga2")
    Path("small.cell").write_text(nasdsl.language.genotype.text.space_text(SPACE))
    ran = run_here("search", "small.cell", *words, *aims, "--store", "c.db")
    assert ran.code == 0, ran.err
    assert "on the Pareto front" in ran.err
    assert "# accuracy " in ran.out
    assert summary("c.db").front is not None
    ran = run_here("search", "--resume", "c.db", "--trials", "9", "--quiet")
    assert ran.code == 0, ran.err
    assert summary("c.db").counts.completed == 9


# -- stores of the last version --------------------------------------------------------------


def test_an_old_store_is_read_as_it_is(tmp_path: Path) -> None:
    """Nothing is measured beside the reward, and looking changes no byte."""
    path = tmp_path / "old.db"
    path.write_bytes((VERSIONS / "0.1.0" / "evolution.db").read_bytes())
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as rows:
        assert rows.execute("PRAGMA user_version").fetchone() == (1,)
    with Reader(path) as store:
        trials = list(store.trials())
        count = export_trials(store, tmp_path / "t.csv")
        assert store.shared_by_function() == 0
    assert count == len(trials) > 0
    assert {(str(each.measures), each.function) for each in trials} == {("{}", None)}
    assert trial_text(best_trials(path)[0]).startswith("# reward ")
    assert summary(path).front is None
    assert path.read_bytes() == before


def test_whole_numbers_are_written_in_full() -> None:
    """Parameters are counted to the last one, whether they are stored as float or as int."""
    measures = {"params": 1541670.0, "mult_adds": 23783414658, "latency": 12.3456789, "far": 1e300}
    trial = Trial(
        *(3, "genotype g\n", "c0ffee", "done", None, 1, None, None, 0.0, 0.0, 0.0, 0.0),
        *(-1541670.0, (), None, None, None, measures),
    )
    assert trial_text(trial).splitlines()[:2] == [
        "# reward -1,541,670, trial 3, hash c0ffee",
        "# params 1,541,670, mult_adds 23,783,414,658, latency 12.3457, far 1e+300",
    ]


# -- regret ---------------------------------------------------------------------------------


def test_regret(table: Path) -> None:
    """The best of the table less the best so far, and what is reported of that network."""
    spec = f"table:{table}?key=key&value=val&report=phone"
    settings = plan_search(SPACE, table.parent / "r.db", evaluator=spec, trials=30)
    trials = search(settings)
    made = table_of(settings.store)
    found = regrets(trials_of(settings.store, unique=False), made)
    rows = [line.split(",") for line in table.read_text().splitlines()[1:]]
    top, latest = max(float(row[1]) for row in rows), max(float(row[2]) for row in rows)
    for number, regret in enumerate(found["val"], 1):
        best = max(accuracy(trial.text) for trial in trials[:number])
        assert regret == pytest.approx((top - best) / 100)
        first = next(trial for trial in trials if accuracy(trial.text) == best)
        # The latencies have a maximum below a hundred, and are divided as percent are.
        assert found["phone"][number - 1] == pytest.approx((latest - phone(first.text)) / 100)
    assert len(found["val"]) == len(trials)
    unique = regrets(trials_of(settings.store, unique=True), made)
    assert len(unique["val"]) == len({trial.function for trial in trials})
    assert unique["val"][-1] == found["val"][-1]


def test_regret_where_it_is_not_known(table: Path) -> None:
    """Several objectives have no best network, and only a table has all."""
    search(planned(table))
    code, _ = said(
        lambda: write_figure([table.parent / "s.db"], table.parent / "r.svg", regret=True)
    )
    assert code == "NAS886"
    spec = "python:tests.search_evaluators:seeded"
    search(plan_search(SPACE, table.parent / "p.db", evaluator=spec, trials=2))
    code, message = said(lambda: table_of(table.parent / "p.db"))
    assert code == "NAS886"
    assert spec in message


def test_a_picture_of_regret(run_here: Run, table: Path) -> None:
    """One line for each column."""
    pytest.importorskip("matplotlib")
    spec = f"table:{table}?key=key&value=val&report=phone"
    search(plan_search(SPACE, table.parent / "r.db", evaluator=spec, trials=8))
    assert run_here("search", "plot", "r.db", "--regret", "-o", "r.svg").code == 0
    drawn = Path("r.svg").read_text()
    assert "<!-- random (r), val -->" in drawn
    assert "<!-- random (r), phone -->" in drawn


def test_regret_of_another_column(table: Path) -> None:
    """What the search wants is not what the table's best is the best of."""
    search(planned(table, objectives=("phone:min",), trials=2))
    code, message = said(lambda: table_of(table.parent / "s.db"))
    assert code == "NAS886"
    assert "phone:min" in message


def test_a_measure_with_the_name_of_a_column(table: Path) -> None:
    """An export has both: how long an evaluation took, and the seconds that were measured."""
    table.write_text(table.read_text().replace("phone", "seconds", 1))
    search(planned(table, objectives=("accuracy", "seconds:min", "params"), trials=4))
    path = table.parent / "trials.csv"
    with Reader(table.parent / "s.db") as store:
        export_trials(store, path)
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["measured_seconds"]) for row in rows] == [phone(row["text"]) for row in rows]
    assert all(row["seconds"] != row["measured_seconds"] for row in rows)
    assert "measured_params" not in rows[0]
