"""nasdsl: a language and a compiler for neural architecture cells.

The public names are listed in `__init__.pyi`. Each is imported when it is first used, so that
`import nasdsl` is quick and never imports torch.
"""

import sys

from nasdsl.language.genotype.display import make_bundles_with
from nasdsl.public_names import attached
from nasdsl.resources import checkout
from nasdsl.version import __version__ as __version__

__getattr__, __dir__, __all__ = attached(__name__, __file__)

# A checkout's backends lie beside the package, and come before those of another clone.
if (_root := checkout()) is not None:
    sys.path.insert(0, str(_root / "backends"))

# Values show themselves in notebooks, and the drawing is imported when one does.
make_bundles_with("nasdsl.drawing.rendering:mime_bundle")
