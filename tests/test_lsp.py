"""The language server, as clients of five editors see it."""

import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

pytest.importorskip("pygls", reason="the server needs the extra lsp")

from lsprotocol import types

from nasdsl import library, service
from nasdsl.errors import Source, Span
from nasdsl.loading import analyse
from nasdsl.lsp.positions import LinePositions
from tests.cli_run import runner
from tests.edits import random_edit
from tests.lsp_client import PATIENCE, Client, connected

MINE = """\
genotype mine
ops base

cell normal {
    b0 = (h[i], h[i-1], wide, identity, add)
    b1 = (b0, h[i], sep_conv_3x3, identity, add)
    output unused
}
cell reduction {
    b0 = (h[i], h[i-1], wide, identity, add)
}
"""
BASE = "vocabulary base\nops nasnet\nop wide = [relu, conv(3x3, stride)]\n"
WHOLE = {"start": {"line": 0, "character": 0}, "end": {"line": 10**6, "character": 0}}


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    """A connection that tests share; each has texts of its own."""
    with connected("neovim") as found:
        yield found


@pytest.fixture
def uri(client: Client, tmp_path: Path) -> Iterator[str]:
    """A text `mine.cell`, open, beside the file `base.cell`."""
    (tmp_path / "base.cell").write_text(BASE)
    found = (tmp_path / "mine.cell").as_uri()
    client.open(found, MINE)
    yield found
    client.close(found)


def position(text: str, mark: str, nth: int = 0) -> dict[str, int]:
    """Where a mark stands in a text of ASCII."""
    place = -1
    for _ in range(nth + 1):
        place = text.index(mark, place + 1)
    return {"line": text.count("\n", 0, place), "character": place - text.rfind("\n", 0, place) - 1}


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """A text of ASCII after edits of the protocol."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)

    def offset(place: dict[str, int]) -> int:
        return min(starts[place["line"]] + place["character"], len(text))

    spans = [(offset(e["range"]["start"]), offset(e["range"]["end"]), e["newText"]) for e in edits]
    for start, end, new in sorted(spans, reverse=True):
        text = text[:start] + new + text[end:]
    return text


# -- what there is -----------------------------------------------------------------------------


def test_the_server_says_what_it_can_do() -> None:
    with connected("vscode") as client:
        capabilities = client.begin("vscode")
    assert {
        "textDocumentSync", "hoverProvider", "completionProvider", "definitionProvider",
        "referencesProvider", "renameProvider", "documentSymbolProvider", "foldingRangeProvider",
        "semanticTokensProvider", "inlayHintProvider", "codeActionProvider", "codeLensProvider",
        "documentFormattingProvider", "diagnosticProvider", "executeCommandProvider",
    } <= set(capabilities)  # fmt: skip
    assert capabilities["diagnosticProvider"]["interFileDependencies"]
    assert "nasdsl.svg" in capabilities["executeCommandProvider"]["commands"]


# -- requests -----------------------------------------------------------------------------------


def test_requests_about_a_text(client: Client, uri: str) -> None:
    assert client.findings(uri) == []
    names = [each["name"] for each in client.of("documentSymbol", uri)]
    assert names == ["mine", "normal", "reduction"]
    folds = client.of("foldingRange", uri)
    assert [(each["startLine"], each["endLine"]) for each in folds] == [(3, 7), (8, 10)]
    hints = client.of("inlayHint", uri, range=WHOLE)
    assert [hint["label"] for hint in hints] == ["F x H x W", "F x H x W", "b1", "F x H/2 x W/2"]
    lenses = client.of("codeLens", uri)
    assert lenses[0]["command"] == {
        "title": "render",
        "command": "nasdsl.render",
        "arguments": [uri],
    }
    assert lenses[1]["command"]["title"].startswith("cost: ")


def test_semantic_tokens_are_packed_as_the_protocol_says(client: Client, uri: str) -> None:
    numbers = client.of("semanticTokens/full", uri)["data"]
    lines, found = MINE.split("\n"), []
    line = character = 0
    for index in range(0, len(numbers), 5):
        down, right, length, kind, modifiers = numbers[index : index + 5]
        line, character = line + down, right + (0 if down else character)
        names = [m for i, m in enumerate(service.TOKEN_MODIFIERS) if modifiers >> i & 1]
        found.append(
            (lines[line][character : character + length], service.TOKEN_TYPES[kind], names)
        )
    assert found[:4] == [
        ("mine", "namespace", ["definition"]),
        ("base", "namespace", []),
        ("normal", "class", []),
        ("b0", "variable", ["definition"]),
    ]
    assert ("h[i-1]", "parameter", ["readonly"]) in found
    some = {"start": {"line": 4, "character": 0}, "end": {"line": 5, "character": 0}}
    assert len(client.of("semanticTokens/range", uri, range=some)["data"]) == 5 * 6


def test_definitions_lead_to_other_files_and_the_library(client: Client, uri: str) -> None:
    wide = client.of("definition", uri, position=position(MINE, "wide"))
    assert wide["uri"] == uri.replace("mine", "base")
    assert wide["range"]["start"] == position(BASE, "wide")
    far = client.of("definition", uri, position=position(MINE, "identity"))
    assert far["uri"].endswith("/vocabularies/nasnet.cell")
    path = Path(far["uri"].removeprefix("file://"))
    assert path.read_text().split("\n")[far["range"]["start"]["line"]].startswith("op identity")


def test_renaming_changes_every_file(client: Client, uri: str) -> None:
    base = uri.replace("mine", "base")
    where = position(MINE, "wide")
    ready = client.of("prepareRename", uri, position=where)
    assert ready["placeholder"] == "wide"
    changes = client.of("rename", uri, position=where, newName="broad")["changes"]
    assert applied(MINE, changes[uri]) == MINE.replace("wide", "broad")
    assert applied(BASE, changes[base]) == BASE.replace("wide", "broad")
    used = client.of("references", uri, position=where, context={"includeDeclaration": True})
    assert {each["uri"] for each in used} == {uri, base}
    assert len(used) == 3
    about = {"textDocument": {"uri": uri}, "position": where, "newName": "identity"}
    assert client.error("textDocument/rename", about)["message"] == "`identity` is taken"


def test_a_change_of_a_vocabulary_is_seen_by_its_genotypes(client: Client, uri: str) -> None:
    base = uri.replace("mine", "base")
    assert client.findings(uri) == []
    client.open(base, BASE.replace("wide", "broad"))
    codes = [found["code"] for found in client.findings(uri)]
    assert codes == ["NAS201", "NAS201"]
    client.change(base, 2, {"text": BASE})
    assert client.findings(uri) == []
    client.change(base, 3, {"text": "cell"})
    assert [found["code"] for found in client.findings(uri)] == ["NAS208"]
    # What is on disk counts again.
    client.close(base)
    assert client.findings(uri) == []


def test_genotypes_are_reported_again_when_their_vocabulary_changes(tmp_path: Path) -> None:
    (tmp_path / "base.cell").write_text(BASE)
    mine, base = (tmp_path / "mine.cell").as_uri(), (tmp_path / "base.cell").as_uri()
    with connected("emacs") as client:
        client.open(mine, MINE)
        assert client.published(mine) == []
        client.open(base, BASE.replace("wide", "broad"))
        assert {found["code"] for found in client.published(mine)} == {"NAS201"}
        client.close(base)
        assert client.published(mine) == []
        (tmp_path / "base.cell").write_text("vocabulary base\n")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": base, "type": 2}]})
        assert client.published(mine) != []
        methods = [each["method"] for each in client.asked]
        assert "client/registerCapability" in methods
    with connected("vscode") as client:
        client.open(mine, MINE)
        assert client.findings(mine) != []
        client.open(base, BASE)
        assert client.findings(mine) == []
        deadline = time.monotonic() + PATIENCE
        while "workspace/diagnostic/refresh" not in [each["method"] for each in client.asked]:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_all_safe_fixes_at_once(client: Client, tmp_path: Path) -> None:
    uri = (tmp_path / "rough.cell").as_uri()
    text = "ops nasnet\ncell normal {\n    b0 = (h[i], h[i-1], identity, identity, add];\n}\n"
    client.open(uri, text)
    context = {"diagnostics": [], "only": ["source.fixAll"]}
    (action,) = client.of("codeAction", uri, range=WHOLE, context=context)
    assert applied(text, action["edit"]["changes"][uri]) == text.replace("];", ")")
    context = {"diagnostics": [], "only": ["refactor"]}
    assert client.of("codeAction", uri, range=WHOLE, context=context) == []


# -- commands -----------------------------------------------------------------------------------


def run(client: Client, command: str, *arguments: Any) -> Any:
    about = {"command": f"nasdsl.{command}", "arguments": list(arguments)}
    return client.ask("workspace/executeCommand", about)


def test_commands(tmp_path: Path) -> None:
    space, network = (tmp_path / "space.cell").as_uri(), (tmp_path / "large.cell").as_uri()
    with connected("vscode", {"shows": True}) as client:
        client.open(space, library.source("nasnet_space").text)
        client.open(network, library.source("nasnet_a_large").text)
        assert run(client, "cost", network)["params"] == 88_753_150
        assert "error" in run(client, "cost", space)
        shown = run(client, "count", space)
        assert float(shown["count"]) == pytest.approx(5.2e36, rel=0.02)
        assert run(client, "explain", "NAS201")["markdown"].startswith("# NAS201: unknown op")
        assert "error" in run(client, "explain", "NAS9999")
        if shutil.which("dot"):
            assert run(client, "svg", space)["svg"].startswith("<svg")
            client.change(space, 2, {"text": "cell"})
        assert "error" in run(client, "svg", space) or not shutil.which("dot")
        about = {"command": "nasdsl.cost", "arguments": []}
        assert client.error("workspace/executeCommand", about)["code"] == -32602
        about = {"command": "nasdsl.nothing"}
        assert client.error("workspace/executeCommand", about)["code"] == -32602


def test_clients_that_show_nothing_are_asked_to(tmp_path: Path) -> None:
    uri = (tmp_path / "large.cell").as_uri()
    with connected("emacs") as client:
        client.open(uri, library.source("nasnet_a_large").text)
        run(client, "cost", uri)
        assert "88,753,150 parameters" in client.notified("window/showMessage")["message"]


@pytest.mark.skipif(shutil.which("dot") is None, reason="pictures need Graphviz")
@pytest.mark.parametrize("said", [None, 7, {"success": False}])
def test_a_client_that_does_not_open_the_picture(said: Any, tmp_path: Path) -> None:
    """Whatever it answers, the command ends, and says where the picture is."""
    uri = (tmp_path / "a.cell").as_uri()
    with connected("vscode") as client:
        client.results["window/showDocument"] = said
        client.open(uri, MINE.replace("ops base", "ops nasnet").replace("wide", "conv_3x3"))
        assert run(client, "render", uri)["svg"].startswith("<svg")
        assert "a.svg" in client.notified("window/showMessage")["message"]


@pytest.mark.skipif(shutil.which("dot") is None, reason="pictures need Graphviz")
def test_the_end_comes_while_a_client_has_not_answered(tmp_path: Path) -> None:
    uri = (tmp_path / "a.cell").as_uri()
    with connected("vscode") as client:
        client.unanswered.add("window/showDocument")
        client.open(uri, MINE.replace("ops base", "ops nasnet").replace("wide", "conv_3x3"))
        about = {"command": "nasdsl.render", "arguments": [uri]}
        waits = client.start("workspace/executeCommand", about)
        client.settle({"window/showDocument": True})
    # The end itself was answered, and so is the command.
    assert client.answer(waits)["error"]["code"] == -32800


def test_settings_of_the_counted_network(tmp_path: Path) -> None:
    uri = (tmp_path / "a.cell").as_uri()
    with connected("neovim", {"network": {"stem": "cifar", "N": 6, "filters": 768}}) as client:
        client.open(uri, library.source("nasnet_a").text)
        title = client.of("codeLens", uri)[1]["command"]["title"]
        assert title.startswith("cost: 3.3")  # Zoph et al. 2018, Table 1: 3.3M with 6 @ 768
        settings = {"nasdsl": {"network": {"stem": "imagenet", "N": 6, "filters": 4032}}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        assert client.of("codeLens", uri)[1]["command"]["title"].startswith("cost: 88.8M")
        settings = {"nasdsl": {"network": {"M": 6}}}
        client.notify("workspace/didChangeConfiguration", {"settings": settings})
        assert "'M' is unknown or illegal" in client.notified("window/showMessage")["message"]


# -- positions ----------------------------------------------------------------------------------

ODD = "# é名\U0001f600 x\r\nops nasnet\rcell normal { # \u2028 \x0b \x85 \n  b0 = (h[i], b9"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_positions_count_as_the_encoding_says(encoding: str) -> None:
    """Against Python's own encoders, with the protocol's three ends of lines."""
    lines = LinePositions(ODD, encoding)
    size = {"utf-8": 1, "utf-16": 2, "utf-32": 4}[encoding]
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    for offset in range(len(ODD) + 1):
        before = ODD[:offset].replace("\r\n", "\n").replace("\r", "\n")
        if ODD[offset - 1 : offset + 1] == "\r\n":
            continue  # no place lies inside an end of a line
        found = lines.position(offset)
        assert found.line == before.count("\n")
        column = before.rpartition("\n")[2]
        assert found.character == len(column.encode(codec)) // size
        assert lines.offset(found) == offset
    assert lines.offset(types.Position(0, 10**6)) == ODD.index("\r")
    assert lines.offset(types.Position(10**6, 0)) == len(ODD)


def test_half_of_a_character_is_no_place() -> None:
    lines = LinePositions("\U0001f600x", "utf-16")
    assert lines.offset(types.Position(0, 1)) == 0
    assert lines.span(types.Range(types.Position(0, 3), types.Position(0, 0))) == Span(2, 2)


@pytest.mark.parametrize(("name", "encoding"), [("emacs", "utf-16"), ("neovim", "utf-8")])
def test_findings_are_placed_in_the_clients_encoding(
    name: str, encoding: str, tmp_path: Path
) -> None:
    uri = (tmp_path / "odd.cell").as_uri()
    with connected(name) as client:
        client.open(uri, ODD)
        found = client.findings(uri) if name == "neovim" else client.published(uri)
    expected = analyse(Source("odd.cell", ODD)).diagnostics
    lines = LinePositions(ODD, encoding)
    assert [each["code"] for each in found] == [each.code for each in expected]
    starts = [lines.position(each.span.start) for each in expected if each.span]
    shown = [each["range"]["start"] for each in found]
    assert shown == [{"line": each.line, "character": each.character} for each in starts]


# -- what goes wrong ----------------------------------------------------------------------------


def test_malformed_messages_are_answered_by_errors(client: Client, uri: str) -> None:
    for params in (None, 7, [], {}, {"textDocument": 3}, {"textDocument": {"uri": uri}}):
        assert client.error("textDocument/hover", params)["code"] == -32602
    assert client.error("textDocument/nothing", {})["code"] == -32601
    assert client.error("workspace/executeCommand", {"command": 3})["code"] == -32602
    for body in (b"{", b"\xff\xfe", b"[]", b"17", b'"text"', b'{"id": 3}', b"[" * 5000):
        client.raw(body)
        answer = client.answer(None)
        assert answer["error"]["code"] in (-32700, -32600), (body[:20], answer)
    client.notify("textDocument/didChange", {"nothing": True})
    client.notify("textDocument/nothing", {})
    client.change("file:///not/open.cell", 1, {"text": ""})
    client.message(id=10**6, result=None)
    # It still answers.
    assert client.findings(uri) == []


def test_a_request_about_a_file_that_is_not_there(client: Client, tmp_path: Path) -> None:
    about = {"textDocument": {"uri": (tmp_path / "gone.cell").as_uri()}}
    error = client.error("textDocument/documentSymbol", about)
    assert "gone.cell" in error["message"]


def test_a_text_that_is_in_no_file(client: Client) -> None:
    client.open("untitled:Untitled-1", library.source("nasnet_a").text)
    assert client.findings("untitled:Untitled-1") == []
    client.close("untitled:Untitled-1")


def test_a_cancelled_request_is_answered_so(client: Client, tmp_path: Path) -> None:
    """The answering thread is held, so that the request surely waits."""
    from nasdsl.lsp import features

    uri = (tmp_path / "slow.cell").as_uri()
    client.open(uri, MINE)
    held, release = threading.Event(), threading.Event()
    answered: list[str] = []

    def slow(document: service.Document) -> tuple[service.Symbol, ...]:
        held.set()
        assert release.wait(PATIENCE)
        return ()

    def folds(document: service.Document) -> tuple[service.Fold, ...]:
        answered.append("folds")
        return ()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(features.service, "symbols", slow)
        patch.setattr(features.service, "folds", folds)
        about = {"textDocument": {"uri": uri}}
        first = client.start("textDocument/documentSymbol", about)
        assert held.wait(PATIENCE)
        second = client.start("textDocument/foldingRange", about)
        client.notify("$/cancelRequest", {"id": second})
        assert client.answer(second)["error"]["code"] == -32800
        release.set()
        assert client.answer(first)["result"] == []
        client.findings(uri)
    assert answered == []


def test_requests_before_the_handshake_and_after_the_end() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "nasdsl", "lsp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        client = Client(process.stdin, process.stdout)  # type: ignore[arg-type]
        place = {"line": 0, "character": 0}
        about = {"textDocument": {"uri": "file:///a.cell"}, "position": place}
        assert client.error("textDocument/hover", about)["code"] == -32002
        client.begin("emacs")
        assert client.ask("shutdown") is None
        assert client.error("textDocument/hover", about)["code"] == -32600
        client.notify("exit")
        assert process.wait(PATIENCE) == 0
        assert process.stderr.read() == b""
    finally:
        process.kill()
        process.communicate()


def test_over_tcp() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "nasdsl", "lsp", "--tcp", str(port)]
    process = subprocess.Popen(command)
    try:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port))
                break
            except OSError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.05)
        with connection:
            client = Client(connection.makefile("wb"), connection.makefile("rb"))
            client.begin("emacs")
            client.open("file:///a/b.cell", "cell")
            assert client.published("file:///a/b.cell", 1) != []
            connection.shutdown(socket.SHUT_RDWR)
            client.reader.join(PATIENCE)
    finally:
        process.kill()
        process.wait()


def test_a_port_that_is_taken(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The finding that `nasdsl play` and `nasdsl render --watch` have for it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = runner(capfd, monkeypatch)("lsp", "--tcp", str(port))
    assert ran.code == 2
    assert f"error[NAS006]: cannot listen on 127.0.0.1:{port}" in ran.err


def test_without_pygls_the_command_says_how_to_install_it(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pygls", None)
    ran = runner(capfd, monkeypatch)("lsp")
    assert ran.code == 2
    assert "NAS701" in ran.err
    assert '.[lsp]"' in ran.err
    assert "--host needs --tcp" in runner(capfd, monkeypatch)("lsp", "--host", "::").err


# -- many edits ---------------------------------------------------------------------------------


def test_after_random_edits_the_state_is_that_of_a_fresh_document(
    client: Client, tmp_path: Path
) -> None:
    """Two texts, one of which is the other's vocabulary, each edited in turn."""
    random = Random(19)
    texts = {"base": BASE, "mine": MINE}
    uris = {name: (tmp_path / f"{name}.cell").as_uri() for name in texts}
    for name, text in texts.items():
        client.open(uris[name], text)
    for number in range(300):
        name = random.choice(("mine", "mine", "base"))
        edit = random_edit(random, texts[name])
        place = LinePositions(texts[name], "utf-8").range(Span(edit.start, edit.end))
        change = {
            "range": {
                "start": {"line": place.start.line, "character": place.start.character},
                "end": {"line": place.end.line, "character": place.end.character},
            },
            "text": edit.text,
        }
        if not is_exact(texts[name], edit.start, edit.end):
            continue
        texts[name] = edit.applied(texts[name])
        client.change(uris[name], number + 2, change)
        if number % 60 == 59:
            texts = {"base": BASE, "mine": MINE}
            for each, text in texts.items():
                client.change(uris[each], number + 2, {"text": text})
        found = client.findings(uris["mine"])
        fresh = expected(tmp_path, texts)
        assert [each["code"] for each in found] == [each.code for each in fresh], texts
        lines = LinePositions(texts["mine"], "utf-8")
        starts = [lines.position(each.span.start) for each in fresh if each.span]
        assert [each["range"]["start"] for each in found] == [
            {"line": each.line, "character": each.character} for each in starts
        ]
    for uri in uris.values():
        client.close(uri)


def is_exact(text: str, *offsets: int) -> bool:
    """Whether no offset lies between the two characters of one end of a line."""
    return all(text[offset - 1 : offset + 1] != "\r\n" for offset in offsets)


def expected(folder: Path, texts: dict[str, str]) -> Any:
    def beside(name: str) -> Source | None:
        return Source(str(folder / f"{name}.cell"), texts[name]) if name in texts else None

    source = Source(str(folder / "mine.cell"), texts["mine"])
    return analyse(source, beside=beside).diagnostics
