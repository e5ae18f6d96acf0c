"""`nasdsl compile`: a network that has been run, and a file of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.arguments import file_argument, json_option
from nasdsl.cli.command import Command
from nasdsl.cli.pass_flags import pass_options
from nasdsl.cli.settings_flags import ops_option, preset_option, settings_options
from nasdsl.errors import cell_error
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.parser.read import is_model
from nasdsl.weights.registry import LAYOUTS

if TYPE_CHECKING:
    from nasdsl.passes import Pipeline

DTYPES = ("float32", "float64", "bfloat16", "float16")


@click.command(
    "compile",
    cls=Command,
    examples="""
        nasdsl compile nasnet_a.cell --N 6 --filters 4032
        nasdsl compile darts_v2 --preset cifar
        nasdsl compile nasnet_a_mobile --classes 10 -o model.safetensors
        nasdsl compile model.safetensors -o model.onnx
        nasdsl compile nasnet_a_large --device meta
        nasdsl compile nasnet_a_cifar --passes merge,hoist --print-after hoist
    """,
)
@file_argument()
@preset_option
@settings_options
@ops_option
@click.option(
    "-o",
    "out",
    metavar="OUT",
    type=click.Path(),
    help="Write the network: .py, .safetensors, .pt2 or .onnx.",
)
@pass_options
@click.option(
    "--weights", metavar="PATH", type=click.Path(), help="Load weights of a published network."
)
@click.option(
    "--layout",
    type=click.Choice(["auto", *LAYOUTS]),
    default="auto",
    show_default=True,
    help="Whose names the weights have.",
)
@click.option(
    "--drop-background", is_flag=True, help="Leave out the weights' class 0, as slim counts."
)
@click.option("--device", default="cpu", show_default=True, help="Where; meta for no values.")
@click.option(
    "--dtype",
    type=click.Choice(DTYPES),
    default="float32",
    show_default=True,
    help="Of the weights.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Draws the initial weights.",
)
@json_option()
def command(
    file: str,
    settings: Settings,
    ops: str | None,
    out: str | None,
    pipeline: "Pipeline",
    weights: str | None,
    layout: str,
    drop_background: bool,
    device: str,
    dtype: str,
    seed: int,
    as_json: bool,
) -> None:
    """Build a network, run it on one image, and say what it is.

    Flags win over the network block of the file, and what neither says has a default: the
    ImageNet stem, 331 pixels, 1000 classes. FILE may be a .safetensors file that this command
    has written; it brings its weights along.

    With -o the network is written as the suffix says: .py is readable PyTorch source,
    .safetensors its weights with the .cell text, .pt2 a program of torch.export, .onnx for
    ONNX Runtime. The file is read back and compared with the network before it appears.

    Passes rewrite the network before a backend builds it; it computes the same, and its
    parameters keep their names. An empty --passes runs none.
    """
    if weights is None and (drop_background or layout != "auto"):
        flag = "--drop-background" if drop_background else "--layout"
        raise click.UsageError(f"{flag} says how --weights are read, and there are none.")
    if weights is not None and device == "meta":
        raise click.UsageError("--device meta holds no values, so no --weights can be loaded.")
    # Imported here because --help should not wait for it.
    from nasdsl.cli import building
    from nasdsl.export import ready

    if out is not None:
        ready(out)
    if weights is not None and is_model(file):
        raise cell_error(
            "NAS801",
            f"{file!r} brings its own weights, and --weights names others",
            "name the .cell file instead of the model",
        )
    network = reading.network(file, settings, ops)
    own = file if is_model(file) else None
    chosen = building.Choice(device, dtype, seed, own or weights, "native" if own else layout)
    chosen = chosen._replace(drop_background=drop_background, pipeline=pipeline)
    built = building.built(network, chosen)
    built = building.with_file(built, Path(out)) if out is not None else built
    if as_json:
        output.data_object(**_members(built))
        return
    from nasdsl.cli.build_tables import print_built

    print_built(built, sys.stdout)


def _members(built: Any) -> dict[str, Any]:
    """What scripts get."""
    from nasdsl.cli.cost import as_members

    counted = as_members(built.graph.name, built.graph.configuration, built.cost)
    names = ("name", "network", "params", "params_total", "mult_adds", "auxiliary_params")
    written = built.written
    return {
        **{name: counted[name] for name in names},
        "output_shape": built.output_shape,
        "device": built.choice.device,
        "dtype": built.choice.dtype,
        "seconds": built.seconds,
        "weights": None if built.loaded is None else built.loaded._asdict(),
        "file": None if written is None else written._asdict(),
    }
