"""Training a detector: bit for bit the same when it is resumed, and what is made of its run."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import nasdsl
from nasdsl.detection.run_kind import is_detection_run
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading.cells import source_cells
from tests.cli_run import TINY, exit_code
from tests.edited_runs import refusal

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")
pytest.importorskip("faster_coco_eval", reason="COCO's evaluation")

from safetensors import safe_open  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from nasdsl.detection.coco import coco_folder  # noqa: E402
from nasdsl.detection.epochs import DetectionEpoch  # noqa: E402
from nasdsl.detection.model_file import TrainedDetector, read_detector  # noqa: E402
from nasdsl.detection.recipe import detection_recipe  # noqa: E402
from nasdsl.detection.run import begin_detection, plan_detection, recorded_detection  # noqa: E402
from nasdsl.detection.training import train_detection  # noqa: E402
from nasdsl.train.results import Interrupted  # noqa: E402
from nasdsl.train.run_folder import RunFolder  # noqa: E402
from tests.test_train_loggers import Told, wandb  # noqa: E402, F401

pytestmark = pytest.mark.usefixtures("one_thread")

#: Two epochs of four steps, on images of 32 pixels.
BEGIN = [
    *("train", "nasnet_a", "--task", "detection", "--N", "1", "--cell-filters", "4"),
    *("--stem", "imagenet", "--device", "cpu", "--quiet", "--set", "epochs=2"),
    *("--set", "image_size=32", "--set", "batch=2", "--set", "training_boxes=4"),
    *("--set", "proposals=8", "--set", "crop=5", "--set", "flip=true", "--set", "warmup=2"),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight images to train on and two to evaluate: a bright square each, one of them without."""
    from PIL import Image

    root = tmp_path_factory.mktemp("coco")
    (root / "annotations").mkdir()
    for part, count in (("train", 8), ("val", 2)):
        (root / part).mkdir()
        entries, annotations = [], []
        for number in range(count):
            picture = Image.new("RGB", (40, 32), (30, 60, 90))
            if number:
                picture.paste((250, 240, 20 * number), (4 + number, 6, 20 + number, 22))
                annotations.append(
                    {"id": number, "image_id": number, "category_id": 3 + 4 * (number % 2),
                     "bbox": [4 + number, 6, 16, 16], "area": 256, "iscrowd": 0}
                )  # fmt: skip
            picture.save(root / part / f"{number}.png")
            entries.append({"id": number, "file_name": f"{number}.png", "width": 40, "height": 32})
        kinds = [{"id": 3, "name": "even"}, {"id": 7, "name": "odd"}]
        document = {"images": entries, "annotations": annotations, "categories": kinds}
        (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(document))
    return root


@pytest.fixture(scope="module")
def run(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, from the command line."""
    path = tmp_path_factory.mktemp("runs") / "one"
    assert exit_code([*BEGIN, "--data", f"coco:{images}", "--out", str(path)]) == 0
    return path


def metrics(path: Path) -> list[dict[str, Any]]:
    lines = (path / "metrics.jsonl").read_text().splitlines()
    return [{**json.loads(line), "seconds": 0} for line in lines]


def test_run_folder(run: Path) -> None:
    """What a run leaves, and that the loss of each part is in it."""
    assert is_detection_run(run)
    found = {path.name for path in run.iterdir() if not path.name.startswith(".")}
    assert found - {"tensorboard"} == {
        *("network.cell", "recipe.toml", "run.json", "metrics.jsonl", "checkpoints"),
        *("model.safetensors", "report.md"),
    }
    first, second = metrics(run)
    assert (first["step"], second["step"]) == (4, 8)
    assert len(first["losses"]) == 4
    assert set(first["precision"]) >= {"ap", "ap50"}
    job = recorded_detection(run)
    assert job.names == ("even", "odd")
    assert (job.recipe.epochs, job.plan.classes, job.plan.image_size) == (2, 3, 32)


@pytest.mark.parametrize("step", [3, 4, 6])
def test_resumed_bit_for_bit(run: Path, images: Path, tmp_path: Path, step: int) -> None:
    """Stopped within an epoch or after it and resumed: the same weights, losses and figures."""
    path = tmp_path / "again"
    path.mkdir()
    for name in ("network.cell", "recipe.toml", "run.json"):
        shutil.copy(run / name, path / name)
    job, data = recorded_detection(path), coco_folder(f"coco:{images}")

    def stop(taken: int, _: float) -> None:
        if taken == step:
            import signal

            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train_detection(path, job, data, on_loss=stop)
    assert not (path / "model.safetensors").exists()
    assert exit_code(["train", "--resume", str(path), "--quiet"]) == 0
    assert metrics(path) == metrics(run)
    ours, theirs = (read_detector(each / "model.safetensors") for each in (path, run))
    state = theirs.detector.state_dict()
    assert all(torch.equal(v, state[n]) for n, v in ours.detector.state_dict().items())


def test_what_a_recipe_decides(images: Path) -> None:
    """A pyramid of fewer maps has as many anchors; paths are dropped where a recipe says so."""
    data, cells = coco_folder(f"coco:{images}"), source_cells("nasnet_a")
    small = Settings(N=1, cell_filters=4)
    recipe = detection_recipe("detection_quick", ["style=fpn", "image_size=32", "least_anchor=8"])
    plan = plan_detection(cells, data, recipe, small).plan
    assert plan.numbers.anchor_sizes == ((8,), (16,), (32,), (64,))
    assert plan.network.configuration.drop_path == 0
    released = detection_recipe("detection")
    for settings, expected in ((small, 0.3), (Settings(N=1, cell_filters=4, drop_path=0.1), 0.1)):
        plan = plan_detection(cells, data, released, settings).plan
        assert plan.network.configuration.drop_path == expected


def test_eval(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command's figures are those of the last epoch."""
    assert exit_code(["eval", str(run), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    last = metrics(run)[-1]["precision"]
    assert {name: found[name] for name in last} == pytest.approx(last)
    assert exit_code(["eval", str(run)]) == 0
    assert "ap50" in capsys.readouterr().out


def test_detect(
    run: Path, images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Boxes in every form, drawings of the images' sizes, and bad images told apart."""
    from PIL import Image

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    words = ["detect", str(run), str(images / "val"), "--threshold", "0"]
    assert exit_code([*words, "--json", "-o", str(tmp_path / "out")]) == 0
    found = json.loads(capsys.readouterr().out)["images"]
    assert len(found) == 2
    assert all(each["objects"] for each in found)
    for each in found[0]["objects"]:
        assert each["label"] in ("even", "odd")
        x1, y1, x2, y2 = each["box"]
        assert 0 <= x1 < x2 <= 40
        assert 0 <= y1 < y2 <= 32
    drawn = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in drawn] == ["0.png", "1.png"]
    with Image.open(drawn[0]) as after, Image.open(images / "val" / "0.png") as before:
        assert after.size == before.size
        assert after.tobytes() != before.tobytes()
    assert exit_code([*words, "--csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "image,label,score,x1,y1,x2,y2"
    assert len(lines) == 1 + sum(len(each["objects"]) for each in found)
    assert exit_code(["detect", str(run), str(bad), str(images / "val" / "0.png")]) == 2
    captured = capsys.readouterr()
    assert "NAS824" in captured.err
    assert "0.png" in captured.out


def test_drawings_take_no_image_s_place(run: Path, images: Path, tmp_path: Path) -> None:
    """Not where FOLDER is that of the images, nor where names differ in capitals alone."""
    photos, more = tmp_path / "photos", tmp_path / "more"
    shutil.copytree(images / "val", photos)
    more.mkdir()
    shutil.copy(photos / "0.png", photos / "A.png")
    shutil.copy(photos / "1.png", more / "a.png")
    before = {path: path.read_bytes() for path in [*photos.iterdir(), *more.iterdir()]}
    words = ["detect", str(run), "--threshold", "0", str(photos), str(more), "-o", str(photos)]
    assert exit_code(words) == 0
    assert {path: path.read_bytes() for path in before} == before
    drawn = sorted(path.name for path in {*photos.iterdir()} - before.keys())
    assert drawn == ["0-2.png", "1-2.png", "A-2.png", "a-3.png"]


def test_a_score_is_a_number(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With `nan`, every image had nothing on it."""
    assert exit_code(["detect", str(run), "any.png", "--threshold", "nan"]) == 2
    assert "'nan' is not a finite number" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["compare RUN", "predict RUN RUN", "publish RUN -o out"])
def test_what_is_for_classifiers_says_so(
    run: Path, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(words.replace("RUN", str(run)).split()) == 2
    said = capsys.readouterr().err
    assert "NAS843" in said
    assert "holds the run of a detector" in said


def test_a_detector_is_no_network_s_weights(run: Path, images: Path) -> None:
    """It had hundreds of unexpected names."""
    from nasdsl.train import evaluate_model, predict

    model = run / "model.safetensors"
    for use in (nasdsl.compile, evaluate_model, lambda path: predict(path, [images])):
        with pytest.raises(CellError, match=r"NAS802.*holds a detector"):
            use(model)


@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
def test_programs(tmp_path: Path, suffix: str) -> None:
    """Files of a detector find on an image of another size what the detector finds."""
    onnxruntime = pytest.importorskip("onnxruntime", reason="runs .onnx files")
    pytest.importorskip("onnxscript", reason="writes .onnx files")
    numbers = {"N": 1, "cell_filters": 4, "stem_filters": 8, "image_size": 48, "seed": 0}
    genotype = nasdsl.loads(TINY)
    made = nasdsl.detection.faster_rcnn(
        genotype,
        classes=3,
        proposals=12,
        crop=5,
        frozen_norm=False,
        batch_norm_momentum=1.0,
        **numbers,
    )
    image = torch.rand(3, 37, 61, generator=torch.Generator().manual_seed(3))
    target = {"boxes": torch.tensor([[4.0, 4, 30, 30]]), "labels": torch.tensor([1])}
    # Statistics of an image, so that something is found.
    made([image, image.flip(-1)], [target, target])
    path = tmp_path / f"detector{suffix}"
    written = nasdsl.detection.export_detector(TrainedDetector(made.eval(), ("a", "b")), path)
    assert written.relative_error < 1e-4
    with torch.inference_mode():
        (found,) = made([image])
        if suffix == ".pt2":
            answer = dict(zip(found, torch.export.load(path).module()(image), strict=True))
        else:
            session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
            names = [each.name for each in session.get_outputs()]
            arrays = session.run(names, {"image": image.numpy()})
            answer = {
                name: torch.from_numpy(each) for name, each in zip(names, arrays, strict=True)
            }
    assert len(found["scores"]) > 3
    for name, theirs in answer.items():
        assert torch.allclose(found[name], theirs, atol=1e-3), name


def test_programs_that_there_are_not(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Formats and flags that do not apply, a file that finds something else: nothing is left."""
    from nasdsl.detection import export

    model = str(run / "model.safetensors")
    for words, code in (
        (["-o", "detector.py"], "NAS708"),
        (["-o", "detector.xyz"], "NAS007"),
        (["-o", "detector.pt2", "--N", "2"], "does not apply"),
        ([], "-o OUT"),
    ):
        given = [str(tmp_path / word) if "." in word else word for word in words]
        assert exit_code(["compile", model, *given]) in (1, 2)
        assert code in capsys.readouterr().err
    copy = tmp_path / "copy.safetensors"
    assert exit_code(["compile", model, "-o", str(copy), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["classes"] == ["even", "odd"]
    assert exit_code(["compile", model, "-o", str(copy)]) == 0
    assert str(copy) in capsys.readouterr().out
    copy.unlink()
    trained = read_detector(model)
    pyramid = nasdsl.detection.faster_rcnn("nasnet_a", style="fpn", N=1, cell_filters=4)
    with pytest.raises(CellError, match="NAS708"):
        export.export_detector(TrainedDetector(pyramid, ("a",)), tmp_path / "d.pt2")

    def others(trained: Any, suffix: str, images: Any, path: Path) -> Any:
        path.write_bytes(b"content")
        return [
            (boxes + 1, labels, scores)
            for boxes, labels, scores in (export._found(trained.detector, each) for each in images)
        ]

    monkeypatch.setattr(export, "_written", others)
    with pytest.raises(CellError, match="NAS705"):
        export.export_detector(trained, tmp_path / "d.pt2")
    with torch.no_grad():
        next(trained.detector.parameters()).fill_(torch.nan)
    with pytest.raises(CellError, match="NAS706"):
        export.export_detector(trained, tmp_path / "d.pt2")
    assert not list(tmp_path.iterdir())


def test_learns(run: Path, images: Path, tmp_path: Path) -> None:
    """The loss of a batch that is seen again and again falls."""
    job = recorded_detection(run)
    from nasdsl.detection.images import SeededDetections, collated_detections
    from nasdsl.detection.model_file import build_detector

    data = coco_folder(f"coco:{images}")
    assert data.train is not None
    items = SeededDetections(data.train.images, flip=False)
    batch, targets = collated_detections([items[0, 2], items[0, 3]])
    net = build_detector(job.plan, seed=1, frozen_norm=False).train()
    optimizer = torch.optim.SGD(net.parameters(), 0.02, 0.9)
    totals = []
    for step in range(12):
        torch.manual_seed(step)
        total = sum(net(batch, targets).values())
        optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        totals.append(float(total.detach()))
    assert sum(totals[-3:]) < 0.6 * sum(totals[:3])


# -- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--data", "coco:none"], "NAS823"),
        (["--data", "digits"], "NAS825"),
        (["--data", "IMAGES", "--classes", "9"], "NAS844"),
        (["--data", "IMAGES", "--image-size", "4"], "NAS951"),
        (["--data", "IMAGES", "--recipe", "quick"], "NAS820"),
        (["--data", "IMAGES", "--weights", "none.npz"], "NAS001"),
    ],
)
def test_what_is_refused(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: str
) -> None:
    """One finding, and no folder."""
    data = f"coco:{images}"
    given = [data if word == "IMAGES" else word for word in words]
    out = tmp_path / "run"
    assert exit_code([*BEGIN, *given, "--out", str(out)]) in (1, 2)
    err = capsys.readouterr().err
    assert err.count("error[") == 1
    assert code in err
    assert not out.exists()


@pytest.mark.parametrize(
    "words",
    [["--no-scan"], ["--precision", "bf16"], ["--compile"], ["--accumulate", "2"], []],
)
def test_flags_of_classifiers(images: Path, tmp_path: Path, words: list[str]) -> None:
    """They are refused; without data there is nothing to detect."""
    data = ["--data", f"coco:{images}"] if words else []
    assert exit_code([*BEGIN, *data, *words, "--out", str(tmp_path / "run")]) == 2


def test_images_of_another_size(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Annotations of another data set are noticed when its images are read; nothing is lost."""
    from PIL import Image

    root = tmp_path / "coco"
    shutil.copytree(images, root)
    Image.new("RGB", (20, 16)).save(root / "train" / "3.png")
    out = tmp_path / "run"
    assert exit_code([*BEGIN, "--data", f"coco:{root}", "--out", str(out)]) in (1, 2)
    shutil.copy(images / "train" / "3.png", root / "train" / "3.png")
    capsys.readouterr()
    assert exit_code(["train", "--resume", str(out)]) == 0
    told = capsys.readouterr().err
    assert "training on cpu: 2 epochs of 4 steps, 8 in all, 2 images each" in told
    assert "epoch 2/2  loss " in told


def test_damaged_runs(run: Path, images: Path, tmp_path: Path) -> None:
    """Files of a run that are damaged, data with other categories, models that are none."""
    path = tmp_path / "run"
    shutil.copytree(run, path)
    root = tmp_path / "coco"
    shutil.copytree(images, root)
    for part in ("train", "val"):
        file = root / "annotations" / f"instances_{part}.json"
        file.write_text(file.read_text().replace("even", "level"))
    with pytest.raises(CellError, match="NAS955"):
        train_detection(path, recorded_detection(path), coco_folder(f"coco:{root}"))
    model = path / "model.safetensors"
    model.write_bytes(model.read_bytes()[:100])
    with pytest.raises(CellError, match="NAS802"):
        read_detector(model)
    assert exit_code(["detect", str(path), str(images / "val")]) in (1, 2)
    assert exit_code(["detect", str(tmp_path), str(images / "val")]) in (1, 2)


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("run.json", '"seed": 0', '"seed": 1', "another seed"),
        ("recipe.toml", "warmup = 2", "warmup = 1", "another warmup"),
        ("network.cell", "dropout              = 0.5", "dropout = 0.25", "another dropout"),
        ("run.json", '"seed": 0', '"seed": "x"', "cannot be read"),
        ("run.json", '"seed": 0', '"seed": -1', "cannot be read"),
        ("run.json", '"workers": 0', '"workers": -1', "cannot be read"),
        ("run.json", '"device": "cpu"', '"device": 3', "cannot be read"),
        ("run.json", '"weights": null', '"weights": [1, 2, 3]', "cannot be read"),
    ],
)
def test_edited_runs(
    run: Path, images: Path, tmp_path: Path, name: str, before: str, after: str, said: str
) -> None:
    """What its checkpoint was made with must be what its files say, and they what a run writes."""
    data = coco_folder(f"coco:{images}")

    def resume(path: Path) -> object:
        return train_detection(path, recorded_detection(path), data)

    assert said in refusal(run, tmp_path / "run", (name, before, after), resume)


def test_two_runs_started_in_one_empty_folder(run: Path, tmp_path: Path) -> None:
    """While one is being started another cannot be."""
    job = recorded_detection(run)
    with RunFolder(tmp_path).locked(), pytest.raises(CellError, match="NAS841"):
        begin_detection(tmp_path, job, ["nasdsl"])
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    "said",
    [
        *("3", "[]", "{}", "[" * 100_000, "9" * 5000, '{"names": 3}', '{"names": [], "style": 7}'),
        # More weights than any memory holds.
        '{"names": [], "classes": 1000000000}',
        '{"names": [], "classes": 3, "crop": 900000}',
    ],
)
def test_forged_models(run: Path, tmp_path: Path, said: str) -> None:
    """What the metadata of a file from somebody says of its detector is read within bounds."""
    model = run / "model.safetensors"
    with safe_open(model, "pt") as file:
        metadata = {**file.metadata(), "nasdsl.detector": said}
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(state, tmp_path / "forged.safetensors", metadata)
    with pytest.raises(CellError, match="NAS802"):
        read_detector(tmp_path / "forged.safetensors")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        RuntimeError("MPS backend out of memory (MPS allocated: 9.00 GB, max allowed: 9.07 GB)"),
    ],
)
def test_memory_ends_in_a_finding(
    run: Path, images: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """What PyTorch raises where memory ends; the checkpoints are as they were."""
    from nasdsl.detection import training

    def full(*_: Any) -> DetectionEpoch:
        raise error

    monkeypatch.setattr(training._DetectorTraining, "run", full)
    before = sorted((run / "checkpoints").iterdir())
    with pytest.raises(CellError, match="NAS707"):
        train_detection(run, recorded_detection(run), coco_folder(f"coco:{images}"))
    assert sorted((run / "checkpoints").iterdir()) == before


def test_loggers_and_seeds(
    images: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    wandb: Told,  # noqa: F811
) -> None:
    """A run for each seed, all sent to a logger, and means that a resumed training prints again."""
    out = tmp_path / "two"
    words = ["--data", f"coco:{images}", "--set", "epochs=1", "--log", "wandb", "--seeds", "3,5"]
    assert exit_code([*BEGIN, *words, "--no-tensorboard", "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [each["seed"] for each in said["seeds"]] == [3, 5]
    lines = [metrics(out / f"seed-{seed}")[0] for seed in (3, 5)]
    assert lines[0]["loss"] != lines[1]["loss"]
    values = [line["precision"]["ap"] for line in lines]
    assert said["mean"]["ap"]["mean"] == pytest.approx(sum(values) / 2)
    assert "| 5 |" in (out / "report.md").read_text()
    # Nothing was written for TensorBoard, and the other logger has every figure.
    assert not (out / "seed-3" / "tensorboard").exists()
    assert len(wandb.runs) == 2
    for told, seed, line in zip(wandb.runs.values(), (3, 5), lines, strict=True):
        assert (told["name"], told["opened"], told["ended"]) == (f"two/seed-{seed}", 1, [0])
        assert (told["config"]["recipe.epochs"], told["config"]["seed"]) == (1, seed)
        assert told["figures"] == {
            (4, "train/loss"): line["loss"],
            **{(4, f"train/{name}"): value for name, value in line["losses"].items()},
            **{
                (4, f"val/{name}"): value
                for name, value in line["precision"].items()
                if value is not None
            },
        }
    # The folder stands for its runs in the other commands too.
    assert exit_code(["train", "--resume", str(out), "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out) == said
    assert exit_code(["eval", str(out), "--json"]) == 0
    evaluated = json.loads(capsys.readouterr().out)
    assert evaluated["mean"]["ap"]["mean"] == pytest.approx(said["mean"]["ap"]["mean"])
