"""The public names of `nasdsl.train`, each in the module that defines and documents it."""

from .checkpoint import Checkpoints as Checkpoints
from .data import Splits as Splits
from .data import datasets as datasets
from .evaluation import evaluate as evaluate
from .execution import Execution as Execution
from .loop import Interrupted as Interrupted
from .loop import fit as fit
from .model_evaluation import ModelEvaluation as ModelEvaluation
from .model_evaluation import evaluate_model as evaluate_model
from .planning import RunPlan as RunPlan
from .planning import begin_run as begin_run
from .planning import network_settings as network_settings
from .planning import plan_run as plan_run
from .planning import recorded_plan as recorded_plan
from .recipe import Recipe as Recipe
from .recipe import recipe as recipe
from .results import Epoch as Epoch
from .results import Evaluation as Evaluation
from .results import Fitted as Fitted
from .run import train_run as train_run
from .run_folder import Job as Job
from .run_folder import RunFolder as RunFolder
from .watchers import TrainingPlan as TrainingPlan
from .watchers import Watcher as Watcher
