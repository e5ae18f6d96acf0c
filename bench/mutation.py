"""Change the code in small ways, and see whether the tests notice.

    pip install cosmic-ray        # or `uv sync --group mutation`
    python -m bench.mutation --mutants 200 --seed 0 --out bench/tables/mutation.csv

The mutations are those of cosmic-ray: another operator, comparison, number or truth value, no
iteration, another exception, a decorator less. A seeded sample of the places that can be mutated
is drawn, and one mutation of each. Every mutant is tested in a clone of the checkout, in a process
of its own, with the tests of `TARGETS` and nothing else. It counts as noticed if they fail or hang.

Rows are appended as they are known, and an interrupted run continues where it stopped.
`--survivors` tests again those that the table says nobody noticed, once there are new tests.

Non-goals: annotations, and the options of `@dataclass`, which no test should have to notice.
"""

import argparse
import ast
import csv
import difflib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random
from typing import Any

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

ROOT = Path(__file__).parent.parent

#: What is mutated, and the tests that should notice, the likeliest first.
TARGETS = {
    "nasdsl/network/cost.py": (
        "tests/test_cost.py",
        "tests/test_library_counts.py",
        "tests/test_network_random.py",
    ),
    "nasdsl/canonical/*.py": ("tests/test_canonical.py", "tests/test_function_form.py"),
    "nasdsl/passes/*.py": ("tests/test_passes.py", "tests/test_optimize.py"),
    "nasdsl/skeletons/*.py": (
        "tests/test_network_wiring.py",
        "tests/test_network_skeleton.py",
        "tests/test_library_counts.py",
        "tests/test_nasbench201.py",
    ),
    "nasdsl/train/optimizer.py": ("tests/test_train_optimizers.py", "tests/test_train_recipes.py"),
    "nasdsl/search/store/*.py": (
        "tests/test_search_store.py",
        "tests/test_search_exporting.py",
        "tests/test_search_loop.py",
        "tests/test_cli_forged_store.py",
    ),
    "nasdsl/language/printer/*.py": ("tests/test_format.py",),
}
#: Slow, and others notice the same.
LEFT_OUT = "not never_more and not ten_thousand and not networkx"
#: Operators with arguments of their own, and the one that changes nothing.
_UNUSED = ("NoOp", "VariableInserter", "VariableReplacer")
#: Imported once, before the processes are forked. Nothing of nasdsl may be among them.
_HEAVY = ("torch", "networkx", "lark", "pytest", "hypothesis", "hypothesis.strategies")
#: Hypothesis is among them, and pytest would have rewritten its assertions.
_IMPORTED = "ignore::pytest.PytestAssertRewriteWarning"
#: Seconds that only a mutant that hangs can take.
_DEADLINE = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """One small change: an occurrence of what a cosmic-ray operator changes in a file."""

    file: str
    line: int
    operator: str
    occurrence: int

    def text(self) -> str:
        """The text of the file with the change."""
        operator = get_operator(self.operator)()
        changed = mutate_code((ROOT / self.file).read_text("utf-8"), operator, self.occurrence)
        assert isinstance(changed, str)
        return changed

    def diff(self) -> str:
        """The lines that go, and those that come."""
        lines = (ROOT / self.file).read_text("utf-8").splitlines()
        found = difflib.unified_diff(lines, self.text().splitlines(), lineterm="", n=0)
        return "\n".join(line for line in list(found)[2:] if not line.startswith("@@"))


#: A mutant, whether a test noticed it, and its diff.
Row = tuple[Mutant, bool, str]


def tests_of(file: str) -> Sequence[str]:
    """The tests that should notice a change of a file."""
    return next(tests for pattern, tests in TARGETS.items() if Path(file).match(pattern))


def sample(count: int, seed: int) -> list[Mutant]:
    """So many mutants at different places, in random order; all places if there are fewer."""
    random = Random(seed)
    files = sorted(path for pattern in TARGETS for path in ROOT.glob(pattern))
    places = [place for path in files for place in _places(path)]
    return [random.choice(place) for place in random.sample(places, min(count, len(places)))]


def _places(path: Path) -> list[list[Mutant]]:
    """The mutants of each place of a file."""
    text = path.read_text("utf-8")
    tree, spared = get_ast(text), _spared_places(text)
    places: dict[tuple[tuple[int, int], str], list[Mutant]] = {}
    for name in operator_names():
        if name.endswith(_UNUSED):
            continue
        operator, occurrence = get_operator(name)(), 0
        for node in ast_nodes(tree):
            for start, _ in operator.mutation_positions(node):
                if start not in spared:
                    kind = name.split("_")[0]
                    mutant = Mutant(str(path.relative_to(ROOT)), start[0], name, occurrence)
                    places.setdefault((start, kind), []).append(mutant)
                occurrence += 1
    return [places[key] for key in sorted(places)]


def _spared_places(text: str) -> set[tuple[int, int]]:
    """Every (line, column) inside an annotation or a call of `dataclass`."""
    spared: list[ast.expr] = []
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.AnnAssign():
                spared.append(node.annotation)
            case ast.arg() if node.annotation:
                spared.append(node.annotation)
            case ast.FunctionDef() if node.returns:
                spared.append(node.returns)
            case ast.ClassDef():
                spared += node.decorator_list
    lines = [line.encode() for line in text.splitlines()]
    return {
        (line, column)
        for node in spared
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
        for column in range(
            # A decorator's mutation starts at its `@`.
            node.col_offset - 1 if line == node.lineno else 0,
            (node.end_col_offset or 0) if line == node.end_lineno else len(lines[line - 1]),
        )
    }


def clone(folder: Path) -> None:
    """Copy what git knows and what it would add, and compile it."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    subprocess.run([sys.executable, "-m", "compileall", "-q", "nasdsl"], cwd=folder, check=True)


def is_noticed(mutant: Mutant, folder: Path) -> bool:
    """Whether the tests of a mutant's file fail with it, in a clone."""
    path = folder / mutant.file
    original = path.read_text("utf-8")
    # Compiled code is known by seconds and size, and two mutants may have both in common.
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    path.write_text(mutant.text(), "utf-8")
    try:
        # One file after another: most mutants fall to the first.
        return not all(passes([tests], folder) for tests in tests_of(mutant.file))
    finally:
        path.write_text(original, "utf-8")


def passes(tests: Sequence[str], folder: Path) -> bool:
    """Whether these tests pass in a clone, in time."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _tested(tests, folder)
        finally:
            os._exit(code)
    try:
        return os.waitpid(child, 0)[1] == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the tests have started


class _WithoutShrinking:
    """A plugin of pytest. Whether a test fails is all that counts."""

    def pytest_sessionstart(self) -> None:
        """Replace the settings of `tests/conftest.py`, which has been read by now."""
        from hypothesis import HealthCheck, Phase, settings

        settings.register_profile(
            "mutation",
            max_examples=40,
            deadline=None,
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow],
        )
        settings.load_profile("mutation")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Let single examples come before hypothesis, which takes longer."""
        items.sort(key=lambda item: getattr(item.obj, "is_hypothesis_test", False))


def _tested(tests: Sequence[str], folder: Path) -> int:
    """Pytest's exit status; in a process of its own."""
    import pytest

    os.setsid()
    signal.alarm(_DEADLINE)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join((str(folder), str(folder / "backends")))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(ROOT))]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-k", LEFT_OUT, "-W", _IMPORTED]
    return pytest.main([*options, *tests], plugins=[_WithoutShrinking()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "bench/tables/mutation.csv")
    parser.add_argument("--survivors", action="store_true", help="test the survivors again")
    parser.add_argument("--part", default="0/1", help="1/2: the second half of the sample")
    parser.add_argument("--limit", type=int, help="stop after so many tests")
    given = parser.parse_args()
    rows = _rows(given.out) if given.out.exists() else []
    if given.survivors:
        wanted = [mutant for mutant, is_killed, _ in rows if not is_killed]
        rows = [row for row in rows if row[1]]
    else:
        done = {mutant for mutant, _, _ in rows}
        part, parts = map(int, given.part.split("/"))
        drawn = sample(given.mutants, given.seed)[part::parts]
        wanted = [mutant for mutant in drawn if mutant not in done]
    for name in _HEAVY:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clone(folder)
        tested = wanted[: given.limit]
        for tests in dict.fromkeys(tests_of(mutant.file) for mutant in tested if not rows):
            start = time.monotonic()
            if not passes(tests, folder):
                sys.exit(f"these tests fail without a mutation: {' '.join(tests)}")
            print(
                f"{time.monotonic() - start:.1f} s without a mutation: {' '.join(tests)}",
                flush=True,
            )
        for number, mutant in enumerate(tested):
            start = time.monotonic()
            is_killed = is_noticed(mutant, folder)
            rows.append((mutant, is_killed, mutant.diff()))
            # The survivors that have not been tested yet stay in the table.
            rest = [(each, False, each.diff()) for each in wanted[number + 1 :]]
            _write(given.out, rows + rest if given.survivors else rows)
            word = "noticed" if is_killed else "SURVIVES"
            seconds = time.monotonic() - start
            print(
                f"{word} {mutant.file}:{mutant.line} {mutant.operator} ({seconds:.1f} s)",
                flush=True,
            )
    for line in score(rows):
        print(line)


def score(rows: Sequence[Row]) -> list[str]:
    """How many mutants of each target were noticed, and of all."""
    lines = []
    for pattern in (*TARGETS, "**/*.py"):
        found = [is_killed for mutant, is_killed, _ in rows if Path(mutant.file).match(pattern)]
        if found:
            share = sum(found) / len(found)
            lines.append(f"{pattern:32} {sum(found):4} of {len(found):4} noticed, {share:.1%}")
    return lines


def _rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            (
                Mutant(row["file"], int(row["line"]), row["operator"], int(row["occurrence"])),
                row["noticed"] == "yes",
                row["diff"],
            )
            for row in csv.DictReader(file)
        ]


def _write(path: Path, rows: Sequence[Row]) -> None:
    """The whole table, in the order of the files."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "line", "operator", "occurrence", "noticed", "diff"))
        for mutant, is_killed, diff in sorted(rows, key=lambda row: astuple(row[0])):
            writer.writerow((*astuple(mutant), "yes" if is_killed else "no", diff))


if __name__ == "__main__":
    main()
