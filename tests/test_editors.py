"""The VS Code extension: its files, its snippets, and its client's options against the server."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.loading import analyse
from tests.clones import ROOT

EXTENSION = ROOT / "editors" / "vscode"
PACKAGE: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text("utf-8"))


def test_every_file_that_the_package_names_is_there() -> None:
    given = PACKAGE["contributes"]
    named = [
        PACKAGE["main"],
        *(each["configuration"] for each in given["languages"]),
        *(each["path"] for each in (*given["grammars"], *given["snippets"])),
    ]
    assert all((EXTENSION / path).is_file() for path in named)
    assert (EXTENSION / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()
    script = (EXTENSION / "extension.js").read_text("utf-8")
    for each in given["commands"]:
        assert f'registerCommand("{each["command"]}"' in script
    # The server's own commands are registered by the client library, and may not be ours too.
    pytest.importorskip("pygls")
    from nasdsl.lsp.commands import COMMANDS

    assert not {each["command"] for each in given["commands"]} & set(COMMANDS)


def filled(body: list[str]) -> str:
    """A snippet with what its places suggest; of a choice, the first."""
    text = "\n".join(body)
    text = re.sub(r"\$\{\d+\|([^,|}]*)[^}]*\|\}", r"\1", text)
    return re.sub(r"\$\{\d+:([^{}]*)\}", r"\1", text)


SNIPPETS = json.loads((EXTENSION / "snippets" / "cell.json").read_text("utf-8"))


@pytest.mark.parametrize("name", SNIPPETS)
def test_snippets_are_sound(name: str) -> None:
    text = filled(SNIPPETS[name]["body"])
    before = "" if name == "genotype" else "ops nasnet\n"
    if name == "block":
        text = f"cell normal {{\n{text}\n}}"
    found = analyse(Source("snippet.cell", before + text)).diagnostics
    # A network alone lacks its cells, and an op alone its user.
    assert {each.code for each in found} <= {"NAS506", "NAS210"}


def test_the_clients_options_against_the_server(tmp_path: Path) -> None:
    pytest.importorskip("pygls")
    if shutil.which("node") is None or sys.platform == "win32":
        pytest.skip("Node is not installed")
    program = tmp_path / "nasdsl"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m nasdsl "$@"\n')
    program.chmod(0o755)
    ran = subprocess.run(
        ["node", str(ROOT / "editors" / "test" / "client.mjs"), str(program)],
        input=library.source("nasnet_a").text,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if "ERR_MODULE_NOT_FOUND" in ran.stderr:
        pytest.skip("run `npm ci` in editors/test")
    assert ran.returncode == 0, ran.stderr
    session = json.loads(ran.stdout)
    assert session["code"] == 0
    assert session["findings"] == []
    titles = [lens["command"]["title"] for lens in session["lenses"]]
    assert titles == ["render", "cost: 88.8M parameters, 23.8B mult-adds"]
    assert {lens["command"]["command"] for lens in session["lenses"]} <= set(session["commands"])
    if shutil.which("dot"):
        assert "<svg" in session["page"]
