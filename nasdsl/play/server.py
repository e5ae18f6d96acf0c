"""A server of the playground's files, for this machine alone.

Purpose: what is behind `nasdsl play`. The page sends nothing: texts stay in its address, and the
server is asked for files alone.

Requests that were not made for this address are refused, as `nasdsl.drawing.live` does.
"""

import threading
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

from nasdsl.resources import checkout

ADDRESS = "127.0.0.1"
_KINDS = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".wasm": "application/wasm",
    ".zip": "application/zip",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".css": "text/css",
    ".html": "text/html",
    "": "application/octet-stream",
}
_POLICY = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'; connect-src 'self'"


def built_files() -> Path | None:
    """The playground's files: of the checkout that nasdsl runs from, or in its wheel; if any."""
    root = checkout()
    wheel = Path(__file__).parents[1] / "playground"
    folder = wheel if root is None else root / "playground" / "dist"
    return folder if is_playground(folder) else None


def is_playground(folder: Path) -> bool:
    """Whether a folder has a playground that was built."""
    return all((folder / name).is_file() for name in ("index.html", "nasdsl.zip"))


class FileServer:
    """A server of a folder, which is up inside `with`; `url` is its address.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        self._server = _ThreadedServer((ADDRESS, port), _handler(folder))
        self.url = f"http://{ADDRESS}:{self._server.server_port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> "FileServer":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self) -> None:
        """Go on until an interruption."""
        while self._thread.is_alive():
            self._thread.join(1.0)


class _ThreadedServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the error: the reader has gone."""


def _handler(folder: Path) -> type[SimpleHTTPRequestHandler]:
    class FileHandler(SimpleHTTPRequestHandler):
        extensions_map = _KINDS
        server_version = "nasdsl"
        sys_version = ""

        def __init__(self, *args: Any) -> None:
            super().__init__(*args, directory=str(folder))

        def parse_request(self) -> bool:
            """Read the request; one for another address gets no file."""
            if not super().parse_request():
                return False
            assert isinstance(self.server, _ThreadedServer)
            port = self.server.server_port
            if self.headers.get("Host") not in {f"{ADDRESS}:{port}", f"localhost:{port}"}:
                self.send_error(HTTPStatus.FORBIDDEN)
                return False
            return True

        def send_head(self) -> Any:
            """Open a file. Copies for use without a network are for pages on the web alone."""
            if self.path.startswith("/service-worker.js"):
                self.send_error(HTTPStatus.NOT_FOUND)
                return None
            return super().send_head()

        def list_directory(self, path: Any) -> None:
            """Show no folder."""
            self.send_error(HTTPStatus.NOT_FOUND)

        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", _POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            # Another build at the same address is seen at once.
            self.send_header("Cache-Control", "no-cache")
            super().end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing."""

    return FileHandler
