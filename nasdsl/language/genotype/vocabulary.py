"""Vocabularies: the ops and combines a genotype may name, as chains of primitives.

Purpose: the frozen types, and the one rule that chooses between an op's forms.

An op is one or more *forms*, each a chain of primitive layers. The compiler takes the
first form that fits: the one that takes the stride, if there is one, and gives the cell's
filters. `identity = [] else [relu, conv(1x1, stride), batch_norm]` is slim's rule for
`none`: pass through where nothing has to change, else a strided 1x1 convolution.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from nasdsl.primitives import Primitive, layer_of

LayerPadding = Literal["same", "symmetric"]


@dataclass(frozen=True, slots=True)
class Layer:
    """One primitive and its arguments, as a vocabulary writes it.

    Attributes:
        primitive: a word of `nasdsl.primitives.words_of("chain")`.
        kernel: height and width.
        stride: whether the layer takes the cell's stride vertically and horizontally.
        dilation: distance between kernel taps, both ways.
        divisor: the layer gives `filters / divisor` channels (bottlenecks).
        padding: `same` as TensorFlow's SAME, `symmetric` as PyTorch's k // 2.
        count_padding: an average pool divides by the kernel's area, padding included.
        zero_padded: a maximum pool sees zeros outside the image, not minus infinity.
    """

    primitive: str
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[bool, bool] = (False, False)
    dilation: int = 1
    divisor: int = 1
    padding: LayerPadding = "same"
    count_padding: bool = False
    zero_padded: bool = False

    @property
    def record(self) -> Primitive:
        """What holds for its primitive."""
        found = layer_of(self.primitive)
        assert found is not None, self.primitive
        return found

    def __str__(self) -> str:
        arguments = []
        if self.record.kernel:
            arguments.append(f"{self.kernel[0]}x{self.kernel[1]}")
        if not self.record.implicit_stride and any(self.stride):
            arguments.append(_STRIDE_WORDS[self.stride])
        if self.dilation != 1:
            arguments.append(f"dilation {self.dilation}")
        if self.divisor != 1:
            arguments.append(f"filters/{self.divisor}")
        if self.padding == "symmetric":
            arguments.append("symmetric")
        if self.count_padding:
            arguments.append("count_padding")
        if self.zero_padded:
            arguments.append("zero_padded")
        return f"{self.primitive}({', '.join(arguments)})" if arguments else self.primitive


_STRIDE_WORDS = {(True, True): "stride", (True, False): "stride_y", (False, True): "stride_x"}


@dataclass(frozen=True)
class Form:
    """A chain of layers, repetitions written out. `[]` passes its input through."""

    layers: tuple[Layer, ...]

    @cached_property
    def takes_stride(self) -> bool:
        """Whether some layer takes the stride, in each direction."""
        return all(any(layer.stride[axis] for layer in self.layers) for axis in (0, 1))

    @cached_property
    def divisor(self) -> int | None:
        """`filters / divisor` channels come out; None where the input's come out."""
        setters = [layer.divisor for layer in self.layers if layer.record.sets_channels]
        return setters[-1] if setters else None

    def fits(self, stride: int, channels: int, filters: int) -> bool:
        """Whether this form turns `channels` into `filters` at that stride."""
        given = channels if self.divisor is None else filters // self.divisor
        return given == filters and (stride == 1 or self.takes_stride)

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.layers))}]"


@dataclass(frozen=True)
class Op:
    """A named operation on one state: forms in order of preference."""

    name: str
    forms: tuple[Form, ...]

    @cached_property
    def can_reduce(self) -> bool:
        """Whether some form takes a stride of 2."""
        return any(form.takes_stride for form in self.forms)

    def form(self, stride: int, channels: int, filters: int) -> Form | None:
        """The first form that fits; failing that, the first that takes the stride.

        The latter keeps its input's channels, which a combine may or may not accept. None
        where a stride is asked for and no form takes one.
        """
        for form in self.forms:
            if form.fits(stride, channels, filters):
                return form
        return next((form for form in self.forms if stride == 1 or form.takes_stride), None)

    @cached_property
    def definition(self) -> str:
        """The right-hand side, as a vocabulary writes it."""
        return " else ".join(map(str, self.forms))


@dataclass(frozen=True)
class Combine:
    """A named way to make one state of two: `sum` or `concat`, then a chain of layers."""

    name: str
    operation: Literal["sum", "concat"]
    layers: tuple[Layer, ...] = ()

    @property
    def commutative(self) -> bool:
        """Whether the operands may be exchanged."""
        return self.operation == "sum"

    @cached_property
    def divisor(self) -> int | None:
        """`filters / divisor` channels come out; None where the operation's come out."""
        return Form(self.layers).divisor

    @cached_property
    def definition(self) -> str:
        """The right-hand side, as a vocabulary writes it."""
        return f"[{', '.join([self.operation, *map(str, self.layers)])}]"


@dataclass(frozen=True)
class Vocabulary:
    """Ops and combines by name, in the order they were defined.

    `name` is the vocabulary a file asked for with `ops NAME` ("" for none); `local` are the
    names the file itself defined or redefined on top of it. `is_beside` says that NAME was a file
    beside that text, which texts in other places cannot name.
    """

    name: str
    # Definitions are left out of `repr`: they would bury a genotype in a failing test.
    ops: tuple[Op, ...] = field(default=(), repr=False)
    combines: tuple[Combine, ...] = field(default=(), repr=False)
    local: tuple[str, ...] = field(default=())
    is_beside: bool = field(default=False, compare=False, repr=False)

    @cached_property
    def op(self) -> dict[str, Op]:
        """Ops by name."""
        return {op.name: op for op in self.ops}

    @cached_property
    def combine(self) -> dict[str, Combine]:
        """Combines by name."""
        return {combine.name: combine for combine in self.combines}

    def written_out(self, used: Collection[str]) -> "Vocabulary":
        """The vocabulary as a text states it that needs no file beside it.

        Args:
            used: the ops and combines that the text names.
        """
        if not self.is_beside:
            return self
        ops = tuple(op for op in self.ops if op.name in used)
        combines = tuple(combine for combine in self.combines if combine.name in used)
        names = (*(op.name for op in ops), *(combine.name for combine in combines))
        return Vocabulary("", ops, combines, names)
