"""The `darts` skeleton: quark0/darts `cnn/model.py` (`NetworkCIFAR`, `NetworkImageNet`).

Purpose: its wiring, as rules.
Non-goals: its ops; those are the vocabulary `darts`.

- Inputs: every state gets ReLU, 1x1 convolution, batch norm; an older state of another size
  gets ReLU, factorized reduction, batch norm (once for every halving between them).
- Drop path: on every op's output except what passes through unchanged; no depth term.
- Stack: 3N + 2 cells, reductions at a third and two thirds, which leaves N normal cells
  before, between and after them; filters double at each reduction.
- CIFAR stem: 3x3 convolution to 3C and batch norm; it is the first cell's h[i] and h[i-1].
  ImageNet stem: `stem0` is 3x3 convolutions of stride 2 to C / 2 and C with batch norm, ReLU
  between them; `stem1` is ReLU, 3x3 convolution of stride 2, batch norm. All pad k // 2.
- Head: mean, fully connected; no ReLU. The auxiliary classifier reads the second reduction
  cell. ImageNet's pools with stride 2 and lacks the last batch norm, as released.
"""

from nasdsl.language.genotype.types import Genotype
from nasdsl.language.genotype.vocabulary import Form, Op
from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.nasnet import halved_to, passes_through
from nasdsl.network.skeleton import Skeleton
from nasdsl.network.stack import (
    AUXILIARY,
    Auxiliary,
    Named,
    Stack,
    auxiliary_layers,
    head_layers,
    joined,
    stem_layers,
)


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """How h[i-back] is brought to the cell."""
    if given.shape[1:] != newest[1:]:
        return halved_to(newest, given.shape, filters)
    return layers.relu_convolution_norm(given.shape, filters)


def drops(op: Op, form: Form) -> bool:
    """Whether drop path applies: to everything that is not passed through as it is."""
    return not passes_through(form)


RULES = CellRules(prepared, drops)
IMAGENET_AUXILIARY = Auxiliary(pool_stride=2, last_norm=False)


def darts_stack(genotype: Genotype, skeleton: Skeleton) -> Stack:
    """The whole network: stem, cells, classifiers."""
    stack = Stack(genotype, skeleton, RULES)
    _stem(stack)
    filters = skeleton.cell_filters
    for number in range(3 * skeleton.N + 2):
        reduces = number in (skeleton.N, 2 * skeleton.N + 1)
        filters *= 2 if reduces else 1
        if reduces:
            made = reduced = stack.cell(f"cells.{number}", "reduction", 2, filters, 1.0)
        else:
            made = stack.cell(f"cells.{number}", "normal", 1, filters, 1.0)
    stack.classifier("head", made, head_layers(joined(made), skeleton))
    if skeleton.auxiliary:
        large = skeleton.stem == "imagenet"
        kind = IMAGENET_AUXILIARY if large else AUXILIARY
        chain = auxiliary_layers(joined(reduced), skeleton.classes, kind)
        stack.classifier("auxiliary", reduced, chain)
    return stack


def _stem(stack: Stack) -> None:
    skeleton, image = stack.skeleton, stack.image
    if skeleton.stem == "cifar":
        stack.stem("stem", image, stem_layers(image.shape, skeleton.stem_filters, 1, "symmetric"))
        return
    filters = skeleton.cell_filters
    first = stem_layers(image.shape, skeleton.stem_filters, 2, "symmetric", "0")
    narrow = first[-1][1].shape
    second = stem_layers(narrow, filters, 2, "symmetric", "1")
    stem0 = stack.stem("stem0", image, [*first, _relu(narrow), *second])
    last = stem_layers(stem0.shape, filters, 2, "symmetric")
    stack.stem("stem1", stem0, [_relu(stem0.shape), *last])


def _relu(shape: Shape) -> Named:
    return "relu", layers.pointwise("relu", shape)
