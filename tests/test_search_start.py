"""Genotypes that a search starts with: they come first, are learnt from, and have to fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl.errors import CellError
from nasdsl.language.genotype.text import space_text
from nasdsl.search import Reader, SearchSettings, plan_search
from nasdsl.search.decisions import open_decisions
from nasdsl.search.loop import Event
from nasdsl.search.planning import plan_resumed
from nasdsl.search.protocol import Result
from nasdsl.search.searchers import make_searcher
from nasdsl.search.starting import start_texts
from nasdsl.search.store import Store, Trial
from tests.cli_run import runner
from tests.inline_search import search

SPACE = nasdsl.loads_space("""\
genotype small
ops nasnet
cell normal    { b0 = (?, ?, {identity | avg_pool_3x3}, {max_pool_3x3 | sep_conv_3x3}, add) }
cell reduction { b0 = (h[i], ?, max_pool_3x3, {identity | sep_conv_5x5}, add) }
""")
MEMBERS = [nasdsl.genotype_text(each) for each in nasdsl.enumerate_genotypes(SPACE)]
HASHED = "python:tests.search_evaluators:seeded"


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two members, one of them by other settings, and a cell of another space."""
    monkeypatch.chdir(tmp_path)
    Path("one.cell").write_text(MEMBERS[3])
    Path("two.cell").write_text(MEMBERS[9] + "network { N = 3 }\n")
    Path("other.cell").write_text(MEMBERS[3].replace("identity", "sep_conv_7x7"))
    Path("broken.cell").write_text("genotype broken\nops nasnet\ncell normal {")
    Path("small.cell").write_text(space_text(SPACE))
    return tmp_path


def planned(name: str = "s.db", **members: Any) -> SearchSettings:
    """A search that starts with two members."""
    asked = {"start": ("one.cell", "two.cell"), "trials": 40, "block": 3, "window": 6, **members}
    return plan_search(SPACE, name, evaluator=HASHED, **asked)


@pytest.mark.parametrize("algorithm", ["random", "evolution", "local", "nsga2", "surrogate"])
def test_they_come_first(algorithm: str) -> None:
    """They are trials like any other; an interruption changes nothing."""
    if algorithm == "surrogate":
        pytest.importorskip("scipy")
    whole = search(planned("whole.db", algorithm=algorithm))
    assert [trial.text for trial in whole[:2]] == [MEMBERS[3], MEMBERS[9]]
    assert all(trial.reward is not None for trial in whole[:2])

    def stop(event: Event) -> None:
        if event.counts.completed >= 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(planned("cut.db", algorithm=algorithm), on_event=stop)
    resumed = search(plan_resumed("cut.db"), resume=True)
    assert [(each.text, each.reward) for each in resumed] == [
        (each.text, each.reward) for each in whole
    ]


def _observed(algorithm: str, rewards: Sequence[float], **options: Any) -> Any:
    made: Any = make_searcher(algorithm, SPACE, 0, options)
    pairs = zip(MEMBERS, rewards, strict=False)
    made.learn([Result(text, str(at), reward) for at, (text, reward) in enumerate(pairs)])
    return made


def test_evolution_breeds_from_them() -> None:
    """With nothing else in the population, the parent is the best of them."""
    made = _observed("evolution", [0.1, 0.9, 0.2], population=1, sample=9)
    made.propose(1)
    decisions = open_decisions(SPACE)
    child, parent = (decisions.choices(text) for text in (made.propose(1)[0], MEMBERS[2]))
    # A population of one keeps the newest.
    assert sum(a != b for a, b in zip(child, parent, strict=True)) == 1


@pytest.mark.parametrize("algorithm", ["surrogate", "optuna"])
def test_models_learn_from_them(algorithm: str) -> None:
    """They count as results, and the surrogate proposes none of them again."""
    pytest.importorskip("scipy" if algorithm == "surrogate" else "optuna")
    made = _observed(algorithm, [at / 40 for at in range(40)])
    again = make_searcher(algorithm, SPACE, 0, {})
    again.load_state_dict(made.state_dict())
    proposed = made.propose(4)
    assert again.propose(4) == proposed
    if algorithm == "surrogate":
        assert not set(proposed) & set(MEMBERS[:40])


def test_winners_of_a_store() -> None:
    """The ten best of a search, best first; each once, whatever else names it."""
    trials = search(planned(start=(), trials=60))
    best: list[Trial] = []
    with Reader(Path("s.db")) as store:
        best = store.best(10)
    texts = [trial.text for trial in best]
    assert start_texts(SPACE, ["s.db"]) == tuple(texts)
    Path("best.cell").write_text(texts[4])
    assert start_texts(SPACE, ["best.cell", "s.db"]) == (texts[4], *texts[:4], *texts[5:])
    assert len(trials) == 60


def test_every_file_that_does_not_fit() -> None:
    """All of them in one run, by name, and nothing is written."""
    names = ("other.cell", "one.cell", "broken.cell", "missing.cell", "nasnet_a")
    with pytest.raises(CellError) as caught:
        planned(start=names)
    found = caught.value.diagnostics
    assert found[0].code == "NAS602"
    assert "other.cell" in found[0].message
    assert {each.code for each in found} >= {"NAS602", "NAS001"}
    assert any(each.source is not None and "broken.cell" in each.source.name for each in found)
    assert "nasnet_a" in found[-1].message
    assert not Path("s.db").exists()


def test_another_start_is_another_search() -> None:
    """A store has what it started with."""
    search(planned(trials=6))
    with pytest.raises(CellError, match="start"):
        search(planned(trials=9, start=("two.cell",)), resume=True)


def test_from_the_command_line(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The flag may be repeated."""
    rows = [
        f"{hash},0.5\n" for hash in {nasdsl.canonical_hash(nasdsl.loads(each)) for each in MEMBERS}
    ]
    Path("t.csv").write_text("hash,held_out\n" + "".join(rows))
    ran = runner(capfd, monkeypatch)(
        *("search", "small.cell", "--start", "two.cell", "--start", "one.cell"),
        *("--evaluator", "table:t.csv", "--trials", "2", "--store", "c.db", "--quiet"),
    )
    assert ran.code == 0, ran.err
    with Reader(Path("c.db")) as store:
        assert [trial.text for trial in store.trials()] == [MEMBERS[9], MEMBERS[3]]


def test_a_start_that_is_said_again() -> None:
    """A resumed search refuses another start, and takes its own."""
    search(planned(trials=6))
    search(plan_resumed("s.db", start=("one.cell", "two.cell"), trials=7), resume=True)
    with pytest.raises(CellError, match="start"):
        search(plan_resumed("s.db", start=("two.cell",)), resume=True)


def test_a_store_without_a_result() -> None:
    """It has nothing to start with."""
    Store(Path("empty.db")).close()
    with pytest.raises(CellError) as caught:
        start_texts(SPACE, ["one.cell", "empty.db"])
    (finding,) = caught.value.diagnostics
    assert finding.code == "NAS872"
    assert "empty.db" in finding.message


def test_more_networks_than_proposals() -> None:
    """Where nobody said how many proposals at most, they follow from a new number of networks."""
    search(planned("a.db", trials=None, trained=2))
    assert plan_resumed("a.db", trained=30).trials == 300
    assert plan_resumed("a.db").trials == 20
    search(planned("b.db", trials=6, trained=2))
    assert plan_resumed("b.db", trained=30).trials == 6
