"""The public names of `nasdsl.search`, each in the module that defines and documents it."""

from .child import limit_for as limit_for
from .evaluators import evaluator as evaluator
from .finishing import Winner as Winner
from .finishing import finish as finish
from .loop import Event as Event
from .loop import run as run
from .planning import plan_search as plan_search
from .protocol import Evaluator as Evaluator
from .protocol import Result as Result
from .protocol import Score as Score
from .protocol import Searcher as Searcher
from .results import trial_text as trial_text
from .searchers import searcher as searcher
from .settings import SearchSettings as SearchSettings
from .store import Counts as Counts
from .store import Reader as Reader
from .store import Trial as Trial
