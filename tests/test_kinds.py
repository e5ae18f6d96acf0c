"""What lies at a path is named where something else belongs, whatever command is given it."""

from pathlib import Path

import pytest

import nasdsl
from nasdsl.loading.kinds import kind_at
from nasdsl.search.oneshot import STORE
from nasdsl.train.run_folder import NETWORK, ONE_SHOT, RUN, SEEDS
from tests.cli_run import TINY, Run, runner
from tests.searches import write_store

#: What stands where, by the words for it, and a way out that is offered.
THINGS = {
    "cells.cell": ("a text of cells", "nasdsl train cells.cell --out RUN"),
    "picture.png": ("a picture", ""),
    "search.db": ("the store of a search", "nasdsl search --resume search.db"),
    "run": ("the folder of a run", f"run/{NETWORK}"),
    "seeds": ("the folder of runs with several seeds", "nasdsl compare seeds"),
    "paths": ("the folder of a one-shot search", f"paths/{STORE}"),
    "empty": ("a folder", ""),
}
#: Commands by what they take in the place of {}, with the code of what is wrong.
COMMANDS = {
    "cost {}": ("cells.cell", "NAS007"),
    "search {} --store new.db": ("cells.cell", "NAS007"),
    "search status {}": ("search.db", "NAS865"),
    "search top {}": ("search.db", "NAS865"),
    "compile cells.cell --weights {}": ("", "NAS802"),
}


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """The command line in a folder with one of each thing."""
    (tmp_path / "cells.cell").write_text(TINY)
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    write_store(tmp_path / "search.db", nasdsl.genotype_text(nasdsl.loads(TINY)))
    for folder, mark in {"run": RUN, "seeds": SEEDS, "paths": ONE_SHOT, "empty": ""}.items():
        (tmp_path / folder).mkdir()
        if mark:
            (tmp_path / folder / mark).write_text("{}")
    monkeypatch.chdir(tmp_path)
    return runner(capfd, monkeypatch)


@pytest.mark.parametrize("thing", THINGS)
def test_kinds(run: Run, thing: str) -> None:
    """Each has its words and its way out."""
    kind = kind_at(thing)
    assert kind is not None
    words, hint = THINGS[thing]
    assert (kind.words, hint in " ".join(kind.hints)) == (words, True)
    assert kind_at("nothing") is None


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("thing", THINGS)
def test_in_the_place_of_another(run: Run, command: str, thing: str) -> None:
    """A command that takes something else says what it was given, and nothing is written."""
    taken, code = COMMANDS[command]
    if thing == taken:
        return
    before = sorted(Path().rglob("*"))
    ran = run(*command.format(thing).split())
    assert ran.code == 2
    folder = THINGS[thing][0] if "--weights" not in command or Path(thing).is_file() else ""
    assert folder in ran.err
    assert f"error[{code}]" in ran.err or not folder
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize("thing", ["cells.cell", "search.db", "paths"])
def test_in_the_place_of_a_run(run: Run, thing: str) -> None:
    """The same for commands that take a run."""
    pytest.importorskip("torch")
    for command in ("train --resume", "compare"):
        ran = run(*command.split(), thing)
        assert (ran.code, "error[NAS843]" in ran.err) == (2, True)
        assert THINGS[thing][0] in ran.err
