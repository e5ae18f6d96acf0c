"""The public names of `nasdsl.train`, each in the module that defines and documents it."""

from .checkpoint import Checkpoints as Checkpoints
from .data import Splits as Splits
from .data import datasets as datasets
from .evaluation import evaluate as evaluate
from .execution import Execution as Execution
from .loop import Interrupted as Interrupted
from .loop import fit as fit
from .recipe import Recipe as Recipe
from .recipe import recipe as recipe
from .results import Epoch as Epoch
from .results import Evaluation as Evaluation
from .results import Fitted as Fitted
from .run import network_settings as network_settings
from .watchers import TrainingPlan as TrainingPlan
from .watchers import Watcher as Watcher
