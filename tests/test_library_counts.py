"""What published networks count, and what the page about them says.

The figures were counted elsewhere, from the published definitions and, for NASNet-A, by running
the original code. Where they are given to the unit they are held to the unit, else to the digits
that are given.
"""

import re
import shutil
from pathlib import Path

import pytest

from bench.library import agrees, cells, page, picture
from nasdsl.api.library_entries import library_entries
from nasdsl.language.genotype.settings import Settings
from nasdsl.loading import load
from nasdsl.network.cost import Cost, genotype_cost

DOCS = Path(__file__).parent.parent / "docs"

# Parameters and mult-adds: a whole number is exact, a text has the digits that are given.
COUNTED: dict[str, tuple[int | str, str | None]] = {
    "nasnet_a_cifar": (3_346_538, "544.3M"),
    "nasnet_a_cifar_large": (32_590_954, "5151.3M"),
    "nasnet_a_mobile": (5_289_978, "563.64M"),
    "nasnet_a_large": (88_753_150, "23783.4M"),
    "nasnet_a_5_1536": (12_263_416, "2.69B"),
    "nasnet_a_7_1920": (24_613_292, "5.37B"),
    "nasnet_a_darts_cifar": ("3.06M", None),
    "pnasnet5_cifar": (3_189_082, None),
    "pnasnet5_large": (86_057_668, "24937M"),
    "amoebanet_a_cifar_small": ("2.57M", None),
    "amoebanet_a_cifar": ("3.22M", None),
    "amoebanet_a_large": ("86.72M", "23.13B"),
    "amoebanet_a_xlarge": ("468.2M", "103.9B"),
    "amoebanet_a_mobile": ("5.09M", None),
    "amoebanet_b_cifar": ("2.84M", None),
    "amoebanet_b_mobile": ("5.26M", None),
    "amoebanet_c_mobile": ("6.35M", None),
    "amoebanet_a_darts_cifar": (3_145_078, None),
    "enas_micro_cifar": ("3.89M", None),
    "darts_v1_cifar": (3_169_414, None),
    "darts_v2_cifar": (3_349_342, "528.4M"),
    "darts_v2_imagenet": (4_718_752, "529.9M"),
    "pc_darts_cifar_cifar": ("3.63M", None),
    "pc_darts_cifar_imagenet": ("5.27M", "571.1M"),
    "pc_darts_image_imagenet": ("5.34M", "581.6M"),
    "p_darts_cifar": ("3.43M", None),
    "p_darts_imagenet": ("4.94M", "542.8M"),
    "gdas_cifar": ("3.37M", "519.4M"),
    "gdas_imagenet": ("5.35M", "581.0M"),
    "snas_cifar": ("2.66M", "422M"),
    "snas_imagenet": ("4.24M", None),
}
#: Counts of networks at other settings than their presets'.
OTHERWISE = {
    "331 pixels": ("amoebanet_a_xlarge", Settings(image_size=331), "468.2M", "126.5B"),
    "C = 33": ("nasnet_a_darts_cifar", Settings(filters=660), "3.25M", None),
    "C = 36": ("nasnet_a_darts_cifar", Settings(filters=720), "3.83M", None),
    "1001 classes, mobile": ("nasnet_a_mobile", Settings(classes=1001), 5_291_035, None),
    "1001 classes, large": ("nasnet_a_large", Settings(classes=1001), 88_757_183, None),
    "1001 classes, PNASNet": ("pnasnet5_mobile", Settings(classes=1001), "5.07M", None),
}
#: Mult-adds that were counted with one filter less in the second stem cell's factorized
#: reduction: its filters are odd there, 27, 25, 31 and 25, and were halved rounding down. slim
#: gives the odd one to the second path, and so does nasdsl.
WITHOUT_THE_ODD_FILTER = {
    "pnasnet5_mobile": "587.2M",
    "amoebanet_a_mobile": "554.6M",
    "amoebanet_b_mobile": "555.0M",
    "amoebanet_c_mobile": "676.8M",
}


def holds(counted: int, expected: int | str | None) -> bool:
    """Whether a count is the one given, or rounds to its digits."""
    if expected is None or isinstance(expected, int):
        return expected is None or counted == expected
    digits, unit = expected[:-1], {"M": 10**6, "B": 10**9}[expected[-1]]
    return f"{counted / unit:.{len(digits.partition('.')[2])}f}" == digits


@pytest.mark.parametrize("name", COUNTED)
def test_counts(name: str) -> None:
    """Every published network that was counted elsewhere."""
    params, mult_adds = COUNTED[name]
    counted = genotype_cost(load(name))
    assert holds(counted.params, params), counted.params
    assert holds(counted.mult_adds, mult_adds), counted.mult_adds


@pytest.mark.parametrize("case", OTHERWISE)
def test_counts_at_other_settings(case: str) -> None:
    """What was counted besides."""
    name, settings, params, mult_adds = OTHERWISE[case]
    counted = genotype_cost(load(name), settings)
    assert holds(counted.params, params), counted.params
    assert holds(counted.mult_adds, mult_adds), counted.mult_adds


@pytest.mark.parametrize("name", WITHOUT_THE_ODD_FILTER)
def test_counts_without_the_odd_filter(name: str) -> None:
    """Less one filter over the stem's 32 channels at 56 x 56, the figures are those given."""
    genotype = load(name)
    counted = genotype_cost(genotype)
    less = counted.mult_adds - 32 * 56 * 56
    assert holds(less, WITHOUT_THE_ODD_FILTER[name])
    assert not holds(counted.mult_adds, WITHOUT_THE_ODD_FILTER[name])


def test_every_network_is_counted() -> None:
    """No network of the library with published figures is left out here."""
    networks = {entry.name for entry in library_entries() if entry.published}
    assert networks == set(COUNTED) | set(WITHOUT_THE_ODD_FILTER)


def test_auxiliary_classifiers() -> None:
    """ENAS' pads its last convolution and has no bias; AmoebaNet's has 0.4 times the filters."""

    def auxiliary(name: str) -> int:
        found: Cost = genotype_cost(load(name), Settings(auxiliary=True))
        return found.auxiliary_params

    enas = 720 * 128 + 2 * 128 + 2 * 2 * 128 * 768 + 2 * 768 + 768 * 10
    assert auxiliary("enas_micro_cifar") == enas
    # Four states of 2F = 72 filters at 16 x 16, pooled to 4 x 4.
    amoebanet = 288 * 51 + 2 * 51 + 4 * 4 * 51 * 307 + 2 * 307 + 307 * 10 + 10
    assert auxiliary("amoebanet_a_cifar") == amoebanet


# -- the page ----------------------------------------------------------------------------


def test_page_is_current() -> None:
    """`python -m bench.library` writes what is there."""
    assert (DOCS / "library.md").read_text(encoding="utf-8") == page()


def test_what_is_not_reproduced_says_so() -> None:
    """A network whose count is another says what is known about it, and no other does."""
    for entry in library_entries():
        if entry.published:
            assert agrees(entry) == (not entry.published.why), entry.name


def test_every_cell_is_drawn() -> None:
    """A picture for each cell of the page, and no other."""
    drawn = {path.stem for path in (DOCS / "images" / "library").glob("*.svg")}
    assert drawn == set(cells())


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("name", cells())
def test_pictures_are_current(name: str) -> None:
    """The picture has the boxes and wires of the cell; numbers may differ between Graphvizes."""
    committed = (DOCS / "images" / "library" / f"{name}.svg").read_bytes()
    assert titles(committed) == titles(picture(name))


def titles(svg: bytes) -> list[str]:
    return re.findall(r"<title>(.*?)</title>", svg.decode())
