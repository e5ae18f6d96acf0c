"""JSON and TOML from outside: bounds on numbers, lines, depth and size."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nasdsl.documents import (
    MAX_DOCUMENT,
    MAX_NUMBER_LENGTH,
    document_text,
    json_value,
    toml_values,
)
from nasdsl.errors import CellError
from nasdsl.language.parser.read import read_model
from nasdsl.train.recipe_file import recipe_at
from nasdsl.train.run_folder import RunFolder

pytestmark = pytest.mark.usefixtures("no_bound")


@pytest.fixture
def no_bound() -> Iterator[None]:
    """The bounds do not depend on Python's own, which a program may lift."""
    bound = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    yield
    sys.set_int_max_str_digits(bound)


def test_what_is_legal() -> None:
    """Documents within the bounds are what the standard library says."""
    assert json_value('{"a": [1, -2.5e3, null, NaN]}')["a"][:3] == [1, -2500.0, None]
    assert json_value("9" * MAX_NUMBER_LENGTH) == 10**MAX_NUMBER_LENGTH - 1
    assert json_value(b'{"a": {"b": 1}}', object_hook=lambda pairs: [*pairs]) == ["a"]
    assert toml_values('a = 1\nb = ["c"]') == {"a": 1, "b": ["c"]}


@pytest.mark.parametrize(
    "text", ["9" * 1_000_000, "[" + "1." + "5" * 1_000_000 + "]", "[" * 500_000, '{"a":' * 500_000]
)
def test_json_out_of_bounds(text: str) -> None:
    """Numbers of any length and brackets of any depth are a ValueError, not work."""
    with pytest.raises(ValueError, match=r"characters|nested"):
        json_value(text)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "9" * 1_000_000,
        "a = 0x" + "f" * 1_000_000,
        "a." * 1_000_000 + "b = 1",
        "a = " + "[\n" * 100_000,
    ],
)
def test_toml_out_of_bounds(text: str) -> None:
    """The same for TOML, whose dotted keys take time in proportion to their square."""
    with pytest.raises(ValueError, match=r"characters|nested"):
        toml_values(text)


def test_large_files(tmp_path: Path) -> None:
    """No more than the bound is read of a file."""
    (tmp_path / "a").write_bytes(b" " * (MAX_DOCUMENT + 1))
    with pytest.raises(ValueError, match="larger than 1 MiB"):
        document_text(tmp_path / "a")
    (tmp_path / "b").write_bytes(b"a\r\nb")
    assert document_text(tmp_path / "b") == "a\nb"


def test_a_byte_order_mark_is_no_part_of_a_recipe(tmp_path: Path) -> None:
    """Editors of Windows write one."""
    (tmp_path / "mine.toml").write_bytes(b"\xef\xbb\xbfepochs = 3\r\n")
    assert recipe_at(tmp_path / "mine.toml").epochs == 3


def test_files_of_others(tmp_path: Path) -> None:
    """Recipes, run folders and headers of models are read within the bounds."""
    (tmp_path / "recipe.toml").write_text("epochs = " + "9" * 500_000)
    (tmp_path / "run.json").write_text('{"version": ' + "9" * 500_000 + "}")
    header = b'{"x": ' + b"9" * 500_000 + b"}"
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    giant = b"{" + b" " * 20_000_000 + b"}"
    (tmp_path / "giant.safetensors").write_bytes(len(giant).to_bytes(8, "little") + giant)
    for read, code in (
        (lambda: recipe_at(tmp_path / "recipe.toml"), "NAS846"),
        (lambda: RunFolder(tmp_path).job(), "NAS843"),
        (lambda: read_model(tmp_path / "model.safetensors"), "NAS802"),
        (lambda: read_model(tmp_path / "giant.safetensors"), "NAS802"),
    ):
        with pytest.raises(CellError) as caught:
            read()
        assert caught.value.diagnostics[0].code == code
