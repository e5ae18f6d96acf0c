"""The site as it is built, in a real browser; its pages before that are in `test_website.py`."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jupytext", reason="notebooks are pages too")
pytest.importorskip("zensical")

from tests.clones import ROOT
from tests.test_playground import NAMES, PLAYGROUND, ran

#: What somebody looks for, and the page on which it is.
WORDS = {
    "resume a search": "how_to/resume_a_search",
    "unknown op": "reference/codes/NAS201",
    "nasdsl convert": "reference/commands/convert",
    "canonical hash": "canonical_form",
}


def test_the_site_is_searched_and_leads_to_the_playground(tmp_path: Path) -> None:
    chromium = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if chromium is None or not (PLAYGROUND / "node_modules" / "playwright-core").is_dir():
        pytest.skip("there is no Chromium, or no playwright-core in playground/")
    if not (PLAYGROUND / "dist").is_dir():
        pytest.skip("the playground is not built")
    # What Zensical and a notebook's kernel warn of is not ours to turn into errors.
    built = subprocess.run(
        [sys.executable, "-m", "website.build", "--out", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    asked = {"chromium": chromium, "site": str(tmp_path / "site"), "words": WORDS}
    driven = ran(["node", "test/site.mjs"], input=json.dumps(asked))
    assert driven.returncode == 0, driven.stderr[-2000:]
    found = json.loads(driven.stdout)
    playground = found.pop("playground")
    assert set(found) == set(WORDS)
    assert found["resume a search"].startswith("Resume a search")
    assert playground["at"] == "/play/"
    assert playground["text"] == playground["example"]
    assert playground["links"] > 5
