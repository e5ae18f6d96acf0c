"""Code: expressions and how they are laid out, as `ruff format` would.

Purpose: calls that fit a line stay on it; others get a line for each argument.
Non-goals: statements in general; the emission writes those as they are.
"""

from collections.abc import Iterable
from typing import NamedTuple

#: Columns of a line.
WIDTH = 100
INDENT = "    "


class Bracketed(NamedTuple):
    """An expression with arguments: a call, a tuple, a list.

    Attributes:
        head: what stands before the arguments, its bracket included: `nn.Sequential(`.
        arguments: each with what stands before it, `groups=`.
        tall: whether it has a line for each argument in any case.
    """

    head: str
    arguments: tuple[tuple[str, "Expression"], ...]
    tall: bool = False

    @property
    def close(self) -> str:
        """The closing bracket."""
        return {"(": ")", "[": "]", "{": "}"}[self.head[-1]]


Expression = str | Bracketed


def call(function: str, *arguments: Expression, **named: Expression) -> Bracketed:
    """A call; empty arguments are left out."""
    given = [("", argument) for argument in arguments if argument != ""]
    given += [(f"{name}=", argument) for name, argument in named.items() if argument != ""]
    return Bracketed(f"{function}(", tuple(given))


def tall(function: str, *arguments: Expression, **named: Expression) -> Bracketed:
    """A call with a line for each argument."""
    return call(function, *arguments, **named)._replace(tall=True)


def listed(items: Iterable[Expression]) -> Bracketed:
    """A list with a line for each item."""
    return Bracketed("[", tuple(("", item) for item in items), True)


def grouped(items: Iterable[Expression]) -> Bracketed:
    """A tuple."""
    return Bracketed("(", tuple(("", item) for item in items))


def laid_out(
    before: str, expression: Expression, after: str = "", depth: int = 0, inside: int = 0
) -> list[str]:
    """The lines of an expression with what stands before and after it.

    Args:
        before: on its first line.
        expression: what is laid out.
        after: on its last line.
        depth: how far it is indented.
        inside: how much further in the lines will stand once they are put in their place.
    """
    indent, width = INDENT * depth, WIDTH - len(INDENT) * inside
    flat = _flat(expression)
    if isinstance(expression, str) or not expression.arguments:
        return [f"{indent}{before}{flat}{after}"]
    if not _is_tall(expression) and len(indent + before + flat + after) <= width:
        return [f"{indent}{before}{flat}{after}"]
    lines = [f"{indent}{before}{expression.head}"]
    for name, argument in expression.arguments:
        lines += laid_out(name, argument, ",", depth + 1, inside)
    return [*lines, f"{indent}{expression.close}{after}"]


def indented(lines: Iterable[str], depth: int = 1) -> list[str]:
    """The lines further in; empty ones stay empty."""
    return [f"{INDENT * depth}{line}" if line else "" for line in lines]


def _is_tall(expression: Expression) -> bool:
    if isinstance(expression, str):
        return False
    return expression.tall or any(_is_tall(argument) for _, argument in expression.arguments)


def _flat(expression: Expression) -> str:
    if isinstance(expression, str):
        return expression
    inner = ", ".join(f"{name}{_flat(argument)}" for name, argument in expression.arguments)
    lone = expression.head == "(" and len(expression.arguments) == 1
    return f"{expression.head}{inner}{',' * lone}{expression.close}"
