"""How a search trains in parts: few epochs for all networks, more for those that did well.

Rungs are numbers of epochs, each `reduction` times the one before, up to `max_epochs` (Li et al.
2018, "Hyperband"; Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning"). Where
the last step would go beyond `max_epochs`, it is shorter.
"""

from dataclasses import dataclass
from typing import Any

from nasdsl.errors import CellError, cell_error, listed, name_hints, plural
from nasdsl.search.protocol import Evaluator
from nasdsl.values import Values

#: Rules of this package; others are Optuna's pruners, by the names of their classes.
ASHA, HYPERBAND = "asha", "hyperband"
_PRUNER = "Pruner"
_DEFAULT_MIN, _DEFAULT_REDUCTION = 1, 3
_EPOCHS = Values(int, minimum=1, maximum=100_000)
_REDUCTION = Values(int, minimum=2, maximum=1000)


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Trainings in parts.

    Attributes:
        rule: which networks continue: `asha`, `hyperband`, or a pruner of Optuna.
        min_epochs: of the first rung.
        max_epochs: of the last rung.
        reduction: the factor between two rungs; of the networks of one, that part continues.
    """

    rule: str
    min_epochs: int
    max_epochs: int
    reduction: int

    @property
    def rungs(self) -> tuple[int, ...]:
        """The epochs after which networks are compared, in order."""
        found, epochs = [], self.min_epochs
        while epochs < self.max_epochs:
            found.append(epochs)
            epochs *= self.reduction
        return (*found, self.max_epochs)

    @property
    def text(self) -> str:
        """What is done, in words for people."""
        parts = ", ".join(map(str, self.rungs))
        return f"{self.rule} trains in parts: networks are compared after {parts} epochs"

    def members(self) -> dict[str, Any]:
        """As a store has it."""
        return {name: getattr(self, name) for name in _MEMBERS}


_MEMBERS = ("rule", "min_epochs", "max_epochs", "reduction")


def require_possible(
    rule: str | None, min_epochs: int | None, max_epochs: int | None, reduction: int | None
) -> None:
    """Refuse what no evaluator can mend; see `planned_fidelity`.

    Raises:
        CellError: NAS887, there is no such rule, or numbers without one; NAS701, Optuna is not
            installed.
    """
    if rule is not None:
        _require_rule(rule)
        if max_epochs is not None:
            _require_parts(_or_default(min_epochs, _DEFAULT_MIN), max_epochs)
        return
    given = {"min_epochs": min_epochs, "max_epochs": max_epochs, "reduction": reduction}
    names = [name for name, value in given.items() if value is not None]
    if names:
        raise cell_error(
            "NAS887",
            f"{listed(names)} without a rule by which networks continue",
            "`--fidelity asha` is one",
        )


def planned_fidelity(
    rule: str | None,
    min_epochs: int | None,
    max_epochs: int | None,
    reduction: int | None,
    *,
    spec: str,
    evaluator: Evaluator,
    trials: int,
) -> Fidelity | None:
    """The fidelity that these words ask for; None where they ask for whole trainings.

    Args:
        rule: its name.
        min_epochs: 1 by default.
        max_epochs: by default as many as the evaluator's trainings have.
        reduction: 3 by default.
        spec: of the evaluator, for messages.
        evaluator: that which trains.
        trials: networks to propose.

    Raises:
        CellError: NAS887, the evaluator cannot train in parts, or nothing could be promoted.
    """
    if rule is None:
        return None
    most = getattr(evaluator, "epochs", None)
    if most is None and hasattr(evaluator, "require_epochs"):
        evaluator.require_epochs((_or_default(max_epochs, _or_default(min_epochs, _DEFAULT_MIN)),))
    if not hasattr(evaluator, "evaluate_part") or (most is None and max_epochs is None):
        raise _no_epochs(spec, hasattr(evaluator, "evaluate_part"))
    found = Fidelity(
        rule,
        _legal("min_epochs", _or_default(min_epochs, _DEFAULT_MIN), _EPOCHS),
        _legal("max_epochs", most if max_epochs is None else max_epochs, _EPOCHS),
        _legal("reduction", _or_default(reduction, _DEFAULT_REDUCTION), _REDUCTION),
    )
    if most is not None and found.max_epochs > most:
        raise cell_error(
            "NAS887",
            f"max_epochs is {found.max_epochs}, and the trainings of `{spec}` have "
            f"{plural(most, 'epoch')}",
            f"`train?epochs={found.max_epochs}` trains for so many",
        )
    _require_parts(found.min_epochs, found.max_epochs)
    if rule in (ASHA, HYPERBAND) and trials < found.reduction:
        raise cell_error(
            "NAS887",
            f"of {plural(trials, 'network')} none can be promoted: one of {found.reduction} is",
            f"`--trials {found.reduction ** (len(found.rungs) - 1)}` takes one through all rungs",
        )
    if hasattr(evaluator, "require_epochs"):
        evaluator.require_epochs(found.rungs)
    return found


def stored_fidelity(members: object) -> Fidelity | None:
    """What a store says; None where its search trains as a whole.

    Raises:
        ValueError: it is not what a search writes.
    """
    if members is None:
        return None
    if not isinstance(members, dict) or members.keys() != set(_MEMBERS):
        raise ValueError(f"its fidelity is {members!r:.80}")
    rule, low, high, reduction = (members[name] for name in _MEMBERS)
    numbers = all(type(each) is int for each in (low, high, reduction))
    if not isinstance(rule, str) or not numbers or not (1 <= low < high and reduction >= 2):
        raise ValueError(f"its fidelity is {members!r:.80}")
    return Fidelity(rule, low, high, reduction)


def _require_parts(min_epochs: int, max_epochs: int) -> None:
    if min_epochs >= max_epochs:
        raise cell_error(
            "NAS887",
            f"nothing can be promoted from min_epochs = {min_epochs} to max_epochs = {max_epochs}",
            "networks are promoted from few epochs to more: `--min-epochs 1 --max-epochs 9`",
        )


def _or_default(given: int | None, default: int) -> int:
    """The number; one that is given as 0 is refused, and not taken for none."""
    return default if given is None else given


def _legal(name: str, value: object, values: Values) -> int:
    legal = values.legal(value)
    if legal is None or isinstance(value, float):
        raise cell_error("NAS887", f"{name} is {values.description}, not {value!r:.40}")
    return int(legal)


def _no_epochs(spec: str, can_train: bool) -> CellError:
    if can_train:
        return cell_error(
            "NAS887",
            f"nothing says how many epochs a whole training of `{spec:.60}` has",
            "`--max-epochs 27` does",
        )
    return cell_error(
        "NAS887",
        f"the evaluator `{spec:.60}` has no epochs, so it cannot train in parts",
        "`train` has, a table with `epochs=1:COLUMN,9:COLUMN`, and a function with a parameter "
        "`epochs`",
    )


def _require_rule(rule: str) -> None:
    if rule in (ASHA, HYPERBAND):
        return
    if rule.endswith(_PRUNER):
        from nasdsl.search.pruning import pruner_class

        pruner_class(rule)
        return
    raise cell_error(
        "NAS887",
        f"no rule of promotion is called {rule!r:.40}",
        *name_hints(rule, (ASHA, HYPERBAND)),
        "there are `asha`, `hyperband`, and Optuna's pruners, such as `MedianPruner`",
    )
