"""A server of pages for this machine alone.

Purpose: what the pages of `nasdsl render --watch` and `nasdsl play` share: the address, the thread
that answers, and which requests are answered. Those that were not made for this address are
refused, so that no other page can read answers through a name that leads to this machine.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

ADDRESS = "127.0.0.1"


class LoopbackServer:
    """A server that is up inside `with`; `url` is its address.

    Args:
        handler: answers requests.
        port: 0 takes one that is free.

    Raises:
        OSError: the port is taken.
    """

    def __init__(self, handler: type[BaseHTTPRequestHandler], port: int = 0) -> None:
        self._server = _ThreadedServer((ADDRESS, port), handler)
        self.port: int = self._server.server_port
        self.url = f"http://{ADDRESS}:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    def __enter__(self) -> Self:
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


def is_for_this_address(request: BaseHTTPRequestHandler) -> bool:
    """Whether a request, whose headers were read, was made for the server that it reached."""
    assert isinstance(request.server, _ThreadedServer)
    port = request.server.server_port
    return request.headers.get("Host") in {f"{ADDRESS}:{port}", f"localhost:{port}"}


class _ThreadedServer(ThreadingHTTPServer):
    daemon_threads = True
    # A page that is closed while it waits is not an error.
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore the error: the reader has gone."""
