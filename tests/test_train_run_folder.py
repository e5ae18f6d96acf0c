"""One training a folder: the lock of a run, which ends with its process."""

import errno
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="trains networks")
pytest.importorskip("accelerate", reason="training needs it")

import filelock

import nasdsl
from nasdsl.errors import CellError
from nasdsl.network.self_contained import network_text
from nasdsl.train import Execution, Fitted, Watcher
from nasdsl.train.planning import RunPlan
from nasdsl.train.run import train_run
from nasdsl.train.run_folder import Job, RunFolder
from tests.train_cases import network, short, splits

#: Holds the folder that the argument names until standard input ends.
HOLD = """
import sys
from nasdsl.train.run_folder import RunFolder
with RunFolder(sys.argv[1]).locked():
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def job() -> Job:
    return Job(network_text(network().graph), "noisy", short(epochs=1), 0, Execution("cpu"))


def _plan(job: Job) -> RunPlan:
    graph = nasdsl.compile(nasdsl.loads(job.network)).graph
    return RunPlan(job, graph, replace(splits(), name=job.data))


def _train(folder: RunFolder, job: Job, *watchers: Watcher) -> Fitted:
    return train_run(folder, _plan(job), tensorboard=False, watchers=watchers)


def _refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(CellError) as caught:
        call()
    (finding,) = caught.value.diagnostics
    return finding.code, finding.message


def _files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_two_trainings_in_one_folder(tmp_path: Path, job: Job) -> None:
    """The second is refused, by any name of the folder, and changes nothing; a kill frees it."""
    folder = RunFolder(tmp_path / "run")
    folder.create(job, ["nasdsl"])
    (tmp_path / "link").symlink_to(folder.path)
    words = [sys.executable, "-c", HOLD, str(folder.path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        before = _files(folder.path)
        for name in ("run", "link"):
            code, message = _refusal(lambda name=name: _train(RunFolder(tmp_path / name), job))
            assert (code, "another training uses" in message) == ("NAS841", True)
        assert _files(folder.path) == before
        holder.kill()
        holder.wait()
    assert _train(folder, job).steps == 5
    assert (folder.path / "report.md").is_file()


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("run.json", "nasdsl train --resume"),
        ("seeds.json", "nasdsl train --resume"),
        ("oneshot.json", "nasdsl search --resume"),
    ],
)
def test_what_is_there_says_how_it_continues(tmp_path: Path, file: str, command: str) -> None:
    """A run, runs of several seeds, and a one-shot search."""
    (tmp_path / file).touch()
    with pytest.raises(CellError, match="already holds a run") as caught:
        RunFolder(tmp_path).require_new()
    assert caught.value.diagnostics[0].hints == (f"`{command} {tmp_path}` continues it",)


def test_two_runs_started_in_one_empty_folder(tmp_path: Path, job: Job) -> None:
    """While one is being started another cannot be; a lock left behind is no content."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    with folder.locked():
        code, _ = _refusal(lambda: RunFolder(folder.path).create(job, ["nasdsl"]))
        assert code == "NAS841"
    assert not folder.exists
    folder.create(job, ["nasdsl"])
    assert folder.job() == job


def test_one_training_locks_while_it_runs(tmp_path: Path, job: Job) -> None:
    """The lock is held from the first step to the report, and released after."""
    folder = RunFolder(tmp_path / "run")
    folder.create(job, ["nasdsl"])
    seen = []

    class Rival(Watcher):
        def epoch_ended(self, epoch: Any) -> None:
            seen.append(_refusal(lambda: _train(RunFolder(folder.path), job))[0])

    _train(folder, job, Rival())
    assert seen == ["NAS841"]
    with RunFolder(folder.path).locked():
        pass


def test_file_systems_without_locks(
    tmp_path: Path, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system has no locks, one trains as before."""

    def unsupported(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(filelock.FileLock, "acquire", unsupported)
    folder = RunFolder(tmp_path / "run")
    folder.create(job, ["nasdsl"])
    assert _train(folder, job).steps == 5


EDITS = {
    "epochs": ("recipe.toml", r"^epochs = .*", "epochs = 2"),
    "lr": ("recipe.toml", r"^lr = .*", "lr = 0.5"),
    "seed": ("run.json", r'"seed": 0', '"seed": 1'),
    "data": ("run.json", r'"data": "noisy"', '"data": "digits"'),
    # Tensors of the same names and shapes.
    "dropout": ("network.cell", r"^( *dropout *=).*", r"\1 0.25"),
    "network": ("network.cell", r"\(h\[i\], h\[i-1\], max_pool_3x3", "(h[i], h[i-1], avg_pool_3x3"),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_run_is_not_resumed(tmp_path: Path, job: Job, what: str) -> None:
    """What the checkpoint was made with must be what the folder's files say; else it is named."""
    folder = RunFolder(tmp_path)
    folder.create(job, ["nasdsl"])
    _train(folder, job)
    name, pattern, changed = EDITS[what]
    text, count = re.subn(pattern, changed, (folder / name).read_text(), flags=re.MULTILINE)
    assert count == 1
    (folder / name).write_text(text)
    edited = folder.job()
    before = _files(tmp_path)
    code, message = _refusal(lambda: _train(folder, edited))
    assert (code, message.endswith(f"with another {what}")) == ("NAS843", True), message
    assert _files(tmp_path) == before


def test_checkpoints_of_earlier_versions_load(tmp_path: Path, job: Job) -> None:
    """They do not say their seed and data."""
    folder = RunFolder(tmp_path)
    folder.create(job, ["nasdsl"])
    _train(folder, job)
    found = folder.checkpoints.newest()
    assert found is not None
    state = {name: value for name, value in found.state.items() if name not in ("seed", "data")}
    folder.checkpoints.save(state.pop("step"), state)
    assert _train(folder, folder.job()).steps == found.state["step"]
