"""`nasdsl plot`: figures about many models at once."""

from typing import cast

import click

from nasdsl.atomic_write import require_writable
from nasdsl.cli import output, reading
from nasdsl.cli.command import Command
from nasdsl.cli.completers import complete_file
from nasdsl.cli.options import (
    NumberRange,
    Words,
    json_option,
    ops_option,
    preset_option,
    settings_options,
)
from nasdsl.cli.picture_output import deliver, output_options, wanted_form
from nasdsl.drawing import PLOT_FORMATS, THEMES
from nasdsl.drawing.sizes import MEASURES, Measure, genotype_size, imagenet_models, sizes_plot
from nasdsl.drawing.themes import ThemeName
from nasdsl.errors import plural
from nasdsl.language.genotype.settings import Settings
from nasdsl.library.published import sources


@click.command(
    "plot",
    cls=Command,
    examples="""
        nasdsl plot sizes -o sizes.svg
        nasdsl plot sizes my_cell.cell --stem imagenet --N 4 --filters 1056 -o sizes.pdf
        nasdsl plot sizes nasnet_a_mobile darts_v2_imagenet --accuracy 74.0 --accuracy 73.3
    """,
)
@click.argument("what", metavar="sizes", type=Words(["sizes"]))
@click.argument("file", metavar="[FILE]...", nargs=-1, shell_complete=complete_file)
@output_options(PLOT_FORMATS)
@click.option(
    "--accuracy",
    type=NumberRange(0, 100),
    multiple=True,
    help="ImageNet top-1 accuracy of a FILE, in percent; one for each FILE, in order.",
)
@click.option(
    "--against",
    type=Words([measure.replace("_", "-") for measure in MEASURES]),
    help="Draw one panel only.  [default: both]",
)
@click.option(
    "--theme", type=Words(THEMES), default="light", show_default=True, help="Colour theme."
)
@preset_option
@settings_options
@ops_option
@json_option("Print the models as a JSON object instead.")
def command(
    what: str,
    file: tuple[str, ...],
    out: str | None,
    form: str | None,
    accuracy: tuple[float, ...],
    against: str | None,
    theme: str,
    settings: Settings,
    ops: str | None,
    as_json: bool,
) -> None:
    """Plot accuracy against mult-adds and parameters, as in the NASNet paper's Figure 5.

    The published models come from a table with sources. Each FILE is added at the size that
    `nasdsl cost` computes: as a point, or as a line if its accuracy is not given. The plot needs
    matplotlib.
    """
    if accuracy and len(accuracy) != len(file):
        raise click.UsageError(
            f"--accuracy is given {plural(len(accuracy), 'time')} for {plural(len(file), 'file')}."
        )
    wanted = wanted_form(out, form, PLOT_FORMATS)
    if out is not None and out != "-":
        require_writable(out)
    known = accuracy or (None,) * len(file)
    mine = tuple(
        genotype_size(reading.network(name, settings, ops), percent)
        for name, percent in zip(file, known, strict=True)
    )
    if as_json:
        output.data_object(
            published=[model._asdict() for model in imagenet_models()],
            sources={model.source: sources()[model.source] for model in imagenet_models()},
            genotypes=[
                {
                    "name": each.name,
                    "params": each.params,
                    "mult_adds": each.mult_adds,
                    "accuracy": each.accuracy,
                }
                for each in mine
            ],
        )
        return
    measures = (cast(Measure, against.replace("-", "_")),) if against else MEASURES
    content = sizes_plot(mine, form=wanted, measures=measures, theme_name=cast(ThemeName, theme))
    deliver(content, wanted, out, "sizes")
