"""Networks on CUDA streams and in CUDA graphs, as far as that can be shown without a GPU."""

import sys
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from nasdsl_backends.torch import Network

import nasdsl
from bench import gpu
from nasdsl import runtimes
from nasdsl.api.bench import Measured
from nasdsl.runtimes.cuda_graphs import recorded_by_shape
from nasdsl.runtimes.levels import levels_of, places_of
from nasdsl.runtimes.on_streams import OnStreams
from tests.fake_cuda import FakeCuda
from tests.thorough import many
from tests.torch_networks import KINDS, built, image, random_graphs, randomised, small

CPU = torch.device("cpu")


@st.composite
def operations(draw: st.DrawFn) -> list[list[int]]:
    """For each operation, the earlier ones that it reads."""
    count = draw(st.integers(0, 40))
    return [
        draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        for number in range(count)
    ]


def done_before(reads: Sequence[Sequence[int]], streams: int) -> list[set[int]]:
    """What is certainly done when each operation begins: what its stream and its waits say."""
    before: list[set[int]] = []
    last: dict[int, int] = {}
    for number, place in enumerate(places_of(reads, streams)):
        known: set[int] = set()
        for one in (*place.waits, *([last[place.stream]] if place.stream in last else [])):
            known |= {one} | before[one]
        before.append(known)
        last[place.stream] = number
    return before


@given(operations(), st.integers(1, 6))
def test_places(reads: list[list[int]], streams: int) -> None:
    """Everything waits for what it reads, through streams and waits, and for nothing twice."""
    places = places_of(reads, streams)
    assert all(0 <= place.stream < streams for place in places)
    before = done_before(reads, streams)
    last: dict[int, int] = {}
    for number, (inputs, place) in enumerate(zip(reads, places, strict=True)):
        assert before[number] >= set(inputs)
        assert set(place.waits) <= set(inputs)
        own = [last[place.stream]] if place.stream in last else []
        for one in place.waits:
            assert places[one].stream != place.stream
            others = [*own, *(each for each in place.waits if each != one)]
            assert not any(one in before[each] or one == each for each in others)
        last[place.stream] = number


@given(operations(), st.integers(1, 6))
def test_levels(reads: list[list[int]], streams: int) -> None:
    """A level is the longest way from the image, and is spread over the streams evenly."""
    levels = levels_of(reads)
    for inputs, level in zip(reads, levels, strict=True):
        assert level == (max(levels[one] for one in inputs) + 1 if inputs else 0)
    places = places_of(reads, streams)
    for level in set(levels):
        busy = [
            sum(
                place.stream == stream and at == level
                for place, at in zip(places, levels, strict=True)
            )
            for stream in range(streams)
        ]
        assert max(busy) - min(busy) <= 1


def test_a_chain_stays_where_it_is() -> None:
    """Two chains that meet are on two streams, and one wait is enough."""
    reads = [[], [], [0], [1], [2], [3], [4, 5]]
    places = places_of(reads, 2)
    assert [place.stream for place in places] == [0, 1, 0, 1, 0, 1, 0]
    assert [place.waits for place in places] == [()] * 6 + [(5,)]


def network(name: str = "nasnet_a_mobile") -> Network:
    return randomised(built(small(name), seed=1)).eval()


def faults(net: Network, streams: int) -> tuple[list[str], set[int]]:
    """What a recording on streams does too early, and the streams that it uses."""
    cuda = FakeCuda(replays=False)
    run = OnStreams(net, streams, cuda)
    with torch.inference_mode(), cuda.graph(cuda.CUDAGraph()):
        run(image(net.graph))
    return cuda.faults, cuda.used


@pytest.mark.parametrize("name", KINDS)
def test_every_network_waits(name: str) -> None:
    """No operation of the library's networks reads, overwrites or frees memory too early."""
    net = network(name)
    for each in (net, nasdsl.optimize(net)):
        found, used = faults(each, 4)
        assert not found
        assert len(used) == 4


def test_random_networks_wait() -> None:
    """Random genotypes on random skeletons compute what they did; 200 in the profile `thorough`."""
    for number, graph in enumerate(random_graphs(many(200, usually=4), seed=16, largest=40)):
        net = nasdsl.optimize(randomised(built(graph, seed=number)).eval())
        streams = 1 + number % 5
        found, used = faults(net, streams)
        assert (found, len(used) <= streams) == ([], True)
        images = image(graph)
        with torch.inference_mode():
            assert torch.equal(OnStreams(net, streams, FakeCuda())(images), net(images))


class _Careless(OnStreams):
    """Streams that do not wait for one another."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._places = [place._replace(waits=()) for place in self._places]


class _Forgetful(OnStreams):
    """Memory that is given away when the program has no more use for it."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self._shared = set()


@pytest.mark.parametrize(
    ("kind", "message"), [(_Careless, "still busy"), (_Forgetful, "a new tensor overwrites")]
)
def test_the_fake_finds_faults(
    kind: type[OnStreams], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the tests above would not see is seen."""
    monkeypatch.setitem(globals(), "OnStreams", kind)
    found, _ = faults(network(), 4)
    assert any(message in one for one in found)


@pytest.mark.parametrize("streams", [1, 4])
def test_recorded_once_a_shape(streams: int) -> None:
    """The first images of a shape are recorded after a warm-up aside, all later ones replayed."""
    net, cuda = network(), FakeCuda()
    call = recorded_by_shape(OnStreams(net, streams, cuda) if streams > 1 else net, CPU, cuda)
    log = []
    kept = []
    for count, size, seed in ((2, 45, 0), (2, 45, 1), (1, 46, 2), (2, 45, 3)):
        images = image(net.graph, count, size, seed=seed)
        with torch.inference_mode():
            expected = net(images)
        cuda.log.clear()
        logits = call(images)
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)
        log.append([word for word in cuda.log if word in ("capture", "captured", "replay")])
        kept.append((logits, expected))
    new, known = ["capture", "captured", "replay"], ["replay"]
    assert log == [new, known, new, known]
    assert not cuda.faults
    for logits, expected in kept:  # the next replay leaves them as they are
        torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


def test_the_warm_up_is_aside() -> None:
    """It runs on another stream, which waits for the current one and is waited for."""
    net, cuda = network(), FakeCuda()
    seen = []

    def run(images: torch.Tensor) -> torch.Tensor:
        seen.append(cuda.current_stream().number)
        return net(images)  # type: ignore[return-value]

    recorded_by_shape(run, CPU, cuda)(image(net.graph))
    assert seen == [1, 1, 1, 2]
    assert cuda.log[:5] == ["0 records", "1 waits", "1 records", "0 waits", "capture"]


def test_a_recording_that_fails() -> None:
    """It leaves nothing behind that would be replayed."""
    net, cuda = network(), FakeCuda()
    broken = [True]

    def run(images: torch.Tensor) -> torch.Tensor:
        if broken:
            raise RuntimeError("operation not permitted when stream is capturing")
        return net(images)  # type: ignore[return-value]

    call = recorded_by_shape(run, CPU, cuda)
    images = image(net.graph)
    with pytest.raises(RuntimeError, match="capturing"):
        call(images)
    broken.clear()
    with torch.inference_mode():
        torch.testing.assert_close(call(images), net(images), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["cuda_graphs", "cuda_streams"])
def test_a_network_on_the_cpu(name: str) -> None:
    """It is refused before anything is recorded."""
    with pytest.raises(nasdsl.CellError) as caught:
        runtimes.load(network(), name)
    (found,) = caught.value.diagnostics
    assert (found.code, "computes on `cuda`" in found.message) == ("NAS732", True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["cuda_graphs", "cuda_streams"])
def test_on_a_gpu(name: str) -> None:
    """A replay gives the logits of its own images, at every size and batch."""
    net = network().cuda()
    call = runtimes.load(net, name)
    for images in (image(net.graph, 3), image(net.graph, 3), image(net.graph, 1, 46)):
        with torch.inference_mode():
            expected = net(images.cuda())
        torch.testing.assert_close(call(images.cuda()), expected, rtol=1e-3, atol=1e-4)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_the_benchmark_without_a_gpu(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It measures nothing and ends with the one finding, which Python prints: exit code 1."""
    monkeypatch.setattr(sys, "argv", ["bench.gpu"])
    with pytest.raises(SystemExit) as ended:
        gpu.main()
    assert isinstance(ended.value.code, str)
    assert ended.value.code.startswith("error[NAS707]: the device 'cuda' cannot be used")
    assert capsys.readouterr() == ("", "")


def test_who_is_measured_on_a_gpu() -> None:
    """Everything there is, in float32 and bfloat16; on a CPU what needs no GPU."""
    on_gpu = [*gpu.contenders("nasnet_a", 8, "cuda:1", compiled=True)]
    assert {(one.device, one.batch) for one in on_gpu} == {("cuda:1", 8)}
    assert [(one.runtime, one.dtype) for one in on_gpu[2:]] == [
        (runtime, dtype)
        for dtype in (None, "bfloat16")
        for runtime in ("eager", "cuda_graphs", "cuda_streams", "inductor")
    ]
    on_cpu = [*gpu.contenders("nasnet_a", 1, "cpu", compiled=False)]
    measured = [Measured(one, 0.2, 0.1, 0.0, 5.0, 1.0, 10**6, 1e-7) for one in on_cpu]
    rows = [line.split(" | ") for line in gpu.table(measured).splitlines()]
    assert [row[0] for row in rows[2:]] == [
        "| eager, as trained, float32",
        "| eager, channels_last, float32",
        "| eager, optimised, float32",
        "| eager, optimised, bfloat16",
    ]
    assert rows[2][1:] == ["200.00", "1.00", "5", "1", "1e-07 |"]


def test_the_steps_that_need_no_gpu() -> None:
    """Each way to train takes steps in its turn; what is recorded is left out."""
    rows = [line.split(" | ")[0] for line in gpu.training_table("cpu", 1, 24, 1).splitlines()]
    assert rows[2:] == ["| fp32", "| fp32, channels_last", "| bf16", "| bf16, channels_last"]
