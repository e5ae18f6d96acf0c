"""The tutorials are followed, step by step, in a folder of their own.

A block with a title is a file that is saved; console blocks are typed and have to print what the
page shows, Python blocks are run. Commands that would take too long stand indented, and are parsed
by `tests/test_cli_documents.py`.
"""

import re
import sys
from pathlib import Path

import pytest

from tests.test_docs import FOLLOWED, require_console
from tests.test_install import pip

_FENCE = re.compile(r'^```(\w+)(?: title="([^"]+)")?[^\n]*\n(.*?)^```$', re.MULTILINE | re.DOTALL)

#: A page's own package is installed into a folder, since the environment is everybody's.
INSTALLING = "$ pip install --editable .\n"


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_tutorial_can_be_followed(
    page: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    one_thread: None,
) -> None:
    """From top to bottom, each step with what the steps before it left."""
    for package in ("torch", "accelerate", "onnxruntime", "hypothesis", "sklearn"):
        pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    steps = 0
    for language, title, content in _FENCE.findall(page.read_text("utf-8")):
        if title:
            Path(title).write_text(content, "utf-8")
            # Another page's file of that name may have been imported in this process.
            monkeypatch.delitem(sys.modules, Path(title).stem, raising=False)
        elif content == INSTALLING:
            pip("install", "--quiet", "--no-deps", "--target", "installed", ".", cwd=tmp_path)
            monkeypatch.syspath_prepend(tmp_path / "installed")
        elif language == "console":
            require_console(content, lambda: "".join(capfd.readouterr()))
        elif language == "python":
            exec(compile(content, page.name, "exec"), {"__name__": "tutorial"})
        else:
            continue
        steps += 1
    assert steps >= 3
