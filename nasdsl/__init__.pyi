"""The public names of nasdsl, each in the module that defines and documents it."""

from . import backend as backend
from . import export as export
from . import interop as interop
from . import passes as passes
from . import search as search
from . import train as train
from . import weights as weights
from .api.compile import compile as compile
from .api.library_entries import LibraryEntry as LibraryEntry
from .api.library_entries import library_entries as library_entries
from .api.proof import Proof as Proof
from .api.proof import prove as prove
from .api.request import cost as cost
from .api.trained import WeightsFile as WeightsFile
from .canonical import canonical_form as canonical_form
from .canonical import canonical_hash as canonical_hash
from .canonical import differences as differences
from .errors import CellError as CellError
from .errors import Diagnostic as Diagnostic
from .language.genotype.settings import Settings as Settings
from .language.genotype.text import genotype_text as genotype_text
from .language.genotype.text import space_text as space_text
from .language.genotype.types import Block as Block
from .language.genotype.types import BlockState as BlockState
from .language.genotype.types import Cell as Cell
from .language.genotype.types import Genotype as Genotype
from .language.genotype.types import Hidden as Hidden
from .language.genotype.types import Output as Output
from .language.genotype.types import Space as Space
from .language.genotype.vocabulary import Combine as Combine
from .language.genotype.vocabulary import Op as Op
from .language.genotype.vocabulary import Vocabulary as Vocabulary
from .loading import load as load
from .loading import load_space as load_space
from .loading import loads as loads
from .loading import loads_space as loads_space
from .network.cost import Cost as Cost
from .space import contains as contains
from .space import count as count
from .space import count_distinct as count_distinct
from .space import enumerate_genotypes as enumerate_genotypes
from .space import mutate as mutate
from .space import neighbours as neighbours
from .space import sample as sample

__version__: str
