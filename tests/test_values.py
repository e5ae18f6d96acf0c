"""Legal values: read from Python and from texts, described, the same everywhere."""

import math
from fractions import Fraction
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.api.request import chosen_settings
from nasdsl.errors import CellError
from nasdsl.language.genotype.settings import RULES
from nasdsl.train.recipe import VALUES, recipe
from nasdsl.values import Values, shown, values_of

COUNT = Values(int, minimum=1, maximum=100)
SHARE = Values(float, minimum=0, maximum=1, below_maximum=True)
WORDS = Values(str, words=("red", "green", "blue"))


@pytest.mark.parametrize(
    ("values", "description"),
    [
        (COUNT, "a whole number from 1 to 100"),
        (Values(int, minimum=1, maximum=1_000_000), "a whole number from 1 to 1,000,000"),
        (Values(float, minimum=1e-12, maximum=0.1), "a number from 1e-12 to 0.1"),
        (SHARE, "a number of at least 0 and below 1"),
        (Values(float, minimum=0), "a number of at least 0"),
        (Values(int, maximum=7), "a whole number of at most 7"),
        (Values(int, maximum=7, below_maximum=True), "a whole number below 7"),
        (Values(float), "a number"),
        (Values(bool), "`true` or `false`"),
        (Values(str), "a text"),
        (WORDS, "`red`, `green` or `blue`"),
    ],
)
def test_descriptions(values: Values, description: str) -> None:
    assert values.description == description


@pytest.mark.parametrize(
    ("values", "given", "legal"),
    [
        (COUNT, 7, 7),
        (COUNT, "7", 7),
        (COUNT, 7.0, 7),
        (COUNT, "7.0", 7),
        (COUNT, "1e2", 100),
        (COUNT, np.int64(7), 7),
        (COUNT, np.float32(7), 7),
        (COUNT, Fraction(14, 2), 7),
        (Values(int), "123456789012345678", 123456789012345678),
        (Values(int), "-3", -3),
        (SHARE, 0, 0.0),
        (SHARE, "5e-1", 0.5),
        (SHARE, np.float32(0.5), 0.5),
        (Values(float, minimum=0), "inf", math.inf),
        (Values(bool), "true", True),
        (Values(bool), False, False),
        (WORDS, "green", "green"),
        (Values(str), "anything", "anything"),
    ],
)
def test_legal(values: Values, given: object, legal: object) -> None:
    found = values.legal(given)
    assert found == legal
    assert type(found) is values.type


@pytest.mark.parametrize(
    ("values", "given"),
    [
        *((COUNT, each) for each in (0, 101, "0", 7.5, "7.5", "", "seven", "1_0", "٧", "+-7")),
        *((COUNT, each) for each in (True, None, [7], b"7", "nan", "inf", math.nan, math.inf)),
        *((COUNT, each) for each in ("9" * 1_000_000, " " * 1_000_000, 1j)),
        *((COUNT, each) for each in (np.array([1, 2]), np.array(1.5))),
        *((SHARE, each) for each in (1, 1.0, "1", -0.1, math.nan, "nan", True)),
        *((Values(float), each) for each in (math.nan, "nan", "0x10", "9" * 25, 10**400)),
        *((Values(bool), each) for each in ("yes", "True", 1, 0, None)),
        *((WORDS, each) for each in ("Red", "", 1, None, ["red"])),
    ],
)
def test_illegal(values: Values, given: Any) -> None:
    assert values.legal(given) is None


@pytest.mark.parametrize("values", [COUNT, SHARE, WORDS, Values(bool)])
def test_numbers_too_long_to_print_are_illegal(values: Values) -> None:
    """Python refuses to write 5000 digits; the answer, and the message with it, come anyway."""
    assert values.legal(10**5000) is None
    assert shown(10**5000) == "a number of over 4,000 digits"
    for ask in (lambda: chosen_settings({"N": 10**5000}), lambda: recipe("quick", lr=10**5000)):
        with pytest.raises(CellError, match="a number of over 4,000 digits"):
            ask()


@given(st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.none(), st.booleans()))
def test_what_is_legal_stays_legal(given: object) -> None:
    """A legal value is of its type, within its bounds, and read again the same."""
    for values in (*(rule.values for rule in RULES.values()), *VALUES.values()):
        found = values.legal(given)
        if found is None:
            continue
        assert type(found) is values.type
        assert values.legal(found) == found
        text = str(found).lower() if values.type is bool else str(found)
        assert values.legal(text) == found
        if values.type in (int, float):
            assert values.minimum <= found <= values.maximum


@pytest.mark.parametrize(
    ("annotation", "values"),
    [
        (int, Values(int)),
        (str, Values(str)),
        (bool, Values(bool)),
        (Literal["a", "b"], Values(str, words=("a", "b"))),
        (Annotated[int, COUNT], COUNT),
        (Annotated[float, "of something"], Values(float)),
        (list[int], None),
        (Literal[1, 2], None),
        (int | None, None),
    ],
)
def test_annotations(annotation: object, values: Values | None) -> None:
    assert values_of(annotation) == values
