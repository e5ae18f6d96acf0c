"""Write what highlighters outside Python read, from `nasdsl.highlighting.table`.

python -m editors.generate          # writes the files
python -m editors.generate --check  # exits with code 1 where one is not up to date
"""

import json
import sys
from pathlib import Path
from typing import Any

from nasdsl.highlighting.table import TOKENS
from nasdsl.language.words import KEYWORDS

HERE = Path(__file__).parent


def textmate() -> dict[str, Any]:
    """The TextMate grammar, which VS Code reads."""
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "name": "nasdsl cell",
        "scopeName": "source.cell",
        "fileTypes": ["cell"],
        # The match that begins first wins, then the first pattern, so none begins inside a word.
        "patterns": [{"name": kind.textmate, "match": kind.pattern} for kind in TOKENS],
    }


def codemirror() -> str:
    """A mode for CodeMirror 6: what `StreamLanguage.define` of its package `language` takes."""
    # A JSON text is a JavaScript text, and needs no escape for the slash of a literal.
    rows = "\n".join(
        f'  [new RegExp({json.dumps(kind.pattern)}, "y"), {json.dumps(kind.codemirror)}],'
        for kind in TOKENS
    )
    return f"""\
// The CodeMirror mode of .cell files, for StreamLanguage.define. Written by editors/generate.py.
const tokens = [
{rows}
];

export const cell = {{
  name: "cell",
  token(stream) {{
    if (stream.eatSpace()) return null;
    for (const [pattern, style] of tokens) {{
      pattern.lastIndex = stream.pos;
      const found = pattern.exec(stream.string);
      if (found !== null) {{
        stream.pos += found[0].length;
        return style;
      }}
    }}
    stream.next();
    return "invalid";
  }},
  languageData: {{
    commentTokens: {{ line: "#" }},
    closeBrackets: {{ brackets: ["(", "[", "{{"] }},
  }},
}};
"""


def tree_sitter() -> dict[str, Any]:
    """The tokens of the tree-sitter grammar, which `grammar.js` reads."""
    kinds = {kind.name: kind.pattern for kind in TOKENS if kind.name in ("comment", "number")}
    return {"tokens": kinds, "keywords": list(KEYWORDS)}


def files() -> dict[Path, str]:
    """Every file and its content."""
    return {
        HERE / "vscode" / "syntaxes" / "cell.tmLanguage.json": _json(textmate()),
        HERE / "codemirror" / "cell.js": codemirror(),
        HERE / "tree-sitter-cell" / "tokens.json": _json(tree_sitter()),
    }


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


def main() -> None:
    """Write the files that are not up to date, or name them."""
    stale = [
        path
        for path, text in files().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        sys.exit("\n".join(f"{path} is not up to date" for path in stale) if stale else 0)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files()[path], encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
