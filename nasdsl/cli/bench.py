"""`nasdsl bench`: how fast networks run."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import product
from typing import TYPE_CHECKING, Any

import click

from nasdsl.atomic_write import require_writable
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import (
    complete_device,
    complete_file,
    complete_installed,
    installed,
)
from nasdsl.cli.options import NumberRange, Words, json_option, ops_option, settings_options
from nasdsl.cli.picture_output import deliver, wanted_form
from nasdsl.drawing import PLOT_FORMATS, PictureFormat
from nasdsl.language.genotype.settings import Settings

if TYPE_CHECKING:
    from nasdsl.api.bench import Measured


_POSITIVE = click.IntRange(1, 1_000_000)
#: As many as `nasdsl eval --threads` takes: nobody has more, and asking for them ends a process.
_THREADS = click.IntRange(1, 4096)


def _words(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """What stands between commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))


def _numbers(legal: click.IntRange) -> Callable[[click.Context, click.Parameter, str], Any]:
    """The reader of legal numbers between commas."""
    convert: Any = legal.convert

    def numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
        return tuple(convert(word, param, ctx) for word in _words(ctx, param, value))

    return numbers


_DTYPES = ("float32", "bfloat16", "int8")


def _dtypes(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    convert: Any = Words(_DTYPES).convert
    return tuple(convert(word, param, ctx) for word in _words(ctx, param, value))


@click.command(
    "bench",
    cls=Command,
    examples="""
        nasdsl bench nasnet_a_mobile
        nasdsl bench nasnet_a_mobile --runtimes eager,onnxruntime,openvino --threads 2
        nasdsl bench nasnet_a_mobile darts_v2_imagenet --plain --batch 1,8
        nasdsl bench nasnet_a_large --runtimes openvino --dtypes float32,bfloat16
        nasdsl bench nasnet_a_mobile --runtimes eager,cuda_graphs --device cuda
        nasdsl bench model.safetensors --passes inference,merge,hoist --json
    """,
)
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(),
    shell_complete=complete_file,
)
@settings_options
@ops_option
@click.option(
    "--runtimes",
    metavar="NAME,...",
    default="eager",
    show_default=True,
    callback=_words,
    shell_complete=complete_installed("runtimes"),
    help=f"Runtimes to compare: {', '.join(installed('runtimes'))}.",
)
@click.option(
    "--plain",
    is_flag=True,
    help="Also measure each network as it is, without optimising it.",
)
@click.option(
    "--passes",
    metavar="PASS,...",
    callback=lambda ctx, param, value: None if value is None else _words(ctx, param, value),
    shell_complete=complete_installed("passes"),
    help="Optimise with these passes instead of all passes for inference.",
)
@click.option(
    "--batch",
    metavar="N,...",
    default="1",
    show_default=True,
    callback=_numbers(_POSITIVE),
    help="Images in a batch.",
)
@click.option(
    "--threads",
    metavar="N,...",
    default="1",
    show_default=True,
    callback=_numbers(_THREADS),
    help="Number of CPU threads.",
)
@click.option(
    "--dtypes",
    metavar="TYPE,...",
    default="float32",
    show_default=True,
    callback=_dtypes,
    help="Data types that runtimes compute in: float32, bfloat16, int8.",
)
@click.option(
    "--device",
    metavar="DEVICE",
    shell_complete=complete_device,
    default="cpu",
    show_default=True,
    help="Device to run on.",
)
@click.option(
    "--processor-time",
    is_flag=True,
    help="Measure CPU time, which other work on the machine disturbs less.",
)
@click.option(
    "--rounds",
    type=_POSITIVE,
    default=20,
    show_default=True,
    help="How many batches each network runs.",
)
@click.option(
    "--plot",
    metavar="OUT",
    type=click.Path(),
    help="Draw accuracy or size against latency as well: an .svg, .png or .pdf file.",
)
@click.option(
    "--accuracy",
    type=NumberRange(0, 100),
    multiple=True,
    help="Accuracy of a FILE in percent, for --plot; one for each FILE, in order.",
)
@json_option()
def command(
    files: tuple[str, ...],
    settings: Settings,
    ops: str | None,
    runtimes: tuple[str, ...],
    plain: bool,
    passes: tuple[str, ...] | None,
    batch: tuple[int, ...],
    threads: tuple[int, ...],
    dtypes: tuple[str, ...],
    device: str,
    processor_time: bool,
    rounds: int,
    plot: str | None,
    accuracy: tuple[float, ...],
    as_json: bool,
) -> None:
    """Measure how fast networks run for inference, in one runtime or several.

    Each network in each runtime has a process of its own, in which it is loaded and its logits
    are compared with those of the compiled network. Then they take turns, one batch each, so that
    other work on the machine slows all of them alike. The network is optimised first, as by
    `nasdsl compile --optimize`. FILE may also be a .safetensors file.
    """
    if not (runtimes and batch and threads and dtypes):
        raise click.UsageError("--runtimes, --batch, --threads and --dtypes each need a value.")
    if accuracy and (plot is None or len(accuracy) != len(files)):
        raise click.UsageError("--accuracy requires --plot, and a value for each FILE.")
    if processor_time and device != "cpu":
        raise click.UsageError("--processor-time measures the CPU, not --device.")
    if device == "meta":
        raise click.UsageError("--device meta holds no values, so nothing can be run there.")
    form = None if plot is None else wanted_form(plot, None, PLOT_FORMATS)
    if plot is not None:
        require_writable(plot)
    # Imported here because --help should not wait for it.
    from nasdsl import runtimes as installed_runtimes
    from nasdsl.api.bench import Contender, bench
    from nasdsl.passes import PASSES

    for file in files:
        reading.network(file, settings, ops)
    found = [installed_runtimes.find(name) for name in runtimes]
    for name in passes or ():
        PASSES.find(name)
    given: dict[str, Any] = {**settings.given(), **({} if ops is None else {"ops": ops})}
    contenders = [
        Contender(
            *(file, runtime.name, images, count),
            passes=None if is_plain else passes or runtime.passes,
            settings=given,
            processor_time=processor_time,
            dtype=None if dtype == "float32" else dtype,
            device=device,
        )
        for file, images, count, runtime, is_plain, dtype in product(
            files, batch, threads, found, (True, False) if plain else (False,), dtypes
        )
    ]
    measured = bench(contenders, rounds)
    if plot is not None and form is not None:
        values = dict(zip(files, accuracy, strict=False))
        deliver(_picture(measured, values, form), form, plot, "bench")
    if as_json:
        output.data_object(rounds=rounds, measured=[asdict(one) for one in measured])
        return
    from nasdsl.cli.bench_table import print_measured

    print_measured(measured, sys.stdout)


def _picture(
    measured: "Sequence[Measured]", accuracy: dict[str, float], form: PictureFormat
) -> bytes:
    """Accuracy against latency, or parameters where no accuracies are known."""
    from nasdsl.cli.bench_table import name_in_table
    from nasdsl.drawing.latencies import LatencyPoint, latencies_plot

    points = [
        LatencyPoint(
            one.contender.source,
            name_in_table(one.contender),
            1e3 * one.latency,
            accuracy.get(one.contender.source, one.weight_bytes / 4e6),
        )
        for one in measured
    ]
    value = "accuracy (%)" if accuracy else "parameters (millions)"
    return latencies_plot(points, value, form=form)
