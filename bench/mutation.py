"""Change the code in small ways, and see whether the tests notice.

    pip install cosmic-ray coverage        # or `uv sync --group mutation`
    python -m bench.mutation --mutants 400 --seed 0 --out bench/tables/mutation.csv

A seeded sample of the places that can be mutated is drawn, and one mutation of each
(`bench/mutants.py`). First the tests of `TARGETS` run once as they are, and coverage.py notes which
test executes which line. Then every mutant is tested in a clone of the checkout, in a process of
its own, by the tests that execute the lines it changes, the quick ones first, until one fails. A
mutant is noticed if a test fails or does not end.

Rows are appended as they are known, and an interrupted run continues where it stopped. What
coverage.py found is kept in `.mutation/` until the code or the tests change. `--survivors` tests
those again that nobody noticed, with more tests and those that are new. A survivor that computes
the same has the reason in the column `equivalent`, which is written by hand.
"""

import argparse
import csv
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from bench.mutants import ROOT, Mutant, sample

#: What is mutated, and the tests that should notice: those that every mutant meets, the likeliest
#: first, and those that only survivors meet.
TARGETS = {
    "nasdsl/network/cost.py": (
        ("tests/test_cost.py", "tests/test_library_counts.py"),
        ("tests/test_network_random.py",),
    ),
    "nasdsl/canonical/*.py": (
        (
            "tests/test_canonical.py",
            "tests/test_function_form.py",
            "tests/test_explanation.py",
        ),
        (),
    ),
    "nasdsl/passes/*.py": (
        ("tests/test_passes.py",),
        ("tests/test_optimize.py", "tests/test_torch_passes.py"),
    ),
    "nasdsl/skeletons/*.py": (
        (
            "tests/test_network_wiring.py",
            "tests/test_network_skeleton.py",
            "tests/test_library_counts.py",
            "tests/test_nasbench201.py",
        ),
        (
            "tests/test_skeletons.py",
            "tests/test_settings.py",
            "tests/test_equality_darts.py",
            "tests/test_equality_enas.py",
            "tests/test_torch_module.py",
        ),
    ),
    "nasdsl/train/optimizer.py": (
        ("tests/test_train_optimizers.py", "tests/test_train_recipes.py"),
        (),
    ),
    "nasdsl/search/store/*.py": (
        ("tests/test_search_store.py", "tests/test_search_exporting.py"),
        (
            "tests/test_search_loop.py",
            "tests/test_cli_forged_store.py",
            "tests/test_store_fuzz.py",
            "tests/test_search_same.py",
            "tests/test_search_fidelity.py",
        ),
    ),
    "nasdsl/language/printer/*.py": (("tests/test_format.py",), ()),
}
#: Slow, and others notice the same.
LEFT_OUT = "not many_layouts and not ten_thousand and not networkx"
#: Imported once, before the processes are forked. Nothing of nasdsl may be among them.
_HEAVY = ("torch", "networkx", "lark", "pytest", "hypothesis", "hypothesis.strategies")
#: Hypothesis is among them, and pytest would have rewritten its assertions.
_IMPORTED = "ignore::pytest.PytestAssertRewriteWarning"
#: Seconds of processor time, and on the clock, that only what never ends can take.
_PROCESSOR, _DEADLINE = 60.0, 900
#: Seconds. Tests that take longer come after all others; only survivors meet the slowest.
_QUICK, _SLOW = 0.2, 1.5


@dataclass(slots=True)
class Row:
    """A mutant, whether the tests noticed it (`yes`, `hangs`, `no`), and what was said of it."""

    mutant: Mutant
    noticed: str
    diff: str
    equivalent: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by in the next version of the code, too."""
        return self.mutant.file, self.mutant.operator, self.diff


@dataclass(frozen=True, slots=True)
class Tests:
    """The files of tests of a target, and the seconds and lines of each test."""

    files: Sequence[str]
    seconds: dict[str, float]
    #: For each line of a file, the tests that execute it. "" stands for all of them: what an
    #: import executes, or a fixture that several tests share.
    lines: dict[str, dict[int, list[str]]]

    def quick(self) -> "Tests":
        """Without those that only survivors meet."""
        kept = {test: taken for test, taken in self.seconds.items() if taken <= _SLOW}
        return replace(self, seconds=kept)

    def of(self, mutant: Mutant) -> dict[str, float]:
        """The tests that execute a mutant's lines, with the seconds of each."""
        lines = self.lines.get(mutant.file, {})
        found = {test for line in mutant.lines() for test in lines.get(line, ())}
        taken = self.seconds.items()
        return {test: seconds for test, seconds in taken if "" in found or test in found}


def target(file: str) -> str:
    """The pattern of `TARGETS` that a file is of."""
    return next(pattern for pattern in TARGETS if Path(file).match(pattern))


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


def fate(mutant: Mutant, tests: Tests, folder: Path) -> str:
    """Whether tests notice a mutant in a clone: `yes`, `hangs` or `no`."""
    path = folder / mutant.file
    original = path.read_text("utf-8")
    # Compiled code is known by seconds and size, and two mutants may have both in common.
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
        compiled.unlink()
    path.write_text(mutant.text(), "utf-8")
    try:
        status = _status(tests.files, folder, _Chosen(tests.files, tests.of(mutant)))
    finally:
        path.write_text(original, "utf-8")
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM):
        return "hangs"
    # 5 is pytest's status where there is no test.
    return "no" if os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 5) else "yes"


def measured(files: Sequence[str], pattern: str, folder: Path) -> Tests:
    """Run tests as they are; which lines of a target each executes, and its seconds."""
    read = [*sorted((ROOT / "nasdsl").rglob("*.py")), *(ROOT / file for file in files)]
    digest = sha256(
        b"\0".join([pattern.encode(), *(path.read_bytes() for path in read)])
    ).hexdigest()
    path = ROOT / ".mutation" / f"{digest}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        if _status(files, folder, _Covered(folder, pattern, path)) != 0:
            sys.exit(f"these tests fail without a mutation: {' '.join(files)}")
    found = json.loads(path.read_text())
    lines = {
        file: {int(line): names for line, names in lines.items()}
        for file, lines in found["lines"].items()
    }
    return Tests(files, found["seconds"], lines)


def _status(tests: Sequence[str], folder: Path, plugin: "_Plugin") -> int:
    """The status of a process in which these tests run in a clone."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _tested(tests, folder, plugin)
        finally:
            os._exit(code)
    try:
        return os.waitpid(child, 0)[1]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # what the tests have started


def _tested(tests: Sequence[str], folder: Path, plugin: "_Plugin") -> int:
    """Pytest's exit status; in a process of its own."""
    os.setsid()
    signal.alarm(_DEADLINE)
    signal.setitimer(signal.ITIMER_PROF, _PROCESSOR)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = os.pathsep.join((str(folder), str(folder / "backends")))
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sys.path[:] = [entry for entry in sys.path if entry not in ("", str(ROOT))]
    options = ["-x", "-q", "-p", "no:cacheprovider", "-W", _IMPORTED, *plugin.options]
    return pytest.main([*options, *tests], plugins=[plugin])


class _Plugin:
    """A plugin of pytest: fewer examples and no shrinking, because only a failure counts."""

    options: tuple[str, ...] = ()

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


class _Chosen(_Plugin):
    """Runs the tests that were chosen, the quick ones of each file first."""

    def __init__(self, files: Sequence[str], chosen: dict[str, float]) -> None:
        self._files, self._chosen = list(files), chosen

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Choose and sort."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        items[:] = [item for item in items if item.nodeid in self._chosen]
        items.sort(key=lambda item: self._order(item.nodeid))

    def _order(self, test: str) -> tuple[bool, int, float]:
        seconds = self._chosen[test]
        return seconds > _QUICK, self._files.index(test.partition("::")[0]), seconds

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Give each test processor time that only a hang takes: far more than it took."""
        signal.setitimer(signal.ITIMER_PROF, 5 + 10 * self._chosen[nodeid])


class _Covered(_Plugin):
    """Notes the seconds of each test, and the lines of a target that it executes."""

    options = ("-k", LEFT_OUT)

    def __init__(self, folder: Path, pattern: str, out: Path) -> None:
        import coverage

        self._folder, self._out = folder, out
        self._seconds: dict[str, float] = {}
        self._test = ""
        self._coverage = coverage.Coverage(
            data_file=None, include=[str(folder / pattern)], config_file=False
        )

    def pytest_sessionstart(self) -> None:
        """Begin, before anything of nasdsl is imported."""
        super().pytest_sessionstart()
        signal.setitimer(signal.ITIMER_PROF, 0)
        self._coverage.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """What is executed from now on is a test's."""
        self._test = nodeid
        self._coverage.switch_context(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Add the seconds of a set-up, a call or a clean-up."""
        self._seconds[report.nodeid] = self._seconds.get(report.nodeid, 0.0) + report.duration

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """What a fixture of several tests executes is everybody's."""
        shared = fixturedef.scope != "function"
        if shared:
            self._coverage.switch_context("")
        yield
        if shared:
            self._coverage.switch_context(self._test)

    def pytest_sessionfinish(self) -> None:
        """Write down what was found."""
        self._coverage.stop()
        data = self._coverage.get_data()
        lines = {
            Path(file).relative_to(self._folder).as_posix(): data.contexts_by_lineno(file)
            for file in data.measured_files()
        }
        self._out.write_text(json.dumps({"seconds": self._seconds, "lines": lines}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=ROOT / "bench/tables/mutation.csv")
    parser.add_argument("--survivors", action="store_true", help="test the survivors again")
    parser.add_argument("--limit", type=int, help="stop after so many tests")
    parser.add_argument("--only", default="*", help="of the sample, what is in files like this")
    given = parser.parse_args()
    # As an exception, so that tests in another session end too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    rows = _current(_rows(given.out)) if given.out.exists() else []
    if given.survivors:
        wanted = [row for row in rows if row.noticed == "no" and not row.equivalent]
    else:
        paths = sorted(path for pattern in TARGETS for path in ROOT.glob(pattern))
        drawn = [Row(each, "no", each.diff()) for each in sample(paths, given.mutants, given.seed)]
        wanted = [row for row in _untested(drawn, rows) if fnmatch(row.mutant.file, given.only)]
        rows += wanted
    for name in _HEAVY:
        importlib.import_module(name)
    waiting = wanted[: given.limit]
    untested = {id(row) for row in wanted} if not given.survivors else set()
    known: dict[str, Tests] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        clone(folder)
        for row in waiting:
            pattern = target(row.mutant.file)
            if pattern not in known:
                quick, more = TARGETS[pattern]
                files = (*quick, *more) if given.survivors else quick
                found = measured(files, pattern, folder)
                known[pattern] = found if given.survivors else found.quick()
                seconds = sum(known[pattern].seconds.values())
                print(f"{pattern}: {seconds:.1f} s without a mutation", flush=True)
            start = time.monotonic()
            row.noticed = fate(row.mutant, known[pattern], folder)
            untested.discard(id(row))
            _write(given.out, [each for each in rows if id(each) not in untested])
            words = row.mutant, f"{time.monotonic() - start:.1f} s"
            print({"no": "SURVIVES"}.get(row.noticed, row.noticed), *words, flush=True)
    for line in score([each for each in rows if id(each) not in untested]):
        print(line)


def _untested(drawn: Sequence[Row], rows: Sequence[Row]) -> Iterator[Row]:
    """What was drawn and is in no row; a change of the code may have moved what is in one."""
    done = {row.mutant for row in rows}
    left = Counter(row.key for row in drawn) - Counter(row.key for row in rows)
    for row in drawn:
        if row.mutant not in done and left[row.key] > 0:
            left[row.key] -= 1
            yield row


def score(rows: Sequence[Row]) -> list[str]:
    """How many mutants of each target that are not known to be equivalent were noticed."""
    lines = []
    for pattern in (*TARGETS, "**/*.py"):
        found = [row for row in rows if Path(row.mutant.file).match(pattern)]
        counted = [row.noticed != "no" for row in found if not row.equivalent]
        if counted:
            share = (
                f"{sum(counted):4} of {len(counted):4} noticed, {sum(counted) / len(counted):.1%}"
            )
            lines.append(f"{pattern:32} {share}, {len(found) - len(counted)} equivalent")
    return lines


def _current(rows: Sequence[Row]) -> list[Row]:
    """Those whose lines are still in the code."""
    found = []
    for row in rows:
        path = ROOT / row.mutant.file
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        gone = [line[1:] for line in row.diff.splitlines() if line.startswith("-")]
        if all(line in lines for line in gone):
            found.append(row)
    return found


def _rows(path: Path) -> list[Row]:
    with path.open(newline="") as file:
        return [
            Row(
                Mutant(row["file"], int(row["line"]), row["operator"], int(row["occurrence"])),
                row["noticed"],
                row["diff"],
                row["equivalent"],
            )
            for row in csv.DictReader(file)
        ]


def _write(path: Path, rows: Sequence[Row]) -> None:
    """The whole table, in the order of the files; the old one stays if this is interrupted."""
    beside = path.with_name(path.name + ".tmp")
    with beside.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "line", "operator", "occurrence", "noticed", "equivalent", "diff"))
        for row in sorted(rows, key=lambda row: (row.mutant.file, row.mutant.line, row.key)):
            of = row.mutant
            place = (of.file, of.line, of.operator, of.occurrence)
            writer.writerow((*place, row.noticed, row.equivalent, row.diff))
    os.replace(beside, path)


if __name__ == "__main__":
    main()
