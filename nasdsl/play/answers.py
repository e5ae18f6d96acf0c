"""What the playground's page asks about a text, and the answers, as JSON.

Purpose: `Session.answer`, the one function that the page calls. It puts the answers of
`nasdsl.service`, of drawings, costs, forms and spaces in the words of a page. Whatever a text says,
an answer comes: a mistake is a finding.
Non-goals: what anything means, and how it is shown.

Offsets in questions and answers count UTF-16 units, as JavaScript does.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nasdsl import service
from nasdsl.errors import CODES, CellError, Diagnostic, Fix, Source, Span, cell_error
from nasdsl.errors.explain import explanation
from nasdsl.language.fixes import safe_fixes
from nasdsl.play.offsets import Offsets
from nasdsl.play.views import VIEWS
from nasdsl.service import Document

#: Characters of a text that the playground reads; a cell of 100 blocks has 6,000.
LONGEST = 100_000
_NAME = "playground.cell"

Answer = dict[str, Any]


class Session:
    """The text of a page, from one question to the next."""

    def __init__(self) -> None:
        self.document = Document(Source(_NAME, ""))
        self.offsets = Offsets("")

    def answer(self, question: str) -> str:
        """The answer to a question: a JSON object in, a JSON object out.

        A question has `ask`, one of `check`, `view`, `complete`, `hover`, `format` and `explain`,
        `text`, the whole text, and what else that question needs. An answer that is not to be had
        has `problem`, the findings that say why.
        """
        asked = json.loads(question)
        try:
            return json.dumps(_QUESTIONS[asked["ask"]](self, asked))
        except CellError as error:
            found = [_finding_words(each) for each in error.diagnostics if each.is_error]
            return json.dumps({"problem": found})

    def read(self, text: str) -> Document:
        """The document of a text; it is analysed with what is known of the text before.

        Raises:
            CellError: it is too long (NAS004).
        """
        if len(text) > LONGEST:
            raise cell_error(
                "NAS004",
                f"the text has {len(text):,} characters, and the playground reads {LONGEST:,}",
                "`nasdsl check` and an editor with `nasdsl lsp` read longer ones",
            )
        if text != self.document.text:
            self.document = Document(Source(_NAME, text), memory=self.document.memory)
            self.offsets = Offsets(text)
        return self.document

    # -- questions -------------------------------------------------------------------------

    def check(self, asked: Answer) -> Answer:
        """Every finding, what the text is, and where its blocks stand."""
        document = self.read(asked["text"])
        safe = safe_fixes(document.diagnostics)
        space = document.space
        return {
            "kind": _kind(document),
            "name": "" if space is None else space.name,
            "findings": [self._finding(each) for each in document.diagnostics],
            "safe": [self._edit(fix) for fix in safe],
            "blocks": list(self._blocks(document)),
        }

    def view(self, asked: Answer) -> Answer:
        """What one tab of the page shows; `tab` says which, `options` what is chosen there.

        Raises:
            CellError: the text has mistakes, or the tab needs another kind of text.
        """
        document = self.read(asked["text"])
        return VIEWS[asked["tab"]](document, asked.get("options") or {})

    def complete(self, asked: Answer) -> Answer:
        """What may be written at the offset `at`."""
        document = self.read(asked["text"])
        found = service.completions(document, self.offsets.inward(asked["at"]))
        return {
            "items": [
                {
                    "label": each.label,
                    "kind": each.kind,
                    "detail": each.detail,
                    "text": each.text,
                    "snippet": each.is_snippet,
                    **self._range(each.span),
                }
                for each in found
            ]
        }

    def hover(self, asked: Answer) -> Answer:
        """What is known about the word at the offset `at`; nothing where nothing is."""
        document = self.read(asked["text"])
        found = service.hover(document, self.offsets.inward(asked["at"]))
        return {} if found is None else {"markdown": found.markdown, **self._range(found.span)}

    def format(self, asked: Answer) -> Answer:
        """The edit that puts the text in the one style; none where it is, or has mistakes."""
        fix = service.formatting(self.read(asked["text"]))
        return {"edits": [] if fix is None else [self._edit(fix)]}

    def explain(self, asked: Answer) -> Answer:
        """The explanation of the code `code`, in markdown."""
        return {"markdown": explanation(asked["code"])}

    # -- in the words of a page ------------------------------------------------------------

    def _range(self, span: Span) -> Answer:
        return {"from": self.offsets.outward(span.start), "to": self.offsets.outward(span.end)}

    def _edit(self, fix: Fix) -> Answer:
        return {**self._range(fix.span), "insert": fix.replacement}

    def _finding(self, found: Diagnostic) -> Answer:
        span = found.span or Span(0, 0)
        source = self.document.source
        line, column = source.position(span.start)
        return {
            **_finding_words(found),
            **self._range(span),
            "line": line,
            "column": column,
            "label": found.label,
            "secondary": [
                {**self._range(each.span), "text": each.text} for each in found.secondary
            ],
            "fixes": [
                {"title": fix.title, "safe": fix.safe, **self._edit(fix)} for fix in found.fixes
            ],
        }

    def _blocks(self, document: Document) -> Iterator[Answer]:
        """Each block's box in the drawing, and the text from its name to its last field."""
        if document.space is None:
            return
        for cell in document.cells:
            for index, place in enumerate(document.analysis.resolution.places[cell.kind].blocks):
                whole = place.name.to(place.fields[-1])
                yield {"box": f"{cell.kind}.b{index}", **self._range(whole)}


_QUESTIONS: Mapping[str, Callable[[Session, Answer], Answer]] = {
    "check": Session.check,
    "view": Session.view,
    "complete": Session.complete,
    "hover": Session.hover,
    "format": Session.format,
    "explain": Session.explain,
}


def _finding_words(found: Diagnostic) -> Answer:
    return {
        "code": found.code,
        "title": CODES[found.code].title,
        "severity": found.severity,
        "message": found.message,
        "hints": list(found.hints),
    }


def _kind(document: Document) -> str:
    """What a text is: a genotype, a space, a vocabulary; or broken."""
    if any(found.is_error for found in document.diagnostics):
        return "broken"
    space = document.space
    if space is None:
        return "vocabulary"
    return "genotype" if space.is_genotype else "space"
