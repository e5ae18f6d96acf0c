"""What `nasdsl search` prints of a store: the best network, and members of JSON objects."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from nasdsl.cli import output
from nasdsl.cli.output import FINDINGS, OK
from nasdsl.errors import plural
from nasdsl.report.visible import visible_text
from nasdsl.search.results import Summary, named_text, no_result, number_text, trial_text
from nasdsl.search.store import Counts, Trial
from nasdsl.search.store.records import Rung


def print_result(store: str, found: Summary, as_json: bool) -> int:
    """Print how a search ended; the exit code."""
    best, counts = found.best, found.counts
    if as_json:
        output.data_object(
            store=store, **count_members(counts), best=best and trial_members(best, store)
        )
    else:
        if best:
            output.data(visible_text(trial_text(best, store)))
        output.note(
            f"{counts.completed:,} of {plural(counts.proposed, 'trial')} completed, "
            f"{plural(counts.unique, 'unique network')}; {counts.failed:,} failed, "
            f"{counts.rejected:,} rejected"
        )
        for line in rung_lines(found.rungs):
            output.note(f"after {line}")
        if found.front is not None:
            output.note(
                f"{plural(found.front, 'network')} on the Pareto front: "
                f"`nasdsl search top {shlex.quote(store)}`"
            )
        elif best:
            output.note(f"to see more of them, run `nasdsl search top {shlex.quote(store)} -n 10`")
    if best:
        if counts.failed:
            output.note(retry_hint(store, counts))
        return OK
    reason = None if found.failed is None else found.failed.reason
    output.report(no_result(store, reason).diagnostics)
    return FINDINGS


def resume_words(store: str, evaluator: object = None) -> str:
    """The command that continues the search of a store, in words."""
    if evaluator == "finish":
        return "the same `nasdsl search finish` command"
    return f"`nasdsl search --resume {shlex.quote(store)}`"


def retry_hint(store: str, counts: Counts, evaluator: object = None) -> str:
    """How to evaluate again what failed, once its cause is mended."""
    failed = plural(counts.failed, "failed trial")
    if evaluator == "finish":
        return f"{resume_words(store, evaluator)} with `--retry-failed` trains {failed} again"
    return f"`nasdsl search --resume {shlex.quote(store)} --retry-failed` evaluates {failed} again"


def failure_lines(failures: Mapping[str, str]) -> list[str]:
    """A line for each network that failed, by its hash."""
    return [f"failed: {hash}, {reason}" for hash, reason in failures.items()]


def rung_lines(rungs: Sequence[Rung]) -> list[str]:
    """A line for each rung of a search that trains in parts."""
    return [
        f"{plural(rung.epochs, 'epoch')}: {plural(rung.done, 'network')}"
        + (f", {rung.open:,} to come" if rung.open else "")
        + (f", {rung.failed:,} failed" if rung.failed else "")
        + ("" if rung.best is None else f", best {number_text(rung.best)}")
        for rung in rungs
    ]


def count_members(counts: Counts) -> dict[str, int]:
    """Counts as members of a JSON object."""
    return {**asdict(counts), "shared": counts.shared}


def trial_members(trial: Trial, store: str) -> dict[str, Any]:
    """A trial as members of a JSON object."""
    names = ("hash", "reward", "params", "mult_adds", "seconds", "epochs")
    return {
        "trial": trial.id,
        **{name: getattr(trial, name) for name in names},
        "measures": dict(trial.measures),
        "text": named_text(trial, store),
    }
