"""Results that networks of one function share: paid for once, counted, kept apart on request."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl.canonical import canonical_hash
from nasdsl.errors import CellError
from nasdsl.loading import loads
from nasdsl.network.cost import genotype_cost
from nasdsl.search import SearchSettings, plan_search
from nasdsl.search.child import Child
from nasdsl.search.planning import plan_resumed
from tests.cli_run import Run, runner
from tests.inline_search import search

#: Of one edge of NAS-Bench-201 more than one structure computes the same: 5 * 5 * 5 members.
SPACE = nasdsl.loads_space("""\
genotype small
ops nasbench201
cell normal {
    a = (h[i], h[i], ?, none, add)
    b = (h[i], a,    ?, ?,    add)
    output concat(b)
}
network { skeleton = nasbench201 }
""")
MEMBERS = list(nasdsl.enumerate_genotypes(SPACE))
FUNCTIONS = {canonical_hash(each, "function") for each in MEMBERS}
STRUCTURES = {canonical_hash(each) for each in MEMBERS}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Another accuracy for each structure."""
    path = tmp_path / "t.csv"
    rows = [f"{hash},{0.5 + at / 1000}\n" for at, hash in enumerate(sorted(STRUCTURES))]
    path.write_text("hash,held_out\n" + "".join(rows))
    return path


def planned(table: Path, **members: Any) -> SearchSettings:
    """A search of the whole space, each member once."""
    asked = {"options": ("repeats=false",), "trials": 200, "block": 5, "window": 10, **members}
    return plan_search(SPACE, table.parent / "s.db", evaluator=f"table:{table}", **asked)


def test_one_function_is_paid_for_once(table: Path) -> None:
    """A network that computes what another one does has its reward, and a hash of its own."""
    assert len(FUNCTIONS) < len(STRUCTURES)
    trials = search(planned(table))
    paid = [trial for trial in trials if trial.same_as is None]
    assert {trial.hash for trial in trials} == STRUCTURES
    assert len(paid) == len(FUNCTIONS)
    for trial in trials:
        first = trials[trial.id if trial.same_as is None else trial.same_as]
        assert trial.reward == first.reward
        assert trial.function == first.function == canonical_hash(loads(trial.text), "function")
        assert trial.hash == canonical_hash(loads(trial.text))


def test_structures_on_request(table: Path) -> None:
    """Each has its own row of the table."""
    trials = search(planned(table, same="structure"))
    assert all(trial.same_as is None and trial.function is None for trial in trials)
    assert len({trial.reward for trial in trials}) == len(STRUCTURES)


def test_shared_results_are_shown(
    table: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` counts what cost nothing though its structure was new."""
    trials = search(planned(table))
    run_here: Run = runner(capfd, monkeypatch)
    said = run_here("search", "status", str(table.parent / "s.db")).out
    number = len(trials) - len(FUNCTIONS)
    assert f"unique     {len(FUNCTIONS)}; {number} trials shared by function" in said


def test_costs_are_those_of_a_structure(table: Path) -> None:
    """A limit refuses one structure of a function, and another one of it is evaluated."""
    sizes: dict[str, set[int]] = {}
    for member in MEMBERS:
        cost = genotype_cost(Child().network(member)).params
        sizes.setdefault(canonical_hash(member, "function"), set()).add(cost)
    most = max(len(found) for found in sizes.values())
    varied = next(found for found in sizes.values() if len(found) == most)
    limited = planned(table, max_params=min(varied))
    trials = search(limited)
    rejected = [trial for trial in trials if trial.state == "rejected"]
    done = [trial for trial in trials if trial.state == "done"]
    assert {limited.limit and limited.limit(loads(trial.text)) for trial in done} == {None}
    assert all(trial.function is None for trial in rejected)
    functions = {canonical_hash(loads(trial.text), "function") for trial in rejected}
    assert functions & {trial.function for trial in done}


@pytest.mark.parametrize("aims", [("accuracy", "params:min"), ("params:min",)])
def test_searches_of_costs_keep_structures_apart(table: Path, aims: tuple[str, ...]) -> None:
    """What computes the same may cost more."""
    assert planned(table, objectives=aims).same == "structure"
    assert planned(table, objectives=aims, same="function").same == "function"


def test_evaluators_say_what_they_measure(table: Path, tmp_path: Path) -> None:
    """A function of the user's may look at the structure; numbers as they are may be costs."""
    assert planned(table).same == "function"
    spec = "python:tests.search_evaluators:seeded"
    assert plan_search(SPACE, tmp_path / "p.db", evaluator=spec).same == "structure"
    raw = f"table:{table}?unit=raw"
    assert plan_search(SPACE, tmp_path / "r.db", evaluator=raw).same == "structure"


def test_an_interruption_changes_nothing(table: Path) -> None:
    """Half the trials, then the rest by the settings of the store."""
    whole = search(planned(table))
    cut = replace(planned(table), store=table.parent / "cut.db", trials=60, same="function")
    search(cut)
    resumed = search(replace(plan_resumed(cut.store), trials=200), resume=True)
    assert [(each.hash, each.reward, each.same_as) for each in resumed] == [
        (each.hash, each.reward, each.same_as) for each in whole
    ]


def test_the_store_decides(table: Path) -> None:
    """What was begun goes on in the same way, and nothing else is asked of it."""
    search(planned(table, same="structure", trials=10))
    assert plan_resumed(table.parent / "s.db").same == "structure"
    trials = search(planned(table, trials=60), resume=True)
    assert all(trial.same_as is None for trial in trials)
    with pytest.raises(CellError, match="same"):
        search(planned(table, same="function", trials=80), resume=True)


def test_an_old_store_has_structures(table: Path) -> None:
    """One that does not say it was written before there was a choice."""
    settings = planned(table, same="structure", trials=10)
    search(settings)
    with closing(sqlite3.connect(settings.store)) as rows, rows:
        rows.execute("DELETE FROM search WHERE key IN ('same', 'objectives')")
    trials = search(planned(table, trials=60), resume=True)
    assert len(trials) == 60
    assert all(trial.same_as is None for trial in trials)
