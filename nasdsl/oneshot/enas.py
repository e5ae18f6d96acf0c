"""ENAS: a controller samples members, and learns from their rewards (Pham et al. 2018).

Purpose: the micro search of melodyguan/enas for any space: `src/cifar10/micro_controller.py`,
`micro_child.py` and the values of `scripts/cifar10_micro_search.sh`. In an epoch every step of the
weights has a member of its own, which the controller samples; then the controller takes its steps,
each on several members with a batch of validation images for each.
Non-goals: the child's own rules, which are the space's skeleton. Drop path, dropout and the
auxiliary classifier are settings of the network; a reward is measured without them.

What the released code does, and is kept: its biases favour separable convolutions, and the fixed
one counts in the first cell alone; a reward contains the entropy of the whole genotype; the reward
is compared with the baseline that it has already moved.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from nasdsl.language.genotype.types import CellSpace, Genotype, Hidden, Space, block_state
from nasdsl.language.genotype.vocabulary import Vocabulary
from nasdsl.oneshot.cells import state_key
from nasdsl.oneshot.method import Batch, Method, OneShotOptions, Steps, Times, Whole
from nasdsl.oneshot.mixing import Strengths, mixtures, taken_options
from nasdsl.oneshot.weights_optimizer import WeightsOptimizer, weights_recipe
from nasdsl.space import genotype_from_choices
from nasdsl.train.recipe import Amount, ShareBelowOne

#: The first value of the bias of separable convolutions, and the fixed one of those and of others.
_BIAS, _FIXED_BIAS = 10.0, 0.25
#: The bound of the controller's first weights.
_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class EnasOptions(OneShotOptions):
    """Values of `cifar10_micro_search.sh`, and of `main.py` where the script has none.

    Their L2 of 1e-4 is of the sum of squares, so it is a `weight_decay` of 2e-4.

    Attributes:
        period: epochs of the first cosine, each twice as long as the one before (`lr_T_0`,
            `lr_T_mul`); 0 for one cosine.
        units: of the controller's LSTM (`lstm_size`).
        controller_lr: of the controller's Adam.
        controller_steps: steps of the controller after each epoch (`train_steps`).
        aggregate: members whose gradients a step averages (`num_aggregate`).
        entropy: its weight in the reward (`entropy_weight`).
        baseline: decay of the rewards' moving mean (`bl_dec`).
        tanh_constant: bound of the logits of inputs.
        op_tanh_reduce: the bound of the logits of ops is smaller by this factor.
        temperature: divides logits before that; 0 leaves them.
        samples: members that are measured after an epoch.
    """

    epochs: Times = 150
    batch: Times = 160
    held_out: ShareBelowOne = 0.1
    lr: Amount = 0.05
    lr_min: Amount = 0.0005
    weight_decay: Amount = 2e-4
    period: Whole = 10
    units: Times = 64
    controller_lr: Amount = 0.0035
    controller_steps: Times = 30
    aggregate: Times = 10
    entropy: Amount = 1e-4
    baseline: ShareBelowOne = 0.99
    tanh_constant: Amount = 1.10
    op_tanh_reduce: Amount = 2.5
    temperature: Amount = 0.0
    samples: Times = 10


class Sampled(NamedTuple):
    """What the controller has sampled.

    Attributes:
        taken: the choices in the order of `nasdsl.space.choices`.
        log_probability: of all of them, a scalar.
        entropy: sum of the choices' entropies in nats.
    """

    taken: tuple[int, ...]
    log_probability: Tensor
    entropy: float


class Controller(nn.Module):
    """An LSTM that makes the choices of a genotype, one after the other.

    Args:
        space: whose members are sampled.
        options: its values.
    """

    fixed_bias: Tensor

    def __init__(self, space: Space, options: EnasOptions) -> None:
        super().__init__()
        self.space, self.options = space, options
        blocks = [block for cell in space.cells for block in cell.blocks]
        self.ops = list(dict.fromkeys(op for b in blocks for side in b.ops for op in side))
        self.combines = list(dict.fromkeys(c for b in blocks for c in b.combines))
        units = options.units
        self.lstm = nn.Parameter(torch.empty(2 * units, 4 * units))
        self.first = nn.Parameter(torch.empty(1, units))
        self.op_embedding = nn.Parameter(torch.empty(len(self.ops), units))
        self.op_logits = nn.Parameter(torch.empty(units, len(self.ops)))
        self.combine_logits = nn.Parameter(torch.empty(units, len(self.combines)))
        self.attention_before = nn.Parameter(torch.empty(units, units))
        self.attention_now = nn.Parameter(torch.empty(units, units))
        self.attention = nn.Parameter(torch.empty(units, 1))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -_SPREAD, _SPREAD)
        separable = torch.tensor([_is_separable(space.vocabulary, op) for op in self.ops])
        self.bias = nn.Parameter(_BIAS * separable.float())
        self.register_buffer("fixed_bias", torch.where(separable, _FIXED_BIAS, -_FIXED_BIAS))

    def sample(self) -> Sampled:
        """A member, its probability and its entropy."""
        run = _Sampling(self)
        for number, cell in enumerate(self.space.cells):
            run.cell(cell, number == 0)
        total = torch.stack(run.log_probabilities).sum()
        return Sampled(tuple(run.taken), total, sum(run.entropies))


class _Sampling:
    """One pass of a controller."""

    def __init__(self, net: Controller) -> None:
        self.net = net
        zeros = net.first.new_zeros(net.first.shape)
        self.memory: Tensor = zeros
        self.output: Tensor = zeros
        self.taken: list[int] = []
        self.log_probabilities: list[Tensor] = [zeros.sum()]
        self.entropies: list[float] = []

    def cell(self, cell: CellSpace, biased: bool) -> None:
        """The choices of a cell."""
        net = self.net
        read = {s for block in cell.blocks for side in block.inputs for s in side}
        hidden = sorted((s for s in read if isinstance(s, Hidden)), key=lambda s: -s.back)
        anchors: dict[str, Tensor] = {}
        attended: dict[str, Tensor] = {}
        for state in hidden:
            self._step(net.first)
            key = state_key(state, cell)
            anchors[key] = torch.zeros_like(self.output)
            attended[key] = self.output @ net.attention_before
        given: Tensor = net.first
        for block in cell.blocks:
            for states in block.inputs:
                keys = [state_key(state, cell) for state in states]
                self._step(given)
                query = torch.cat([attended[key] for key in keys])
                query = torch.tanh(query + self.output @ net.attention_now) @ net.attention
                at = self._choose(self._bounded(query.view(-1), net.options.tanh_constant))
                given = anchors[keys[at]]
            for ops in block.ops:
                columns = [net.ops.index(op) for op in ops]
                self._step(given)
                bound = net.options.tanh_constant / net.options.op_tanh_reduce
                logits = self._bounded((self.output @ net.op_logits)[0] + net.bias, bound)
                if biased:
                    logits = logits + net.fixed_bias
                at = self._choose(logits[columns])
                given = net.op_embedding[columns[at]][None]
            names = [net.combines.index(name) for name in block.combines]
            self._choose((self.output @ net.combine_logits)[0][names])
            self._step(given)
            key = state_key(block_state(block.name), cell)
            anchors[key], attended[key] = self.output, self.output @ net.attention_before
            given = net.first

    def _step(self, given: Tensor) -> None:
        """A step of the LSTM, which has no biases."""
        gates = torch.cat([given, self.output], 1) @ self.net.lstm
        enter, forget, leave, new = gates.chunk(4, 1)
        self.memory = enter.sigmoid() * new.tanh() + forget.sigmoid() * self.memory
        self.output = leave.sigmoid() * self.memory.tanh()

    def _bounded(self, logits: Tensor, bound: float) -> Tensor:
        if self.net.options.temperature:
            logits = logits / self.net.options.temperature
        return bound * torch.tanh(logits) if bound else logits

    def _choose(self, logits: Tensor) -> int:
        """Sample one; where there is one, it is certain."""
        if len(logits) == 1:
            self.taken.append(0)
            return 0
        logs = logits.log_softmax(0)
        probabilities = logs.detach().exp()
        at = int(torch.multinomial(probabilities, 1))
        self.taken.append(at)
        self.log_probabilities.append(logs[at])
        self.entropies.append(float(-(probabilities * logs.detach()).sum()))
        return at


def _is_separable(vocabulary: Vocabulary, op: str) -> bool:
    """Whether an op is a separable convolution that is not dilated."""
    layers = [layer for form in vocabulary.op[op].forms for layer in form.layers]
    return any(layer.primitive == "depthwise" for layer in layers) and all(
        layer.dilation == 1 for layer in layers
    )


class Enas:
    """Searches with a super-network of the relaxation `path`.

    Args:
        net: as `nasdsl.supernet` makes it.
        steps: how many there will be.
        options: the values.
    """

    def __init__(self, net: Any, steps: Steps, options: EnasOptions | None = None) -> None:
        self.net, self.options = net, options or EnasOptions()
        chosen, space = self.options, net.graph.space
        recipe = weights_recipe(
            chosen, nesterov=True, clip_each=True, period=chosen.period * steps.each
        )
        self.optimizer = WeightsOptimizer(list(net.parameters()), steps.epochs * steps.each, recipe)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(steps.seed)
            self.controller = Controller(space, chosen)
        self.adam = torch.optim.Adam(
            self.controller.parameters(), chosen.controller_lr, betas=(0.0, 0.999), eps=1e-3
        )
        self.baseline = 0.0
        self._counts: list[tuple[int, ...]] = []

    def step(self, train: Batch, valid: Batch | None = None) -> float:
        """A step of the weights of a member that the controller samples; its cross-entropy.

        Args:
            train: images (B, C, H, W) and labels (B).
            valid: is not looked at.
        """
        images, labels = train
        with torch.no_grad():
            taken = self.controller.sample().taken
        self.net.train()
        self.net.choose(genotype_from_choices(self.net.graph.space, taken))
        outputs = self.net(images)
        if isinstance(outputs, tuple):
            # With an auxiliary classifier, whose weight is 0.4 (`micro_child.py`).
            loss = F.cross_entropy(outputs[0], labels) + 0.4 * F.cross_entropy(outputs[1], labels)
        else:
            loss = F.cross_entropy(outputs, labels)
        self.optimizer.step(loss, self.net.chosen_parameters())
        return float(loss.detach())

    def controller_step(self, valid: Iterable[Batch]) -> float:
        """A step of the controller; the mean reward of its members."""
        rewards = []
        self.adam.zero_grad(set_to_none=True)
        batches = iter(valid)
        for _ in range(self.options.aggregate):
            sampled = self.controller.sample()
            self._counts.append(sampled.taken)
            reward = self._accuracy(sampled.taken, next(batches))
            rewards.append(reward)
            reward += self.options.entropy * sampled.entropy
            self.baseline -= (1 - self.options.baseline) * (self.baseline - reward)
            loss = -sampled.log_probability * (reward - self.baseline)
            (loss / self.options.aggregate).backward()  # type: ignore[no-untyped-call]
        self.adam.step()
        return sum(rewards) / len(rewards)

    def _accuracy(self, taken: Sequence[int], batch: Batch) -> float:
        images, labels = batch
        self.net.choose(genotype_from_choices(self.net.graph.space, taken))
        with torch.no_grad():
            return float((self.net.logits(images).argmax(1) == labels).float().mean())

    # -- see `nasdsl.oneshot.method.Algorithm` --------------------------------------------

    def begin_epoch(self, epoch: int) -> None:
        """Forget which members the epoch before had."""
        self._counts = []

    def end_epoch(self, valid: Iterable[Batch]) -> None:
        """Train the controller."""
        batches = iter(valid)
        for _ in range(self.options.controller_steps):
            self.controller_step(batches)

    def candidates(self, last: bool) -> list[Genotype]:
        """Members that the controller samples."""
        space = self.net.graph.space
        with torch.no_grad():
            found = [self.controller.sample().taken for _ in range(self.options.samples)]
        return [genotype_from_choices(space, taken) for taken in found]

    def strengths(self) -> Mapping[str, Strengths]:
        """How often each option was sampled for the controller's last steps."""
        space = self.net.graph.space
        found: dict[str, list[list[float]]] = {}
        for mixture in (each for cell in space.cells for each in mixtures(cell)):
            rows, columns = max(len(mixture.inputs), 1), len(mixture.options)
            if rows * columns > 1:
                found[mixture.name] = [[0.0] * columns for _ in range(rows)]
        for taken in self._counts:
            for name, places in taken_options(space, taken).items():
                for row, column in places if name in found else ():
                    found[name][row][column] += 1 / len(places) / len(self._counts)
        return found

    def state_dict(self) -> dict[str, Any]:
        """Of the weights' optimizer, the controller and its baseline."""
        return {
            "weights": self.optimizer.state_dict(),
            "controller": self.controller.state_dict(),
            "adam": self.adam.state_dict(),
            "baseline": self.baseline,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        self.optimizer.load_state_dict(state["weights"])
        self.controller.load_state_dict(state["controller"])
        self.adam.load_state_dict(state["adam"])
        self.baseline = float(state["baseline"])


METHOD = Method("enas", "path", EnasOptions, Enas, sharing="slots", steps_validate=False)
