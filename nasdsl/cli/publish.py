"""`nasdsl publish`: a trained network as a folder, or on the Hugging Face Hub."""

import click

from nasdsl.cli import output
from nasdsl.cli.command import Command
from nasdsl.cli.options import json_option


@click.command(
    "publish",
    cls=Command,
    examples="""
        nasdsl publish runs/digits -o digits
        nasdsl publish runs/digits --repository me/digits --license apache-2.0
        nasdsl publish model.safetensors --repository me/model --private
    """,
)
@click.argument("model", metavar="MODEL", type=click.Path())
@click.option("-o", "folder", metavar="FOLDER", type=click.Path(), help="Folder to write.")
@click.option(
    "--repository",
    metavar="OWNER/NAME",
    help="Repository of the Hugging Face Hub; it is created if it is not there.",
)
@click.option("--private", is_flag=True, help="Create the repository as a private one.")
@click.option(
    "--license",
    metavar="NAME",
    help="License of the weights, as the Hub calls it, such as apache-2.0.",
)
@json_option()
def command(
    model: str,
    folder: str | None,
    repository: str | None,
    private: bool,
    license: str | None,
    as_json: bool,
) -> None:
    """Publish a trained network with its .cell text and a model card.

    MODEL is the folder of a finished run, whose data, recipe and results the card then has, or a
    .safetensors file written by nasdsl.

    The folder gets config.json with the .cell text, model.safetensors with the weights, and
    README.md, the card; a README.md that is there stays as it is. `nasdsl.hub.from_pretrained` in
    Python and timm read such folders and repositories. `hf auth login` signs in to the Hub.
    """
    if (folder is None) == (repository is None):
        raise click.UsageError("Name either a folder with -o, or a --repository.")
    if private and repository is None:
        raise click.UsageError("--private requires --repository.")
    # Imported here because --help should not wait for it; it imports PyTorch at the end.
    from nasdsl.hub.models import push_to_hub, save_pretrained

    if folder is not None:
        files = save_pretrained(model, folder, license=license)
        if as_json:
            output.data_object(folder=folder, files=[str(file) for file in files])
        else:
            output.data("".join(f"{file}\n" for file in files))
        return
    assert repository is not None
    address = push_to_hub(model, repository, private=private or None, license=license)
    if as_json:
        output.data_object(repository=repository, commit=address)
    else:
        output.data(f"{address}\n")
