"""The public names of `nasdsl.report`, each in the module of its format."""

from .machine import as_github as as_github
from .machine import as_json as as_json
from .machine import as_sarif as as_sarif
from .text import as_text as as_text
