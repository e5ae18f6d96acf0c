"""`nasdsl compile` of a detector's model file."""

import sys

import click

from nasdsl.cli import output
from nasdsl.cli.options import is_given


def export(context: click.Context, /, file: str, out: str | None, as_json: bool) -> None:
    """Write a trained detector in another format, and print what was written."""
    for option in context.command.params:
        name = str(option.name)
        if name not in ("file", "out", "as_json") and is_given(context, name):
            raise click.UsageError(f"{option.opts[0]} does not apply to a detector's model file.")
    if out is None:
        raise click.UsageError("A detector's model file is written in another format with -o OUT.")
    from nasdsl import export

    export.require_exportable(out)
    from nasdsl.detection.export import export_detector
    from nasdsl.detection.model_file import read_detector

    trained = read_detector(file)
    written = export_detector(trained, out)
    plan = trained.detector.plan
    if as_json:
        output.data_object(
            name=plan.graph.name,
            detector=plan.style,
            classes=trained.names,
            file=written._asdict(),
        )
        return
    from nasdsl.cli.network_tables import console_for, print_written

    print_written(written, console_for(sys.stdout))
