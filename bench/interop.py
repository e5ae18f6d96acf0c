"""Measure how long it takes to refuse hostile texts and to convert real ones.

    python -m bench.interop

Prints the table of `docs/benchmarks.md`. Figures are medians of 21 rounds, in processor time.
"""

import statistics
import time
from collections.abc import Callable

import nasdsl
from nasdsl import interop

ROUNDS = 21
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n"
    for old, new in zip("abcdef", "bcdefg", strict=True)
)


def refused(text: str, format: str) -> Callable[[], None]:
    def run() -> None:
        try:
            interop.read(text, format)
        except nasdsl.CellError:
            return
        raise AssertionError("the text was read")

    return run


def milliseconds(run: Callable[[], object]) -> float:
    run()
    taken = []
    for _ in range(ROUNDS):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return 1000 * statistics.median(taken)


def main() -> None:
    darts = interop.write(nasdsl.load("darts_v2"), "darts").text
    document = interop.write(nasdsl.load("nasnet_a"), "yaml").text
    rows = {
        f"a YAML bomb of {len(BOMB)} bytes": (refused(BOMB, "yaml"), "100 ms"),
        "2,000 nested brackets, Python": (refused("[" * 2000, "darts"), "100 ms"),
        "2,000 nested brackets, YAML": (refused("[" * 2000, "yaml"), "100 ms"),
        "1 MB of nested brackets": (refused("[({" * 333_000, "nni"), "100 ms"),
        "DARTS_V2 to text": (lambda: nasdsl.genotype_text(interop.read(darts).genotypes[0]), ""),
        "NASNet-A from YAML": (lambda: interop.read(document, "yaml"), ""),
    }
    print("| what | limit | measured |\n| --- | --- | --- |")
    for what, (run, promised) in rows.items():
        print(f"| {what} | {promised} | {milliseconds(run):.2f} ms |")


if __name__ == "__main__":
    main()
