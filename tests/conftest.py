"""Fixtures and hypothesis settings shared by the tests."""

import difflib
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from optuna.study import Study

# Tests run side by side, and small networks lose by waiting for a second thread. torch reads
# this when a test module first imports it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Every pass is verified after it ran, here and in the processes that tests start.
os.environ["NASDSL_VERIFY_PASSES"] = "1"

# Warnings are errors in the processes that tests start, too.
# But for what pygls 2 does on Python 3.14.
os.environ["PYTHONWARNINGS"] = "error,ignore:'asyncio.iscoroutinefunction'"

#: Reads the Optuna study in a file.
ReadStudy = Callable[[str | Path], "Study"]

GOLDEN = Path(__file__).parent / "golden"

# Without the extra `torch`, the tests of its backend have nothing to test.
collect_ignore_glob = [] if find_spec("torch") else ["test_torch*.py"]

# Tests run on machines that other work shares: no deadline, and the same examples each run, few of
# them; `tests/thorough.py` says how a run has more.
settings.register_profile(
    "default",
    deadline=None,
    derandomize=True,
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """One thread a process: tests run side by side, and small networks only wait for more."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def read_study() -> Iterator[ReadStudy]:
    """`read_study(path)`: the only study in a file, closed with the test; Optuna leaves it open."""
    optuna = pytest.importorskip("optuna")
    with ExitStack() as opened:

        def loaded(path: str | Path) -> "Study":
            storage = optuna.storages.RDBStorage(f"sqlite:///{path}")
            opened.callback(storage.engine.dispose)
            opened.callback(storage.remove_session)
            (about,) = optuna.get_all_study_summaries(storage)
            study: Study = optuna.load_study(study_name=about.study_name, storage=storage)
            return study

        yield loaded


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--update-golden`, which writes the golden files instead of comparing."""
    parser.addoption("--update-golden", action="store_true", help="write golden files anew")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)`: `text` equals the golden file of that name."""
    update = request.config.getoption("--update-golden")

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
            return
        assert path.is_file(), f"{name} has no golden file; run pytest --update-golden"
        expected = path.read_text(encoding="utf-8")
        if expected != text:
            diff = difflib.unified_diff(expected.splitlines(), text.splitlines(), lineterm="")
            pytest.fail("\n".join(["golden file differs:", *diff]))

    return compare


def pytest_testnodedown(node: object, error: object) -> None:
    """Say how a process of pytest-xdist ended that did not say so itself."""
    process = getattr(getattr(getattr(node, "gateway", None), "_io", None), "popen", None)
    if error is not None and process is not None:
        print(f"\nthe process of {node} ended with {process.wait(30)}")
