"""Trainings in parts: who is promoted, that nothing depends on a clock, and that they go on."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nasdsl
from bench.reliability.mocks import SMALL, SimulatedEngine, reward_of
from nasdsl.errors import CellError
from nasdsl.search.checking import best_trials
from nasdsl.search.engines.engine import Finished, Notice
from nasdsl.search.evaluators import evaluator
from nasdsl.search.fidelity import Fidelity
from nasdsl.search.figures import write_figure
from nasdsl.search.loop import Event, SearchSettings, run
from nasdsl.search.planning import plan_resumed, plan_search
from nasdsl.search.promotion import hyperband_brackets
from nasdsl.search.protocol import Result, SearchJob, TrainingPart
from nasdsl.search.results import summary
from nasdsl.search.schedule import TrainingsInParts
from nasdsl.search.store import Lease, Outcome, Reader
from tests.cli_run import runner


def _reward(text: str, epochs: int) -> float:
    """What more epochs correct in part."""
    return reward_of(text) + reward_of(f"{text} {epochs}") / math.sqrt(epochs)


class _Numbers:
    """Proposes `0`, `1`, `2` and so on."""

    def __init__(self) -> None:
        self.next, self.seen = 0, list[str]()

    def propose(self, n: int) -> list[str]:
        self.next += n
        return list(map(str, range(self.next - n, self.next)))

    def observe(self, results: Sequence[Result]) -> None:
        self.seen += [result.text for result in results]

    def state_dict(self) -> dict[str, Any]:
        return {"next": self.next, "seen": self.seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.next, self.seen = state["next"], list(state["seen"])


# -- the rule ------------------------------------------------------------------------------


@dataclass
class _Published:
    """Algorithm 2 of Li et al. 2020, word for word, with s = 0 and losses to be small."""

    rungs: int
    eta: int
    configurations: int = 0
    losses: dict[int, dict[str, float]] = field(default_factory=dict)
    promoted: set[tuple[str, int]] = field(default_factory=set)

    def get_job(self) -> tuple[str, int]:
        for k in reversed(range(self.rungs - 1)):
            rung = self.losses.get(k, {})
            candidates = sorted(rung, key=lambda one: rung[one])[: math.floor(len(rung) / self.eta)]
            promotable = [one for one in candidates if (one, k) not in self.promoted]
            if promotable:
                self.promoted.add((promotable[0], k))
                return promotable[0], k + 1
        self.configurations += 1
        return str(self.configurations - 1), 0


@given(
    st.integers(2, 4),
    st.integers(2, 4),
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 6)), min_size=1, max_size=40),
    st.integers(0, 99),
)
def test_promotions_are_those_of_the_published_algorithm(
    rungs: int, eta: int, turns: list[tuple[int, int]], seed: int
) -> None:
    """Whenever results come in, and wherever the schedule is saved and loaded again."""
    fidelity = Fidelity("asha", 1, eta ** (rungs - 1), eta)
    mine, published = TrainingsInParts(_Numbers(), fidelity), _Published(rungs, eta)
    waiting: list[tuple[str, int]] = []
    texts: list[str] = []
    for proposals, results in turns:
        made = _jobs(mine, proposals)
        texts += [job.text if job.continues is None else texts[job.continues] for job in made]
        names = texts[len(texts) - proposals :]
        jobs = [(n, fidelity.rungs.index(j.epochs or 0)) for n, j in zip(names, made, strict=True)]
        assert jobs == [published.get_job() for _ in range(proposals)]
        waiting += jobs
        ended, waiting = waiting[:results], waiting[results:]
        mine.observe([Result(one, one, _reward(f"{seed} {one}", k + 1)) for one, k in ended])
        for one, k in ended:
            published.losses.setdefault(k, {})[one] = -_reward(f"{seed} {one}", k + 1)
        again = TrainingsInParts(_Numbers(), fidelity)
        again.load_state_dict(mine.state_dict())
        mine = again


def _jobs(schedule: TrainingsInParts, n: int) -> list[SearchJob]:
    return [job for _ in range(n) for job in schedule.propose(1, 1)]


def test_rungs_and_brackets() -> None:
    """Table 1 of Li et al. 2018 for R = 81, eta = 3; a last step that is too long is cut."""
    assert Fidelity("asha", 1, 81, 3).rungs == (1, 3, 9, 27, 81)
    assert hyperband_brackets(5, 3) == [81, 34, 15, 8, 5]
    assert Fidelity("asha", 2, 20, 3).rungs == (2, 6, 18, 20)
    # One round has every bracket's networks begin where the bracket does.
    jobs = _jobs(TrainingsInParts(_Numbers(), Fidelity("hyperband", 1, 81, 3)), 143)
    begun = [job.epochs for job in jobs]
    assert [begun.count(epochs) for epochs in (1, 3, 9, 27, 81)] == [81, 34, 15, 8, 5]


@pytest.mark.parametrize("name", ["MedianPruner", "SuccessiveHalvingPruner", "HyperbandPruner"])
def test_pruners_stop_what_they_stop_in_optuna(name: str) -> None:
    """One network at a time, as `study.optimize` does; saved and loaded now and then."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    fidelity = Fidelity(name, 1, 27, 3)
    rungs = {"min_resource": 1, "reduction_factor": 3}
    own = {
        "MedianPruner": {},
        "SuccessiveHalvingPruner": rungs,
        "HyperbandPruner": {**rungs, "max_resource": 27},
    }
    lengths: list[int] = []

    def objective(trial: Any) -> float:
        for epochs in fidelity.rungs:
            trial.report(_reward(str(trial.number), epochs), epochs)
            if epochs == fidelity.max_epochs or trial.should_prune():
                lengths.append(epochs)
                if epochs < fidelity.max_epochs:
                    raise optuna.TrialPruned
        return _reward(str(trial.number), fidelity.max_epochs)

    study = optuna.create_study(
        direction="maximize",
        study_name="nasdsl",
        pruner=getattr(optuna.pruners, name)(**own[name]),
    )
    study.optimize(objective, n_trials=25)
    mine = TrainingsInParts(_Numbers(), fidelity)
    last: dict[str, int] = {}
    texts: list[str] = []
    for turn in range(200):
        (job,) = mine.propose(1, 1)
        text = job.text if job.continues is None else texts[job.continues]
        texts.append(text)
        if len(last) == 25 and text not in last:
            break
        last[text] = job.epochs or 0
        mine.observe([Result(text, text, _reward(text, last[text]))])
        if turn % 8 == 0:
            again = TrainingsInParts(_Numbers(), fidelity)
            again.load_state_dict(mine.state_dict())
            mine = again
    assert [last[str(number)] for number in range(25)] == lengths
    assert 1 in lengths
    assert 27 in lengths


# -- a search ------------------------------------------------------------------------------


class _PartsEngine(SimulatedEngine):
    """Rewards that depend on the epochs; one network in nine fails."""

    def __init__(self, workers: int, burst: int = 20, seed: int = 0) -> None:
        super().__init__(workers, burst, seed)
        self.leases: dict[str, Lease] = {}

    def submit(self, lease: Lease) -> str:
        self.leases[lease.key] = lease
        return super().submit(lease)

    def poll(self, timeout: float) -> list[Notice]:
        return [self._in_parts(notice) for notice in super().poll(timeout)]

    def _in_parts(self, notice: Notice) -> Notice:
        assert isinstance(notice, Finished)
        lease = self.leases[notice.outcome.key]
        if lease.trial and int(lease.hash, 16) % 9 == 0:
            return Finished(Outcome(lease.key, lease.trial, failure="it does not train"), "w")
        reward = _reward(lease.text, lease.epochs or 0)
        return Finished(Outcome(lease.key, lease.trial, reward), "w")


def _settings(folder: Path, rule: str, **members: Any) -> SearchSettings:
    plain = SearchSettings(
        nasdsl.loads_space(SMALL),
        folder / "s.db",
        evaluator="simulated",
        fidelity=Fidelity(rule, 1, 9, 3),
    )
    return replace(plain, **{"trials": 60, "workers": 4, "block": 5, "window": 15, **members})


def _said(path: Path) -> list[tuple[Any, ...]]:
    with Reader(path) as store:
        return [(one.text, one.epochs, one.continues, one.reward) for one in store.trials()]


@pytest.mark.parametrize(
    ("rule", "algorithm"),
    [("asha", "evolution"), ("hyperband", "random"), ("MedianPruner", "local")],
)
def test_neither_timing_nor_interruptions_change_anything(
    tmp_path: Path, rule: str, algorithm: str
) -> None:
    """One worker, many, and a search that was stopped after every tenth result, are one search."""
    whole = _settings(tmp_path / "whole", rule, algorithm=algorithm)
    counts = run(whole, engine=_PartsEngine(4))
    many = _settings(tmp_path / "many", rule, algorithm=algorithm, workers=15)
    run(many, engine=_PartsEngine(15, 3, 1))
    cut = _settings(tmp_path / "cut", rule, algorithm=algorithm)
    for at in range(10, 100, 10):

        def stop(event: Event, at: int = at) -> None:
            if event.counts.completed >= at:
                raise KeyboardInterrupt

        try:
            run(cut, stop, resume=True, engine=_PartsEngine(4, burst=1))
        except KeyboardInterrupt:
            continue
    run(cut, resume=True, engine=_PartsEngine(4, burst=2))
    assert _said(whole.store) == _said(many.store) == _said(cut.store)
    assert counts.proposed > 60
    assert counts.promoted > 0
    assert counts.completed + counts.failed == counts.proposed


def test_what_a_store_says(tmp_path: Path) -> None:
    """Each network once, the longest training first; a part goes on with the part before it."""
    settings = _settings(tmp_path, "asha", trained=27)
    counts = run(settings, engine=_PartsEngine(4))
    assert counts.unique == 27
    with Reader(settings.store) as store:
        trials = list(store.trials())
    for one in trials:
        before = None if one.continues is None else trials[one.continues]
        assert (before is None) == (one.epochs == 1)
        if before is not None:
            assert (before.text, 3 * (before.epochs or 0)) == (one.text, one.epochs)
    best = best_trials(settings.store, 100)
    assert len({one.hash for one in best}) == len(best) == 27
    keys = [(one.epochs or 0, one.reward or 0) for one in best]
    assert keys == sorted(keys, reverse=True)
    rungs = summary(settings.store).rungs
    assert [rung.epochs for rung in rungs] == [1, 3, 9]
    assert rungs[0].done == 27
    assert sum(rung.done for rung in rungs) == counts.completed - counts.shared
    assert rungs[-1].best == best[0].reward
    pytest.importorskip("matplotlib")
    write_figure([settings.store], tmp_path / "x.svg")
    assert "best after 9 epochs" in (tmp_path / "x.svg").read_text()


# -- evaluators ----------------------------------------------------------------------------


def _refusal(call: Callable[[], object]) -> str:
    with pytest.raises(CellError) as caught:
        call()
    (finding,) = caught.value.diagnostics
    return f"{finding.code} {finding.message}"


def test_a_training_goes_on_as_if_it_had_never_ended(tmp_path: Path) -> None:
    """After one epoch and two more it is what it is after three at once, to the last bit."""
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    block = "{ b0 = (h[i], h[i-1], conv_3x3, identity, add) }"
    text = f"genotype g\nops nasnet\ncell normal {block}\ncell reduction {block}\n"
    asked: Any = evaluator("train?N=1&cell_filters=2&epochs=3&batch=64&device=cpu")
    assert asked.epochs == 3
    whole = asked.evaluate(text, 3, lambda value: None)
    folder, reported = tmp_path / "parts", list[float]()
    first = asked.evaluate_part(text, 3, reported.append, TrainingPart(1, str(folder)))
    assert first.curve == whole.curve[:1]
    last = asked.evaluate_part(text, 3, reported.append, TrainingPart(3, str(folder), is_last=True))
    assert last == whole
    assert reported == [*whole.curve]
    assert not folder.exists()
    # A state that cannot be read, or is of another training, costs its time and nothing else.
    asked.evaluate_part(text, 4, lambda value: None, TrainingPart(1, str(folder)))
    assert asked.evaluate_part(text, 3, lambda value: None, TrainingPart(1, str(folder))) == first
    for path in folder.glob("*.pt"):
        path.write_bytes(b"damaged")
    assert asked.evaluate_part(text, 3, lambda value: None, TrainingPart(1, str(folder))) == first


def _table(path: Path) -> None:
    """Rewards of all members of a space of nine, in percent."""
    members = nasdsl.sample(nasdsl.loads_space(NINE), 60, seed=0)
    lines = ["hash,e1,e3,e9"]
    for one in dict.fromkeys(map(nasdsl.canonical_hash, members)):
        lines.append(",".join([one, *(str(25 * _reward(one, epochs)) for epochs in (1, 3, 9))]))
    path.write_text("\n".join(lines) + "\n")


NINE = """genotype nine
ops nasnet
cell normal { b0 = (h[i], h[i-1], {identity | conv_3x3 | sep_conv_3x3}, max_pool_3x3, add) }
cell reduction { b0 = (h[i], h[i-1], {identity | conv_3x3 | sep_conv_3x3}, max_pool_3x3, add) }
"""


def test_a_search_of_a_table_with_epochs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command line, through workers; what the flags of another search are refused for."""
    monkeypatch.chdir(tmp_path)
    run_here = runner(capfd, monkeypatch)
    Path("nine.cell").write_text(NINE)
    _table(Path("t.csv"))
    spec = "table:t.csv?epochs=9:e9,1:e1,3:e3"
    parts = ("--fidelity", "asha", "--evaluator", spec, "--store", "s.db")
    ran = run_here("search", "nine.cell", *parts, "--trials", "20", "--quiet")
    assert ran.code == 0, ran.err
    assert "# after 9 epochs" in ran.out
    said = run_here("search", "status", "s.db")
    assert "rungs      1 epoch: " in said.out
    assert plan_resumed("s.db").fidelity == Fidelity("asha", 1, 9, 3)
    ran = run_here("search", "--resume", "s.db", "--reduction", "2", "--quiet")
    assert "NAS887" in ran.err
    ran = run_here("search", "--resume", "s.db", "--min-epochs", "3", "--quiet")
    assert "NAS863" in ran.err


@pytest.mark.parametrize(
    ("spec", "more", "words"),
    [
        ("python:tests.search_evaluators:seeded", {"max_epochs": 9}, "has no epochs"),
        ("table:{table}?value=e1", {}, "has no rewards after 1 epochs"),
        ("table:{table}?epochs=1:e1,2:e3", {}, "from min_epochs = 2"),
        ("table:{table}?epochs=1:e1,9:e9", {}, "has no rewards after 3 epochs"),
        ("table:{table}?epochs=1:e1,3:e3", {"max_epochs": 9}, "have 3 epochs"),
        ("table:{table}?epochs=1:e1,3:e3", {"min_epochs": 0}, "min_epochs is"),
        ("table:{table}?epochs=1:e1,3:e3", {"max_epochs": 0}, "max_epochs = 0"),
        ("table:{table}?epochs=1:e1,3:e3", {"reduction": 0}, "reduction is"),
        ("table:{table}?epochs=1:e1,3:e3", {"trials": 2}, "of 2 networks none can be promoted"),
        ("table:{table}?epochs=1:e1,3:e3", {"objectives": ["accuracy"]}, "one objective"),
        ("table:{table}?epochs=1:e1,3:e3", {"fidelity": "NoPruner"}, "no pruner"),
        ("table:{table}?epochs=1:e1,3:e3", {"fidelity": "PatientPruner"}, "without more"),
    ],
)
def test_what_cannot_be_trained_in_parts(
    tmp_path: Path, spec: str, more: dict[str, Any], words: str
) -> None:
    """One finding each, that says what is wrong."""
    pytest.importorskip("optuna")
    _table(tmp_path / "t.csv")
    given = {"min_epochs": 2} if words == "from min_epochs = 2" else {}
    spec = spec.format(table=tmp_path / "t.csv")
    options = {"fidelity": "asha", "evaluator": spec, **given, **more}
    found = _refusal(lambda: plan_search(nasdsl.loads_space(NINE), tmp_path / "s.db", **options))
    assert found.startswith("NAS887")
    assert words in found
