"""What a search wants more or less of: accuracy, latency, parameters, a column of a table.

An objective is written `NAME`, `NAME:min` or `NAME:max`, and behind `=` an evaluator that measures
it: `latency:min=table:phones.csv?key=arch&value=pixel3`. Without one, the search's own evaluator
says it (`nasdsl.search.evaluators.objectives` has the rules).
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from nasdsl.errors import cell_error, listed
from nasdsl.search.evaluators.places import absolute_spec, spec_at
from nasdsl.search.pareto import Gains
from nasdsl.search.store import Trial

#: The names of the evaluator's own reward; those that are counted; and that which is measured.
REWARDS, COUNTS, LATENCY = ("accuracy", "reward"), ("params", "mult_adds"), "latency"
_FORM = re.compile(r"(\w+)(?::(\w*))?(?:=(.+))?", re.ASCII | re.DOTALL)
_UNITS = {"": 1.0, "ms": 1.0, "s": 1000.0, "us": 0.001}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


@dataclass(frozen=True, slots=True)
class Objective:
    """One aim of a search.

    Attributes:
        name: what is measured; it is a key of `Score.measures` and `Trial.measures`.
        less: whether less of it is better.
        spec: the evaluator that measures it; empty where the search's own says it.
    """

    name: str
    less: bool
    spec: str = ""

    @property
    def text(self) -> str:
        """As it is written, with its direction."""
        source = f"={self.spec}" if self.spec else ""
        return f"{self.name}:{'min' if self.less else 'max'}{source}"

    def gain(self, value: float) -> float:
        """The value as a number of which more is better."""
        return -value if self.less else value


def objective_of(text: str) -> Objective:
    """The objective of a text.

    Raises:
        CellError: NAS885, it is not of the form `NAME:min=EVALUATOR`.
    """
    found = _FORM.fullmatch(text)
    if not found or found[2] not in (None, "min", "max"):
        raise cell_error(
            "NAS885",
            f"an objective is NAME, NAME:min or NAME:max, not {text!r:.60}",
            "for example `--objective accuracy --objective latency:min`",
        )
    name, direction, spec = found.groups()
    less = direction == "min" if direction else name in (*COUNTS, LATENCY)
    return Objective(name, less, spec or "")


def objectives_of(texts: Sequence[str]) -> tuple[Objective, ...]:
    """The objectives of a search, in their order.

    Raises:
        CellError: NAS885, one is not of that form, or stands there twice.
    """
    found = tuple(map(objective_of, texts))
    names = [each.name for each in found]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise cell_error("NAS885", f"the objective {listed(twice)} is named more than once")
    return found


def milliseconds(text: str | float) -> float:
    """The milliseconds of a duration such as `20ms`, `0.02s` or `20`.

    Raises:
        CellError: NAS885, it is no duration above zero.
    """
    found = _DURATION.fullmatch(str(text).strip())
    number = float(found[1]) * _UNITS.get(found[2], 0.0) if found else 0.0
    if number <= 0 or not math.isfinite(number):
        raise cell_error(
            "NAS885",
            f"a latency is a number with `ms`, `us` or `s`, such as 20ms, not {str(text)!r:.40}",
        )
    return number


def objectives_spec(
    evaluator: str, objectives: Sequence[Objective], latency: float | None = None
) -> str:
    """The spec of an evaluator that measures every objective of a search.

    Args:
        evaluator: the search's own.
        objectives: all of them; empty for the reward alone.
        latency: the most milliseconds of a network that is not rejected.
    """
    members = {"evaluator": evaluator}
    if latency is not None:
        members[f"max_{LATENCY}"] = repr(latency)
    for number, each in enumerate(objectives):
        members[f"{number}"] = each.text
    return f"objectives?{urlencode(members)}"


def absolute_objectives(objectives: Sequence[Objective]) -> list[str]:
    """Their texts for a store, with absolute paths."""
    return [Objective(o.name, o.less, absolute_spec(o.spec)).text for o in objectives]


def objectives_at(texts: object, folder: object, store: Path) -> tuple[Objective, ...]:
    """The objectives that a store has, with paths that lead somewhere; see `spec_at`.

    Raises:
        CellError: NAS865, they are not what a search writes.
    """
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise cell_error(
            "NAS865",
            f"{str(store)!r} is not what a search writes: its objectives are {texts!r:.40}",
            "the store is damaged or was changed by another program; use a copy from its search",
        )
    return tuple(
        Objective(o.name, o.less, spec_at(o.spec, folder, store)) for o in objectives_of(texts)
    )


def stored_objectives(settings: Mapping[str, Any], store: Path) -> tuple[Objective, ...]:
    """The objectives of the search whose settings a store has; none where it has but one.

    Raises:
        CellError: as `objectives_at`.
    """
    return objectives_at(settings.get("objectives", []), settings.get("folder"), store)


def gains(measures: Mapping[str, float], objectives: Sequence[Objective]) -> Gains:
    """The value of each objective, more being better.

    Raises:
        KeyError: one was not measured.
    """
    return tuple(each.gain(measures[each.name]) for each in objectives)


def gains_of(trial: Trial, objectives: Sequence[Objective], store: Path) -> Gains:
    """Those of a trial that has a reward.

    Raises:
        CellError: NAS865, it lacks one.
    """
    try:
        return gains(trial.measures, objectives)
    except KeyError as error:
        raise cell_error(
            "NAS865",
            f"trial {trial.id} of {str(store)!r} is not what a search writes: it has no {error}",
            "the store is damaged or was changed by another program; use a copy from its search",
        ) from None
