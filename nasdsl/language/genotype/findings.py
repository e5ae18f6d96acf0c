"""A list of findings about one source.

Purpose: the resolver's parts add to one list and share its poison rule.
"""

from bisect import bisect_left
from collections.abc import Iterable

from nasdsl.errors import Diagnostic, Fix, Label, Source, Span, did_you_mean
from nasdsl.language.tree import Field, Number, Word

# Suggestions take time; more errors than this mean that the text is not what it seems.
MAX_ERRORS = 200


class TooManyErrors(Exception):
    """Checking stops: `MAX_ERRORS` were found, and the last finding says so."""


class Findings(list[Diagnostic]):
    """Findings about `source`, in the order they were found.

    `syntax` are the parser's findings: what is damaged may lack more than is its own fault.
    """

    def __init__(self, source: Source, syntax: Iterable[Diagnostic] = ()) -> None:
        super().__init__()
        self.source = source
        self.errors = 0
        self._damage = sorted(found.span.start for found in syntax if found.span)

    def is_damaged(self, span: Span) -> bool:
        """Whether a syntax error stands inside `span`, or at its edge."""
        index = bisect_left(self._damage, span.start)
        return index < len(self._damage) and self._damage[index] <= span.end

    def add(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        label: str = "",
        secondary: tuple[Label, ...] = (),
        hints: tuple[str, ...] = (),
        fixes: tuple[Fix, ...] = (),
    ) -> None:
        """Append a finding at `span`.

        Raises:
            TooManyErrors: it was one error too many.
        """
        found = Diagnostic(code, message, self.source, span, label, secondary, hints, fixes)
        self.append(found)
        self.errors += found.is_error
        if self.errors < MAX_ERRORS:
            return
        text = "too many errors; the rest of the file was not checked"
        self.append(Diagnostic("NAS107", text, self.source, span, label="stopped here"))
        raise TooManyErrors

    def add_misspelt(
        self,
        code: str,
        span: Span,
        message: str,
        guess: str | None,
        *,
        label: str,
        otherwise: str = "",
    ) -> None:
        """Append a finding about a word that may be a misspelling of `guess`.

        Where nothing is near, `otherwise` is the hint.
        """
        hints, fixes = spelling_suggestion(span, guess)
        if not hints and otherwise:
            hints = (otherwise,)
        self.add(code, span, message, label=label, hints=hints, fixes=fixes)


def is_already_reported(node: Field | Number) -> bool:
    """Whether the parser has already complained about this node.

    Words it made up have no characters; words outside ASCII it has reported.
    """
    return isinstance(node, Word | Number) and not (node.text and node.text.isascii())


def spelling_suggestion(span: Span, guess: str | None) -> tuple[tuple[str, ...], tuple[Fix, ...]]:
    """The hint and the fix for a name that is close to a legal one."""
    if guess is None:
        return (), ()
    return (did_you_mean(guess),), (Fix(span, guess, f"write `{guess}`"),)
