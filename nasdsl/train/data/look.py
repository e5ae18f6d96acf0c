"""What the images of a data set have in common. PyTorch is not needed to say it."""

from typing import NamedTuple


class Look(NamedTuple):
    """What is common to the images of a source.

    Attributes:
        mean: of each channel over the training images, 0 to 1.
        deviation: of each channel, 0 to 1.
        mirrors: whether an image mirrored left to right is of the same class.
        background: whether empty space is 0; otherwise padding has the mean colour.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    mirrors: bool = True
    background: bool = False


#: Those of ImageNet's training images, which also serve for folders of images.
PHOTOS = Look((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
