"""Definitions of ops and combines: chains of primitives, from syntax.

Purpose: `op` and `combine` items become `Op` and `Combine`, with findings 106 and 4xx.
Non-goals: which vocabulary a definition belongs to (`nasdsl.language.genotype.resolve`).
"""

import re
from dataclasses import replace
from typing import Any

from nasdsl.errors import did_you_mean, listed, nearest
from nasdsl.language import tree
from nasdsl.language.genotype.findings import Findings, is_already_reported
from nasdsl.language.genotype.vocabulary import Combine, Form, Layer, Op
from nasdsl.primitives import ARGUMENTS, Primitive, layer_of, words_of

MAX_LAYERS = 200
MAX_KERNEL = 99

_KERNEL = re.compile(r"([1-9]\d?)x([1-9]\d?)")


def resolved_op(item: tree.Op, findings: Findings) -> Op | None:
    """The op an `op` item defines, or None where it is not well-formed."""
    before = len(findings)
    forms = [_form(_layers(form, findings), form, findings) for form in item.forms]
    if len(findings) > before:
        return None
    op = Op(item.name.text, tuple(form for form in forms if form is not None))
    _warn_of_dead_forms(op, item, findings)
    return op


def resolved_combine(item: tree.Combine, findings: Findings) -> Combine | None:
    """The combine a `combine` item defines, or None where it is not well-formed."""
    before = len(findings)
    parts = item.form.parts
    first = parts[0].layers[0] if parts[0].layers else None
    if first is None and findings.is_damaged(item.span):
        return None
    if first is None or first.name.text not in words_of("combine"):
        findings.add(
            "NAS403",
            first.span if first else item.form.span,
            f"combine `{item.name.text}` does not say how to combine two states",
            label="begin with `sum` or `concat`",
            hints=(f"for example `combine {item.name.text} = [sum, layer_norm]`",),
        )
        return None
    if parts[0].count is not None or first.arguments:
        span = parts[0].count.span if parts[0].count else first.arguments[0].span
        findings.add("NAS403", span, f"`{first.name.text}` takes neither a count nor arguments")
    rest = replace(parts[0], layers=parts[0].layers[1:])
    layers = _layers(replace(item.form, parts=(rest, *parts[1:])), findings)
    for layer, written in layers:
        if any(layer.stride):
            findings.add(
                "NAS403",
                written.span,
                f"`{written.name.text}` takes a stride, which a combine cannot",
                label="combines work at the size of their operands",
            )
    if len(findings) > before:
        return None
    operation: Any = first.name.text
    return Combine(item.name.text, operation, tuple(layer for layer, _ in layers))


_Written = tuple[Layer, tree.Layer]


def _form(layers: list[_Written], form: tree.Form, findings: Findings) -> Form | None:
    made = Form(tuple(layer for layer, _ in layers))
    for axis, word in ((0, "vertical"), (1, "horizontal")):
        striding = [written for layer, written in layers if layer.stride[axis]]
        if len(striding) > 1:
            findings.add(
                "NAS403",
                striding[1].span,
                f"the form takes the {word} stride twice",
                label="a second layer takes it here",
                hints=("mark one layer with `stride`; the image shrinks once",),
            )
            return None
    if any(any(layer.stride) for layer in made.layers) and not made.takes_stride:
        findings.add(
            "NAS403",
            form.span,
            "the form takes the stride in one direction only",
            label="needs `stride_x` and `stride_y`, or `stride`",
        )
        return None
    return made


def _layers(form: tree.Form, findings: Findings) -> list[_Written]:
    """Every layer of the form with repetitions written out, and where it is written."""
    written: list[_Written] = []
    for part in form.parts:
        layers = [
            (layer, item) for item in part.layers if (layer := _layer(item, findings)) is not None
        ]
        count = 1 if part.count is None else _whole(part.count, MAX_LAYERS, findings) or 1
        if len(written) + count * len(layers) > MAX_LAYERS:
            findings.add("NAS106", form.span, f"the form has more than {MAX_LAYERS} layers")
            return []
        plain = [(replace(layer, stride=(False, False)), item) for layer, item in layers]
        written += layers + plain * (count - 1)
    return written


def _whole(number: tree.Number, most: int, findings: Findings) -> int | None:
    if is_already_reported(number):
        return None
    if re.fullmatch(r"\d{1,9}", number.text) and 1 <= int(number.text) <= most:
        return int(number.text)
    findings.add(
        "NAS106",
        number.span,
        f"`{number.text[:40]}` is not a whole number from 1 to {most:,}",
    )
    return None


def _layer(item: tree.Layer, findings: Findings) -> Layer | None:
    if is_already_reported(item.name):
        return None
    primitive = layer_of(item.name.text)
    if primitive is None or primitive.written != "chain":
        _unknown_primitive(item, findings)
        return None
    values: dict[str, Any] = {}
    for argument in item.arguments:
        pair = _argument(argument, item, primitive, findings)
        if pair is None:
            continue
        if pair[0] in values:
            findings.add(
                "NAS402", argument.span, f"`{item.name.text}` is given this argument twice"
            )
        values[pair[0]] = pair[1]
    if primitive.kernel and "kernel" not in values:
        findings.add(
            "NAS402",
            item.name.span,
            f"`{item.name.text}` needs a kernel size",
            label=f"for example `{item.name.text}(3x3)`",
        )
        return None
    if primitive.implicit_stride:
        values["stride"] = (True, True)
    return Layer(item.name.text, **values)


def _unknown_primitive(item: tree.Layer, findings: Findings) -> None:
    name = item.name.text
    if name in words_of("combine"):
        findings.add(
            "NAS403",
            item.span,
            f"`{name}` joins two states, but a chain has only one",
            label="only a combine can begin with this",
        )
        return
    known = words_of("chain")
    findings.add_misspelt(
        "NAS401",
        item.name.span,
        f"unknown primitive `{name}`",
        nearest(name, known),
        label="not a primitive",
        otherwise=f"the primitives are {listed(sorted(known))}",
    )


def _argument(
    argument: tree.Argument, layer: tree.Layer, primitive: Primitive, findings: Findings
) -> tuple[str, Any] | None:
    """The `Layer` field and the value an argument sets."""
    number = argument.number
    if argument.name is None:
        assert number is not None
        kernel = _KERNEL.fullmatch(number.text)
        if not is_already_reported(number) and (kernel is None or not primitive.kernel):
            wants = f"a kernel such as `3x3`, up to {MAX_KERNEL}" if primitive.kernel else ""
            _refuse_argument(argument, layer, primitive, wants, findings)
        return ("kernel", (int(kernel[1]), int(kernel[2]))) if kernel else None
    name = argument.name.text
    if is_already_reported(argument.name):
        return None
    if name not in primitive.arguments:
        _refuse_argument(argument, layer, primitive, "", findings)
        return None
    known = ARGUMENTS[name]
    is_flag = known.value is not None
    # `filters/4` has a sign before its number, `dilation 2` has none.
    if is_flag != (number is None) or ("/" in known.example) != (argument.sign == "/"):
        wants = f"`{known.example}`" if known.example else f"`{name}` alone"
        _refuse_argument(argument, layer, primitive, wants, findings)
        return None
    if number is None:
        return known.field, known.value
    value = _whole(number, known.most, findings)
    return None if value is None else (known.field, value)


def _refuse_argument(
    argument: tree.Argument,
    layer: tree.Layer,
    primitive: Primitive,
    wants: str,
    findings: Findings,
) -> None:
    takes = (["KxK"] if primitive.kernel else []) + list(primitive.arguments)
    guess = nearest(argument.name.text, primitive.arguments) if argument.name else None
    findings.add(
        "NAS402",
        argument.span,
        f"`{layer.name.text}` does not take this argument",
        label=f"expected {wants}" if wants else "",
        hints=(
            *((did_you_mean(guess),) if guess and not wants else ()),
            f"`{layer.name.text}` takes {listed(takes)}" if takes else "it takes none",
        ),
    )


def _warn_of_dead_forms(op: Op, item: tree.Op, findings: Findings) -> None:
    """A form is dead where an earlier one fits wherever it does."""
    earlier: set[tuple[int | None, bool]] = set()
    for form, written in zip(op.forms, item.forms, strict=True):
        covering = {
            (divisor, strided)
            for divisor in (1, form.divisor)
            for strided in (True, form.takes_stride)
        }
        if earlier & covering:
            findings.add(
                "NAS404",
                written.span,
                f"this form of `{op.name}` can never be used",
                label="an earlier form fits wherever this one does",
            )
        earlier.add((form.divisor, form.takes_stride))
