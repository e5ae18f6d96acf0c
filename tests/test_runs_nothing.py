"""Working folders from others: nothing in them is run unless it was asked for by name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nasdsl
from nasdsl.api import bench
from nasdsl.search.engines.processes import python, python_environment
from nasdsl.train import execution
from nasdsl.train.execution import git_state

MARKS = """\
from pathlib import Path
Path({mark!r}).touch()
raise RuntimeError("not the module that was meant")
"""


@pytest.fixture
def mark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there once a module of the working folder has run."""
    folder, mark = tmp_path / "work", tmp_path / "mark"
    folder.mkdir()
    for name in ("random", "runpy", "json", "torch", "pickle"):
        (folder / f"{name}.py").write_text(MARKS.format(mark=str(mark)))
    monkeypatch.chdir(folder)
    return mark


@pytest.mark.parametrize("on_path", [False, True])
def test_workers_run_nothing_of_the_working_folder(
    on_path: bool, mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where this process would: `python -m nasdsl` has the working folder on its path."""
    if on_path:
        monkeypatch.syspath_prepend(str(Path.cwd()))
    ran = subprocess.run(
        python("-c", "import random, json, nasdsl.search.engines.worker"),
        env=python_environment(),
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, mark.exists()) == (0, False), ran.stderr


def test_benchmarks_run_nothing_of_the_working_folder(
    mark: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their processes are started by Python itself, which would look there."""
    monkeypatch.setattr(bench, "serve", print)
    started = bench.in_a_process(bench.Contender("nasnet_a", "eager"))
    with started as connection, pytest.raises(EOFError):
        connection.recv()
    assert not mark.exists()
    assert "PYTHONSAFEPATH" not in os.environ


def test_the_check_of_an_export_runs_nothing_of_the_working_folder(mark: Path) -> None:
    """The `.py` file is run on the PyTorch that is installed."""
    pytest.importorskip("torch")
    net = nasdsl.compile(nasdsl.load("nasnet_a"), N=1, filters=24, stem="cifar")
    nasdsl.export.write(net, "net.py")
    assert (Path("net.py").exists(), mark.exists()) == (True, False)


def test_git_runs_nothing_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its monitor of files nor the filters that it sets for them."""

    def git(*words: str) -> None:
        who = ("-c", "user.name=n", "-c", "user.email=n@example.org")
        subprocess.run(["git", *who, *words], check=True, capture_output=True)

    folder, mark = tmp_path / "work", tmp_path / "mark"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init")
    Path("a.txt").write_text("a")
    Path(".gitattributes").write_text("*.txt filter=f\n")
    git("add", ".")
    git("commit", "-m", "first")
    assert (git_state() or {})["changed"] is False
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\n")
    program.chmod(0o755)
    for key in ("core.fsmonitor", "filter.f.clean", "filter.f.process"):
        git("config", key, str(program))
    git("config", "filter.f.required", "true")
    Path("a.txt").write_text("b")
    assert (git_state() or {})["changed"] is True
    assert not mark.exists()
    if sys.platform == "linux":
        # Names that are no UTF-8, as a repository may want them to be written.
        git("config", "core.quotepath", "false")
        Path(os.fsdecode(b"ol\xe9.txt")).write_text("c")
        assert (git_state() or {})["changed"] is True
    # Where git does not say it, it is not known.
    ask = execution._git
    monkeypatch.setattr(
        execution, "_git", lambda *words: None if "status" in words else ask(*words)
    )
    assert (git_state() or {"changed": False})["changed"] is None
