"""The playground in a real browser.

It is built where Node and npm are, and driven where a Chromium is too; `CHROMIUM` may say where.
What its page asks Python is tested without a browser in `test_play.py`.
"""

import ast
import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

import nasdsl
from nasdsl import library
from tests.clones import ROOT

PLAYGROUND = ROOT / "playground"
NAMES = ("chromium", "chromium-browser", "google-chrome")
#: What `build.mjs` exits with where something could not be fetched.
NOT_FETCHED = 75


def ran(command: list[str], **options: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command, cwd=PLAYGROUND, capture_output=True, text=True, check=False, timeout=400, **options
    )  # type: ignore[call-overload, no-any-return]


@pytest.fixture(scope="module")
def chromium() -> str:
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium")
    return found


@pytest.fixture(scope="module")
def dist(chromium: str) -> Path:
    """The files, built from what is in the checkout."""
    if shutil.which("npm") is None or sys.platform == "win32":
        pytest.skip("Node and npm are not installed")
    if not (PLAYGROUND / "node_modules" / "playwright-core").is_dir():
        fetched = ran(["npm", "ci", "--no-audit", "--no-fund"])
        if fetched.returncode:
            pytest.skip(f"npm could not install the packages: {fetched.stderr[-200:]}")
    # pip has warnings of its own, which are not ours to turn into errors.
    environment = {**os.environ, "PYTHON": sys.executable, "PYTHONWARNINGS": ""}
    built = ran(["node", "build.mjs", "--if-changed"], env=environment)
    if built.returncode == NOT_FETCHED:
        pytest.skip(f"pip could not fetch what the page needs: {built.stderr[-300:]}")
    assert built.returncode == 0, built.stderr[-2000:]
    return PLAYGROUND / "dist"


def test_the_playground_in_a_browser(dist: Path, chromium: str, tmp_path: Path) -> None:
    """Types, breaks, fixes, shares, reloads, goes offline; hostile links do nothing."""
    text = library.source("nasnet_a").text
    genotype, space = nasdsl.load("nasnet_a"), library.source("nasnet_space").text
    expected = {
        "text": text,
        "space": space,
        "params": f"{nasdsl.cost(genotype).params:,}",
        "smaller": f"{nasdsl.cost(genotype, N=4, filters=1056).params:,}",
        "hash": nasdsl.canonical_hash(genotype),
        "count": f"{nasdsl.count(nasdsl.loads_space(space)):,}",
    }
    play = subprocess.Popen(
        [sys.executable, "-m", "nasdsl", "play", "nasnet_a", "--files", str(dist), "--no-browser"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
    )
    try:
        assert play.stdout is not None
        asked = {
            "chromium": chromium,
            "dist": str(dist),
            "play": play.stdout.readline().strip(),
            "expected": expected,
        }
        driven = ran(["node", "test/drive.mjs"], input=json.dumps(asked))
    finally:
        play.kill()
        play.communicate()
    assert driven.returncode == 0, driven.stderr[-2000:]
    found = json.loads(driven.stdout)
    files = {name: base64.b64decode(each) for name, each in found.pop("files").items()}
    assert found == dict.fromkeys(found, "ok")
    assert len(found) == 12
    assert set(files) == {"nasnet_a.cell", "nasnet_a.svg", "nasnet_a.png", "nasnet_a.py"}
    assert files["nasnet_a.cell"].decode() == text
    assert files["nasnet_a.png"].startswith(b"\x89PNG")
    assert ElementTree.fromstring(files["nasnet_a.svg"]).tag.endswith("svg")
    assert any(
        isinstance(node, ast.ClassDef) and node.name == "Network"
        for node in ast.parse(files["nasnet_a.py"]).body
    )


def test_the_lock_file_names_no_registry() -> None:
    """Packages come from whatever registry npm is set to."""
    lock = json.loads((PLAYGROUND / "package-lock.json").read_text("utf-8"))
    package = json.loads((PLAYGROUND / "package.json").read_text("utf-8"))
    assert lock["packages"][""]["dependencies"] == package["dependencies"]
    for name, each in lock["packages"].items():
        assert "resolved" not in each
        assert not name or each["integrity"].startswith("sha512-")


def test_links_of_the_page_and_of_the_command_line_are_the_same() -> None:
    """The page's `link.js`, run by Node."""
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    from nasdsl.play.link import fragment, text_of

    texts = [library.source("nasnet_a").text, "", "é \U0001f9e0 \n", "\r\n\t" * 9000, "\0" * 1000]
    # What keeps an editor busy is not opened: characters that have no shape, by the thousand.
    unseen = ["\0" * 1001, "\u202ea\u00ad" * 501, "\u2028\ufffc" * 501]
    script = """
import { read, written } from "./src/link.js";
let input = "";
for await (const part of process.stdin) input += part;
const { texts, fragments } = JSON.parse(input);
const found = await Promise.all(fragments.map(async (each) => (await read(each)).text));
const links = await Promise.all(texts.map((each) => written(each, "cells")));
console.log(JSON.stringify({ found, links }));
"""
    asked = {
        "texts": texts,
        "fragments": [*map(fragment, [*texts, *unseen]), "#c=AAAA", "#c=%", "#"],
    }
    answered = ran(["node", "--input-type=module", "-e", script], input=json.dumps(asked))
    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout)
    assert answer["found"] == [*texts, *[None] * 6]
    assert [text_of(each) for each in answer["links"]] == texts


def test_what_takes_too_long_is_given_up() -> None:
    """The page's `python.js`, run by Node with a worker that never answers.

    Whenever Python has been started again, the page asks again what it asked before: one question
    is tried twice, and not for ever.
    """
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    script = """
let workers = 0;
globalThis.Worker = class {
  constructor() {
    workers += 1;
    setImmediate(() => this.onmessage({ data: { state: "ready" } }));
  }
  terminate() {}
  postMessage(questions) {
    const data = { answer: '{"seen": 1}' };
    const quick = questions.filter((each) => JSON.parse(each).text === "quick");
    for (const each of quick) setImmediate(() => this.onmessage({ data }));
  }
};
const later = setTimeout;
globalThis.setTimeout = (run, time) => later(run, time / 1000);
const { Python } = await import("./src/python.js");
const said = [];
const ask = async () => {
  const answer = await python.ask("view", { text: "slow" }, "view");
  said.push(answer === null ? null : answer.problem[0].message);
};
const python = new Python((state) => { if (state === "ready") setImmediate(ask); });
await new Promise((done) => later(done, 300));
const quick = await python.ask("view", { text: "quick" }, "view");
console.log(JSON.stringify({ workers, said, quick }));
process.exit();
"""
    answered = ran(["node", "--input-type=module", "-e", script])
    assert answered.returncode == 0, answered.stderr
    answer = json.loads(answered.stdout)
    message = "this took longer than 20 seconds, and was stopped"
    assert answer == {"workers": 3, "said": [message] * 3, "quick": {"seen": 1}}
