"""The recurrent network that draws genotypes, decision by decision.

Purpose: the controller of Zoph and Le 2017 (section 3.1, Figure 2) and Zoph et al. 2018
(appendix A.1): an LSTM reads the decision it took last and predicts the next one by a
softmax; each decision has a softmax and an embedding of its own.
Non-goals: training it (`nasdsl.search.algorithms.ppo`).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ControllerNetwork(nn.Module):
    """A distribution over rows of T decisions.

    The weights of all softmaxes lie in one tensor, (T, K, hidden) with K the most options a
    decision has, and what a decision does not offer has no probability.

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
    def drawn(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """`n` rows drawn, (n, T), and their log-probabilities, (n,)."""
        length = len(self.legal)
        read = self.start.expand(n, 1, -1)
        state: tuple[Tensor, Tensor] | None = None
        taken = torch.empty(n, length, dtype=torch.long)
        log_probability = torch.zeros(n)
        for at in range(length):
            states, state = self.lstm(read, state)
            scores = states[:, 0] @ self.softmax[at].T + self.bias[at]
            logs = scores.masked_fill(~self.legal[at], -torch.inf).log_softmax(-1)
            chosen = torch.multinomial(logs.exp(), 1, generator=generator)
            taken[:, at] = chosen[:, 0]
            log_probability += logs.gather(-1, chosen)[:, 0]
            read = self.embedding[at][chosen]
        return taken, log_probability
