"""`nasdsl play`, and the server of the playground's files."""

import http.client
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nasdsl import library
from nasdsl.cli import play
from nasdsl.errors import Source
from nasdsl.play.link import fragment, text_of
from nasdsl.play.server import FileServer
from tests.cli_run import Run, runner

NASNET_A = library.source("nasnet_a").text


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder that looks like a playground."""
    folder = tmp_path / "dist"
    folder.mkdir()
    (folder / "index.html").write_text("<!doctype html>hello")
    (folder / "nasdsl.zip").write_bytes(b"PK")
    (folder / "main.js").write_text("1")
    (folder / "service-worker.js").write_text("1")
    (tmp_path / "secret").write_text("secret")
    return folder


@pytest.fixture
def server(files: Path) -> Iterator[FileServer]:
    with FileServer(files) as served:
        yield served


def got(server: FileServer, path: str, host: str | None = None) -> tuple[int, bytes, Any]:
    address = server.url.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", path, headers={"Host": host or address})
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers
    connection.close()
    return found


def test_the_server_has_files_for_this_machine_alone(server: FileServer) -> None:
    code, content, headers = got(server, "/")
    assert (code, content) == (200, b"<!doctype html>hello")
    assert headers["Content-Type"].startswith("text/html")
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert got(server, "/main.js")[2]["Content-Type"] == "text/javascript"
    for path in ("/../secret", "/%2e%2e/secret", "/nothing", "/service-worker.js"):
        assert got(server, path)[0] == 404
    assert got(server, "/", host="evil.example")[0] == 403


@pytest.fixture
def run(capfd: Any, monkeypatch: Any) -> Run:
    return runner(capfd, monkeypatch)


def test_play_serves_until_it_is_interrupted(run: Run, files: Path, monkeypatch: Any) -> None:
    opened = list[str]()
    answers = list[int]()

    def wait(self: FileServer) -> None:
        answers.append(got(self, "/")[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(FileServer, "wait", wait)
    monkeypatch.setattr(play.webbrowser, "open", opened.append)
    ran = run("play", "nasnet_a", "--files", str(files))
    address = ran.out.strip()
    assert (ran.code, opened, answers) == (130, [address], [200])
    assert address.startswith("http://127.0.0.1:")
    assert text_of("#" + address.partition("#")[2]) == NASNET_A
    assert run("play", "-", "--files", str(files), "--no-browser", stdin="cell {").code == 130
    assert opened == [address]


def test_play_prints_a_link_to_a_playground_elsewhere(run: Run) -> None:
    ran = run("play", "nasnet_a", "--at", "https://example.org/play/#old")
    assert ran.code == 0
    assert ran.out == f"https://example.org/play/{fragment(NASNET_A)}\n"
    assert run("play", "nasnet_a", "--at", "javascript:alert(1)").code == 2


def test_play_says_how_its_files_are_built(run: Run, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(play, "built_files", lambda: None)
    ran = run("play", "nasnet_a")
    assert ran.code == 2
    assert "NAS001" in ran.err
    assert "make playground" in ran.err
    assert "make playground" in run("play", "nasnet_a", "--files", str(tmp_path)).err


def test_play_refuses_a_port_that_is_taken(run: Run, files: Path, server: FileServer) -> None:
    port = server.url.rstrip("/").rpartition(":")[2]
    ran = run("play", "nasnet_a", "--files", str(files), "--port", port, "--no-browser")
    assert ran.code == 2
    assert "NAS006" in ran.err


def test_play_refuses_a_text_that_no_link_carries(run: Run, files: Path, monkeypatch: Any) -> None:
    long = Source("long.cell", "# " + "a" * 500_000)
    monkeypatch.setattr(play.reading, "source", lambda name: long)
    ran = run("play", "long.cell", "--files", str(files), "--no-browser")
    assert ran.code == 2
    assert "NAS004" in ran.err
