"""`Derived`: a tensor that is computed once, from those of a trained network.

Purpose: what passes for inference say about weights. A graph has no weights; where a pass folds
one tensor into another, the graph keeps how, and whoever has the weights computes them.
Non-goals: which tensors a pass changes (`nasdsl.passes`); the functions know tensors only as
things that can be added, multiplied, cut and given another shape.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Derived(NamedTuple):
    """A tensor as a function of others.

    Attributes:
        make: the function.
        of: its arguments: names of tensors of the network as it was before any pass, or
            what is derived from them.
    """

    make: Callable[..., Any]
    of: tuple["str | Derived", ...]

    def names(self) -> set[str]:
        """The tensors that it needs."""
        needed: set[str] = set()
        for one in self.of:
            needed |= {one} if isinstance(one, str) else one.names()
        return needed

    def value(self, tensors: Mapping[str, Any]) -> Any:
        """Its value, where `tensors` has those of the network before any pass."""
        return self.make(
            *(tensors[one] if isinstance(one, str) else one.value(tensors) for one in self.of)
        )
