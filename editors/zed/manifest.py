"""Write extension.toml, which Zed reads: `python editors/zed/manifest.py`, in a checkout.

Zed takes a grammar only from a commit of a repository, so the manifest names this checkout and the
commit that it is at.
"""

import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write the manifest of this checkout."""
    git = ["git", "-C", str(HERE), "rev-parse"]
    ran = subprocess.run(
        [*git, "--show-toplevel", "HEAD"], stdout=subprocess.PIPE, text=True, check=True
    )
    root, commit = ran.stdout.split("\n")[:2]
    text = manifest(Path(root).as_uri(), commit)
    (HERE / "extension.toml").write_text(text, encoding="utf-8")


def manifest(repository: str, commit: str) -> str:
    """What Zed has to know about the extension."""
    return f"""\
id = "nasdsl"
name = "nasdsl"
description = "Neural architecture cells: highlighting, and nasdsl's language server"
version = "0.1.0"
schema_version = 1
authors = ["The nasdsl authors"]

[grammars.cell]
repository = "{repository}"
rev = "{commit}"
path = "editors/tree-sitter-cell"

[language_servers.nasdsl]
name = "nasdsl"
languages = ["Cell"]
"""


if __name__ == "__main__":
    main()
