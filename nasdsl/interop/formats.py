"""The formats by name, and which of them a text is in.

Formats are found through entry points `nasdsl.formats`, each a `Format`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePath

from nasdsl.errors import CellError, Diagnostic, Source, cell_error, listed
from nasdsl.interop.foreign import Entry, Foreign, Options
from nasdsl.language.genotype.types import Genotype
from nasdsl.registry import Registry
from nasdsl.values import typed

ReadFunction = Callable[[Foreign, Options], list[Genotype]]
Finder = Callable[[Foreign, Options], list[Entry]]
Writer = Callable[[Genotype, Options], tuple[str, list[Diagnostic]]]


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write genotypes down: what an entry point `nasdsl.formats` leads to.

    Attributes:
        title: what it is, in a line.
        sign: an expression that its texts match and those of other formats do not, but for
            the formats that share a sign. It is searched for in all of a text, and must take
            time in proportion to the text's length.
        write: writes a genotype, and says what is lost (NAS655). Raises `CellError` (NAS654)
            where the format cannot say something.
        read: reads a text whose genotypes have names, or the options' name. Raises `CellError`
            (NAS651 to NAS656) at a mistake.
        find: lists the genotypes of a text, to be read one by one; in place of `read`, where a
            text may hold many, or some without a name.
        endings: suffixes of files that are of this format and no other.
        usual_endings: suffixes of files that are of this format where no other fits.
        is_ours: whether its texts are read through the language, with the language's findings.
    """

    title: str
    sign: str
    write: Writer
    read: ReadFunction | None = None
    find: Finder | None = None
    endings: tuple[str, ...] = ()
    usual_endings: tuple[str, ...] = ()
    is_ours: bool = False


#: The installed formats.
FORMATS: Registry[Format] = Registry(
    kind="format",
    group="nasdsl.formats",
    type=Format,
    unknown="NAS650",
    requirement="a format is a `nasdsl.interop.formats.Format`",
    first=(
        *("cell", "json", "yaml", "darts", "slim", "amoebanet", "enas", "nni", "naslib"),
        *("nasbench201", "nasbench101", "nasbench301", "pyglove"),
    ),
    list_of_all="there are",
)
# Texts with slim's lists whose surroundings say whose they are.
_AMOEBANET = re.compile(
    r"amoeba|evol_net|[\[,(]\s*['\"](1x1|3x3|1x7_7x1|max_pool_2x2)['\"]", re.IGNORECASE
)
_SLIM = re.compile(r"p?nas_?net|PNASCell", re.IGNORECASE)


@typed
def format_of(source: Source) -> str:
    """The name of the one format that a text can be in.

    Raises:
        CellError: none or several fit (NAS650); `--from` says which it is.
    """
    fitting = formats_of(source)
    if len(fitting) == 1:
        return fitting[0]
    raise _ambiguity_error(source, fitting)


def formats_of(source: Source) -> list[str]:
    """The names of the formats that a text can be in."""
    ending = PurePath(source.name).suffix.lower()
    formats = FORMATS.usable()
    for name, known in formats.items():
        if ending in known.endings:
            return [name]
    text = source.text
    fitting = [name for name, known in formats.items() if re.search(known.sign, text)]
    if fitting == ["slim", "amoebanet"]:
        if _AMOEBANET.search(text):
            return ["amoebanet"]
        if _SLIM.search(text):
            return ["slim"]
    if len(fitting) == 1:
        return fitting
    for name, known in formats.items():
        if ending in known.usual_endings and (not fitting or name in fitting):
            return [name]
    return fitting


def _ambiguity_error(source: Source, fitting: list[str]) -> CellError:
    if fitting:
        text = f"{source.name!r} could be in the formats {listed(fitting)}"
        return cell_error("NAS650", text, "`--from FORMAT` says which it is")
    text = f"{source.name!r} does not look like any of the formats"
    return cell_error("NAS650", text, f"`--from FORMAT` names it: {', '.join(FORMATS)}")
