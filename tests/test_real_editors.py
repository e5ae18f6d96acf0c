"""Neovim and Emacs themselves, with the lines that docs/editors.md gives and the real server.

Each runs a script of `editors/test`, which writes what the editor shows. `--update-golden` keeps
what the two said to the server, and it to them, for `tests/test_lsp_sessions.py`.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="the server needs the extra lsp")

from tests.clones import ROOT
from tests.test_lsp import BASE, MINE
from tests.test_lsp_clients import FORMATTED
from tests.test_lsp_sessions import SESSIONS

SCRIPTS = ROOT / "editors" / "test"
BROKEN = MINE.replace("sep_conv_3x3", "sep_con_3x3")
RENAMED = MINE.replace("wide", "broad")
Shows = Callable[..., dict[str, Any]]


@pytest.fixture
def shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Shows:
    """`shows(editor, language, *command)`: what the editor shows in its session."""
    if sys.platform == "win32":
        pytest.skip("the programs are shell scripts")
    folder = tmp_path / "texts"
    folder.mkdir()
    (folder / "base.cell").write_text(BASE)
    (folder / "mine.cell").write_text(BROKEN)
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    record = tmp_path / "record.jsonl"
    server = f'"{sys.executable}" -m nasdsl "$@"'
    recorder = f'"{sys.executable}" -m tests.lsp_recorder "{record}" "{folder}" -- {server}'
    program = tmp_path / "bin" / "nasdsl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec {recorder}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")

    def run(editor: str, language: str, *command: str) -> dict[str, Any]:
        if shutil.which(command[0]) is None:
            pytest.skip(f"{command[0]} is not installed")
        docs = (ROOT / "docs" / "editors.md").read_text("utf-8")
        (lines,) = re.findall(rf"```{language}\n(.*?)```", docs, re.DOTALL)
        configuration = tmp_path / f"configuration.{language}"
        configuration.write_text(lines)
        result = tmp_path / "shown.json"
        files = [str(configuration), str(folder / "mine.cell"), str(result)]
        ran = subprocess.run(
            [*command, *files], capture_output=True, text=True, check=False, timeout=300
        )
        assert result.is_file(), ran.stdout + ran.stderr
        if request.config.getoption("--update-golden"):
            shutil.copy(record, SESSIONS / f"{editor}.jsonl")
        found: dict[str, Any] = json.loads(result.read_text("utf-8"))
        return found

    return run


def test_neovim(shows: Shows) -> None:
    script = str(SCRIPTS / "neovim.lua")
    found = shows("neovim", "lua", "nvim", "--headless", "--clean", "-l", script)
    assert found["filetype"] == "cell"
    assert found["encoding"] == "utf-8"
    assert found["findings"] == ["NAS201"]
    assert "b1 = add(sep_conv_3x3(b0), identity(h[i]))" in found["hover"]
    assert found["definition"] == "base.cell:3"
    assert sorted(found["references"]) == ["base.cell:3", "mine.cell:10", "mine.cell:5"]
    assert found["highlights"] == 2
    names = ["mine", "normal", "b0", "b1", "output unused", "reduction", "b0"]
    assert [each.split("] ")[1] for each in found["symbols"]] == names
    assert found["folds"] == [0, 0, 0, *[1] * 8]
    assert found["hints"] == ["F x H x W", "F x H x W", "b1", "F x H/2 x W/2"]
    assert found["lenses"][0] == "render"
    assert found["lenses"][1].startswith("cost: ")
    assert found["token"] == "function"
    assert found["completions"] > 10
    assert " parameters, " in found["shown"]
    assert found["changed"] == ["NAS201", "NAS201"]
    assert "    b2 = (b0, b1, wide, nothing, add)\n    output unused\n" in found["typed"]
    assert found["typed_findings"] == ["NAS201"]
    assert found["undone"]
    assert found["renamed"] == [RENAMED, BASE.replace("wide", "broad")]
    assert found["formatted"] == FORMATTED.replace("wide,  ", "broad, ").replace("wide,", "broad,")


def test_emacs(shows: Shows) -> None:
    script = str(SCRIPTS / "eglot.el")
    found = shows("emacs", "elisp", "emacs", "--batch", "-l", script)
    assert found["mode"] == "cell-mode"
    (finding,) = found["findings"]
    assert finding.startswith("nasdsl [NAS201]: unknown op `sep_con_3x3`\n")
    assert "b1 = add(sep_conv_3x3(b0), identity(h[i]))" in found["hover"]
    assert found["definition"] == ["base.cell:3"]
    assert sorted(found["references"]) == ["base.cell:3", "mine.cell:10", "mine.cell:5"]
    assert sorted(found["symbols"]) == ["Class", "Module", "Variable"]
    assert found["completions"] > 10
    assert " parameters, " in found["shown"]
    assert found["changed"] == 2
    assert found["renamed"] == [RENAMED, BASE.replace("wide", "broad")]
    assert found["formatted"] == FORMATTED.replace("wide,  ", "broad, ").replace("wide,", "broad,")
