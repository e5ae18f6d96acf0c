"""Measure what an editor waits for, and edit texts through the language server at random.

    python -m bench.editor            # times, and 10,000 edits
    python -m bench.editor --edits 0  # times alone

Times are medians in processor time of one core. After every edit the findings of the server are
compared with those of a fresh analysis, and at the end its memory with that after a tenth of the
edits. `tests/test_lsp.py` does the same with a few hundred edits.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import psutil

from nasdsl import service
from nasdsl.errors import Source, Span
from nasdsl.language.memory import TextMemory
from nasdsl.language.parser import parse
from nasdsl.loading import analyse
from nasdsl.lsp.positions import LinePositions
from nasdsl.service import Document
from tests.edits import random_edit
from tests.lsp_client import Client, connected

ROUNDS = 7
OPS = ("sep_conv_5x5", "sep_conv_3x3", "avg_pool_3x3", "identity", "max_pool_3x3")
START = """\
genotype edited
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
    b1 = (b0, ?, {sep_conv_3x3 | identity}, identity, add)
    output unused
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--edits", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for lines in (300, 10_000):
        times(lines)
    if arguments.edits:
        edit(arguments.edits, arguments.seed)


def genotype(lines: int) -> str:
    """A genotype of so many lines, half of them in each cell."""
    random, rows = Random(0), ["genotype large", "ops nasnet", ""]
    for kind in ("normal", "reduction"):
        rows.append(f"cell {kind} {{")
        states = ["h[i]", "h[i-1]"]
        for block in range((lines - 9) // 2):
            inputs, ops = random.choices(states, k=2), random.choices(OPS, k=2)
            rows.append(f"    b{block} = ({', '.join([*inputs, *ops, 'add'])})")
            states.append(f"b{block}")
        rows += ["    output unused", "}"]
    return "\n".join(rows) + "\n"


def times(lines: int) -> None:
    gc.set_threshold(100_000, 50, 100)  # as in `nasdsl lsp`
    text = genotype(lines)
    middle = text.index("\n", len(text) // 2) + 4

    at = text.index("\n    b1 = ") + 1
    edited = f"{text[:at]}    # a comment\n{text[at:]}"
    memory = TextMemory()

    def fresh(after: str = edited) -> Document:
        # The edit before this one took it back, so everything is known of the text without it.
        assert not Document(Source("large.cell", text), memory=memory).diagnostics
        return Document(Source("large.cell", after), memory=memory)

    broken = f"{text[:at]}    b0x = (h[i], \n{text[at:]}"

    questions: dict[str, Callable[[Document], object]] = {
        "tree": lambda doc: doc.parsed,
        "tree, from scratch": lambda doc: parse(doc.source),
        "findings": lambda doc: doc.diagnostics,
        "symbols": service.symbols,
        "folds": service.folds,
        "semantic tokens": service.semantic_tokens,
        "completion": lambda doc: service.completions(doc, middle),
        "hover": lambda doc: service.hover(doc, middle),
        "inlay hints": service.inlay_hints,
        "formatting": service.formatting,
    }
    print(f"{lines:,} lines, {len(text):,} characters: milliseconds after an edit")
    spent: dict[str, list[float]] = {name: [] for name in questions}
    spent["with a mistake"] = []
    for _ in range(ROUNDS):
        document = fresh(broken)
        gc.collect()
        start = time.process_time()
        assert document.diagnostics
        spent["with a mistake"].append(1000 * (time.process_time() - start))
        document = fresh()
        gc.collect()
        for name, question in questions.items():
            start = time.process_time()
            question(document)
            spent[name].append(1000 * (time.process_time() - start))
    for name, found in spent.items():
        print(f"  {name:18} {median(found):8.1f}")


def edit(edits: int, seed: int) -> None:
    random, process = Random(seed), psutil.Process()
    first, text, began = 0, START, time.monotonic()
    with tempfile.TemporaryDirectory() as folder, connected("zed", {"shows": True}) as client:
        uri = (Path(folder) / "edited.cell").as_uri()
        client.open(uri, text)
        for number in range(edits):
            change = random_edit(random, text)
            if any(text[at - 1 : at + 1] == "\r\n" for at in change[:2]):
                continue
            place = LinePositions(text, "utf-8").range(Span(change.start, change.end))
            text = change.applied(text) if len(text) < 4000 else START
            _send(client, uri, number + 2, place, change.text, text)
            compare(client, uri, text, number)
            if number == edits // 10:
                first = _memory(process)
        last = _memory(process)
    grown = (last - first) / first
    seconds = time.monotonic() - began
    print(f"{edits:,} edits in {seconds:.0f} s: every state as that of a fresh document")
    print(f"memory {first / 2**20:.0f} MB after a tenth of them, {last / 2**20:.0f} MB at the end")
    print(f"grown by {grown:.1%}")
    if grown > 0.05:
        sys.exit("more than 5 %")


def _send(client: Client, uri: str, version: int, place: Any, new: str, text: str) -> None:
    if text == START:
        client.change(uri, version, {"text": text})
        return
    start, end = (
        {"line": each.line, "character": each.character} for each in (place.start, place.end)
    )
    client.change(uri, version, {"range": {"start": start, "end": end}, "text": new})


def compare(client: Client, uri: str, text: str, number: int) -> None:
    """The server's findings, and its outline, are those of a fresh document."""
    source = Source("edited.cell", text)
    lines = LinePositions(text, "utf-8")
    found = client.findings(uri)
    fresh = analyse(source).diagnostics
    shown = [(each["code"], each["range"]["start"]["line"]) for each in found]
    wanted = [
        (each.code, lines.position(each.span.start if each.span else 0).line) for each in fresh
    ]
    assert shown == wanted, (number, text)
    names = [each["name"] for each in client.of("documentSymbol", uri)]
    assert names == [each.name for each in service.symbols(Document(source))], (number, text)
    # An asking client is not told about findings, and this one does not read them.
    while not client.notifications.empty():
        client.notifications.get()


def _memory(process: psutil.Process) -> int:
    gc.collect()
    return int(process.memory_info().rss)


if __name__ == "__main__":
    main()
