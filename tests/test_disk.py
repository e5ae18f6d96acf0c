"""Disks that are full, read-only or gone: one diagnostic, nothing half written, and on it goes."""

import errno
import os
import shutil
import sys
from pathlib import Path

import pytest

import nasdsl
from nasdsl.errors import CellError
from nasdsl.search.store import Outcome, Store
from nasdsl.search.store.records import Proposal
from tests.cli_run import Run, runner
from tests.failing_disk import failing, small_files

ERRORS = (errno.ENOSPC, errno.EROFS, errno.ENOENT, errno.EIO)
#: One that no rule of style agrees with.
CELLS = """\
genotype   tiny
ops nasnet
cell normal { b0 = (h[i], h[i-1], sep_conv_3x3, identity, add) }
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add) }
"""
SPACE = CELLS.replace("sep_conv_3x3, identity, add", "?, identity, add")
NETWORK = ("--N", "1", "--filters", "24", "--stem", "cifar")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("fmt", ...)` in a folder with a genotype, a space and the store of a search."""
    monkeypatch.chdir(tmp_path)
    Path("t.cell").write_text(CELLS)
    Path("space.cell").write_text(SPACE)
    genotype = nasdsl.loads(CELLS)
    opened = Store(Path("s.db"))
    with opened.transaction():
        opened.put_settings({"algorithm": "random", "evaluator": "e", "seed": 1, "trials": 1})
        opened.propose(0, [Proposal(CELLS, nasdsl.canonical_hash(genotype))])
        (lease,) = opened.claim(1, "me")
        opened.settle(Outcome(lease.key, 0, reward=0.5))
    opened.close()
    return runner(capfd, monkeypatch)


def contents(*without: str) -> dict[str, bytes]:
    """Every file below the present folder but those of the names."""
    return {
        str(path): path.read_bytes()
        for path in sorted(Path().rglob("*"))
        if path.is_file() and not path.name.startswith(without)
    }


def require_one_error(code: int, out: str, err: str) -> None:
    """One error about the disk, which names a path, and nothing else."""
    assert (code, out) == (2, ""), (code, out, err)
    assert err.count("error[") == err.count("error[NAS006]: cannot write '") == 1, err
    assert "Traceback" not in err


WRITING = {
    "fmt": ("fmt", "t.cell"),
    "convert": ("convert", "t.cell", "--to", "json", "-o", "out/t.json"),
    "render": ("render", "t.cell", "-o", "out/t.dot"),
    "sample": ("sample", "space.cell", "-n", "2", "-o", "out/samples"),
    "search top": ("search", "top", "s.db", "-o", "out/best"),
    "search export": ("search", "export", "s.db", "out/t.csv"),
}
NEEDING = {
    "compile to .safetensors": (
        "torch",
        ("compile", "t.cell", *NETWORK, "-o", "out/t.safetensors"),
    ),
    "search plot": ("matplotlib", ("search", "plot", "s.db", "-o", "out/t.svg")),
    "search export to Optuna": ("optuna", ("search", "export", "s.db", "out/t.db")),
    "search export to Parquet": ("pyarrow", ("search", "export", "s.db", "out/t.parquet")),
}


@pytest.mark.parametrize("what", [*WRITING, *NEEDING])
def test_every_change_is_refused_once(what: str, run: Run, tmp_path: Path) -> None:
    """Whichever change of the folder fails, and how: one error, and every file as it was."""
    package, words = NEEDING[what] if what in NEEDING else ("nasdsl", WRITING[what])
    pytest.importorskip(package)
    Path("out").mkdir()
    before = contents("s.db")
    for fails_at in range(1, 100):
        with failing(tmp_path, fails_at, ERRORS[fails_at % 4]) as disk:
            ran = run(*words)
        if not disk.has_failed:
            break
        if ran.code == 0:
            # The last of all, such as a name on the disk for good, may fail unnoticed.
            assert contents("s.db") != before
            break
        require_one_error(*ran)
        left = contents("s.db")
        # Of several files those before are complete.
        written = {name for name in left if name not in before}
        assert all(name.endswith(".cell") and left[name].endswith(b"}\n") for name in written)
        assert left.keys() >= before.keys()
        for name in written:
            os.unlink(name)
    assert fails_at > 2
    shutil.rmtree("out")
    os.mkdir("out")
    assert run(*words).code == 0
    assert contents("s.db") != before


@pytest.mark.skipif(sys.platform == "win32", reason="limits the sizes of files")
@pytest.mark.parametrize("suffix", [".py", ".safetensors"])
def test_a_full_disk_in_the_middle_of_an_export(suffix: str, run: Run) -> None:
    """What safetensors' own writer raises hides the reason."""
    pytest.importorskip("torch")
    out = Path(f"t{suffix}")
    out.write_text("old")
    before = contents("s.db")
    with small_files(3000):
        ran = run("compile", "t.cell", *NETWORK, "-o", str(out))
    require_one_error(*ran)
    assert contents("s.db") == before


@pytest.mark.skipif(sys.platform == "win32", reason="limits the sizes of files")
def test_a_full_disk_in_the_middle_of_a_program(tmp_path: Path) -> None:
    """PyTorch's own writer would end the process."""
    torch = pytest.importorskip("torch")
    from nasdsl.export import program_file
    from nasdsl.export.exported import Export

    request = Export(torch.nn.Linear(50, 50), None, CELLS, [torch.ones(2, 50)])
    with small_files(3000), pytest.raises(OSError, match="File too large"):
        program_file.write(request, tmp_path / "t.pt2")


@pytest.mark.skipif(sys.platform == "win32", reason="limits the sizes of files")
@pytest.mark.parametrize("most", [0, 1, 100, 5_000, 60_000])
def test_a_full_disk_at_a_checkpoint(most: int, tmp_path: Path) -> None:
    """However much of it fits: NAS006, the last good one is kept, and the next one is written."""
    torch = pytest.importorskip("torch")
    from nasdsl.train.checkpoint import Checkpoints

    state = {"weights": torch.arange(20_000.0), "history": [{"epoch": 1}] * 50}
    folder = Checkpoints(tmp_path / "checkpoints")
    folder.save(1, state)
    before = folder.paths()
    with small_files(most), pytest.raises(CellError, match=r"NAS006.*step-000000002\.pt"):
        folder.save(2, state)
    assert list(folder.folder.iterdir()) == before
    folder.save(2, state)
    loaded = folder.newest()
    assert loaded is not None
    assert loaded.state["step"] == 2
    assert torch.equal(loaded.state["weights"], state["weights"])


@pytest.mark.skipif(sys.platform == "win32", reason="limits the sizes of files")
def test_a_full_disk_at_weights_to_inherit(tmp_path: Path) -> None:
    """PyTorch's own writer would end the worker of a search."""
    torch = pytest.importorskip("torch")
    from nasdsl.weights.inheritance import keep

    with small_files(3000), pytest.raises(CellError, match="NAS006"):
        keep(torch.nn.Linear(50, 50), tmp_path / "weights" / "1.pt")
    assert list((tmp_path / "weights").iterdir()) == []


def test_training_goes_on_when_there_is_room(tmp_path: Path) -> None:
    """Whatever of a run's files cannot be written, it ends as an undisturbed one."""
    pytest.importorskip("accelerate")
    from nasdsl.network.self_contained import network_text
    from nasdsl.train import Execution
    from nasdsl.train.planning import RunPlan
    from nasdsl.train.run import train_run
    from nasdsl.train.run_folder import Job, RunFolder
    from tests.train_cases import network, short, splits

    job = Job(network_text(network().graph), "noisy", short(epochs=2), 0, Execution("cpu"))

    def trained(folder: RunFolder) -> list[object]:
        fitted = train_run(folder, RunPlan(job, network().graph, splits()))
        return [(epoch.step, epoch.loss, epoch.accuracy) for epoch in fitted.history]

    undisturbed, disturbed = RunFolder(tmp_path / "one"), RunFolder(tmp_path / "two")
    undisturbed.create(job, [])
    expected = trained(undisturbed)
    disturbed.create(job, [])
    for fails_at in range(1, 25, 5):
        before = disturbed.checkpoints.paths()
        with (
            failing(disturbed.path, fails_at, ERRORS[fails_at % 4]) as disk,
            pytest.raises(CellError) as caught,
        ):
            trained(disturbed)
        assert disk.has_failed
        assert [finding.code for finding in caught.value.diagnostics] == ["NAS006"]
        assert set(disturbed.checkpoints.paths()) >= set(before[:1])
    assert trained(disturbed) == expected
    names = {path.name for path in disturbed.path.rglob("*") if "tfevents" not in path.name}
    assert names == {
        path.name for path in undisturbed.path.rglob("*") if "tfevents" not in path.name
    }
