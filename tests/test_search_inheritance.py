"""Weights that a network inherits from the one that its own was made from."""

from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

import nasdsl
from nasdsl.api.compile import build
from nasdsl.errors import CellError
from nasdsl.loading import cells_of_text
from nasdsl.search.evaluators import evaluator
from nasdsl.search.loop import run
from nasdsl.search.planning import plan_resumed, plan_search
from nasdsl.search.protocol import Family
from nasdsl.search.store import Reader
from nasdsl.weights.inheritance import inherit, keep

TEXT = """genotype g
ops nasnet
cell normal {
    b0 = (h[i], h[i-1], sep_conv_3x3, conv_3x3, add)
    b1 = (b0, h[i], sep_conv_3x3, identity, add)
    output concat(b1)
}
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add) }
"""
#: Where the normal cell is, with N = 1.
NORMAL = ("cells.0.", "cells.2.", "cells.4.")
SPEC = "train?N=1&cell_filters=2&epochs=1&batch=64&device=cpu"


@pytest.mark.parametrize(
    ("before", "after", "drawn"),
    [
        ("(b0, h[i], sep_conv_3x3", "(b0, h[i], sep_conv_5x5", ".b1.left."),
        # Tensors of the same names and shapes, in another op.
        ("conv_3x3, add)\n    b1", "dil_conv_3x3, add)\n    b1", ".b0.right."),
        # Another input, which has no weights.
        ("b1 = (b0, h[i]", "b1 = (h[i], h[i]", None),
    ],
)
def test_unchanged_parts_have_the_parents_tensors(
    tmp_path: Path, before: str, after: str, drawn: str | None
) -> None:
    """The part that was changed is drawn, and nothing else."""
    asked: Any = evaluator(SPEC)
    parent = build(asked.child.graph(cells_of_text(TEXT)), seed=1)
    keep(parent, tmp_path / "p.pt")
    assert before in TEXT
    child = build(asked.child.graph(cells_of_text(TEXT.replace(before, after))), seed=2)
    own = {name: tensor.clone() for name, tensor in child.state_dict().items()}
    theirs = parent.state_dict()
    inherit(child, parent.graph, tmp_path / "p.pt")
    changed = 0
    for name, tensor in child.state_dict().items():
        is_drawn = drawn is not None and drawn in name and name.startswith(NORMAL)
        assert torch.equal(tensor, own[name] if is_drawn else theirs[name]), name
        changed += is_drawn
    assert bool(changed) == (drawn is not None)


def test_what_cannot_be_inherited(tmp_path: Path) -> None:
    """A file that is missing, or is not one of weights, is one finding."""
    asked: Any = evaluator(SPEC)
    damaged = tmp_path / "d.pt"
    damaged.write_bytes(b"no weights")
    for path in (tmp_path / "none.pt", damaged):
        with pytest.raises(CellError) as caught:
            asked.evaluate_child(
                TEXT, 0, lambda value: None, Family(str(tmp_path / "own.pt"), TEXT, str(path))
            )
        (finding,) = caught.value.diagnostics
        assert finding.code == "NAS888"
    space, more = nasdsl.loads_space(SPACE), {"inherit_weights": True, "store": tmp_path / "s.db"}
    for options in (
        {"algorithm": "random"},
        {"algorithm": "evolution", "evaluator": "python:tests.search_evaluators:seeded"},
        {"algorithm": "evolution", "fidelity": "asha"},
        {"algorithm": "evolution", "same": "function"},
    ):
        with pytest.raises(CellError) as caught:
            plan_search(space, **{**more, **options})
        (finding,) = caught.value.diagnostics
        assert finding.code == "NAS888"


SPACE = """genotype small
ops nasnet
cell normal { b0 = (h[i], h[i-1], {conv_3x3 | identity}, {conv_3x3 | identity}, add) }
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, {conv_3x3 | identity}, add) }
"""


def test_a_search_says_who_inherited(tmp_path: Path) -> None:
    """Rewards are those of the trainings, one after another, that the store says there were."""
    settings = plan_search(
        nasdsl.loads_space(SPACE),
        tmp_path / "s.db",
        algorithm="evolution",
        options=["population=1", "sample=1"],
        evaluator=SPEC,
        trials=4,
        block=1,
        window=1,
        inherit_weights=True,
    )
    run(settings)
    with Reader(settings.store) as store:
        trials = list(store.trials())
    asked: Any = evaluator(settings.evaluator)
    trained = [one for one in trials if one.same_as is None]
    assert trials[0].inherits is None
    assert len(trained) > 1
    for one in trained:
        text = f"{settings.seed}/{one.hash}".encode()
        seed = int.from_bytes(blake2b(text, digest_size=4).digest(), "big") >> 1
        family = Family(str(tmp_path / one.hash))
        if one.inherits is not None:
            parent = trials[one.inherits]
            family = Family(family.weights, parent.text, str(tmp_path / parent.hash))
        score = asked.evaluate_child(one.text, seed, lambda value: None, family)
        assert (score.reward, score.curve) == (one.reward, one.curve)
    assert all(one.inherits is not None for one in trained[1:])
    assert plan_resumed(settings.store).inherit_weights
