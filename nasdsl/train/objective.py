"""The loss that training minimises.

Purpose: cross-entropy with label smoothing, of both classifiers where there is an auxiliary
one. Szegedy et al. 2016 (CVPR, sections 4 and 7) have both; slim's released training code
smooths the labels of the auxiliary classifier too.
Non-goals: weight decay, which is the optimizer's (`nasdsl.train.optimizer`).
"""

import torch.nn.functional as F
from torch import Tensor


def objective(
    outputs: Tensor | tuple[Tensor, Tensor],
    labels: Tensor,
    label_smoothing: float,
    auxiliary_weight: float,
) -> tuple[Tensor, Tensor]:
    """The loss, a scalar in nats, and the logits it is about, (B, classes).

    Args:
        outputs: logits, or logits and those of the auxiliary classifier.
        labels: (B,).
        label_smoothing: share of a label that is spread over all classes, 0 to 1.
        auxiliary_weight: of the auxiliary classifier's loss.
    """
    if isinstance(outputs, Tensor):
        return F.cross_entropy(outputs, labels, label_smoothing=label_smoothing), outputs
    logits, auxiliary = outputs
    loss = F.cross_entropy(logits, labels, label_smoothing=label_smoothing)
    extra = F.cross_entropy(auxiliary, labels, label_smoothing=label_smoothing)
    return loss + auxiliary_weight * extra, logits
