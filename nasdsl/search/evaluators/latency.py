"""`latency`: how fast a network answers on this machine, as it would be served.

For example `latency?batch=1&threads=2&engine=onnxruntime&N=2&cell_filters=32&image_size=32`: the
images at once, the threads of the processor, one of the installed runtimes (`eager` without it),
and network settings by their names. The network has random weights, which change no times, and goes
through the passes for inference first. After some batches that are not counted, batches are run
until the spread of their times is small. The reward is the negative of the median, in
milliseconds for a batch, because the shorter one is the better one. Evaluations at the same time
disturb each other, so a search of latencies wants a single worker.
"""

import platform
from collections.abc import Callable
from statistics import median, quantiles
from time import perf_counter
from typing import Any

from nasdsl import runtimes
from nasdsl.api.compile import build
from nasdsl.api.optimize import optimize
from nasdsl.api.threads import threads
from nasdsl.errors import cell_error, listed, plural
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child, child_from_options
from nasdsl.search.protocol import Report, Score
from nasdsl.values import Values

_BATCHES = Values(int, minimum=1, maximum=65_536, unit="images")
_THREADS = Values(int, minimum=1, maximum=4096)
#: Batches that are run first and not counted, and the fewest and most that are.
_WARM_UP, _FEWEST, _MOST = 3, 10, 200
#: From the lower to the upper quartile, as a share of the median.
_SPREAD = 0.05


class LatencyEvaluator:
    """Measures each genotype's network in a runtime.

    Args:
        child: the network around it.
        engine: the runtime's name.
        batch: images at once.
        threads: of the processor.
        clock: gives seconds.
    """

    def __init__(
        self,
        child: Child,
        engine: str = "eager",
        batch: int = 1,
        threads: int = 1,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.child, self.engine = child, engine
        self.batch, self.threads, self.clock = batch, threads, clock

    @property
    def work(self) -> str:
        """What is done with a network, and on which machine, in words."""
        return (
            f"measures, for {plural(self.batch, 'image')} at once in runtime {self.engine} on "
            f"{plural(self.threads, 'thread')} of this machine ({machine()}), the latency of"
        )

    @property
    def about_objective(self) -> str:
        """How latencies are measured beside another reward, in words."""
        return (
            f"latencies are measured for {plural(self.batch, 'image')} at once in runtime "
            f"{self.engine} on {plural(self.threads, 'thread')} of this machine ({machine()})"
        )

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The negative latency of a batch in milliseconds.

        Raises:
            CellError: NAS732, the runtime cannot run the network; as `nasdsl.runtimes.load`.
        """
        import torch

        graph = self.child.graph(cells_of_text(text))
        cost = graph_cost(graph)
        with threads(self.threads):
            network = build(graph, seed=seed).eval()
            call = optimize(network, runtime=self.engine, threads=self.threads)
            images: Any = torch.randn(
                (self.batch, *graph.image), generator=torch.Generator().manual_seed(seed)
            )
            with torch.inference_mode():
                seconds = steady_seconds(lambda: call(images), self.clock)
        latency = 1000 * seconds
        return Score(-latency, (), cost.params, cost.mult_adds, {"latency": latency})


def steady_seconds(run: Callable[[], object], clock: Callable[[], float]) -> float:
    """The median of the times of a call, repeated until their spread is small.

    Args:
        run: what is measured.
        clock: gives seconds.
    """
    for _ in range(_WARM_UP):
        run()
    taken: list[float] = []
    while len(taken) < _MOST:
        start = clock()
        run()
        taken.append(clock() - start)
        if len(taken) >= _FEWEST:
            lower, middle, upper = quantiles(taken, n=4)
            if upper - lower <= _SPREAD * middle:
                break
    return median(taken)


def machine() -> str:
    """The processor of this machine, as the system calls it."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line[:10] == "model name"]
    except OSError:
        names = []
    return names[0] if names and names[0] else platform.processor() or platform.machine()


def latency_evaluator(what: str, options: dict[str, str]) -> LatencyEvaluator:
    """The evaluator of `latency?...`.

    Raises:
        CellError: NAS882 for an option that it does not have or a value that is not legal; NAS701
            and NAS730 where the runtime is not installed.
    """
    if what:
        raise cell_error("NAS882", f"`latency:{what}` is not of the form latency?KEY=VALUE&...")
    import torch  # noqa: F401  (what it needs is missed now, not in every trial)

    child = child_from_options(options)
    batch = _number("batch", _BATCHES, options.pop("batch", "1"))
    count = _number("threads", _THREADS, options.pop("threads", "1"))
    engine = runtimes.find(options.pop("engine", "eager")).name
    if options:
        raise cell_error("NAS882", f"the evaluator `latency` does not take {listed(options)}")
    return LatencyEvaluator(child, engine, batch, count)


def _number(name: str, values: Values, text: str) -> int:
    found: int | None = values.legal(text)
    if found is None:
        raise cell_error("NAS882", f"{name} is {values.description}, not {text!r:.40}")
    return found
