"""How a missing extra is installed, in the words of a hint.

nasdsl is not on the package index yet, so every hint installs from a checkout. This is the one
place to change once it is published.
"""


def install_hint(extra: str = "") -> str:
    """The hint that tells how to install nasdsl with an extra of its own, such as `train`."""
    wanted = f'".[{extra}]"' if extra else "."
    return f"run `pip install {wanted}` in a checkout of nasdsl"
