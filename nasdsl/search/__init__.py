"""Search: an algorithm proposes networks, workers evaluate them, and a store saves every result.

    counts = nasdsl.search.run(nasdsl.search.SearchSettings(space, Path("s.db")))

The public names are listed in `__init__.pyi`; each is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
