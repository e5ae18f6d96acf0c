"""Checkpoints: whole or not there, the newest that loads, and no code."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="checkpoints hold tensors")
pytest.importorskip("accelerate", reason="training needs it")

from nasdsl.errors import CellError  # noqa: E402 (after the packages that may be missing)
from nasdsl.train import Checkpoints  # noqa: E402
from nasdsl.train.checkpoint import KEPT  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Checkpoints:
    """Checkpoints after steps 1 and 2."""
    found = Checkpoints(tmp_path / "checkpoints")
    for step in (1, 2):
        found.save(step, {"net": {"w": torch.full((3,), float(step))}})
    return found


def newest_step(folder: Checkpoints) -> int:
    found = folder.newest()
    assert found is not None
    step: int = found.state["step"]
    return step


def test_the_newest_few_are_kept(folder: Checkpoints) -> None:
    """Older ones go, in the order of steps and not of names."""
    assert Checkpoints("/nonexistent").newest() is None
    for step in (999_999_999, 1_000_000_000):
        folder.save(step, {})
    assert len(folder.paths()) == KEPT
    assert newest_step(folder) == 1_000_000_000


@pytest.mark.parametrize("keep", [0, 1, 100, 500, -1])
def test_damage_falls_back(folder: Checkpoints, keep: int) -> None:
    """A newest file cut anywhere is passed over, and said to be damaged."""
    newest = folder.paths()[0]
    newest.write_bytes(newest.read_bytes()[:keep])
    found = folder.newest()
    assert found is not None
    assert found.state["step"] == 1
    assert found.damaged == (newest,)


def test_flipped_bytes_fall_back(folder: Checkpoints) -> None:
    """A flipped byte in a tensor is caught by the archive's checksum."""
    newest = folder.paths()[0]
    content = newest.read_bytes()
    value = torch.full((3,), 2.0).numpy().tobytes()
    assert content.count(value) == 1
    newest.write_bytes(content.replace(value, b"\1" + value[1:]))
    assert newest_step(folder) == 1


def test_no_sound_one(folder: Checkpoints) -> None:
    """Where none loads there is one diagnostic with every reason."""
    for path in folder.paths():
        path.write_bytes(b"nothing")
    with pytest.raises(CellError) as error:
        folder.newest()
    (finding,) = error.value.diagnostics
    assert finding.code == "NAS842"
    assert len(finding.hints) == 2


def test_code_is_not_run(folder: Checkpoints, tmp_path: Path) -> None:
    """A pickle that would run something is refused, and nothing has run."""
    mark = tmp_path / "ran"

    class Evil:
        def __reduce__(self) -> Any:
            return os.system, (f"touch {mark}",)

    torch.save({"format": 1, "step": 3, "net": Evil()}, folder.folder / "step-000000003.pt")
    (folder.folder / "step-000000004.pt").write_bytes(pickle.dumps(Evil()))
    assert newest_step(folder) == 2
    assert not mark.exists()


def test_other_formats_are_passed_over(folder: Checkpoints) -> None:
    """A file of a later format is not read as if it were of this one."""
    torch.save({"format": 99, "step": 3}, folder.folder / "step-000000003.pt")
    torch.save([1, 2], folder.folder / "step-000000004.pt")
    assert newest_step(folder) == 2


def test_other_files_are_left_alone(folder: Checkpoints) -> None:
    """What is not named as a checkpoint neither counts nor goes."""
    note = folder.folder / "step-best.pt"
    note.write_text("mine")
    for step in (3, 4, 5):
        folder.save(step, {})
    assert note.read_text() == "mine"
    assert newest_step(folder) == 5


def test_a_failed_write_changes_nothing(
    folder: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk leaves the checkpoints before, and no half file."""
    before = sorted(folder.folder.iterdir())

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CellError) as error:
        folder.save(3, {})
    assert error.value.diagnostics[0].code == "NAS006"
    assert sorted(folder.folder.iterdir()) == before
    assert newest_step(folder) == 2
