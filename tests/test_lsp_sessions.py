"""Sessions of editors, recorded and replayed: a fresh server answers as it did then.

`tests/data/lsp_sessions` has what Neovim (which asks for findings) and Emacs (which is told) said
to the server, and the server to them. `pytest tests/test_real_editors.py --update-golden` records
them anew; `--update-golden` here writes the answers of today into the record.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="the server needs the extra lsp")

from tests.lsp_client import Client, process
from tests.lsp_recorder import Folders
from tests.test_lsp import BASE

SESSIONS = Path(__file__).parent / "data" / "lsp_sessions"
CANCELLED = -32800
#: What the server says by itself, and always in the same words.
TOLD = ("textDocument/publishDiagnostics", "window/showMessage")

Record = list[dict[str, Any]]


@pytest.mark.parametrize("path", sorted(SESSIONS.glob("*.jsonl")), ids=lambda path: path.stem)
def test_a_recorded_session(path: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    (tmp_path / "base.cell").write_text(BASE)
    record = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    with process() as client:
        replayed = list(answers(client, record, Folders(tmp_path)))
        client.notify("exit")  # editors end the process before it is written down
    if request.config.getoption("--update-golden"):
        lines = (json.dumps(each, ensure_ascii=False) + "\n" for each in replayed)
        path.write_text("".join(lines), "utf-8", newline="")
        return
    for then, now in zip(record, replayed, strict=True):
        assert now == then


def answers(client: Client, record: Record, folders: Folders) -> Iterator[dict[str, Any]]:
    """The record, with what the server says now in the places of what it said then.

    A request is sent when the one before it has been answered. What was cancelled may have been
    answered before; what the server asks for is answered, and may come at other times.
    """
    cancelled = {
        each["client"]["params"]["id"]
        for each in record
        if each.get("client", {}).get("method") == "$/cancelRequest"
    }
    found: dict[Any, Any] = {}
    for line in record:
        said = line.get("client")
        if said is not None and "method" in said:
            client.message(**folders.filled_in({**said, "jsonrpc": "2.0"}))
            if "id" in said and said["id"] not in cancelled:
                found[said["id"]] = folders.without(client.answer(said["id"]))
            yield line
        elif said is not None or line["server"].get("id") in cancelled:
            yield line
        elif line["server"].get("method") in TOLD:
            yield {"server": folders.without(_told(client, folders.filled_in(line["server"])))}
        elif "method" in line["server"]:
            yield line
        else:
            yield {"server": found[line["server"]["id"]]}


def _told(client: Client, wanted: dict[str, Any]) -> dict[str, Any]:
    """The next notification of a method, about the same version of the same text."""
    about = [(wanted["params"].get(name)) for name in ("uri", "version")]
    while True:
        params = client.notified(wanted["method"])
        if [params.get(name) for name in ("uri", "version")] == about:
            return {**wanted, "params": params}
