"""Pages that are made from the code, so that they say what it does: the reference.

Every command from its own help, every code from its explanation, every setting and recipe from its
table, the installed parts from the registries, and the Python interface from its docstrings, which
mkdocstrings reads where a page says `::: NAME`.
"""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import get_type_hints

import click

import nasdsl
from nasdsl.cli.command import CommandWithActions
from nasdsl.cli.group import SECTIONS, program
from nasdsl.cli.plugins import members
from nasdsl.cli.plugins import title as title_of_kind
from nasdsl.errors import CODES
from nasdsl.errors.explain import explanation
from nasdsl.language.genotype.settings import RULES
from nasdsl.train.recipe import RECIPES, Recipe, recipe
from nasdsl.values import values_of

_PACKAGE = Path(nasdsl.__file__).parent
#: What the hundreds of the codes are about.
_HUNDREDS = {
    "0": "Reading and arguments",
    "1": "Syntax",
    "2": "Names",
    "3": "Cells",
    "4": "Definitions of ops and combines",
    "5": "Networks",
    "6": "Spaces and texts of other tools",
    "7": "Installation, files and runtimes",
    "8": "Weights, training and search",
    "9": "Errors of nasdsl itself",
}


def reference_pages() -> dict[str, str]:
    """The Markdown of every made page by its place."""
    pages = {
        "reference/commands/index.md": _commands(),
        "reference/codes/index.md": _codes(),
        "reference/settings.md": _settings(),
        "reference/recipes.md": _recipes(),
        "reference/parts.md": _parts(),
        "reference/python/index.md": _modules(),
    }
    pages |= {f"reference/commands/{name}.md": _command(name) for name in command_names()}
    pages |= {f"reference/codes/{code}.md": explanation(code) for code in CODES}
    pages |= {f"reference/python/{name}.md": _module(name) for name in public_modules()}
    return pages


# -- commands -----------------------------------------------------------------------------------


def command_names() -> list[str]:
    """Every command, in the order of the help."""
    return [name for lines in SECTIONS.values() for name in lines]


def _commands() -> str:
    parts = ["# Commands", "Each page is what `nasdsl COMMAND --help` says."]
    for title, lines in SECTIONS.items():
        rows = ["| command | |", "|---|---|"]
        rows += [
            f"| [`nasdsl {name}`]({name}.md) | {_cell(line)} |" for name, line in lines.items()
        ]
        parts += [f"## {title}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _command(name: str) -> str:
    context = click.Context(program, info_name="nasdsl")
    found = program.get_command(context, name)
    assert found is not None, name
    parts = [f"# nasdsl {name}"]
    if isinstance(found, CommandWithActions):
        inner = click.Context(found, parent=context, info_name=name)
        # What it does without an action has the arguments; the group has the text.
        parts += _help(found, inner, f"nasdsl {name}", found.default, found.examples)
        for action in found.list_commands(inner):
            command = found.get_command(inner, action)
            assert command is not None, action
            words = f"nasdsl {name} {action}"
            parts += [f"## {words}", *_help(command, inner, words, command)]
    else:
        parts += _help(found, context, f"nasdsl {name}", found)
    return "\n\n".join(parts) + "\n"


def _help(
    described: click.Command,
    parent: click.Context,
    words: str,
    taking: click.Command,
    examples: str = "",
) -> list[str]:
    context = click.Context(taking, parent=parent, info_name=words)
    usage = " ".join([words, *taking.collect_usage_pieces(context)])
    parts = [f"```sh\n{usage}\n```", *_paragraphs(described.help or "")]
    records = [param.get_help_record(context) for param in taking.get_params(context)]
    # Not a table: names of options are long, and screens may be narrow.
    parts += [f"`{names}`\n:   {_cell(help)}" for names, help in filter(None, records)]
    shown = examples or getattr(taking, "examples", "")
    return [*parts, f"Examples:\n\n```sh\n{shown}\n```"] if shown else parts


def _paragraphs(text: str) -> Iterator[str]:
    for paragraph in re.split(r"\n\s*\n", text.strip().replace("\b", "")):
        yield _plain(" ".join(paragraph.split()))


def _plain(text: str) -> str:
    """Words as they are, where Markdown would read marks; what is in backquotes is code."""
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        part if index % 2 else re.sub(r"([*_<>\[\]|])", r"\\\1", part)
        for index, part in enumerate(parts)
    )


def _cell(text: str) -> str:
    """Words in a cell of a table."""
    return _plain(" ".join(text.split()))


# -- codes, settings, recipes, parts ------------------------------------------------------------


def _codes() -> str:
    parts = [
        "# Codes",
        "Every finding has a code, and `nasdsl explain CODE` prints its page. A code that has been "
        "released is never given another meaning.",
    ]
    for hundred, codes in groupby(sorted(CODES), key=lambda code: code[3]):
        rows = ["| code | | |", "|---|---|---|"]
        rows += [
            f"| [{code}]({code}.md) | {_cell(CODES[code].title)} | {CODES[code].severity} |"
            for code in codes
        ]
        parts += [f"## {_HUNDREDS[hundred]}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


def _settings() -> str:
    rows = ["| setting | flag | | values | default |", "|---|---|---|---|---|"]
    for name, rule in RULES.items():
        values = f"{rule.description} {rule.values.unit}".strip()
        flag = f"`--{name.replace('_', '-')}`"
        row = (f"`{name}`", flag, rule.values.help, values, str(rule.default))
        rows.append("| " + " | ".join(_cell(each) for each in row) + " |")
    parts = [
        "# Network settings",
        "What a `network` block of a file, flags and keyword arguments may say. Flags and keywords "
        "take precedence over a file; what nobody says is chosen as the last column says.",
        "\n".join(rows),
    ]
    return "\n\n".join(parts) + "\n"


def _recipes() -> str:
    names = RECIPES.names()
    described = _attributes(Recipe)
    hints = get_type_hints(Recipe, include_extras=True)
    recipes = [recipe(name) for name in names]
    rows = {name: [_cell(str(getattr(each, name))) for each in recipes] for name in described}
    del rows["name"]
    parts = [
        "# Values of recipes",
        "`--set NAME=VALUE` changes one. What they mean, and what is legal:",
        "\n".join(
            [
                "| value | | legal |",
                "|---|---|---|",
                *(
                    f"| `{name}` | {_cell(text)} | {_cell(values_of(hints[name]).description)} |"
                    for name, text in described.items()
                    if values_of(hints[name]) is not None and name != "name"
                ),
            ]
        ),
        "## What the installed recipes have",
        "\n".join(
            [
                f"| value | {' | '.join(f'`{name}`' for name in names)} |",
                "|---|" + "---|" * len(names),
                *(f"| `{name}` | {' | '.join(values)} |" for name, values in rows.items()),
            ]
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _attributes(described: type) -> dict[str, str]:
    """What the docstring of a class says of each attribute."""
    # Without its indentation, which Python 3.13 and later leave out, too.
    section = (inspect.getdoc(described) or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    found = re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def _parts() -> str:
    parts = [
        "# Installed parts",
        "What entry points offer, here with nasdsl alone; `nasdsl list --plugins` lists what is "
        "installed. [Contributing](../contributing.md) says how to add one of each.",
    ]
    for kind, offers in groupby(members(), key=lambda each: each["kind"]):
        rows = ["| name | in |", "|---|---|"]
        rows += [
            f"| `{each['name']}` | `{each['value']}` |"
            for each in offers
            if each["package"] in ("nasdsl", "")
        ]
        parts += [f"## {title_of_kind(kind)}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"


# -- Python -------------------------------------------------------------------------------------


def public_modules() -> list[str]:
    """The modules with public names: those with a stub, and those that `nasdsl` offers itself."""
    stubs = (stub.parent for stub in _PACKAGE.rglob("__init__.pyi"))
    found = {".".join(("nasdsl", *folder.relative_to(_PACKAGE).parts)) for folder in stubs}
    found |= {f"nasdsl.{name}" for name, home in _stub("nasdsl").items() if not home}
    return sorted({*found, "nasdsl.service", "nasdsl.strategies"})


def _stub(module: str) -> dict[str, str]:
    """Public names and the modules that define them; empty where a name is a module itself."""
    path = _PACKAGE.joinpath(*module.split(".")[1:], "__init__.pyi")
    found: dict[str, str] = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            home = f"{module}.{node.module}" if node.module else ""
            found |= {alias.name: home for alias in node.names}
    return found


def _public(module: str) -> dict[str, str]:
    if _PACKAGE.joinpath(*module.split(".")[1:], "__init__.pyi").is_file():
        return {name: home for name, home in _stub(module).items() if home}
    found = import_module(module)
    own = (name for name, value in vars(found).items() if _is_of(value, module))
    names: Iterable[str] = getattr(found, "__all__", None) or own
    return {name: module for name in names if not name.startswith("_")}


def _is_of(value: object, module: str) -> bool:
    return getattr(value, "__module__", "") == module and hasattr(value, "__qualname__")


def _modules() -> str:
    rows = [f"| [`{name}`]({name}.md) | {_cell(_summary(name))} |" for name in public_modules()]
    parts = [
        "# Python",
        "The public names, from their docstrings. What is not listed here may change.",
        "\n".join(["| module | |", "|---|---|", *rows]),
    ]
    return "\n\n".join(parts) + "\n"


def _summary(module: str) -> str:
    folder = _PACKAGE.joinpath(*module.split(".")[1:])
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return text.split("\n\n")[0].replace("\n", " ")


def _module(module: str) -> str:
    parts = [f"# {module}", _plain(_summary(module))]
    for name, home in sorted(_public(module).items(), key=lambda each: each[0].lower()):
        parts += [f"::: {home}.{name}"]
    return "\n\n".join(parts) + "\n"
