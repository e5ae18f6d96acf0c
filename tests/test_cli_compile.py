"""`nasdsl compile`: what it says, what it writes, how it refuses."""

import json
import os
import signal
from pathlib import Path

import pytest

import nasdsl
from nasdsl import passes
from nasdsl.api.compile import compiled_graph
from nasdsl.export import source_file
from nasdsl.network.text import graph_text
from tests.cli_run import Run, runner

torch = pytest.importorskip("torch", reason="networks are torch modules")

#: Three small cells.
SMALL = (
    *("pnasnet5", "--skeleton", "pnasnet", "--stem", "cifar", "--N", "1"),
    *("--filters", "80", "--image-size", "16", "--classes", "3"),
)

#: Cells that are exported quickly.
TINY = """\
genotype tiny
ops nasnet

cell normal {
    b0 = (h[i], h[i], max_pool_3x3, identity, add)
}

cell reduction {
    b0 = (h[i], h[i], max_pool_3x3, identity, add)
}
"""


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    return runner(capfd, monkeypatch)


# -- what it says -------------------------------------------------------------------------


def test_the_main_job_as_typed(run: Run) -> None:
    """A library name with `.cell`, the paper's two numbers, and sensible defaults."""
    ran = run("compile", "nasnet_a.cell", "--N", "6", "--filters", "4032", "--device", "meta")
    assert ran.code == 0
    assert ran.out.startswith("nasnet_a  6 @ 4032  331 px  1000 classes  ")
    assert "88,753,150  parameters" in ran.out
    assert "23,783,414,658  mult-adds" in ran.out
    assert "not run" in ran.out


def test_summary(run: Run) -> None:
    """The network in a line, repeated cells folded, the proof."""
    ran = run("compile", *SMALL, "--N", "4")
    assert ran.code == 0
    assert ran.err == ""
    lines = [line.split() for line in ran.out.splitlines()]
    rows = {line[0]: line for line in lines if line}
    assert rows["cells.2-3"][:8] == ["cells.2-3", "normal", "x", "2", "20", "x", "16", "x"]
    assert "logits (1, 3), all finite, float32 on cpu" in ran.out
    cost = nasdsl.cost(
        "pnasnet5", skeleton="pnasnet", stem="cifar", N=4, filters=80, image_size=16, classes=3
    )
    assert f"{cost.params:,}" in ran.out


def test_states_that_are_passed_on_apart(run: Run) -> None:
    """The shapes of `output each`, and the auxiliary classifier."""
    ran = run(
        *("compile", "example_b_form", "--stem", "cifar", "--N", "1", "--filters", "80"),
        *("--auxiliary",),
    )
    assert ran.code == 0
    assert "4+4+8+4 x 32 x 32" in ran.out
    assert "more parameters in the auxiliary classifier" in ran.out


def test_json(run: Run) -> None:
    """Whole numbers, the shape, seconds, and what was written."""
    ran = run("compile", *SMALL, "--json", "-o", "model.safetensors")
    found = json.loads(ran.out)
    net = nasdsl.compile("model.safetensors")
    assert found["version"] == 1
    assert found["params"] == sum(p.numel() for p in net.parameters())
    assert isinstance(found["mult_adds"], int)
    assert found["output_shape"] == [1, 3]
    assert set(found["seconds"]) == {"build", "forward", "write"}
    assert found["network"]["skeleton"] == "pnasnet"
    assert found["file"]["path"] == "model.safetensors"
    assert found["file"]["bytes"] == Path("model.safetensors").stat().st_size
    assert found["file"]["relative_error"] <= 1e-5
    assert found["weights"] is None


def test_seeds(run: Run) -> None:
    """The same seed, the same bytes; another seed, others."""
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        assert run("compile", *SMALL, "--seed", seed, "-o", f"{name}.safetensors").code == 0
    a, b, c = (Path(f"{name}.safetensors").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_models_and_weights(run: Run) -> None:
    """A model is built again with its weights; a checkpoint is loaded by layout."""
    assert run("compile", *SMALL, "--seed", "5", "-o", "model.safetensors").code == 0
    again = run("compile", "model.safetensors", "-o", "again.safetensors", "--json")
    assert json.loads(again.out)["weights"]["layout"] == "native"
    assert Path("again.safetensors").read_bytes() == Path("model.safetensors").read_bytes()
    loaded = run("compile", *SMALL, "--weights", "model.safetensors", "-o", "third.safetensors")
    assert loaded.code == 0
    assert "tensors, layout native" in loaded.out
    assert Path("third.safetensors").read_bytes() == Path("model.safetensors").read_bytes()
    seeded = run("compile", "model.safetensors", "--seed", "5")
    assert (seeded.code, seeded.out) == (2, "")
    assert seeded.err.splitlines()[-1].startswith("Error: --seed has no effect with a model file")
    assert run("cost", "model.safetensors").code == 0


PLAIN = {"N": 1, "filters": 24, "drop_path": 0.3, "image_size": 16}


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A model whose network drops paths plainly."""
    net = nasdsl.compile("nasnet_a_cifar", drop_path_mode="plain", **PLAIN)
    nasdsl.export.write(net, tmp_path / "plain.safetensors")
    return tmp_path / "plain.safetensors"


def test_a_model_keeps_the_way_it_drops_paths(run: Run, plain: Path) -> None:
    """The command line and Python read all that a model file says: text, weights, drop path."""
    ran = run("compile", "plain.safetensors", "-o", "again.safetensors")
    assert ran.code == 0
    safetensors = pytest.importorskip("safetensors")
    with (
        safetensors.safe_open(plain, "pt") as before,
        safetensors.safe_open("again.safetensors", "pt") as after,
    ):
        assert after.metadata() == before.metadata()
    for net in (
        nasdsl.compile(plain),
        nasdsl.prove(plain).network,
        nasdsl.compile("again.safetensors"),
    ):
        assert net.drop_path_mode == "plain"
    weights = nasdsl.compile(plain).state_dict()
    assert all(
        torch.equal(tensor, weights[name])
        for name, tensor in nasdsl.prove(plain).network.state_dict().items()
    )


def test_a_format_that_cannot_keep_it_is_refused(run: Run, plain: Path) -> None:
    """`-o again.py` is refused as in Python; a network that drops nothing has no mode to lose."""
    ran = run("compile", "plain.safetensors", "-o", "again.py")
    assert ran.code == 2
    assert "error[NAS708]" in ran.err
    assert not Path("again.py").exists()
    with pytest.raises(nasdsl.CellError, match="NAS708"):
        nasdsl.compile(plain, backend="source")
    assert run("compile", "plain.safetensors", "--drop-path", "0", "-o", "again.py").code == 0
    assert "def build" in nasdsl.compile(plain, backend="source", drop_path=0.0)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals")
def test_termination_leaves_nothing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM while a file is checked: no temporary file, and no child that goes on."""
    driver = (
        "import os, signal, time\n"
        "open('child', 'w').write(str(os.getpid()))\n"
        "os.kill(os.getppid(), signal.SIGTERM)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(source_file, "_DRIVER", driver)
    before = signal.getsignal(signal.SIGTERM)
    ran = run("compile", *SMALL, "-o", "small.py")
    assert (ran.code, ran.err) == (143, "terminated\n")
    assert os.listdir() == ["child"]
    with pytest.raises(ProcessLookupError):
        os.kill(int(Path("child").read_text()), 0)
    assert signal.getsignal(signal.SIGTERM) is before


def test_dynamic_sizes(run: Run) -> None:
    """The flag reaches the file, and is refused where it would do nothing."""
    Path("tiny.cell").write_text(TINY)
    tiny = ("compile", "tiny.cell", "--stem", "cifar", "--N", "1", "--filters", "24")
    flags = (*tiny, "--image-size", "16", "--classes", "3", "--dynamic-size")
    assert run(*flags, "-o", "a.pt2").code == 0
    program = torch.export.load("a.pt2").module()
    assert program(torch.randn(1, 3, 24, 16)).shape == (1, 3)
    assert run(*flags).code == 2


def test_other_vocabularies_and_dtypes(run: Run) -> None:
    """--ops and --dtype reach the network."""
    ran = run(
        *("compile", "nasnet_a", "--ops", "nasnet_timm", "--N", "1", "--filters", "96"),
        *("--stem", "cifar", "--dtype", "float64", "--json"),
    )
    assert json.loads(ran.out)["dtype"] == "float64"


def test_source_from_the_command_line(run: Run) -> None:
    """`-o network.py` says how well it agrees."""
    ran = run("compile", *SMALL, "-o", "network.py")
    assert ran.code == 0
    assert "wrote network.py" in ran.out
    assert "read back, agrees to" in ran.out
    assert f"{Path('network.py').stat().st_size / 1000:,.1f} kB" in ran.out
    assert "genotype pnasnet5" in Path("network.py").read_text()


def test_another_backend(run: Run) -> None:
    """What it makes goes to standard output or into a file; its options are its own."""
    ran = run("compile", *SMALL, "--backend", "source")
    assert ran.code == 0
    assert "def build" in ran.out
    written = run("compile", *SMALL, "--backend", "source", "-o", "network.txt", "--json")
    assert Path("network.txt").read_text() == ran.out
    assert json.loads(written.out)["file"]["bytes"] == len(ran.out.encode())


def test_a_backend_of_another_package(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that is installed beside nasdsl is chosen by its name."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "data" / "backends" / "listing")
    ran = run("compile", *SMALL, "--backend", "listing")
    assert ran.code == 0
    assert "linear" in ran.out


def test_what_another_backend_cannot_do(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No such backend, an option of another one, a product that is neither text nor bytes."""
    for flags, code in (("--backend tourch", "NAS702"), ("--backend source --seed 1", "NAS501")):
        ran = run("compile", *SMALL, *flags.split())
        assert (ran.code, ran.out) == (2, "")
        assert f"error[{code}]" in ran.err
    monkeypatch.setattr("nasdsl.api.compile.build", lambda *_, **__: object())
    ran = run("compile", *SMALL, "--backend", "source", "-o", "made.txt")
    assert "error[NAS708]" in ran.err
    assert not Path("made.txt").exists()


# -- how it refuses -----------------------------------------------------------------------

CHECKPOINT = {"some.weight": torch.zeros(1)}
REFUSED = {
    "too small for the stem": ("NAS504", "nasnet_a --image-size 2"),
    "filters that do not divide": ("NAS503", "nasnet_a --filters 4033"),
    "unknown suffix": ("NAS007", "nasnet_a -o model.pth"),
    "no such folder": ("NAS006", "nasnet_a -o missing/model.pt2"),
    "a folder": ("NAS006", "nasnet_a -o folder.pt2"),
    "no such file": ("NAS001", "missing.cell"),
    "weights in place of a cell": ("NAS007", "other.pt"),
    "an export in place of a cell": ("NAS007", "network.py"),
    "no such device": ("NAS707", "nasnet_a --device nonsense"),
    "another word for a device": ("NAS707", "nasnet_a --device gpu"),
    "too large for memory": (
        "NAS707",
        "nasnet_a --filters 999984 --N 1000",
    ),
    "another architecture": ("NAS801", "{small} --weights other.pt"),
    "no such checkpoint": ("NAS001", "{small} --weights missing.pt"),
    "a truncated checkpoint": ("NAS802", "{small} --weights cut.pt"),
    "a truncated model": ("NAS802", "cut.safetensors"),
    "two sets of weights": ("NAS801", "cut.safetensors --weights other.pt"),
    "unknown vocabulary": ("NAS208", "nasnet_a --ops nonsense"),
    "ops the vocabulary lacks": ("NAS201", "example_c_form --ops darts"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_diagnostic(case: str, run: Run) -> None:
    """A code, exit code 2, nothing on standard output, and no new file."""
    torch.save(CHECKPOINT, "other.pt")
    Path("cut.pt").write_bytes(Path("other.pt").read_bytes()[:200])
    Path("cut.safetensors").write_bytes((300).to_bytes(8, "little") + b'{"__metadata__"')
    Path("network.py").write_text("import torch\n")
    Path("folder.pt2").mkdir()
    before = sorted(os.listdir())
    code, words = REFUSED[case]
    arguments = words.format(small=" ".join(SMALL)).split()
    ran = run("compile", *arguments, *([] if "-o" in arguments else ["-o", "new.safetensors"]))
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.count("error[") == 1
    assert f"error[{code}]" in ran.err
    assert sorted(os.listdir()) == before


@pytest.mark.parametrize(
    "flags", ["--classes 0", "--drop-path 1", "--drop-path -0.1", "--dtype int8", "--seed -1"]
)
def test_values_no_network_can_have(flags: str, run: Run) -> None:
    """Refused by the flag, in one line, with the exit code of usage."""
    ran = run("compile", "nasnet_a", *flags.split())
    assert ran.code == 2
    assert ran.out == ""
    assert ran.err.splitlines()[-1].startswith("Error: Invalid value for")


@pytest.mark.parametrize(
    "flags",
    [
        "--layout slim",
        "--drop-background",
        "--weights some.pt --device meta",
        "--weights some.pt --seed 0",
        "--device meta --seed 1",
    ],
)
def test_flags_that_would_do_nothing(flags: str, run: Run) -> None:
    """Flags about weights are refused where none are loaded, and a seed where none are drawn."""
    ran = run("compile", "nasnet_a", *flags.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines()[-1].startswith("Error: --")


def test_odd_sizes_are_fine(run: Run) -> None:
    """17 pixels by the CIFAR stem: SAME padding rounds up."""
    ran = run("compile", *SMALL, "--image-size", "17")
    assert ran.code == 0
    assert "x 9 x 9" in ran.out


def test_mistakes_of_a_text_are_findings(run: Run) -> None:
    """A text with mistakes is reported as `check` does, and nothing is written."""
    Path("typo.cell").write_text(
        "genotype typo\nops nasnet\n\ncell normal {\n"
        "    b0 = (h[i], h[i-1], sep_con_3x3, identity, add)\n}\n"
    )
    ran = run("compile", "typo.cell", "-o", "model.pt2")
    assert ran.code == 1
    assert "error[NAS201]" in ran.err
    assert not Path("model.pt2").exists()


def test_spoilt_weights_are_refused(run: Run) -> None:
    """Logits that are not finite are no proof."""
    run("compile", *SMALL, "-o", "model.safetensors")
    net = nasdsl.compile("model.safetensors")
    torch.nn.init.constant_(net.get_classifier().bias, float("nan"))
    torch.save(net.state_dict(), "spoilt.pt")
    ran = run("compile", *SMALL, "--weights", "spoilt.pt", "-o", "new.pt2")
    assert ran.code == 2
    assert "error[NAS706]" in ran.err
    assert not Path("new.pt2").exists()


def test_without_torch(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """NAS701 with the command that installs it."""
    from nasdsl import backend
    from nasdsl.errors import cell_error

    def absent(name: str) -> None:
        raise cell_error("NAS701", "backend `torch` needs `torch`, which is not installed")

    monkeypatch.setattr(backend, "find", absent)
    ran = run("compile", *SMALL)
    assert ran.code == 2
    assert "error[NAS701]" in ran.err


def test_models_are_read_by_every_command_and_written_by_none(run: Run) -> None:
    """`check` reads the text in a model; `fmt` does not touch it."""
    assert run("compile", *SMALL, "-o", "model.safetensors").code == 0
    before = Path("model.safetensors").read_bytes()
    loose = before.replace(b"genotype pnasnet5", b"genotype  nasnet5")
    Path("model.safetensors").write_bytes(loose)
    assert run("check", "model.safetensors").code == 0
    assert run("fmt", "model.safetensors").code == 2
    assert Path("model.safetensors").read_bytes() == loose


# -- passes -------------------------------------------------------------------------------

PACKAGES = Path(__file__).parent / "data" / "passes"


def texts(err: str) -> dict[str, str]:
    """What `--print-after` printed, by pass."""
    parts = err.split("after ")[1:]
    return {part.split(":\n", 1)[0]: part.split(":\n", 1)[1] for part in parts}


def test_passes_are_chosen_and_printed(run: Run) -> None:
    """`--passes` runs what it names, and `--print-after` prints the network as it is then."""
    ran = run(
        *("compile", *SMALL, "--passes", "hoist,merge", "--verify-passes"),
        *("--print-after", "merge", "--print-after", "hoist", "--device", "meta"),
    )
    assert ran.code == 0
    plain = run("compile", *SMALL, "--device", "meta")
    timed = [
        [line for line in out.splitlines() if " s " not in line] for out in (ran.out, plain.out)
    ]
    assert timed[0] == timed[1] != []
    settings = {"skeleton": "pnasnet", "stem": "cifar", "N": 1, "filters": 80}
    graph = compiled_graph("pnasnet5", **settings, image_size=16, classes=3)
    hoisted = passes.run(graph, ("hoist",))
    wanted = {"hoist": hoisted, "merge": passes.run(hoisted, ("merge",))}
    assert {name: text.rstrip() for name, text in texts(ran.err).items()} == {
        name: graph_text(made).rstrip() for name, made in wanted.items()
    }


def test_no_passes(run: Run) -> None:
    """An empty list runs none; the network is proved all the same."""
    ran = run("compile", *SMALL, "--passes", "")
    assert (ran.code, ran.err) == (0, "")
    assert "all finite" in ran.out
    refused = run("compile", *SMALL, "--passes", "", "--print-after", "merge")
    assert refused.code == 2
    assert "--print-after merge: no pass runs" in refused.err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--passes", "merge,hoit"), ("error[NAS720]", "did you mean `hoist`?")),
        (("--passes", "merge", "--print-after", "hoist"), ("these passes run: `merge`",)),
        (("--print-after", "dead"), ("these passes run: `merge` and `hoist`",)),
    ],
)
def test_passes_that_cannot_run(run: Run, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    """Unknown passes, passes that do not run, and networks a backend cannot build."""
    ran = run("compile", *SMALL, *flags)
    assert ran.code in (1, 2)
    assert ran.out == ""
    assert all(word in ran.err for word in words)


def test_third_party_pass(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass of an installed package works from the command line, and is verified there."""
    monkeypatch.syspath_prepend(PACKAGES / "shortcut")
    flags = ("--drop-path", "0.5", "--passes")
    ran = run("compile", *SMALL, *flags, "shortcut,merge", "--print-after", "shortcut")
    assert ran.code == 0
    assert "drop_path" in run("show", *SMALL, "--graph", *flags[:2]).out
    assert "drop_path" not in ran.err
    assert "all finite" in ran.out
    broken = run("compile", *SMALL, "--passes", "renaming", "--verify-passes")
    assert broken.code in (1, 2)
    assert "error[NAS722]: pass `renaming` changes the parameters of `pnasnet5`" in broken.err
    assert broken.out == ""
