"""`bench`: how fast networks run in a runtime, measured in turns.

Purpose: each network in each runtime is a contender with a process of its own, which loads it,
compares its logits and waits. Contenders then take turns, one batch each, so that whatever else
the machine does meets all of them alike.
Non-goals: running networks (`nasdsl.runtimes`); tables (`nasdsl.cli.bench`).

torch is imported in the processes of the contenders alone.
"""

import gc
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import TYPE_CHECKING, Any

from nasdsl.api.isolated import isolated_start
from nasdsl.errors import CellError, Diagnostic, cell_error

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@dataclass(frozen=True, slots=True)
class Contender:
    """A network in a runtime.

    Attributes:
        source: what `nasdsl.compile` takes.
        runtime: the name of an installed runtime.
        batch: images at once.
        threads: of the processor.
        passes: those for inference that the network goes through first; None runs it as
            `nasdsl.compile` makes it.
        settings: network settings by name, and `ops`.
        processor_time: measure the time of all its threads together, which other work on the
            machine hardly disturbs: on one thread, that is the latency of an idle machine.
        dtype: what the runtime computes in; that of the weights where it is None. `int8` is
            calibrated with random images, which is enough for times.
        device: where it computes, in PyTorch's words.
    """

    source: str
    runtime: str
    batch: int = 1
    threads: int = 1
    passes: tuple[str, ...] | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    processor_time: bool = False
    dtype: str | None = None
    device: str = "cpu"


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of a contender.

    Attributes:
        contender: the network and its runtime.
        latency: seconds that a batch takes: the median of all rounds.
        fastest: the shortest of them, the one that other work disturbs least.
        spread: from the lower to the upper quartile, in seconds.
        images_per_second: the batch, by the median.
        load_seconds: what optimising, exporting and compiling took, to the first logits.
        peak_memory: of its process while it ran, in bytes, or of its tensors on a GPU; None
            where it is not known.
        relative_error: how far its logits are from those of the compiled network, relative to
            the largest.
        weight_bytes: what its parameters take in float32, and so nearly all of its file.
    """

    contender: Contender
    latency: float
    fastest: float
    spread: float
    images_per_second: float
    load_seconds: float
    peak_memory: int | None
    relative_error: float
    weight_bytes: int = 0


#: Gives a connection to a contender that is running.
Starter = Callable[[Contender], AbstractContextManager["Connection"]]
#: Loads a contender: what runs a batch, the seconds until it could, the relative error of its
#: logits, and the bytes of its weights.
Runner = Callable[[Contender], tuple[Callable[[], object], float, float, int]]
#: Rounds that are run first and not counted.
_WARM_UP = 2


def bench(
    contenders: Sequence[Contender], rounds: int = 20, *, start: Starter | None = None
) -> list[Measured]:
    """Measure networks in runtimes, in turns.

    Args:
        contenders: in the order in which the results are wanted.
        rounds: how many batches each of them runs, besides two that are not counted.
        start: starts a contender; in a process of its own where it is None.

    Raises:
        CellError: what keeps a contender from running.
    """
    with ExitStack() as stack:
        connections, loads = [], []
        for contender in contenders:
            connections.append(stack.enter_context((start or in_a_process)(contender)))
            loads.append(_answer(connections[-1], contender))
        seconds: list[list[float]] = [[] for _ in contenders]
        for turn in range(-_WARM_UP, rounds):
            for taken, connection, contender in zip(seconds, connections, contenders, strict=True):
                connection.send("run")
                took = _answer(connection, contender)
                if turn >= 0:
                    taken.append(took)
        peaks = []
        for connection, contender in zip(connections, contenders, strict=True):
            connection.send("stop")
            peaks.append(_answer(connection, contender))
    return [
        _measured(contender, taken, peak, *load)
        for contender, taken, peak, load in zip(contenders, seconds, peaks, loads, strict=True)
    ]


def _measured(
    contender: Contender,
    seconds: Sequence[float],
    peak: int | None,
    load_seconds: float,
    error: float,
    weight_bytes: int,
) -> Measured:
    middle = median(seconds)
    quarters = quantiles(seconds, n=4) if len(seconds) > 1 else (middle, middle, middle)
    return Measured(
        contender,
        latency=middle,
        fastest=min(seconds),
        spread=quarters[2] - quarters[0],
        images_per_second=contender.batch / middle,
        load_seconds=load_seconds,
        peak_memory=peak,
        relative_error=error,
        weight_bytes=weight_bytes,
    )


@contextmanager
def in_a_process(contender: Contender, runner: Runner | None = None) -> Iterator["Connection"]:
    """A process that serves a contender until it is told to stop or the connection is closed.

    Args:
        contender: what is measured.
        runner: loads it, instead of what `bench` knows; a function of a module.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, contender, runner), daemon=True)
    with isolated_start():
        process.start()
    theirs.close()
    try:
        yield ours
    finally:
        ours.close()
        process.join(timeout=10)
        process.kill()
        process.join()


def _answer(connection: "Connection", contender: Contender) -> Any:
    """What a contender says next.

    Raises:
        CellError: the finding that it says instead; NAS732, its process has died.
    """
    try:
        kind, value = connection.recv()
    except (EOFError, ConnectionError):
        raise cell_error(
            "NAS732",
            f"the process with `{contender.source}` in runtime `{contender.runtime}` has died",
            "memory may have run out",
        ) from None
    if kind == "refused":
        code, message, hints = value
        raise CellError((Diagnostic(code, message, hints=hints),))
    return value


# -- in the process of a contender ----------------------------------------------------------


def serve(connection: "Connection", contender: Contender, runner: Runner | None = None) -> None:
    """Load a contender, then run a batch whenever it is asked for."""
    with connection, suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        try:
            run, *figures = (runner or _batch_runner)(contender)
            _forget_peak_memory(contender.device)
            connection.send(("loaded", tuple(figures)))
            clock = process_time if contender.processor_time else perf_counter
            while connection.recv() == "run":
                start = clock()
                run()
                connection.send(("took", clock() - start))
        except CellError as caught:
            found = caught.diagnostics[0]
            connection.send(("refused", (found.code, found.message, found.hints)))
        else:
            connection.send(("peak", _peak_memory(contender.device)))


def _batch_runner(contender: Contender) -> tuple[Callable[[], object], float, float, int]:
    """A source of ours in a runtime."""
    import torch

    from nasdsl import runtimes
    from nasdsl.api.compile import compile
    from nasdsl.api.optimize import optimize
    from nasdsl.export.comparison import finite_logits

    torch.set_num_threads(contender.threads)
    settings = {"seed": 0, "device": contender.device, **contender.settings}
    network = compile(contender.source, **settings).eval()
    generator = torch.Generator().manual_seed(1)
    images = torch.randn((contender.batch, *network.graph.image), generator=generator)
    images = images.to(contender.device)
    (expected,) = finite_logits(network, [images])
    start = perf_counter()
    made = network if contender.passes is None else optimize(network, passes=contender.passes)
    call = runtimes.load(
        made,
        contender.runtime,
        threads=contender.threads,
        dtype=contender.dtype,
        calibration=images if contender.dtype == "int8" else None,
    )
    found = call(images)
    load_seconds = perf_counter() - start
    # Loading has held it to what the type allows.
    error = float((found - expected).abs().max() / expected.abs().max())
    weight_bytes = sum(tensor.nbytes for tensor in made.parameters())
    del network, made
    gc.collect()

    def run() -> None:
        call(images)
        if images.is_cuda:
            torch.cuda.synchronize(images.device)  # until then the call has only been launched

    return run, load_seconds, error, weight_bytes


def _forget_peak_memory(device: str) -> None:
    """Linux and PyTorch remember the most memory that a process had; from now on."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak_memory(device: str) -> int | None:
    """In bytes."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s*(\d+) kB", status, re.M)
    return int(found[1]) * 1024 if found else None
