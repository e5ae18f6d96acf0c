"""Planning a search: settings from the parts that people name.

Purpose: one rule for Python and the command line: the evaluator with its data, options as words,
limits by number, the store's default name.
Non-goals: searching (`nasdsl.search.loop`).
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nasdsl.errors import cell_error
from nasdsl.language.genotype.types import Space
from nasdsl.search.child import limit_for
from nasdsl.search.evaluators.spec import evaluator as evaluator_of
from nasdsl.search.settings import SearchSettings

_GIGABYTE = 1_000_000_000
_TRIALS = 200
#: Proposals for each network to evaluate: a searcher that has converged repeats itself for good.
_TRIALS_A_NETWORK = 10


def plan_search(
    space: Space,
    store: str | os.PathLike[str] | None = None,
    *,
    algorithm: str = "random",
    options: Sequence[str] = (),
    evaluator: str = "train",
    data: str | None = None,
    trials: int | None = None,
    trained: int | None = None,
    seed: int = 0,
    max_params: int | None = None,
    max_mult_adds: int | None = None,
    memory_gigabytes: float | None = None,
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
        memory_gigabytes: the most a worker may hold.
        **more: other settings by name, see `SearchSettings`.

    Raises:
        CellError: NAS865, the store is no file; NAS881, an option is not KEY=VALUE; NAS882,
            the evaluator's spec is refused, or takes no data; what the evaluator itself
            refuses.
    """
    spec = _spec(evaluator, data)
    limits = {
        name: most
        for name, most in (("params", max_params), ("mult_adds", max_mult_adds))
        if most is not None
    }
    # Made here for its diagnostics, and because limits count the networks that it would train.
    limit = limit_for(evaluator_of(spec), max_params=max_params, max_mult_adds=max_mult_adds)
    return SearchSettings(
        space,
        _store_path(store or f"{space.name}-{algorithm}-{seed}.db"),
        algorithm=algorithm,
        options=_options(options),
        evaluator=spec,
        trials=trials or (_TRIALS if trained is None else _TRIALS_A_NETWORK * trained),
        trained=trained,
        seed=seed,
        memory=None if memory_gigabytes is None else round(memory_gigabytes * _GIGABYTE),
        limits=limits,
        limit=limit,
        **more,
    )


def _spec(spec: str, data: str | None) -> str:
    """The evaluator's spec with its data in it."""
    if data is None:
        return spec
    if spec.partition("?")[0] != "train":
        raise cell_error("NAS882", f"--data is for the evaluator `train`, not for {spec!r:.60}")
    return f"{spec}{'&' if '?' in spec else '?'}data={data}"


def _store_path(store: str | os.PathLike[str]) -> Path:
    """The store's path. SQLite would leave files beside a folder or a device before it fails."""
    path = Path(store)
    if path.exists() and not path.is_file():
        raise cell_error(
            "NAS865", f"{os.fspath(store)!r} is a folder or a device, and a store is a file"
        )
    return path


def _options(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise cell_error("NAS881", f"an option is KEY=VALUE, not {word!r:.60}")
        found[key] = value
    return found
