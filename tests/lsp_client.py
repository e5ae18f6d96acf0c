"""A client of the language server that speaks plain JSON-RPC, and knows nothing of pygls.

Used by the tests of the server and by `bench/editor.py`.
"""

import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

#: Seconds after which something hangs.
PATIENCE = 120

#: What the clients of docs/editors.md say of themselves, each with where that is from.
CLIENTS: dict[str, dict[str, Any]] = {
    name: each["capabilities"]
    for name, each in json.loads(
        (Path(__file__).parent / "data/lsp_clients.json").read_text("utf-8")
    ).items()
}


class Client:
    """One connection: what is written to `to_server`, and a thread that reads the answers."""

    def __init__(self, to_server: BinaryIO, from_server: BinaryIO) -> None:
        self.to_server, self.from_server = to_server, from_server
        self.notifications: queue.Queue[dict[str, Any]] = queue.Queue()
        self.asked: list[dict[str, Any]] = []
        self.watched = False
        self.capabilities: dict[str, Any] = {}
        #: What requests of the server are answered with.
        self.results: dict[str, Any] = {"window/showDocument": {"success": True}}
        self.unanswered: set[str] = set()
        self.sent = 0
        self._answers: dict[Any, dict[str, Any]] = {}
        self._arrived = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    # -- messages ------------------------------------------------------------------------

    def raw(self, body: bytes) -> None:
        """Send a body, whatever it is."""
        self.to_server.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.to_server.flush()

    def message(self, **members: Any) -> None:
        self.raw(json.dumps({"jsonrpc": "2.0", **members}).encode())

    def notify(self, method: str, params: Any = None) -> None:
        self.message(method=method, params=params)

    def start(self, method: str, params: Any = None) -> int:
        """Send a request; its number."""
        self.sent += 1
        self.message(id=self.sent, method=method, params=params)
        return self.sent

    def answer(self, number: Any) -> dict[str, Any]:
        """The answer to a request, with `result` or `error`."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: number in self._answers, PATIENCE), number
            return self._answers.pop(number)

    def ask(self, method: str, params: Any = None) -> Any:
        """The result of a request."""
        found = self.answer(self.start(method, params))
        assert "error" not in found, found
        return found["result"]

    def error(self, method: str, params: Any = None) -> dict[str, Any]:
        """The error of a request."""
        found = self.answer(self.start(method, params))
        assert "error" in found, found
        error: dict[str, Any] = found["error"]
        return error

    def notified(self, method: str) -> Any:
        """The parameters of the next notification of a method; others before it are dropped."""
        while True:
            found = self.notifications.get(timeout=PATIENCE)
            if found["method"] == method:
                return found["params"]

    def settle(self, methods: Mapping[str, bool]) -> None:
        """Wait until the server has asked for all of these methods that are expected."""
        deadline = time.monotonic() + PATIENCE
        wanted = {name for name, is_expected in methods.items() if is_expected}
        while not wanted <= {each["method"] for each in self.asked}:
            assert time.monotonic() < deadline, wanted
            time.sleep(0.01)

    def _read(self) -> None:
        while True:
            try:
                found = self._message()
            except ValueError:
                return  # the pipe has been closed
            if found is None:
                return
            if "method" in found and "id" in found:
                self.asked.append(found)
                self.watched |= found["method"] == "client/registerCapability"
                if found["method"] not in self.unanswered:
                    with suppress(ValueError, BrokenPipeError):  # it has ended meanwhile
                        self.message(id=found["id"], result=self.results.get(found["method"]))
            elif "method" in found:
                self.notifications.put(found)
            else:
                with self._arrived:
                    self._answers[found["id"]] = found
                    self._arrived.notify_all()

    def _message(self) -> dict[str, Any] | None:
        length = 0
        while line := self.from_server.readline():
            if line == b"\r\n":
                found: dict[str, Any] = json.loads(self.from_server.read(length))
                return found
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        return None

    # -- texts ---------------------------------------------------------------------------

    def begin(self, client: str, options: Any = None) -> dict[str, Any]:
        """The handshake; the server's capabilities."""
        about = {"processId": None, "rootUri": None, "capabilities": CLIENTS[client]}
        result = self.ask("initialize", {**about, "initializationOptions": options})
        self.notify("initialized", {})
        self.capabilities = result["capabilities"]
        return self.capabilities

    def open(self, uri: str, text: str, version: int = 1) -> None:
        opened = {"uri": uri, "languageId": "cell", "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": opened})

    def change(self, uri: str, version: int, *changes: dict[str, Any]) -> None:
        document = {"uri": uri, "version": version}
        about = {"textDocument": document, "contentChanges": list(changes)}
        self.notify("textDocument/didChange", about)

    def close(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def of(self, method: str, uri: str, **more: Any) -> Any:
        """The result of a request about a text."""
        return self.ask(f"textDocument/{method}", {"textDocument": {"uri": uri}, **more})

    def findings(self, uri: str) -> list[dict[str, Any]]:
        """The findings about a text, as clients ask for them."""
        items: list[dict[str, Any]] = self.of("diagnostic", uri)["items"]
        return items

    def published(self, uri: str, version: int | None = None) -> list[dict[str, Any]]:
        """The findings that the server reports of a text by itself."""
        while True:
            found = self.notified("textDocument/publishDiagnostics")
            if found["uri"] == uri and version in (None, found.get("version")):
                items: list[dict[str, Any]] = found["diagnostics"]
                return items


@contextmanager
def process() -> Iterator[Client]:
    """A client of a process `nasdsl lsp`, whose session it begins and ends; that ends well."""
    server = subprocess.Popen(
        [sys.executable, "-m", "nasdsl", "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert server.stdin is not None
    assert server.stdout is not None
    found = Client(server.stdin, server.stdout)  # type: ignore[arg-type]
    try:
        yield found
        assert server.wait(PATIENCE) == 0
    finally:
        server.kill()
        server.wait()
        found.reader.join(PATIENCE)
        server.stdin.close()
        server.stdout.close()


@contextmanager
def started(client: str, options: Any = None) -> Iterator[Client]:
    """A client of a process, after the handshake."""
    with process() as found:
        found.begin(client, options)
        yield found
        found.ask("shutdown")
        found.notify("exit")


@contextmanager
def connected(client: str, options: Any = None) -> Iterator[Client]:
    """A client of a server in a thread of this process, after the handshake."""
    from nasdsl.lsp.features import cell_server

    (server_in, client_out), (client_in, server_out) = os.pipe(), os.pipe()
    reading, writing = os.fdopen(server_in, "rb"), os.fdopen(server_out, "wb")
    thread = threading.Thread(target=cell_server().start_io, args=(reading, writing), daemon=True)
    thread.start()
    to_server, from_server = os.fdopen(client_out, "wb"), os.fdopen(client_in, "rb")
    found = Client(to_server, from_server)
    try:
        found.begin(client, options)
        yield found
        found.ask("shutdown")
        found.notify("exit")
    finally:
        # The server's end closes its pipe, and the reading thread ends with that.
        to_server.close()
        thread.join(PATIENCE)
        writing.close()
        reading.close()
        found.reader.join(PATIENCE)
        from_server.close()
    assert not thread.is_alive()
