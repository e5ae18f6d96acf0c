"""`nasdsl cost`: parameters and mult-adds of a network, without building it."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import (
    Words,
    file_argument,
    is_given,
    json_option,
    ops_option,
    preset_option,
    settings_options,
)
from nasdsl.language.genotype.settings import Settings
from nasdsl.network.configuration import Configuration
from nasdsl.network.cost import Cost, graph_cost

if TYPE_CHECKING:
    from nasdsl.detection.cost import DetectorCost
    from nasdsl.detection.plan import DetectorPlan

#: Boxes an image where nobody says how many: the fewest of the paper's Table 4.
_PROPOSALS = 300


@click.command(
    "cost",
    cls=Command,
    examples="""
        nasdsl cost nasnet_a_large
        nasdsl cost pnasnet5 --preset mobile
        nasdsl cost nasnet_a --N 6 --filters 4032 --stem imagenet --image-size 331 --classes 1000
        nasdsl cost my_cell.cell --stem cifar --N 6 --filters 768 --json
        nasdsl cost nasnet_a_large --detector paper --image-size 800
    """,
)
@file_argument()
@preset_option
@settings_options
@ops_option
@click.option(
    "--detector",
    type=Words(("paper", "fpn")),
    help="Count a Faster R-CNN on the network instead, of this style.",
)
@click.option(
    "--proposals",
    type=click.IntRange(1, 1_000_000),
    default=_PROPOSALS,
    show_default=True,
    help="How many boxes per image reach the box head of --detector.",
)
@json_option()
@click.pass_context
def command(
    context: click.Context,
    file: str,
    settings: Settings,
    ops: str | None,
    detector: str | None,
    proposals: int,
    as_json: bool,
) -> None:
    """Count the parameters and mult-adds of a network, without building it.

    Flags take precedence over the network block of FILE. Parameters are those that are trained;
    the total includes the moving statistics of batch norm. Mult-adds are those of convolutions
    and fully connected layers for one image. The auxiliary classifier is counted separately.

    With --detector, images are squares of --image-size pixels (1200 in the style paper, 800 in
    fpn), --classes counts the background (91), and the box head counts for each of --proposals.
    """
    if detector is not None:
        _detector(file, settings, ops, detector, proposals, as_json)
        return
    if is_given(context, "proposals"):
        raise click.UsageError("--proposals: without --detector, nothing is proposed.")
    graph = reading.network(file, settings, ops)
    name, network, counted = graph.name, graph.configuration, graph_cost(graph)
    if as_json:
        output.data_object(**as_members(name, network, counted))
        return
    # Imported here because scripts that ask for JSON need no tables.
    from nasdsl.cli.network_tables import print_cost

    print_cost(name, network, counted, sys.stdout)


def as_members(name: str, network: Configuration, counted: Cost) -> dict[str, Any]:
    """What scripts get."""
    choices = asdict(network)
    if network.layers is None:
        del choices["layers"]
    return {
        "name": name,
        "network": {"skeleton": choices.pop("name"), **choices},
        "params": counted.params,
        "params_total": counted.params_total,
        "mult_adds": counted.mult_adds,
        "activations": counted.activations,
        "activation_bytes": counted.activation_bytes,
        "auxiliary_params": counted.auxiliary_params,
        "modules": [
            {
                "name": module.name,
                "role": module.role,
                "kind": module.kind,
                "for_auxiliary": module.for_auxiliary,
                "params": module.params,
                "mult_adds": module.mult_adds,
                "activations": module.activations,
            }
            for module in counted.modules
        ],
        "ops": [
            {
                "op": op.op,
                "uses": op.uses,
                "params": op.params,
                "mult_adds": op.mult_adds,
                "activations": op.activations,
            }
            for op in counted.ops
        ],
    }


def _detector(
    file: str, settings: Settings, ops: str | None, style: str, proposals: int, as_json: bool
) -> None:
    from nasdsl.detection.cost import detector_cost
    from nasdsl.detection.plan import plan_detector

    given = dict(settings.given())
    classes = given.pop("classes", 91)
    plan = plan_detector(
        reading.cells(file, None).genotype,
        style=style,
        classes=classes,  # type: ignore[arg-type]
        ops=ops,
        proposals=proposals,
        **given,  # type: ignore[arg-type]
    )
    output.warn(plan.network.warnings)
    counted = detector_cost(plan)
    if as_json:
        output.data_object(**detector_members(plan, counted))
        return
    from nasdsl.cli.network_tables import print_detector_cost

    print_detector_cost(plan, counted, sys.stdout)


def detector_members(plan: "DetectorPlan", counted: "DetectorCost") -> dict[str, Any]:
    """What scripts get."""
    return {
        "name": plan.graph.name,
        "detector": plan.style,
        "image_size": counted.image_size,
        "classes": plan.classes,
        "proposals": counted.proposals,
        "params": counted.params,
        "params_total": counted.params_total,
        "mult_adds": counted.mult_adds,
        "stages": [
            {
                "name": stage.name,
                "times": stage.times,
                "params": stage.params,
                "mult_adds": stage.mult_adds,
            }
            for stage in counted.stages
        ],
    }
