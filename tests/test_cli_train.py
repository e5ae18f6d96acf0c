"""`nasdsl train` and `nasdsl eval`: what they say, write and refuse."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import nasdsl
from bench.reliability.patience import PATIENCE
from tests.cli_run import Run, runner

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")
pytest.importorskip("sklearn", reason="the digits come with it")

from nasdsl import export  # noqa: E402 (after the packages that may be missing)
from nasdsl.cli.train_progress import Warnings  # noqa: E402
from nasdsl.errors import CellError  # noqa: E402
from nasdsl.train import Interrupted, evaluate_model, fit  # noqa: E402
from nasdsl.train.comparison import ComparedRun, comparison_curves  # noqa: E402
from nasdsl.train.report import curves  # noqa: E402
from nasdsl.train.results import Epoch, Evaluation  # noqa: E402
from tests.thorough import many  # noqa: E402
from tests.train_cases import CELLS, network, short, splits  # noqa: E402

#: Two epochs of five steps.
SHORT = (
    *("train", "tiny.cell", "--N", "1", "--filters", "8", "--set", "batch=256"),
    *("--set", "epochs=2", "--set", "warmup=0", "--set", "ema=0.9", "--drop-path", "0.2"),
)


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    Path("tiny.cell").write_text(CELLS)
    return runner(capfd, monkeypatch)


def timeless(path: Path) -> list[dict[str, Any]]:
    """The lines of `metrics.jsonl` without what depends on the clock."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        del line["seconds"], line["images_per_second"], line["held_out"]["seconds"]
    return lines


#: One step of images of 8 pixels.
STEP = (
    *("train", "tiny.cell", "--N", "1", "--cell-filters", "4", "--image-size", "8", "--quiet"),
    *("--set", "epochs=1", "--set", "warmup=0", "--set", "batch=1000", "--no-tensorboard"),
    *("--device", "cpu", "--no-auxiliary"),
)


def photos(*folders: str | bytes) -> None:
    """Eight images in each folder."""
    for folder in folders:
        os.makedirs(folder)
        for number in range(8):
            path = os.path.join(os.fsdecode(folder), f"{number}.png")
            Image.new("RGB", (8, 8), (30 * number, 9, 9)).save(path)


# -- what a run is ------------------------------------------------------------------------


def test_a_single_class(run: Run) -> None:
    """There is none that it could be taken for, and the loss is 0 throughout."""
    ran = run(*STEP, "--data", "fake:1", "--out", "one")
    assert (ran.code, ran.err) == (0, "")
    assert "| 0 | 256 | 100.00% |  |" in Path("one/report.md").read_text()
    assert Path("one/curves.svg").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are any bytes there")
def test_names_that_are_no_utf_8(run: Run) -> None:
    """Folders from an old archive: the trained network was refused at the very end."""
    photos(b"old\xe9/ol\xe9", b"old\xe9/tea")
    data = f"imagefolder:{os.fsdecode(b'old' + bytes([0xE9]))}"
    assert run(*STEP, "--data", data, "--out", "one").code == 0
    assert "ol\\udce9" in Path("one/confusion.csv").read_text(encoding="utf-8")
    assert "old\\udce9" in Path("one/report.md").read_text(encoding="utf-8")
    image = os.fsdecode(b"old\xe9/tea/0.png")
    ran = run("predict", "one", image, "--json")
    names = {each["name"] for each in json.loads(ran.out)["predictions"][0]["classes"]}
    assert names == {"ol\\udce9", "tea"}


def test_commands_of_a_report_and_names_of_a_picture(run: Run) -> None:
    """A path with a space is one word, and a run may be called `_one`."""
    photos("my photos/a", "my photos/b")
    assert run(*STEP, "--data", "imagefolder:my photos", "--out", "_one").code == 0
    where = Path("my photos").absolute()
    assert f"--data 'imagefolder:{where}' --recipe" in Path("_one/report.md").read_text()
    ran = run("compare", "_one", "-o", "curves.svg")
    assert (ran.code, ran.err) == (0, "wrote curves.svg\n")
    assert "_one" in Path("curves.svg").read_text()
    Path("none.txt").write_text("")
    ran = run("predict", "_one", "my photos", "--names", "none.txt")
    assert (ran.code, "2 classes, and 0 names" in ran.err) == (2, True)
    for given, code in (
        ({"split": "vald"}, "NAS008"),
        ({"dtype": "int8"}, "NAS008"),
        ({"threads": 2}, "NAS008"),
        ({"runtime": "eager", "dtype": "int8"}, "NAS732"),
    ):
        with pytest.raises(CellError, match=code):
            evaluate_model("_one", **given)


def test_numbers_that_json_has_no_word_for(run: Run) -> None:
    """A network that has diverged in its last step has no loss."""
    wild = ("--set", "lr=1e12", "--set", "clip=0", "--set", "optimizer=sgd")
    ran = run(*STEP, *wild, "--data", "fake:3", "--out", "wild", "--json")
    found = json.loads(ran.out, parse_constant=lambda word: pytest.fail(word))
    assert found["held_out"]["loss"] is None
    assert found["held_out"]["images"] == 102


def test_an_interruption_at_the_end_of_a_seed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """It came after the last step, and the next seed began."""
    monkeypatch.setattr(Warnings, "epoch_ended", lambda *_: signal.raise_signal(signal.SIGINT))
    ran = run(*STEP, "--data", "fake:3", "--seeds", "2", "--out", "both")
    assert ran.code == 130
    assert "nasdsl train --resume both" in ran.err
    assert Path("both/seed-0/report.md").is_file()
    assert not Path("both/seed-1/metrics.jsonl").exists()
    monkeypatch.undo()


def test_a_run_from_nothing_to_an_evaluation(run: Run) -> None:
    """One command leaves all a run is; its files do it again, to the bit."""
    ran = run(*SHORT, "--out", "runs/one")
    assert ran.code == 0
    assert ran.out.startswith("held out ")
    assert "report    runs/one/report.md" in ran.out
    lines = ran.err.splitlines()
    cost = nasdsl.cost("runs/one/network.cell")
    mult_adds = f"{cost.mult_adds:,} mult-adds per image"
    assert lines[0] == f"tiny, 1 @ 8: {cost.params:,} parameters, {mult_adds}"
    assert lines[1] == "training on cpu: 2 epochs of 5 steps, 10 in all, 256 images each"
    assert lines[2].startswith("epoch 1/2  loss ")
    assert "path keep probability 0.900" in lines[2]
    folder = Path("runs/one")
    assert {path.name for path in folder.iterdir()} >= {
        *("network.cell", "recipe.toml", "run.json", "metrics.jsonl", "checkpoints"),
        *("model.safetensors", "report.md", "curves.svg", "tensorboard"),
    }
    about = json.loads((folder / "run.json").read_text())
    assert about["data"] == "digits"
    assert torch.__version__.startswith(about["versions"]["torch"])
    assert about["command"][0] == "nasdsl"
    report = (folder / "report.md").read_text()
    assert "# tiny on digits, recipe quick, seed 0" in report
    assert "![" in report
    rows = list(csv.reader(Path("runs/one/confusion.csv").read_text().splitlines()))
    assert rows[0] == ["class", *"0123456789"]
    counts = [list(map(int, row[1:])) for row in rows[1:]]
    assert [row[0] for row in rows[1:]] == list("0123456789")
    assert sum(map(sum, counts)) == 359
    right = sum(counts[k][k] for k in range(10))
    assert f"- Test: **{right / 359:.2%}**" in report
    for k in range(10):
        assert f"| {k} | {sum(counts[k])} | {counts[k][k] / sum(counts[k]):.2%} |" in report
        assert f"| **{k}** | {' | '.join(map(str, counts[k]))} |" in report
    net = nasdsl.compile(folder / "model.safetensors")
    assert net.num_classes == 10
    os.chdir(folder)
    again = run(
        *("train", "network.cell", "--data", "digits", "--recipe", "recipe.toml"),
        *("--seed", "0", "--out", "again", "--quiet", "--no-tensorboard", "--json"),
    )
    assert again.code == 0
    assert again.err == ""
    assert Path("again/model.safetensors").read_bytes() == Path("model.safetensors").read_bytes()
    assert timeless(Path("again/metrics.jsonl")) == timeless(Path("metrics.jsonl"))
    assert not Path("again/tensorboard").exists()
    found = json.loads(again.out)
    assert found["recipe"]["batch"] == 256
    assert found["epochs"] == 2
    evaluated = json.loads(run("eval", "again", "--json").out)
    assert evaluated["split"] == "test"
    assert evaluated["loss"] == pytest.approx(found["test"]["loss"], rel=1e-5)
    assert evaluated["accuracy"] == pytest.approx(found["test"]["accuracy"])
    Image.new("L", (8, 8)).save("black.png")
    predicted = json.loads(run("predict", "again", "black.png", "--top", "10", "--json").out)
    (classes,) = (each["classes"] for each in predicted["predictions"])
    assert sorted(each["name"] for each in classes) == list("0123456789")
    held_out = run("eval", "model.safetensors", "--split", "held_out", "--recipe", "recipe.toml")
    assert held_out.code == 0
    assert f"{found['held_out']['accuracy']:.2%}" in held_out.out


BF16 = (
    *SHORT[:6],
    "--set",
    "batch=256",
    "--set",
    "warmup=0",
    "--set",
    "epochs=1",
    "--precision",
    "bf16",
)


@pytest.mark.parametrize("average", ["0", "0.9"])
def test_a_bf16_run_ends_with_its_model(average: str, run: Run) -> None:
    """Its model, its report, and the same again when the ended run is resumed."""
    ran = run(*BF16, "--set", f"ema={average}", "--out", "half")
    assert (ran.code, "NAS" in ran.err) == (0, False)
    evaluated = json.loads(run("eval", "half", "--json").out)
    assert f"**{evaluated['accuracy']:.2%}**" in Path("half/report.md").read_text()
    before = Path("half/model.safetensors").read_bytes()
    Path("half/model.safetensors").unlink()
    ran = run("train", "--resume", "half")
    assert (ran.code, "NAS" in ran.err) == (0, False)
    assert Path("half/model.safetensors").read_bytes() == before


def test_fit_gives_a_bf16_network_back(tmp_path: Path) -> None:
    """Its logits are those of its weights in float32, and every format holds them."""
    chosen = short(precision="bf16", epochs=1)
    net, images = network(), torch.randn(2, 1, 8, 8)
    fit(net, splits(), chosen)
    other = network(seed=1).eval()
    other.load_state_dict(net.state_dict())
    with torch.inference_mode():
        assert torch.equal(net(images), other(images))
    with torch.autocast("cpu", torch.bfloat16):
        for suffix in (".safetensors", ".py", ".pt2"):
            assert export.write(net, tmp_path / f"model{suffix}").relative_error <= 1e-5


def test_an_interrupted_fit_gives_a_bf16_network_back() -> None:
    """However the training ends."""
    net = network()
    with pytest.raises(Interrupted):
        fit(net, splits(), short(precision="bf16"), stop=lambda: True)
    assert not {"forward", "_original_forward"} & set(vars(net))


@pytest.mark.parametrize("fault", ["differs", "not finite", "cannot be read"])
def test_what_cannot_be_proved_is_kept(
    fault: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training that has ended leaves its model, a report and a warning."""

    def logits(request: Any, path: Path) -> list[torch.Tensor]:
        if fault == "cannot be read":
            raise RuntimeError("no such tensor")
        value = float("nan") if fault == "not finite" else 9.0
        return [torch.full((len(pixels), 10), value) for pixels in request.images]

    with monkeypatch.context() as patched:
        patched.setattr("nasdsl.export.model_file.logits", logits)
        ran = run(*SHORT, "--out", "odd", "--quiet")
    assert (ran.code, "warning[NAS848]" in ran.err) == (0, True)
    assert "NAS848" in Path("odd/report.md").read_text()
    evaluated = json.loads(run("eval", "odd", "--json").out)
    assert f"**{evaluated['accuracy']:.2%}**" in Path("odd/report.md").read_text()


def test_who_decides(run: Run) -> None:
    """Flags and --set before the file's network block, that before the recipe; data always."""
    block = "\nnetwork {\n    drop_path = 0.3\n    dropout = 0.1\n    classes = 7\n    N = 1\n}\n"
    Path("own.cell").write_text(CELLS + block)
    flags = ("train", "own.cell", "--filters", "8", "--set", "epochs=1", "--set", "batch=512")
    cases = {
        (): (0.3, 0.1),
        ("--drop-path", "0.5"): (0.5, 0.1),
        ("--set", "drop_path=0.2"): (0.2, 0.1),
        ("--recipe", "imagenet", "--set", "augmentation=none", "--set", "image_size=16"): (
            0.3,
            0.1,
        ),
    }
    for number, (more, expected) in enumerate(cases.items()):
        ran = run(*flags, *more, "--out", str(number), "--quiet", "--no-tensorboard", "--json")
        assert ran.code == 0
        found = json.loads(ran.out)["recipe"]
        assert (found["drop_path"], found["dropout"]) == expected
        network = nasdsl.load(f"{number}/network.cell").settings
        assert (network.drop_path, network.dropout) == expected
        assert network.classes == 10


def test_a_model_is_trained_anew(run: Run) -> None:
    """A model file gives its cells and settings, and it is said that its weights are not used."""
    sizes = ("--N", "1", "--filters", "8", "--stem", "cifar", "--classes", "10")
    assert run("compile", "tiny.cell", *sizes, "-o", "model.safetensors").code == 0
    ran = run("train", "model.safetensors", *SHORT[4:], "--set", "epochs=1", "--out", "anew")
    assert ran.code == 0
    assert "the weights in 'model.safetensors' are not used" in ran.err.splitlines()[0]


#: One epoch of two steps.
FLASH = (*SHORT[:6], "--set", "batch=512", "--set", "epochs=1", "--set", "warmup=0")
FLASH += ("--no-tensorboard", "--quiet")


def test_weights_to_start_from(run: Run) -> None:
    """A training begins with them; those of other classes give all but the classifier."""
    still = ("--set", "lr=1e-30", "--set", "weight_decay=0")
    size = ("--stem", "cifar", "--image-size", "8", "--input-channels", "1", "--seed", "7")
    for classes in ("10", "4"):
        out = f"of{classes}.safetensors"
        assert (
            run("compile", "tiny.cell", *FLASH[2:6], *size, "--classes", classes, "-o", out)[0] == 0
        )
    assert run(*FLASH, *still, "--weights", "of10.safetensors", "--out", "same").code == 0
    start = nasdsl.compile("of10.safetensors").state_dict()
    found = nasdsl.compile("same/model.safetensors").state_dict()
    learned = [name for name in start if name.endswith("weight")]
    assert all(torch.equal(start[name], found[name]) for name in learned)
    about = json.loads(Path("same/run.json").read_text())["weights"]
    assert about["path"] == str(Path("of10.safetensors").absolute())
    assert f"--weights {about['path']}" in Path("same/report.md").read_text()
    ran = run(*FLASH, "--weights", "of4.safetensors", "--out", "other")
    assert (ran.code, "error[NAS801]" in ran.err) == (2, True)
    assert "--reset-classifier" in ran.err
    assert not Path("other").exists()
    ran = run(
        *FLASH, *still, "--weights", "of4.safetensors", "--reset-classifier", "--out", "other"
    )
    assert ran.code == 0
    start = nasdsl.compile("of4.safetensors").state_dict()
    found = nasdsl.compile("other/model.safetensors").state_dict()
    new = {name for name in learned if not torch.equal(start[name], found[name])}
    assert new == {"head.linear.weight"}
    drawn = nasdsl.compile("other/network.cell", seed=0).state_dict()
    assert torch.equal(drawn["head.linear.weight"], found["head.linear.weight"])


def test_weights_are_read_again_until_there_is_a_checkpoint(run: Run) -> None:
    """A run that was stopped before its first checkpoint starts from them."""
    size = ("--stem", "cifar", "--image-size", "8", "--input-channels", "1", "--classes", "10")
    words = ("compile", "tiny.cell", *FLASH[2:6], *size, "--seed", "7", "-o", "m.safetensors")
    assert run(*words).code == 0
    assert run(*FLASH, "--weights", "m.safetensors", "--out", "one").code == 0
    before = Path("one/model.safetensors").read_bytes()
    for path in Path("one/checkpoints").iterdir():
        path.unlink()
    assert run("train", "--resume", "one", "--quiet").code == 0
    assert Path("one/model.safetensors").read_bytes() == before


def test_several_seeds(run: Run) -> None:
    """A run for each, the mean and deviation of their results, and all of it resumed."""
    ran = run(*FLASH, "--seeds", "3,5", "--out", "both", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert [each["seed"] for each in found["seeds"]] == [3, 5]
    tests = [each["test"] for each in found["seeds"]]
    mean = sum(tests) / 2
    deviation = (sum((value - mean) ** 2 for value in tests)) ** 0.5
    assert found["mean"]["test"]["mean"] == pytest.approx(mean)
    assert found["mean"]["test"]["deviation"] == pytest.approx(deviation)
    report = Path("both/report.md").read_text()
    assert f"**{mean:.2%}** ± {100 * deviation:.2f}" in report
    assert run(*FLASH, "--seed", "5", "--out", "five").code == 0
    model = Path("five/model.safetensors").read_bytes()
    assert Path("both/seed-5/model.safetensors").read_bytes() == model
    Path("both/report.md").unlink()
    Path("both/seed-3/model.safetensors").unlink()
    ran = run("train", "--resume", "both", "--quiet")
    assert ran.code == 0
    assert f"{mean:.2%} ± {100 * deviation:.2f} over 2 seeds" in ran.out
    assert Path("both/report.md").read_text() == report
    assert Path("both/seed-3/model.safetensors").is_file()
    assert not list(Path().rglob(".lock"))
    said = f"{mean:.2%} ± {100 * deviation:.2f} over 2 seeds"
    ran = run("eval", "both")
    assert ran.out.splitlines()[-1] == f"mean: {said}"
    assert [line.split()[0] for line in ran.out.splitlines()[::2]] == [
        *("both/seed-3:", "both/seed-5:", "mean:"),
    ]
    scripts = json.loads(run("eval", "both", "--json").out)
    assert [each["accuracy"] for each in scripts["runs"]] == tests
    assert f"both, test: {said}" in run("compare", "both", "five").out.splitlines()
    scripts = json.loads(run("compare", "both", "five", "--json").out)
    assert [each["test"] for each in scripts["runs"]] == [*tests, tests[1]]
    assert scripts["means"]["both"]["test"]["mean"] == pytest.approx(mean)
    ran = run("predict", "both", "five")
    assert (ran.code, "several seeds: both/seed-3" in ran.err) == (2, True)


def test_curves_have_whole_epochs() -> None:
    """There is no epoch 1.5, in the curves of one run and of several."""
    pytest.importorskip("matplotlib")
    epochs = tuple(
        Epoch(number, number, 1.0 / number, 0.5, None, 0.1, 1.0, 1.0, 1.0) for number in (1, 2)
    )
    compared = [ComparedRun(name, {}, epochs, True) for name in ("a", "b")]
    for picture in (curves([epochs]), comparison_curves(compared)):
        # Numbers are drawn, and stand beside their shapes as comments.
        numbers = re.findall(r"<!-- ([\d.]+) -->", picture.decode())
        assert {"1", "2"} <= set(numbers)
        assert not {"1.2", "1.25", "1.5"} & set(numbers)
        assert "times" not in picture.decode()  # a loss of 0.5 is not written as 5 x 10^-1


def test_curves_of_one_epoch() -> None:
    """They are points, at an epoch that is a whole number."""
    pytest.importorskip("matplotlib")
    held_out = Evaluation(0.25, 0.75, 1.0, 16, 0.1)
    epoch = Epoch(1, 1, 2.5, 0.5, held_out, 0.1, 1.0, 1.0, 1.0)
    picture = curves([[epoch]]).decode()
    ticks = re.findall(r'<g id="xtick_\d+">.*?<!-- ([\d.]+) -->', picture, re.DOTALL)
    assert ticks == ["1", "1"]
    several = curves([[epoch, replace(epoch, epoch=2)]]).decode()
    dots = [len(re.findall(r"<g clip-path=.*>\s*<use", each)) for each in (picture, several)]
    assert dots == [4, 0]


def test_a_seed_that_fails_is_reported(run: Run) -> None:
    """The others end, and the code is 1."""
    wild = ("--set", "optimizer=sgd", "--set", "lr=1e12", "--set", "warmup=0")
    ran = run(*FLASH, *wild, "--seeds", "2", "--out", "wild")
    assert (ran.code, ran.err.count("error[NAS840]")) == (1, 2)
    assert Path("wild/report.md").read_text().count("NAS840") == 2


def test_scalars_for_tensorboard(run: Run) -> None:
    """What TensorBoard reads is what `metrics.jsonl` has."""
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert run(*SHORT, "--out", "one").code == 0
    events = EventAccumulator("one/tensorboard").Reload()
    lines = timeless(Path("one/metrics.jsonl"))
    found = [(event.step, event.value) for event in events.Scalars("held_out/accuracy")]
    expected = [(line["step"], line["held_out"]["accuracy"]) for line in lines]
    assert found == [(step, pytest.approx(value)) for step, value in expected]


def test_a_run_that_is_not_done(run: Run) -> None:
    """Before there is a model, the newest checkpoint is evaluated, with its averages."""
    assert run(*SHORT, "--out", "one").code == 0
    whole = json.loads(run("eval", "one", "--json").out)
    Path("one/model.safetensors").unlink()
    ran = run("eval", "one", "--json")
    part = json.loads(ran.out)
    assert part["loss"] == pytest.approx(whole["loss"], rel=1e-6)
    assert (whole["finished"], whole["step"]) == (True, None)
    assert (part["finished"], part["step"]) == (False, 10)
    assert "'one' is not finished; this is its checkpoint after step 10, with 2 " in ran.err


def test_a_warm_up_that_never_ends_gets_a_warning(run: Run) -> None:
    """It is trained all the same; a shorter one is fine."""
    ran = run(*FLASH[:-2], "--set", "warmup=1", "--quiet", "--out", "long")
    assert (ran.code, "warning[NAS849]" in ran.err) == (0, True)
    ran = run(*FLASH[:-2], "--set", "warmup=0.5", "--quiet", "--out", "short")
    assert (ran.code, "NAS849" in ran.err) == (0, False)


def test_networks_for_small_images_are_small(run: Run) -> None:
    """Where nobody says a size; and it is said."""
    flags = ("--set", "epochs=1", "--set", "warmup=0", "--set", "batch=512", "--no-tensorboard")
    ran = run("train", "tiny.cell", *flags, "--out", "one")
    assert ran.code == 0
    assert "note: N = 1 and 8 filters in the first cell, for images of 8 pixels" in ran.err
    found = nasdsl.load("one/network.cell").settings
    assert found.N == 1
    assert (
        nasdsl.cost("one/network.cell").params
        == nasdsl.cost(
            "tiny.cell",
            N=1,
            cell_filters=8,
            stem="cifar",
            image_size=8,
            classes=10,
            input_channels=1,
        ).params
    )
    assert "filters in the first cell" not in run(*FLASH[:-1], "--out", "two").err


def test_runs_are_compared(run: Run) -> None:
    """What differs and nothing else, the results, and all curves in one picture."""
    assert run(*FLASH, "--out", "a").code == 0
    assert run(*FLASH, "--set", "lr=0.05", "--seed", "3", "--out", "b").code == 0
    ran = run("compare", "a", "b", "-o", "curves.svg", "--json")
    assert ran.code == 0, ran.err
    found = json.loads(ran.out)
    assert found["differing"] == {"seed": [0, 3], "recipe.lr": [0.1, 0.05]}
    for each in found["runs"]:
        (line,) = Path(each["run"], "metrics.jsonl").read_text().splitlines()
        assert each["held_out"] == each["best"] == json.loads(line)["held_out"]["accuracy"]
        assert each["finished"] is True
        assert each["test"] == json.loads(run("eval", each["run"], "--json").out)["accuracy"]
    pictures = {"curves.svg": b"<?xml", "curves.PNG": b"\x89PNG", "curves.pdf": b"%PDF-"}
    for name, beginning in pictures.items():
        assert run("compare", "a", "b", "-o", name).code == 0
        assert Path(name).read_bytes().startswith(beginning)
    ran = run("compare", "a", "b", "-o", "curves.txt")
    assert (ran.code, "error[NAS712]" in ran.err) == (2, True)
    Path("b/model.safetensors").unlink()
    lines = run("compare", "a", "b").out.splitlines()
    assert lines[0].split() == ["run", "epochs", "held", "out", "best", "test", "finished"]
    assert [line.split()[-1] for line in lines[1:3]] == ["yes", "no"]
    assert lines[-2:] == ["seed       0    3", "recipe.lr  0.1  0.05"]
    assert run("compare", "a", "a").err == "the settings are the same\n"
    ran = run("compare", "a", ".")
    assert (ran.code, "error[NAS843]" in ran.err) == (2, True)


# -- going on -----------------------------------------------------------------------------


def started(folder: str) -> "subprocess.Popen[str]":
    """A run in a process of its own, once it has taken its first steps."""
    process = subprocess.Popen(
        [sys.executable, "-m", "nasdsl", *SHORT, "--set", "epochs=12", "--out", folder],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("epoch  2"):
            break
    return process


def test_ctrl_c_and_resume(run: Run) -> None:
    """The code is 130, the command it prints continues, and nothing tells it was interrupted."""
    process = started("stopped")
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    with process:
        rest = process.stderr.read()
    assert process.returncode == 130
    assert "interrupted after step " in rest
    assert "to continue, run `nasdsl train --resume stopped`" in rest
    before = len(Path("stopped/metrics.jsonl").read_text().splitlines())
    assert 2 <= before < 12
    ran = run("train", "--resume", "stopped")
    assert ran.code == 0
    assert "continuing after step " in ran.err
    assert run(*SHORT, "--set", "epochs=12", "--out", "whole", "--quiet").code == 0
    for name in ("model.safetensors", "network.cell", "recipe.toml"):
        assert Path("stopped", name).read_bytes() == Path("whole", name).read_bytes()
    assert timeless(Path("stopped/metrics.jsonl")) == timeless(Path("whole/metrics.jsonl"))


def test_killed_and_resumed() -> None:
    """SIGKILL at three moments loses nothing that counts; the script's own default is twenty."""
    ran = subprocess.run(
        [sys.executable, "-m", "bench.reliability.kill", "--kills", "3"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.startswith("killed 3 times")


@pytest.mark.parametrize("older", ["h[i]", "h[i-1]"][: many(2, usually=1)])
def test_two_processes_as_one(run: Run, older: str) -> None:
    """Two processes over gloo have the losses of one that takes the same two parts.

    Also where nothing reads an input: what prepares it has a gradient, for which nobody waits. Only
    a thorough run has a network that reads both, too.
    """
    Path("tiny.cell").write_text(CELLS.replace("h[i-1]", older))
    flags = [*SHORT, "--set", "epochs=2", "--device", "cpu", "--no-tensorboard"]
    assert run(*flags, "--accumulate", "2", "--out", "one", "--quiet").code == 0
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
            *("--standalone", "-m", "nasdsl", *flags, "--out", "two"),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert ran.returncode == 0, ran.stderr
    assert "on 2 processes" in ran.stderr
    assert ran.stdout.count("test ") == 1
    one, two = timeless(Path("one/metrics.jsonl")), timeless(Path("two/metrics.jsonl"))
    for alone, shared in zip(one, two, strict=True):
        assert shared["loss"] == pytest.approx(alone["loss"], rel=1e-4)
        assert shared["accuracy"] == pytest.approx(alone["accuracy"], abs=2e-3)
        assert shared["held_out"]["images"] == alone["held_out"]["images"]


# -- how it refuses -----------------------------------------------------------------------

REFUSED = {
    "a folder that holds a run": ("NAS841", "train tiny.cell {size} --out taken"),
    "a folder that holds something": ("NAS841", "train tiny.cell {size} --out full"),
    "damaged checkpoints": ("NAS842", "train --resume damaged"),
    "no checkpoint to evaluate": ("NAS842", "eval taken"),
    "no run": ("NAS843", "train --resume full"),
    "no run to evaluate": ("NAS843", "eval full"),
    "a damaged run": ("NAS843", "train --resume spoilt"),
    "other classes": ("NAS844", "train tiny.cell {size} --classes 7 --out new"),
    "a batch that cannot be cut": (
        "NAS845",
        "train tiny.cell {size} --set batch=32 --accumulate 3 --out new",
    ),
    "a divergent rate": (
        "NAS840",
        "train tiny.cell {size} --set optimizer=sgd --set lr=1e12 --set warmup=0 --out new",
    ),
    "no recipe file": ("NAS846", "train tiny.cell {size} --recipe none.toml --out new"),
    "a damaged recipe": ("NAS846", "train tiny.cell {size} --recipe broken.toml --out new"),
    "no such part": ("NAS847", "eval taken --recipe whole.toml --split held_out"),
    "weights of an unknown network": ("NAS802", "eval broken.toml"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_one_diagnostic(case: str, run: Run) -> None:
    """One code, exit code 2, nothing on standard output."""
    size = "--N 1 --filters 8 --quiet"
    Path("full").mkdir()
    Path("full/note").write_text("mine")
    Path("broken.toml").write_text("epochs = = 3")
    Path("whole.toml").write_text("held_out = 0.0")
    for name in ("taken", "damaged", "spoilt"):
        Path(name).mkdir()
        about = {"version": 1, "data": "digits", "seed": 0, "execution": {}}
        Path(name, "run.json").write_text("{" if name == "spoilt" else json.dumps(about))
        text = CELLS + "\nnetwork {\n    stem = cifar\n    N = 1\n    filters = 8\n"
        text += "    image_size = 8\n    classes = 10\n    input_channels = 1\n}\n"
        Path(name, "network.cell").write_text(text)
        Path(name, "recipe.toml").write_text("epochs = 1")
    Path("damaged/checkpoints").mkdir()
    Path("damaged/checkpoints/step-000000001.pt").write_bytes(b"PK")
    if case == "no such part":
        Path("taken/model.safetensors").write_bytes(b"")
        assert run("compile", "taken/network.cell", "-o", "taken/model.safetensors").code == 0
    code, words = REFUSED[case]
    ran = run(*words.format(size=size).split())
    assert ran.code == 2, ran.err
    assert ran.out == ""
    assert next(line for line in ran.err.splitlines() if "error[" in line).startswith(
        f"error[{code}]"
    )
    assert ran.err.count("error[") == 1


@pytest.mark.parametrize(
    "flags",
    [
        "train tiny.cell",
        "train --out new",
        "train",
        "train tiny.cell --resume one",
        "train --resume one --seed 0",
        "train --resume one --N 2",
        "train tiny.cell --out new --accumulate 0",
        "train tiny.cell --out new --seeds 0",
        "train tiny.cell --out new --seeds 3,3",
        "train tiny.cell --out new --seeds 7-3",
        "train tiny.cell --out new --seeds 99999999999999999999",
        "train tiny.cell --out new --reset-classifier",
        "train --resume one --seeds 2",
        "train --resume one --ops darts",
        "train tiny.cell --task detection --data coco:x --out new --layout slim",
    ],
)
def test_usage(flags: str, run: Run) -> None:
    """Flags that do not go together are usage, in one line."""
    ran = run(*flags.split())
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("Error: ")
    assert not Path("new").exists()


def test_the_data_decide_about_classes(run: Run) -> None:
    """A flag that says otherwise is refused before anything is written; the same is fine."""
    ran = run(*FLASH, "--classes", "7", "--out", "new")
    assert (ran.code, "leave `--classes` out" in ran.err) == (2, True)
    assert (
        "the data `digits` have 1 channel\n"
        in run(*FLASH, "--input-channels", "3", "--out", "new").err
    )
    assert not Path("new").exists()
    assert run(*FLASH, "--classes", "10", "--out", "new").code == 0
    ran = run("eval", "new", "--data", "fake:3")
    assert ran.code == 2
    assert "`tiny` has classes = 10, and the data `fake:3` have 3" in ran.err
    assert "compile" not in ran.err


# -- data that were moved ---------------------------------------------------------------------


@pytest.mark.parametrize("recorded", ["absolute", "as typed"])
def test_a_run_and_its_data_are_moved(
    run: Run, recorded: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From another folder, and after both were moved together; as old runs too."""
    write_photos()
    Path("work/runs").mkdir(parents=True)
    Path("photos").rename("work/photos")
    shutil.copy("tiny.cell", "work")
    top = Path.cwd()
    os.chdir("work")
    assert run(*PHOTOS, "--quiet", "--set", "warmup=0", "--out", "runs/one").code == 0
    about = json.loads(Path("runs/one/run.json").read_text())
    assert about["data"] == f"imagefolder:{Path('photos').absolute()}"
    report = Path("runs/one/report.md").read_text()
    assert "Of the held-out images" in report
    assert "| | cat | dog |" in report
    assert run("compile", "runs/one/model.safetensors", "-o", "again.safetensors").code == 0
    model = Path("runs/one/model.safetensors").read_bytes()
    assert Path("again.safetensors").read_bytes() == model
    if recorded == "as typed":
        about["data"] = "imagefolder:photos"
        del about["data_from_run"]
        Path("runs/one/run.json").write_text(json.dumps(about))
        for path in Path("runs/one/checkpoints").iterdir():
            state = torch.load(path, weights_only=True)
            torch.save({**state, "data": about["data"]}, path)
    os.chdir(top)
    Path("work").rename("moved")
    Path("moved/runs/one/model.safetensors").unlink()
    ran = run("train", "--resume", "moved/runs/one", "--quiet")
    assert ran.code == 0, ran.err
    ran = run("eval", "moved/runs/one", "--split", "held_out")
    assert ran.code == 0, ran.err
    shutil.rmtree("moved/photos")
    ran = run("eval", "moved/runs/one")
    assert (ran.code, "error[NAS823]" in ran.err) == (2, True)


# -- images that are damaged ------------------------------------------------------------------

PHOTOS = ("train", "tiny.cell", "--N", "1", "--filters", "4", "--data", "imagefolder:photos")
PHOTOS += ("--set", "batch=4", "--set", "image_size=16", "--set", "epochs=1", "--no-tensorboard")


def write_photos(*damaged: str) -> None:
    """Two classes of eight images; the first half of a file, where it is damaged."""
    image = pytest.importorskip("PIL.Image")
    for name in ("cat", "dog"):
        for number in range(8):
            path = Path("photos") / name / f"{number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = torch.randint(256, (40, 40, 3), dtype=torch.uint8).numpy()
            image.fromarray(pixels).save(path)
            if f"{name}/{number}" in damaged:
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def test_a_scan_lists_all_damaged_images(run: Run) -> None:
    """Before anything is written."""
    write_photos("cat/3", "dog/0")
    Path("photos/dog/5.jpg").write_text("no image")
    ran = run(*PHOTOS, "--out", "photos-run")
    assert (ran.code, ran.err.count("error[NAS824]")) == (2, 3)
    assert "reading 16 images once" in ran.err
    for name in ("cat/3.jpg", "dog/0.jpg", "dog/5.jpg"):
        assert f"'photos/{name}' cannot be read" in ran.err
    assert not Path("photos-run").exists()


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_damaged_image_is_named_wherever_it_is_met(workers: str, run: Run) -> None:
    """In training and in evaluation, by this process or by one that loads images."""
    write_photos("cat/3")
    ran = run(*PHOTOS, "--no-scan", "--workers", workers, "--out", "photos-run", "--quiet")
    assert (ran.code, ran.err.count("error[NAS824]")) == (2, 1)
    assert "'photos/cat/3.jpg' cannot be read" in ran.err
    write_photos()
    ran = run("train", "--resume", "photos-run", "--quiet")
    assert ran.code == 0, ran.err
