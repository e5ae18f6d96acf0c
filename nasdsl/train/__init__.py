"""Training: recipes, data, a resumable loop. PyTorch is imported when one of them is first used.

Purpose: the public names.
Non-goals: anything else; every name is documented where it is defined.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from nasdsl.train.packages import ensure_installed

# At once, because the function has the name of its module; it does not need PyTorch.
from nasdsl.train.recipe import Recipe, recipe

if TYPE_CHECKING:
    from nasdsl.train.checkpoint import Checkpoints
    from nasdsl.train.data import Splits, datasets
    from nasdsl.train.evaluation import evaluate
    from nasdsl.train.execution import Execution
    from nasdsl.train.loop import Interrupted, fit
    from nasdsl.train.model_evaluation import ModelEvaluation, evaluate_model
    from nasdsl.train.planning import RunPlan, begin_run, plan_run
    from nasdsl.train.results import Epoch, Evaluation, Fitted
    from nasdsl.train.run import network_settings, train_run
    from nasdsl.train.run_folder import Job, RunFolder
    from nasdsl.train.watcher import Plan, Watcher

_HOMES = {
    "Checkpoints": "checkpoint",
    "Epoch": "results",
    "Evaluation": "results",
    "Execution": "execution",
    "Fitted": "results",
    "Interrupted": "loop",
    "Job": "run_folder",
    "ModelEvaluation": "model_evaluation",
    "Plan": "watcher",
    "RunFolder": "run_folder",
    "RunPlan": "planning",
    "Splits": "data",
    "Watcher": "watcher",
    "begin_run": "planning",
    "datasets": "data",
    "evaluate": "evaluation",
    "evaluate_model": "model_evaluation",
    "fit": "loop",
    "network_settings": "run",
    "plan_run": "planning",
    "train_run": "run",
}

__all__ = [
    "Checkpoints",
    "Epoch",
    "Evaluation",
    "Execution",
    "Fitted",
    "Interrupted",
    "Job",
    "ModelEvaluation",
    "Plan",
    "Recipe",
    "RunFolder",
    "RunPlan",
    "Splits",
    "Watcher",
    "begin_run",
    "datasets",
    "evaluate",
    "evaluate_model",
    "fit",
    "network_settings",
    "plan_run",
    "recipe",
    "train_run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'nasdsl.train' has no attribute {name!r}")
    ensure_installed()
    return getattr(import_module(f"nasdsl.train.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
