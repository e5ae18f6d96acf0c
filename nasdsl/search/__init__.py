"""Search: an algorithm proposes networks, workers evaluate them, and a store saves every result.

    counts = nasdsl.search.run(nasdsl.search.SearchSettings(space, Path("s.db")))

The public names are listed in `__init__.pyi`; each is imported when it is first used.
"""

from nasdsl.public_names import attached

__getattr__, __dir__, __all__ = attached(__name__, __file__)
