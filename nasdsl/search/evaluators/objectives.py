"""`objectives?evaluator=SPEC&...`: everything that a search of several objectives measures.

A search makes this spec for its workers. What measures an objective follows from its name:

- `accuracy` or `reward`: the search's evaluator;
- `params`, `mult_adds`: counted in the network that the evaluator trains or its table names, and in
  the default child where it does neither;
- `latency`: a column of that name, where the evaluator is a table; on this machine otherwise;
- any other name: a column of the evaluator's table;
- a spec behind `=`: what that evaluator measures, or its reward if it measures nothing else.

Numbers of which less is better are taken from a table as they are, unless its spec has a `unit`.
What is cheap comes first, and a network beyond the limit of latency is not evaluated at all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from nasdsl.errors import cell_error, name_hints
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child
from nasdsl.search.evaluators.spec import evaluator as evaluator_of
from nasdsl.search.evaluators.table import TableEvaluator
from nasdsl.search.objectives import (
    COUNTS,
    LATENCY,
    REWARDS,
    Objective,
    objective_of,
)
from nasdsl.search.protocol import Evaluator, Family, Rejection, Report, Score, TrainingPart
from nasdsl.search.table_rows import column_names

_MAX_LATENCY = f"max_{LATENCY}"


@dataclass(frozen=True, slots=True)
class ObjectivesEvaluator:
    """Measures every objective of a genotype.

    Attributes:
        main: the search's own evaluator.
        objectives: in their order; the first is the reward. Empty for the main evaluator's alone.
        measurers: evaluators by the name of what they measure, cheap ones first; those of
            counts and of the reward are left out.
        most: milliseconds of latency beyond which a network is rejected, or None.
    """

    main: Evaluator
    objectives: tuple[Objective, ...]
    measurers: Mapping[str, Evaluator]
    most: float | None = None

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The first objective as the reward, and the values of all as measures.

        Raises:
            Rejection: the latency is beyond the limit.
        """
        return self._score(text, seed, lambda: self.main.evaluate(text, seed, report))

    def evaluate_part(self, text: str, seed: int, report: Report, part: TrainingPart) -> Score:
        """The same after a part of a training, where the main evaluator trains in parts."""
        main: Any = self.main
        return self._score(text, seed, lambda: main.evaluate_part(text, seed, report, part))

    def evaluate_child(self, text: str, seed: int, report: Report, family: Family) -> Score:
        """The same of a network that inherits weights, where the main evaluator's can."""
        main: Any = self.main
        return self._score(text, seed, lambda: main.evaluate_child(text, seed, report, family))

    def _score(self, text: str, seed: int, main_score: Callable[[], Score]) -> Score:
        measures: dict[str, float] = {}
        for name, each in self.measurers.items():
            score = each.evaluate(text, seed, lambda value: None)
            measures[name] = score.measures.get(name, _measured(score))
            if name == LATENCY and self.most is not None and measures[name] > self.most:
                raise Rejection(f"{measures[name]:.4g} ms of latency; more than {self.most:.4g}")
        wanted = {each.name for each in self.objectives}
        score = Score(0.0)
        if not wanted or wanted.intersection(REWARDS):
            score = main_score()
            measures |= {name: score.reward for name in REWARDS if name in wanted}
        if wanted.intersection(COUNTS):
            params, mult_adds = _counts(self.main, score, text)
            measures |= {"params": params, "mult_adds": mult_adds}
            score = Score(score.reward, score.curve, params, mult_adds)
        kept = {each.name: measures[each.name] for each in self.objectives}
        if self.most is not None:
            kept[LATENCY] = measures[LATENCY]
        first = self.objectives[0] if self.objectives else None
        reward = score.reward if first is None else first.gain(kept[first.name])
        return Score(reward, score.curve, score.params, score.mult_adds, kept)


def _measured(score: Score) -> float:
    return next(iter(score.measures.values()), score.reward)


def _counts(main: Evaluator, score: Score, text: str) -> tuple[int, int]:
    """The parameters and mult-adds of a network: the evaluator's, or those of its child."""
    if score.params is not None and score.mult_adds is not None:
        return score.params, score.mult_adds
    child: Child = getattr(main, "child", None) or Child()
    cost = graph_cost(child.graph(cells_of_text(text)))
    return cost.params, cost.mult_adds


def objectives_evaluator(what: str, options: dict[str, str]) -> ObjectivesEvaluator:
    """The evaluator of `objectives?...`.

    Raises:
        CellError: NAS882, there is no `evaluator`; NAS885, nothing measures an objective; what the
            evaluators themselves refuse.
    """
    spec = options.pop("evaluator", "")
    if what or not spec:
        text = f"`objectives` is made by a search, and is not for `--evaluator {what[:40]}`"
        raise cell_error("NAS882", text, "`--objective latency:min` adds an objective to a search")
    most = options.pop(_MAX_LATENCY, None)
    objectives = tuple(map(objective_of, options.values()))
    return measuring(spec, evaluator_of(spec), objectives, None if most is None else float(most))


def measuring(
    spec: str, main: Evaluator, objectives: Sequence[Objective], most: float | None = None
) -> ObjectivesEvaluator:
    """An evaluator that measures all objectives.

    Args:
        spec: of the main evaluator.
        main: the evaluator itself.
        objectives: of the search.
        most: milliseconds of latency beyond which a network is rejected.

    Raises:
        CellError: NAS885, nothing measures an objective; what the evaluators refuse.
    """
    wanted = {each.name: each for each in objectives}
    if most is not None:
        wanted.setdefault(LATENCY, Objective(LATENCY, less=True))
    found = {
        name: _measurer(each, spec, main)
        for name, each in wanted.items()
        if each.spec or name not in (*REWARDS, *COUNTS)
    }
    # A table is looked up at once; what has to run is slow.
    cheap = sorted(found, key=lambda name: not isinstance(found[name], TableEvaluator))
    return ObjectivesEvaluator(main, tuple(objectives), {name: found[name] for name in cheap}, most)


def _measurer(objective: Objective, spec: str, main: Evaluator) -> Evaluator:
    name = objective.name
    if objective.spec:
        return evaluator_of(_as_it_is(objective.spec) if objective.less else objective.spec)
    if not isinstance(main, TableEvaluator):
        if name != LATENCY:
            raise cell_error(
                "NAS885",
                f"nothing measures the objective `{name}`",
                *name_hints(name, (*REWARDS[:1], LATENCY, *COUNTS)),
                f"an evaluator may be named: `--objective {name}:min=python:MODULE:FUNCTION`",
            )
        # Imported here because it brings PyTorch.
        from nasdsl.search.evaluators.latency import LatencyEvaluator

        return LatencyEvaluator(getattr(main, "child", None) or Child())
    columns = column_names(Path(main.name))
    if name not in columns:
        raise cell_error(
            "NAS885",
            f"the table {main.name} has no column `{name}`, so nothing measures this objective",
            *name_hints(name, columns, f"its columns are {', '.join(columns)}"),
            f"another evaluator may be named: `--objective {name}:min=table:FILE?key=KEY&value="
            "COLUMN`",
        )
    head, _, query = spec.partition("?")
    kept = [pair for pair in parse_qsl(query) if pair[0] in ("key", "unit")]
    of_column = f"{head}?{urlencode([*kept, ('value', name)], quote_via=quote)}"
    return evaluator_of(_as_it_is(of_column) if objective.less else of_column)


def _as_it_is(spec: str) -> str:
    """The spec; that of a table has its numbers unchanged, unless it says their unit."""
    head, _, query = spec.partition("?")
    if head.partition(":")[0] != "table" or "unit" in dict(parse_qsl(query)):
        return spec
    return f"{spec}{'&' if query else '?'}unit=raw"
