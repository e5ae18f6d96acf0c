"""The table of formats.

Purpose: what each is called, which module reads and writes it, and how its texts are told.
Non-goals: reading and writing themselves.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import PurePath

from nasdsl.errors import CellError, Diagnostic, Source, cell_error, listed, nearest
from nasdsl.interop.foreign import Foreign
from nasdsl.interop.options import Options
from nasdsl.language.genotype.types import Genotype

Reader = Callable[[Foreign, Options], list[Genotype]]
Writer = Callable[[Genotype, Options], tuple[str, list[Diagnostic]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write genotypes down.

    Attributes:
        title: what it is, in a line.
        module: the module below `nasdsl.interop`.
        sign: an expression that its texts match and those of other formats do not, but for
            the formats that share a sign.
        suffix: what follows `read` and `write` in the module's function names.
        endings: suffixes of files that are of this format and no other.
    """

    title: str
    module: str
    sign: str
    suffix: str = ""
    endings: tuple[str, ...] = ()

    @property
    def is_ours(self) -> bool:
        """Whether its texts are read through the language, with the language's findings."""
        return self.module in ("cell", "document")

    @property
    def read(self) -> Reader:
        """Reads a text of this format."""
        found: Reader = getattr(
            import_module(f"nasdsl.interop.{self.module}"), f"read{self.suffix}"
        )
        return found

    @property
    def write(self) -> Writer:
        """Writes a text of this format."""
        found: Writer = getattr(
            import_module(f"nasdsl.interop.{self.module}"), f"write{self.suffix}"
        )
        return found


_LISTS = r"hiddenstate_indices"
FORMATS: dict[str, Format] = {
    "cell": Format(
        "nasdsl's own text",
        "cell",
        r"(?m)^[ \t]*(genotype|vocabulary)[ \t]+\w+[ \t]*(#.*)?$",
        endings=(".cell",),
    ),
    "json": Format("nasdsl's own data as JSON", "document", r'^\s*\{[^:]*"nasdsl"\s*:', "_json"),
    "yaml": Format(
        "nasdsl's own data as YAML", "document", r"(?m)^nasdsl[ ]*:", "_yaml", (".yaml", ".yml")
    ),
    "darts": Format("Genotype(...) of DARTS and its family", "darts", r"Genotype\s*\("),
    "slim": Format("the lists of slim's NASNet and PNASNet", "lists", _LISTS, "_slim"),
    "amoebanet": Format("the lists of AmoebaNet's code", "lists", _LISTS, "_amoebanet"),
    "enas": Format(
        "the integers of ENAS's micro space",
        "enas",
        r"^[\s\[\],0-9]*[0-9][\s\[\],0-9]*$|fixed_arc=",
    ),
    "nni": Format("the dictionary of NNI 3", "nni", r"""["'](normal|reduce)/(op|input)_"""),
    "naslib": Format("NASLib's compact form", "naslib", r"^[^\n#]*\(\s*\(\s*\(\s*[0-9]"),
    "nasbench201": Format(
        "the string of NAS-Bench-201", "nasbench201", r"""^\s*["']?\|[^|~\s]+~[0-9]"""
    ),
    "nasbench101": Format(
        "matrix and ops of NAS-Bench-101",
        "nasbench101",
        r"(?s)\bmatrix\b.*\bops\b|\bops\b.*\bmatrix\b",
    ),
    "pyglove": Format(
        "PyGlove's DNA of one of our spaces", "pyglove", r"^\s*(\w+\s*=\s*)?(pg\.)?DNA\s*\("
    ),
}
# Texts with slim's lists whose surroundings say whose they are.
_AMOEBANET = re.compile(r"amoeba|evol_net|['\"](1x1|3x3|1x7_7x1|max_pool_2x2)['\"]", re.IGNORECASE)
_SLIM = re.compile(r"p?nas_?net|PNASCell", re.IGNORECASE)
_LONGEST_SIGN = 200_000


def format_named(name: str) -> Format:
    """The format of that name.

    Raises:
        CellError: there is none (NAS650).
    """
    if name not in FORMATS:
        guess = nearest(name, FORMATS)
        hint = f"did you mean `{guess}`?" if guess else f"there are {listed(FORMATS)}"
        raise cell_error("NAS650", f"no format is called {name!r:.60}", hint)
    return FORMATS[name]


def format_of(source: Source) -> str:
    """The name of the one format that a text can be in.

    Raises:
        CellError: none or several fit (NAS650); `--from` says which it is.
    """
    ending = PurePath(source.name).suffix.lower()
    for name, known in FORMATS.items():
        if ending in known.endings:
            return name
    text = source.text[:_LONGEST_SIGN]
    fitting = [name for name, known in FORMATS.items() if re.search(known.sign, text)]
    if fitting == ["slim", "amoebanet"]:
        if _AMOEBANET.search(text):
            return "amoebanet"
        if _SLIM.search(text):
            return "slim"
    if len(fitting) == 1:
        return fitting[0]
    raise _undecided(source, fitting)


def _undecided(source: Source, fitting: list[str]) -> CellError:
    if fitting:
        text = f"{source.name!r} could be in the formats {listed(fitting)}"
        return cell_error("NAS650", text, "`--from FORMAT` says which it is")
    text = f"{source.name!r} is in no format that can be told by looking at it"
    return cell_error("NAS650", text, f"`--from FORMAT` names it: {', '.join(FORMATS)}")
