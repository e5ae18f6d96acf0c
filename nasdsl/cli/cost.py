"""`nasdsl cost`: parameters and mult-adds of a network, without building it."""

import sys
from dataclasses import asdict
from typing import Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.options import (
    file_argument,
    json_option,
    ops_option,
    preset_option,
    settings_options,
)
from nasdsl.language.genotype.settings import Settings
from nasdsl.network.configuration import Configuration
from nasdsl.network.cost import Cost, graph_cost


@click.command(
    "cost",
    cls=Command,
    examples="""
        nasdsl cost nasnet_a_large
        nasdsl cost pnasnet5 --preset mobile
        nasdsl cost nasnet_a --N 6 --filters 4032 --stem imagenet --image-size 331 --classes 1000
        nasdsl cost my_cell.cell --stem cifar --N 6 --filters 768 --json
    """,
)
@file_argument()
@preset_option
@settings_options
@ops_option
@json_option()
def command(file: str, settings: Settings, ops: str | None, as_json: bool) -> None:
    """Count the parameters and mult-adds of a network, without building it.

    Flags take precedence over the network block of FILE. Parameters are those that are trained;
    the total includes the moving statistics of batch norm. Mult-adds are those of convolutions
    and fully connected layers for one image. The auxiliary classifier is counted separately.
    """
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
