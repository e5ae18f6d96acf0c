"""The `nasbench201` skeleton: the network of NAS-Bench-201 (Dong and Yang 2020).

Purpose: D-X-Y/AutoDL-Projects `xautodl/models/cell_infers/tiny_network.py` as rules.
Non-goals: its ops; those are the vocabulary `nasbench201`.

- Stack: three stages of N cells, all of stride 1; a residual block of stride 2 between two of them
  (`ResNetBasicblock`), which doubles the filters. It is the same whatever the genotype is, so the
  skeleton brings it itself, as a reduction cell in the language's own terms.
- Inputs: h[i] reaches a cell and a residual block as it is. The original's cells read no older
  state; here one gets ReLU, factorized reduction, batch norm where its size differs (once for
  every halving between them), ReLU, 1x1 convolution, batch norm where only its channels do.
- Drop path: the original has none. Where it is asked for it drops what ops compute, as DARTS does,
  and leaves the residual blocks alone.
- Stem: 3x3 convolution to the filters of the first cell and batch norm. Head: batch norm, ReLU,
  mean, fully connected. There is no auxiliary classifier.
- The original needs images of a multiple of four pixels; odd sizes are rounded up here.
"""

from nasdsl.language.genotype.types import Block, BlockState, Cell, Genotype, Hidden, Output
from nasdsl.language.genotype.vocabulary import Combine, Form, Layer, Op, Vocabulary
from nasdsl.network import layers
from nasdsl.network.cells import CellRules, Given
from nasdsl.network.graph import Shape
from nasdsl.network.layers import Chain
from nasdsl.network.skeleton import Skeleton, Stem
from nasdsl.network.stack import PlannedCell, Stack, head_layers, joined, stem_layers
from nasdsl.skeletons import nasnet as slim

_BATCH_NORM = Layer("batch_norm")
_SIDES = (
    Op(
        "residual",
        (
            Form(
                (
                    Layer("relu"),
                    Layer("conv", (3, 3), (True, True), padding="symmetric"),
                    _BATCH_NORM,
                    Layer("relu"),
                    Layer("conv", (3, 3), padding="symmetric"),
                    _BATCH_NORM,
                )
            ),
        ),
    ),
    Op("shortcut", (Form((Layer("avg_pool", (2, 2), (True, True)), Layer("conv"))),)),
)
_BLOCK = Block("b0", (Hidden(0), Hidden(0)), ("residual", "shortcut"), "add")
RESIDUAL = Genotype(
    "residual_block",
    Vocabulary("", _SIDES, (Combine("add", "sum"),)),
    (Cell("reduction", (_BLOCK,), Output("concat", (BlockState("b0"),))),),
)


def prepared(back: int, given: Given, newest: Shape, filters: int) -> Chain:
    """How h[i-back] is brought to the cell."""
    shape = given.shape
    if back == 0:
        return ()
    if shape[1:] != newest[1:]:
        return slim.halved_to(newest, shape, filters)
    return layers.relu_convolution_norm(shape, filters) if shape.channels != filters else ()


def drops(op: Op, form: Form) -> bool:
    """Whether drop path applies: to what an op of the genotype computes."""
    return op not in _SIDES and not slim.passes_through(form)


def nasbench201_plan(stem: str, N: int) -> tuple[PlannedCell, ...]:
    """Three stages of N normal cells, and a residual block between two of them."""
    return tuple(
        PlannedCell(f"cells.{number}", "reduction", 2, 2**stage)
        if stage and place == 0
        else PlannedCell(f"cells.{number}", "normal", 1, 2**stage)
        for number in range(3 * N + 2)
        for stage, place in [divmod(number + 1, N + 1)]
    )


def nasbench201_stack(stack: Stack) -> None:
    """The whole network: stem, cells, classifier."""
    chosen, image = stack.configuration, stack.image
    stack.stem("stem", image, stem_layers(image.shape, chosen.stem_filters, 1, "symmetric"))
    last = stack.cells()[-1]
    shape = joined(last)
    activation = [(name, layers.pointwise(name, shape)) for name in ("batch_norm", "relu")]
    stack.classifier("head", last, [*activation, *head_layers(shape, chosen)])


CIFAR = Stem(
    N=5,
    cell_filters=16,
    image_size=32,
    classes=10,
    drop_path=0.0,
    dropout=0.0,
    batch_norm_epsilon=1e-5,
    batch_norm_momentum=0.1,
    stem_filters=lambda cell_filters: cell_filters,
    size_after=slim.unchanged,
    fixed={
        "stem_filters": (
            "its first convolution always has the filters of the first cell",
            "leave stem_filters out, or choose another skeleton",
        )
    },
    layouts={
        "nasbench201": {"stem": ("stem.0.weight", "stem.1"), "head": ("lastact.0", "classifier")}
    },
)

nasbench201 = Skeleton(
    name="nasbench201",
    stems={"cifar": CIFAR},
    plan=nasbench201_plan,
    stack=nasbench201_stack,
    rules=CellRules(prepared, drops),
    default_stem="cifar",
    cells=("normal",),
    own=RESIDUAL,
    fixed=slim.always_the_newest("nasbench201"),
)
