"""What an editor is told about a text."""

import builtins
import os
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nasdsl
from nasdsl import library, service
from nasdsl.errors import Source, Span
from nasdsl.language.genotype.settings import Settings
from nasdsl.language.parser import parse
from nasdsl.language.printer.format import formatted_text
from nasdsl.loading import analyse
from nasdsl.service import Document
from nasdsl.service.figures import rounded, short
from tests.edits import mutated

MINE = """\
genotype mine
ops base
op blur = [avg_pool(3x3, stride)]

# two
# comments
cell normal {
    b0 = (h[i], ?, blur, {identity | wide}, concat)
    b1 = (b0, b0, narrow, narrow, add)
    2 * (?, h[i-1], identity, ?, add)
    output unused
}
cell reduction {
    b0 = (h[i], h[i-1], blur, identity, add)
    b1 = (b0, h[i], blur, identity, add)
    output unused
}
"""
BASE = """\
vocabulary base
ops nasnet
op wide   = [relu, conv(3x3, stride)]
op narrow = [relu, pointwise, batch_norm]
"""
TEXTS = {"base": BASE}


def beside(name: str) -> Source | None:
    return Source(f"/cells/{name}.cell", TEXTS[name]) if name in TEXTS else None


def document(text: str = MINE, **more: object) -> Document:
    return Document(Source("/cells/mine.cell", text), beside, **more)  # type: ignore[arg-type]


def at(text: str, mark: str, nth: int = 0) -> int:
    """The offset of the nth place at which `mark` stands."""
    place = -1
    for _ in range(nth + 1):
        place = text.index(mark, place + 1)
    return place


def hovered(doc: Document, mark: str, nth: int = 0) -> str:
    found = service.hover(doc, at(doc.text, mark, nth))
    assert found is not None
    return found.markdown


def completed(marked: str) -> list[str]:
    """The labels that are offered at the `@`."""
    offset = marked.index("@")
    return [each.label for each in service.completions(document(marked.replace("@", "")), offset)]


def edited(source: Source, edits: tuple[service.Edit, ...]) -> str:
    text = source.text
    for edit in sorted(edits, key=lambda each: each.span, reverse=True):
        if edit.source.name == source.name:
            text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    return text


# -- the whole ------------------------------------------------------------------------------


def test_the_service_reads_no_files_and_imports_no_torch() -> None:
    script = (
        "import sys; from nasdsl import service; from nasdsl.errors import Source\n"
        "doc = service.Document(Source('x', 'ops nasnet\\ncell normal { b0 = (h[i],"
        " h[i], identity, identity, add) }'))\n"
        "assert not doc.diagnostics; service.lenses(doc)\n"
        "assert not {'torch', 'pygls', 'asyncio'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_questions_open_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library is part of the package; it has been read before."""
    document(MINE).diagnostics  # noqa: B018

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file was opened")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "open", refuse)
    doc = document(MINE.replace("mine", "yours"))
    assert doc.diagnostics == ()
    everything(doc)


def everything(doc: Document) -> tuple[object, ...]:
    """Every answer about a text, in one value."""
    offsets = range(0, len(doc.text) + 1, 7)
    whole = Span(0, len(doc.text))
    return (
        doc.diagnostics,
        [service.hover(doc, offset) for offset in offsets],
        [service.completions(doc, offset) for offset in offsets],
        [service.definition(doc, offset) for offset in offsets],
        [service.references(doc, offset) for offset in offsets],
        service.symbols(doc),
        service.folds(doc),
        service.semantic_tokens(doc),
        service.inlay_hints(doc),
        service.lenses(doc),
        service.actions(doc, whole),
        service.all_safe_fixes(doc),
        service.formatting(doc),
    )


@pytest.mark.parametrize("name", library.names())
def test_findings_are_those_of_check(name: str) -> None:
    source = library.source(name)
    assert Document(source).diagnostics == analyse(source).diagnostics


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_every_answer_about_any_text_lies_inside_it(number: int) -> None:
    text = mutated(MINE, number)
    doc = document(text)
    everything(doc)
    size = len(text)
    spans = [token.span for token in service.semantic_tokens(doc)]
    assert all(0 <= span.start < span.end <= size for span in spans)
    assert all(one.end <= two.start for one, two in pairwise(spans))
    assert all("\n" in text[fold.span.start : fold.span.end] for fold in service.folds(doc))
    for symbol in service.symbols(doc):
        assert symbol.span.start <= symbol.name_span.start <= symbol.name_span.end <= size
        assert symbol.name_span.end <= symbol.span.end


# -- hover -----------------------------------------------------------------------------------


def test_hover_on_a_block_says_what_it_computes_and_its_shape() -> None:
    doc = document()
    assert doc.diagnostics == ()
    about = hovered(doc, "b0")
    assert "block `b0` of the normal cell" in about
    assert "b0 = concat(blur(h[i]), {identity | wide}({h[i] | h[i-1]}))" in about
    assert "Shape: 2F x H x W" in about
    # A use of it says the same; the reduction cell has a block of its own.
    assert hovered(doc, "b0, b0") == about
    assert "Shape: F x H/2 x W/2" in hovered(doc, "b0", 3)


def test_hover_on_a_block_has_its_cost_in_the_network() -> None:
    doc = Document(library.source("nasnet_a"), settings=Settings(N=2, filters=1056))
    genotype = nasdsl.load("nasnet_a")
    cost = nasdsl.cost(genotype, N=2, filters=1056)
    assert doc.cost == cost
    about = hovered(doc, "b1 =")
    params = sum(
        part.params
        for module in cost.modules
        for part in module.parts
        if module.kind == "normal" and part.block == "b1" and not module.for_auxiliary
    )
    assert params > 10**5
    assert f": {params / 10**6:.3g}M parameters" in about or f": {params / 1000:.3g}k" in about
    assert "In the network 2 @ 1056" in about
    assert "in 6 cells" in about


def test_hover_on_an_op_shows_its_chain_and_where_it_comes_from() -> None:
    doc = document()
    assert "op blur = [avg_pool(3x3, stride)]" in hovered(doc, "blur, {")
    assert "defined in this file" in hovered(doc, "blur, {")
    assert "op wide = [relu, conv(3x3, stride)]" in hovered(doc, "wide")
    assert "cannot reduce" in hovered(doc, "narrow")
    assert "combine add = [sum]" in hovered(doc, "add")


def test_hover_on_a_hole_counts_its_options() -> None:
    """The third block may read two hidden states and two blocks, the fourth a block more."""
    doc = document()
    assert hovered(doc, "?, blur").startswith("hole: 2 options\n\n`h[i]` or `h[i-1]`")
    assert hovered(doc, "?, h[i-1]").startswith("hole: 4 to 5 options")
    ops = len(nasdsl.load("nasnet_a").vocabulary.ops) + 3
    assert hovered(doc, "?, add").startswith(f"hole: {ops} options")


def test_hover_on_other_words() -> None:
    doc = document(
        "ops nasnet\nop x = [conv(3x3, dilation 2)]\nnetwork { N = 3  genotype = gdas }\n"
    )
    assert "convolution" in hovered(doc, "conv")
    assert "`dilation 2` of `conv`" in hovered(doc, "dilation")
    assert "Normal cells between two reductions" in hovered(doc, "N =")
    assert "of the library" in hovered(doc, "gdas")
    assert "13 ops" in hovered(document("ops nasnet"), "nasnet")
    assert service.hover(doc, at(doc.text, "= 3")) is None


def test_hover_on_a_genotype_whose_network_cannot_be_built() -> None:
    """It is no space of 1 genotypes."""
    text = library.source("nasnet_a").text
    doc = Document(Source("a.cell", text), settings=Settings(image_size=2, stem="imagenet"))
    assert doc.network is None
    assert hovered(doc, "nasnet_a\n") == "genotype `nasnet_a`"


# -- completion ------------------------------------------------------------------------------

OPS = "ops nasnet\n"


def test_completion_knows_where_it_is() -> None:
    assert {"genotype", "cell", "network"} <= set(completed("@"))
    assert completed("ops na@")[:2] == ["amoebanet", "darts"]
    assert completed(OPS + "cell @") == ["normal", "reduction"]
    assert "output" in completed(OPS + "cell normal {\n    @")
    start = OPS + "cell normal {\n    b0 = (h[i], h[i], identity, identity, add)\n    b1 = ("
    assert completed(start + "@") == ["h[i]", "h[i-1]", "b0", "?"]
    assert completed(start + "b0, h[@") == ["h[i]", "h[i-1]", "b0", "?"]
    assert "sep_conv_3x3" in completed(start + "b0, b0, sep@")
    assert "add" not in completed(start + "b0, b0, sep@")
    assert completed(start + "b0, b0, identity, {identity | zero}, @")[:2] == ["add", "concat"]
    assert completed(start + "b0, b0, identity, identity, add)\n    output @") == [
        "unused",
        "concat",
        "each",
    ]
    assert completed(OPS + "cell normal { output concat(@") == ["h[i]", "h[i-1]"]
    assert "stem" in completed("network { N = 3\n @")
    assert "N" not in completed("network { N = 3\n @")
    assert completed("network { stem = @") == ["cifar", "imagenet"]
    assert completed("network { auxiliary = @") == ["true", "false"]
    assert "conv" in completed("op x = [@")
    assert completed("combine x = [@") == ["sum", "concat"]
    assert "dilation" in completed("op x = [conv(@")
    assert completed("op x = [relu] @")[0] == "else"
    assert completed("# cell @") == []


def test_completion_replaces_what_has_been_typed() -> None:
    text = OPS + "cell normal { b0 = (h[i], h[i], sep"
    found = service.completions(document(text), len(text))
    assert {each.span for each in found} == {Span(len(text) - 3, len(text))}


@pytest.mark.parametrize("given", [1, 4])
def test_completion_offers_the_hidden_states_a_cell_is_given(given: int) -> None:
    blocks = "".join(f"b{i} = (h[i], h[i], identity, identity, add)\n" for i in range(given))
    names = ", ".join(f"b{i}" for i in range(given))
    text = f"{OPS}cell normal {{\n{blocks}output each({names})\nb9 = (@\n}}"
    assert completed(text)[: max(2, given)] == [
        "h[i]" if i == 0 else f"h[i-{i}]" for i in range(max(2, given))
    ]


# -- definitions, references, names ------------------------------------------------------------


def test_definitions() -> None:
    doc = document()
    place = service.definition(doc, at(MINE, "b0, b0"))
    assert place is not None
    assert place.span == Span(at(MINE, "b0 ="), at(MINE, "b0 =") + 2)
    op = service.definition(doc, at(MINE, "wide"))
    assert op is not None
    assert (op.source.text, op.span.start) == (BASE, at(BASE, "wide"))
    far = service.definition(doc, at(MINE, "identity"))
    assert far is not None
    assert far.of_library
    assert far.source.text[far.span.start :].startswith("identity     = [] else")
    file = service.definition(doc, at(MINE, "base"))
    assert file is not None
    assert (file.source.text, file.span.start) == (BASE, at(BASE, "base"))
    assert service.definition(doc, at(MINE, "h[i]")) is None


def test_a_block_of_a_repeat_is_defined_by_the_repeat() -> None:
    text = OPS + "cell normal {\n 3 * (h[i], ?, identity, ?, add)\n output concat(b0, b1, b2)\n}"
    place = service.definition(document(text), at(text, "b1"))
    assert place is not None
    assert place.span == Span(at(text, "3 *"), at(text, "3 *") + 1)


def test_references_stay_in_their_cell_and_reach_other_files() -> None:
    doc = document()
    blocks = [place.span.start for place in service.references(doc, at(MINE, "b0"))]
    assert blocks == [at(MINE, "b0", nth) for nth in range(3)]
    base = Document(Source("/cells/base.cell", BASE), beside)
    found = service.references(base, at(BASE, "wide"), [doc])
    assert [(place.source.text, place.span.start) for place in found] == [
        (BASE, at(BASE, "wide")),
        (MINE, at(MINE, "wide")),
    ]


def test_renaming_a_block_leaves_the_meaning() -> None:
    text = library.source("nasnet_a").text
    doc = document(text)
    edits = service.rename(doc, at(text, "b2 ="), "middle")
    renamed = edited(doc.source, edits)
    assert "middle" in renamed
    assert nasdsl.canonical_hash(nasdsl.loads(renamed)) == nasdsl.canonical_hash(nasdsl.loads(text))
    # Only the normal cell has been changed.
    assert renamed.count("middle") == text.partition("cell reduction")[0].count("b2")


def test_renaming_an_op_reaches_its_vocabulary_and_its_users() -> None:
    doc = document()
    base = Document(Source("/cells/base.cell", BASE), beside)
    for edits in (
        service.rename(doc, at(MINE, "wide"), "broad", [base]),
        service.rename(doc, at(MINE, "wide"), "broad"),
        service.rename(base, at(BASE, "wide"), "broad", [doc]),
    ):
        assert edited(doc.source, edits) == MINE.replace("wide", "broad")
        assert edited(base.source, edits) == BASE.replace("wide", "broad")


@pytest.mark.parametrize(
    ("mark", "new", "why"),
    [
        ("identity", "other", "belongs to the library"),
        ("h[i]", "other", "not a name that this file defines"),
        ("b0 =", "b1", "taken"),
        ("b0 =", "b3", "taken"),
        ("b0 =", "output", "word of the language"),
        ("b0 =", "two words", "is not a name"),
        ("wide", "identity", "taken"),
        ("= (", "x", "no name here"),
    ],
)
def test_what_cannot_be_renamed(mark: str, new: str, why: str) -> None:
    with pytest.raises(service.CannotRename, match=why):
        service.rename(document(), at(MINE, mark), new)


# -- outline, hints, actions ---------------------------------------------------------------------


def test_symbols_and_folds() -> None:
    doc = document()
    outline = [(each.kind, each.name, len(each.children)) for each in service.symbols(doc)]
    assert outline == [
        ("genotype", "mine", 0),
        ("op", "blur", 0),
        ("cell", "normal", 4),
        ("cell", "reduction", 3),
    ]
    lines = MINE.splitlines()
    folds = [
        (*(MINE.count("\n", 0, offset) for offset in fold.span), fold.kind)
        for fold in service.folds(doc)
    ]
    assert [lines[first] for first, _, _ in folds] == ["# two", "cell normal {", "cell reduction {"]
    assert [lines[last] for _, last, _ in folds] == ["# comments", "}", "}"]
    assert [kind for _, _, kind in folds] == ["comment", "region", "region"]


def test_semantic_tokens() -> None:
    doc = document()
    tokens = {
        (doc.text[token.span.start : token.span.end], token.type, token.modifiers)
        for token in service.semantic_tokens(doc)
    }
    assert ("blur", "function", ("definition",)) in tokens
    assert ("blur", "function", ()) in tokens
    assert ("wide", "function", ("defaultLibrary",)) in tokens
    assert ("avg_pool", "method", ("defaultLibrary",)) in tokens
    assert ("h[i]", "parameter", ("readonly",)) in tokens
    assert ("b0", "variable", ("definition",)) in tokens
    assert ("normal", "class", ()) in tokens


def test_inlay_hints_show_shapes_and_unused_states() -> None:
    doc = document()
    hints = {hint.offset: hint.label for hint in service.inlay_hints(doc)}
    ends = {line: MINE.index("\n", at(MINE, line)) for line in ("b0 =", "b1 =", "2 *")}
    assert hints[ends["b0 ="]] == "2F x H x W"
    assert hints[ends["b1 ="]] == "F x H x W"
    # `concat` of the space is not an option; the third block may read any state by any op.
    last = MINE.rindex("output unused") + len("output unused")
    assert hints[last] == "b1"
    # A hole decides what is unused in the normal cell.
    assert MINE.index("output unused") + len("output unused") not in hints


def test_shapes_of_a_library_genotype_are_those_of_its_network() -> None:
    """The hints' multiples of F against the channels in a network graph."""
    doc = Document(library.source("example_b_form"))
    assert doc.network is not None
    cells = [module for module in doc.network.modules if module.kind == "normal"]
    module = cells[0]
    cell = next(cell for cell in doc.cells if cell.kind == "normal")
    shapes = {node.name: node.shape for node in module.body.nodes}
    seen = 0
    for index, widths in enumerate(doc.widths["normal"]):
        names = [name for name in shapes if name.startswith(f"b{index}.combine.")]
        if names:
            (width,) = widths
            assert shapes[names[-1]].channels == width * Fraction(module.filters), cell.blocks[
                index
            ]
            seen += 1
    assert seen


def test_lenses() -> None:
    titles = [lens.title for lens in service.lenses(Document(library.source("nasnet_a_large")))]
    assert titles == ["render", "cost: 88.8M parameters, 23.8B mult-adds"]
    space = service.lenses(Document(library.source("nasnet_space")))
    assert [lens.title for lens in space] == ["render", "count: 5.2e36"]
    assert service.lenses(document("cell")) == ()


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *((0, "0"), (999, "999"), (1_000, "1k"), (999_499, "999k"), (999_600, "1M")),
        *((88_753_150, "88.8M"), (999_960_000, "1B"), (23_783_414_658, "23.8B")),
        (999_960_000_000, "1e+12"),
    ],
)
def test_counts_in_short(number: int, said: str) -> None:
    assert short(number) == said


@given(st.integers(1, 10**700))
def test_large_numbers_in_short(number: int) -> None:
    shown = rounded(number)
    if number < 10**6:
        assert int(shown.replace(",", "")) == number
        return
    leading, power = shown.split("e")
    low = int(leading.replace(".", "")) * 10 ** (int(power) - 1)
    assert low <= number < low + 10 ** (int(power) - 1)


def test_actions_are_the_fixes_and_an_explanation() -> None:
    text = OPS + "cell normal {\n    b0 = (h[i], h[i-1], sep_con_3x3, identiti, add)\n}\n"
    doc = document(text)
    place = at(text, "sep_con")
    titles = [action.title for action in service.actions(doc, Span(place, place))]
    assert titles == ["write `sep_conv_3x3`", "explain NAS201"]
    assert service.all_safe_fixes(doc) == ()
    assert service.actions(doc, Span(0, 0)) == ()


def test_safe_fixes_are_those_of_check() -> None:
    text = OPS + "cell normal {\n    b0 = (h[i], h[i-1], identity, identity, add];\n}\n"
    doc = document(text)
    fixed = text
    for fix in reversed(service.all_safe_fixes(doc)):
        fixed = fixed[: fix.span.start] + fix.replacement + fixed[fix.span.end :]
    assert fixed == text.replace("];", ")")


@given(st.integers(0, 10**6))
def test_formatting_is_that_of_fmt(number: int) -> None:
    text = mutated(MINE, number)
    parsed = parse(Source("/cells/mine.cell", text))
    fix = service.formatting(document(text))
    if any(found.is_error for found in parsed.diagnostics):
        assert fix is None
        return
    changed = text
    if fix is not None:
        changed = text[: fix.span.start] + fix.replacement + text[fix.span.end :]
    assert changed == formatted_text(parsed)
