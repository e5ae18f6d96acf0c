"""Write what is made from the one table of network settings.

    python -m bench.settings

The table in `docs/language.md` and the settings in the JSON schema of genotypes. A test holds both
against what this would write.
"""

import json
import re
from pathlib import Path
from typing import Any

from nasdsl.language.genotype.settings import RULES, Setting

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "language.md"
SCHEMA = ROOT / "nasdsl" / "interop" / "genotype.schema.json"

_HEAD = """\
| setting | | values | default |
|---|---|---|---|
| `genotype` | takes the cells from the library, or from a file in the same folder | a name | |
"""
_TABLE = re.compile(r"^\| setting \|.*?\n\n", re.MULTILINE | re.DOTALL)
_NETWORK = re.compile(r'^    "network": \{.*?^    \}', re.MULTILINE | re.DOTALL)


def main() -> None:
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    SCHEMA.write_text(schema(SCHEMA.read_text("utf-8")), "utf-8")


def page(text: str) -> str:
    """The page with the table as it should be."""
    rows = "".join(_row(name, rule) for name, rule in RULES.items())
    return _TABLE.sub(lambda _: f"{_HEAD}{rows}\n", text)


def _row(name: str, rule: Setting) -> str:
    values = f"{rule.description} {rule.values.unit}".strip()
    return f"| `{name}` | {rule.values.help} | {values} | {rule.default} |\n"


def schema(text: str) -> str:
    """The schema with the settings as they should be, one per line."""
    lines = [f'        "{name}": {json.dumps(rule.schema)}' for name, rule in RULES.items()]
    network = (
        '    "network": {\n'
        '      "type": "object",\n'
        '      "description": "Network settings by name, as in a `network` block.",\n'
        '      "additionalProperties": false,\n'
        '      "properties": {\n' + ",\n".join(lines) + "\n      }\n    }"
    )
    return _NETWORK.sub(lambda _: network, text)


def network_schema() -> dict[str, Any]:
    """The settings of the schema as it is."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))["properties"]["network"]
    return found


if __name__ == "__main__":
    main()
