"""`%load_ext nasdsl` and the magic `%%cell` in a shell of IPython."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython")

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import nasdsl

CELLS = """\
ops nasnet
cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
}
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A shell with the extension, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    # IPython warns where another environment is active in the shell that runs the tests.
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    made = InteractiveShell.instance(config=config)
    made.run_line_magic("load_ext", "nasdsl")
    yield made
    InteractiveShell.clear_instance()


def test_the_magic_binds_and_shows_a_genotype(shell: Any) -> None:
    ran = shell.run_cell(f"%%cell mine\n{CELLS}")
    assert ran.success
    mine = shell.user_ns["mine"]
    assert isinstance(mine, nasdsl.Genotype)
    assert mine == nasdsl.loads(f"genotype mine\n{CELLS}")
    # What the cell returns is what a notebook draws.
    assert ran.result is mine


def test_open_fields_make_a_space(shell: Any) -> None:
    shell.run_cell(f"%%cell some\n{CELLS.replace('identity', '?')}")
    assert isinstance(shell.user_ns["some"], nasdsl.Space)


def test_a_vocabulary_may_lie_beside_the_notebook(shell: Any, tmp_path: Path) -> None:
    (tmp_path / "ours.cell").write_text("vocabulary ours\nops nasnet\nop wide = [relu]\n")
    text = CELLS.replace("nasnet", "ours").replace("identity", "wide")
    assert shell.run_cell(f"%%cell mine\n{text}").success
    assert shell.user_ns["mine"].vocabulary.name == "ours"


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("mine", CELLS.replace("identity", "identiti"), "did you mean `identity`?"),
        ("two names", CELLS, "`%%cell` takes one name"),
        ("lambda", CELLS, "`%%cell` takes one name"),
        ("mine", "vocabulary v\n", "is not bound"),
    ],
)
def test_mistakes_are_reported_and_nothing_is_bound(
    shell: Any, capsys: pytest.CaptureFixture[str], line: str, text: str, said: str
) -> None:
    ran = shell.run_cell(f"%%cell {line}\n{text}")
    assert not ran.success
    out, err = capsys.readouterr()
    assert said in out + err
    assert "Traceback" not in out + err
    assert "mine" not in shell.user_ns
