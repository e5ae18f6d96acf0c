"""Detection: Faster R-CNN on the features of any network, as the paper's section 4.3 has it.

The public names are listed in `__init__.pyi`; each is imported when it is first used. Those that
build networks need PyTorch and torchvision (extra `torch`); what a detector costs does not.
"""

from nasdsl.public_names import attached

__getattr__, __dir__, __all__ = attached(__name__, __file__)
