"""The script that makes the table benchmark: its space, its trainings, and going on."""

from pathlib import Path

import pytest

import nasdsl
from bench import table
from nasdsl.space import genotype_at

pytest.importorskip("torch")
pytest.importorskip("sklearn")

ROW = table.Row("00ff00ff00ff00ff", 7, 0, 0.5, 0.25, 100, 200, 0.5)


def test_members_are_one_a_form() -> None:
    """3,025 hashes, each of a member whose index leads back to it."""
    members = table.distinct()
    assert len(members) == len(set(members.values())) == 3025
    space = nasdsl.load_space(table.SPACE)
    for hash, index in [*members.items()][::300]:
        assert nasdsl.canonical_hash(genotype_at(space, index)) == hash


def test_a_cut_row_is_taken_off(tmp_path: Path) -> None:
    """What was whole stays, and the file goes on at the beginning of a line."""
    path = tmp_path / "t.csv"
    with table._appending(path) as file:
        file.write(",".join(map(str, ROW)) + "\n")
    whole = path.read_text()
    path.write_text(whole + "0123,4,0,0.")
    table._appending(path).close()
    assert path.read_text() == whole
    assert [*table.rows(path)] == [ROW]


def test_a_training_is_its_seeds() -> None:
    """The same seed gives the same accuracies, another seed others."""
    genotype = genotype_at(nasdsl.load_space(table.SPACE), 0)
    first = table.accuracies(genotype, 0)
    assert table.accuracies(genotype, 0) == first
    assert table.accuracies(genotype, 1) != first
    assert all(0.2 < accuracy < 1 for accuracy in first)


def test_batch_norm_has_the_statistics_of_the_training_set() -> None:
    """Settled, a network computes in evaluation what it computes on the whole set in training.

    Up to the variance's correction for a sample: the set counts as one of a population in
    training, and is divided by one less in the statistics that are kept.
    """
    import torch

    images, _ = table._data()
    genotype = genotype_at(nasdsl.load_space(table.SPACE), 3)
    network = nasdsl.compile(genotype, **table.NETWORK, seed=0)
    with torch.no_grad():
        table._settle_batch_norm(network, images[: table.TRAIN])
        trained = network.train()(images[: table.TRAIN])
        settled = network.eval()(images[: table.TRAIN])
    assert float((trained - settled).abs().max()) < 1e-2 * float(trained.abs().max())


def test_the_three_parts_share_no_image() -> None:
    """1,797 images in an order of its own: 600, 597 and 600."""
    images, labels = table._data()
    assert images.shape == (1797, 1, 8, 8)
    assert len(labels) - table.TRAIN - table.HELD_OUT == 600
    parts = labels[: table.TRAIN], labels[table.TRAIN : -600], labels[-600:]
    # Each class is in each part.
    assert all(len(part.unique()) == 10 for part in parts)
