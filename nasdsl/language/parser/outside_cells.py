"""Words at the top of a file that do not belong there, or have another shape than written.

Purpose: `space s`, `N = 3`, `genotype a b`, `ops = nasnet`, `network n {` are each one finding that
says what to write.
Non-goals: finding the errors (`nasdsl.language.parser.recovery`).
"""

import re

from lark import Token

from nasdsl.errors import Diagnostic, Fix, Source, Span, did_you_mean
from nasdsl.language.parser.builder import token_span

#: Hints and fixes of a finding.
Advice = tuple[tuple[str, ...], tuple[Fix, ...]]

#: What follows a word that an item begins with, and how it is said that it is missing.
_NAMES = {
    "GENOTYPE": ("the name of the genotype", "for example `genotype my_net`"),
    "VOCABULARY": ("the name of the vocabulary", "for example `vocabulary my_ops`"),
    "OPS": ("the name of a vocabulary", "`nasdsl list` shows those of the library"),
    "CELL": ("the kind of the cell", "`cell normal { ... }` or `cell reduction { ... }`"),
    "OP": ("the name of the op", "for example `op conv_3x3 = [conv(3x3), batch_norm]`"),
    "COMBINE": ("the name of the combine", "for example `combine add = [sum]`"),
}
#: The kinds of token that a name follows.
NAMED = frozenset(_NAMES)

#: Words that people begin a line with, and the word that they mean.
_MEANT = {
    **dict.fromkeys(("name", "model", "arch", "architecture", "network_name"), "genotype"),
    **dict.fromkeys(("vocab", "operations"), "vocabulary"),
    **dict.fromkeys(("primitives", "import", "include", "use", "using", "from"), "ops"),
    **dict.fromkeys(("combination", "join"), "combine"),
    **dict.fromkeys(("net", "settings", "config", "macro", "skeleton_settings"), "network"),
}
_SPACES = ("space", "search", "search_space", "searchspace")
_IN_CELLS = "blocks and outputs stand inside `cell normal { ... }`"
_IN_NETWORK = "settings of the network stand inside `network { ... }`"
_PARTS = "a file has `genotype NAME`, `ops NAME`, cells, and perhaps `network { ... }`"


def advice_at_top(source: Source, token: Token) -> Advice:
    """What to do about a token that begins no item of a file."""
    span, word = token_span(token), str(token)
    line_before = source.text[source.text.rfind("\n", 0, span.start) + 1 : span.start]
    rest = source.text[span.end : span.end + 80]
    if named := re.fullmatch(r"\s*(genotype|vocabulary|ops)\s+(\w+)\s*", line_before):
        return _second_name(named[1], named[2], Span(span.start - 1, span.end), word)
    if token.type in ("NUMBER", "OUTPUT") or re.match(r"\s*=\s*\(", rest):
        return (_IN_CELLS,), ()
    if token.type != "WORD" or line_before.strip():
        return (), ()
    if word in _SPACES:
        told = "a space is a genotype in which fields are open: `?` or `{a | b}` in place of a name"
        has_name = re.match(r" +\w+ *$", rest.partition("\n")[0]) and word != "search"
        return (told,), (Fix(span, "genotype", "write `genotype`"),) if has_name else ()
    if word in _MEANT:
        return (did_you_mean(_MEANT[word]),), ()
    return (_IN_NETWORK if is_setting(word) else _PARTS,), ()


def is_cell_kind(word: str) -> bool:
    """Whether a cell can be of this kind."""
    # Imported here because few texts have such a mistake.
    from nasdsl.language.genotype.types import CELL_KINDS

    return word in CELL_KINDS


def is_setting(word: str) -> bool:
    """Whether a network block takes a setting of this name."""
    from nasdsl.language.genotype.settings import RULES, setting_elsewhere

    return word in RULES or setting_elsewhere(word) is not None


def _second_name(keyword: str, first: str, span: Span, second: str) -> Advice:
    if keyword == "ops":
        return ("a file names one vocabulary, which may itself begin with `ops NAME`",), ()
    if not second.isidentifier():
        return (), ()
    joined = f"{first}_{second}"
    return ("words of a name are joined with `_`",), (Fix(span, f"_{second}", f"write `{joined}`"),)


def missing_name(source: Source, kind: str, place: Span) -> Diagnostic:
    """The word of this kind, which stands at `place`, has no name after it."""
    what, example = _NAMES[kind]
    return Diagnostic(
        "NAS101",
        f"{what} is missing",
        source,
        place,
        label="a name follows this word",
        hints=(example,),
    )


def sign_after_keyword(source: Source, token: Token, kind: str) -> Diagnostic:
    """A `=` between `genotype` and a name."""
    keyword = kind.lower()
    return Diagnostic(
        "NAS101",
        f"`=` does not belong after `{keyword}`",
        source,
        token_span(token),
        label="the name follows without a sign",
        fixes=(Fix(_with_space(source, token), "", "remove it", safe=True),),
    )


def kind_without_cell(source: Source, token: Token) -> Diagnostic:
    """`normal {` where `cell normal {` is meant."""
    return Diagnostic(
        "NAS101",
        f"`cell` is missing before `{token}`",
        source,
        token_span(token),
        label="a kind of cell",
        fixes=(Fix(token_span(token), f"cell {token}", f"write `cell {token}`", safe=True),),
    )


def _with_space(source: Source, token: Token) -> Span:
    """The place of a token and of the space before it, if there is one."""
    span = token_span(token)
    return Span(span.start - (source.text[span.start - 1 : span.start] == " "), span.end)


def name_before_brace(source: Source, token: Token, kind: str) -> Diagnostic:
    """A name, or a second one, stands before the `{` of `network` or of a cell."""
    told = "`network` has no name" if kind == "NETWORK" else "a cell has no name but its kind"
    return Diagnostic(
        "NAS101",
        f"expected `{{`, found `{str(token)[:40]}`",
        source,
        token_span(token),
        label=told,
        fixes=(Fix(_with_space(source, token), "", "remove it"),),
    )
