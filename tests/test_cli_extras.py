"""Every command and option where one extra is missing and everything else is installed."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest
from packaging.requirements import Requirement

import nasdsl
from bench.reliability.patience import PATIENCE
from tests.cli_options import FINISH, SEARCH, SIZE, TRAIN, lines_of_every_option
from tests.cli_run import TINY, exit_code
from tests.clones import ROOT
from tests.commands_without import outcomes_without
from tests.test_install_hint import EXTRAS
from tests.thorough import THOROUGH

pytest.importorskip("torch")

#: What lines come to that do not succeed where everything is installed: what they need is not here.
OTHERWISE = {
    "play ": "NAS001",
    "render nosuch.cell ": "NAS001",
    "detect ": "NAS802",  # no detector
    "publish x.safetensors --repository": "NAS806",  # no connection
    "search plot s.db -o p.svg --regret": "NAS886",
    f"{SEARCH} --gpus 1": "NAS869",
    f"{TRAIN} --cuda-graph": "NAS707",
    # Without --no-auxiliary, for which these images are too small.
    f"{FINISH} {SIZE} --gpus 1": "NAS504",
    "search finish s.db --engine ray": "NAS504",
    "train tiny.cell --out new --data fake:3 --set epochs=1 "
    f"{SIZE} --task": "NAS825",  # no images with boxes
    "eval run --recipe": "NAS844",  # of images of another size
    "eval run --network": "NAS801",  # the run has its own
    "predict run full --network": "NAS801",
    "predict x.safetensors full --recipe": "MODEL says itself how images are prepared",
    f"{FINISH} {SIZE} --no-auxiliary --layers": "NAS505",
}
#: Lines that take long.
SLOW = re.compile(r"--compile$|compile nasnet_a --preset")


@cache
def packages_of(extra: str) -> frozenset[str]:
    """The packages that an extra brings by itself, by the names that they are imported by.

    Without what others need anyway: there is no scikit-learn without SciPy.
    """
    others = [each for each in EXTRAS if each != "all" and extra not in brought_by(each)]
    anyway = {name for other in others for each in _distributions(other) for name in _needs(each)}
    brings = {each for each in _distributions(extra) if _plain(each) not in anyway}
    names = {_plain(each): each for each in brings}
    found = {
        package
        for package, distributions in packages_distributions().items()
        for each in distributions
        if _plain(each) in names and not package.startswith("_")
    }
    return frozenset(found | {_plain(each) for each in brings})


def _distributions(extra: str) -> set[str]:
    """Those that an extra names."""
    return {re.split(r"[^\w.-]", each)[0] for each in EXTRAS[extra]} - {"nasdsl"}


@cache
def _needs(distribution: str) -> frozenset[str]:
    """Plain names of what is needed by a distribution, and by what that needs."""
    with contextlib.suppress(PackageNotFoundError):
        stated = [Requirement(each) for each in requires(distribution) or ()]
        first = {each.name for each in stated if not each.marker or each.marker.evaluate()}
        return frozenset(map(_plain, first)).union(*map(_needs, first))
    return frozenset()


def _plain(name: str) -> str:
    return name.lower().replace("-", "_")


def brought_by(extra: str) -> set[str]:
    """The extra and those that it includes."""
    inner = re.findall(r"nasdsl\[([\w,]+)\]", " ".join(EXTRAS[extra]))
    return {extra}.union(*(brought_by(each) for each in ",".join(inner).split(",") if each))


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What lines of every option name: genotypes, a space, a run, weights, images, a search."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("stocked")
    small = TINY.replace("genotype tiny", "genotype small").replace("max_pool_3x3", "?")
    network = (
        "\nnetwork {\n    N = 1\n    cell_filters = 4\n    stem = cifar\n    image_size = 8\n}\n"
    )
    tidy = nasdsl.genotype_text(nasdsl.loads(TINY))
    texts = {"tiny.cell": TINY, "tidy.cell": tidy, "small.cell": small + network}
    for name, text in {**texts, "names.txt": "a\nb\nc\n"}.items():
        (folder / name).write_text(text)
    (folder / "full").mkdir()
    for path in (folder / "a.png", folder / "full" / "a.png"):
        Image.new("RGB", (8, 8), (20, 200, 10)).save(path)
    with contextlib.chdir(folder):
        for line in (TRAIN.replace("--out new", "--out run"), SEARCH.replace("a.db", "s.db")):
            assert exit_code(shlex.split(f"{line} --quiet")) == 0
    shutil.copy(folder / "run" / "model.safetensors", folder / "x.safetensors")
    return folder


#: Extras that are missed in turn; without a name, none is.
MISSED = ["", *sorted({*EXTRAS} - {"all"})] if THOROUGH else ["plot"]


@pytest.mark.parametrize("extra", MISSED)
def test_each_extra_by_itself(extra: str, stocked: Path, tmp_path: Path) -> None:
    """Every command and option succeeds, or names an extra that brings what is missing."""
    hidden = packages_of(extra) if extra else frozenset()
    lines = [line for line in lines_of_every_option() if extra == "lsp" or line[:3] != "lsp"]
    if not THOROUGH:
        quick = [line for line in lines if not SLOW.search(line)]
        lines = Random(extra).sample(quick, 6)
    outcomes = outcomes_without(
        "missing", hidden, list(map(shlex.split, lines)), stocked, in_copies=True,
        PYTHONPATH=hiding(hidden, tmp_path), HF_HUB_OFFLINE="1",
    )  # fmt: skip
    wrong = [
        (line, code, said)
        for line, (code, said, _) in zip(lines, outcomes, strict=True)
        if not (code == 0 or comes_to_it_anyway(line, said) or is_told(hidden, code, said))
    ]
    assert wrong == []


def hiding(packages: frozenset[str], folder: Path) -> str:
    """A `PYTHONPATH` with which no Python, in processes that commands start neither, has them."""
    (folder / "sitecustomize.py").write_text(
        f"import sys\nsys.path.append({str(ROOT)!r})\n"
        f"from tests.commands_without import hide\nhide('missing', {set(packages) or {''}})\n"
    )
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))


def comes_to_it_anyway(line: str, said: str) -> bool:
    """Whether a line says what it says where everything is installed."""
    if "--engine ray" in line and find_spec("ray") is None:
        return 'install ".[ray]"' in said
    if "--engine ray" in line and "NAS870" in said:
        return True  # no cluster
    return any(code in said for start, code in OTHERWISE.items() if line.startswith(start))


def is_told(hidden: frozenset[str], code: int, said: str) -> bool:
    """Whether a command says which extra brings one of the packages that are hidden."""
    installs = re.findall(r'install "\.\[(\w+)\]"', said.partition("help:")[2])
    brought = {
        name for extra in installs for each in brought_by(extra) for name in packages_of(each)
    }
    return code == 2 and "error[NAS701]" in said and not hidden.isdisjoint(brought)


def test_language_server_needs_its_extra_alone(tmp_path: Path) -> None:
    """It starts where no other extra is installed, and ends with its input."""
    own = packages_of("lsp")
    others = frozenset().union(*(packages_of(each) for each in EXTRAS if each != "all")) - own
    ran = subprocess.run(
        [sys.executable, "-m", "nasdsl", "lsp"],
        env={**os.environ, "PYTHONPATH": hiding(others, tmp_path)},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    # As the protocol has it where no one asked for an end.
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")
