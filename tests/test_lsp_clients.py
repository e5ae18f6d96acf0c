"""Every feature of the language server for each of five editors.

`tests/data/lsp_clients.json` has what each says of itself; the server is the process `nasdsl lsp`,
one for each. `test_real_editors.py` drives Neovim and Emacs themselves where they are installed.
"""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

pytest.importorskip("pygls", reason="the server needs the extra lsp")

from nasdsl import library, service
from tests.lsp_client import CLIENTS, Client, started
from tests.test_lsp import BASE, MINE, WHOLE, applied, position

#: Two mistakes: one that has a second place, one with a fix.
BROKEN = MINE.replace("sep_conv_3x3", "sep_con_3x3").replace("b1 =", "b0 =")

FORMATTED = """\
genotype mine
ops base

cell normal {
    b0 = (h[i], h[i-1], wide,         identity, add)
    b1 = (b0,   h[i],   sep_conv_3x3, identity, add)
    output unused
}

cell reduction {
    b0 = (h[i], h[i-1], wide, identity, add)
}
"""


class Session(NamedTuple):
    """An editor that has opened `mine.cell` beside `base.cell`, and what it says of itself."""

    client: Client
    says: dict[str, Any]
    uri: str
    provides: dict[str, Any]

    @property
    def base(self) -> str:
        return self.uri.replace("mine", "base")

    @property
    def pulls(self) -> bool:
        return "diagnostic" in self.says["textDocument"]

    def text(self, name: str) -> dict[str, Any]:
        """What it says about a feature of texts."""
        found: dict[str, Any] = self.says["textDocument"].get(name, {})
        return found

    def refreshes(self, name: str) -> bool:
        return bool(self.says.get("workspace", {}).get(name, {}).get("refreshSupport"))

    def set(self, text: str, version: int) -> list[dict[str, Any]]:
        """The findings about another text, as this editor comes by them."""
        self.client.change(self.uri, version, {"text": text})
        if self.pulls:
            return self.client.findings(self.uri)
        return self.client.published(self.uri, version)


@pytest.fixture(params=CLIENTS, scope="module")
def editor(request: pytest.FixtureRequest) -> Iterator[tuple[str, Client]]:
    with started(request.param) as client:
        yield request.param, client


@pytest.fixture
def session(editor: tuple[str, Client], tmp_path: Path) -> Iterator[Session]:
    name, client = editor
    (tmp_path / "base.cell").write_text(BASE)
    found = Session(client, CLIENTS[name], (tmp_path / "mine.cell").as_uri(), client.capabilities)
    client.asked.clear()
    client.open(found.uri, MINE)
    if not found.pulls:
        assert client.published(found.uri, 1) == []
    yield found
    client.close(found.uri)
    if not found.pulls:
        assert client.published(found.uri) == []


def test_what_the_server_offers(session: Session) -> None:
    provides = session.provides
    offered = {
        "hoverProvider", "completionProvider", "definitionProvider", "referencesProvider",
        "documentHighlightProvider", "documentSymbolProvider", "foldingRangeProvider",
        "semanticTokensProvider", "inlayHintProvider", "codeActionProvider", "codeLensProvider",
        "documentFormattingProvider", "diagnosticProvider", "executeCommandProvider",
    }  # fmt: skip
    assert offered <= set(provides)
    # Options of renaming may be said only to those who say that they know them.
    knows = session.text("rename").get("prepareSupport", False)
    assert provides["renameProvider"] == ({"prepareProvider": True} if knows else True)
    wanted = session.says.get("general", {}).get("positionEncodings", ["utf-16"])
    assert provides["positionEncoding"] == wanted[0]


def test_findings(session: Session) -> None:
    found = {each["code"]: each for each in session.set(BROKEN, 2)}
    assert set(found) == {"NAS201", "NAS206"}
    again = found["NAS206"]
    assert again["range"]["start"] == {"line": 5, "character": 4}
    if session.text("publishDiagnostics").get("relatedInformation"):
        (other,) = again["relatedInformation"]
        assert other["location"]["range"]["start"] == {"line": 4, "character": 4}
        assert "line 5" not in again["message"]
    else:
        assert "relatedInformation" not in again
        assert "\nline 5: " in again["message"]
    assert session.set(MINE, 3) == []


def test_findings_of_texts_that_use_a_vocabulary(session: Session) -> None:
    client = session.client
    client.open(session.base, BASE.replace("wide", "broad"))

    def codes() -> set[str]:
        if session.pulls:
            return {each["code"] for each in client.findings(session.uri)}
        return {each["code"] for each in client.published(session.uri)}

    assert codes() == {"NAS201"}
    client.close(session.base)
    assert codes() == set()
    asked = {
        "workspace/diagnostic/refresh": session.refreshes("diagnostics")
        or session.refreshes("diagnostic"),  # Helix's word
        "workspace/inlayHint/refresh": session.refreshes("inlayHint"),
        "workspace/codeLens/refresh": session.refreshes("codeLens"),
        "workspace/semanticTokens/refresh": session.refreshes("semanticTokens"),
    }
    client.settle(asked)
    methods = {each["method"] for each in client.asked}
    assert {name for name in asked if name in methods} == {name for name in asked if asked[name]}


def test_files_that_change_on_disk(session: Session) -> None:
    client = session.client
    watches = session.says["workspace"].get("didChangeWatchedFiles", {})
    assert client.watched == bool(watches.get("dynamicRegistration"))
    path = Path(session.uri.removeprefix("file://")).parent / "base.cell"
    path.write_text("vocabulary base\n")
    change = {"uri": session.base, "type": 2}
    client.notify("workspace/didChangeWatchedFiles", {"changes": [change]})
    found = client.findings(session.uri) if session.pulls else client.published(session.uri)
    assert found != []


def test_hover(session: Session) -> None:
    hover = session.client.of("hover", session.uri, position=position(MINE, "b1"))
    contents = hover["contents"]
    line = "b1 = add(sep_conv_3x3(b0), identity(h[i]))"
    assert line in contents["value"]
    if "markdown" in session.text("hover")["contentFormat"]:
        assert contents["kind"] == "markdown"
        assert f"```cell\n{line}\n```" in contents["value"]
    else:
        assert contents["kind"] == "plaintext"
        assert "`" not in contents["value"]
    assert hover["range"]["start"] == position(MINE, "b1")


def test_completion(session: Session) -> None:
    start = position(MINE, "b0")
    items = session.client.of("completion", session.uri, position=start)["items"]
    (block,) = [item for item in items if item["label"].endswith("= (...)")]
    snippets = session.text("completion")["completionItem"]["snippetSupport"]
    assert block["insertTextFormat"] == (2 if snippets else 1)
    assert ("${1:" in block["textEdit"]["newText"]) == snippets
    ops = session.client.of("completion", session.uri, position=position(MINE, "identity"))
    assert {"wide", "sep_conv_3x3", "identity"} <= {item["label"] for item in ops["items"]}


def test_definition(session: Session) -> None:
    found = session.client.of("definition", session.uri, position=position(MINE, "wide"))
    assert found["uri"] == session.base
    assert found["range"]["start"] == position(BASE, "wide")


def test_references(session: Session) -> None:
    context = {"includeDeclaration": True}
    where = position(MINE, "wide")
    found = session.client.of("references", session.uri, position=where, context=context)
    places = {(each["uri"], each["range"]["start"]["line"]) for each in found}
    assert places == {(session.base, 2), (session.uri, 4), (session.uri, 9)}


def test_highlights(session: Session) -> None:
    found = session.client.of("documentHighlight", session.uri, position=position(MINE, "wide"))
    assert [each["range"]["start"]["line"] for each in found] == [4, 9]


def test_rename(session: Session) -> None:
    where = position(MINE, "wide")
    if session.text("rename").get("prepareSupport"):
        ready = session.client.of("prepareRename", session.uri, position=where)
        assert ready["placeholder"] == "wide"
    new = session.client.of("rename", session.uri, position=where, newName="broad")["changes"]
    assert applied(MINE, new[session.uri]) == MINE.replace("wide", "broad")
    assert applied(BASE, new[session.base]) == BASE.replace("wide", "broad")


def test_symbols(session: Session) -> None:
    found = session.client.of("documentSymbol", session.uri)
    if session.text("documentSymbol")["hierarchicalDocumentSymbolSupport"]:
        tree = {each["name"]: [child["name"] for child in each["children"]] for each in found}
        assert tree == {"mine": [], "normal": ["b0", "b1", "output unused"], "reduction": ["b0"]}
        return
    rows = [(each.get("containerName"), each["name"]) for each in found]
    blocks = [("normal", "b0"), ("normal", "b1"), ("normal", "output unused")]
    tops = [(None, "mine"), (None, "normal"), (None, "reduction")]
    assert rows == [*tops[:2], *blocks, tops[2], ("reduction", "b0")]
    assert {each["location"]["uri"] for each in found} == {session.uri}


def test_folding(session: Session) -> None:
    found = session.client.of("foldingRange", session.uri)
    assert [(each["startLine"], each["endLine"]) for each in found] == [(3, 7), (8, 10)]


def test_semantic_tokens(session: Session) -> None:
    numbers = session.client.of("semanticTokens/full", session.uri)["data"]
    legend = session.provides["semanticTokensProvider"]["legend"]["tokenTypes"]
    assert legend == list(service.TOKEN_TYPES)
    # Clients colour the types that they know; all that say which know all of ours.
    assert set(legend) <= set(session.text("semanticTokens").get("tokenTypes", legend))
    first = [numbers[:5], numbers[5:10]]
    assert [(down, length, legend[kind]) for down, _, length, kind, _ in first] == [
        (0, len("mine"), "namespace"),
        (1, len("base"), "namespace"),
    ]


def test_inlay_hints(session: Session) -> None:
    hints = session.client.of("inlayHint", session.uri, range=WHOLE)
    assert [hint["label"] for hint in hints] == ["F x H x W", "F x H x W", "b1", "F x H/2 x W/2"]


def test_code_actions(session: Session) -> None:
    text = MINE.replace("sep_conv_3x3", "sep_con_3x3")
    (found,) = session.set(text, 2)
    context = {"diagnostics": [found]}
    fix, explain = session.client.of(
        "codeAction", session.uri, range=found["range"], context=context
    )
    assert applied(text, fix["edit"]["changes"][session.uri]) == MINE
    assert explain["command"]["command"] == "nasdsl.explain"
    assert {fix["kind"], explain["kind"]} == {"quickfix"}
    literal = session.text("codeAction")["codeActionLiteralSupport"]
    assert "quickfix" in literal["codeActionKind"]["valueSet"]


def test_code_lenses(session: Session) -> None:
    lenses = session.client.of("codeLens", session.uri)
    titles = [each["command"]["title"] for each in lenses]
    assert titles[0] == "render"
    assert titles[1].startswith("cost: ")
    offered = session.provides["executeCommandProvider"]["commands"]
    assert {each["command"]["command"] for each in lenses} <= set(offered)


def test_formatting(session: Session) -> None:
    options = {"tabSize": 2, "insertSpaces": True}
    edits = session.client.of("formatting", session.uri, options=options)
    assert applied(MINE, edits) == FORMATTED


def run(session: Session, command: str, argument: str) -> Any:
    about = {"command": f"nasdsl.{command}", "arguments": [argument]}
    return session.client.ask("workspace/executeCommand", about)


def test_commands_show_what_they_find(session: Session) -> None:
    """No editor here shows results by itself; they are asked to show messages and pictures."""
    client = session.client
    client.change(session.uri, 2, {"text": library.source("nasnet_a_large").text})
    assert run(session, "cost", session.uri)["params"] == 88_753_150
    assert "88,753,150 parameters" in client.notified("window/showMessage")["message"]
    assert run(session, "count", session.uri)["count"] == "1"
    assert client.notified("window/showMessage")["message"].endswith(" has 1 genotype")
    assert run(session, "explain", "NAS201")["markdown"].startswith("# NAS201")
    assert client.notified("window/showMessage")["message"].startswith("# NAS201")
    if shutil.which("dot") is None:
        return
    assert run(session, "render", session.uri)["svg"].startswith("<svg")
    shows = session.says.get("window", {}).get("showDocument", {}).get("support", False)
    if shows:
        (asked,) = [each for each in client.asked if each["method"] == "window/showDocument"]
        assert Path(asked["params"]["uri"].removeprefix("file://")).read_text().startswith("<svg")
    else:
        assert ".svg" in client.notified("window/showMessage")["message"]


def test_words_in_other_characters(session: Session) -> None:
    """Columns are counted in the encoding that was agreed on."""
    text = "# \U0001f600\nops mine # é\nop \U0001f600 = [relu]\n"
    found = session.set(text, 2)
    size: Callable[[str], int] = {
        "utf-8": lambda word: len(word.encode()),
        "utf-16": lambda word: len(word.encode("utf-16-le")) // 2,
    }[session.provides["positionEncoding"]]
    odd = next(each for each in found if "\U0001f600" in each["message"])
    assert odd["range"]["start"]["line"] == 2
    place = odd["range"]
    assert (place["start"]["character"], place["end"]["character"]) == (3, 3 + size("\U0001f600"))
