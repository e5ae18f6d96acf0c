"""A page that shows a picture and follows its changes.

Purpose: what is behind `nasdsl render --watch`: changes of `.cell` files, and a server of one page
with the picture inside it and server-sent events when it changes. It answers this machine alone.

Files are looked at again and again, which works on every system, in containers and on network
drives alike.

The page runs one script, and nothing else may run in it: the policy names the script by a
number drawn at start, and names of ops and genotypes are escaped before they are in an SVG.
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from nasdsl.drawing.loopback import LoopbackServer, is_for_this_address

#: Seconds between signs of life to a page that waits for news.
_PULSE = 10.0
_EVENTS = "/events?since="

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style nonce="{nonce}">
body {{ margin: 0; font: 14px/1.5 Helvetica, Arial, sans-serif; background: {background};
  color: {letters}; }}
main {{ display: flex; flex-direction: column; align-items: center; padding: 24px; }}
svg {{ max-width: 96vw; max-height: 86vh; height: auto; }}
pre {{ align-self: stretch; margin: 0 0 16px; padding: 12px 16px; overflow: auto;
  border-left: 4px solid #c2331f; background: #fdf1ef; color: #4a1a12; }}
footer {{ position: fixed; bottom: 6px; right: 12px; opacity: 0.6; font-size: 12px; }}
</style>
</head>
<body>
<main id="picture" data-version="{version}">{picture}</main>
<footer id="state">live</footer>
<script nonce="{nonce}">
const picture = document.getElementById("picture");
const state = document.getElementById("state");
const news = new EventSource("/events?since=" + picture.dataset.version);
news.onmessage = async () => {{
  const answer = await fetch("/picture", {{ cache: "no-store" }});
  picture.innerHTML = await answer.text();
}};
news.onopen = () => {{ state.textContent = "live"; }};
news.onerror = () => {{ state.textContent = "not connected"; }};
</script>
</body>
</html>
"""


def changes(folders: Sequence[Path], interval: float = 0.25) -> Iterator[None]:
    """Each time a `.cell` file in one of the folders has changed since the call; has no end."""
    return _changes(folders, interval, _stamp(folders))


def _changes(folders: Sequence[Path], interval: float, stamp: object) -> Iterator[None]:
    while True:
        time.sleep(interval)
        before, stamp = stamp, _stamp(folders)
        if stamp != before:
            yield


def _stamp(folders: Sequence[Path]) -> tuple[tuple[str, int, int], ...]:
    """What changes when a file does."""
    found = []
    for path in (path for folder in dict.fromkeys(folders) for path in folder.glob("*.cell")):
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((str(path), status.st_mtime_ns, status.st_size))
    return tuple(sorted(found))


class LiveContent(NamedTuple):
    """What the page shows: a picture, and the errors of the file as it is now."""

    svg: str
    message: str = ""

    @property
    def html(self) -> str:
        """As a fragment of HTML. The SVG comes from Graphviz, the message from anywhere."""
        return (f"<pre>{escape(self.message)}</pre>" if self.message else "") + self.svg


class LivePage(LoopbackServer):
    """A server that is up inside `with`; `url` is its address."""

    def __init__(
        self, title: str, shown: LiveContent, *, port: int = 0, colours: tuple[str, str]
    ) -> None:
        self.title, self.background, self.letters = title, *colours
        self._shown, self._version, self._closed = shown, 0, False
        self._news = threading.Condition()
        super().__init__(_handler(self), port)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._news:
            self._closed = True
            self._news.notify_all()
        super().__exit__(kind, error, trace)

    def show(self, shown: LiveContent) -> None:
        """Put another picture on every page that is open."""
        with self._news:
            self._shown = shown
            self._version += 1
            self._news.notify_all()

    @property
    def shown(self) -> LiveContent:
        """What the page shows now."""
        return self.snapshot()[0]

    def snapshot(self) -> tuple[LiveContent, int]:
        """What the page shows now, and how often that was changed."""
        with self._news:
            return self._shown, self._version

    def news_since(self, version: int) -> int | None:
        """The version that is shown, as soon as it is not `version`.

        After a while without a change, the same version; None once the server is closed.
        """
        with self._news:
            self._news.wait_for(lambda: self._closed or self._version != version, _PULSE)
            return None if self._closed else self._version

    def page(self, nonce: str) -> str:
        """The whole page."""
        shown, version = self.snapshot()
        return _PAGE.format(
            title=escape(self.title),
            nonce=nonce,
            background=self.background,
            letters=self.letters,
            picture=shown.html,
            version=version,
        )


def _handler(live: LivePage) -> type[BaseHTTPRequestHandler]:
    nonce = secrets.token_urlsafe(16)
    policy = (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        f"frame-ancestors 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
    )

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"
        server_version = "nasdsl"
        sys_version = ""

        def do_GET(self) -> None:
            if not is_for_this_address(self):
                self._answer(
                    HTTPStatus.FORBIDDEN,
                    "text/plain",
                    "this server answers requests for its own address only\n",
                )
            elif self.path == "/":
                self._answer(HTTPStatus.OK, "text/html", live.page(nonce))
            elif self.path == "/picture":
                self._answer(HTTPStatus.OK, "text/html", live.shown.html)
            elif self.path.startswith(_EVENTS):
                self._events(self.path.removeprefix(_EVENTS)[:20])
            else:
                self._answer(HTTPStatus.NOT_FOUND, "text/plain", "not found\n")

        def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
            content = text.encode("utf-8", "backslashreplace")
            self._begin(status, f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _begin(self, status: HTTPStatus, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Security-Policy", policy)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("Cache-Control", "no-store")

        def _events(self, since: str) -> None:
            # What changed after the page was sent is sent as soon as it asks.
            version: int | None = int(since) if since.isdecimal() else -1
            self._begin(HTTPStatus.OK, "text/event-stream")
            self.end_headers()
            self.wfile.write(b": hello\n\n")
            self.wfile.flush()
            while version is not None:
                newest = live.news_since(version)
                if newest is None:
                    return
                changed = newest != version
                self.wfile.write(b"data: changed\n\n" if changed else b": still here\n\n")
                self.wfile.flush()
                version = newest

        def log_message(self, format: str, *args: object) -> None:
            """Print nothing: the terminal shows what becomes of the file."""

    return Handler
