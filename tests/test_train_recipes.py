"""Recipes: the shipped ones, changes of them, and what is refused."""

import math
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.errors import CellError
from nasdsl.train.batches import EpochBatches
from nasdsl.train.data.splits import split_by_class
from nasdsl.train.optimizer import decays_before_clip, learning_rate
from nasdsl.train.recipe import RECIPES, VALUES, Recipe, recipe, recipe_text
from nasdsl.train.recipe_file import recipe_at, recipe_toml, with_changes


def refused(call: Any) -> list[Any]:
    with pytest.raises(CellError) as caught:
        call()
    return list(caught.value.diagnostics)


@pytest.mark.parametrize("name", RECIPES)
def test_each_value_of_a_file_has_a_comment(name: str) -> None:
    """Every line that sets a value says where the value is from."""
    lines = [line for line in recipe_text(name).splitlines() if re.match(r"\w", line)]
    assert [line.split(" =")[0] for line in lines] == list(VALUES)
    assert all(re.search(r"# \S", line) for line in lines)


def test_published_values() -> None:
    """What the paper and the released code's notes state."""
    cifar, imagenet = asdict(recipe("cifar")), asdict(recipe("imagenet"))
    stated = {
        "epochs": 600,
        "batch": 32,
        "lr": 0.025,
        "schedule": "cosine",
        "momentum": 0.9,
        "weight_decay": 5e-4,
        "clip": 5,
        "auxiliary_weight": 0.4,
        "drop_path": 0.4,
    }
    assert cifar | stated == cifar
    stated = {
        "optimizer": "rmsprop",
        "rho": 0.9,
        "epsilon": 1.0,
        "lr_decay": 0.97,
        "lr_decay_epochs": 2.4,
        "clip": 10,
        "ema": 0.9999,
        "label_smoothing": 0.1,
        "dropout": 0.5,
    }
    assert imagenet | stated == imagenet
    assert recipe("search").epochs == 20


@pytest.mark.parametrize(
    ("name", "changes", "images", "steps"),
    [
        # As published, slim has 937,500; here each epoch leaves out its last half batch.
        ("cifar", {}, 45_000, 843_600),
        ("cifar", {"held_out": 0.0}, 50_000, 937_500 - 600 // 2),
        ("search", {}, 45_000, 20 * 1_406),
    ],
)
def test_steps_on_cifar(name: str, changes: dict[str, Any], images: int, steps: int) -> None:
    """Steps of a recipe on CIFAR-10's 50,000 training images, less those that it holds out."""
    used = recipe(name, **changes)
    train, _ = split_by_class(tuple(range(10)) * 5_000, used.held_out)
    assert len(train) == images
    assert EpochBatches(len(train), used.batch, seed=0).steps * used.epochs == steps


def test_words_become_values() -> None:
    """`--set` gives each value its type; the later of two wins, and the rest stays."""
    words = ["lr=0.2", "epochs=3", "nesterov=true", "optimizer=sgd", "lr=1e-1"]
    made = with_changes(recipe("quick"), words)
    assert (made.lr, made.epochs, made.nesterov, made.optimizer) == (0.1, 3, True, "sgd")
    assert type(made.epochs) is int
    assert made == recipe("quick", lr=0.1, epochs=3, nesterov=True, optimizer="sgd")
    assert with_changes(made, []) == made


@pytest.mark.parametrize(
    ("word", "code", "hint"),
    [
        ("learning=0.1", "NAS821", "there are epochs"),
        ("epoch=1", "NAS821", "did you mean `epochs`?"),
        ("name=x", "NAS821", ""),
        ("lr", "NAS821", "lr=0.1"),
        ("=", "NAS821", ""),
        ("lr=", "NAS822", "a number from 0"),
        ("lr=nan", "NAS822", ""),
        ("lr=inf", "NAS822", ""),
        ("lr=-1", "NAS822", ""),
        ("epochs=0", "NAS822", "from 1 to"),
        ("epochs=1.5", "NAS822", "a whole number"),
        ("epochs=1_0", "NAS822", ""),
        ("epochs=" + "9" * 5000, "NAS822", ""),
        ("held_out=1", "NAS822", "below 1"),
        ("nesterov=yes", "NAS822", "`true` or `false`"),
        ("optimizer=adam", "NAS822", "`sgd`, `rmsprop` or `adamw`"),
    ],
)
def test_refused_words(word: str, code: str, hint: str) -> None:
    """A code and a way out, in a message of a sane length."""
    (found,) = refused(lambda: with_changes(recipe("quick"), [word]))
    assert found.code == code
    assert hint in found.hints[0]
    assert len(found.message) < 200


def test_all_mistakes_at_once() -> None:
    """Each wrong word is a finding of its own."""
    found = refused(lambda: with_changes(recipe("quick"), ["lr=x", "epoch=1", "batch=0"]))
    assert sorted(one.code for one in found) == ["NAS821", "NAS822", "NAS822"]


def test_a_whole_recipe_of_earlier_means_what_it_did(tmp_path: Path) -> None:
    """The file of an old run has every value but those that came later."""
    text = recipe_toml(recipe("cifar"))
    old = "".join(line for line in text.splitlines(True) if not line.startswith(("crop", "clip_d")))
    path = tmp_path / "recipe.toml"
    path.write_text(old)
    found = recipe_at(path)
    assert (found.crop, found.clip_decay) == ("padded", False)
    assert found == recipe("cifar", crop="padded", clip_decay=False)
    path.write_text(text)
    assert recipe_at(path) == recipe("cifar")
    path.write_text('base = "cifar"\nepochs = 1\n')
    assert recipe_at(path) == recipe("cifar", epochs=1)


def test_crops_and_decay_are_those_of_the_sources() -> None:
    """Appendix A.1 upsamples; in slim, L2 is in the loss. `quick` was measured otherwise."""
    found = {name: (recipe(name).crop, recipe(name).clip_decay) for name in RECIPES}
    assert {found["cifar"], found["search"]} == {("upsampled", True)}
    assert found["imagenet"][1]
    assert found["imagenet_mobile"][1]
    assert found["quick"] == ("padded", False)


def test_unknown_recipe() -> None:
    """The nearest name is offered."""
    (found,) = refused(lambda: recipe("cifar10"))
    assert (found.code, found.hints) == ("NAS820", ("did you mean `cifar`?",))


def test_a_recipe_cannot_be_made_with_illegal_values() -> None:
    """The constructor holds the same bounds as `changed`."""
    (found,) = refused(lambda: Recipe(**{**asdict(recipe("quick")), "batch": 0}))
    assert found.code == "NAS822"


@given(st.text(max_size=30))
def test_any_text_is_changed_or_refused(text: str) -> None:
    """No words end in anything but a recipe or findings."""
    for word in (text, f"lr={text}", f"nesterov={text}", f"optimizer={text}"):
        assert _codes(word) <= {"NAS821", "NAS822"}


def _codes(word: str) -> set[str]:
    try:
        with_changes(recipe("quick"), [word])
    except CellError as error:
        return {found.code for found in error.diagnostics}
    return set()


# -- learning rates -------------------------------------------------------------------------


def test_cosine_is_one_period() -> None:
    """From lr over half of it in the middle to nearly none, never rising."""
    made = recipe("cifar", epochs=10)
    rates = [learning_rate(made, step, 7) for step in range(70)]
    assert rates[0] == made.lr
    assert rates[35] == pytest.approx(made.lr / 2)
    assert 0 < rates[-1] < made.lr / 500
    assert rates == sorted(rates, reverse=True)


def test_warmup_rises_to_lr_and_the_cosine_has_the_rest() -> None:
    """The last step of the warm-up is the first with the full rate."""
    made = recipe("cifar", epochs=10, warmup=2)
    rates = [learning_rate(made, step, 5) for step in range(50)]
    assert rates[:10] == pytest.approx([made.lr * (k + 1) / 10 for k in range(10)])
    assert rates[10] == made.lr
    assert rates[30] == pytest.approx(made.lr / 2)


@pytest.mark.parametrize(
    ("clip", "clip_decay", "optimizer", "before"),
    [
        (0.5, True, "rmsprop", True),
        (5.0, True, "sgd", True),
        (0.0, True, "rmsprop", False),
        (5.0, False, "rmsprop", False),
        (5.0, True, "adamw", False),
    ],
)
def test_decay_before_the_clip(clip: float, clip_decay: bool, optimizer: str, before: bool) -> None:
    """As in slim, wherever there is a clip; the decay of AdamW is no part of the loss."""
    made = recipe("cifar", clip=clip, clip_decay=clip_decay, optimizer=optimizer)
    assert decays_before_clip(made) is before


def test_constant_is_the_same_at_each_step() -> None:
    """However long the training is."""
    made = recipe("cifar", schedule="constant", epochs=10)
    assert {learning_rate(made, step, 100) for step in range(1000)} == {made.lr}


def test_exponential_falls_in_stairs() -> None:
    """0.97 after each 2.4 epochs: with 100 steps an epoch, at 240, 480, ..."""
    made = recipe("imagenet")
    for step, power in ((0, 0), (239, 0), (240, 1), (479, 1), (480, 2), (24_000, 100)):
        assert learning_rate(made, step, 100) == pytest.approx(made.lr * 0.97**power)


@given(
    schedule=st.sampled_from(["cosine", "exponential", "constant"]),
    warmup=st.floats(0, 20),
    epochs=st.integers(1, 10),
    steps=st.integers(1, 20),
)
def test_rates_are_never_above_lr(schedule: str, warmup: float, epochs: int, steps: int) -> None:
    """Also where the warm-up is longer than the training."""
    made = recipe("cifar", schedule=schedule, warmup=warmup, epochs=epochs)
    for step in range(epochs * steps):
        rate = learning_rate(made, step, steps)
        assert math.isfinite(rate)
        assert 0 <= rate <= made.lr * (1 + 1e-12)
