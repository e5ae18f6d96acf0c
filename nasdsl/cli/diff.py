"""`nasdsl diff`: what differs between two genotypes."""

import click

from nasdsl.canonical import agreement, difference_sentences, differences, equivalent
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import file_argument, json_option

_WITHOUT_RULES = "equal blocks are computed once, and ops in a row are one chain of layers"


@click.command(
    "diff",
    cls=Command,
    examples="""
        nasdsl diff nasnet_a nasnet_a_unused
        nasdsl diff before.cell after.cell --json
    """,
)
@file_argument("A")
@file_argument("B")
@json_option()
def command(a: str, b: str, as_json: bool) -> int:
    """Show the differences between two genotypes: what B does where A does something else.

    Blocks are matched by name. Layout, comments and the order of operands that are added do not
    count as differences. Where the structures differ and both compute the same with suitable
    weights, the rules that make them equal are named. --json also lists every field that
    differs. The exit code is 0 if nothing differs and 1 otherwise.
    """
    left, right = reading.genotype(a), reading.genotype(b)
    found = differences(left, right)
    same = equivalent(left, right)
    rules = agreement(left, right)
    if as_json:
        output.data_object(
            equal=not found,
            equivalent=same,
            same_function=rules is not None,
            rules=[rule.name.lower() for rule in rules or ()],
            explanation=difference_sentences(left, right),
            differences=[
                {"place": each.place, "left": each.left, "right": each.right} for each in found
            ],
        )
    else:
        output.data("".join(f"{each}\n" for each in difference_sentences(left, right)))
        if found and same:
            output.note("the cells are the same up to names and order")
        elif found and rules is not None:
            why = "; ".join(rule.value for rule in rules) or _WITHOUT_RULES
            output.note(f"the structures differ, and the function is the same: {why}")
        elif not found:
            output.note("nothing differs")
    return 1 if found else 0
