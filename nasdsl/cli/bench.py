"""`nasdsl bench`: how fast networks run."""

import sys
from dataclasses import asdict
from itertools import product
from typing import Any

import click

from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_file, complete_installed, installed
from nasdsl.cli.options import json_option, ops_option, settings_options
from nasdsl.language.genotype.settings import Settings

_POSITIVE = click.IntRange(1, 1_000_000)


def _words(ctx: click.Context, param: click.Parameter, value: str) -> tuple[str, ...]:
    """What stands between commas, each once."""
    return tuple(dict.fromkeys(word.strip() for word in value.split(",") if word.strip()))


def _numbers(ctx: click.Context, param: click.Parameter, value: str) -> tuple[int, ...]:
    words = _words(ctx, param, value)
    convert: Any = _POSITIVE.convert
    return tuple(convert(word, param, ctx) for word in words)


@click.command(
    "bench",
    cls=Command,
    examples="""
        nasdsl bench nasnet_a_mobile
        nasdsl bench nasnet_a_mobile --runtimes eager,onnxruntime,openvino --threads 2
        nasdsl bench nasnet_a_mobile darts_v2_imagenet --plain --batch 1,8
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
    callback=_numbers,
    help="Images in a batch.",
)
@click.option(
    "--threads",
    metavar="N,...",
    default="1",
    show_default=True,
    callback=_numbers,
    help="Number of CPU threads.",
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
    help="Batches that each network runs.",
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
    processor_time: bool,
    rounds: int,
    as_json: bool,
) -> None:
    """Measure how fast networks run for inference, in one runtime or several.

    Each network in each runtime has a process of its own, in which it is loaded and its logits
    are compared with those of the compiled network. Then they take turns, one batch each, so that
    other work on the machine slows all of them alike. The network is optimised first, as by
    `nasdsl compile --optimize`. FILE may also be a .safetensors file.
    """
    if not (runtimes and batch and threads):
        raise click.UsageError("--runtimes, --batch and --threads each need a value.")
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
        )
        for file, images, count, runtime, is_plain in product(
            files, batch, threads, found, (True, False) if plain else (False,)
        )
    ]
    measured = bench(contenders, rounds)
    if as_json:
        output.data_object(rounds=rounds, measured=[asdict(one) for one in measured])
        return
    from nasdsl.cli.bench_table import print_measured

    print_measured(measured, sys.stdout)
