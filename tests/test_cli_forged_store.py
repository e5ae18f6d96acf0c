"""Stores that were changed by hand: they write, print and run nothing that they should not."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

import nasdsl
from nasdsl.cli.search_view import LiveView, Pace
from nasdsl.report.visible import visible
from nasdsl.search.loop import Event
from nasdsl.search.settings import SearchSettings
from nasdsl.search.store import Counts, Store, Trial
from nasdsl.search.store.records import Outcome, Proposal
from tests.cli_run import Run, runner

TEXT = nasdsl.genotype_text(nasdsl.load("nasnet_a"))
HASH = nasdsl.canonical_hash(nasdsl.load("nasnet_a"))


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("search", ...)` in a folder of its own, deep enough to climb out of."""
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    return runner(capfd, monkeypatch)


@pytest.fixture
def store(run: Run) -> Path:
    """A store with one network that has a reward."""
    path = Path("s.db")
    opened = Store(path)
    with opened.transaction():
        opened.put_settings({"algorithm": "random", "evaluator": "e", "seed": 1, "trials": 1})
        opened.propose(0, [Proposal(TEXT, HASH)])
        (lease,) = opened.claim(1, "me")
        opened.settle(Outcome(lease.key, 0, reward=0.5))
    opened.close()
    return path


def forge(path: Path, **values: object) -> None:
    """Put these into the only trial."""
    with closing(sqlite3.connect(path)) as rows, rows:
        for name, value in values.items():
            rows.execute(f"UPDATE trial SET {name} = ?", (value,))


def files(folder: Path) -> set[str]:
    """Every file and folder below `folder`, except what belongs to the store itself."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    return {name for name in found if not Path(name).name.startswith("s.db")}


FORGED: dict[str, dict[str, Any]] = {
    "a path upwards": {"hash": "../../../x"},
    "an absolute path": {"hash": "/ABSOLUTE/x"},
    "a NUL": {"hash": "a\0b"},
    "nothing": {"hash": ""},
    "a dot": {"hash": "."},
    "bytes": {"hash": b"../../x"},
    "an escape": {"hash": "\x1b]0;x\x07"},
    "a hash of something else": {"hash": "0123456789abcdef"},
    "another network": {"text": nasdsl.genotype_text(nasdsl.load("darts_v1"))},
    "a text that is none": {"text": "rm -rf \x1b[2J"},
    "a text of bytes": {"text": b"\0\xff"},
    "a reward in words": {"reward": "\x1b[2Jmuch"},
    "an endless reward": {"reward": float("inf")},
    "parameters in words": {"params": "\x1b[2Jmany"},
}
ACTIONS = {
    "finish": "finish s.db --top 1 --recipe quick --set epochs=1 --N 1 --filters 4 --out o/p/q",
    "top": "top s.db",
    "top -o": "top s.db -o o/p/q",
    "status": "status s.db",
}


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("case", FORGED)
def test_a_forged_trial_is_refused(
    case: str, action: str, store: Path, run: Run, tmp_path: Path
) -> None:
    """One diagnostic, and no file inside or outside the output folder."""
    values = {
        name: value.replace("/ABSOLUTE", os.fspath(tmp_path)) if isinstance(value, str) else value
        for name, value in FORGED[case].items()
    }
    forge(store, **values)
    before = files(tmp_path)
    ran = run("search", *ACTIONS[action].split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.count("error[") == ran.err.count("error[NAS865]") == 1, ran.err
    assert files(tmp_path) == before
    assert "\x1b" not in ran.err


@pytest.mark.parametrize("case", [case for case in FORGED if "hash" in FORGED[case]])
@pytest.mark.parametrize("out", ["t.csv", "t.db"])
def test_a_forged_hash_is_not_exported(case: str, out: str, store: Path, run: Run) -> None:
    """Tables say nothing of a hash that is not one; whose it is, is not looked up for each row."""
    if out == "t.db":
        pytest.importorskip("optuna")
    forge(store, **FORGED[case])
    ran = run("search", "export", "s.db", out)
    is_hash = FORGED[case]["hash"] == "0123456789abcdef"
    assert (ran.code, Path(out).exists()) == ((0, True) if is_hash else (2, False)), ran.err
    assert ("NAS865" in ran.err) != is_hash


ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b1m\u202e$x_{$"


def forge_settings(path: Path) -> None:
    """Put terminal escapes and an unfinished formula into every setting that is shown."""
    with closing(sqlite3.connect(path)) as rows, rows:
        for key in ("algorithm", "evaluator", "seed", "trials"):
            rows.execute("UPDATE search SET value = ? WHERE key = ?", (json.dumps(ESCAPES), key))


def test_status_prints_no_escapes(store: Path, run: Run) -> None:
    """Every setting is shown with its escapes spelt out."""
    forge_settings(store)
    ran = run("search", "status", "s.db")
    assert ran.code == 0, ran.err
    assert ran.out.count(visible(ESCAPES)) == 4
    assert ran.out.replace("\n", "").isprintable()


def test_top_prints_no_escapes(store: Path, run: Run) -> None:
    """A comment does not change a hash, and may not reach the terminal as it is either."""
    forge(store, text=f"{TEXT}# \u202e\u200b\n")
    ran = run("search", "top", "s.db")
    assert ran.out.replace("\n", "").isprintable()


def test_plots_draw_names_as_text(store: Path, run: Run) -> None:
    """Dollars and braces are no formula, and controls do not get into the picture."""
    pytest.importorskip("matplotlib")
    forge_settings(store)
    ran = run("search", "plot", "s.db", "-o", "f.svg")
    assert ran.code == 0, ran.err
    picture = Path("f.svg").read_text()
    assert "\x1b" not in picture
    assert "x_{$" in picture
    shutil.copy("s.db", "a$b_{$.db")
    assert run("search", "plot", "a$b_{$.db", "-o", "g.svg").code == 0


def test_the_live_view_shows_no_escapes() -> None:
    """Failures and names are shown with their escapes spelt out."""
    failed = Trial(
        *(0, TEXT, HASH, "failed", None, 1, None, "w", 0.0, 0.0, 1.0, 1.0, None, (), None, None),
        failure=ESCAPES,
    )
    space = replace(nasdsl.load_space("nasnet_a"), name=ESCAPES)
    view = object.__new__(LiveView)  # one that starts no terminal
    view.settings = SearchSettings(space=space, store=Path("s.db"), algorithm=ESCAPES)
    view.pace, view.rewards, view.failures = Pace(view.settings), [], []
    view.live = Live(console=Console(file=StringIO()))
    view.tell(Event("trials", Counts(failed=1), None, (failed,), 1))
    written = StringIO()
    Console(file=written, width=400, color_system=None).print(view.live.renderable)
    shown = written.getvalue()
    assert shown.count(visible(ESCAPES)) == 3
    assert shown.replace("\n", "").isprintable()


def test_the_store_as_it_was_is_accepted(store: Path, run: Run) -> None:
    """What is refused above is refused for what was forged."""
    assert HASH in run("search", "status", "s.db").out
    assert run("search", "top", "s.db", "-o", "best").code == 0
    assert nasdsl.canonical_hash(nasdsl.load("best/001.cell")) == HASH
