"""What `nasdsl search` does once its flags are read.

Purpose: from flags to settings, from a search to what is printed about it.
Non-goals: flags (`nasdsl.cli.search`), searching (`nasdsl.search.loop`).
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nasdsl.cli import output, reading
from nasdsl.cli.search_view import view_for
from nasdsl.errors import cell_error
from nasdsl.search.child import limit_for
from nasdsl.search.evaluators.spec import evaluator
from nasdsl.search.loop import run
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Counts, Reader, Trial

_OK, _INTERRUPTED = 0, 130
_GIGABYTE = 1_000_000_000


def settings_of(name: str, store: str | None, flags: dict[str, Any]) -> SearchSettings:
    """The settings that the flags ask for.

    Raises:
        CellError: the space, the evaluator, or an option of the algorithm are refused.
    """
    space = reading.space(name)
    spec = _spec(flags["evaluator"], flags["data"])
    limits = {
        key: flags[f"max_{key}"]
        for key in ("params", "mult_adds")
        if flags[f"max_{key}"] is not None
    }
    # Made here for its diagnostics, and because limits count the networks that it would train.
    limit = limit_for(
        evaluator(spec), max_params=limits.get("params"), max_mult_adds=limits.get("mult_adds")
    )
    default = f"{space.name}-{flags['algorithm']}-{flags['seed']}.db"
    return SearchSettings(
        space,
        _file(store or default),
        algorithm=flags["algorithm"],
        options=_options(flags["options"]),
        evaluator=spec,
        trials=flags["trials"],
        seed=flags["seed"],
        workers=flags["workers"],
        deadline=flags["deadline"],
        memory=None if flags["memory"] is None else round(flags["memory"] * _GIGABYTE),
        engine=flags["engine"],
        address=flags["address"],
        gpus=flags["gpus"],
        per_gpu=flags["per_gpu"],
        threads=flags["threads"],
        limits=limits,
        limit=limit,
    )


def _spec(spec: str, data: str | None) -> str:
    """The evaluator's spec with `--data` in it."""
    if data is None:
        return spec
    if spec.partition("?")[0] != "train":
        raise cell_error("NAS882", f"--data is for the evaluator `train`, not for {spec!r:.60}")
    return f"{spec}{'&' if '?' in spec else '?'}data={data}"


def _file(store: str) -> Path:
    """The store's path. SQLite would leave files beside a folder or a device before it fails."""
    path = Path(store)
    if path.exists() and not path.is_file():
        raise cell_error("NAS865", f"{store!r} is a folder or a device, and a store is a file")
    return path


def _options(words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise cell_error("NAS881", f"an option is KEY=VALUE, not {word!r:.60}")
        found[key] = value
    return found


def searched(settings: SearchSettings, *, resume: bool, quiet: bool, as_json: bool) -> int:
    """Search, print the best; the exit code."""
    view = view_for(settings, quiet)
    try:
        counts = run(settings, view.tell, resume=resume)
    except KeyboardInterrupt:
        view.close()
        output.note("interrupted; everything but what was running is saved")
        output.note(f"`{_again()}` goes on")
        return _INTERRUPTED
    finally:
        view.close()
    with Reader(settings.store) as store:
        best = store.best(1)
    _print(settings, counts, best, as_json)
    return _OK


def _again() -> str:
    words = ["nasdsl", *sys.argv[1:]]
    return shlex.join(words if "--resume" in words else [*words, "--resume"])


def _print(settings: SearchSettings, counts: Counts, best: list[Trial], as_json: bool) -> None:
    if as_json:
        found = summary(best[0]) if best else None
        output.data_object(store=str(settings.store), **counted(counts), best=found)
        return
    for trial in best:
        output.data(commented(trial))
    output.note(
        f"{counts.completed:,} of {counts.proposed:,} trials completed, {counts.unique:,} of them"
        f" unique networks; {counts.failed:,} failed, {counts.rejected:,} rejected"
    )
    if best:
        output.note(f"`nasdsl search top {shlex.quote(str(settings.store))}` shows more of them")


# -- what stores hold, for people and scripts -----------------------------------------------


def counted(counts: Counts) -> dict[str, int]:
    """Counts as members of a JSON object."""
    return {**asdict(counts), "shared": counts.shared}


def summary(trial: Trial) -> dict[str, Any]:
    """A trial as members of a JSON object."""
    return {
        "trial": trial.id,
        "hash": trial.hash,
        "reward": trial.reward,
        "params": trial.params,
        "mult_adds": trial.mult_adds,
        "seconds": trial.seconds,
        "text": trial.text,
    }


def commented(trial: Trial) -> str:
    """A trial's text, with its scores in comments before it."""
    sizes = [
        f"{value:,} {what}"
        for what, value in (("parameters", trial.params), ("mult-adds", trial.mult_adds))
        if value is not None
    ]
    lines = [f"# reward {trial.reward:.6g}, trial {trial.id}, hash {trial.hash}"]
    if sizes:
        lines.append(f"# evaluated in a network of {', '.join(sizes)}")
    return "".join(f"{line}\n" for line in lines) + trial.text
