"""Runtimes: what runs a network for inference. Importing this imports none of them."""

from nasdsl.runtimes.runtime import RUNTIMES, Call, Runtime, find, load

__all__ = ["RUNTIMES", "Call", "Runtime", "find", "load"]
