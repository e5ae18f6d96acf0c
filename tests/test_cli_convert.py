"""`nasdsl convert`: formats in, formats out, and what is told on the way."""

import json
from pathlib import Path

import jsonschema
import pytest

import nasdsl
from nasdsl.interop import FORMATS
from tests.cli_run import Run, runner
from tests.test_interop import DARTS, ENAS, GDAS, SLIM
from tests.test_interop_cases import LOG as TWO_EPOCHS
from tests.test_interop_cases import call

LOG = TWO_EPOCHS.removesuffix("done\n") + f"other = {call().replace('skip_connect', 'noise')}\n"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("convert", ...)` in a folder with a few foreign files."""
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "genotypes.py": DARTS,
        "one.py": GDAS,
        "slim.py": SLIM,
        "final.sh": ENAS,
        "lists.py": SLIM.replace("NasNetA", "My").replace("Nas", ""),
    }.items():
        Path(name).write_text(text)
    return runner(capfd, monkeypatch)


def test_to_our_text(run: Run) -> None:
    """A file of several genotypes by name; the text is ours and checks."""
    ran = run("convert", "genotypes.py", "--name", "DARTS_V2")
    assert (ran.code, ran.err) == (0, "")
    found = nasdsl.loads(ran.out)
    assert nasdsl.canonical_hash(found) == nasdsl.canonical_hash(nasdsl.load("darts_v2"))


def test_the_name_of_a_file_names_its_genotype(run: Run) -> None:
    """Integers have no name; the file has, and `--name` wins."""
    assert nasdsl.loads(run("convert", "final.sh").out).name == "final"
    assert nasdsl.loads(run("convert", "final.sh", "--name", "mine").out).name == "mine"


def test_files(run: Run) -> None:
    """`-o` writes a file, in the format its suffix means where there is no `--to`."""
    ran = run("convert", "slim.py", "-o", "out.yaml")
    assert (ran.code, ran.out, ran.err) == (0, "", "wrote out.yaml\n")
    assert Path("out.yaml").read_text().startswith("nasdsl: 1\n")
    assert run("convert", "out.yaml", "-o", "back.cell").code == 0
    assert nasdsl.canonical_hash(nasdsl.load("back.cell")) == nasdsl.canonical_hash(
        nasdsl.load("nasnet_a")
    )


def test_standard_input(run: Run) -> None:
    """`-` is read like a file."""
    assert nasdsl.loads(run("convert", "-", stdin=GDAS).out).name == "gdas_v1"


def test_what_is_lost_is_told(run: Run) -> None:
    """Warnings on standard error; with `--strict` errors, exit code 2 and no text."""
    ran = run("convert", "nasnet_a_unused", "--to", "darts")
    assert ran.code == 0
    assert ran.out.startswith("nasnet_a_unused = Genotype(\n")
    assert "warning[NAS655]" in ran.err
    ran = run("convert", "nasnet_a_unused", "--to", "darts", "--strict", "-o", "out.py")
    assert (ran.code, ran.out) == (2, "")
    assert "error[NAS654]" in ran.err
    assert not Path("out.py").exists()
    assert run("convert", "nasnet_a_darts", "--to", "darts", "--strict").code == 0


def test_dna(run: Run) -> None:
    """DNA with its space, both ways."""
    (one,) = nasdsl.sample(nasdsl.load_space("nasnet_space"), n=1, seed=3)
    Path("one.cell").write_text(nasdsl.genotype_text(one))
    ran = run("convert", "one.cell", "--to", "pyglove", "--space", "nasnet_space")
    assert ran.out.startswith("DNA([")
    Path("dna.txt").write_text(ran.out)
    ran = run("convert", "dna.txt", "--space", "nasnet_space")
    assert nasdsl.loads(ran.out) == one


def test_lists(run: Run) -> None:
    """`--list` has every format, `--schema` is a schema that a document fits."""
    assert [line.split()[0] for line in run("convert", "--list").out.splitlines()] == list(FORMATS)
    formats = json.loads(run("convert", "--list", "--json").out)["formats"]
    assert [form["name"] for form in formats] == list(FORMATS)
    schema = json.loads(run("convert", "--schema").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    made = json.loads(run("convert", "nasnet_a", "--to", "json").out)
    jsonschema.validate(made, schema)


def test_many_genotypes(run: Run) -> None:
    """`--list FILE` shows each with its name, line and problem; flags choose one."""
    Path("many.log").write_text(LOG)
    assert run("convert", "--list", "many.log").out.splitlines() == [
        "1  genotype  line 2  readable",
        "2  genotype  line 4  readable",
        "3  other     line 5  cannot be read: DARTS has no op 'noise'",
    ]
    found = json.loads(run("convert", "--list", "--json", "many.log").out)
    assert found["format"] == "darts"
    assert found["genotypes"][2] == {
        "number": 3,
        "name": "other",
        "line": 5,
        "problem": "DARTS has no op 'noise'",
    }
    first = run("convert", "many.log", "--number", "1").out
    last = run("convert", "many.log", "--name", "genotype", "--last").out
    assert first != last
    assert run("convert", "many.log", "--line", "2").out == first
    assert run("convert", "many.log", "--line", "4").out == last
    assert "sep_conv_5x5" in last


def test_names_in_lists_cannot_drive_a_terminal(run: Run) -> None:
    """A key of a dictionary may hold anything; what is printed is visible."""
    genotype = LOG.splitlines()[1].partition(" = ")[2]
    Path("keys.py").write_text(f"G = {{'a\\x1b[31m': {genotype}}}\n")
    ran = run("convert", "--list", "keys.py")
    assert (ran.code, "\x1b" in ran.out) == (0, False)


REFUSED = {
    "several genotypes": ("NAS657", 2, "genotypes.py"),
    "no such genotype": ("NAS657", 2, "genotypes.py --name DARTS_V9"),
    "no such number": ("NAS657", 2, "genotypes.py --number 9"),
    "number 0": ("NAS657", 2, "genotypes.py --number 0"),
    "no such line": ("NAS657", 2, "genotypes.py --line 1"),
    "another under a name": ("NAS657", 2, "one.py --name SECOND"),
    "a list of nothing": ("NAS651", 1, "--list --from darts final.sh"),
    "two formats fit": ("NAS650", 2, "lists.py"),
    "another format": ("NAS651", 1, "one.py --from enas"),
    "no such file": ("NAS001", 2, "missing.py"),
    "no space": ("NAS658", 2, "nasnet_a --to pyglove"),
    "cannot be said": ("NAS654", 2, "nasnet_a --to naslib"),
    "no such folder": ("NAS006", 2, "nasnet_a -o missing/out.json"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case: str, run: Run) -> None:
    """A code, an exit code, nothing on standard output and no file."""
    code, exit_code, arguments = REFUSED[case]
    before = sorted(Path().iterdir())
    ran = run("convert", *arguments.split())
    assert (ran.code, ran.out) == (exit_code, "")
    assert f"error[{code}]" in ran.err
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("arguments", [[], ["--json", "nasnet_a"], ["--to", "slim"]])
def test_usage(arguments: list[str], run: Run) -> None:
    """A file is needed but for lists, and `--json` is for those."""
    ran = run("convert", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Usage: nasdsl convert" in ran.err
