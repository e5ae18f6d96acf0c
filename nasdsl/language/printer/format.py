"""The formatter: one style for every `.cell` file.

Purpose: `formatted_text(parsed)` keeps every token and comment, lines tuples up in columns, and
gives back its own output unchanged.
There are no options. Texts with syntax errors are not formatted: their trees are repaired.

Style: four spaces; a statement a line; blocks of a cell in columns; the `=` of settings
and of neighbouring definitions under one another; at most one blank line, and always one
around cells and networks; two spaces before a comment that follows something. A list with
a comment inside it has an item a line.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from nasdsl.errors import Span
from nasdsl.language import tree
from nasdsl.language.parser import Parsed
from nasdsl.language.printer.lines import INDENT, aligned_tuples, column_width, definition_lines

# What may stand between the end of something written and a comment that belongs to it.
_BEFORE_TRAILING = re.compile(r"[ \t\r,={]*")


class _Listed(NamedTuple):
    """Something written in a bracketed list, and where it stood."""

    text: str
    span: Span


def formatted_text(parsed: Parsed) -> str:
    """The text of `parsed` in the one style, ending with a newline (or empty).

    The syntax must be sound: `parsed.diagnostics` has no errors.
    """
    return _Formatter(parsed).run()


class _Formatter:
    def __init__(self, parsed: Parsed) -> None:
        self.source = parsed.source.text
        self.file = parsed.file
        self.comments = list(reversed(parsed.file.comments))  # the next one is last
        self.lines: list[str] = []
        self.end = 0  # where the last thing written ended in the source
        self.fresh = True  # nothing has been written at this level yet

    def run(self) -> str:
        groups = _definition_heads(self.file.items, self.source)
        previous: tree.Item | None = None
        for item in self.file.items:
            self.leading(item.span.start, "", blank_line=_wants_blank_line(previous, item))
            self.item(item, groups)
            previous = item
        self.leading(len(self.source), "")
        return "\n".join(self.lines) + "\n" if self.lines else ""

    # -- lines and comments -----------------------------------------------------------

    def write(self, text: str, end: int) -> None:
        """Write a line, and the comment that follows its last character in the source."""
        trailing = self.trailing(end)
        self.lines.append(f"{text}  {trailing}" if trailing else text)
        self.end, self.fresh = max(self.end, end), False

    def trailing(self, end: int) -> str:
        if not self.comments:
            return ""
        comment = self.comments[-1]
        start = comment.span.start
        if start < end or not _BEFORE_TRAILING.fullmatch(self.source, end, start):
            return ""
        self.comments.pop()
        self.end = comment.span.end
        return comment.text

    def leading(self, start: int, indent: str, *, blank_line: bool = False) -> None:
        """Write the comments that stand before `start` on lines of their own."""
        blank = blank_line
        while self.comments and self.comments[-1].span.start < start:
            comment = self.comments.pop()
            self.space(comment.span.start, blank)
            self.lines.append(f"{indent}{comment.text}")
            self.end, self.fresh, blank = comment.span.end, False, False
        if start < len(self.source):
            self.space(start, blank)

    def space(self, start: int, wanted: bool) -> None:
        """Keep one blank line where the source has some, or where the style wants it."""
        gap = self.source[self.end : start]
        if not self.fresh and (wanted or gap.count("\n") > 1) and self.lines[-1] != "":
            self.lines.append("")
        self.end = max(self.end, start)

    def has_comment_inside(self, span: Span) -> bool:
        # The comments still to be written are in falling order.
        after = bisect_left(self.comments, -span.start, key=lambda each: -each.span.start)
        return after > 0 and self.comments[after - 1].span.start < span.end

    # -- items ------------------------------------------------------------------------

    def item(self, item: tree.Item, heads: dict[int, str]) -> None:
        match item:
            case tree.Header(keyword, name, span):
                self.write(f"{keyword.text} {name.text}", span.end)
            case tree.Ops(name, span):
                self.write(f"ops {name.text}", span.end)
            case tree.Op(_, forms, span):
                self.definition(heads[span.start], forms, span)
            case tree.Combine(_, form, span):
                self.definition(heads[span.start], (form,), span)
            case tree.Cell():
                self.cell(item)
            case tree.Network():
                self.network(item)

    def definition(self, head: str, forms: Sequence[tree.Form], span: Span) -> None:
        texts = [_form_text(form) for form in forms]
        if self.has_comment_inside(span):
            self.part_lines(head, forms)
        else:
            *lines, last = definition_lines(head, texts)
            self.lines += lines
            self.write(last, span.end)

    def part_lines(self, head: str, forms: Sequence[tree.Form]) -> None:
        """A definition with comments in it: a part a line, or a layer a line."""
        for number, form in enumerate(forms):
            for place, part in enumerate(form.parts):
                first = not number and not place
                start = head if first else f"{INDENT}{'+' if place else 'else'}"
                before = Span(0 if first else part.span.start, part.span.end)
                if not first:
                    self.leading(part.span.start, INDENT)
                if self.has_comment_inside(before):
                    count = f"{part.count.text} * " if part.count else ""
                    layers = [_Listed(_layer_text(layer), layer.span) for layer in part.layers]
                    indent = "" if first else INDENT
                    self.list_of_lines(f"{start} {count}[", layers, f"{indent}]", part.span)
                else:
                    self.write(f"{start} {_part_text(part)}", part.span.end)

    def cell(self, cell: tree.Cell) -> None:
        self.opening(f"cell {cell.kind.text} {{", cell.kind.span.end, cell.statements)
        whole = [
            statement
            for statement in cell.statements
            if not isinstance(statement, tree.Output)
            and not self.has_comment_inside(statement.span)
        ]
        rows = aligned_tuples([(_head(block), _field_texts(block.tuple)) for block in whole])
        texts = {block.span.start: text for block, text in zip(whole, rows, strict=True)}
        for statement in cell.statements:
            self.leading(statement.span.start, INDENT)
            if isinstance(statement, tree.Output):
                self.output(statement)
            elif statement.span.start in texts:
                self.write(INDENT + texts[statement.span.start], statement.span.end)
            else:
                fields = [_Listed(_field_text(f), f.span) for f in statement.tuple.fields]
                head = f"{INDENT}{_head(statement)} ("
                self.list_of_lines(head, fields, f"{INDENT})", statement.span)
        self.closing(cell.span)

    def output(self, output: tree.Output) -> None:
        kind = output.kind.text
        if kind == "unused":
            self.write(f"{INDENT}output unused", output.span.end)
            return
        states = [_Listed(_field_text(state), state.span) for state in output.states]
        if self.has_comment_inside(output.span):
            self.list_of_lines(f"{INDENT}output {kind}(", states, f"{INDENT})", output.span)
            return
        text = f"{INDENT}output {kind}({', '.join(state.text for state in states)})"
        self.write(text, output.span.end)

    def network(self, network: tree.Network) -> None:
        self.opening("network {", network.span.start + len("network"), network.settings)
        width = column_width(setting.name.text for setting in network.settings)
        for setting in network.settings:
            self.leading(setting.span.start, INDENT)
            self.write(
                f"{INDENT}{setting.name.text:<{width}} = {setting.value.text}", setting.span.end
            )
        self.closing(network.span)

    # -- brackets -----------------------------------------------------------------------

    def opening(self, text: str, end: int, body: Sequence[tree.Statement | tree.Setting]) -> None:
        self.write(text, end)
        self.fresh = True
        self.end = max(self.end, body[0].span.start if body and not self.comments else self.end)

    def closing(self, span: Span) -> None:
        self.leading(span.end - 1, INDENT)
        if self.lines[-1] == "":
            self.lines.pop()
        self.write("}", span.end)

    def list_of_lines(self, head: str, listed: Sequence[_Listed], close: str, span: Span) -> None:
        """A list with comments in it: an item a line, each with its own comments."""
        inner = close[:-1] + INDENT
        first = listed[0].span.start if listed else span.end
        comment = self.comments[-1].span.start if self.comments else first
        self.lines.append(head)
        if comment < first and "\n" not in self.source[span.start : comment]:
            self.lines[-1] += f"  {self.comments.pop().text}"
        self.fresh = True
        for item in listed:
            self.leading(item.span.start, inner)
            self.write(f"{inner}{item.text},", item.span.end)
        self.leading(span.end, inner)
        if self.lines[-1] == "":
            self.lines.pop()
        self.write(close, span.end)


def _wants_blank_line(previous: tree.Item | None, item: tree.Item) -> bool:
    """Whether the style wants a blank line between two items."""
    return previous is not None and any(
        isinstance(one, tree.Cell | tree.Network) for one in (previous, item)
    )


def _definition_heads(items: Sequence[tree.Item], source: str) -> dict[int, str]:
    """`op NAME =` by place, padded so that neighbours of one kind line up."""
    heads: dict[int, str] = {}
    group: list[tree.Op | tree.Combine] = []

    def close() -> None:
        width = column_width(map(_definition_name, group))
        for item in group:
            heads[item.span.start] = f"{_definition_name(item):<{width}} ="
        group.clear()

    for item in items:
        if not isinstance(item, tree.Op | tree.Combine):
            close()
            continue
        if group:
            between = source[group[-1].span.end : item.span.start]
            same = type(group[-1]) is type(item)
            if not same or between.count("\n") > 1:
                close()
        group.append(item)
    close()
    return heads


def _definition_name(item: tree.Op | tree.Combine) -> str:
    return f"{'op' if isinstance(item, tree.Op) else 'combine'} {item.name.text}"


def _head(statement: tree.Block | tree.Repeat) -> str:
    if isinstance(statement, tree.Block):
        return f"{statement.name.text} ="
    return f"{statement.count.text} *"


def _field_texts(fields: tree.Tuple) -> tuple[str, ...]:
    return tuple(_field_text(field) for field in fields.fields)


def _field_text(field: tree.Field) -> str:
    if isinstance(field, tree.Hole):
        return "?"
    if isinstance(field, tree.Choice):
        return f"{{{' | '.join(map(_field_text, field.options))}}}"
    return "".join(field.text.split())


def _form_text(form: tree.Form) -> str:
    return " + ".join(map(_part_text, form.parts))


def _part_text(part: tree.Layers) -> str:
    count = f"{part.count.text} * " if part.count else ""
    return f"{count}[{', '.join(map(_layer_text, part.layers))}]"


def _layer_text(layer: tree.Layer) -> str:
    if not layer.arguments:
        return layer.name.text
    return f"{layer.name.text}({', '.join(map(_argument_text, layer.arguments))})"


def _argument_text(argument: tree.Argument) -> str:
    name = argument.name.text if argument.name else ""
    number = argument.number.text if argument.number else ""
    return f"{name}{argument.sign or (' ' if name and number else '')}{number}"
