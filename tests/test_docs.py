"""Every example of the documentation is run."""

import ast
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from nasdsl.errors import Source
from nasdsl.language.parser import parse
from nasdsl.language.printer.format import formatted_text
from nasdsl.loading import analyse
from tests.cli_run import exit_code

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: Pages whose steps need the steps before them; `tests/test_tutorials.py` follows them.
FOLLOWED = [
    ROOT / "docs" / "start.md",
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
    *sorted((ROOT / "docs" / "how_to").glob("*.md")),
]
_FENCE = re.compile(r"^```(\w[^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


TYPO = """\
genotype typo
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], sep_con_3x3, identity, add)
}
"""


class Example(NamedTuple):
    """A fenced block: where it stands, its info string, and its text."""

    place: str
    info: str
    text: str


def examples(language: str) -> list[Example]:
    found = []
    for page in PAGES:
        if page in FOLLOWED and language != "cell":
            continue
        text = page.read_text(encoding="utf-8")
        for match in _FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if match[1].split()[0] == language:
                found.append(Example(f"{page.name}:{line}", match[1], match[2]))
    return found


def ids(example: Example) -> str:
    return example.place


@pytest.mark.parametrize("example", examples("cell"), ids=ids)
def test_cell_examples_check_as_the_page_says(example: Example) -> None:
    """`cell` blocks have no findings; `error CODE` blocks have that one and no other."""
    words = example.info.split()
    text = example.text
    if "fragment" in words:
        text = "ops nasnet\ncell normal {\n" + text + "}\n"
    expected = words[words.index("error") + 1 :] if "error" in words else []
    findings = analyse(Source("example.cell", text)).diagnostics
    assert expected == [found.code for found in findings], [str(found) for found in findings]


@pytest.mark.parametrize("example", examples("cell"), ids=ids)
def test_cell_examples_are_in_the_one_style(example: Example) -> None:
    """What people copy from a page is formatted, but for one-line cells that show a space."""
    if "5 * (" in example.text or "error" in example.info:
        return
    text = example.text
    if "fragment" in example.info:
        indented = "".join(f"    {line}\n" for line in text.splitlines())
        text = f"cell normal {{\n{indented}}}\n"
    assert text == formatted_text(parse(Source("example.cell", text)))


@pytest.mark.parametrize("example", examples("python"), ids=ids)
def test_python_examples_run(example: Example, monkeypatch, tmp_path) -> None:
    """Each block stands alone; its assertions hold."""
    monkeypatch.chdir(tmp_path)
    exec(compile(example.text, example.place, "exec"), {"__name__": "example"})


@pytest.mark.parametrize("example", examples("console"), ids=ids)
def test_console_examples_print_what_the_page_shows(
    example: Example, monkeypatch, tmp_path, capsys
) -> None:
    """Each `$ nasdsl ...` prints the lines below it; `...` stands for lines left out."""
    monkeypatch.chdir(tmp_path)
    text = examples("cell")[0].text
    (tmp_path / "my.cell").write_text(text, encoding="utf-8")
    (tmp_path / "typo.cell").write_text(TYPO, encoding="utf-8")
    require_console(example.text, lambda: "".join(capsys.readouterr()))


def require_console(text: str, printed_since: Callable[[], str]) -> None:
    """Type the commands of a block; what they print is what stands below them."""
    for command in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, _, shown = command.partition("\n")
        arguments = shlex.split(line)
        assert arguments[0] == "nasdsl"
        exit_code(arguments[1:])
        output = printed_since()
        parts = re.split(r"^\.\.\.$|\.\.\.(?=$| )|(?<= )\.\.\.", shown, flags=re.M)
        pieces = [re.escape(piece.strip()) for piece in parts]
        printed = "\n".join(text.rstrip() for text in output.splitlines()).strip()
        assert re.fullmatch(r"(?s:.*)".join(pieces), printed), f"$ {line}\n{output}"


#: Phrases that readers did not understand, and what is written instead.
UNCLEAR = {
    "a mistake of nasdsl": "internal error",
    r"\b(go|goes|going) on\b(?! (?:by|a))": "continue, run",
    r"\bkeep 0\.\d": "path keep probability",
    "## Again": "Reproduce this run",
    "told by looking at": "detected automatically",
    "fitting the inputs": "input projections",
}


@pytest.mark.parametrize("phrase", UNCLEAR)
def test_phrases_that_are_unclear(phrase: str) -> None:
    """Neither pages nor texts that commands print have them."""
    texts = {page: page.read_text("utf-8") for page in [*PAGES, *ROOT.glob("nasdsl/**/*.md")]}
    for path in [*ROOT.glob("nasdsl/**/*.py"), *ROOT.glob("backends/**/*.py")]:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        words = (node.value for node in nodes if isinstance(node, ast.Constant))
        texts[path] = "\n".join(word for word in words if isinstance(word, str))
    assert [path for path, text in texts.items() if re.search(phrase, text)] == []
