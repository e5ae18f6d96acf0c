"""The tables of `nasdsl cost` and the summary of `nasdsl compile`.

Purpose: the network in one line, its cells with their costs, and the figures people quote.
Non-goals: JSON, which the commands print themselves.
"""

from collections.abc import Mapping
from itertools import groupby
from typing import TextIO

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from nasdsl.api.proof import Proof
from nasdsl.cli import output
from nasdsl.detection.cost import DetectorCost
from nasdsl.detection.plan import DetectorPlan
from nasdsl.errors import plural
from nasdsl.export import Written
from nasdsl.network.configuration import Configuration
from nasdsl.network.cost import Cost, ModuleCost, NodeCounts, total
from nasdsl.network.cost_rows import CostRow, run_name
from nasdsl.network.cost_table import (
    WIDTH,
    breakdown,
    cost_tables,
    figure_table,
    short_number,
)
from nasdsl.network.graph import Module, Shape
from nasdsl.report.visible import visible

#: The narrowest terminal that every table fits; in a narrower one lines wrap.
_MIN_WIDTH = 60


def console_for(stream: TextIO) -> Console:
    """What tables are printed to."""
    colour = output.colour(stream)
    console = Console(file=stream, no_color=not colour, force_terminal=colour, highlight=False)
    # In a narrow terminal words wrap, but no figure is ever cut.
    console.width = max(_MIN_WIDTH, console.width) if stream.isatty() else WIDTH
    return console


# -- nasdsl cost --------------------------------------------------------------------------


def print_cost(name: str, network: Configuration, counted: Cost, stream: TextIO) -> None:
    """Print the whole report."""
    console = console_for(stream)
    console.print(Text(f"{name} {network.size}", style="bold"))
    console.print(Text(_network_line(network), style="dim"), end="\n\n")
    for table in cost_tables(counted, bars=console.width >= WIDTH):
        console.print(table)


def print_detector_cost(plan: DetectorPlan, counted: DetectorCost, stream: TextIO) -> None:
    """Print the report of a detector."""
    console = console_for(stream)
    network, size = plan.network.configuration, counted.image_size
    console.print(Text(f"{plan.graph.name} {network.size}, detector {plan.style}", style="bold"))
    line = f"{size}x{size} pixels, {plan.classes} classes, {plural(counted.proposals, 'proposal')}"
    console.print(Text(line, style="dim"), end="\n\n")
    figures = [
        (counted.params, "parameters"),
        (counted.params_total, "with batch norm's moving statistics"),
        (counted.mult_adds, "mult-adds for one image"),
    ]
    console.print(figure_table(figures))
    whole = NodeCounts(counted.params, 0, counted.mult_adds, 0)
    rows = [
        CostRow(stage.name, stage.times, NodeCounts(stage.params, 0, stage.mult_adds, 0))
        for stage in counted.stages
    ]
    console.print(breakdown("part", rows, whole, bars=console.width >= WIDTH))


def _network_line(network: Configuration) -> str:
    size = network.image_size
    return (
        f"{network.name} skeleton, {network.stem} stem, {size}x{size} pixels, "
        f"{plural(network.classes, 'class', 'd')}"
    )


# -- nasdsl compile -----------------------------------------------------------------------


_STAGES = {
    "build": "to build",
    "load": "to load the weights",
    "forward": "for one image",
    "optimize": "to optimise it for inference",
    "runtime_load": "to optimise it and load it in runtime",
    "runtime_forward": "for one image in runtime",
    "write": "to write the file",
}


def print_proof(
    proof: Proof,
    seconds: Mapping[str, float],
    written: Written | None,
    stream: TextIO,
    runtime: str | None = None,
) -> None:
    """Print the whole summary.

    Args:
        proof: the network.
        seconds: the proof's, and those it took to write a file or to run in a runtime.
        written: the file.
        stream: where to print.
        runtime: the name of the runtime in which the network ran as well.
    """
    console = console_for(stream)
    console.print(_headline(proof.graph.name, proof.graph.configuration))
    console.print(_cells(proof, wide=console.width >= WIDTH))
    console.print(_proof_figures(proof, seconds, runtime))
    if written is not None:
        console.print()
        print_written(written, console)


def print_written(written: Written, console: Console) -> None:
    """Print a line about a file."""
    size = decimal(written.bytes)
    console.print(
        Text.assemble(
            ("wrote ", "dim"),
            (visible(written.path), "bold"),
            f"  {size}, read back, agrees to {written.relative_error:.1g}",
        ),
        soft_wrap=True,
    )


def _headline(name: str, network: Configuration) -> Text:
    return Text.assemble(
        (visible(name), "bold"),
        f"  {network.size}  {network.image_size} px  {plural(network.classes, 'class', 'd')}  ",
        (f"{network.name} skeleton, {network.stem} stem", "dim"),
    )


def _cells(proof: Proof, *, wide: bool) -> Table:
    """A row for each run of modules that are alike."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1), pad_edge=False, collapse_padding=not wide)
    table.add_column("cell", no_wrap=wide)
    table.add_column("", style="dim", no_wrap=True)
    for heading in ("output", "params", "mult-adds"):
        table.add_column(heading, justify="right", no_wrap=True)
    pairs = zip(proof.graph.modules, proof.cost.modules, strict=True)
    for _, run in groupby(pairs, key=_likeness):
        same = list(run)
        counted = [cost for _, cost in same]
        cost = total(each.count for each in counted)
        table.add_row(
            run_name(counted),
            f"x {len(same)}" if len(same) > 1 else "",
            _shapes(same[0][0].body.output_shapes),
            short_number(cost.params),
            short_number(cost.mult_adds),
        )
    return table


def _likeness(pair: tuple[Module, ModuleCost]) -> object:
    module, cost = pair
    return module.role, module.kind, cost.count, module.body.output_shapes


def _shapes(shapes: tuple[Shape, ...]) -> str:
    first = shapes[0]
    size = "" if (first.height, first.width) == (1, 1) else f" x {first.height} x {first.width}"
    channels = {shape.channels for shape in shapes}
    if len(shapes) == 1 or len(channels) > 1:
        return f"{'+'.join(str(shape.channels) for shape in shapes)}{size}"
    return f"{len(shapes)} * {first.channels}{size}"


def _proof_figures(proof: Proof, seconds: Mapping[str, float], runtime: str | None) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold green", no_wrap=True)
    table.add_column()
    cost = proof.cost
    table.add_row(f"{cost.params:,}", "parameters")
    table.add_row(f"{cost.mult_adds:,}", "mult-adds for one image")
    if cost.auxiliary_params:
        table.add_row(f"{cost.auxiliary_params:,}", "more parameters in the auxiliary classifier")
    for stage, took in seconds.items():
        table.add_row(f"{took:.2f} s", f"{_STAGES[stage]}{_stage_remark(stage, proof, runtime)}")
    if proof.output_shape is None:
        table.add_row("", f"not run: the {proof.device} device holds no values")
    return table


def _stage_remark(stage: str, proof: Proof, runtime: str | None) -> str:
    if stage == "forward":
        shape = tuple(proof.output_shape or ())
        return f": logits {shape}, all finite, {proof.dtype} on {proof.device}"
    if stage == "runtime_load":
        return f" {runtime}: its logits agree"
    if stage == "runtime_forward":
        return f" {runtime}"
    if stage == "load" and proof.loaded is not None:
        return f": {proof.loaded.tensors} tensors, layout {proof.loaded.layout}"
    return ""
