"""The compiler: from a name, path or genotype to what a backend makes of it."""

from nasdsl.compiler.build import compile, compiled_graph

__all__ = ["compile", "compiled_graph"]
