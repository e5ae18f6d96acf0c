"""`nasdsl compile`: a network that has been run, and a file of it."""

import sys
from time import perf_counter
from typing import TYPE_CHECKING, Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_device, complete_installed, installed
from nasdsl.cli.options import (
    Words,
    file_argument,
    is_given,
    json_option,
    ops_option,
    pass_options,
    preset_option,
    settings_options,
    weights_options,
)
from nasdsl.detection.run_kind import is_detector_model
from nasdsl.errors import cell_error
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.parser.read import is_model
from nasdsl.network.graph import NetworkGraph

if TYPE_CHECKING:
    from nasdsl.api.proof import Proof
    from nasdsl.export import Written
    from nasdsl.passes import Pipeline

TORCH = "torch"
DTYPES = ("float32", "float64", "bfloat16", "float16")


@click.command(
    "compile",
    cls=Command,
    examples="""
        nasdsl compile nasnet_a.cell --N 6 --filters 4032
        nasdsl compile darts_v2 --preset cifar
        nasdsl compile nasnet_a_mobile --classes 10 -o model.safetensors
        nasdsl compile model.safetensors -o model.onnx
        nasdsl compile model.safetensors --optimize -o model.onnx
        nasdsl compile nasnet_a_mobile --runtime onnxruntime
        nasdsl compile nasnet_a_large --device meta
        nasdsl compile nasnet_a_cifar --backend source > network.py
        nasdsl compile nasnet_a_cifar --passes merge,hoist --print-after hoist
        nasdsl compile runs/shapes/model.safetensors -o detector.onnx
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
    help="File to write: .py, .safetensors, .pt2 or .onnx.",
)
@click.option(
    "--optimize",
    "is_optimized",
    is_flag=True,
    help="Optimise the network for inference, so that OUT runs faster but cannot be trained.",
)
@click.option(
    "--dynamic-size",
    is_flag=True,
    help="Let a .pt2 or .onnx file take images of other sizes too.",
)
@pass_options
@click.option(
    "--runtime",
    metavar="NAME",
    shell_complete=complete_installed("runtimes"),
    help="Optimise the network for this runtime, and run it there as well: "
    f"{', '.join(installed('runtimes'))}.",
)
@click.option(
    "--backend",
    default=TORCH,
    show_default=True,
    metavar="NAME",
    shell_complete=complete_installed("backends"),
    help=f"Backend to build with: {', '.join(installed('backends'))}. The output of "
    "any backend but torch is printed or written as it is.",
)
@weights_options("File of weights to load, such as a published checkpoint.")
@click.option(
    "--device",
    metavar="DEVICE",
    shell_complete=complete_device,
    default="cpu",
    show_default=True,
    help="Device to build on; `meta` builds the network without weights.",
)
@click.option(
    "--dtype",
    type=Words(DTYPES),
    default="float32",
    show_default=True,
    help="Data type of the weights.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Seed of the initial weights.",
)
@json_option()
@click.pass_context
def command(
    context: click.Context,
    /,
    file: str,
    settings: Settings,
    ops: str | None,
    out: str | None,
    is_optimized: bool,
    dynamic_size: bool,
    backend: str,
    pipeline: "Pipeline",
    runtime: str | None,
    weights: str | None,
    layout: str,
    drop_background: bool,
    device: str,
    dtype: str,
    seed: int,
    as_json: bool,
) -> None:
    """Build a network, run it on one image, and print a summary.

    Flags take precedence over the network block of FILE. By default a network has the ImageNet
    stem, images of 331 pixels and 1000 classes. FILE may also be a .safetensors file that this
    command has written; its weights are loaded.

    The suffix of OUT chooses the format: .py is readable PyTorch source, .safetensors contains
    the weights and the .cell text, .pt2 is a program of torch.export, and .onnx is for ONNX
    Runtime. Before the file appears under its name, it is read back and compared with the
    network. With a dynamic size, .pt2 and .onnx files take every image size that differs from the
    network's by a multiple of its stride; files of the other formats take any size.

    With --optimize, batch norm becomes a part of convolutions and what only training needs is left
    out. The logits are compared with those of the network before anything is written.

    With --runtime, the optimised network is loaded in that runtime, its logits are compared, and
    it runs on one image there. `nasdsl bench` measures how fast runtimes are.

    Passes rewrite the network before a backend builds it. The network computes the same, and its
    parameters keep their names. An empty --passes runs no passes.

    FILE may be the model.safetensors of a detector, too. It is written as .pt2 or .onnx, a program
    that takes one image of any size.
    """
    if is_detector_model(file):
        from nasdsl.cli import compile_detection

        compile_detection.export(context, file, out, as_json)
        return
    if weights is None and (drop_background or layout != "auto"):
        flag = "--drop-background" if drop_background else "--layout"
        raise click.UsageError(f"{flag} requires --weights.")
    if weights is not None and device == "meta":
        raise click.UsageError(
            "--weights cannot be loaded with --device meta, which holds no values."
        )
    if is_given(context, "seed") and (weights is not None or device == "meta" or is_model(file)):
        other = "--weights" if weights else "--device meta" if device == "meta" else "a model file"
        raise click.UsageError(f"--seed has no effect with {other}: no weights are drawn.")
    if is_optimized and device == "meta":
        raise click.UsageError("--optimize requires weights, and --device meta has none.")
    if runtime is not None and backend == TORCH:
        if device == "meta":
            raise click.UsageError("--runtime requires weights, and --device meta has none.")
        if out is not None or is_optimized:
            flag = "-o writes a file without it" if out is not None else "it optimises anyway"
            raise click.UsageError(f"--runtime only runs the network here: {flag}.")
    if dynamic_size and (out is None or backend != TORCH):
        raise click.UsageError(f"--dynamic-size requires -o and the backend {TORCH}.")
    if backend != TORCH:
        if weights is not None or is_optimized or runtime is not None:
            flag = "--optimize" if is_optimized else "--runtime" if runtime else "--weights"
            raise click.UsageError(f"{flag} requires the backend {TORCH}.")
        given = [name for name in ("device", "dtype", "seed") if is_given(context, name)]
        options = {name: context.params[name] for name in given}
        graph = reading.network(file, settings, ops)
        _build_with(backend, options, pipeline, file, graph, out, as_json)
        return
    # Imported here because --help should not wait for it.
    from nasdsl import export, runtimes
    from nasdsl.api.optimize import optimized
    from nasdsl.api.proof import proof_of
    from nasdsl.api.trained import WeightsFile, trained_part
    from nasdsl.export.comparison import random_images
    from nasdsl.passes import AS_THE_BACKEND_ASKS

    if out is not None:
        export.require_exportable(out)
    asked = None if weights is None else WeightsFile(weights, layout, drop_background)
    trained = trained_part(file, asked)
    graph = reading.network(file, settings, ops)
    passes = AS_THE_BACKEND_ASKS if is_optimized or runtime else pipeline
    proof = proof_of(graph, trained, device=device, dtype=dtype, seed=seed, pipeline=passes)
    seconds = dict(proof.seconds)
    network = proof.network
    start = perf_counter()
    if is_optimized:
        network = optimized(network, pipeline)
        seconds["optimize"] = round(perf_counter() - start, 4)
    if runtime is not None:
        call = runtimes.load(optimized(network, pipeline), runtime)
        seconds["runtime_load"] = round(perf_counter() - start, 4)
        image = random_images(graph, next(network.parameters()).dtype)[-1].to(device)
        start = perf_counter()
        call(image)
        seconds["runtime_forward"] = round(perf_counter() - start, 4)
    start = perf_counter()
    written = None if out is None else export.write(network, out, dynamic_size=dynamic_size)
    if written is not None:
        seconds["write"] = round(perf_counter() - start, 4)
    if as_json:
        output.data_object(**_members(proof, seconds, written), runtime=runtime)
        return
    from nasdsl.cli.network_tables import print_proof

    print_proof(proof, seconds, written, sys.stdout, runtime)


def _build_with(
    backend: str,
    options: dict[str, Any],
    pipeline: "Pipeline",
    file: str,
    graph: NetworkGraph,
    out: str | None,
    as_json: bool,
) -> None:
    """Build with a backend that is not PyTorch's: texts and bytes are printed or written."""
    from nasdsl.api.compile import build
    from nasdsl.api.trained import trained_part
    from nasdsl.atomic_write import replace_bytes

    made = build(graph, trained_part(file), backend=backend, pipeline=pipeline, **options)
    content = made.encode() if isinstance(made, str) else made
    if not isinstance(content, bytes | bytearray):
        kind = f"backend `{backend}` makes a {type(made).__name__}, which is neither text nor bytes"
        raise cell_error("NAS708", kind, "`nasdsl.compile` returns it in Python")
    if out is not None:
        replace_bytes(out, bytes(content))
        output.note(f"wrote {out}")
    if as_json:
        size = len(content)
        written = None if out is None else {"path": out, "bytes": size}
        output.data_object(name=graph.name, backend=backend, bytes=size, file=written)
    elif out is None:
        output.data_bytes(bytes(content))


def _members(
    proof: "Proof", seconds: dict[str, float], written: "Written | None"
) -> dict[str, Any]:
    """What scripts get."""
    from nasdsl.cli.cost import as_members

    counted = as_members(proof.graph.name, proof.graph.configuration, proof.cost)
    names = ("name", "network", "params", "params_total", "mult_adds", "auxiliary_params")
    return {
        **{name: counted[name] for name in names},
        "output_shape": proof.output_shape,
        "device": proof.device,
        "dtype": proof.dtype,
        "seconds": seconds,
        "weights": None if proof.loaded is None else proof.loaded._asdict(),
        "file": None if written is None else written._asdict(),
    }
