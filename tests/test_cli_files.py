"""`check` and `fmt`: what they read, report and write."""

import errno
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from nasdsl.atomic_write import replace_text
from nasdsl.cli import output
from nasdsl.errors import CellError, Diagnostic, Source, Span
from nasdsl.report.text import LIMIT
from nasdsl.report.visible import visible
from tests.cli_run import Ran, Run, runner

ROUGH = """\
# A cell, written in haste.
genotype tiny
ops nasnet
cell normal {
b0=(h[i],h[i-1],identity,sep_conv_3x3,add) # both
}
"""
FINE = """\
# A cell, written in haste.
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i-1], identity, sep_conv_3x3, add)  # both
}
"""
WRONG = FINE.replace("identity", "identiti")
WARNED = FINE.replace("ops nasnet\n", "ops nasnet\nop blur = [avg_pool(3x3, stride)]\n")
OPEN = FINE.replace("\n}", "")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`run("check", "a.cell", stdin="...")` in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return runner(capfd, monkeypatch)


def write(name: str, text: str) -> Path:
    """A file in the current folder."""
    path = Path(name)
    path.write_bytes(text.encode())
    return path


# -- check --------------------------------------------------------------------------------


def test_check_sound(run: Run) -> None:
    """Where nothing is found there is no data, and a word of comfort."""
    write("a.cell", FINE)
    assert run("check", "a.cell") == Ran(0, "", "a.cell: no findings\n")


def test_check_text(run: Run) -> None:
    """Findings are data."""
    write("a.cell", WRONG)
    ran = run("check", "a.cell")
    assert (ran.code, ran.err) == (1, "")
    assert ran.out.startswith("error[NAS201]: unknown op `identiti`\n --> a.cell:6:25\n")
    assert ran.out.endswith("\n1 error; `nasdsl explain NAS201` says more\n")


def test_check_several(run: Run) -> None:
    """Every file is checked, whatever is wrong with those before it."""
    write("a.cell", WRONG)
    write("b.cell", OPEN)
    ran = run("check", "a.cell", "nowhere.cell", "nasnet_a", "b.cell", "--json")
    found = json.loads(ran.out)
    assert ran.code == 2
    assert [(each["file"], each["code"]) for each in found["findings"]] == [
        ("a.cell", "NAS201"),
        (None, "NAS001"),
        ("b.cell", "NAS103"),
    ]
    assert found["errors"] == 3


def test_check_standard_input(run: Run) -> None:
    """`-` is standard input."""
    ran = run("check", "-", "--format", "github", stdin=WRONG)
    assert ran.code == 1
    assert ran.out.startswith("::error file=<stdin>,line=6,endLine=6,col=25,endColumn=32,")


def test_check_sarif(run: Run) -> None:
    """SARIF is written for no findings too, with the version of nasdsl."""
    ran = run("check", "nasnet_a", "--format", "sarif")
    assert ran.code == 0
    (only,) = json.loads(ran.out)["runs"]
    assert only["results"] == []
    assert only["tool"]["driver"]["version"]


def test_check_falls_back_to_the_library(run: Run) -> None:
    """A library name with `.cell` is the library's only where there is no such file."""
    assert run("check", "nasnet_a.cell").err == (
        "note: there is no file 'nasnet_a.cell'; using the one of the library\n"
        "nasnet_a.cell: no findings\n"
    )
    write("nasnet_a.cell", WRONG)
    assert run("check", "nasnet_a.cell").code == 1


def test_check_strict(run: Run) -> None:
    """Warnings alone end with 0, and with 1 where they count as errors."""
    write("a.cell", WARNED)
    plain, strict = run("check", "a.cell"), run("check", "a.cell", "--strict")
    assert (plain.code, strict.code) == (0, 1)
    assert plain.out == strict.out
    assert "warning[NAS210]" in plain.out
    assert run("check", "nasnet_a", "--strict").code == 0


def test_check_formats_contradict(run: Run) -> None:
    """`--json` is a format, and there can be only one."""
    assert run("check", "nasnet_a", "--json", "--format", "json").code == 0
    assert run("check", "nasnet_a", "--json", "--format", "sarif").code == 2


@pytest.mark.parametrize("content", [b"\x00\x01\x02", b"\xff\xfea\x00", b"\xc3(", b"a" * 5_000_000])
def test_check_anything(run: Run, content: bytes) -> None:
    """Bytes that are no text, or too many, are findings too."""
    Path("a.cell").write_bytes(content)
    ran = run("check", "a.cell", "--format", "json")
    assert ran.code in (1, 2)
    assert json.loads(ran.out)["errors"] > 0


def test_check_names_are_safe(run: Run) -> None:
    """A file's name cannot drive the terminal."""
    write("\x1b[31m.cell", FINE)
    assert "\x1b" not in run("check", "\x1b[31m.cell").err


def test_check_folder(run: Run) -> None:
    """A folder stands for its .cell files, those of its folders included, and a pattern for its."""
    Path("cells/more").mkdir(parents=True)
    Path("cells/.hidden").mkdir()
    ran = run("check", "cells")
    assert ran.code == 2
    assert "there are no .cell files in the folder 'cells'" in ran.out
    for name in ("b.cell", "a.cell", "more/c.cell", "note.txt", ".hidden/d.cell"):
        write(f"cells/{name}", WRONG)
    found = json.loads(run("check", "cells", "--json").out)["findings"]
    paths = [str(Path("cells", name)) for name in ("a.cell", "b.cell", "more/c.cell")]
    assert [each["file"] for each in found] == paths
    for pattern, count in (("cells/*.cell", 2), ("cells/**/*.cell", 3), ("cells/[ab].cell", 2)):
        assert len(json.loads(run("check", pattern, "--json").out)["findings"]) == count
    assert "no file matches the pattern 'x*.cell'" in run("check", "x*.cell").out


def test_check_empty(run: Run) -> None:
    """A file without a word is said to have none; that alone is no error."""
    for text, said in (("", "is empty"), ("# later\n", "has nothing but comments")):
        write("a.cell", text)
        ran = run("check", "a.cell")
        assert ran.code == 0
        assert f"warning[NAS314]: the file {said}" in ran.out
    assert run("check", "a.cell", "--strict").code == 1


MENDABLE = """\
genotype tiny
ops nasnet
cell normal {
    b0 = (h[i], h[i-1] "identity", sep-conv_3x3, add),
    b1 = (b0, h[i-1], identiti, sep_conv_3x3, add);
}
"""


def test_check_fix(run: Run) -> None:
    """Safe fixes are written, whatever it takes; what is left is reported."""
    path = write("a.cell", MENDABLE.replace("\n", "\r\n"))
    sound = write("b.cell", FINE)
    before = sound.stat().st_mtime_ns, sound.stat().st_ino
    ran = run("check", "--fix", "a.cell", "b.cell", "--json")
    assert ran.code == 1
    assert [found["code"] for found in json.loads(ran.out)["findings"]] == ["NAS201"]
    assert ran.err == "a.cell: 5 mistakes fixed\n"
    fixed = MENDABLE.replace('] "identity"', "], identity").replace("-conv", "_conv")
    fixed = fixed.replace("),\n", ")\n").replace(";", "")
    assert path.read_bytes().decode().replace("\r\n", "\n").replace(",  ", ", ") == fixed
    assert (sound.stat().st_mtime_ns, sound.stat().st_ino) == before
    for name in ("nasnet_a", "-"):
        assert run("check", "--fix", name, stdin=MENDABLE).code == 2


def test_every_mistake_in_one_run(run: Run) -> None:
    """A misspelt vocabulary hides no unknown op, and a block of four fields no unknown input."""
    text = FINE.replace("ops nasnet", "ops nasnt").replace("identity", "identiti")
    write("a.cell", text.replace("\n}", "\n    b1 = (b0, nosuch, identity, add)\n}"))
    found = json.loads(run("check", "a.cell", "--json").out)["findings"]
    assert [each["code"] for each in found] == ["NAS208", "NAS201", "NAS301", "NAS203"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("h[i], b1, identity, add", "NAS205"),
        ("h[i], b2, identity, add", "NAS204"),
        ("h[i], sep_con_3x3, identity, add", "NAS201"),
        ("h[i], h[i-1], identity, ad", "NAS202"),
        ("h[i], h[i-9], identity, add", "NAS207"),
        ("h[i], h[i], identity, {identity | what}, add, add", "NAS201"),
    ],
)
def test_a_block_of_too_few_fields_hides_nothing(run: Run, fields: str, code: str) -> None:
    """Each field of it is looked up on its own."""
    blocks = f"\n    b1 = ({fields})\n    b2 = (b0, b0, identity, identity, add)\n}}"
    write("a.cell", FINE.replace("\n}", blocks))
    found = json.loads(run("check", "a.cell", "--json").out)["findings"]
    assert {each["code"] for each in found} == {"NAS301", code}


def test_check_wide_terminals(run: Run) -> None:
    """In a pipe a long line is cut at one width whatever the terminal was."""
    write("a.cell", WRONG.replace("# both", "#" + "x" * 500))
    rows = run("check", "a.cell").out.splitlines()
    assert max(map(len, rows)) <= LIMIT + len("6 | ......")


# -- fmt ----------------------------------------------------------------------------------


def test_fmt(run: Run) -> None:
    """A file is rewritten once, and the second time it is as it should be."""
    path = write("a.cell", ROUGH)
    assert run("fmt", "a.cell") == Ran(0, "", "formatted a.cell\n")
    assert path.read_text() == FINE
    before = path.stat()
    assert run("fmt", "a.cell") == Ran(0, "", "")
    assert path.stat().st_ino == before.st_ino


def test_fmt_standard_input(run: Run) -> None:
    """Text in, text out, and nothing else."""
    assert run("fmt", "-", stdin=ROUGH) == Ran(0, FINE, "")


def test_fmt_check(run: Run) -> None:
    """`--check` lists what would change, writes nothing and ends with 1."""
    path = write("a.cell", ROUGH)
    write("b.cell", FINE)
    assert run("fmt", "--check", "a.cell", "b.cell") == Ran(
        1, "a.cell\n", "1 of 2 files would be formatted\n"
    )
    assert path.read_text() == ROUGH
    assert run("fmt", "--check", "b.cell", "nasnet_a") == Ran(0, "", "")


def test_fmt_diff(run: Run) -> None:
    """`--diff` shows what would change and writes nothing."""
    path = write("a.cell", ROUGH)
    expected = """\
--- a.cell
+++ a.cell (formatted)
@@ -1,6 +1,7 @@
 # A cell, written in haste.
 genotype tiny
 ops nasnet
+
 cell normal {
-b0=(h[i],h[i-1],identity,sep_conv_3x3,add) # both
+    b0 = (h[i], h[i-1], identity, sep_conv_3x3, add)  # both
 }
"""
    said = "1 of 1 file would be formatted\n"
    assert run("fmt", "--diff", "a.cell") == Ran(1, expected, said)
    assert run("fmt", "--diff", "--check", "a.cell") == Ran(1, expected, said)
    write("b.cell", FINE)
    assert run("fmt", "--diff", "b.cell") == Ran(0, "", "")
    assert path.read_text() == ROUGH


def test_fmt_folder(run: Run) -> None:
    """Every .cell file of a folder is formatted; one that cannot be read stops none."""
    Path("cells").mkdir()
    write("cells/a.cell", ROUGH)
    write("cells/b.cell", OPEN)
    write("cells/c.cell", ROUGH)
    assert run("fmt", "--check", "cells").out.splitlines() == [
        str(Path("cells", name)) for name in ("a.cell", "c.cell")
    ]
    assert run("fmt", "cells", "nowhere").code == 2
    assert [path.read_text() for path in sorted(Path("cells").iterdir())] == [FINE, OPEN, FINE]


def test_fmt_diff_of_line_ends(run: Run) -> None:
    """Line ends that would change are seen."""
    write("a.cell", FINE.replace("\n", "\r\n")[:-2])
    out = run("fmt", "--diff", "a.cell").out
    assert "-genotype tiny\\r\n" in out
    assert "-}\n\\ No newline at end of file\n+# A cell" in out


def test_fmt_leaves_what_it_cannot_read(run: Run) -> None:
    """A file with syntax errors is reported and untouched; the others are formatted."""
    bad, good = write("bad.cell", OPEN), write("good.cell", ROUGH)
    ran = run("fmt", "bad.cell", "nowhere.cell", "good.cell")
    assert (ran.code, ran.out) == (2, "")
    assert "error[NAS103]" in ran.err
    assert "error[NAS001]" in ran.err
    assert (bad.read_text(), good.read_text()) == (OPEN, FINE)
    assert run("fmt", "-", stdin=OPEN).out == ""


def test_fmt_formats_what_means_nothing(run: Run) -> None:
    """Names need not be known to be put in columns."""
    path = write("a.cell", ROUGH.replace("identity", "identiti"))
    assert run("fmt", "a.cell").code == 0
    assert path.read_text() == WRONG


def test_fmt_spares_the_library(run: Run) -> None:
    """The library is not to be rewritten; a file of the same name is."""
    ran = run("fmt", "nasnet_a")
    assert ran.code == 2
    assert "`nasdsl show nasnet_a` prints it" in ran.err
    write("nasnet_a.cell", ROUGH)
    assert run("fmt", "nasnet_a.cell") == Ran(0, "", "formatted nasnet_a.cell\n")


@pytest.mark.skipif(os.name == "nt", reason="modes and links are POSIX")
def test_fmt_keeps_mode_and_link(run: Run) -> None:
    """The file behind a link is replaced, with its mode; the link stays."""
    path = write("a.cell", ROUGH)
    path.chmod(0o640)
    Path("link.cell").symlink_to(path)
    assert run("fmt", "link.cell").code == 0
    assert Path("link.cell").is_symlink()
    assert path.read_text() == FINE
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(os.listdir()) == ["a.cell", "link.cell"]


def test_fmt_goes_on_after_a_file_that_cannot_be_written(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is reported, and the files after it are formatted."""
    for name in ("a.cell", "b.cell"):
        write(name, ROUGH)
    replace = os.replace

    def failing(source: Path, target: Path) -> None:
        if Path(target).name == "a.cell":
            raise PermissionError(13, "Permission denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", failing)
    ran = run("fmt", "a.cell", "b.cell")
    assert ran.code == 2
    assert "error[NAS006]: cannot write 'a.cell': Permission denied" in ran.err
    assert [Path(name).read_text() for name in ("a.cell", "b.cell")] == [ROUGH, FINE]


# -- writing ------------------------------------------------------------------------------


def test_replace_text_makes_files(tmp_path: Path) -> None:
    """A new file has the mode any new file has."""
    replace_text(tmp_path / "new", "x\n")
    (tmp_path / "other").touch()
    assert (tmp_path / "new").read_bytes() == b"x\n"
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_system_without_modes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no mode can be set, files are written all the same."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chmod", refuse)
    for text in ("new\n", "changed\n"):
        replace_text(tmp_path / "a", text)
        assert (tmp_path / "a").read_text() == text
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("failing", ["fsync", "replace", "chmod"])
def test_replace_text_fails_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    """Whatever fails, the old text is still there and nothing else is."""
    path = tmp_path / "a.cell"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(CellError, match=r"NAS006.*No space left on device"):
        replace_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.cell"]


def test_replace_text_refuses_odd_targets(tmp_path: Path) -> None:
    """Folders, devices and places that do not exist are refused."""
    for path in (tmp_path, tmp_path / "no" / "where", Path(os.devnull)):
        with pytest.raises(CellError, match="NAS006"):
            replace_text(path, "x")


# -- show ---------------------------------------------------------------------------------


def test_show_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is printed as it is; a terminal gets nothing that could drive it."""
    write("a.cell", ROUGH)
    assert run("show", "a.cell") == Ran(0, ROUGH, "")
    write("nasnet_a.cell", ROUGH)
    assert run("show", "nasnet_a.cell").out == ROUGH
    assert run("show", "nasnet_a").out.startswith("# NASNet-A")
    assert "did you mean `a.cell`?" in run("show", "aa.cell").err
    write("b.cell", "# \x1b[31mred\n")
    assert run("show", "b.cell").out == "# \x1b[31mred\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert run("show", "b.cell").out == "# \\x1b[31mred\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize("words", [("hash",), ("fmt", "--check"), ("fmt", "--diff"), ("fmt",)])
def test_names_drive_no_terminal(run: Run, words: tuple[str, ...]) -> None:
    """The name of a file is printed with its escapes spelt out."""
    name = "\x1b[2J\u202e.cell"
    # `hash` reads cells of both kinds.
    write(
        name,
        ROUGH.replace(
            "}\n", "}\ncell reduction { b0 = (h[i], h[i-1], identity, identity, add) }\n"
        ),
    )
    ran = run(*words, name)
    shown = ran.out + ran.err
    assert visible(name) in shown
    assert shown.replace("\n", "").isprintable()


def test_errors_drive_no_terminal() -> None:
    """Printed from Python, a finding is a line: its place, message and hints have no escapes."""
    source = Source("\x1b[2J\n.cell", "x")
    finding = Diagnostic("NAS001", "a\nb\x1b", source, Span(0, 1), hints=("c\u202e",))
    assert str(finding) == r"\x1b[2J\n.cell:1:1: error[NAS001]: a\nb\x1b"
    assert str(CellError((finding,))).splitlines()[1:] == [r"  help: c\u202e"]


def test_csv_on_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Programs get names as they are; a terminal gets none of their escapes."""
    rows = [("image", "label"), ("a\u202fb.png", "a\x07")]
    output.data_csv(rows)
    assert capsys.readouterr().out == "image,label\na\u202fb.png,a\x07\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    output.data_csv(rows)
    assert capsys.readouterr().out == "image,label\na\\u202fb.png,a\\x07\n"
