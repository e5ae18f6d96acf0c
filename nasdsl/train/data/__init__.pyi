"""The public names of `nasdsl.train.data`, each in the module that defines and documents it."""

from .datasets import datasets as datasets
from .image_files import image_files as image_files
from .image_files import require_readable as require_readable
from .look import Look as Look
from .source import DataSource as DataSource
from .source import ImageSet as ImageSet
from .splits import Images as Images
from .splits import Splits as Splits
from .splits import Stacked as Stacked
