"""`nasdsl render`, `nasdsl plot` and `nasdsl show --tree`."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import IO

import pytest

from bench.reliability.patience import PATIENCE, becomes_true
from nasdsl.drawing import genotype_drawing
from nasdsl.drawing.latencies import LatencyPoint, latencies_plot
from nasdsl.drawing.live import LiveContent, LivePage
from nasdsl.drawing.sizes import GenotypeSize, imagenet_models, sizes_plot
from nasdsl.drawing.tree import space_tree
from nasdsl.loading import load, loads_space
from tests.cli_run import Run, exit_code, runner

needs_dot = pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
needs_signals = pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise on Windows")

CELL = """genotype mine
ops nasnet
cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)
}
"""
MAGIC = {"svg": b"<svg ", "png": b"\x89PNG\r\n", "pdf": b"%PDF-", "dot": b"digraph nasdsl {"}


@pytest.fixture
def run(capfd, monkeypatch, tmp_path) -> Run:
    """`run("render", "nasnet_a")` in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return runner(capfd, monkeypatch)


@pytest.fixture
def no_dot(monkeypatch) -> None:
    """A machine without Graphviz."""
    monkeypatch.setenv("PATH", "/nowhere")


# -- files and formats ---------------------------------------------------------------------


@needs_dot
@pytest.mark.parametrize("form", MAGIC)
def test_formats_by_suffix(run: Run, tmp_path: Path, form: str) -> None:
    """The suffix decides what is written, in any case, and the same bytes each time."""
    for name in ("one", "two"):
        ran = run("render", "nasnet_a", "-o", f"{name}.{form.upper()}")
        assert (ran.code, ran.out, ran.err) == (0, "", f"wrote {name}.{form.upper()}\n")
        time.sleep(1.1 if form == "pdf" and name == "one" else 0)
    one, two = ((tmp_path / f"{name}.{form.upper()}").read_bytes() for name in ("one", "two"))
    assert one.startswith(MAGIC[form])
    assert one == two


@needs_dot
def test_a_pipe_gets_the_picture(run: Run, tmp_path: Path) -> None:
    """Without -o, SVG goes to standard output, and nothing is written."""
    ran = run("render", "nasnet_a")
    assert ran.code == 0
    assert ran.out.startswith("<svg ")
    assert ran.out.endswith("</svg>\n")
    assert run("render", "nasnet_a", "-o", "-").out == ran.out
    assert list(tmp_path.iterdir()) == []


def test_dot_to_a_pipe(run: Run) -> None:
    """`--format` names the format where no suffix does."""
    ran = run("render", "nasnet_a", "--format", "dot")
    assert (ran.code, ran.out) == (0, genotype_drawing(load("nasnet_a")).dot)


def test_a_terminal_gets_a_file(run: Run, monkeypatch, tmp_path: Path) -> None:
    """On a terminal the picture is put into a file of the genotype's name."""
    (tmp_path / "file.cell").write_text(CELL)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    ran = run("render", "file.cell", "--format", "dot")
    assert (ran.code, ran.out, ran.err) == (0, "", "wrote mine.dot\n")
    assert (tmp_path / "mine.dot").read_bytes().startswith(MAGIC["dot"])


def test_a_format_wins_over_the_suffix(run: Run, tmp_path: Path) -> None:
    """A file of any name can be written."""
    assert run("render", "nasnet_a", "-o", "figure", "--format", "dot").code == 0
    assert (tmp_path / "figure").read_bytes().startswith(MAGIC["dot"])


# -- what is drawn -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "has", "lacks"),
    [
        (["nasnet_space"], "any of\\n13 ops", '"sep\\nconv'),
        (["nasnet_a", "--space"], "1 genotype", "any of"),
        (["nasnet_a"], '"sep\\nconv\\n5x5"', "genotypes"),
        (["nasnet_a_large", "--network"], "Normal cell \u00d7 6", "sep"),
        (
            ["nasnet_a", "--network", "--N", "3", "--stem", "cifar"],
            "Normal cell \u00d7 3",
            "\u00d7 6",
        ),
        (["--diff", "nasnet_a", "nasnet_a_unused"], "only in nasnet_a_unused", "separable"),
        (["nasnet_a", "--legend"], "separable convolution", "dilated"),
        (["nasnet_a", "--theme", "dark"], "#16181d", "#ffffff"),
        (["nasnet_a", "--ops", "nasnet_keras"], '"sep\\nconv\\n5x5"', "genotypes"),
        (["-"], '"sep\\nconv\\n3x3"', "5x5"),
    ],
)
def test_what_is_drawn(run: Run, words: list[str], has: str, lacks: str) -> None:
    """Each flag draws what it says; a file with holes is a space by itself."""
    ran = run("render", *words, "--format", "dot", stdin=CELL)
    assert (ran.code, ran.err) == (0, "")
    assert has in ran.out
    assert lacks not in ran.out


def test_a_large_cell_is_folded_with_a_note(run: Run, tmp_path: Path) -> None:
    """What would not be read is one box; the note is commentary."""
    blocks = "\n".join(f"b{k} = (h[i], h[i], identity, identity, add)" for k in range(500))
    (tmp_path / "large.cell").write_text(f"ops nasnet\ncell normal {{\n{blocks}\n}}\n")
    ran = run("render", "large.cell", "--format", "dot")
    assert ran.code == 0
    assert "500 blocks" in ran.out
    assert ran.err.startswith("note: the normal cell has 500 blocks")


# -- mistakes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["plot", "sizes", "nasnet_a", "--accuracy", "nan"], 2, "'nan' is not a finite number"),
        (["render", "nasnet_a", "-o", "a.jpeg"], 2, "error[NAS712]"),
        (["render", "nasnet_a", "-o", "a"], 2, "has no suffix"),
        (["render", "nasnet_a", "-o", "no/such/folder/a.dot"], 2, "error[NAS006]"),
        (["render", "nasnet_a", "-o", ".", "--format", "dot"], 2, "error[NAS006]"),
        (["render", "no_such", "-o", "a.dot"], 2, "error[NAS001]"),
        (["render", "nasnet", "-o", "a.dot"], 1, "error[NAS313]"),
        (["render", "nasnet_space", "--network"], 1, "error[NAS310]"),
        (["render", "--diff", "nasnet_a", "nasnet_space"], 1, "error[NAS310]"),
        (["render", "--diff", "nasnet_a"], 2, "two files, A and B"),
        (["render", "nasnet_a", "nasnet_a"], 2, "--diff takes two"),
        (
            ["render", "nasnet_a", "--diff", "--network"],
            2,
            "--network and --diff cannot be combined",
        ),
        (["render", "nasnet_a", "--N", "3"], 2, "--N describes a network; use it with --network"),
        (
            ["render", "nasnet_a", "--space", "--ops", "nasnet"],
            2,
            "--ops is for genotypes and cannot be combined with --space",
        ),
        (["render", "nasnet_a", "--network", "--N", "0"], 2, "'0' is not"),
        (["render", "-", "--watch"], 2, "standard input cannot be watched"),
        (
            ["render", "nasnet_a", "--watch", "-o", "-"],
            2,
            "--watch cannot write to standard output",
        ),
        (["render", "nasnet_a", "--theme", "pink"], 2, "is not one of"),
        (["plot", "sizes", "-o", "a.dot"], 2, "error[NAS712]"),
        (["plot", "speeds"], 2, "is not"),
        (
            ["plot", "sizes", "nasnet_a", "--accuracy", "1", "--accuracy", "2"],
            2,
            "--accuracy is given 2 times for 1 file",
        ),
        (["plot", "sizes", "nasnet_space"], 1, "error[NAS310]"),
        (["show", "no_such", "--tree"], 2, "error[NAS001]"),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    """One diagnostic, a code to exit with, nothing as data and nothing on disk."""
    ran = run(*words, stdin=CELL)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert ran.err.lower().count("error") <= 2
    assert "Traceback" not in ran.err
    assert list(tmp_path.iterdir()) == []


def test_without_graphviz(run: Run, no_dot: None, tmp_path: Path) -> None:
    """The error says how to install it on each system, and what works all the same."""
    for form in ("svg", "png", "pdf"):
        ran = run("render", "nasnet_a", "-o", f"a.{form}")
        assert (ran.code, ran.out) == (2, "")
        assert "error[NAS710]" in ran.err
        for word in ("apt install graphviz", "brew install", "winget install", "conda install"):
            assert word in ran.err
    assert run("render", "nasnet_a", "--watch").code == 2
    assert list(tmp_path.iterdir()) == []
    assert run("render", "nasnet_a", "-o", "a.dot").code == 0
    assert run("show", "nasnet_a", "--tree").code == 0


def test_a_failing_graphviz(run: Run, monkeypatch, tmp_path: Path) -> None:
    """The last words of `dot` are passed on."""
    dot = tmp_path / "bin" / "dot"
    dot.parent.mkdir()
    dot.write_text("#!/bin/sh\necho 'Format: \"png\" not recognized' >&2\nexit 1\n")
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dot.parent}{os.pathsep}{os.environ['PATH']}")
    ran = run("render", "nasnet_a", "-o", "a.png")
    assert ran.code == 2
    assert 'error[NAS711]: `dot` could not make the png: Format: "png" not recognized' in ran.err


def test_a_graphviz_without_the_engine(run: Run, monkeypatch, tmp_path: Path) -> None:
    """What a newer Debian's package `graphviz` says by itself, and which package is missing."""
    said = "Error: Layout was not done.  Missing layout plugins?"
    dot = tmp_path / "bin" / "dot"
    dot.parent.mkdir()
    dot.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    dot.chmod(0o755)
    monkeypatch.setenv("PATH", f"{dot.parent}{os.pathsep}{os.environ['PATH']}")
    ran = run("render", "nasnet_a", "-o", "a.svg")
    assert ran.code == 2
    assert said in ran.err
    assert "sudo apt install 'libgvplugin-neato-layout[0-9]'" in ran.err


def test_no_date_is_left_in_the_environment(run: Run, monkeypatch) -> None:
    """What is said to Graphviz about the date is said to nobody else."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    run("render", "nasnet_a", "-o", "a.pdf")
    assert "SOURCE_DATE_EPOCH" not in os.environ


# -- trees ---------------------------------------------------------------------------------


def test_tree_of_a_genotype(run: Run, tmp_path: Path) -> None:
    """A tree from the output down; a block is unfolded once, dead ones stand aside."""
    text = """genotype small
    ops nasnet
    cell normal {
        b0 = (h[i], h[i-1], conv_1x1, identity, add)
        b1 = (b0,   b0,     conv_3x3, identity, concat)
        b2 = (h[i], h[i],   identity, identity, add)
        output concat(b1, h[i-1])
    }
    """
    (tmp_path / "small.cell").write_text(text)
    ran = run("show", "small.cell", "--tree")
    assert ran.code == 0
    assert ran.out == (
        "small\n"
        "\u2514\u2500\u2500 Normal cell\n"
        "    \u251c\u2500\u2500 concat\n"
        "    \u2502   \u251c\u2500\u2500 b1 = concat\n"
        "    \u2502   \u2502   \u251c\u2500\u2500 conv_3x3\n"
        "    \u2502   \u2502   \u2502   \u2514\u2500\u2500 b0 = add\n"
        "    \u2502   \u2502   \u2502       \u251c\u2500\u2500 conv_1x1 of h[i]\n"
        "    \u2502   \u2502   \u2502       \u2514\u2500\u2500 identity of h[i-1]\n"
        "    \u2502   \u2502   \u2514\u2500\u2500 identity\n"
        "    \u2502   \u2502       \u2514\u2500\u2500 b0 (above)\n"
        "    \u2502   \u2514\u2500\u2500 h[i-1]\n"
        "    \u2514\u2500\u2500 reaches no output\n"
        "        \u2514\u2500\u2500 b2 = add\n"
        "            \u251c\u2500\u2500 identity of h[i]\n"
        "            \u2514\u2500\u2500 identity of h[i]\n"
    )


def test_tree_of_a_space(run: Run) -> None:
    """Holes list what may stand there, or how many things may."""
    ran = run("show", "nasnet_space", "--tree")
    assert "? (any of 13) of {h[i] | h[i-1]}" in ran.out
    assert "b4 = {add | concat}" in ran.out
    assert "\x1b" not in ran.out


def test_deep_trees_go_on_below(run: Run, tmp_path: Path) -> None:
    """A chain of a thousand blocks is shown whole, a few levels at a time."""
    chain = "\n".join(
        f"b{k} = ({f'b{k - 1}' if k else 'h[i]'}, h[i], identity, identity, add)"
        for k in range(1000)
    )
    space = loads_space(f"ops nasnet\ncell normal {{\n{chain}\n}}\n")
    labels: list[str] = []
    depth = 0
    waiting = [(space_tree(space), 0)]
    while waiting:
        tree, level = waiting.pop()
        labels.append(str(tree.label))
        depth = max(depth, level)
        waiting += [(child, level + 1) for child in tree.children]
    assert sum(" = add" in label for label in labels) == 1000
    assert depth < 20


def test_show_prints_files_as_before(run: Run) -> None:
    """Without --tree it is the library's text, and only the library's."""
    assert run("show", "nasnet_a").out.startswith("# NASNet-A")
    assert run("show", "no_such").code == 2


# -- plots ---------------------------------------------------------------------------------


def test_the_table_of_published_models() -> None:
    """Single models on ImageNet; the released NASNet-A has the paper's figures."""
    models = imagenet_models()
    assert len({model.name for model in models}) == len(models)
    assert all(60 < model.accuracy < 90 and model.params for model in models)
    large = next(model for model in models if model.name == "NASNet-A 6 @ 4032")
    assert (large.params, large.mult_adds, large.accuracy) == (88.9, 23800, 82.7)


@pytest.mark.parametrize("form", ["svg", "png", "pdf"])
def test_plots(run: Run, tmp_path: Path, form: str) -> None:
    """A plot is the same bytes each time, in each format."""
    pytest.importorskip("matplotlib")
    words = ("plot", "sizes", "nasnet_a_mobile", "--accuracy", "74", "--theme", "dark")
    for name in ("one", "two"):
        ran = run(*words, "-o", f"{name}.{form}")
        assert (ran.code, ran.out, ran.err) == (0, "", f"wrote {name}.{form}\n")
        time.sleep(1.1 if form == "pdf" and name == "one" else 0)
    one, two = ((tmp_path / f"{name}.{form}").read_bytes() for name in ("one", "two"))
    assert one == two
    assert MAGIC[form] in one[:1000]


def test_title_and_names(run: Run, tmp_path: Path) -> None:
    """Both are there where they are asked for, and what is drawn otherwise stays."""
    (tmp_path / "a.cell").write_text(
        "genotype mine\nops nasnet\n"
        "cell normal {\n    left = (h[i], h[i-1], identity, identity, add)\n}\n"
    )
    plain = run("render", "a.cell", "-o", "-", "--format", "dot").out
    both = run("render", "a.cell", "-o", "-", "--format", "dot", "--title", "--names").out
    assert "mine" not in plain
    assert "left\\nadd" not in plain
    assert 'label="mine"' in both
    assert 'label="left\\nadd"' in both
    assert run("render", "nasnet_a", "--network", "--title").code == 2


def test_genotypes_in_plots() -> None:
    """A genotype is there by name: a star at its accuracy, else a line at its size."""
    pytest.importorskip("matplotlib")
    plain, line, star = (
        sizes_plot(mine)
        for mine in (
            (),
            (GenotypeSize("mine", 10**7, 10**9),),
            (GenotypeSize("mine", 10**7, 10**9, 80.0),),
        )
    )
    assert (plain.count(b">mine<"), line.count(b">mine<"), star.count(b">mine<")) == (0, 2, 2)
    assert b"stroke-dasharray: 4" in line
    assert b"stroke-dasharray: 4" not in star
    assert (
        sizes_plot((GenotypeSize("mine", 10**7, 10**9),), measures=("params",)).count(b">mine<")
        == 1
    )


def test_a_legend_has_every_name() -> None:
    """Matplotlib leaves out of a legend what begins with an underscore."""
    pytest.importorskip("matplotlib")
    points = [LatencyPoint("net", name, 2.0, 90.0) for name in ("_old", "new", "a$b$c")]
    picture = latencies_plot(points, "accuracy (%)")
    assert [picture.count(name) for name in (b"_old", b"new<", b"a$b$c")] == [1, 1, 1]


def test_plot_as_json(run: Run) -> None:
    """Scripts get the table, its sources, and the genotypes at the cost that `cost` computes."""
    ran = run("plot", "sizes", "nasnet_a_large", "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    assert found["version"] == 1
    assert found["genotypes"] == [
        {
            "name": "nasnet_a_large",
            "params": 88_753_150,
            "mult_adds": 23_783_414_658,
            "accuracy": None,
        }
    ]
    assert set(found["sources"]) == {model["source"] for model in found["published"]}


def test_plot_without_matplotlib(run: Run, monkeypatch) -> None:
    """The error says which extra to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ran = run("plot", "sizes", "-o", "a.svg")
    assert ran.code == 2
    assert "error[NAS701]" in ran.err
    assert 'pip install ".[plot]"' in ran.err


# -- the live page -------------------------------------------------------------------------


@pytest.fixture
def live() -> Iterator[LivePage]:
    """A page that shows a picture of nothing."""
    with LivePage("a < b", LiveContent("<svg>one</svg>"), colours=("#ffffff", "#000000")) as page:
        yield page


def get(port: int, path: str, host: str | None = None) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", f"127.0.0.1:{port}" if host is None else host)
    connection.endheaders()
    return connection.getresponse()


def test_the_page_has_everything_in_it(live: LivePage) -> None:
    """One page, the picture inside, nothing from elsewhere, one script that may run."""
    answer = get(live.port, "/")
    html = answer.read().decode()
    assert answer.status == 200
    assert "<title>a &lt; b</title>" in html
    assert "<svg>one</svg>" in html
    assert not re.search(r"https?:|//[a-z]|src=|href=|@import|url\(", html)
    policy = answer.getheader("Content-Security-Policy") or ""
    (nonce,) = re.findall(r"script-src 'nonce-([\w-]+)'", policy)
    assert policy.startswith("default-src 'none'; ")
    assert html.count(f'<script nonce="{nonce}">') == html.count("<script") == 1
    assert answer.getheader("Cache-Control") == "no-store"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1", ""])
def test_other_hosts_are_refused(live: LivePage, host: str) -> None:
    """A name of elsewhere that leads to this machine gets nothing."""
    answer = get(live.port, "/picture", host)
    assert answer.status == 403
    assert b"svg" not in answer.read()


def test_only_three_addresses_answer(live: LivePage) -> None:
    """No file is served, whatever the path."""
    for path in ("/../../etc/passwd", "/favicon.ico", "/picture/", "/%2e%2e/"):
        assert get(live.port, path).status == 404
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=PATIENCE)
    connection.request("POST", "/", body="x")
    assert connection.getresponse().status == 501


def test_news_reach_a_page(live: LivePage) -> None:
    """A page that waits hears of a change, and of one that came before it asked."""
    answer = get(live.port, "/events?since=0")
    assert answer.getheader("Content-Type") == "text/event-stream"
    assert answer.fp is not None
    assert answer.fp.readline() == b": hello\n"
    live.show(LiveContent("<svg>two</svg>", "a <b>mistake</b>"))
    assert told(answer.fp) == b"data: changed\n"
    fragment = get(live.port, "/picture").read().decode()
    assert fragment == "<pre>a &lt;b&gt;mistake&lt;/b&gt;</pre><svg>two</svg>"
    late = get(live.port, "/events?since=0")
    assert late.fp is not None
    assert told(late.fp) == b"data: changed\n"
    assert 'data-version="1"' in get(live.port, "/").read().decode()


def test_the_server_ends_with_its_pages_open() -> None:
    """A page that waits for news does not keep the server."""
    with LivePage("x", LiveContent(""), colours=("#fff", "#000")) as live:
        answer = get(live.port, "/events?since=0")
    assert answer.status == 200
    with pytest.raises(OSError, match=r"refused|reset|closed|aborted"):
        get(live.port, "/")


@needs_dot
@needs_signals
def test_watching(tmp_path: Path) -> None:
    """The page follows the file, mistakes included; -o too; Ctrl-C ends it with 130."""
    file = tmp_path / "mine.cell"
    file.write_text(CELL)
    process = subprocess.Popen(
        [sys.executable, "-m", "nasdsl", "render", "mine.cell", "--watch", "-o", "out.dot"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    said: list[str] = []
    assert process.stderr is not None
    listener = Thread(target=lambda: said.extend(process.stderr), daemon=True)  # type: ignore[arg-type]
    listener.start()
    try:
        shows = re.compile(r"showing mine\.cell at http://127\.0\.0\.1:(\d+)/")
        assert becomes_true(lambda: bool(shows.search("".join(said))))
        (port,) = map(int, shows.findall("".join(said)))
        first = get(port, "/picture").read().decode()
        assert "identity" in first
        events = get(port, "/events?since=0")
        news = events.fp
        assert news is not None
        replace(file, CELL.replace("identity", "conv_1x1"))
        assert told(news) == b"data: changed\n"
        second = get(port, "/picture").read().decode()
        assert "1x1" in second
        assert "identity" not in second
        assert "1x1" in (tmp_path / "out.dot").read_text()
        replace(file, CELL.replace("identity", "idenity<b>"))
        assert told(news) == b"data: changed\n"
        third = get(port, "/picture").read().decode()
        assert third.endswith(second)
        assert third.startswith("<pre>error[NAS")
        assert "<b>" not in third
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE) == 130
        listener.join(timeout=PATIENCE)
        assert said[-1] == "interrupted\n"
        assert "Traceback" not in "".join(said)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


def replace(file: Path, text: str) -> None:
    """Give `file` another text at once, so that whoever looks finds the one or the other."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


def told(news: IO[bytes]) -> bytes:
    """The next event of a stream, without the signs of life before it."""
    return next(line for line in news if line.startswith(b"data:"))


@needs_dot
def test_a_port_that_is_taken(run: Run, live: LivePage) -> None:
    """One diagnostic."""
    ran = run("render", "nasnet_a", "--watch", "--port", str(live.port))
    assert (ran.code, ran.out) == (2, "")
    assert f"cannot serve on port {live.port}" in ran.err


def test_importing_the_commands_is_quick() -> None:
    """Neither Graphviz's package, networkx nor matplotlib is imported to draw DOT's help."""
    code = (
        "import sys; from nasdsl.cli.render import command; from nasdsl.cli.plot import command;"
        "print([m for m in ('networkx', 'graphviz', 'matplotlib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert exit_code(["render", "--help"]) == 0
