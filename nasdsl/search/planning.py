"""Planning a search: settings from the parts that people name.

Purpose: one rule for Python and the command line: the evaluator with its data, options as words,
limits by number, the store's default name.
Non-goals: searching (`nasdsl.search.loop`).
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from shlex import quote as quote_word
from typing import Annotated, Any, get_args
from urllib.parse import parse_qsl, quote

from nasdsl.errors import CellError, cell_error
from nasdsl.language.genotype.types import Space
from nasdsl.loading import loads_space
from nasdsl.oneshot.method import METHODS
from nasdsl.search.child import limit_for, trial_words
from nasdsl.search.evaluators.objectives import measuring
from nasdsl.search.evaluators.places import absolute_spec, spec_at
from nasdsl.search.evaluators.spec import evaluator as evaluator_of
from nasdsl.search.fidelity import planned_fidelity, require_possible, stored_fidelity
from nasdsl.search.objectives import (
    LATENCY,
    REWARDS,
    Objective,
    milliseconds,
    objectives_of,
    stored_objectives,
)
from nasdsl.search.protocol import Same, Searcher
from nasdsl.search.searchers import make_searcher
from nasdsl.search.settings import SearchSettings
from nasdsl.search.starting import start_texts
from nasdsl.search.store import Reader
from nasdsl.search.store.files import is_database
from nasdsl.values import Count, Values, typed

_GIGABYTE = 1_000_000_000
#: So many that a store can keep their bytes as a number.
_GIGABYTES = Values(float, minimum=0.001, maximum=1e9)
_TRIALS = 200
#: More than any count of a store may be.
_MAX_COUNT = 2**63
#: Proposals for each network to evaluate: a searcher that has converged repeats itself for good.
_TRIALS_A_NETWORK = 10


@typed
def plan_search(
    space: Space,
    store: str | os.PathLike[str] | None = None,
    *,
    algorithm: str = "random",
    options: Sequence[str] = (),
    evaluator: str = "train",
    data: str | None = None,
    trials: Count | None = None,
    trained: Count | None = None,
    seed: int = 0,
    max_params: Count | None = None,
    max_mult_adds: Count | None = None,
    max_latency: str | float | None = None,
    objectives: Sequence[str | Objective] = (),
    same: Same | None = None,
    start: Sequence[str] = (),
    fidelity: str | None = None,
    min_epochs: int | None = None,
    max_epochs: int | None = None,
    reduction: int | None = None,
    inherit_weights: bool = False,
    memory_gigabytes: Annotated[float, _GIGABYTES] | None = None,
    **more: Any,
) -> SearchSettings:
    """The settings of a search.

    Args:
        space: what to search.
        store: the file that remembers everything; by default one in the working folder, named
            for the space, the algorithm and the seed.
        algorithm: the searcher's name.
        options: of the searcher, as `KEY=VALUE`.
        evaluator: the evaluator's spec, such as `train?epochs=3` or `table:FILE`.
        data: what `train` trains on, in place of an option of its spec.
        trials: proposals to make at most; 200 by default, or ten times `trained`.
        trained: unique networks to evaluate at most.
        seed: of the proposals and of their evaluation.
        max_params: reject networks with more trained parameters.
        max_mult_adds: reject networks with more mult-adds for one image.
        max_latency: reject networks that take longer, in milliseconds or as `20ms`; it is measured
            as the objective `latency` is.
        objectives: what to have more or less of, as `latency:min`; the evaluator's reward alone
            where there are none.
        same: what makes networks share a result. None for what the store has; in a new one,
            `function` where the evaluator says so and no objective is a cost, else `structure`.
        start: genotypes to evaluate first: paths, library names, and stores of other searches.
        fidelity: trains in parts, and says which networks continue: `asha`, `hyperband`, or a
            pruner of Optuna such as `MedianPruner`; None trains each network as a whole.
        min_epochs: epochs of the first part; 1 by default.
        max_epochs: epochs after which a training ends; by default those of the evaluator.
        reduction: the factor between the epochs of two parts; 3 by default.
        inherit_weights: begin a training with the weights of the network that its own was made
            from, where parts are the same; for `evolution`.
        memory_gigabytes: the most a worker may hold.
        **more: other settings by name, see `SearchSettings`.

    Raises:
        CellError: NAS865, the store is no file; NAS881, an option is not KEY=VALUE; NAS882,
            the evaluator's spec is refused, or takes no data; NAS885, an objective is refused;
            NAS602, a genotype to start with is of another space; NAS887, the trainings have no
            parts, or nothing could be promoted; NAS888, no weights could be inherited; what
            the evaluator itself refuses.
    """
    # First what is known without the evaluator, which may bring PyTorch and read images.
    words, path = _options(options), _store_path(store or f"{space.name}-{algorithm}-{seed}.db")
    texts = start_texts(space, start)
    aims = objectives_of([each if isinstance(each, str) else each.text for each in objectives])
    searcher = make_searcher(algorithm, space, seed, words, objectives=max(1, len(aims)))
    if inherit_weights:
        _require_parents(algorithm, searcher, fidelity, same)
        same = "structure"
    if fidelity is not None and aims:
        raise cell_error(
            "NAS887",
            "trainings in parts have one objective, the reward after so many epochs",
            "leave out `--objective`, or `--fidelity`",
        )
    require_possible(fidelity, min_epochs, max_epochs, reduction)
    spec = _with_epochs(_spec(evaluator, data), max_epochs)
    latency = None if max_latency is None else milliseconds(max_latency)
    limits = {
        name: most
        for name, most in (
            *(("params", max_params), ("mult_adds", max_mult_adds)),
            (LATENCY, latency),
        )
        if most is not None
    }
    # Made here for its diagnostics, and because limits count the networks that it would train.
    made = evaluator_of(spec)
    if hasattr(made, "require_space"):
        made.require_space(space)
    most = trials or _default_trials(trained)
    parts = planned_fidelity(
        *(fidelity, min_epochs, max_epochs, reduction), spec=spec, evaluator=made, trials=most
    )
    if inherit_weights and not hasattr(made, "evaluate_child"):
        raise cell_error(
            "NAS888", f"the networks of `{spec:.60}` have no weights to inherit", "`train` has them"
        )
    limit = limit_for(made, max_params=max_params, max_mult_adds=max_mult_adds)
    measurers = measuring(spec, made, aims, latency).measurers.values()
    if same is None and not (path.is_file() and path.stat().st_size):
        costs = latency is not None or any(each.name not in REWARDS for each in aims)
        same = "structure" if costs else getattr(made, "same", "structure")
    abouts = [getattr(each, "about", "") for each in (made, *measurers)]
    abouts += [getattr(each, "about_objective", "") for each in measurers]
    abouts += [parts.text] if parts else []
    return SearchSettings(
        space,
        path,
        algorithm=algorithm,
        options=words,
        evaluator=absolute_spec(spec, getattr(made, "data_name", None)),
        trial="\n".join(filter(None, (trial_words(made, space), *abouts))),
        trials=most,
        trained=trained,
        seed=seed,
        memory=None if memory_gigabytes is None else round(memory_gigabytes * _GIGABYTE),
        limits=limits,
        limit=limit,
        objectives=aims,
        same=same,
        start=texts,
        fidelity=parts,
        inherit_weights=inherit_weights,
        **more,
    )


def plan_resumed(store: str | os.PathLike[str], **given: Any) -> SearchSettings:
    """The settings with which the search in a store continues.

    Args:
        store: the search's; it says everything that `given` leaves out.
        **given: arguments of `plan_search`.

    Raises:
        CellError: NAS865, the store says something that no search writes; as `plan_search` and
            `Reader` do.
    """
    path = Path(store)
    with Reader(path) as opened:
        stored = opened.settings()
    execution = _values(path, stored.get("execution", {}), _EXECUTION_TYPES)
    known = _values(path, stored, _STORED_TYPES)
    limits = _values(path, known.pop("limits", {}), _LIMIT_TYPES)
    space, options = known.pop("space", None), known.pop("options", {})
    starts = known.pop("start", [])
    memory = execution.pop("memory", None)
    if space is None:
        raise _not_written(path, "it names no space")
    _require_own(path, known)
    if "trained" in given and known.get("trials") == _default_trials(known.get("trained")):
        # Nobody has said how many proposals at most, so that follows from the new number.
        del known["trials"]
    if "objectives" in stored:
        known["objectives"] = stored_objectives(stored, path)
    known |= _parts(path, stored)
    if "evaluator" in known:
        known["evaluator"] = spec_at(known["evaluator"], stored.get("folder"), path)
    planned = plan_search(
        loads_space(space),
        path,
        **{
            **known,
            **{f"max_{name}": most for name, most in limits.items()},
            **execution,
            **given,
        },
    )
    return replace(
        planned,
        # As they were, whether they were given as texts or as values.
        options=planned.options if "options" in given else options,
        start=planned.start if "start" in given else tuple(starts),
        memory=planned.memory if "memory_gigabytes" in given else memory,
    )


def _parts(path: Path, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `plan_search` that say what a store says of trainings in parts."""
    try:
        found = stored_fidelity(stored.get("fidelity"))
    except ValueError as error:
        raise _not_written(path, str(error)) from error
    if found is None:
        return {}
    members = found.members()
    if _lacks_epochs(str(stored.get("evaluator"))):
        # Nobody has said a number, and the recipe's is what there was.
        del members["max_epochs"]
    return {"fidelity": members.pop("rule"), **members}


def _values(
    path: Path, members: object, types: Mapping[str, Callable[[object], bool]]
) -> dict[str, Any]:
    """Those members that have a name of `types`, of which each has to be legal."""
    if not isinstance(members, Mapping):
        raise _not_written(path, f"it has {members!r:.40} in place of names and values")
    found = {name: members[name] for name in types if members.get(name) is not None}
    for name, value in found.items():
        if not types[name](value):
            raise _not_written(path, f"its {name} is {value!r:.40}")
    return found


def _not_written(path: Path, why: str) -> CellError:
    return cell_error(
        "NAS865",
        f"{str(path)!r} is not what a search writes: {why}",
        "the store is damaged or was changed by another program; use a copy from its search",
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return type(value) is int and 0 < value < _MAX_COUNT


def _is_number(value: object) -> bool:
    return type(value) is int and 0 <= value < _MAX_COUNT


def _is_duration(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


_LIMIT_TYPES: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("params", "mult_adds"), _is_count),
    LATENCY: _is_duration,
}
_STORED_TYPES: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("space", "algorithm", "evaluator"), _is_text),
    **dict.fromkeys(("trials", "trained"), _is_count),
    "seed": _is_number,
    "start": lambda value: isinstance(value, list) and all(map(_is_text, value)),
    "same": lambda value: value in get_args(Same),
    "inherit_weights": lambda value: isinstance(value, bool),
    **dict.fromkeys(("options", "limits"), lambda value: isinstance(value, dict)),
}
_EXECUTION_TYPES: dict[str, Callable[[object], bool]] = {
    **dict.fromkeys(("workers", "per_gpu", "threads", "memory"), _is_count),
    **dict.fromkeys(("engine", "address"), _is_text),
    "gpus": _is_number,
    "deadline": _is_duration,
}


def _default_trials(trained: int | None) -> int:
    """Proposals at most, where nobody says how many."""
    return _TRIALS if trained is None else _TRIALS_A_NETWORK * trained


def _require_own(path: Path, known: Mapping[str, Any]) -> None:
    """Refuse the stores of what is continued in another way.

    Raises:
        CellError: NAS880.
    """
    if known.get("evaluator") == "finish":
        raise cell_error(
            "NAS880",
            f"{str(path)!r} is the store of a `nasdsl search finish`",
            "the command with which that began continues it",
        )
    if known.get("algorithm") in METHODS:
        raise cell_error(
            "NAS880",
            f"{str(path)!r} is the store of a search that trains a super-network",
            f"`nasdsl search --resume {quote_word(str(path.parent))}` continues it",
        )


def _spec(spec: str, data: str | None) -> str:
    """The evaluator's spec with its data in it, in the place of those that it has."""
    if data is None:
        return spec
    head, _, query = spec.partition("?")
    if head != "train":
        raise cell_error("NAS882", f"--data is for the evaluator `train`, not for {spec!r:.60}")
    kept = [part for part in query.split("&") if part and not part.startswith("data=")]
    kept.append(f"data={quote(data, safe='/:')}")
    return f"{head}?{'&'.join(kept)}"


def _require_parents(
    algorithm: str, searcher: Searcher, fidelity: str | None, same: Same | None
) -> None:
    """Refuse a search in which nothing could inherit weights, or not only its own structure's.

    Raises:
        CellError: NAS888.
    """
    if not hasattr(searcher, "parent_of"):
        raise cell_error(
            "NAS888",
            f"the algorithm `{algorithm}` makes no network from another one, so there are no "
            "weights to inherit",
            "`--algorithm evolution` does",
        )
    if fidelity is not None:
        raise cell_error(
            "NAS888",
            "a training in parts continues with its own weights, and inherits no others",
            "leave out `--fidelity`, or `--inherit-weights`",
        )
    if same == "function":
        raise cell_error(
            "NAS888",
            "networks of one function and another structure have other weights",
            "`--same structure` keeps them apart",
        )


def _with_epochs(spec: str, epochs: int | None) -> str:
    """The spec of a training, which is as long as its last part unless it says otherwise."""
    if epochs is None or not _lacks_epochs(spec):
        return spec
    return f"{spec}{'&' if '?' in spec else '?'}epochs={epochs}"


def _lacks_epochs(spec: str) -> bool:
    head, _, query = spec.partition("?")
    return head == "train" and "epochs" not in dict(parse_qsl(query))


def _store_path(store: str | os.PathLike[str]) -> Path:
    """The store's path. SQLite would leave files beside a folder or a device before it fails."""
    path = Path(store)
    if path.exists() and not path.is_file():
        raise cell_error(
            "NAS865", f"{os.fspath(store)!r} is a folder or a device, and a store is a file"
        )
    if path.is_file() and not is_database(path):
        with Reader(path):
            pass  # refused, in the words for what is no store
    return path


def _options(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise cell_error("NAS881", f"an option is KEY=VALUE, not {word!r:.60}")
        found[key] = value
    return found
