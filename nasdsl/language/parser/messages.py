"""Syntax errors in the user's words.

Purpose: what the parser knows (token kinds) becomes what a person who writes cells needs.
Non-goals: finding the errors (`nasdsl.language.parser.recovery`).
"""

from collections.abc import Sequence

from lark import Token

from nasdsl.errors import Diagnostic, Fix, Label, Source, Span, did_you_mean
from nasdsl.errors.hints import nearest
from nasdsl.language.parser.builder import token_span
from nasdsl.language.parser.outside_cells import advice_at_top
from nasdsl.language.tree import FIELD_NAMES

_WORDS = {
    "WORD": "a name",
    "NUMBER": "a number",
    "STATE": "a hidden state such as `h[i]`",
    "QMARK": "`?`",
    "COMMA": "`,`",
    "EQUAL": "`=`",
    "LPAR": "`(`",
    "RPAR": "`)`",
    "LBRACE": "`{`",
    "RBRACE": "`}`",
    "LSQB": "`[`",
    "RSQB": "`]`",
    "STAR": "`*`",
    "PLUS": "`+`",
    "VBAR": "`|`",
    "SLASH": "`/`",
    "$END": "the end of the file",
}
_TOP_WORDS = "`genotype`, `vocabulary`, `ops`, `op`, `combine`, `cell` or `network`"
_TOP_KEYWORDS = ("genotype", "vocabulary", "ops", "op", "combine", "cell", "network")
_BRACKETS = {"LPAR": ("(", ")"), "LBRACE": ("{", "}"), "LSQB": ("[", "]")}

# Characters people bring along from other languages.
_HABITS = {
    ":": "blocks and settings are written with `=`",
    ";": "statements end with their line; no `;` is needed",
    '"': "names are written without quotes",
    "'": "names are written without quotes",
    "`": "names are written without quotes",
    "-": "numbers and names are joined with `_`, as in `sep_conv_3x3`",
    "<": "a choice is written `{a | b}`",
    "&": "a choice is written `{a | b}`",
}


def illegal_characters(source: Source, span: Span) -> Diagnostic:
    """Characters that no part of the language begins with."""
    text = source.text[span.start : span.end].strip() or source.text[span.start : span.end]
    shown = text if text.isprintable() and len(text) <= 20 else ascii(text[:20])[1:-1]
    habit = _HABITS.get(text) or _HABITS.get(text[:1], "")
    quotes = text and set(text) <= set("\"'`")
    fixes = (Fix(span, "", "remove it", safe=True),) if quotes or text == ";" else ()
    if text == ";" and _is_in_brackets(source.text, span):
        habit, fixes = "fields are separated by `,`", (Fix(span, ",", "write `,`", safe=True),)
    return Diagnostic(
        "NAS104",
        f"`{shown}` has no meaning here",
        source,
        span,
        label=habit,
        fixes=fixes,
    )


def _is_in_brackets(text: str, span: Span) -> bool:
    """Whether a bracket is open at a place of a line that is closed after it."""
    before = text[text.rfind("\n", 0, span.start) + 1 : span.start]
    after = text[span.end :].partition("\n")[0]
    return before.count("(") > before.count(")") and ")" in after


def missing_text(
    source: Source, token: Token, text: str, where: int, field: int | None
) -> Diagnostic:
    """`text` ("" for a name) should stand at `where`, before `token`."""
    place = Span(where, where)
    if text:
        written = f"{text} " if text in "=*" else text
        return Diagnostic(
            "NAS102",
            f"missing `{text}` before {_found_text(token)}",
            source,
            place,
            label=f"`{text}` goes here",
            fixes=(Fix(place, written, f"put in `{text}`", safe=True),),
        )
    what = "a name"
    if field is not None:
        what = f"the {FIELD_NAMES[field]}" if field < len(FIELD_NAMES) else "a field"
    return Diagnostic(
        "NAS101",
        f"{what} is missing before {_found_text(token)}",
        source,
        token_span(token),
        label=f"expected {what}",
    )


def not_closed(source: Source, opened: Sequence[Token], where: int, token: Token) -> Diagnostic:
    """The brackets of `opened` were still open when `token` began something new."""
    innermost = opened[-1]
    left, _ = _BRACKETS[innermost.type]
    closing = "".join(_BRACKETS[bracket.type][1] for bracket in reversed(opened))
    place = Span(where, where)
    insertion = f"\n{closing}" if innermost.type == "LBRACE" else closing
    return Diagnostic(
        "NAS103",
        f"`{left}` is not closed before {_found_text(token)}",
        source,
        token_span(innermost),
        label="opened here",
        secondary=(Label(place, f"`{closing}` is missing here"),),
        fixes=(Fix(place, insertion, f"put in `{closing}`"),),
    )


def nearest_keyword(token: Token) -> str | None:
    """The word that items begin with which `token` may be a misspelling of."""
    guess = nearest(str(token), _TOP_KEYWORDS) if token.type == "WORD" else None
    # So short a word is near to much that begins otherwise, as `hello` is to `cell`.
    return guess if guess and guess[0] == str(token)[0].lower() else None


def not_a_name(source: Source, token: Token, field: int | None) -> Diagnostic:
    """A number stands where a name is expected."""
    what = "a name"
    if field is not None and field < len(FIELD_NAMES):
        what = f"the {FIELD_NAMES[field]}"
    return Diagnostic(
        "NAS101",
        f"expected {what}, found {_found_text(token)}",
        source,
        token_span(token),
        label="names begin with a letter or `_`",
    )


def unexpected_token(
    source: Source, token: Token, accepted: frozenset[str], field: int | None
) -> Diagnostic:
    """`token` fits nowhere; `accepted` are the kinds of token that would have."""
    span = token_span(token)
    hints: tuple[str, ...] = ()
    fixes: tuple[Fix, ...] = ()
    if "CELL" in accepted and "$END" in accepted:
        expected = _TOP_WORDS
        guess = nearest_keyword(token)
        if guess:
            hints, fixes = (did_you_mean(guess),), (Fix(span, guess, f"write `{guess}`"),)
        else:
            hints, fixes = advice_at_top(source, token)
    else:
        expected = _expected_text(accepted, field)
    if token.type.lower() == str(token) and "WORD" in accepted:
        hints = (f"`{token}` is a word of the language and cannot be a name here",)
    if "OUTPUT" in accepted and str(token) == ",":
        hints = ("a block ends with its line",)
        fixes = (Fix(span, "", "remove it", safe=True),)
    if accepted == {"EQUAL"}:
        before = source.text[max(0, span.start - 80) : span.start].split()[-1:]
        if before and (before == ["return"] or nearest(before[0], ("output",))):
            hints = (f"did you mean `output` in place of `{before[0]}`?",)
    return Diagnostic(
        "NAS101",
        f"expected {expected}, found {_found_text(token)}",
        source,
        span,
        label="unexpected",
        hints=hints,
        fixes=fixes,
    )


def too_many_errors(source: Source, token: Token) -> Diagnostic:
    """Reading stopped at `token`."""
    return Diagnostic(
        "NAS107",
        "too many errors; the rest of the file was not read",
        source,
        token_span(token),
        label="stopped here",
        hints=("is this a `.cell` file?",),
    )


def _found_text(token: Token) -> str:
    if token.type == "$END":
        return "the end of the file"
    text = str(token)
    return f"`{text if len(text) <= 40 else text[:40] + '...'}`"


def _expected_text(accepted: frozenset[str], field: int | None) -> str:
    if {"WORD", "STATE", "QMARK"} <= accepted:
        if field is not None and field < len(FIELD_NAMES):
            return f"the {FIELD_NAMES[field]}"
        return "a field: an input, an op or a combine"
    if {"OUTPUT", "WORD", "RBRACE"} <= accepted:
        return "a block such as `b0 = (...)`, `output` or `}`"
    words = [_WORDS.get(kind, f"`{kind.lower()}`") for kind in sorted(accepted)]
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
