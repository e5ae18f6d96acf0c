"""`supernet:RUN`: the accuracy of a member with the weights that it inherits.

RUN is the folder of a one-shot search (`nasdsl search SPACE --algorithm single_path --out RUN`).
Its super-network stands in memory, and an evaluation is a forward pass over images that were held
out there, in milliseconds for small networks. Options:

- `images=1000`: how many of these images, at most; 0 takes all.
- `device=cpu`: where.

A genotype that is not a member of the run's space fails (NAS602). The seed has no effect.
"""

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nasdsl.errors import cell_error, listed, plural
from nasdsl.language.genotype.types import Space
from nasdsl.loading import cells_of_text
from nasdsl.network.cost import graph_cost
from nasdsl.search.child import Child
from nasdsl.search.protocol import Report, Score
from nasdsl.space import choices, sample
from nasdsl.train.execution import ensure_installed
from nasdsl.values import Values

if TYPE_CHECKING:
    from nasdsl.oneshot.planning import OneShotPlan

_IMAGES = Values(int, minimum=0, maximum=1_000_000_000, unit="images")
_COUNT = 1000
#: Members of a space that are looked at before a search begins.
_SAMPLES = 8


class SupernetEvaluator:
    """Measures members of a trained super-network.

    Args:
        plan: what the run does.
        net: its super-network, trained.
        held_out: images (`nasdsl.oneshot.inherited.HeldOut`).
    """

    def __init__(self, plan: "OneShotPlan", net: Any, held_out: Any) -> None:
        self.plan, self.net, self.held_out = plan, net, held_out
        #: Limits count the members as they stand in the super-network.
        self.child = Child(settings=plan.space.settings)

    @property
    def work(self) -> str:
        """What is done with a network, in words."""
        images = plural(self.held_out.count, "image")
        return f"measures on {images}, with inherited weights,"

    def require_space(self, space: Space) -> None:
        """Refuse a space whose members are not those of the run.

        Raises:
            CellError: NAS602, with one that is not.
        """
        for member in sample(space, _SAMPLES, seed=0):
            choices(self.plan.space, member)

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The accuracy with inherited weights, from 0 to 1.

        Raises:
            CellError: NAS602, the genotype is not a member of the run's space.
        """
        genotype = cells_of_text(text)
        reward = self.held_out.accuracy(self.net, genotype)
        cost = graph_cost(self.child.graph(genotype))
        return Score(reward, (), cost.params, cost.mult_adds)


def supernet_evaluator(what: str, options: dict[str, str]) -> SupernetEvaluator:
    """The evaluator of `supernet:RUN`.

    Raises:
        CellError: NAS882 for its options; NAS843, there is no one-shot search in RUN, or it has
            no checkpoint yet; NAS842, none can be read; what the data are refused for.
    """
    if not what:
        raise cell_error("NAS882", "the evaluator `supernet` takes a folder: supernet:RUN")
    text = options.pop("images", str(_COUNT))
    count: int | None = _IMAGES.legal(text)
    if count is None:
        raise cell_error("NAS882", f"images is {_IMAGES.description}, not {text!r:.40}")
    device = options.pop("device", None)
    if options:
        raise cell_error(
            "NAS882", f"the evaluator `supernet` takes `images` and `device`, not {listed(options)}"
        )
    ensure_installed()
    from nasdsl.oneshot.inherited import HeldOut
    from nasdsl.search.oneshot import recorded_one_shot
    from nasdsl.train.checkpoint import Checkpoints, state_errors
    from nasdsl.train.run_folder import CHECKPOINTS

    plan = recorded_one_shot(what)
    if device is not None:
        plan = replace(plan, device=device)
    loaded = Checkpoints(os.path.join(what, CHECKPOINTS)).newest()
    if loaded is None:
        raise cell_error(
            "NAS843",
            f"the search in {what!r} has saved no weights yet",
            f"`nasdsl search --resume {what}` continues it",
        )
    net = plan.supernet()
    with state_errors(loaded.path):
        net.load_state_dict(loaded.state["net"])
    held_out = HeldOut(plan.splits.held_out, next(net.parameters()).device, count or None)
    return SupernetEvaluator(plan, net, held_out)
