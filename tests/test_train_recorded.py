"""Training steps that are recorded, and images that stay where the network is, without a GPU."""

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")

from nasdsl.errors import CellError  # noqa: E402 (after the packages that may be missing)
from nasdsl.train import Execution, datasets, fit, recipe  # noqa: E402
from nasdsl.train import resident as resident_images  # noqa: E402
from nasdsl.train.data.splits import TransformedImages  # noqa: E402
from nasdsl.train.recorded import RecordedPass  # noqa: E402
from nasdsl.train.resident import ResidentBatches, are_kept  # noqa: E402
from nasdsl.train.training import Training  # noqa: E402
from tests.fake_cuda import FakeCuda  # noqa: E402
from tests.train_cases import network, short, splits  # noqa: E402

CPU = torch.device("cpu")
#: Everything that draws, averages, changes from step to step or has a state.
RICH = {"ema": 0.9, "clip": 1.0, "schedule": "cosine", "warmup": 0.5}
RICH_NETWORK = {"drop_path": 0.4, "dropout": 0.3}


def training(cuda: FakeCuda | None, **values: Any) -> Training:
    made = Training(
        network(**RICH_NETWORK), splits().train, short(**RICH, **values), 7, Execution("cpu")
    )
    if cuda is not None:
        made.recorded = RecordedPass(made._add_gradients, CPU, cuda)
    return made


def take_epoch(made: Training, epoch: int) -> list[float]:
    """The means after each step of an epoch."""
    made.batches.begin(epoch)
    found = []
    for part in made.loader:
        made.take_step([part])
        found += made.means()
    made.reset_sums()
    return found


def same(left: Any, right: Any) -> bool:
    """Whether two states are the same, bit for bit."""
    if isinstance(left, torch.Tensor):
        return bool(torch.equal(left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "rmsprop"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_recorded_steps_are_the_same(optimizer: str, precision: str) -> None:
    """Three steps run as they are, the fourth is recorded, and replays learn what calls do."""
    cuda = FakeCuda()
    chosen = {"optimizer": optimizer, "precision": precision}
    recorded, plain = training(cuda, **chosen), training(None, **chosen)
    for epoch in range(3):
        assert take_epoch(recorded, epoch) == take_epoch(plain, epoch)
        assert same(recorded.state(), plain.state())
    calls = [word for word in cuda.log if word in ("capture", "captured", "replay")]
    assert calls == ["capture", "captured", *["replay"] * (recorded.step - 3)]
    assert not cuda.faults


def test_a_recording_goes_on_from_a_state() -> None:
    """Weights, statistics and averages are read into the memory that the recording knows."""
    recorded, plain = training(FakeCuda()), training(None)
    for made in (recorded, plain):
        take_epoch(made, 0)
    state = training(None).state()
    for made in (recorded, plain):
        made.load(0, state)
        take_epoch(made, 0)
    assert same(recorded.state(), plain.state())


def test_the_passes_before_the_recording_are_aside() -> None:
    """Each on a stream that waits for the current one, which then waits for it."""
    cuda = FakeCuda()
    made = training(cuda)
    take_epoch(made, 0)
    assert cuda.log[:12] == [
        "0 records",
        "1 waits",
        "1 records",
        "0 waits",
        "0 records",
        "2 waits",
        "2 records",
        "0 waits",
        "0 records",
        "3 waits",
        "3 records",
        "0 waits",
    ]
    assert cuda.log[12] == "capture"


def test_what_cannot_be_recorded() -> None:
    """A loop that waits for the GPU is NAS707, and so is anything but one CUDA device."""

    def run(images: Any, labels: Any) -> None:
        float(images.sum())

    recorded = RecordedPass(run, CPU, FakeCuda())
    for _ in range(3):
        recorded(torch.ones(1), torch.ones(1))
    with pytest.raises(CellError) as caught:
        recorded(torch.ones(1), torch.ones(1))
    (found,) = caught.value.diagnostics
    assert (found.code, "cannot be recorded" in found.message) == ("NAS707", True)
    assert "capturing" in found.hints[0]
    for execution in (Execution("cpu", cuda_graph=True), Execution("cpu", 2, cuda_graph=True)):
        with pytest.raises(CellError) as caught:
            fit(network(), splits(), short(), execution=execution)
        (found,) = caught.value.diagnostics
        assert (found.code, "the device is cpu" in found.message) == ("NAS707", True)


# -- images that stay -----------------------------------------------------------------------


class AsFiles(TransformedImages):
    """The same images as a loader sees them: one by one."""


def digits(**changes: Any) -> Any:
    chosen = recipe("quick", epochs=1, batch=32, augmentation="none", **changes)
    return chosen, datasets("digits", chosen)


def test_which_images_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are in memory, the same each time, and not too many."""
    _, still = digits()
    assert are_kept(still.train)
    assert not are_kept(digits(cutout=2)[1].train)
    assert not are_kept(datasets("digits", recipe("quick")).train)
    assert not are_kept(splits().train)
    images = still.train
    assert not are_kept(TransformedImages(list(images.images), images.transform))
    monkeypatch.setattr(resident_images, "_MEMORY", len(images) * 4 * 64 - 1)
    assert not are_kept(images)


def test_they_are_those_of_the_loader(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same batches in the same order, so a training is the same bit for bit."""
    chosen, still = digits()
    net = {"classes": 10, "drop_path": 0.3}
    states, losses = [], []
    for keeps in (True, False):
        if not keeps:
            monkeypatch.setattr("nasdsl.train.training.are_kept", lambda images: False)
        made = Training(network(**net), still.train, chosen, 3, Execution("cpu"))
        assert isinstance(made.loader, ResidentBatches) == keeps
        first = next(iter(made.loader))
        losses.append((first, take_epoch(made, 0)))
        states.append(made.state())
    assert same([*losses[0][0]], [*losses[1][0]])
    assert losses[0][1] == losses[1][1]
    assert same(*states)


def test_they_are_transformed_once() -> None:
    """However many epochs there are."""
    chosen, still = digits()
    seen = []
    transform = still.train.transform

    def counted(image: Any) -> Any:
        seen.append(1)
        return transform(image)

    still.train.transform = counted
    made = Training(network(classes=10), still.train, chosen, 3, Execution("cpu"))
    seen.clear()
    for epoch in range(2):
        made.batches.begin(epoch)
        assert sum(len(labels) for _, labels in made.loader) == 32 * made.steps_per_epoch
    assert len(seen) == len(still.train)
