"""Names, holes and settings: what a text means, and what is said when it means nothing."""

import pytest

from nasdsl import canonical_hash, enumerate_genotypes, interop, library
from nasdsl.api.library_entries import library_entries
from nasdsl.errors import CellError, Source
from nasdsl.language.genotype.text import genotype_text, space_text
from nasdsl.language.genotype.types import BlockState, Hidden, Output
from nasdsl.loading import analyse, load, load_space, loads, loads_space, source_of

HEAD = "genotype g\nops nasnet\n"
SOUND = "b0 = (h[i], h[i-1], sep_conv_3x3, identity, add)"


def cell(*statements: str, kind: str = "normal") -> str:
    return f"cell {kind} {{\n" + "\n".join(statements) + "\n}\n"


def codes(text: str) -> list[str]:
    return [found.code for found in analyse(Source("x.cell", text)).diagnostics]


def the_finding(text: str):
    (found,) = analyse(Source("x.cell", text)).diagnostics
    return found


def test_a_genotype_has_the_blocks_of_its_text() -> None:
    """Every field arrives where it belongs."""
    genotype = loads(HEAD + cell(SOUND, "out = (b0, h[i], max_pool_3x3, identity, concat)"))
    (normal,) = genotype.cells
    assert genotype.name == "g"
    assert normal.blocks[0].inputs == (Hidden(0), Hidden(1))
    assert normal.blocks[1].inputs == (BlockState("b0"), Hidden(0))
    assert normal.blocks[1].ops == ("max_pool_3x3", "identity")
    assert normal.blocks[1].combine == "concat"
    assert normal.output == Output("unused")
    assert normal.output_states == (BlockState("out"),)


def test_reduction_and_normal_may_stand_in_either_order() -> None:
    """The order of the cells in a file means nothing."""
    normal, reduction = cell(SOUND), cell(SOUND, kind="reduction")
    assert loads(HEAD + normal + reduction) == loads(HEAD + reduction + normal)


def test_a_hole_is_everything_legal_there() -> None:
    """Inputs are the given states, newest first, then the blocks above."""
    space = loads_space(HEAD + cell(SOUND, "1 * (?, {b0}, ?, {identity | conv_1x1}, ?)"))
    block = space.cells[0].blocks[1]
    assert block.name == "b1"
    assert block.inputs[0] == (Hidden(0), Hidden(1), BlockState("b0"))
    assert block.inputs[1] == (BlockState("b0"),)
    assert block.ops[0] == tuple(library.vocabulary("nasnet").op)
    assert block.ops[1] == ("identity", "conv_1x1")
    assert block.combines == ("add", "concat", "add_layer_norm", "add_instance_norm")


def test_a_hole_in_a_reduction_cell_leaves_out_ops_that_cannot_reduce() -> None:
    """Where the input may be a cell input, only ops that take the stride are options."""
    text = "op fixed = [relu]\nop fine = [conv(3x3, stride)]\ncombine add = [sum]\n"
    space = loads_space(
        "genotype g\n" + text + cell("1 * (?, h[i], ?, ?, add)", "1 * (b0, h[i], ?, ?, add)",
                                     kind="reduction")
    )  # fmt: skip
    first, second = space.cells[0].blocks
    assert first.ops == (("fine",), ("fine",))
    assert second.ops == (("fixed", "fine"), ("fine",))


def test_cells_that_pass_on_four_states_are_given_four() -> None:
    """`output each` of four makes h[i-3] legal and h[i-4] not."""
    four = [f"b{i} = (h[i], h[i-{i}], conv_1x1, identity, add)" for i in range(4)]
    each = "output each(b0, b1, b2, b3)"
    assert codes(HEAD + cell(*four, each)) == []
    beyond = "b1 = (h[i], h[i-4], conv_1x1, identity, add)"
    assert codes(HEAD + cell(four[0], beyond, *four[2:], each)) == ["NAS207"]


def test_a_file_over_a_base_vocabulary_keeps_its_own_definitions() -> None:
    """Local definitions win, and are remembered as local."""
    genotype = loads(HEAD + "op identity = [relu]\n" + cell(SOUND))
    assert genotype.vocabulary.local == ("identity",)
    assert genotype.vocabulary.op["identity"].definition == "[relu]"
    assert genotype.vocabulary.op["conv_1x1"] == library.vocabulary("nasnet").op["conv_1x1"]


def test_forms_repeat_and_join_with_the_stride_in_the_first_repetition() -> None:
    """`2 * [conv(3x3, stride)] + [relu]` is two convolutions, the first strided, and a ReLU."""
    text = "vocabulary v\nop x = 2 * [conv(3x3, stride, filters/4)] + [relu]\n"
    op = analyse(Source("v.cell", text)).resolution.vocabulary.op["x"]
    assert op.definition == "[conv(3x3, stride, filters/4), conv(3x3, filters/4), relu]"


def test_every_mistake_of_a_file_is_reported_in_one_run() -> None:
    """Names, arity, order and output are judged block by block, whatever else is wrong."""
    text = HEAD + cell(
        "b0 = (h[i], b2, sep_con_3x3, identity, add)",
        "b1 = (h[i], h[i-9], identity, ad)",
        "b1 = (b1, h[0], max_pool_3x3, identity, plus)",
        "b2 = (add, h[i], h[i], identity, add)",
        "output concat(b7, b0, b0)",
    )
    assert codes(text) == [
        "NAS204", "NAS201", "NAS301", "NAS207", "NAS202", "NAS206", "NAS105", "NAS202", "NAS212",
        "NAS212", "NAS305", "NAS306",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "meant"),
    [("h[i-1", "h[i-1]"), ("h[i1]", "h[i-1]"), ("h[-1]", "h[i-1]"), ("h[t]", "h[i]"),
     ("H[i-1]", "h[i-1]")],
)  # fmt: skip
def test_malformed_states_get_the_fix_they_need(written: str, meant: str) -> None:
    """What is plainly meant is offered as a fix."""
    text = HEAD + cell(f"b0 = (h[i], {written}, conv_1x1, identity, add)")
    found = the_finding(text)
    assert found.code == "NAS105"
    assert [fix.replacement for fix in found.fixes] == [meant]


@pytest.mark.parametrize("written", ["h[0]", "h[1]", "h[i+1]", "h[]"])
def test_states_by_number_get_no_fix(written: str) -> None:
    """Index conventions contradict each other, so nothing is guessed."""
    found = the_finding(HEAD + cell(f"b0 = (h[i], {written}, conv_1x1, identity, add)"))
    assert (found.code, found.fixes) == ("NAS105", ())


def test_a_misspelt_op_comes_with_its_fix() -> None:
    """The fix, applied, makes the text sound."""
    text = HEAD + cell("b0 = (h[i], h[i-1], sep_con_3x3, identity, add)")
    found = the_finding(text)
    (fix,) = found.fixes
    assert codes(text[: fix.span.start] + fix.replacement + text[fix.span.end :]) == []


def test_a_file_without_vocabulary_is_told_once() -> None:
    """Not once for each op."""
    found = the_finding(cell(SOUND, "b1 = (b0, h[i], conv_1x1, identity, add)"))
    assert found.code == "NAS208"
    assert found.fixes[0].replacement == "ops nasnet\n\n"


def test_a_vocabulary_has_no_cells() -> None:
    """Its text could not be read again: no file has the vocabulary that it would name."""
    found = the_finding("vocabulary mine\nops nasnet\n\n" + cell(SOUND))
    assert found.code == "NAS108"


def test_settings_are_read_and_kept_under_flags() -> None:
    """A preset's settings arrive typed."""
    settings = load("nasnet_a_mobile").settings
    assert (settings.N, settings.filters, settings.stem) == (4, 1056, "imagenet")
    assert settings.skip_reduction_input is False
    assert settings.dropout == 0.5


def test_a_preset_has_the_cells_of_its_genotype() -> None:
    """`genotype = nasnet_a` brings cells and vocabulary along."""
    assert load("nasnet_a_large").cells == load("nasnet_a").cells
    assert load("nasnet_a_large").vocabulary == load("nasnet_a").vocabulary


def test_holes_are_refused_where_a_genotype_is_required() -> None:
    """The finding stands at the first hole and counts them."""
    with pytest.raises(CellError, match="leaves 10 fields open"):
        load("nasnet_space")


def test_a_vocabulary_is_no_genotype() -> None:
    """Asked for as one, it says what it lacks."""
    with pytest.raises(CellError) as caught:
        load_space("nasnet")
    assert caught.value.diagnostics[-1].code == "NAS313"


def test_files_beside_a_file_come_before_the_library(tmp_path) -> None:
    """`ops NAME` and `genotype = NAME` find neighbours; circles end in a finding."""
    (tmp_path / "mine.cell").write_text("vocabulary mine\nops nasnet\nop own = [relu]\n")
    block = "b0 = (h[i], h[i-1], own, conv_1x1, add)"
    (tmp_path / "a.cell").write_text(
        "ops mine\n"
        + cell(block)
        + cell("b0 = (h[i], h[i], conv_1x1, conv_1x1, add)", kind="reduction")
    )
    (tmp_path / "net.cell").write_text("network {\n genotype = a\n N = 2\n}\n")
    genotype = load(tmp_path / "net.cell")
    assert genotype.cells[0].blocks[0].ops == ("own", "conv_1x1")
    assert (genotype.name, genotype.settings.N) == ("net", 2)
    (tmp_path / "nasnet.cell").write_text("vocabulary nasnet\nops nasnet\nop own = [relu]\n")
    assert "own" in load_space(tmp_path / "a.cell").vocabulary.op
    (tmp_path / "p.cell").write_text("vocabulary p\nops q\n")
    (tmp_path / "q.cell").write_text("vocabulary q\nops p\n")
    findings = analyse(source_of(tmp_path / "p.cell")).diagnostics
    assert [found.code for found in findings] == ["NAS208"]


def test_texts_need_no_file_beside_them(tmp_path) -> None:
    """What a file beside a text defines is written out, because other folders do not have it."""
    (tmp_path / "nasnet.cell").write_text(
        "vocabulary nasnet\nop sep_conv_3x3 = [relu, conv(1x1, stride), batch_norm]\n"
        "op own = [relu]\ncombine add = [sum]\n"
    )
    fields = "sep_conv_3x3, {sep_conv_3x3 | own}, add"
    (tmp_path / "space.cell").write_text(HEAD + cell(f"b0 = (h[i], h[i-1], {fields})"))
    space = load_space(tmp_path / "space.cell")
    assert "ops nasnet" not in space_text(space)
    assert list(map(canonical_hash, enumerate_genotypes(loads_space(space_text(space))))) == list(
        map(canonical_hash, enumerate_genotypes(space))
    )
    for genotype in enumerate_genotypes(space):
        again = loads(genotype_text(genotype))
        assert canonical_hash(again) == canonical_hash(genotype)
        assert ("op own" in genotype_text(genotype)) == ("own" in genotype.cells[0].blocks[0].ops)
        for format in ("json", "yaml"):
            (read,) = interop.read(interop.write(genotype, format).text).genotypes
            assert read == again


def test_a_vocabulary_beside_may_have_another_name_inside(tmp_path) -> None:
    """`ops mine` finds the file `mine.cell`, and a text elsewhere finds neither name."""
    (tmp_path / "mine.cell").write_text("vocabulary other\nops nasnet\nop own = [relu]\n")
    (tmp_path / "g.cell").write_text("ops mine\n" + cell("b0 = (h[i], h[i-1], own, own, add)"))
    genotype = load(tmp_path / "g.cell")
    assert canonical_hash(loads(genotype_text(genotype))) == canonical_hash(genotype)


def test_files_that_lead_to_files(tmp_path) -> None:
    """However many name one another, each is read once, and a mistake at the end is told."""
    for at in range(100):
        (tmp_path / f"v{at}.cell").write_text(f"vocabulary v{at}\nops v{at + 1}\n")
    (tmp_path / "v30.cell").write_text("vocabulary v30\nop x = [nonsense]\n")
    block = "b0 = (h[i], h[i-1], x, x, x)"
    for start, said in ((0, "`v1` cannot be used"), (31, "`v32` cannot be used")):
        (tmp_path / "g.cell").write_text(f"ops v{start}\n" + cell(block))
        findings = analyse(source_of(tmp_path / "g.cell")).diagnostics
        assert findings[0].code == "NAS208"
        assert said in findings[0].label


def test_a_library_name_may_carry_the_suffix(tmp_path, monkeypatch) -> None:
    """`nasnet_a.cell` is the library's where no such file exists, and the file's where it does."""
    monkeypatch.chdir(tmp_path)
    assert load("nasnet_a.cell") == load("nasnet_a")
    (tmp_path / "nasnet_a.cell").write_text(HEAD + cell(SOUND))
    assert load("nasnet_a.cell").name == "g"
    assert load("nasnet_a").name == "nasnet_a"


def test_the_library_is_the_same_in_every_folder(tmp_path, monkeypatch) -> None:
    """Files of the working folder are nobody's neighbours in the library."""
    before = {name: canonical_hash(load(name)) for name in ("nasnet_a", "nasnet_a_large")}
    rows = library_entries()
    monkeypatch.chdir(tmp_path)
    for name in before:
        (tmp_path / f"{name}.cell").write_text(library.source(name).text)
    own = "vocabulary nasnet\nop sep_conv_3x3 = [relu]\n"
    (tmp_path / "nasnet.cell").write_text(own)
    assert {name: canonical_hash(load(name)) for name in before} == before
    # `nasdsl list` tells of the library alone.
    (tmp_path / "darts_v2").write_text("junk")
    (tmp_path / "darts_v2_cifar").write_text("junk")
    assert library_entries() == rows


def test_an_unknown_name_suggests_the_nearest() -> None:
    """A typing mistake is answered with the name that was meant."""
    with pytest.raises(CellError, match="did you mean `nasnet_a`"):
        load("nasnet_aa")


def test_mistakes_of_a_files_own_network_stand_at_the_setting() -> None:
    """`filters = 1538` is pointed at, with the nearest legal values."""
    text = HEAD + cell(SOUND) + cell(SOUND, kind="reduction") + "network {\n filters = 1538\n}\n"
    found = the_finding(text)
    assert found.code == "NAS503"
    assert text[slice(*found.span)] == "1538"


def test_an_op_that_keeps_channels_cannot_be_added_to_one_that_sets_them() -> None:
    """The shape rule sees through blocks: b0 has 2F filters."""
    text = (
        HEAD
        + "op keep = [max_pool(3x3)]\n"
        + cell(
            "b0 = (h[i], h[i-1], identity, identity, concat)",
            "b1 = (b0, h[i], keep, identity, add)",
        )
    )
    assert codes(text) == ["NAS308"]
    assert codes(text.replace("keep, identity, add", "keep, keep, concat")) == []


def test_a_space_is_refused_where_one_member_has_no_shape() -> None:
    """Every combination of options must be a genotype."""
    text = (
        HEAD
        + "op keep = [max_pool(3x3)]\n"
        + cell(
            "b0 = (h[i], h[i-1], identity, identity, {add | concat})",
            "b1 = (b0, h[i], {identity | keep}, identity, add)",
        )
    )
    assert codes(text) == ["NAS308"]
