"""Models that are shared: folders in the form of the Hugging Face Hub, and models of timm.

Purpose: a trained network as a folder of three files, which anybody can load without the project's
other files: `config.json` has the `.cell` text, `model.safetensors` the weights, `README.md` the
model card.
Non-goals: training (`nasdsl.train`); other files of a network (`nasdsl.export`).

Importing this imports neither torch nor huggingface_hub. The extra `hub` brings both.
"""

from nasdsl.public_names import attached

__getattr__, __dir__, __all__ = attached(__name__, __file__)
