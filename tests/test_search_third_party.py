"""Search algorithms are found through entry points, ours and anybody's.

`tests/data/searchers/` holds an installed package: a module beside its `.dist-info`. Put on
the path, it is found by the same look-up as those pip installs.
"""

import sys
from pathlib import Path

import pytest

import nasdsl
from nasdsl.errors import CellError
from nasdsl.search.searchers import names, options_of, searcher
from nasdsl.space import genotype_at

PACKAGE = Path(__file__).parent / "data" / "searchers" / "first"
SPACE = nasdsl.load_space("nasnet_space")


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PACKAGE)


def _code(name: str) -> str:
    with pytest.raises(CellError) as caught:
        searcher(name, SPACE, 0)
    (found,) = caught.value.diagnostics
    return found.code


def test_third_party() -> None:
    """An algorithm this repository does not know is found by name, with its options."""
    assert options_of("first") == {"step": 1}
    found = searcher("first", SPACE, 0, step="3")
    texts = [nasdsl.genotype_text(genotype_at(SPACE, at)) for at in (0, 3)]
    assert found.propose(2) == texts
    again = searcher("first", SPACE, 0, step=3)
    again.load_state_dict(found.state_dict())
    assert again.propose(2) == found.propose(2)


def test_listing_imports_nothing() -> None:
    """Names are read from the packages' metadata."""
    sys.modules.pop("first_searcher", None)
    assert {"first", "absent", "broken", "poor", "ppo"} <= set(names())
    assert "first_searcher" not in sys.modules


def test_what_is_offered_and_is_none() -> None:
    """A module that is missing, a name that is, what is no searcher, and a name twice."""
    assert _code("absent") == "NAS701"
    assert _code("broken") == "NAS880"
    assert _code("poor") == "NAS880"
    assert _code("random") == "NAS880"
