"""Training: recipes, data, a resumable loop. PyTorch is imported when one of them is first used.

Purpose: the public names.
Non-goals: anything else; every name is documented where it is defined.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nasdsl.train.execution import ensure_installed

# At once, because the function has the name of its module; it does not need PyTorch.
from nasdsl.train.recipe import Recipe, recipe

if TYPE_CHECKING:
    from nasdsl.train.checkpoint import Checkpoints
    from nasdsl.train.data import Splits, datasets
    from nasdsl.train.evaluation import evaluate
    from nasdsl.train.execution import Execution
    from nasdsl.train.loop import Interrupted, fit
    from nasdsl.train.results import Epoch, Evaluation, Fitted
    from nasdsl.train.run import network_settings
    from nasdsl.train.watchers import TrainingPlan, Watcher

_HOMES = {
    "Checkpoints": "checkpoint",
    "Epoch": "results",
    "Evaluation": "results",
    "Execution": "execution",
    "Fitted": "results",
    "Interrupted": "loop",
    "TrainingPlan": "watchers",
    "Splits": "data",
    "Watcher": "watchers",
    "datasets": "data",
    "evaluate": "evaluation",
    "fit": "loop",
    "network_settings": "run",
}

__all__ = [
    "Checkpoints",
    "Epoch",
    "Evaluation",
    "Execution",
    "Fitted",
    "Interrupted",
    "Recipe",
    "Splits",
    "TrainingPlan",
    "Watcher",
    "datasets",
    "evaluate",
    "fit",
    "network_settings",
    "recipe",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nasdsl.train' has no attribute {name!r}")
    ensure_installed()
    return getattr(import_module(f"nasdsl.train.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
