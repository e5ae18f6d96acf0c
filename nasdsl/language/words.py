"""The words of the language, and where each may stand.

Purpose: `KEYWORDS`, which highlighters, completion and renaming read. A test compares it with the
grammar.
"""

from typing import Literal

KeywordPlace = Literal["file", "definition", "cell", "output"]

#: Every keyword, with what it begins or stands in.
KEYWORDS: dict[str, KeywordPlace] = {
    "genotype": "file",
    "vocabulary": "file",
    "ops": "file",
    "op": "file",
    "combine": "file",
    "cell": "file",
    "network": "file",
    "else": "definition",
    "output": "cell",
    "unused": "output",
    "concat": "output",
    "each": "output",
}
