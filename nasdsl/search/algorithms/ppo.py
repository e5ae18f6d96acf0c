"""PPO: the paper's controller, a recurrent network that learns what to propose.

Zoph et al. 2018, appendix A.2: a one-layer LSTM with 100 hidden units predicts one decision
after another, each with a softmax of its own (Zoph and Le 2017, section 3.1, Figure 2); all
weights start uniform in [-0.1, 0.1]. It is trained by proximal policy optimization (Schulman et
al. 2017) with Adam at a learning rate of 0.00035, an entropy bonus of 0.00001 and, as baseline,
a moving average of the rewards with weight 0.95, on 20 architectures at a time.

The paper leaves open how long and how far PPO goes on a batch: here it makes `passes` steps,
with ratios clipped at `clip`. A genotype's probability is the product over its decisions, as in
the paper, and the ratio is taken of that product.
"""

from collections import deque
from collections.abc import Sequence

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from nasdsl.api.threads import threads
from nasdsl.language.genotype.types import Space
from nasdsl.search.decisions import Choices, open_decisions, rng_for_turn
from nasdsl.search.protocol import Result, SearcherState
from nasdsl.search.searchers import Count, Fraction, NonNegative

#: Sums have the same order on every machine; tensors this small gain nothing from more.
_THREADS = 1


class ControllerNetwork(nn.Module):
    """A distribution over rows of T decisions.

    The weights of all softmaxes are in one tensor, (T, K, hidden) with K the most options of any
    decision; options that a decision does not have get no probability.

    Args:
        sizes: how many options each of the T decisions has.
        hidden: width of the LSTM and of the embeddings.
        init: weights are drawn uniformly from [-init, init].
        generator: what draws them.
    """

    legal: Tensor

    def __init__(
        self, sizes: Sequence[int], hidden: int, init: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        length, width = len(sizes), max(sizes)
        legal = torch.arange(width) < torch.tensor(sizes)[:, None]
        self.register_buffer("legal", legal, persistent=False)
        self.start = nn.Parameter(torch.empty(hidden))
        self.embedding = nn.Parameter(torch.empty(length, width, hidden))
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)
        self.softmax = nn.Parameter(torch.empty(length, width, hidden))
        self.bias = nn.Parameter(torch.empty(length, width))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -init, init, generator=generator)

    def forward(self, taken: Tensor) -> tuple[Tensor, Tensor]:
        """How likely rows are.

        Args:
            taken: options, (B, T), whole numbers.

        Returns:
            The log-probability of each row, (B,), and the entropy of the softmaxes on the
            way to it, summed over the decisions, (B,).
        """
        batch, length = taken.shape
        read = self.embedding[torch.arange(length), taken]
        start = self.start.expand(batch, 1, -1)
        states, _ = self.lstm(torch.cat([start, read[:, :-1]], 1))
        scores = torch.einsum("bth,tkh->btk", states, self.softmax) + self.bias
        logs = scores.masked_fill(~self.legal, -torch.inf).log_softmax(-1)
        # Where there is no probability there is no entropy, and no gradient of 0 * log 0.
        entropy = -(logs.exp() * logs.masked_fill(~self.legal, 0)).sum(-1)
        return logs.gather(-1, taken[..., None])[..., 0].sum(-1), entropy.sum(-1)

    @torch.no_grad()
    def draw(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw `n` rows, (n, T); with their log-probabilities, (n,)."""
        length = len(self.legal)
        read = self.start.expand(n, 1, -1)
        state: tuple[Tensor, Tensor] | None = None
        taken = torch.empty(n, length, dtype=torch.long)
        log_probability = torch.zeros(n)
        for at in range(length):
            states, state = self.lstm(read, state)
            scores = states[:, 0] @ self.softmax[at].T + self.bias[at]
            logs = scores.masked_fill(~self.legal[at], -torch.inf).log_softmax(-1)
            option = torch.multinomial(logs.exp(), 1, generator=generator)
            taken[:, at] = option[:, 0]
            log_probability += logs.gather(-1, option)[:, 0]
            read = self.embedding[at][option]
        return taken, log_probability


#: Bits of torch's seeds.
_SEED_BITS = 63


class PPO:
    """Proposes what its network draws, and trains the network on every `batch` results.

    Proposals are drawn `batch` at a time, and those not yet proposed are dropped when the network
    changes. The probability with which each was drawn is kept until its result is known, so
    results of older versions of the network count as they should in PPO.

    A failure counts as the lowest reward so far; before there is one, it is ignored.

    Args:
        space: what to search.
        seed: of the first weights and of all draws.
        hidden: width of the LSTM and of the embeddings that it reads.
        init: the first weights are uniform in [-init, init].
        lr: Adam's learning rate.
        entropy: weight of the entropy, summed over the decisions.
        baseline: weight of the past in the moving average, which begins at the mean of the
            first batch.
        batch: architectures an update.
        passes: steps of Adam on each batch.
        clip: how far from 1 the ratio of probabilities may move the objective.
        max_norm: bound on the norm of the gradient; infinite as in the paper.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        *,
        hidden: Count = 100,
        init: NonNegative = 0.1,
        lr: NonNegative = 0.00035,
        entropy: NonNegative = 0.00001,
        baseline: Fraction = 0.95,
        batch: Count = 20,
        passes: Count = 4,
        clip: NonNegative = 0.2,
        max_norm: NonNegative = float("inf"),
    ) -> None:
        self.decisions, self.seed = open_decisions(space), seed
        self.entropy, self.weight, self.batch = entropy, baseline, batch
        self.passes, self.clip, self.max_norm = passes, clip, max_norm
        self.network = ControllerNetwork(self.decisions.sizes, hidden, init, self._generator(0))
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=lr)
        self.baseline: float | None = None
        self.worst: float | None = None
        self.draws = 0
        self.drawn: deque[tuple[Choices, float]] = deque()
        self.in_flight: dict[str, list[tuple[Choices, float]]] = {}
        self.observed: list[tuple[Choices, float, float]] = []
        self._saved: bytes | None = None

    def propose(self, n: int) -> list[str]:
        """`n` genotypes, drawn from the present network."""
        return [self._next() for _ in range(n)]

    def observe(self, results: Sequence[Result]) -> None:
        """Collect results, and train on every full batch of them."""
        for result in results:
            taken, log_probability = self._take_from_flight(result.text)
            reward = self.worst if result.reward is None else result.reward
            if reward is None:
                continue
            self.worst = reward if self.worst is None else min(self.worst, reward)
            self.observed.append((taken, log_probability, reward))
            if len(self.observed) == self.batch:
                self._update()

    def state_dict(self) -> SearcherState:
        """The network with its optimizer, and the proposals in flight.

        `network` is the same object until the next update, so a store need not write it
        again.
        """
        in_flight = [[text, list(t), p] for text, each in self.in_flight.items() for t, p in each]
        return {
            "network": self._network_bytes(),
            "baseline": self.baseline,
            "worst": self.worst,
            "draws": self.draws,
            "drawn": [[list(taken), p] for taken, p in self.drawn],
            "flying": in_flight,
            "observed": [[list(taken), p, reward] for taken, p, reward in self.observed],
        }

    def load_state_dict(self, state: SearcherState) -> None:
        """Continue with that network."""
        self._load_network(state["network"])
        self.baseline, self.worst = state["baseline"], state["worst"]
        self.draws = state["draws"]
        self.drawn = deque((tuple(taken), p) for taken, p in state["drawn"])
        self.in_flight = {}
        for text, taken, p in state["flying"]:
            self.in_flight.setdefault(text, []).append((tuple(taken), p))
        self.observed = [(tuple(taken), p, reward) for taken, p, reward in state["observed"]]

    # -- proposing -----------------------------------------------------------------------

    def _next(self) -> str:
        if not self.drawn:
            self.draws += 1
            with threads(_THREADS):
                taken, log_probability = self.network.draw(self.batch, self._generator(self.draws))
            pairs = zip(taken.tolist(), log_probability.tolist(), strict=True)
            self.drawn.extend((tuple(each), p) for each, p in pairs)
        taken_, log_probability_ = self.drawn.popleft()
        text = self.decisions.text(taken_)
        self.in_flight.setdefault(text, []).append((taken_, log_probability_))
        return text

    def _take_from_flight(self, text: str) -> tuple[Choices, float]:
        """The choices of a proposal, and the log-probability it was drawn with."""
        proposals = self.in_flight[text]
        first = proposals.pop(0)
        if not proposals:
            del self.in_flight[text]
        return first

    def _generator(self, turn: int) -> torch.Generator:
        return torch.Generator().manual_seed(rng_for_turn(self.seed, turn).getrandbits(_SEED_BITS))

    # -- learning ------------------------------------------------------------------------

    def _update(self) -> None:
        choices, log_probabilities, rewards = zip(*self.observed, strict=True)
        taken, old = torch.tensor(choices), torch.tensor(log_probabilities)
        if self.baseline is None:
            self.baseline = sum(rewards) / len(rewards)
        # In double precision: rewards differ in their last digits when a search is good.
        advantage = (torch.tensor(rewards, dtype=torch.float64) - self.baseline).float()
        with threads(_THREADS):
            for _ in range(self.passes):
                self._step(taken, old, advantage)
        for reward in rewards:
            self.baseline = self.weight * self.baseline + (1 - self.weight) * reward
        self.observed.clear()
        self.drawn.clear()
        self._saved = None

    def _step(self, taken: Tensor, old: Tensor, advantage: Tensor) -> None:
        """One step of Adam on the clipped objective (Schulman et al. 2017, equation 7)."""
        log_probability, entropy = self.network(taken)
        ratio = torch.exp(log_probability - old)
        clipped = ratio.clamp(1 - self.clip, 1 + self.clip)
        objective = torch.minimum(ratio * advantage, clipped * advantage)
        loss = -(objective + self.entropy * entropy).mean()
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.max_norm)
        # One overflow, in a ratio or a reward, must not ruin a search of weeks.
        if norm.isfinite():
            self.optimizer.step()

    # -- saving -------------------------------------------------------------------------

    def _network_bytes(self) -> bytes:
        """Weights and Adam's moments as safetensors."""
        if self._saved is None:
            tensors = {f"weight.{name}": each for name, each in self._weights()}
            for name, parameter in self._weights():
                for key, value in self.optimizer.state.get(parameter, {}).items():
                    tensors[f"{key}.{name}"] = value
            self._saved = save({name: each.detach() for name, each in tensors.items()})
        return self._saved

    def _load_network(self, saved: bytes) -> None:
        tensors = load(saved)
        self.optimizer.state.clear()
        with torch.no_grad():
            for name, parameter in self._weights():
                parameter.copy_(tensors.pop(f"weight.{name}"))
        for key, value in tensors.items():
            kind, _, name = key.partition(".")
            self.optimizer.state[self.network.get_parameter(name)][kind] = value
        self._saved = saved

    def _weights(self) -> list[tuple[str, torch.nn.Parameter]]:
        return list(self.network.named_parameters())
