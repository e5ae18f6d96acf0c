"""`nasdsl search` with an algorithm that trains a super-network: flags, and what is printed."""

import os
import sys
from typing import Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.options import is_given
from nasdsl.cli.output import INTERRUPTED, OK
from nasdsl.oneshot.method import METHODS

#: The flags that these algorithms have; what evaluates networks has no use here.
_FLAGS = {"algorithm", "options", "data", "seed", "out", "quiet", "as_json", "resume", "space"}


def is_wanted(space: str, flags: dict[str, Any], resume: bool) -> bool:
    """Whether a command is about a super-network."""
    if resume and os.path.isdir(space):
        return True
    return not resume and flags["algorithm"] in METHODS


def search_one_shot(
    context: click.Context,
    space: str,
    resume: bool,
    quiet: bool,
    as_json: bool,
    flags: dict[str, Any],
) -> int:
    """Begin or continue a one-shot search, and print the member that it derives."""
    _require_own_flags(context, resume)
    from nasdsl.errors import plural
    from nasdsl.report.visible import visible_text
    from nasdsl.search.oneshot import (
        ALPHAS,
        DERIVED,
        STORE,
        begin_one_shot,
        recorded_one_shot,
        require_new,
        run_one_shot,
    )

    if resume:
        path = space
        plan = recorded_one_shot(path)
        from nasdsl.train.run_folder import RunFolder

        folder = RunFolder(path)
    else:
        found = reading.space(space)
        algorithm, seed = flags["algorithm"], flags["seed"]
        path = flags["out"] or f"{found.name}-{algorithm}-{seed}"
        require_new(path)
        from nasdsl.oneshot.planning import plan_one_shot

        plan = plan_one_shot(
            found,
            algorithm,
            data=flags["data"] or "digits",
            options=flags["options"],
            seed=seed,
        )
        plan.require_possible()
        if not quiet:
            for remark in plan.remarks:
                output.note(f"note: {remark}")
        folder = begin_one_shot(path, plan, ["nasdsl", *sys.argv[1:]])
    from nasdsl.cli.search_one_shot_view import view_for
    from nasdsl.train.results import Interrupted

    view = view_for(quiet)
    try:
        result = run_one_shot(folder, plan, [view])
    except KeyboardInterrupt as interrupted:
        view.close()
        if isinstance(interrupted, Interrupted):
            output.note(f"interrupted after step {interrupted.step}; everything is saved")
        output.note(f"to continue, run `nasdsl search --resume {path}`")
        return INTERRUPTED
    finally:
        view.close()
    if as_json:
        output.data_object(
            run=path,
            algorithm=plan.method.name,
            accuracy=result.accuracy,
            images=result.images,
            epochs=result.epochs,
            skips=result.skips,
            ops=result.ops,
            text=result.text,
        )
        return OK
    output.data(visible_text(result.text))
    output.note(
        f"inherited accuracy {result.accuracy:.2%} of {plural(result.images, 'image')} after "
        f"{plural(result.epochs, 'epoch')}; trained on its own it may rank otherwise"
    )
    output.note(f"wrote {path}/{DERIVED}, and {path}/{STORE} with what it was chosen from")
    if os.path.isfile(os.path.join(path, ALPHAS)):
        output.note(f"wrote {path}/{ALPHAS}: how strong each option was, by epoch")
    return OK


def _require_own_flags(context: click.Context, resume: bool) -> None:
    """Refuse flags that would have no effect."""
    own = {"quiet", "as_json", "resume", "space"} if resume else _FLAGS
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in own or not is_given(context, name):
            continue
        flag = parameter.opts[0]
        if resume:
            raise click.UsageError(
                f"--resume continues the run as it began, and {flag} would change it."
            )
        raise click.UsageError(
            f"{flag} has no effect on an algorithm that trains a super-network; its values are "
            "set with --option."
        )
