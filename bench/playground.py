"""How soon the playground is there, and how soon it answers a key.

python -m bench.playground --rounds 5

It needs `make playground` and a Chromium. Each round is a new browser with an empty cache, and the
files come from this machine. A load is from the navigation to the first drawing of NASNet-A; a key
is from the change of the text to the findings, and to the drawing, in the page. Processor time is
that of all processes of the browser together; of a key it is a mean, and has what moves the cursor.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

PLAYGROUND = Path(__file__).parents[1] / "playground"
#: What there is to see, in milliseconds.
GOALS = {"shown": 5_000, "findings": 50, "drawing": 50}
ROWS = (
    ("loads", "python", "Python is ready"),
    ("loads", "shown", "the first drawing"),
    ("loads", "processor", "the same in processor time"),
    ("keys", "findings", "a key to findings"),
    ("keys", "drawing", "a key to the drawing"),
    ("keys", "processor", "a key in processor time"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args()
    dist = PLAYGROUND / "dist"
    if given.chromium is None or not dist.is_dir():
        sys.exit("it needs a Chromium (--chromium PATH), and what `make playground` builds")
    command = ["node", str(PLAYGROUND / "test" / "measure.mjs")]
    ran = subprocess.run(
        [*command, given.chromium, str(dist), str(given.rounds)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    sizes = [path.stat().st_size for path in dist.rglob("*") if path.is_file()]
    print(f"{len(sizes)} files, {sum(sizes) / 1e6:.1f} MB; load average {os.getloadavg()[0]:.1f}\n")
    print("| from a cold cache | median | slowest | goal |")
    print("|---|---|---|---|")
    for kind, name, what in ROWS:
        _print_row(what, [each[name] for each in found[kind]], GOALS.get(name))


def _print_row(what: str, times: list[float], goal: int | None) -> None:
    said = f"{goal:,} ms" if goal else ""
    print(f"| {what} | {median(times):,.0f} ms | {max(times):,.0f} ms | {said} |")


if __name__ == "__main__":
    main()
