"""Format many generated files: twice is once, the meaning stays, and so does every comment.

    python -m bench.formatting --files 100000 --seed 1

Each file is a member of the paper's space, written by a careless hand: with other spaces, empty
lines, and comments. Exit status 1 if any of them fails, with its number.
"""

import argparse
import re
import sys
from functools import cache
from random import Random

import nasdsl
from nasdsl.errors import Source
from nasdsl.language.genotype.text import genotype_text
from nasdsl.language.parser import parse
from nasdsl.language.printer.format import formatted_text

_AROUND = (" {} ", "{}", "{} ")
_WORDS = ("why", "# not", "b0 = (", "é", "{", "}", "ops nasnet", "…", "1, 2")


def careless(text: str, random: Random) -> str:
    """The text as somebody might have typed it."""
    lines = []
    for line in text.splitlines():
        line = re.sub(r" +", lambda _: " " * random.choice((1, 1, 2, 5)), line.strip())
        line = re.sub(
            r" ?([,=]) ?", lambda m: random.choice((" {} ", "{}", "{} ")).format(m[1]), line
        )
        if random.random() < 0.2:
            line += " " * random.randrange(3) + f"# {random.choice(_WORDS)} {random.random()}"
        lines.append(" " * random.randrange(6) + line)
        if random.random() < 0.2:
            lines.append(random.choice(("", "\t", f"  # {random.random()}", "\n\n")))
    return "\n".join(lines) + random.choice(("", "\n", "\n\n"))


def generated_fault(seed: int, number: int) -> str | None:
    """What is wrong with file `number` of a seed once it is formatted."""
    random = Random(f"{seed}/{number}")
    (member,) = nasdsl.sample(_space(), n=1, seed=random.randrange(2**31))
    return fault(careless(genotype_text(member), random))


@cache
def _space() -> nasdsl.Space:
    return nasdsl.load_space("nasnet_space")


def fault(text: str) -> str | None:
    """What is wrong with a text once it is formatted; None where nothing is."""
    once = formatted_text(parse(Source("a.cell", text)))
    if formatted_text(parse(Source("a.cell", once))) != once:
        return "formatted twice, it is another"
    if nasdsl.loads(once) != nasdsl.loads(text):
        return "it means something else"
    if _comments(once) != _comments(text):
        return "a comment is missing, or is elsewhere"
    return None


def _comments(text: str) -> list[str]:
    return [found.rstrip() for found in re.findall(r"#.*", text)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    faults = []
    for number in range(given.files):
        found = generated_fault(given.seed, number)
        if found is not None:
            faults.append(f"file {number}: {found}")
    print(f"{given.files:,} files, {len(faults)} faults", *faults[:10], sep="\n")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
