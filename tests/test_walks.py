"""Data go one way: no command brings a value back to a room that it has left.

`tests/walks.py` follows the real process. Each walk is written out, so that a change of the way
shows.
"""

from pathlib import Path

import pytest

import nasdsl
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.loading import loads
from nasdsl.loading.cells import source_cells
from nasdsl.network.source import SourceCells
from tests.cli_run import TINY, Run, runner
from tests.searches import proposing
from tests.walks import FORMS, Walk, room_of

ROOT = Path(__file__).parent.parent
#: From a name to cells.
READ = ["loading", "library", "language"]
#: From a graph to a module.
BUILT = ["api", "backend", "passes", "backends"]
SIZES = ("--N", "1", "--filters", "24", "--stem", "cifar")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return runner(capfd, monkeypatch)


def walk_of(run: Run, *words: str) -> Walk:
    """The walk of a command that ends well."""
    codes: list[int] = []
    walk = Walk(lambda: codes.append(run(*words).code))
    assert codes == [0]
    return walk


def test_a_way_back_is_found() -> None:
    """Cells that are read again, and a room that is called while it waits."""
    assert Walk(lambda: source_cells("nasnet_a")).returns == []
    twice = Walk(lambda: [source_cells(name) for name in ("nasnet_a", "darts_v2")])
    assert twice.rooms == [*READ, *READ]
    assert twice.returns == READ
    # To ask the network twice on end is one stay, and to come back from elsewhere is not.
    cells = source_cells("nasnet_a")
    again = Walk(
        lambda: [cells.network(Settings(N=1)).graph(), loads(TINY), cells.network(NO_SETTINGS)]
    )
    assert again.rooms == ["network", "loading", "language", "network"]
    assert again.returns == ["network"]


def test_forms_and_rooms_are_those_of_the_code() -> None:
    """Whoever renames a stage's type or a room renames it here too."""
    sources = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("nasdsl", "backends")
        for path in (ROOT / folder).rglob("*.py")
    )
    assert [form for form in sorted(FORMS) if f"class {form}" not in sources] == []
    assert room_of(SourceCells.__module__) == "network"
    assert room_of("nasdsl.skeletons.darts") == "network"
    assert room_of("nasdsl_backends.torch.network") == "backends"
    assert room_of("nasdsl.errors.source") is None


def test_compile(run: Run) -> None:
    """The parameter `filters`, from the flag to the file."""
    pytest.importorskip("torch", reason="networks are torch modules")
    pytest.importorskip("safetensors", reason="the file has weights")
    walk = walk_of(run, "compile", "nasnet_a", *SIZES, "--image-size", "16", "-o", "a.safetensors")
    assert walk.rooms == [*READ, "network", *BUILT, "export"]
    assert walk.returns == []


def test_train(run: Run) -> None:
    """The parameter `filters` again. Who asks sees the plan, and training goes on from it."""
    pytest.importorskip("accelerate", reason="training needs it")
    pytest.importorskip("sklearn", reason="the digits come with it")
    short = ("--set", "epochs=1", "--set", "batch=512", "--set", "warmup=0", "--quiet")
    walk = walk_of(run, "train", "nasnet_a", *SIZES, *short, "--out", "one")
    assert walk.rooms == [*READ, "train", "network", *BUILT]
    assert walk.returns == []


def test_a_proposal(tmp_path: Path) -> None:
    """A text that a searcher wrote, until it is in the store."""
    with proposing(tmp_path / "s.db", trials=1) as (proposer, store):
        walk = Walk(proposer.advance)
        assert store.counts().proposed == 1
    assert walk.rooms == ["space", "loading", "language", "network"]
    assert walk.returns == []


def test_an_evaluation() -> None:
    """The same text in a worker, until it has its reward."""
    pytest.importorskip("accelerate", reason="training needs it")
    pytest.importorskip("sklearn", reason="the digits come with it")
    from nasdsl.search.evaluators import evaluator

    made = evaluator("train?epochs=1&batch=899&N=1&cell_filters=2&augmentation=none")
    text = nasdsl.genotype_text(nasdsl.load("nasnet_a"))
    walk = Walk(lambda: made.evaluate(text, 0, lambda value: None))
    assert walk.rooms == ["search", "loading", "language", "network", *BUILT, "train"]
    assert walk.returns == []
