"""`train_run`: a training in a run folder, from its newest checkpoint to its report.

Ctrl-C and SIGTERM ask the training to stop: it completes the present step, saves and ends. A
second signal interrupts at once.
"""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace
from types import FrameType

from nasdsl import export
from nasdsl.api.compile import build
from nasdsl.errors import Diagnostic
from nasdsl.memory import memory_errors
from nasdsl.train.comparison import run_settings
from nasdsl.train.execution import is_first_process
from nasdsl.train.loggers.of_run import run_loggers
from nasdsl.train.loop import fit
from nasdsl.train.own_checkpoints import OwnCheckpoints, network_identity
from nasdsl.train.planning import RunPlan
from nasdsl.train.report import write_report
from nasdsl.train.results import Fitted
from nasdsl.train.run_folder import MODEL, MetricsFile, RunFolder
from nasdsl.train.watchers import Watcher
from nasdsl.values import Seconds, typed


@typed
def train_run(
    folder: RunFolder,
    plan: RunPlan,
    *,
    watchers: Sequence[Watcher] = (),
    save_seconds: Seconds = 600,
    tensorboard: bool = True,
) -> Fitted:
    """Train the network of a run, from its newest checkpoint if it has one.

    Args:
        folder: the run.
        plan: what it does: what `begin_run` wrote into it, or what `recorded_plan` read there.
        watchers: in addition to those that write the run's files.
        save_seconds: as for `fit`.
        tensorboard: whether to write scalars for TensorBoard, if it is installed. Loggers that
            the run names are told of it besides. One that fails gives a warning (NAS851), to the
            watchers and among the findings, and the training continues.

    Raises:
        CellError: NAS841, another process is training in the folder; NAS801 to NAS805, the weights
            to start from do not fit or cannot be read; NAS843, its checkpoint
            was made with another recipe, seed, network or data; NAS707, the device has too little
            memory; as `fit` does.
        Interrupted: by Ctrl-C or SIGTERM; the state is saved.
    """
    # Of the processes of torchrun, only the first one writes.
    with folder.locked() if is_first_process() else nullcontext():
        return _train(folder, plan, watchers, save_seconds, tensorboard)


def _train(
    folder: RunFolder,
    plan: RunPlan,
    watchers: Sequence[Watcher],
    save_seconds: float,
    tensorboard: bool,
) -> Fitted:
    job = plan.job
    net = build(plan.graph, seed=job.seed)
    if job.weights is not None and not folder.checkpoints.paths():
        job.weights.load_into(net)
    failures: list[Diagnostic] = []

    def on_failure(finding: Diagnostic) -> None:
        failures.append(finding)
        for watcher in watchers:
            watcher.warned(finding)

    assert plan.graph.genotype is not None, "a run is planned from a genotype"
    settings = run_settings(job, plan.graph.genotype)
    loggers = run_loggers(folder, job.loggers, settings, tensorboard, on_failure)
    files = [MetricsFile(folder), *loggers]
    less = (
        f"`--accumulate {2 * job.execution.accumulation}` cuts it into smaller parts",
        "`--precision bf16` halves what each part takes",
    )
    with interruption() as stop, memory_errors(*less):
        fitted = fit(
            net,
            plan.splits,
            job.recipe,
            seed=job.seed,
            execution=job.execution,
            checkpoints=_own_checkpoints(folder, plan),
            save_seconds=save_seconds,
            watchers=(*files, *watchers),
            stop=stop,
            test=True,
        )
    if is_first_process():
        if plan.splits.preparation is not None:
            net.image_metadata = plan.splits.preparation.json()
        findings = export.write_or_keep(net, folder / MODEL)
        fitted = replace(fitted, findings=(*failures, *findings))
        write_report(folder, plan, fitted)
    return fitted


def _own_checkpoints(folder: RunFolder, plan: RunPlan) -> OwnCheckpoints:
    return OwnCheckpoints(
        folder.checkpoints.folder,
        {
            "recipe": asdict(plan.job.recipe),
            "seed": plan.job.seed,
            "data": plan.splits.name,
            "network": network_identity(plan.graph),
        },
    )


#: A cluster sends SIGTERM some time before it takes a machine away.
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Whether a signal has asked to stop."""

    def __init__(self) -> None:
        self.requested = False

    def __call__(self) -> bool:
        """Whether to stop after the present step."""
        return self.requested

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def interruption() -> Iterator[Interruption]:
    """Catch the signals while the block runs; outside the main thread, none are caught.

    Within another such block, what one of the two was asked the other was asked, too.
    """
    request = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    around = [
        owner
        for handler in before.values()
        if isinstance(owner := getattr(handler, "__self__", None), Interruption)
    ]
    request.requested = any(each.requested for each in around)
    for number in _SIGNALS:
        signal.signal(number, request._handle)
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for each in around:
            each.requested = each.requested or request.requested
