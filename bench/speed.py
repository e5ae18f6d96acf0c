"""Measure everything the project promises about speed, in one run, as a markdown table.

    python -m bench.speed

The tables of `docs/benchmarks.md` are a run of this.
Whole processes are timed in alternation with `python -c "import torch"`, so that both see
the same machine. PyGlove's and Optuna's samplers are measured if they are installed; they
are no dependencies. Nothing here is a test: the figures depend on the machine, and what
must hold on any is in `tests/test_limits.py`.
"""

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from statistics import median

import nasdsl
from nasdsl.errors import Source
from nasdsl.loading import analyse, source_of

ROUNDS = 7
BLOCKS = 10_000
DRAWS = 5_000
LARGE = {"N": 6, "filters": 4032, "stem": "imagenet", "image_size": 331, "classes": 1000}
COST = "cost nasnet_a --N 6 --filters 4032 --stem imagenet --image-size 331 --classes 1000 --json"

Row = tuple[str, str, str]


def main() -> None:
    rows = [*_in_process(), *_processes(), *_large_file()]
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    print(PAGE.format(rounds=ROUNDS, **machine))
    print(_table(("what", "goal", "measured"), rows))
    others = [*_other_samplers()]
    if others:
        print("\nOther samplers on the same space, in the same run:\n")
        print(_table(("sampler", "genotypes/s", "nasdsl is faster by"), others))


PAGE = """# Benchmarks

## Speed

The figures come from one run of `python -m bench.speed` on a virtual machine with
{cores} cores, which other work shared, and Python {python}. They are medians of {rounds} rounds.
What runs inside one process is measured in processor time of one core with warm caches.
Whole processes are measured by the clock, in alternation with `python -c "import torch"`.
"""


def _table(head: Row, rows: list[Row]) -> str:
    lines = [head, ("---", "---", "---"), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


# -- in one process -----------------------------------------------------------------------


def _seconds(work: Callable[[], object], times: int = 1) -> float:
    """The median over the rounds of the processor time of `work`, run `times` times a round."""
    work()
    rounds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - start) / times)
    return median(rounds)


def _in_process() -> Iterator[Row]:
    source = source_of("nasnet_a")
    checked = _seconds(lambda: analyse(Source(source.name, source.text)), 50)
    yield (
        "parse, resolve and validate `nasnet_a`",
        "at most 2 ms",
        f"{1e3 * checked:.2f} ms",
    )
    texts = _seconds(lambda: list(_drawn_texts(DRAWS)))
    # Whether the text is valid is looked at outside the measurement.
    valid = sum(nasdsl.genotype_text(nasdsl.loads(text)) == text for text in _drawn_texts(500))
    assert valid == 500
    yield (
        "sample `nasnet_space` to printed, valid text",
        "at least 10,000 genotypes/s",
        f"{DRAWS / texts:,.0f} genotypes/s",
    )
    drawn = list(nasdsl.sample(nasdsl.load_space("nasnet_space"), DRAWS, seed=1))
    hashes = _seconds(lambda: [nasdsl.canonical_hash(genotype) for genotype in drawn])
    yield "canonical hash", "at least 5,000/s", f"{DRAWS / hashes:,.0f}/s"
    genotype = nasdsl.load("nasnet_a")
    costs = _seconds(lambda: nasdsl.cost(genotype, **LARGE), 10)
    yield "cost of NASNet-A 6 @ 4032", "at most 5 ms", f"{1e3 * costs:.2f} ms"


def _drawn_texts(count: int) -> Iterator[str]:
    space = nasdsl.load_space("nasnet_space")
    return map(nasdsl.genotype_text, nasdsl.sample(space, count, seed=0))


# -- whole processes ------------------------------------------------------------------------


def _processes() -> Iterator[Row]:
    python = sys.executable
    commands = {
        "import nasdsl": [python, "-c", "import nasdsl"],
        "nasdsl check nasnet_a": [python, "-m", "nasdsl", "check", "nasnet_a"],
        "nasdsl cost nasnet_a --N 6 ...": [python, "-m", "nasdsl", *COST.split()],
        "import torch": [python, "-c", "import torch"],
    }
    if find_spec("torch") is None:
        commands.pop("import torch")
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(ROUNDS + 1):
        for name, words in commands.items():
            start = time.perf_counter()
            subprocess.run(words, check=True, capture_output=True)
            taken[name].append(time.perf_counter() - start)
    medians = {name: median(seconds[1:]) for name, seconds in taken.items()}
    torch = medians.pop("import torch", None)
    for name, seconds in medians.items():
        share = f", {seconds / torch:.2f} of it" if torch else ""
        promised = "at most 0.25 of `import torch`" if name.startswith("nasdsl") else ""
        yield f"the process `{name}`", promised, f"{1e3 * seconds:.0f} ms{share}"
    if torch:
        yield 'the process `python -c "import torch"`', "", f"{1e3 * torch:.0f} ms"


# -- a large file ---------------------------------------------------------------------------

_MEASURED = """
import resource, sys, time
from nasdsl.errors import Source
from nasdsl.loading import analyse
text = open(sys.argv[1], encoding="utf-8").read()
start = time.process_time()
analysis = analyse(Source("large.cell", text))
seconds = time.process_time() - start
assert analysis.space and not analysis.diagnostics
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def _large_file() -> Iterator[Row]:
    taken = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.cell"
        for blocks in (BLOCKS // 4, BLOCKS):
            path.write_text(_chain(blocks), encoding="utf-8")
            runs = [
                subprocess.run(
                    [sys.executable, "-c", _MEASURED, path],
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout.split()
                for _ in range(3)
            ]
            taken[blocks] = median(float(seconds) for seconds, _ in runs)
        peak = max(int(megabytes) for _, megabytes in runs)
    yield (
        f"check a file of 1 MB with {BLOCKS:,} blocks",
        "linear time, under 5 s, under 500 MB",
        f"{taken[BLOCKS]:.2f} s ({taken[BLOCKS] / taken[BLOCKS // 4]:.1f} times the time for a "
        f"quarter of the file), {peak} MB",
    )


def _chain(blocks: int) -> str:
    lines = [
        f"    b{k} = (h[i], {f'b{k - 1}' if k else 'h[i]'}, sep_conv_3x3, identity, add)"
        f"  # block {k}, with a comment of some length\n"
        for k in range(blocks)
    ]
    return f"genotype large\nops nasnet\ncell normal {{\n{''.join(lines)}}}\n"


# -- other samplers ---------------------------------------------------------------------------


def _other_samplers() -> Iterator[Row]:
    space = nasdsl.load_space("nasnet_space")
    decisions = [
        [str(option) for option in options]
        for cell in space.cells
        for block in cell.blocks
        for options in block.decisions
    ]
    own = DRAWS / _seconds(lambda: list(_drawn_texts(DRAWS)))
    for name, per_second in (
        ("pyglove", _pyglove(decisions)),
        ("optuna", _optuna(decisions)),
    ):
        if per_second is not None:
            named = f"{name} {version(name)}, its random sampler"
            yield named, f"{per_second:,.0f}", f"{own / per_second:,.0f} times"


def _pyglove(decisions: list[list[str]]) -> float | None:
    if find_spec("pyglove") is None:
        return None
    import pyglove

    space = pyglove.Dict({f"d{k}": pyglove.oneof(names) for k, names in enumerate(decisions)})
    draws = 20
    return draws / _seconds(lambda: list(islice(pyglove.random_sample(space), draws)))


def _optuna(decisions: list[list[str]]) -> float | None:
    if find_spec("optuna") is None:
        return None
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))

    def draw() -> None:
        for _ in range(100):
            trial = study.ask()
            for k, names in enumerate(decisions):
                trial.suggest_categorical(f"d{k}", names)
            study.tell(trial, 0.0)

    return 100 / _seconds(draw)


if __name__ == "__main__":
    main()
