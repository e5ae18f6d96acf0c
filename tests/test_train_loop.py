"""The training loop: what it computes, that it repeats itself, what it refuses."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("accelerate", reason="training needs it")

from hypothesis import given, settings  # noqa: E402 (after the packages that may be missing)
from hypothesis import strategies as st  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402

from nasdsl.errors import CellError  # noqa: E402
from nasdsl.train import (  # noqa: E402
    Checkpoints,
    Epoch,
    Execution,
    Interrupted,
    Watcher,
    evaluate,
    fit,
)
from nasdsl.train.batches import EpochBatches, seed_of  # noqa: E402
from nasdsl.train.training import Training, training_loss  # noqa: E402
from tests.train_cases import Noisy, network, short, splits  # noqa: E402

#: Everything that draws, averages or has a state.
RICH = {"ema": 0.9, "label_smoothing": 0.1, "clip": 1.0}
RICH_NETWORK = {"drop_path": 0.4, "dropout": 0.3}


def equal(left: Any, right: Any) -> bool:
    """Whether two nests of tensors and values are the same, bit for bit."""
    if isinstance(left, torch.Tensor):
        return bool(torch.equal(left, right))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def timeless(history: Sequence[Epoch]) -> list[dict[str, Any]]:
    """Epochs without what depends on the clock."""
    found = []
    for epoch in history:
        members = epoch.as_members()
        del members["seconds"], members["images_per_second"]
        if members["held_out"]:
            del members["held_out"]["seconds"]
        found.append(members)
    return found


# -- seeds and order ----------------------------------------------------------------------


def test_seeds_differ() -> None:
    """Every use at every place has a seed of its own, in the range PyTorch takes."""
    uses: list[Any] = ["order", "image", "forward"]
    seeds = {
        seed_of(s, use, a, b) for s in (0, 1, 10) for use in uses for a in (0, 1) for b in (0, 1)
    }
    assert len(seeds) == 3 * 3 * 4
    assert all(0 <= seed < 2**63 for seed in seeds)


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(1, 60),
    batches=st.integers(1, 3),
    processes=st.integers(1, 3),
    accumulation=st.integers(1, 3),
    epoch=st.integers(0, 3),
)
def test_parts_of_a_batch(
    count: int, batches: int, processes: int, accumulation: int, epoch: int
) -> None:
    """However a batch is cut, its parts put together are the batch, seeds included."""
    parts = processes * accumulation
    batch = batches * parts
    whole = EpochBatches(count, batch, 7)
    whole.begin(epoch)
    cut = [
        EpochBatches(count, batch, 7, rank, processes, accumulation) for rank in range(processes)
    ]
    for each in cut:
        each.begin(epoch)
    lists = [list(each) for each in cut]
    for step, expected in enumerate(whole):
        mine = slice(step * accumulation, (step + 1) * accumulation)
        assert [place for found in lists for part in found[mine] for place in part] == expected
    assert all(len(found) == whole.steps * accumulation for found in lists)


@given(count=st.integers(1, 60), batch=st.integers(1, 20), first=st.integers(0, 5))
def test_an_epoch_from_a_step_on(count: int, batch: int, first: int) -> None:
    """Beginning later leaves out the steps before; no image comes twice; epochs differ."""
    batches = EpochBatches(count, batch, 0)
    batches.begin(1)
    whole = list(batches)
    batches.begin(1, min(first, batches.steps))
    assert list(batches) == whole[first:]
    indices = [index for part in whole for _, index in part]
    assert len(set(indices)) == len(indices)
    batches.begin(2)
    assert not whole or list(batches) != whole


# -- what is computed ---------------------------------------------------------------------


def test_a_step_by_hand() -> None:
    """A step is that of a loop of a few lines: same images, loss, gradient and update."""
    chosen = short(optimizer="sgd", nesterov=False, weight_decay=0.0, clip=0.0, schedule="constant")
    data, net, other = splits(), network(**RICH_NETWORK), network(**RICH_NETWORK)
    training = Training(net, data.train, chosen, 5, Execution("cpu"))
    training.batches.begin(0)
    optimizer = torch.optim.SGD(other.parameters(), chosen.lr, 0.9)
    other.train()
    batches = EpochBatches(len(data.train), 8, 5)
    for number, (part, places) in enumerate(zip(training.loader, batches, strict=True)):
        training.take_step([part])
        images, labels = [], []
        for seed, index in places:
            torch.manual_seed(seed)
            image, label = data.train[index]
            images.append(image)
            labels.append(label)
        torch.manual_seed(seed_of(5, "forward", number, 0))
        other.set_progress(number / 15)
        optimizer.zero_grad()
        logits = other(torch.stack(images))
        cross_entropy(logits, torch.tensor(labels), label_smoothing=0.1).backward()
        optimizer.step()
    assert training.step == 5
    state, expected = net.state_dict(), other.state_dict()
    for name in state:
        assert torch.allclose(state[name], expected[name], rtol=1e-4, atol=1e-6), name


def test_training_loss_by_hand() -> None:
    """Smoothed labels for both classifiers, the auxiliary one weighed."""
    logits, auxiliary = torch.randn(4, 3), torch.randn(4, 3)
    labels = torch.tensor([0, 2, 1, 1])
    target = torch.full((4, 3), 0.1 / 3)
    target[range(4), labels] += 0.9

    def smoothed(z: Any) -> Any:
        return -(target * z.log_softmax(1)).sum(1).mean()

    loss, about = training_loss((logits, auxiliary), labels, 0.1, 0.4)
    assert torch.allclose(loss, smoothed(logits) + 0.4 * smoothed(auxiliary))
    assert about is logits
    assert torch.allclose(training_loss(logits, labels, 0.1, 0.4)[0], smoothed(logits))


def test_accumulation_is_the_same_gradient() -> None:
    """Where nothing depends on the batch as a whole, two parts make the step of one.

    Batch norm does depend on it, so it is in evaluation here.
    """
    found = []
    for accumulation in (1, 2):
        net = network()
        execution = Execution("cpu", accumulation=accumulation)
        training = Training(net, splits().train, short(optimizer="sgd"), 0, execution)
        net.eval()
        parts = list(training.loader)[:accumulation]
        training.take_step(parts)
        found.append(net.state_dict())
    for name, tensor in found[0].items():
        assert torch.allclose(tensor, found[1][name], atol=1e-6), name


def test_evaluation_by_hand() -> None:
    """Loss, hits, and hits among five, for any size of batch; the network is as before."""
    net, images = network().train(), Noisy(20, 0.0)
    pixels = torch.stack([images[i][0] for i in range(20)])
    labels = torch.tensor(images.labels)
    net.eval()
    with torch.no_grad():
        logits = net(pixels)
    net.train()
    for batch in (1, 7, 128):
        found = evaluate(net, images, batch=batch)
        assert found.images == 20
        assert found.loss == pytest.approx(float(cross_entropy(logits, labels)), rel=1e-5)
        assert found.accuracy == pytest.approx(float((logits.argmax(1) == labels).float().mean()))
        assert found.accuracy_top5 == 1.0
        assert net.training
    with pytest.raises(ValueError, match="no images"):
        evaluate(net, Noisy(0))


def test_fit_learns_and_tells() -> None:
    """Means that tell the class are learned; the net ends in evaluation as it was evaluated."""
    net, data, seen = network(), splits(), []
    fitted = fit(net, data, short(epochs=20, lr=0.02), on_epoch=seen.append, test=True)
    assert fitted.held_out is not None
    assert fitted.held_out.accuracy >= 0.9
    assert fitted.steps == 100
    assert tuple(seen) == fitted.history
    assert [epoch.epoch for epoch in seen] == list(range(1, 21))
    assert fitted.test is not None
    assert fitted.test.images == 12
    assert not net.training
    again = evaluate(net, data.held_out)
    assert again.loss == pytest.approx(fitted.held_out.loss, rel=1e-5)


def test_averages_are_what_is_evaluated() -> None:
    """With `ema` the network ends with the averages, which are not the last weights."""
    with_average, without = network(), network()
    fitted = fit(with_average, splits(), short(ema=0.9))
    fit(without, splits(), short())
    name = "head.linear.weight"
    assert not torch.equal(with_average.state_dict()[name], without.state_dict()[name])
    assert fitted.held_out is not None
    assert evaluate(with_average, splits().held_out).loss == pytest.approx(fitted.held_out.loss)


def test_same_seed_same_network() -> None:
    """A seed decides everything, whatever the caller's generator and loading processes do."""
    found = []
    for seed, workers in ((0, 0), (0, 0), (0, 2), (1, 0)):
        torch.rand(len(found))
        before = torch.random.get_rng_state()
        net = network(**RICH_NETWORK)
        fitted = fit(
            net, splits(), short(**RICH), seed=seed, execution=Execution("cpu", workers=workers)
        )
        assert torch.equal(torch.random.get_rng_state(), before)
        found.append((net.state_dict(), timeless(fitted.history)))
    assert equal(found[0], found[1])
    assert equal(found[0], found[2])
    assert not equal(found[0], found[3])


@pytest.mark.parametrize("how", [{"compile": True}, {"channels_last": True}, {"accumulation": 2}])
def test_ways_to_run(how: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each changes rounding or memory, not what is learned."""
    graphs: list[torch.fx.GraphModule] = []

    def as_traced(graph: torch.fx.GraphModule, _: Sequence[Any]) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    # PyTorch traces the network and runs the graphs, without the C++ compiler that its own
    # backend needs.
    traced = torch.nn.Module.compile
    monkeypatch.setattr(torch.nn.Module, "compile", lambda net: traced(net, backend=as_traced))
    fitted = fit(network(), splits(), short(), execution=Execution("cpu", **how))
    assert bool(graphs) == ("compile" in how)
    plain = fit(network(), splits(), short(), execution=Execution("cpu"))
    assert fitted.history[0].loss == pytest.approx(plain.history[0].loss, rel=0.2)


def test_bf16() -> None:
    """Mixed precision keeps weights in float32 and gives nearly the same loss."""
    net = network()
    fitted = fit(net, splits(), short(precision="bf16"), execution=Execution("cpu"))
    plain = fit(network(), splits(), short(), execution=Execution("cpu"))
    assert all(p.dtype == torch.float32 for p in net.parameters())
    assert fitted.history[0].loss == pytest.approx(plain.history[0].loss, rel=0.1)
    assert fitted.history[0].loss != plain.history[0].loss


def scaled(scale: float | None, steps: int = 3) -> Training:
    """A training on the CPU after some steps, with a loss scaler as float16 has one on CUDA."""
    training = Training(network(), splits().train, short(**RICH), 0, Execution("cpu"))
    if scale is not None:
        training.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
    for _, part in zip(range(steps), training.loader, strict=False):
        training.take_step([part])
    return training


def test_a_loss_scaler_changes_no_step() -> None:
    """Gradients are those of the loss itself before they are clipped; its state is kept."""
    plain, with_scaler = scaled(None), scaled(2.0**10)
    assert equal(with_scaler.net.state_dict(), plain.net.state_dict())
    assert "scaler" not in plain.state()
    state = with_scaler.state()
    assert state["scaler"]["scale"] == 2.0**10
    again = scaled(2.0, steps=0)
    again.load(3, state)
    assert again.accelerator.scaler.get_scale() == 2.0**10


def test_gradients_that_are_not_finite_are_left_out() -> None:
    """No step is taken with a gradient that overflowed, and the next loss is scaled by half."""
    training = scaled(2.0**10, steps=0)
    before = [parameter.clone() for parameter in training.parameters]
    training.parameters[0].register_hook(lambda gradient: gradient * math.inf)
    training.take_step([next(iter(training.loader))])
    assert equal(before, training.parameters)
    assert training.accelerator.scaler.get_scale() == 2.0**9
    assert training.step == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="where there is no CUDA device")
def test_fp16_needs_cuda() -> None:
    """It is refused before anything is trained, and evaluation falls back to float32."""
    for device in (None, "cpu", "cuda"):
        with pytest.raises(CellError, match="fp16 needs a CUDA device") as caught:
            fit(network(), splits(), short(precision="fp16"), execution=Execution(device))
        assert caught.value.diagnostics[0].code == "NAS707"
    net = network()
    found, plain = (evaluate(net, splits().test, precision=each) for each in ("fp16", "fp32"))
    assert found.loss == plain.loss


# -- going on -----------------------------------------------------------------------------


def after(steps: int) -> Callable[[], bool]:
    """Says stop when it is asked for the `steps`th time."""
    asked = iter(range(1, 1000))
    return lambda: next(asked) >= steps


@pytest.mark.parametrize("stop_at", [1, 3, 5, 6, 11])
def test_resumed_bit_for_bit(stop_at: int, tmp_path: Path) -> None:
    """Stopped within an epoch or at its end, weights, averages, optimizer and history agree."""
    whole_folder, folder = Checkpoints(tmp_path / "whole"), Checkpoints(tmp_path / "stopped")
    whole = network(**RICH_NETWORK)
    expected = fit(whole, splits(), short(**RICH), checkpoints=whole_folder)
    with pytest.raises(Interrupted) as stopped:
        fit(
            network(**RICH_NETWORK),
            splits(),
            short(**RICH),
            checkpoints=folder,
            stop=after(stop_at),
        )
    assert stopped.value.step == stop_at
    assert stopped.value.checkpoint == folder.paths()[0]
    # Another seed: the checkpoint's weights count, not these.
    net = network(seed=99, **RICH_NETWORK)
    fitted = fit(net, splits(), short(**RICH), checkpoints=folder)
    assert equal(net.state_dict(), whole.state_dict())
    assert timeless(fitted.history) == timeless(expected.history)
    states = [each.newest().state for each in (whole_folder, folder)]  # type: ignore[union-attr]
    for name in ("step", "net", "optimizer", "average", "sums", "recipe"):
        assert equal(states[0][name], states[1][name]), name


def test_a_finished_training_is_not_repeated(tmp_path: Path) -> None:
    """Its result is read, not computed again; only the test images are seen."""
    first = fit(network(), splits(), short(), checkpoints=Checkpoints(tmp_path))
    steps: list[int] = []

    class Steps(Watcher):
        def stepped(self, step: int, learning_rate: float) -> None:
            steps.append(step)

    net = network(seed=3)
    again = fit(net, splits(), short(), checkpoints=Checkpoints(tmp_path), watchers=[Steps()])
    assert steps == []
    assert timeless(again.history) == timeless(first.history)
    assert again.seconds >= first.seconds


# -- refusals -----------------------------------------------------------------------------


def codes(error: pytest.ExceptionInfo[CellError]) -> list[str]:
    return [finding.code for finding in error.value.diagnostics]


def test_divergence_keeps_the_last_good_checkpoint(tmp_path: Path) -> None:
    """A rate that blows up is noticed at once; what was saved before is finite and loads."""
    folder = Checkpoints(tmp_path)
    plain = {"optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "clip": 0.0}
    fit(network(), splits(), short(**plain, lr=0.01, epochs=1), checkpoints=folder)
    saved = folder.newest()
    assert saved is not None
    wild = short(**plain, lr=1e12)
    with pytest.raises(CellError) as error:
        fit(network(), splits(), wild, checkpoints=folder, save_seconds=0)
    assert codes(error) == ["NAS840"]
    found = folder.newest()
    assert found is not None
    assert found.state["step"] >= saved.state["step"] == 5
    assert all(bool(tensor.isfinite().all()) for tensor in found.state["net"].values())


def test_nan_in_the_data(tmp_path: Path) -> None:
    """One image that is not a number ends a training, with the checkpoint before it kept."""

    class Spoilt(Noisy):
        def __getitem__(self, index: int) -> tuple[Any, int]:
            image, label = super().__getitem__(index)
            return (image * math.nan if index == 3 else image), label

    data, folder = splits(), Checkpoints(tmp_path)
    fit(network(), data, short(epochs=1), checkpoints=folder)
    spoilt = type(data)("spoilt", Spoilt(44), data.held_out, data.test, 3, 1, 8)
    with pytest.raises(CellError) as error:
        fit(network(), spoilt, short(epochs=3), checkpoints=folder)
    assert codes(error) == ["NAS840"]
    found = folder.newest()
    assert found is not None
    assert found.state["step"] == 5


def test_networks_for_other_images() -> None:
    """Every difference in one refusal."""
    with pytest.raises(CellError) as error:
        fit(network(classes=5, image_size=16), splits(), short())
    assert codes(error) == ["NAS844", "NAS844"]
    with pytest.raises(CellError, match="compiled networks") as error:
        fit(torch.nn.Linear(2, 2), splits(), short())
    assert codes(error) == ["NAS008"]


def test_batches_that_cannot_be_cut() -> None:
    """A batch of 8 has no three equal parts; the hint has one that does."""
    with pytest.raises(CellError) as error:
        fit(network(), splits(), short(), execution=Execution("cpu", accumulation=3))
    assert codes(error) == ["NAS845"]
    assert "batch=6" in error.value.diagnostics[0].hints[0]


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """`nasdsl.train` is public, and `recipe` in it is the function."""
    import nasdsl

    assert nasdsl.train.recipe("search").name == "search"
    assert set(nasdsl.train.__all__) <= set(dir(nasdsl.train))
    for name in nasdsl.train.__all__:
        assert getattr(nasdsl.train, name) is not None
    with pytest.raises(AttributeError):
        _ = nasdsl.train.nonsense


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not installed is named, with the command that installs it."""
    import nasdsl

    monkeypatch.setattr(
        "nasdsl.registry.find_spec", lambda name: None if name == "accelerate" else name
    )
    # An earlier test may have imported it already.
    monkeypatch.delitem(vars(nasdsl.train), "fit", raising=False)
    with pytest.raises(CellError) as error:
        _ = nasdsl.train.fit
    assert codes(error) == ["NAS701"]
    assert "accelerate" in error.value.diagnostics[0].message


def test_devices_that_are_not_there() -> None:
    """A device that Accelerate does not find is refused, not replaced."""
    with pytest.raises(CellError) as error:
        fit(network(), splits(), short(), execution=Execution("nonsense"))
    assert codes(error) == ["NAS707"]


class FixedLogits(torch.nn.Module):
    """Gives each image the logits that its pixels are."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return images.flatten(1)


def test_top_five_of_eight() -> None:
    """The class with the k-th highest logit is a hit up to k = 5; three classes cannot tell."""
    falling = torch.arange(8, 0, -1.0).reshape(1, 1, 8)
    found = evaluate(FixedLogits(), [(falling, label) for label in range(8)])
    assert (found.accuracy, found.accuracy_top5) == (1 / 8, 5 / 8)


def gradients_of_a_step(parts: int, **values: Any) -> torch.Tensor:
    """The gradients that the optimizer gets for a batch of so many parts, all alike."""
    training = Training(
        network(), splits().train, short(**values), 0, Execution("cpu", accumulation=parts)
    )
    seen: list[torch.Tensor] = []

    def keep(*_: Any) -> None:
        found = [p.grad.flatten().clone() for p in training.parameters if p.grad is not None]
        seen.append(torch.cat(found))

    training.optimizer.register_step_pre_hook(keep)
    generator = torch.Generator().manual_seed(1)
    part = (torch.randn(4, 1, 8, 8, generator=generator), torch.tensor([0, 1, 2, 0]))
    training.take_step([part] * parts)
    (found,) = seen
    return found


def test_parts_are_averaged_before_clipping() -> None:
    """Two equal parts have the gradient of one, where no clip hides a factor."""
    one, two = gradients_of_a_step(1, clip=0.0), gradients_of_a_step(2, clip=0.0)
    assert one.norm() > 0
    assert torch.allclose(one, two, rtol=1e-4, atol=1e-7)


def test_the_clip_is_the_largest_norm() -> None:
    """A gradient above the clip is brought to that norm, and no other."""
    free = float(gradients_of_a_step(1, clip=0.0).norm())
    clipped = gradients_of_a_step(1, clip=free / 4)
    assert float(clipped.norm()) == pytest.approx(free / 4, rel=1e-3)


def test_decay_is_inside_the_clipped_norm() -> None:
    """As in slim: gradient plus decay is brought to the clip; else decay comes after it."""
    plain = {"optimizer": "sgd", "weight_decay": 0.5}
    free = gradients_of_a_step(1, clip=0.0, **plain)
    weights = torch.cat(
        [p.detach().flatten() * (p.ndim > 1) for p in network().parameters() if p.requires_grad]
    )
    whole = free + 0.5 * weights
    clip = float(whole.norm()) / 4
    inside = gradients_of_a_step(1, clip=clip, clip_decay=True, **plain)
    torch.testing.assert_close(inside, whole / 4, rtol=1e-3, atol=1e-6)
    outside = gradients_of_a_step(1, clip=float(free.norm()) / 4, **plain)
    torch.testing.assert_close(outside, free / 4, rtol=1e-3, atol=1e-6)
