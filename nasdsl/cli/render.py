"""`nasdsl render`: pictures of cells, spaces, networks and differences."""

from dataclasses import dataclass
from pathlib import Path

import click

from nasdsl.cli import output, reading
from nasdsl.cli.arguments import file_argument
from nasdsl.cli.command import Command
from nasdsl.cli.picture_output import deliver, form_of, output_options
from nasdsl.cli.settings_flags import ops_option, preset_option, settings_options
from nasdsl.drawing import (
    DIRECTIONS,
    THEMES,
    Drawing,
    Options,
    difference_drawing,
    genotype_drawing,
    network_drawing,
    rendered,
    space_drawing,
)
from nasdsl.language.genotype.settings import NO_SETTINGS, Settings
from nasdsl.loading import genotype_of


@click.command(
    "render",
    cls=Command,
    examples="""
        nasdsl render nasnet_a -o nasnet_a.svg
        nasdsl render my_cell.cell --watch
        nasdsl render nasnet_a --network --N 6 --filters 4032 --stem imagenet -o network.pdf
        nasdsl render --diff nasnet_a nasnet_a_unused -o change.png
        nasdsl render nasnet_space --legend --theme dark -o space.svg
    """,
)
@file_argument(several=True)
@output_options()
@click.option("--network", is_flag=True, help="Draw the stack of cells, not the cells.")
@click.option("--space", "as_space", is_flag=True, help="Draw as a space, even with no holes.")
@click.option("--diff", is_flag=True, help="Draw two files in one picture: A, then B.")
@click.option("--theme", type=click.Choice(THEMES), default="light", help="The colours.")
@click.option(
    "--direction",
    type=click.Choice(DIRECTIONS),
    default="up",
    help="Which way the states flow; up has the inputs at the bottom.",
)
@click.option("--legend", is_flag=True, help="Say what the colours mean.")
@click.option("--watch", is_flag=True, help="Draw again whenever the file changes; see below.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Where --watch serves.")
@preset_option
@settings_options
@ops_option
def command(
    file: tuple[str, ...],
    out: str | None,
    form: str | None,
    network: bool,
    as_space: bool,
    diff: bool,
    theme: str,
    direction: str,
    legend: bool,
    watch: bool,
    port: int,
    settings: Settings,
    ops: str | None,
) -> None:
    """Draw the cells of FILE, in the manner of the NASNet paper's Figure 4.

    Without -o the picture goes to standard output, as SVG; on a terminal it is written to a
    file named after the genotype. A file with holes is drawn as a space. With --watch a page
    on this machine shows the picture and follows the file until Ctrl-C; -o is written too.

    Pictures but .dot need Graphviz.
    """
    request = Request(file, network, as_space, diff, settings, ops)
    request.check()
    options = Options(theme, direction, legend)  # type: ignore[arg-type]
    wanted = form_of(out, form)
    if watch:
        from nasdsl.cli.watching import watched

        watched(request, options, out, wanted, port)
        return
    drawing, stem = request.drawing(options)
    for remark in drawing.remarks:
        output.note(f"note: {remark}")
    deliver(rendered(drawing, wanted), wanted, out, stem)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be drawn."""

    files: tuple[str, ...]
    network: bool = False
    as_space: bool = False
    diff: bool = False
    settings: Settings = NO_SETTINGS
    ops: str | None = None

    def check(self) -> None:
        """Refuse what contradicts itself."""
        chosen = {"--network": self.network, "--space": self.as_space, "--diff": self.diff}
        flags = [flag for flag, given in chosen.items() if given]
        if len(flags) > 1:
            raise click.UsageError(f"{flags[0]} and {flags[1]} contradict each other.")
        needs = 2 if self.diff else 1
        if len(self.files) != needs:
            wanted = "two files, A and B" if self.diff else "one FILE (--diff takes two)"
            raise click.UsageError(f"{len(self.files)} files given; a picture is of {wanted}.")
        if self.as_space and self.ops is not None:
            raise click.UsageError("--ops reads a genotype, and --space draws a space.")
        given = self.settings.given()
        if given and not self.network:
            flag = next(iter(given)).replace("_", "-")
            raise click.UsageError(f"--{flag} is about networks; draw one with --network.")

    def drawing(self, options: Options) -> tuple[Drawing, str]:
        """The drawing, and what a file of it may be called.

        Raises:
            CellError: a file cannot be read, has mistakes, or is not what this draws.
        """
        if self.diff:
            a, b = (reading.genotype(name, self.ops) for name in self.files)
            return difference_drawing(a, b, options), f"{a.name}_and_{b.name}"
        name = self.files[0]
        if self.network:
            graph = reading.network(name, self.settings, self.ops).graph()
            return network_drawing(graph, options), f"{graph.name}_network"
        if self.ops is not None:
            genotype = reading.genotype(name, self.ops)
            return genotype_drawing(genotype, options), genotype.name
        space = reading.space(name)
        if self.as_space or not space.is_genotype:
            return space_drawing(space, options), space.name
        return genotype_drawing(genotype_of(space), options), space.name

    @property
    def watched(self) -> tuple[Path, ...]:
        """The folders whose `.cell` files matter: a vocabulary may lie beside a file."""
        return tuple(dict.fromkeys(Path(name).resolve().parent for name in self.files))
