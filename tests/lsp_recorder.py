"""What an editor and the server say to each other, kept as JSON lines.

    python -m tests.lsp_recorder FILE FOLDER -- nasdsl lsp

It stands between the two: an editor starts it in the place of the server. Each line of the file is
`{"client": MESSAGE}` or `{"server": MESSAGE}`, in the order in which they came; the folder of the
texts, and that of the library, are written as `file:///FOLDER` and `file:///LIBRARY`.
`tests/test_lsp_sessions.py` makes such records, and holds a fresh server to them.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from nasdsl import resources
from nasdsl.version import __version__


class Folders:
    """The folders whose names are left out of records."""

    def __init__(self, texts: Path) -> None:
        self.names = {
            "FOLDER": texts.resolve(),
            "LIBRARY": Path(str(resources.genotypes())).resolve(),
        }

    def without(self, message: Any) -> Any:
        """A message that names no folder of this machine, nor the version of nasdsl."""
        text = json.dumps(message)
        for name, path in self.names.items():
            text = text.replace(path.as_uri(), f"file:///{name}").replace(str(path), f"/{name}")
        text = text.replace(f'"version": "{__version__}"', '"version": "VERSION"')
        return json.loads(text)

    def filled_in(self, message: Any) -> Any:
        """A message of a record that names the folders of this machine."""
        text = json.dumps(message)
        for name, path in self.names.items():
            text = text.replace(f"file:///{name}", path.as_uri()).replace(f"/{name}", str(path))
        return json.loads(text)


def messages(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """The messages of a stream, until it ends."""
    length = 0
    while line := stream.readline():
        if line == b"\r\n":
            yield json.loads(stream.read(length))
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)


def main() -> int:
    file, folder, _, *command = sys.argv[1:]
    folders, writing = Folders(Path(folder)), threading.Lock()
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None

    def carry(name: str, source: BinaryIO, target: BinaryIO) -> None:
        for message in messages(source):
            with writing, Path(file).open("a", encoding="utf-8") as record:
                record.write(
                    json.dumps({name: folders.without(message)}, ensure_ascii=False) + "\n"
                )
            body = json.dumps(message).encode()
            target.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
            target.flush()

    out = os.fdopen(os.dup(1), "wb")
    answers = threading.Thread(target=carry, args=("server", server.stdout, out), daemon=True)
    answers.start()
    carry("client", sys.stdin.buffer, server.stdin)  # type: ignore[arg-type]
    server.stdin.close()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
