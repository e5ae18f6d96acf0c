"""The summary of `nasdsl compile`.

Purpose: the network in a line, its cells with their shapes and costs, its size, the times.
Non-goals: JSON (`nasdsl.cli.compile`).
"""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from nasdsl.cli import output
from nasdsl.cli.building import Built
from nasdsl.cli.cost_tables import short
from nasdsl.network.cost import ModuleCost
from nasdsl.network.graph import Module, Shape
from nasdsl.report.visible import visible

_STAGES = {"build": "built", "load": "weights loaded", "forward": "one image", "write": "written"}


def print_built(built: Built, stream: TextIO) -> None:
    """Print the whole summary."""
    colour = output.colour(stream)
    console = Console(
        file=stream,
        no_color=not colour,
        force_terminal=colour,
        highlight=False,
        width=None if stream.isatty() else 80,
    )
    console.print(_headline(built), end="\n")
    console.print(_cells(built))
    console.print(_figures(built))
    if built.written is not None:
        written = built.written
        size = f"{written.bytes / 1e6:,.1f} MB"
        console.print()
        console.print(
            Text.assemble(
                ("wrote ", "dim"),
                (visible(written.path), "bold"),
                f"  {size}, read back, agrees to {written.relative_error:.1g}",
            ),
            soft_wrap=True,
        )


def _headline(built: Built) -> Text:
    network = built.graph.configuration
    return Text.assemble(
        (visible(built.graph.name), "bold"),
        f"  {network.size}  {network.image_size} px  {network.classes} classes  ",
        (f"{network.name} skeleton, {network.stem} stem", "dim"),
    )


class _Row(NamedTuple):
    name: str
    uses: int
    shapes: tuple[Shape, ...]
    params: int
    mult_adds: int


def _rows(built: Built) -> Iterator[_Row]:
    """A row for each run of modules that are alike."""

    def alike(pair: tuple[Module, ModuleCost]) -> object:
        module, cost = pair
        return module.role, module.kind, cost.count, module.body.output_shapes

    pairs = zip(built.graph.modules, built.cost.modules, strict=True)
    for _, run in groupby(pairs, key=alike):
        same = list(run)
        (first, cost), (last, _) = same[0], same[-1]
        name = first.name if len(same) == 1 else f"{first.name}-{last.name.rpartition('.')[2]}"
        kind = f" {first.kind}" if first.kind else ""
        yield _Row(
            f"{name}{kind}",
            len(same),
            first.body.output_shapes,
            cost.params * len(same),
            cost.mult_adds * len(same),
        )


def _cells(built: Built) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    table.add_column("cell", no_wrap=True)
    table.add_column("", style="dim", no_wrap=True)
    for heading in ("output", "params", "mult-adds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in _rows(built):
        table.add_row(
            row.name,
            f"x {row.uses}" if row.uses > 1 else "",
            _shapes(row.shapes),
            short(row.params),
            short(row.mult_adds),
        )
    return table


def _shapes(shapes: tuple[Shape, ...]) -> str:
    first = shapes[0]
    size = "" if (first.height, first.width) == (1, 1) else f" x {first.height} x {first.width}"
    channels = {shape.channels for shape in shapes}
    if len(shapes) == 1 or len(channels) > 1:
        return f"{'+'.join(str(shape.channels) for shape in shapes)}{size}"
    return f"{len(shapes)} * {first.channels}{size}"


def _figures(built: Built) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold green")
    table.add_column()
    cost, choice = built.cost, built.choice
    table.add_row(f"{cost.params:,}", "parameters")
    table.add_row(f"{cost.mult_adds:,}", "mult-adds for one image")
    if cost.auxiliary_params:
        table.add_row(f"{cost.auxiliary_params:,}", "more parameters in the auxiliary classifier")
    for stage, seconds in built.seconds.items():
        table.add_row(f"{seconds:.2f} s", f"{_STAGES[stage]}{_remark(stage, built)}")
    if built.output_shape is None:
        table.add_row("", f"not run: the {choice.device} device holds no values")
    return table


def _remark(stage: str, built: Built) -> str:
    choice = built.choice
    if stage == "forward":
        shape = tuple(built.output_shape or ())
        return f": logits {shape}, all finite, {choice.dtype} on {choice.device}"
    if stage == "load" and built.loaded is not None:
        return f": {built.loaded.tensors} tensors, layout {built.loaded.layout}"
    return ""
