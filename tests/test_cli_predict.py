"""`nasdsl predict`: what it prints of images, and of those that it cannot read."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

import nasdsl
from tests.cli_run import Run, runner

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")
Image = pytest.importorskip("PIL.Image", reason="images are Pillow's")

from nasdsl import export  # noqa: E402 (after the packages that may be missing)
from nasdsl.train import Splits, datasets, predict, recipe  # noqa: E402
from nasdsl.train.data.preparation import read_preparation  # noqa: E402

NAMES = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nine images of three classes, and a model that was made for them."""
    root = tmp_path_factory.mktemp("made")
    noise = torch.Generator().manual_seed(0)
    for number in range(9):
        folder = root / "photos" / NAMES[number % 3]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = torch.randint(256, (20 + number, 30, 3), generator=noise, dtype=torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / f"{number}.png")
    net = nasdsl.compile(
        "nasnet_a", stem="cifar", N=1, filters=24, classes=3, image_size=16, seed=3
    )
    net.image_metadata = splits(root / "photos").preparation.json()
    export.write(net, root / "model.safetensors")
    return root


@pytest.fixture
def run(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, made: Path
) -> Run:
    """In a copy of that folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return runner(capfd, monkeypatch)


def splits(folder: Path, held_out: float = 0.0) -> Splits:
    """The images as a training would have them."""
    return datasets(f"imagefolder:{folder}", recipe("quick", image_size=16, held_out=held_out))


def expected() -> dict[str, list[float]]:
    """The probability of each class by file, from the data and the network alone."""
    held = splits(Path("photos"), 0.34).held_out
    images = held.images
    net = nasdsl.compile("model.safetensors").eval()
    with torch.inference_mode():
        return {
            images.samples[index][0]: net(held[place][0][None]).softmax(1)[0].tolist()
            for place, index in enumerate(held.indices)
        }


def test_predictions_are_those_of_an_evaluation(run: Run) -> None:
    """Every class of an image, as evaluation would prepare it; names are those of the folders."""
    ran = run("predict", "model.safetensors", "photos", "--json", "--batch", "4")
    assert (ran.code, ran.err) == (0, "")
    found = {each["path"]: each["classes"] for each in json.loads(ran.out)["predictions"]}
    assert list(found) == sorted(str(path) for path in Path("photos").rglob("*.png"))
    wanted = expected()
    assert len(wanted) == 3
    for path, shares in wanted.items():
        classes = found[path]
        assert [each["name"] for each in classes] == [NAMES[each["class"]] for each in classes]
        assert [each["probability"] for each in classes] == pytest.approx(
            sorted(shares, reverse=True), rel=1e-4
        )
        assert classes[0]["class"] == shares.index(max(shares))


def test_forms(run: Run) -> None:
    """A table, CSV and JSON say the same."""
    words = ("predict", "model.safetensors", "photos/ant/0.png", "photos/bee", "--top", "2")
    (first, *_), text = json.loads(run(*words, "--json").out)["predictions"], run(*words).out
    assert len(first["classes"]) == 2
    best = first["classes"][0]
    lines = text.splitlines()
    assert lines[0] == "photos/ant/0.png"
    assert lines[1].split() == [best["name"], f"{best['probability']:.2%}"]
    rows = list(csv.DictReader(io.StringIO(run(*words, "--csv").out)))
    assert len(rows) == 2 * 4
    assert (rows[0]["path"], rows[0]["rank"], rows[0]["name"]) == (
        "photos/ant/0.png", "1", best["name"],
    )  # fmt: skip
    assert float(rows[0]["probability"]) == pytest.approx(best["probability"], rel=1e-5)


def test_damaged_images(run: Run) -> None:
    """Each is NAS824 with its path; the others are predicted all the same."""
    Path("photos/ant/0.png").write_bytes(Path("photos/ant/0.png").read_bytes()[:300])
    Path("photos/ant/3.png").write_text("not an image")
    ran = run("predict", "model.safetensors", "photos/ant", "--json")
    assert ran.code == 2
    assert ran.err.count("error[NAS824]") == 2
    assert "photos/ant/0.png" in ran.err
    assert "photos/ant/3.png" in ran.err
    assert [each["path"] for each in json.loads(ran.out)["predictions"]] == ["photos/ant/6.png"]


def test_names(run: Run) -> None:
    """Names of one's own, and numbers where a model has none."""
    Path("names.txt").write_text("Ameise\nBiene\nKatze\n")
    words = ("predict", "model.safetensors", "photos/ant/0.png", "--top", "3")
    assert {"Ameise", "Biene", "Katze"} <= set(run(*words, "--names", "names.txt").out.split())
    Path("names.txt").write_text("Ameise\n")
    assert "NAS844" in run(*words, "--names", "names.txt").err
    net = nasdsl.compile("model.safetensors")
    del net.image_metadata
    export.write(net, "plain.safetensors")
    out = run("predict", "plain.safetensors", *words[2:]).out
    assert sorted(line.split()[0] for line in out.splitlines()[1:]) == ["0", "1", "2"]


def test_metadata_are_kept(run: Run) -> None:
    """A model file that is compiled again says the same about images."""
    assert run("compile", "model.safetensors", "-o", "again.safetensors").code == 0
    first, second = (
        next(predict(name, ["photos/ant"])) for name in ("model.safetensors", "again.safetensors")
    )
    assert first == second
    assert Path("again.safetensors").read_bytes() == Path("model.safetensors").read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"size": 1}', "null", "[" * 10_000,
        '{"size": 0, "resized": 1, "mean": [0], "deviation": [1], "classes": []}',
        '{"size": 1, "resized": 1, "mean": [0], "deviation": [0], "classes": []}',
        '{"size": 1, "resized": 1, "mean": [0, 1], "deviation": [1, 1], "classes": []}',
        '{"size": 1, "resized": 1, "mean": [0], "deviation": [1], "classes": [3]}',
    ],
)  # fmt: skip
def test_damaged_metadata(text: str) -> None:
    """Whatever they say instead."""
    with pytest.raises(nasdsl.CellError, match="NAS802"):
        read_preparation(text, "model.safetensors")


def test_mistakes(run: Run) -> None:
    """A missing path is known before PyTorch is needed; a folder may have no images."""
    assert "no such file: 'x.png'" in run("predict", "model.safetensors", "x.png").err
    assert "no such file: 'x.safetensors'" in run("predict", "x.safetensors", "photos").err
    Path("empty").mkdir()
    assert "error[NAS823]" in run("predict", "model.safetensors", "empty").err
    assert run("predict", "model.safetensors", "photos", "--csv", "--json").code == 2
    for path, head, code in (
        ("model.pt2", b"PK", "NAS007"),
        ("names.txt", b"ant", "NAS802"),
        ("w.pth", b"PK", "NAS802"),
    ):
        Path(path).write_bytes(head)
        for words in (("predict", path, "photos"), ("eval", path)):
            ran = run(*words)
            assert (ran.code, f"error[{code}]" in ran.err) == (2, True)
            assert ("--network FILE" in ran.err) == (path == "w.pth")
