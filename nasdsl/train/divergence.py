"""Divergence: when there is no point in going on.

Purpose: the bound on the loss, and the refusal.
Non-goals: recovering; which value of a recipe is to blame is for people to judge.
"""

import math
from pathlib import Path

from nasdsl.errors import CellError, cell_error

#: How many times the loss of guessing is beyond hope. A training that works stays near or
#: below that loss; momentum that runs away passes any bound within a few steps.
_HOPELESS = 100


def check_converging(loss: float, classes: int, step: int, saved: Path | None = None) -> None:
    """Refuse a mean loss that is not finite or far above that of guessing.

    Args:
        loss: mean over the epoch so far, in nats.
        classes: guessing among them costs ln(classes).
        step: where training is.
        saved: the newest checkpoint.

    Raises:
        CellError: NAS840.
    """
    if loss <= _HOPELESS * math.log(max(classes, 2)):
        return
    raise diverged(f"the loss is {loss:.4g} after step {step}", saved)


def diverged(what: str, saved: Path | None = None) -> CellError:
    """The refusal to go on; `saved` is the newest checkpoint."""
    kept = [f"the last good checkpoint is {saved}"] if saved else []
    return cell_error(
        "NAS840",
        f"training has diverged: {what}",
        "a lower learning rate, a longer warm-up or a tighter clip may help: "
        "`--set lr=...`, `--set warmup=...`, `--set clip=...`",
        *kept,
    )
