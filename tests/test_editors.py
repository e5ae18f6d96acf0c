"""The extensions of editors.

VS Code: its files, its snippets, and its client's options against the server. Zed: its queries,
which run on the tree-sitter grammar, and its manifest.
"""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from nasdsl import library
from nasdsl.errors import Source
from nasdsl.loading import analyse
from tests.clones import ROOT
from tests.highlighters import GRAMMAR, tree_sitter_parser

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


def test_vs_code_starts_the_server_again_after_it_could_not(tmp_path: Path) -> None:
    """A client that did not start refuses to be stopped, which must not keep the next from it."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    script = """
const Module = require("module");
const [commands, started] = [{}, []];
let path = "nosuch";
class LanguageClient {
  constructor(id, name, server) { this.command = server.command; }
  async start() {
    started.push(this.command);
    if (this.command === "nosuch") throw new Error("it is not there");
    this.runs = true;
  }
  async stop() { if (!this.runs) throw new Error("Client is not running and can't be stopped."); }
}
const vscode = {
  workspace: {
    registerTextDocumentContentProvider: () => ({}),
    onDidChangeConfiguration: () => ({}),
    getConfiguration: () => ({ get: (name) => (name === "path" ? path : {}) }),
  },
  commands: { registerCommand: (name, run) => { commands[name] = run; return {}; } },
  window: { showErrorMessage: () => {} },
};
const load = Module._load;
Module._load = (name, ...rest) =>
  name === "vscode" ? vscode
  : name.startsWith("vscode-") ? { LanguageClient } : load(name, ...rest);
const extension = require(process.argv[1]);
(async () => {
  await extension.activate({ subscriptions: [] });
  path = "nasdsl";
  await commands["nasdsl.restart"]();
  await extension.deactivate();
  console.log(started.join(" "));
})();
"""
    ran = subprocess.run(
        ["node", "-e", script, str(EXTENSION / "extension.js")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "nosuch nasdsl\n"), ran.stderr


# -- Zed --------------------------------------------------------------------------------------

ZED = ROOT / "editors" / "zed"
LANGUAGE = ZED / "languages" / "cell"


def captured(query: str, text: str, folder: Path) -> dict[str, list[str]]:
    """What a query of Zed's finds in a text, by the names that Zed gives it."""
    parser = tree_sitter_parser(folder)
    from tree_sitter import Query, QueryCursor

    found = Query(parser.language, (LANGUAGE / query).read_text("utf-8"))
    nodes = QueryCursor(found).captures(parser.parse(text.encode()).root_node)
    each = {name: sorted(group, key=lambda one: one.start_byte) for name, group in nodes.items()}
    return {name: [one.text.decode() for one in group] for name, group in each.items()}


def test_zeds_outline_and_brackets(tmp_path: Path) -> None:
    text = library.source("nasnet_a").text + "\nnetwork {\n    N = 2\n}\n"
    outline = captured("outline.scm", text, tmp_path)
    blocks = [f"b{number}" for number in range(5)]
    assert outline["name"] == ["nasnet_a", "normal", *blocks, "reduction", *blocks, "network"]
    assert outline["context"] == ["genotype", "cell", "cell"]
    brackets = captured("brackets.scm", text, tmp_path)
    code = re.sub("#.*|h\\[", "", text)
    count = sum(code.count(each) for each in "([{")
    assert len(brackets["open"]) == len(brackets["close"]) == count
    ends = captured("indents.scm", text, tmp_path)["end"]
    assert ends == [*[*")))))", "}"] * 2, "}"]


def test_zeds_files_agree_with_the_grammar_and_vs_codes() -> None:
    assert (LANGUAGE / "highlights.scm").read_text() == (
        GRAMMAR / "queries" / "highlights.scm"
    ).read_text()
    config = tomllib.loads((LANGUAGE / "config.toml").read_text("utf-8"))
    given = json.loads((EXTENSION / "language-configuration.json").read_text("utf-8"))
    pairs = [[each["start"], each["end"]] for each in config["brackets"]]
    assert pairs == given["brackets"]
    assert [each.strip() for each in config["line_comments"]] == [given["comments"]["lineComment"]]
    script = (ZED / "src" / "lib.rs").read_text("utf-8")
    assert 'args: vec!["lsp".into()]' in script


def test_zeds_manifest_names_the_grammar_of_a_commit(tmp_path: Path) -> None:
    """As Zed reads it: a repository, a commit, and a folder of that commit with the grammar."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("this is no checkout")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--no-checkout", ROOT, clone], check=True)
    subprocess.run(["git", "-C", clone, "checkout", "-q", "HEAD", "--", "editors"], check=True)
    (clone / "editors" / "zed").mkdir(exist_ok=True)
    shutil.copy(ZED / "manifest.py", clone / "editors" / "zed")
    subprocess.run([sys.executable, clone / "editors" / "zed" / "manifest.py"], check=True)
    written = tomllib.loads((clone / "editors" / "zed" / "extension.toml").read_text("utf-8"))
    grammar = written["grammars"]["cell"]
    config = tomllib.loads((LANGUAGE / "config.toml").read_text("utf-8"))
    assert grammar["repository"] == clone.as_uri()
    assert config["grammar"] in written["grammars"]
    assert written["language_servers"]["nasdsl"]["languages"] == [config["name"]]
    shown = subprocess.run(
        ["git", "-C", clone, "show", f"{grammar['rev']}:{grammar['path']}/src/parser.c"],
        capture_output=True,
        check=False,
    )
    assert b"tree_sitter_cell" in shown.stdout
