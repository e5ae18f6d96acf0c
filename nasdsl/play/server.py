"""A server of the playground's files, for this machine alone.

Purpose: what is behind `nasdsl play`. The page sends nothing: texts stay in its address, and the
server is asked for files alone.
"""

from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

from nasdsl.drawing.loopback import LoopbackServer, is_for_this_address
from nasdsl.resources import checkout

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


class FileServer(LoopbackServer):
    """A server of a folder, which is up inside `with`; `url` is its address.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        super().__init__(_handler(folder), port)


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
            if not is_for_this_address(self):
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
