"""What each highlighter makes of a text, in the words of `nasdsl.highlighting.table`.

Shared by `tests/test_highlighting.py` (the library and a few hundred texts) and
`bench/highlighting.py` (ten thousand). All name a token as the table does; comments are left out,
since the language drops them.
"""

import ctypes
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from nasdsl.highlighting.table import TOKENS
from nasdsl.language.parser.tokens import keyword_names, lexed_tokens
from nasdsl.language.words import KEYWORDS
from tests.clones import ROOT

#: The tokens of a text: start, end and kind.
Seen = list[tuple[int, int, str]]

GRAMMAR = ROOT / "editors" / "tree-sitter-cell"
_PUNCTUATION = {
    **dict.fromkeys(("EQUAL", "VBAR", "STAR", "PLUS", "SLASH"), "operator"),
    **dict.fromkeys(("LPAR", "RPAR", "LBRACE", "RBRACE", "LSQB", "RSQB"), "bracket"),
    "COMMA": "comma",
    "QMARK": "hole",
    "STATE": "state",
    "NUMBER": "number",
    "WORD": "word",
}
_MARKS = {**dict.fromkeys("=|*+/", "operator"), **dict.fromkeys("(){}[]", "bracket"), ",": "comma"}


def lexed(text: str) -> Seen:
    """The tokens of the language's own lexer."""
    illegal: list[object] = []
    found = []
    for read in lexed_tokens(text, illegal):  # type: ignore[arg-type]
        token = read.token
        if token.type != "$END":
            kind = "keyword" if token.type in keyword_names() else _PUNCTUATION[token.type]
            found.append((int(token.start_pos or 0), int(token.end_pos or 0), kind))
    assert not illegal
    return found


def by_pygments(text: str) -> Seen:
    """The tokens of the Pygments lexer."""
    from nasdsl.highlighting.pygments import CellLexer, _type

    kinds = {_type(kind.pygments): kind.name for kind in TOKENS if kind.name != "comma"}
    found = []
    for start, type_, value in CellLexer().get_tokens_unprocessed(text):
        if type_ in kinds and value.strip() and kinds[type_] != "comment":
            name = "comma" if value == "," else kinds[type_]
            found.append((start, start + len(value), name))
    return found


def by_codemirror(texts: Sequence[str]) -> list[Seen]:
    """The tokens of the CodeMirror mode; it is plain JavaScript and needs no package."""
    return _by_node("codemirror.mjs", texts, {kind.codemirror: kind.name for kind in TOKENS})


def by_textmate(texts: Sequence[str]) -> list[Seen]:
    """The tokens of the TextMate grammar, read by vscode-textmate as VS Code reads it."""
    return _by_node("textmate.mjs", texts, {kind.textmate: kind.name for kind in TOKENS})


def _by_node(script: str, texts: Sequence[str], kinds: dict[str, str]) -> list[Seen]:
    if shutil.which("node") is None:
        pytest.skip("Node is not installed")
    folder = ROOT / "editors" / "test"
    ran = subprocess.run(
        ["node", str(folder / script)],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        check=False,
    )
    if "ERR_MODULE_NOT_FOUND" in ran.stderr or "Cannot find" in ran.stderr:
        pytest.skip("run `npm ci` in editors/test")
    assert ran.returncode == 0, ran.stderr
    return [
        [(start, end, kinds[name]) for start, end, name in tokens if kinds[name] != "comment"]
        for tokens in json.loads(ran.stdout)
    ]


# -- tree-sitter ---------------------------------------------------------------------------------


@cache
def tree_sitter_parser(folder: Path) -> Any:
    """The committed parser, compiled into `folder`, as the binding of PyPI's `tree-sitter`."""
    tree_sitter = pytest.importorskip("tree_sitter")
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = folder / "cell.so"
    source = GRAMMAR / "src"
    words = ["-shared", "-fPIC", "-I", str(source), str(source / "parser.c"), "-o", str(library)]
    subprocess.run([compiler, *words], check=True)
    found = ctypes.CDLL(str(library)).tree_sitter_cell
    found.restype = ctypes.c_void_p
    capsule = ctypes.pythonapi.PyCapsule_New
    capsule.restype, capsule.argtypes = (
        ctypes.py_object,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p),
    )
    language = tree_sitter.Language(capsule(found(), b"tree_sitter.Language", None))
    return tree_sitter.Parser(language)


def by_tree_sitter(parser: Any, text: str) -> Seen:
    """The tokens of the tree-sitter grammar, whose tree of an ASCII text is without errors.

    The tree knows where a word of the language is a name, as in `combine concat`. The lexer, which
    knows no context, calls it a keyword, and so does this.
    """
    assert text.isascii()
    root = parser.parse(text.encode()).root_node
    assert not root.has_error, text
    found = []
    for leaf in _leaves(root):
        name = "keyword" if text[leaf.start_byte : leaf.end_byte] in KEYWORDS else leaf.type
        if leaf.end_byte > leaf.start_byte and name != "comment":
            found.append((leaf.start_byte, leaf.end_byte, _MARKS.get(name, name)))
    return found


def _leaves(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node.child_count:
            waiting.extend(reversed(node.children))
        else:
            yield node


def corpus() -> list[tuple[str, str, str]]:
    """The corpus tests of the grammar: a name, a text, and the tree that it has."""
    found = []
    for path in sorted((GRAMMAR / "test" / "corpus").glob("*.txt")):
        _, *parts = path.read_text("utf-8").split("=" * 80 + "\n")
        for name, rest in zip(parts[::2], parts[1::2], strict=True):
            text, tree = rest.split("\n" + "-" * 80 + "\n")
            found.append((name.strip(), text, " ".join(tree.split())))
    return found
