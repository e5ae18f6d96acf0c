"""Detectors: equal to TensorFlow's, counted exactly, and with torchvision's interface.

`tests/data/golden/detection_*.npz` were written by the released feature extractors
(`models/faster_rcnn_nas_feature_extractor.py` and `..._pnas_...` of tensorflow/models,
research/object_detection, in its state of October 2018, on `research/slim/nets/nasnet` of September
2020 and TensorFlow 2.21 with tf_slim 1.1). Their numbers of filters were made small (F = 4, a stem
of 8), all else is theirs. Each has a random image, random weights and statistics, the first stage's
features, TensorFlow's `crop_and_resize` of two boxes, and the second stage's features.
"""

import json
import math
from pathlib import Path
from typing import Any

import numpy
import pytest

import nasdsl
from nasdsl.detection.cost import detector_cost
from nasdsl.detection.plan import plan_detector
from nasdsl.detection.styles import PAPER
from nasdsl.errors import CellError
from nasdsl.network.section import state_shapes
from tests.cli_run import exit_code

torch = pytest.importorskip("torch", reason="networks are torch modules")
pytest.importorskip("torchvision", reason="detectors are torchvision's")

GOLDEN = Path(__file__).parent / "data" / "golden"
#: Largest difference over largest value, in float32.
TOLERANCE = 1e-4
NETWORKS = {"nas": "nasnet_a_large", "pnas": "pnasnet5_large"}
#: A network of a few thousand parameters.
SMALL = {"N": 1, "cell_filters": 4, "stem_filters": 8, "image_size": 64}

pytestmark = pytest.mark.usefixtures("one_thread")


def small(style: str = "paper", source: str = "nasnet_a_large", **others: Any) -> Any:
    return nasdsl.detection.faster_rcnn(
        source, style=style, classes=4, proposals=20, seed=0, **SMALL | others
    )


def difference(ours: Any, theirs: Any) -> float:
    assert ours.shape == theirs.shape
    return float((ours - theirs).abs().max() / theirs.abs().max())


# -- equality ------------------------------------------------------------------------------


def _golden(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The arrays of a file, with channels first, and the weights by slim's names."""
    with numpy.load(GOLDEN / f"detection_{kind}_F4.npz") as file:
        arrays = {name: file[name] for name in file.files}
    shapes, values, weights = json.loads(str(arrays["shapes"])), arrays["values"], {}
    at = 0
    for name, shape in shapes.items():
        size = int(numpy.prod(shape))
        weights[name.partition("/")[2]] = values[at : at + size].reshape(shape)
        at += size
    assert at == len(values)
    tensors = {
        name: torch.from_numpy(arrays[name]).permute(0, 3, 1, 2)
        for name in ("image_nhwc", "proposal_features", "crops", "box_features")
    }
    return tensors | {"boxes": torch.from_numpy(arrays["boxes"])}, weights


@pytest.fixture(scope="module", params=NETWORKS)
def released(request: pytest.FixtureRequest) -> Any:
    """A detector with TensorFlow's weights, and what TensorFlow made of them."""
    arrays, weights = _golden(request.param)
    settings = {"cell_filters": 4, "stem_filters": 8}
    plan = plan_detector(NETWORKS[request.param], **settings)
    net = nasdsl.compile(plan.graph.genotype, classes=2, passes=["merge"], **settings)
    # The extractors have no classifier.
    channels = net.num_features
    weights["final_layer/FC/weights"] = numpy.zeros((channels, 2), "f4")
    weights["final_layer/FC/biases"] = numpy.zeros(2, "f4")
    nasdsl.weights.load(net, weights, "slim")
    from nasdsl.detection.detector import assembled

    return assembled(plan, net).eval(), arrays


def test_both_stages_are_tensorflows(released: Any) -> None:
    """From pixels to the features of proposals, and from those of boxes to the box head's."""
    detector, arrays = released
    pixels = arrays["image_nhwc"][0].float() / 255
    height, width = pixels.shape[-2:]
    with torch.no_grad():
        maps = detector.backbone(detector.transform.normalize(pixels)[None])
        assert difference(maps["0"], arrays["proposal_features"]) < TOLERANCE
        y1, x1, y2, x2 = arrays["boxes"].T
        boxes = torch.stack([x1 * width, y1 * height, x2 * width, y2 * height], 1)
        crops = detector.roi_heads.box_roi_pool(maps, [boxes], [(height, width)])
        assert difference(crops[:1], arrays["crops"]) < TOLERANCE
        features = detector.roi_heads.box_head.features(crops)
    assert difference(features, arrays["box_features"]) < TOLERANCE


def test_crops_are_not_those_of_roi_align(released: Any) -> None:
    """The size of what torchvision's own pooling would change."""
    from torchvision.ops import roi_align

    _, arrays = released
    y1, x1, y2, x2 = arrays["boxes"][:1].T
    maps = arrays["proposal_features"]
    height, width = maps.shape[-2:]
    boxes = torch.stack([x1 * width, y1 * height, x2 * width, y2 * height], 1)
    aligned = roi_align(maps, [boxes], 17, sampling_ratio=2, aligned=True)
    assert 0.05 < difference(aligned, arrays["crops"]) < 1


def test_anchors_are_tensorflows() -> None:
    """Centres, sizes and order as `grid_anchor_generator.py` computes them."""
    from nasdsl.detection.proposals import Anchors

    anchors = Anchors(PAPER.anchor_sizes, ((2.0, 1.0, 0.5),))
    made = anchors.grid_anchors([[2, 3]], [[torch.tensor(16), torch.tensor(16)]])[0]
    theirs = [
        (x * 16 - w / 2, y * 16 - h / 2, x * 16 + w / 2, y * 16 + h / 2)
        for y in range(2)
        for x in range(3)
        for ratio in (0.5, 1.0, 2.0)  # width to height
        for scale in (0.25, 0.5, 1.0, 2.0)
        for w, h in [(256 * scale * ratio**0.5, 256 * scale / ratio**0.5)]
    ]
    assert torch.allclose(made, torch.tensor(theirs), atol=1e-4)


# -- what is released ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "cells", "width"),
    [
        ("nasnet_a_large", ("cells.11", "cells.12"), 2016),
        ("pnasnet5_large", ("cells.6", "cells.7"), 2160),
    ],
)  # fmt: skip
def test_where_networks_are_divided(source: str, cells: tuple[str, ...], width: int) -> None:
    """Cell_10 and Cell_11 (ours count the first reduction), Cell_6 and Cell_7; 75 x 75 at 1200."""
    plan = plan_detector(source)
    assert tuple(ref.module for ref in plan.features) == cells
    assert {state_shapes(plan.graph)[ref] for ref in plan.features} == {(width, 75, 75)}
    assert plan.box_features == 2 * width


def test_released_numbers() -> None:
    """Of the configuration, as `docs/detection.md` lists them."""
    detector = small(anchor_sizes=None)
    rpn, boxes = detector.rpn, detector.roi_heads
    assert (rpn.nms_thresh, rpn.head.conv.out_channels) == (0.7, 512)
    assert rpn.box_coder.weights == boxes.box_coder.weights == (10.0, 10.0, 5.0, 5.0)
    assert (rpn.fg_bg_sampler.batch_size_per_image, rpn.fg_bg_sampler.positive_fraction) == (
        256,
        0.5,
    )
    assert (boxes.nms_thresh, boxes.score_thresh, boxes.detections_per_img) == (0.6, 0.0, 100)
    assert (boxes.fg_bg_sampler.batch_size_per_image, boxes.box_roi_pool.size) == (64, 17)
    assert (rpn.box_loss, boxes.box_loss) == (2.0, 2.0)
    assert plan_detector("nasnet_a_large").numbers.proposals == 500
    black = detector.transform.normalize(torch.zeros(3, 2, 2))
    assert float(black.min()) == float(black.max()) == -1.0


def test_sizes_of_what_is_left_as_in_torchvision() -> None:
    """Measured on what is built, as `docs/detection.md` lists them for NASNet-A large."""
    text = (Path(__file__).parent.parent / "docs" / "detection.md").read_text("utf-8")
    plan = plan_detector("nasnet_a_large")
    detector = small(anchor_sizes=None)
    rpn, boxes = detector.rpn, detector.roi_heads
    # TensorFlow has two logits an anchor (512 channels read), and no box of the background.
    anchors = rpn.anchor_generator.num_anchors_per_location()[0]
    assert rpn.head.objectness.weight.shape[:2] == (anchors, 512)
    assert f"the same function, {anchors * (512 + 1):,} parameters fewer" in text
    predictor = boxes.box_predictor.bbox_pred
    assert predictor.out_features == 4 * detector.plan.classes
    assert f"{4 * (plan.box_features + 1):,} parameters more" in text
    # Where a ramp's values come from says how far an image is shifted.
    ramp = torch.arange(640.0).expand(1, 1, 2, 640)
    centred = torch.nn.functional.interpolate(
        ramp, (2, 1200), mode="bilinear", align_corners=False
    )[0, 0, 0]
    from_corners = torch.arange(1200) * (640 / 1200)
    shift = float((from_corners - centred)[600]) * 1200 / 640
    assert f"{shift:.2f} from 640 to 1200" in text
    assert f"at most {math.exp(rpn.box_coder.bbox_xform_clip):.1f} times" in text
    assert f"narrower than {rpn.min_size:g} pixels" in text


# -- cost ----------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["paper", "fpn"])
@pytest.mark.parametrize("source", ["nasnet_a_large", "pnasnet5_large", "example_b_form"])
def test_cost_is_that_of_the_module(style: str, source: str) -> None:
    """Parameters, statistics and mult-adds, counted by PyTorch on the built detector."""
    from torch.utils.flop_counter import FlopCounterMode

    # PNASNet's second stage needs a cell that does not reduce.
    detector = small(style, source, N=2 if source == "pnasnet5_large" else 1).eval()
    counted = detector_cost(detector.plan)
    params = sum(p.numel() for p in detector.parameters())
    statistics = sum(b.numel() for name, b in detector.named_buffers() if "running" in name)
    assert (counted.params, counted.params_total) == (params, params + statistics)
    # As many proposals as are counted, whatever the drawn weights propose.
    boxes = torch.tensor([[4.0, 4.0, 40.0, 40.0]]).repeat(20, 1)
    detector.rpn.filter_proposals = lambda *_: ([boxes], [torch.ones(20)])
    with torch.no_grad(), FlopCounterMode(display=False) as flops:
        detector([torch.rand(3, 64, 64)])
    assert 2 * counted.mult_adds == flops.get_total_flops()


def test_cost_of_the_papers_detector(capsys: pytest.CaptureFixture[str]) -> None:
    """The command adds up, and needs no PyTorch."""
    words = ["cost", "nasnet_a_large", "--detector", "paper", "--image-size", "800", "--json"]
    assert exit_code(words) == 0
    found = json.loads(capsys.readouterr().out)
    stages = {stage["name"]: stage for stage in found["stages"]}
    assert (found["proposals"], stages["box head"]["times"]) == (300, 300)
    assert found["params"] == sum(stage["params"] for stage in found["stages"]) == 105_165_913
    assert found["mult_adds"] == sum(stage["mult_adds"] for stage in found["stages"])
    # Both parts of the network are the whole without its classifier.
    whole = nasdsl.cost("nasnet_a_large").params - (4032 + 1) * 1000
    assert stages["backbone"]["params"] + stages["box head"]["params"] == whole
    assert exit_code(["cost", "nasnet_a", "--N", "1", "--proposals", "3"]) == 2


# -- modules -------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["paper", "fpn"])
def test_training_step(style: str) -> None:
    """Losses for images with and without objects; every parameter gets a gradient."""
    detector = small(style).train()
    detector.set_progress(0.5)
    boxes = torch.tensor([[5.0, 5, 30, 30], [20, 20, 50, 60]])
    targets = [
        {"boxes": boxes, "labels": torch.tensor([1, 3])},
        {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)},
    ]
    before = {n: b.clone() for n, b in detector.named_buffers() if "running" in n}
    losses = detector([torch.rand(3, 70, 50), torch.rand(3, 64, 64)], targets)
    assert sorted(losses) == [
        "loss_box_reg", "loss_classifier", "loss_objectness", "loss_rpn_box_reg",
    ]  # fmt: skip
    total = sum(losses.values())
    assert bool(torch.isfinite(total))
    total.backward()
    assert all(p.grad is not None for p in detector.parameters())
    # Frozen: the statistics stay, and the scales learn.
    assert all(torch.equal(b, before[n]) for n, b in detector.named_buffers() if n in before)


def test_norms_thaw() -> None:
    """Without `frozen_norm`, training moves the statistics."""
    net = nasdsl.detection.backbone("nasnet_a_cifar", N=1, cell_filters=4, frozen_norm=False)
    (before,) = (
        b.clone() for n, b in net.named_buffers() if n.endswith("stem.batch_norm.running_mean")
    )
    net.train()(torch.rand(2, 3, 16, 16))
    assert not torch.equal(before, net.get_buffer("body.stem.batch_norm.running_mean"))


def test_detections_are_in_the_image() -> None:
    """Boxes of each image in its own pixels, the likeliest first; the same twice."""
    detector = small().eval()
    images = [torch.rand(3, 40, 90), torch.rand(3, 64, 64)]
    with torch.no_grad():
        first, again = detector(images), detector(images)
    for image, found, same in zip(images, first, again, strict=True):
        height, width = image.shape[-2:]
        assert len(found["boxes"]) == len(found["labels"]) == len(found["scores"]) <= 100
        assert bool((found["boxes"] <= torch.tensor([width, height] * 2)).all())
        assert bool((found["boxes"] >= 0).all())
        assert found["scores"].tolist() == sorted(found["scores"].tolist(), reverse=True)
        assert set(found["labels"].tolist()) <= {1, 2, 3}
        assert all(torch.equal(found[key], same[key]) for key in found)


@pytest.mark.parametrize("source", ["darts_v2_cifar", "nasnet_a_mobile", "example_c_form"])
def test_backbones(source: str) -> None:
    """The maps of `forward_intermediates`, on any skeleton, with or without a pyramid."""
    settings = {"image_size": 64, "cell_filters": 4, "seed": 3}
    settings |= {"layers": 6} if source.startswith("darts") else {"N": 1}
    net = nasdsl.compile(source, **settings).eval()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    made = nasdsl.detection.backbone(source, levels=[-2, -1], **settings).eval()
    with torch.no_grad():
        maps = made(images)
        theirs = net.forward_intermediates(images, [-2, -1], intermediates_only=True)
        assert list(maps) == ["0", "1"]
        for ours, each in zip(maps.values(), theirs, strict=True):
            assert torch.allclose(ours, each, atol=1e-5)
        assert made.out_channels == [each.shape[1] for each in theirs]
        assert made.strides == [64 // each.shape[2] for each in theirs]
        pyramid = nasdsl.detection.backbone(source, pyramid=16, **settings).eval()
        maps = pyramid(images)
    assert pyramid.out_channels == 16
    assert {each.shape[1] for each in maps.values()} == {16}
    assert list(maps)[-1] == "pool"
    # Nothing is built that no map needs.
    one = nasdsl.detection.backbone(source, levels=[0], **settings)
    assert isinstance(one.out_channels, int)
    assert len(list(one.parameters())) < len(list(made.parameters()))


def test_torchvision_takes_a_backbone() -> None:
    """`FasterRCNN` of torchvision on one map of a network."""
    from torchvision.models.detection import FasterRCNN
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.ops import MultiScaleRoIAlign

    made = nasdsl.detection.backbone("nasnet_a_mobile", levels=1, N=1, cell_filters=4)
    anchors = AnchorGenerator(((32, 64),), ((0.5, 1.0),))
    pool = MultiScaleRoIAlign(["0"], 2, 2)
    detector = FasterRCNN(made, 3, 64, 64, rpn_anchor_generator=anchors, box_roi_pool=pool).eval()
    with torch.no_grad():
        (found,) = detector([torch.rand(3, 64, 64)])
    assert set(found) == {"boxes", "labels", "scores"}


def test_weights_of_a_classifier() -> None:
    """A file of weights, or a model file, gives both parts the weights that it has."""
    settings = {"N": 1, "cell_filters": 4, "stem_filters": 8}
    net = nasdsl.compile("nasnet_a_large", seed=5, **settings)
    same = nasdsl.detection.faster_rcnn("nasnet_a_large", image_size=64, seed=5, **settings)
    theirs = net.state_dict()
    parts = (same.backbone.body, same.roi_heads.box_head.body)
    names = [name for part in parts for name, _ in part.named_parameters()]
    assert sorted(names) == sorted(
        n for n, _ in net.named_parameters() if not n.startswith("head.")
    )
    for part in parts:
        for name, value in part.state_dict().items():
            assert torch.equal(value, theirs[name])


# -- bad input -----------------------------------------------------------------------------

DARTS = {"skeleton": "darts", "stem": "cifar", "layers": 3}


@pytest.mark.parametrize(
    ("source", "options", "code"),
    [
        ("darts_v2", DARTS, "NAS950"),
        ("nasnet_a_large", {"style": "retina"}, "NAS951"),
        ("nasnet_a_large", {"classes": 1}, "NAS951"),
        ("nasnet_a_large", {"classes": "many"}, "NAS008"),
        ("nasnet_a_large", {"image_size": 15}, "NAS951"),
        ("nasnet_a_large", {"style": "fpn", "image_size": 15}, "NAS951"),
        # So small that maps of different strides have one size.
        ("nasnet_a_mobile", {"N": 1, "cell_filters": 44, "image_size": 8}, "NAS951"),
        ("nasnet_a_mobile", {"N": 1, "cell_filters": 44, "image_size": 4}, "NAS951"),
        ("nasnet_a_large", {"proposals": 0}, "NAS951"),
        ("nasnet_a_large", {"anchor_sizes": ["a"]}, "NAS951"),
        ("nasnet_a_large", {"anchor_sizes": 3}, "NAS008"),
        ("nasnet_a_large", {"style": "fpn", "anchor_sizes": [8]}, "NAS951"),
        ("nasnet_a_large", {"auxiliary": True}, "NAS951"),
        ("nasnet_a_large", {"propsals": 3}, "NAS501"),
        ("nasnet_a_large", {"N": 0}, "NAS502"),
    ],
)
def test_what_no_detector_is(source: str, options: dict[str, Any], code: str) -> None:
    """One diagnostic, before anything is built."""
    with pytest.raises(CellError) as raised:
        plan_detector(source, **options)
    assert [found.code for found in raised.value.diagnostics] == [code]


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        *((levels, "NAS951") for levels in (0, 9, [], [7], [1, 1], [True])),
        ("all", "NAS008"),
    ],
)
def test_levels_that_there_are_not(levels: Any, code: str) -> None:
    """One diagnostic; of what is no number and no list, that of a wrong type."""
    with pytest.raises(CellError) as raised:
        nasdsl.detection.backbone("nasnet_a_mobile", N=1, cell_filters=4, levels=levels)
    assert [found.code for found in raised.value.diagnostics] == [code]


BOX = [1.0, 2.0, 30.0, 40.0]


@pytest.mark.parametrize(
    ("boxes", "labels", "words"),
    [
        ([[1.0, 2.0, 70.0, 40.0]], [1], "outside its image"),
        ([[-1.0, 2.0, 7.0, 40.0]], [1], "outside its image"),
        ([[1.0, 2.0, float("nan"), 40.0]], [1], "outside its image"),
        ([[9.0, 2.0, 9.0, 40.0]], [1], "without an area"),
        ([BOX], [4], "label 4"),
        ([BOX], [0], "label 0"),
        ([BOX], [1, 2], "shapes"),
        ([[1.0, 2.0, 3.0]], [1], "shapes"),
    ],
)
def test_targets_that_do_not_fit(boxes: Any, labels: Any, words: str) -> None:
    detector = small().train()
    target = {"boxes": torch.tensor(boxes), "labels": torch.tensor(labels)}
    with pytest.raises(CellError) as raised:
        detector([torch.rand(3, 64, 64)], [target])
    (found,) = raised.value.diagnostics
    assert found.code == "NAS952"
    assert words in found.message


def test_targets_that_are_missing() -> None:
    detector = small().train()
    for targets in ([], [{"boxes": torch.zeros(0, 4)}]):
        with pytest.raises(CellError, match="NAS952"):
            detector([torch.rand(3, 64, 64)], targets)
