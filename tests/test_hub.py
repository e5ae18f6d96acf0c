"""Published models: what is written, that it is read back, and what timm makes of it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import nasdsl
from nasdsl.errors import CellError
from tests.cli_run import exit_code

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("huggingface_hub", reason="it is published through that")
pytest.importorskip("accelerate", reason="training needs it")

from safetensors.torch import load_file, save_file  # noqa: E402 (after what may be missing)

from nasdsl.hub import mixin, models  # noqa: E402
from nasdsl.train.run_folder import RunFolder, recorded_results  # noqa: E402
from tests.cli_run import TINY  # noqa: E402

TRAIN = "--N 1 --filters 8 --set batch=512 --set epochs=1 --set warmup=0 --set ema=0"
NOT_THERE = "no-such-owner/no-such-model"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one epoch, for all tests to read."""
    folder = tmp_path_factory.mktemp("hub")
    (folder / "tiny.cell").write_text(TINY)
    out = folder / "runs" / "one"
    words = ["train", str(folder / "tiny.cell"), *TRAIN.split(), "--out", str(out), "--quiet"]
    assert exit_code(words) == 0
    return out


@pytest.fixture(scope="module")
def published(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run as `nasdsl publish` writes it."""
    folder = tmp_path_factory.mktemp("published") / "one"
    assert exit_code(["publish", str(run), "-o", str(folder), "--license", "mit"]) == 0
    return folder


@pytest.fixture
def images() -> Any:
    """Three random images of 8x8 in grey."""
    return torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def refused(call: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(CellError) as caught:
        call()
    return caught.value.diagnostics[0].code, str(caught.value)


def card(folder: Path) -> tuple[dict[str, Any], str]:
    """The metadata and the text of a card."""
    _, metadata, text = (folder / "README.md").read_text("utf-8").split("---\n", 2)
    return yaml.safe_load(metadata), text


# -- the folder ---------------------------------------------------------------------------------


def test_the_network_comes_back(run: Path, published: Path, images: Any) -> None:
    """It computes what the run's model does, and can be trained and written again."""
    assert sorted(path.name for path in published.iterdir()) == sorted(models.FILES)
    net = nasdsl.hub.from_pretrained(published)
    expected = nasdsl.compile(run / "model.safetensors").eval()(images)
    assert torch.equal(net.eval()(images), expected)
    assert net.image_metadata
    net.train()(images).sum().backward()
    assert net.get_parameter("head.linear.weight").grad is not None
    assert torch.equal(nasdsl.compile(published / "model.safetensors").eval()(images), expected)


def test_the_configuration_has_the_text(published: Path) -> None:
    """The `.cell` text in it is the network, whatever else is installed."""
    config = json.loads((published / "config.json").read_text())
    genotype = nasdsl.loads(config["model_args"]["cell"])
    cells = nasdsl.loads(TINY)
    assert nasdsl.canonical_hash(genotype) == nasdsl.canonical_hash(cells)
    assert (genotype.settings.N, genotype.settings.filters, genotype.settings.classes) == (1, 8, 10)
    assert config["num_classes"] == 10
    assert config["pretrained_cfg"]["input_size"] == [1, 8, 8]


def test_the_card_says_what_is_known(run: Path, published: Path) -> None:
    """Cells, cost, data, training and results, and no path of this machine."""
    metadata, text = card(published)
    found = recorded_results(RunFolder(run))
    assert set(found) == {"held_out", "test"}
    assert metadata["library_name"] == "nasdsl"
    assert metadata["license"] == "mit"
    (entry,) = metadata["model-index"]
    results = {each["dataset"]["split"]: each["metrics"][0]["value"] for each in entry["results"]}
    assert results == {name: round(each.accuracy, 6) for name, each in found.items()}
    assert f"| test | {found['test'].images:,} | {found['test'].accuracy:.2%} |" in text
    cost = nasdsl.cost(run / "network.cell")
    assert f"{cost.params:,} parameters" in text
    assert "sep_conv_3x3, identity, add)" in text
    assert f'create_model("local-dir:{published}"' in text
    assert "On `digits` with the recipe `quick` and the seed 0, for 1 epoch in batches" in text
    assert str(run.parent.parent) not in (published / "README.md").read_text().replace(
        str(published), ""
    )


def test_a_report_and_the_results_agree(run: Path) -> None:
    report = (run / "report.md").read_text()
    for found in recorded_results(RunFolder(run)).values():
        assert f"**{found.accuracy:.2%}**" in report


def test_a_run_without_recorded_results(run: Path, tmp_path: Path) -> None:
    """Runs of 0.1.0 have those of their last epoch; damaged ones are refused."""
    old = tmp_path / "old"
    shutil.copytree(run, old)
    (old / "results.json").unlink()
    nasdsl.hub.save_pretrained(old, tmp_path / "out")
    _, text = card(tmp_path / "out")
    assert "| held out |" in text
    assert "| test |" not in text
    (old / "results.json").write_text('{"test": {"accuracy": "high"}}')
    code, _ = refused(lambda: nasdsl.hub.save_pretrained(old, tmp_path / "bad"))
    assert code == "NAS843"


def test_a_card_that_is_there_stays(run: Path, tmp_path: Path) -> None:
    """People write into it."""
    (tmp_path / "README.md").write_text("Mine.")
    nasdsl.hub.save_pretrained(run, tmp_path)
    assert (tmp_path / "README.md").read_text() == "Mine."


def test_a_network_without_a_run(tmp_path: Path, images: Any) -> None:
    """It has no results and no license, and its settings can be replaced when it is read."""
    net = nasdsl.compile(
        nasdsl.loads(TINY),
        N=1,
        cell_filters=4,
        stem="cifar",
        image_size=8,
        input_channels=1,
        classes=3,
        drop_path=0.3,
        drop_path_mode="plain",
    )
    nasdsl.hub.save_pretrained(net, tmp_path / "it", name="me/it")
    metadata, text = card(tmp_path / "it")
    assert not {"license", "model-index", "metrics"} & metadata.keys()
    assert "## Results" not in text
    assert 'from_pretrained("me/it")' in text
    back = nasdsl.hub.from_pretrained(tmp_path / "it", drop_path=0.1, dtype=torch.float64)
    assert back.drop_path_mode == "plain"
    assert back.graph.configuration.drop_path == 0.1
    assert torch.allclose(back.eval()(images.double()).float(), net.eval()(images), atol=1e-5)


def test_weights_that_others_wrote(published: Path, tmp_path: Path, images: Any) -> None:
    """The text is in the configuration, so a file without metadata will do."""
    folder = tmp_path / "other"
    shutil.copytree(published, folder)
    save_file(load_file(published / "model.safetensors"), folder / "model.safetensors")
    expected = nasdsl.hub.from_pretrained(published).eval()(images)
    assert torch.equal(nasdsl.hub.from_pretrained(folder).eval()(images), expected)


@pytest.mark.parametrize(
    ("file", "content", "code"),
    [
        ("config.json", None, "NAS001"),
        ("config.json", "{", "NAS802"),
        ("config.json", "[]", "NAS802"),
        ("config.json", '{"model_args": {"cell": 3}}', "NAS802"),
        ("config.json", '{"model_args": {"cell": "genotype a\\n"}}', "NAS313"),
        ("config.json", '{"a": "' + "b" * 2**20 + '"}', "NAS802"),
        ("model.safetensors", None, "NAS001"),
        ("model.safetensors", "nothing", "NAS802"),
    ],
)
def test_damaged_folders(
    published: Path, tmp_path: Path, file: str, content: str | None, code: str
) -> None:
    folder = tmp_path / "other"
    shutil.copytree(published, folder)
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_text(content)
    found, _ = refused(lambda: nasdsl.hub.from_pretrained(folder))
    assert found == code


def test_what_is_no_model(run: Path, tmp_path: Path) -> None:
    """Nothing is written for it."""
    out = tmp_path / "out"
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished)
    (unfinished / "model.safetensors").unlink()
    for model, code in (
        (torch.nn.Linear(2, 2), "NAS008"),
        (3, "NAS008"),
        (tmp_path / "nosuch", "NAS001"),
        (run / "network.cell", "NAS802"),
        (tmp_path, "NAS843"),
        (unfinished, "NAS842"),
    ):
        assert refused(lambda model=model: nasdsl.hub.save_pretrained(model, out))[0] == code
    assert not out.exists()
    (tmp_path / "file").write_text("")
    code, _ = refused(lambda: nasdsl.hub.save_pretrained(run, tmp_path / "file"))
    assert code == "NAS006"


# -- the Hub ------------------------------------------------------------------------------------


def test_a_push_is_one_commit_of_the_folder(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Hub is asked for a repository, and given the files that a folder would have."""
    asked: dict[str, Any] = {}

    class Api:
        def __init__(self, token: str | None = None) -> None:
            assert token is None

        def create_repo(self, repo_id: str, **options: Any) -> Any:
            asked.update(options)
            return type("Url", (), {"repo_id": repo_id})()

        def upload_folder(self, folder_path: Path, **options: Any) -> str:
            asked.update(options, files=sorted(each.name for each in folder_path.iterdir()))
            asked["card"] = (folder_path / "README.md").read_text()
            return "https://hub/commit/1"

    monkeypatch.setattr("huggingface_hub.hub_mixin.HfApi", Api)
    words = ["publish", str(run), "--repository", "me/digits", "--private"]
    assert exit_code(words) == 0
    assert capsys.readouterr().out == "https://hub/commit/1\n"
    assert asked["files"] == sorted(models.FILES)
    assert asked["private"] is True
    assert asked["repo_id"] == "me/digits"
    assert 'create_model("hf-hub:me/digits"' in asked["card"]


def test_a_hub_that_does_not_answer(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no folder and no repository, and a Hub that refuses, are findings."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code, said = refused(lambda: nasdsl.hub.from_pretrained(NOT_THERE))
    assert (code, NOT_THERE in said) == ("NAS806", True)
    code, said = refused(lambda: nasdsl.hub.push_to_hub(run, NOT_THERE))
    assert (code, NOT_THERE in said) == ("NAS806", True)
    for call in (nasdsl.hub.from_pretrained, lambda name: nasdsl.hub.push_to_hub(run, name)):
        code, said = refused(lambda call=call: call("no/such/folder"))
        assert (code, "no folder" in said) == ("NAS806", True)


def test_the_mixin_is_the_hubs_own(published: Path, images: Any) -> None:
    """Whoever knows `ModelHubMixin` finds its methods."""
    from huggingface_hub import ModelHubMixin

    assert issubclass(mixin.HubModel, ModelHubMixin)
    found = mixin.HubModel.from_pretrained(published).model.network
    expected = nasdsl.hub.from_pretrained(published)
    assert torch.equal(found.eval()(images), expected.eval()(images))


# -- timm ---------------------------------------------------------------------------------------


def test_models_of_timm(published: Path, images: Any) -> None:
    """A folder and a network of the library, with the arguments that timm's own models take."""
    timm = pytest.importorskip("timm")
    names = nasdsl.hub.register_with_timm()
    assert nasdsl.hub.register_with_timm() == names
    assert {"nasdsl", "nasdsl_nasnet_a_mobile"} <= set(timm.list_models("nasdsl*"))
    where = f"local-dir:{published}"
    net = timm.create_model(where, pretrained=True).eval()
    ours = nasdsl.hub.from_pretrained(published)
    assert torch.equal(net(images), ours.eval()(images))
    data = timm.data.resolve_data_config({}, model=net)
    said = json.loads(ours.image_metadata)
    assert data["input_size"] == [1, 8, 8]
    assert data["mean"] == said["mean"]
    assert data["crop_pct"] == said["size"] / said["resized"]
    other = timm.create_model(where, pretrained=True, num_classes=3, in_chans=3).eval()
    assert other(images.repeat(1, 3, 1, 1)).shape == (3, 3)
    kept = "cells.0.b0.left.1.weight"
    assert torch.equal(other.state_dict()[kept], net.state_dict()[kept])
    features = timm.create_model(where, pretrained=True, features_only=True, out_indices=(0, 2))
    assert [each.shape[1] for each in features(images)] == features.feature_info.channels()
    assert timm.create_model(where, num_classes=0)(images).shape == (3, net.num_features)


def test_a_network_of_the_library_by_timm() -> None:
    timm = pytest.importorskip("timm")
    nasdsl.hub.register_with_timm()
    small = {"layers": 4, "cell_filters": 4, "img_size": (16, 16), "device": "meta"}
    net = timm.create_model("nasdsl_darts_v2_cifar", num_classes=7, **small)
    assert (net.graph.configuration.image_size, net.num_classes) == (16, 7)
    with pytest.raises(RuntimeError, match="No pretrained weights exist for nasdsl_darts_v2_cifar"):
        timm.create_model("nasdsl_darts_v2_cifar", pretrained=True)
    assert refused(lambda: timm.create_model("nasdsl"))[0] == "NAS501"
