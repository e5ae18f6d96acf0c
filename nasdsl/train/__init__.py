"""Training: recipes, data and a loop that can be resumed.

The public names are listed in `__init__.pyi`. PyTorch is imported when one that needs it is
first used.
"""

from typing import Any

from nasdsl.public_names import attached
from nasdsl.train.execution import ensure_installed

# Imported now: they do not need PyTorch, and the function has the name of its module.
from nasdsl.train.recipe import Recipe as Recipe
from nasdsl.train.recipe import recipe as recipe

_load, __dir__, __all__ = attached(__name__, __file__)


def __getattr__(name: str) -> Any:
    if name in __all__:
        ensure_installed()
    return _load(name)
