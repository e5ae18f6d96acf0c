"""The command line as a whole: exit codes, streams, colour, speed, completion."""

import ast
import gc
import inspect
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

import nasdsl
from bench.reliability.patience import PATIENCE
from nasdsl.cli import main, output
from nasdsl.cli.command import CommandWithActions
from nasdsl.cli.group import SECTIONS, program
from nasdsl.errors import CellError, Diagnostic, Source, Span, cell_error
from nasdsl.registry import installed_plugins
from tests.cli_options import commands
from tests.cli_run import Ran, Run, runner

COMMANDS = [name for lines in SECTIONS.values() for name in lines]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("check", "nasnet_a")` in this process."""
    return runner(capfd, monkeypatch)


def process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`nasdsl` as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "nasdsl", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def failing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make `nasdsl show` raise `error`."""

    def raise_it(name: str) -> Source:
        raise error

    monkeypatch.setattr("nasdsl.library.source", raise_it)


# -- help ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_help(run: Run, name: str) -> None:
    """Every command has help with an example of itself, and the line the group shows."""
    ran = run(name, "--help")
    assert ran.code == 0
    assert ran.err == ""
    examples = ran.out.partition("Examples:\n")[2]
    assert f"nasdsl {name}" in examples
    line = next(lines[name] for lines in SECTIONS.values() if name in lines)
    assert ran.out.split("\n\n  ")[1].split()[0] == line.split()[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_parse(name: str) -> None:
    """Every example is a command line that its command takes."""
    with program.make_context("nasdsl", [name], resilient_parsing=True) as context:
        command = program.get_command(context, name)
        assert command is not None
        for line in command.examples.splitlines():
            assert not re.search(r"\S  |.{100}", line), line
            words = re.split(r"[|<>)]", line.partition("nasdsl ")[2])[0].split()
            assert words[0] == name
            found = command.make_context(name, words[1:], parent=context)
            if isinstance(command, click.Group):
                chosen, action, rest = command.resolve_command(
                    found, [*found._protected_args, *found.args]
                )
                assert action is not None
                action.make_context(chosen, rest, parent=found)


@pytest.mark.parametrize("arguments", [["--help"], ["fmt", "-h"]])
def test_help_in_colour(run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """Panels say what plain help says: every flag, every command, every example."""
    plain = run(*arguments).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    coloured = run(*arguments)
    assert coloured.code == 0
    for word in re.findall(r"--[a-z-]+|nasdsl \w+|^  \w+(?=  )", plain, re.M):
        assert word.strip() in coloured.out


def _all_commands() -> Iterator[tuple[str, click.Command]]:
    """Every command and every action, by the words that choose it."""
    with program.make_context("nasdsl", [], resilient_parsing=True) as context:
        for name in COMMANDS:
            command = program.get_command(context, name)
            assert command is not None
            yield name, command
            if isinstance(command, CommandWithActions):
                yield f"{name} SPACE", command.default
                for action in command.list_commands(context):
                    found = command.get_command(context, action)
                    assert found is not None
                    yield f"{name} {action}", found


def test_options_are_described() -> None:
    """Every option has a phrase that begins with a capital and ends with a full stop."""
    wrong = []
    for words, command in _all_commands():
        for option in command.params:
            if isinstance(option, click.Option):
                said = re.sub(r"  \[default: .*\]$", "", option.help or "")
                if not (said[:1].isupper() and said.endswith(".") and " " in said):
                    wrong.append(f"{words} {option.opts[0]}: {option.help}")
    assert wrong == []


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Of every command and action: no line is cut, paragraphs are kept, examples can be copied."""
    monkeypatch.setenv("COLUMNS", str(columns))
    wrong = []
    for words, command in [("", program), *_all_commands()]:
        if words.endswith(" SPACE"):  # whose help is that of the word before
            continue
        plain = run(*words.split(), "--help").out
        monkeypatch.setenv("FORCE_COLOR", "1")
        drawn = re.sub(r"\x1b\[[\d;]*m", "", run(*words.split(), "--help").out)
        monkeypatch.delenv("FORCE_COLOR")
        for shown in (plain, drawn):
            text, _, examples = shown.partition("Examples:\n")
            if inspect.cleandoc(examples) != getattr(command, "examples", ""):
                wrong.append((words, examples))
            wrong += [(words, line) for line in text.splitlines() if len(line.rstrip()) > columns]
            params = getattr(command, "default", command).params
            flags = {flag for each in params for flag in _shown_flags(each)}
            wrong += [(words, flag) for flag in flags if flag not in re.split(r"[\s,]+", text)]
            about = re.split(r"\n(?=Options:|\S*- Options|Write:|Actions:|╭)", text)[0]
            told = [" ".join(part.split()) for part in re.split(r"\n\s*\n", about)]
            wrong += [
                (words, paragraph)
                for paragraph in re.split(r"\n\s*\n", inspect.cleandoc(command.help or ""))
                if " ".join(paragraph.split()) not in told
            ]
    assert wrong == []


def _shown_flags(parameter: click.Parameter) -> list[str]:
    """The flags of an option as help shows them, if it is one."""
    if not isinstance(parameter, click.Option):
        return []
    return [parameter.opts[-1].replace("--", "--[no-]" if parameter.secondary_opts else "--")]


def test_no_arguments(run: Run) -> None:
    """Without a command the help is commentary, and the exit code that of a mistake."""
    ran = run()
    assert (ran.code, ran.out) == (2, "")
    assert "check    Report every mistake" in ran.err


def test_version(run: Run) -> None:
    """`--version` is one line."""
    assert run("--version") == Ran(0, f"nasdsl {nasdsl.__version__}\n", "")


# -- exit codes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chek"], "did you mean `check`?"),
        (["frobnicate"], "`nasdsl --help` lists the commands"),
        (["check"], "Missing argument 'FILE...'"),
        (["check", "nasnet_a", "--format", "xml"], "is not one of"),
        (["check", "nasnet_a", "--jsn"], "--json"),
        (["cost", "nasnet_a", "--N", "0"], "'0' is not a whole number from 1 to 1,000."),
        (["cost", "nasnet_a", "--filters", "1538"], "1536 and 1560"),
        (["check", "no_such_file.cell"], "no such file: 'no_such_file.cell'"),
        (["check", "no_such/file.cell"], "there is no folder 'no_such'"),
        (["check", "no_such_file"], "no file and no library entry"),
        (["check", "genotype a\nops nasnet\n" + 300 * "\n"], "a text stands where a path"),
        (["check", "a" * 300], "no file and no library entry is called 'aaa"),
        (["render", "nasnet_a", "-o", "no_such/a.dot"], "there is no folder 'no_such'"),
        (["show", "nasnet_b"], "did you mean"),
        (["explain", "NASS201"], "did you mean `NAS201`?"),
    ],
)
def test_mistakes_of_usage(run: Run, arguments: list[str], said: str) -> None:
    """What was asked for is at fault: 2, with a way out, and not a word as data."""
    ran = run(*arguments)
    assert ran.code == 2
    assert said in ran.out + ran.err
    assert ran.out == "" or arguments[0] == "check"
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("name", commands())
def test_misspelt_choices(run: Run, name: str) -> None:
    """Wherever a flag takes one of a few words, the nearest is offered for a misspelt one."""
    for option in commands()[name].params:
        if isinstance(option, click.Option) and isinstance(option.type, click.Choice):
            word = str(option.type.choices[-1])
            ran = run(*name.split(), option.opts[0], f"{word}{word[-1]}", "x", "x")
            assert ran.code == 2
            assert f"did you mean `{word}`?" in ran.err


def test_mistakes_of_a_text(run: Run, tmp_path: Path) -> None:
    """A text is at fault: 1, and the report is commentary where data was asked for."""
    path = tmp_path / "bad.cell"
    path.write_text("cell normal { b0 = (h[i], h[i], x, y, add) }")
    for command in ("cost", "count", "hash", "sample", "enumerate"):
        ran = run(command, str(path))
        assert (ran.code, ran.out) == (1, "")
        assert "error[NAS208]" in ran.err


def test_mistakes_as_json(run: Run, tmp_path: Path) -> None:
    """Who asked for an object gets one: of the findings, with the exit code of the mistake."""
    path = tmp_path / "bad.cell"
    path.write_text("genotype bad\n")
    for arguments, code, expected in (
        (["cost", str(path), "--json"], "NAS313", 1),
        (["hash", "nasnet_a", str(path), "--json"], "NAS313", 1),
        (["compile", "nasnet_a", "--filters", "1000", "--json"], "NAS503", 2),
    ):
        ran = run(*arguments)
        assert ran.code == expected
        assert [found["code"] for found in json.loads(ran.out)["findings"]] == [code]
        assert f"error[{code}]" in ran.err


def test_interruption(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control-C ends with 130 and a word."""
    failing(monkeypatch, KeyboardInterrupt())
    assert run("show", "nasnet") == Ran(130, "", "interrupted\n")


def test_failing_disk(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of the system is said in its words."""
    failing(monkeypatch, OSError(28, "No space left on device"))
    assert run("show", "nasnet") == Ran(
        2,
        "",
        "error[NAS006]: No space left on device\n\n1 error; `nasdsl explain NAS006` says more\n",
    )


def test_our_own_mistake(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug ends with 70 and a report to send: no traceback, no escape, no file content."""
    failing(monkeypatch, KeyError("\x1b[2Jsecret"))
    ran = run("show", "nasnet")
    assert (ran.code, ran.out) == (70, "")
    assert "error[NAS900]" in ran.err
    assert f"nasdsl {nasdsl.__version__}, Python" in ran.err
    assert "command: nasdsl show nasnet" in ran.err
    assert re.search(r"at nasdsl/cli/show\.py:\d+ in command", ran.err)
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err


def test_our_own_mistake_at_length(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """NASDSL_DEBUG shows the traceback; the exit code stays."""
    failing(monkeypatch, KeyError("x"))
    monkeypatch.setenv("NASDSL_DEBUG", "1")
    ran = run("show", "nasnet")
    assert ran.code == 70
    assert ran.err.startswith("Traceback (most recent call last):\n")
    assert ran.err.endswith("KeyError: 'x'\n")


def test_a_contradiction_is_our_mistake(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """NAS900 ends with 70 wherever it comes from."""
    failing(monkeypatch, cell_error("NAS900", "the graph contradicts itself"))
    assert run("show", "nasnet").code == 70


def test_warnings_do_not_decide(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning about a text does not make a mistake of usage a finding."""
    warning = Diagnostic("NAS307", "m", Source("x", "y"), Span(0, 1))
    failing(monkeypatch, CellError((warning, Diagnostic("NAS213", "m"))))
    assert run("show", "nasnet").code == 2


def test_main_exits(run: Run) -> None:
    """The entry point exits with the code, also once modules named for builtins are there."""
    run("list")
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0


def test_closed_pipe() -> None:
    """Output nobody reads any more ends quietly, with the code of a closed pipe."""
    words = [sys.executable, "-m", "nasdsl", "enumerate", "nasnet_space"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.readline()
        started.stdout.close()
        said = started.stderr.read().decode()
        code = started.wait(timeout=PATIENCE)
    assert code == 141
    assert re.fullmatch(r"\d+ genotypes\n", said)


# -- streams ------------------------------------------------------------------------------


class Terminal:
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "NO_COLOR": ""}, True),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
    ],
)
def test_colour(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool
) -> None:
    """NO_COLOR wins, then FORCE_COLOR, then the terminal."""
    for name in ("TERM", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert output.colour(Terminal()) is expected  # type: ignore[arg-type]


@pytest.mark.parametrize("arguments", [["check", "nasnet_a"], ["list"], ["cost", "nasnet_a"]])
def test_no_colour_in_pipes(run: Run, arguments: list[str]) -> None:
    """Nothing that is not a terminal gets an escape."""
    ran = run(*arguments)
    assert "\x1b" not in ran.out + ran.err


@pytest.mark.parametrize("arguments", [["list"], ["cost", "nasnet_a"], ["doctor"]])
def test_colour_changes_nothing_else(
    run: Run, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    """Without its escapes coloured output is the plain one."""
    plain = run(*arguments).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = run(*arguments).out
    assert coloured != plain
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_ascii_terminals() -> None:
    """An output that holds ASCII only gets escapes, not a traceback."""
    ran = process("cost", "nasnet_a", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert ran.returncode == 0
    assert ran.stdout.isascii()


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "nasnet_a"],
        ["cost", "nasnet_a_mobile"],
        ["count", "nasnet_space"],
        ["sample", "nasnet_space"],
        ["enumerate", "nasnet_a"],
        ["hash", "nasnet_a"],
        ["diff", "nasnet_a", "nasnet_a"],
        ["list"],
        ["explain", "NAS201"],
        ["explain"],
        ["doctor"],
    ],
)
def test_json(run: Run, arguments: list[str]) -> None:
    """Whatever a script would read is an object whose first key is its version."""
    ran = run(*arguments, "--json")
    assert ran.code == 0
    assert next(iter(json.loads(ran.out).items())) == ("version", 1)


# -- imports ------------------------------------------------------------------------------


def _imported(*arguments: str) -> set[str]:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "nasdsl", *arguments],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return set(re.findall(r"\| +([\w.]+)$", ran.stderr, re.M))


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (["check", "nasnet_a"], {"torch", "networkx", "rich", "nasdsl.network"}),
        (["cost", "nasnet_a", "--json"], {"torch", "networkx", "rich", "rich_click", "numpy"}),
        (["cost", "nasnet_a"], {"torch", "networkx", "rich_click", "numpy"}),
        (["--help"], {"torch", "networkx", "lark", "rich", "nasdsl.cli.check"}),
        (["doctor"], {"torch", "networkx", "rich"}),
    ],
)
def test_imports(arguments: list[str], never: set[str]) -> None:
    """A command imports what it needs and nothing heavy besides."""
    imported = _imported(*arguments)
    assert "click" in imported
    assert not imported & never


def _modules_imported(path: Path) -> set[str]:
    """What a file imports, wherever in it, by full names."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_nothing_but_the_command_line_imports_it() -> None:
    """What programs and measurements need lies below the command line; others run `main`."""
    root = Path(__file__).parent.parent
    files = [*(root / "bench").rglob("*.py"), *(root / "tests").glob("*.py")]
    files = [path for path in files if not path.name.startswith(("test_cli", "cli_"))]
    assert any(path.parts[-2] == "bench" for path in files)
    for path in files:
        imported = {name for name in _modules_imported(path) if name.startswith("nasdsl.cli")}
        assert imported <= {"nasdsl.cli.main"}, path


# -- completion ---------------------------------------------------------------------------


def _completions(*words: str) -> list[str]:
    """What a shell is offered for the last word."""
    shell = ShellComplete(program, {}, "nasdsl", "_NASDSL_COMPLETE")
    return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]


def test_completion_in_a_shell() -> None:
    """What bash is given is a line a word."""
    ran = process(_NASDSL_COMPLETE="bash_complete", COMP_WORDS="nasdsl cos", COMP_CWORD="1")
    assert (ran.returncode, ran.stdout) == (0, "plain,cost\n")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("cost darts_v2 --preset ", ["cifar", "imagenet"]),
        ("cost nasnet_a --preset ci", ["cifar", "cifar_large"]),
        ("cost --preset cifar_l", ["cifar_large"]),
        ("cost nasnet_a --skeleton d", ["darts"]),
        ("cost nasnet_a --ops nasnet_k", ["nasnet_keras"]),
        ("train a.cell --recipe imagenet", ["imagenet", "imagenet_mobile"]),
        ("train a.cell --set warm", ["warmup="]),
        ("train a.cell --set optimizer=s", ["optimizer=sgd"]),
        ("train a.cell --set nesterov=", ["nesterov=true", "nesterov=false"]),
        ("train a.cell --set lr=", []),
        ("train a.cell --set nosuch=", []),
        ("train a.cell --data cifar", ["cifar10:", "cifar100:"]),
        ("train a.cell --device c", ["cpu", "cuda"]),
        ("eval runs/a --recipe qu", ["quick"]),
        ("search stat", ["status"]),
        ("search nasnet_space --algorithm p", ["ppo"]),
        ("search nasnet_space --algorithm evolution --option pop", ["population="]),
        ("search nasnet_space --algorithm nosuch --option pop", []),
        ("search nasnet_space --evaluator p", ["proxy:", "python:"]),
        ("search nasnet_space --evaluator proxy:s", ["proxy:synflow"]),
        ("search finish s.db --recipe ci", ["cifar"]),
        ("compile nasnet_a --backend s", ["source"]),
        ("compile nasnet_a --passes merge,h", ["merge,hoist"]),
        ("compile nasnet_a --layout s", ["slim"]),
        ("convert a.py --from nasl", ["naslib"]),
    ],
)
def test_completion_of_values(line: str, expected: list[str]) -> None:
    """Names and keys complete where they are legal, and nothing is offered where none is."""
    found = _completions(*line.split(" "))
    assert [word for word in found if word in expected] == expected
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("command", "option", "kind"),
    [
        ("train", "--data", "datasets"),
        ("train", "--recipe", "recipes"),
        ("search", "--algorithm", "searchers"),
        ("search", "--evaluator", "evaluators"),
        ("search", "--engine", "engines"),
        ("compile", "--backend", "backends"),
        ("compile", "--passes", "passes"),
        ("compile", "--layout", "layouts"),
        ("convert", "--to", "formats"),
        ("cost", "--skeleton", "skeletons"),
    ],
)
def test_help_names_what_is_installed(run: Run, command: str, option: str, kind: str) -> None:
    """Where one of several things is chosen, the help has the name of each."""
    text = re.split(rf"\n  (?:-\w, )?{option} ", run(command, "--help").out)[1]
    words = re.split(r"[^\w-]+", re.split(r"\n  -", text)[0])
    own = {"finish", "objectives"} if kind == "evaluators" else set()  # those nobody writes
    names = {plugin.name for plugin in installed_plugins() if plugin.kind == kind}
    assert names > own
    assert names & set(words) == names - own


def test_completion_of_commands() -> None:
    """The first word is a command."""
    assert _completions("co") == ["compile", "convert", "compare", "cost", "count", "completion"]


def test_completion_of_names() -> None:
    """A FILE may be a name of the library."""
    assert {"nasnet", "nasnet_a", "nasnet_space"} <= set(_completions("check", "nas"))


def test_completion_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FILE may be a `.cell` file; where nothing fits the shell looks at all files."""
    (tmp_path / "nature.cell").touch()
    (tmp_path / "nature.txt").touch()
    monkeypatch.chdir(tmp_path)
    assert _completions("check", "natu") == ["nature.cell"]
    assert _completions("check", "zzz") == ["zzz"]


def test_completion_of_codes() -> None:
    """Codes complete in any case."""
    assert _completions("explain", "nas20")[0] == "NAS201"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, shell: str) -> None:
    """The script asks nasdsl in the way nasdsl answers."""
    ran = run("completion", shell)
    assert ran.code == 0
    assert f"_NASDSL_COMPLETE={shell}_complete" in ran.out


def test_garbage_is_looked_for_in_a_command(run: Run) -> None:
    """A process looks for none among what it imports; a caller's is left alone."""
    code = "import gc, nasdsl.library\nfrom nasdsl.cli import main\n"
    code += (
        "nasdsl.library.source = lambda name: print(gc.isenabled(), gc.get_freeze_count() > 999)"
    )
    code += "\nimport sys; sys.argv = ['nasdsl', 'check', 'nasnet_a']\nmain()"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.stdout.startswith("True True")
    before = gc.get_freeze_count()
    assert run("check", "nasnet_a").code == 0
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, before)


def test_every_command_is_a_click_command() -> None:
    """The table of commands and the modules agree."""
    context = click.Context(program)
    assert [program.get_command(context, name).name for name in COMMANDS] == COMMANDS  # type: ignore[union-attr]
