# SPDX-License-Identifier: MIT
"""Writes types, numbers and instructions in the text format (specification, section 6)."""

from __future__ import annotations

import math
import struct

from .._types import BY_CODE, heap_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .._types import FuncType, ValueType
    from .listing import Extern, Instruction, Sizes

_PAGE = 65536
_MAX_TYPE = 400
_CATCHES = ("catch", "catch_ref", "catch_all", "catch_all_ref")


# ---- types ----


def _group(word: str, types: Iterable[ValueType]) -> str:
    text = " ".join(map(str, types))
    return f"({word} {text})" if text else ""


def signature(type_: FuncType) -> str:
    """Returns parameters and results like ``(param i32 i32) (result i32)``."""
    groups = (_group("param", type_.params), _group("result", type_.results))
    return " ".join([group for group in groups if group])


def shortened(type_: str) -> str:
    """Cuts a type that is too long for a line, because it may have a thousand parameters."""
    return type_ if len(type_) <= _MAX_TYPE else f"{type_[: _MAX_TYPE - 4]} ..."


def _sizes(sizes: Sizes) -> str:
    words = ["i64"] if sizes.is64 else []
    words.append(str(sizes.min))
    if sizes.max is not None:
        words.append(str(sizes.max))
    if sizes.shared:
        words.append("shared")
    if sizes.page_bytes != _PAGE:
        words.append(f"(pagesize {sizes.page_bytes})")
    return " ".join(words)


def extern_type(extern: Extern) -> str:
    """Returns a type with its kind, such as ``(func (param i32))`` or ``(global (mut i32))``."""
    words = [extern.kind]
    if extern.func is not None:
        words.append(signature(extern.func))
    if extern.sizes is not None:
        words.append(_sizes(extern.sizes))
    if extern.value is not None:
        words.append(f"(mut {extern.value})" if extern.mutable else str(extern.value))
    return f"({' '.join([word for word in words if word])})"


# ---- numbers ----


def _float(bits: int, size: int) -> str:
    """Returns a float that has exactly these bits, in as few digits as it takes."""
    mantissa_bits = 23 if size == 4 else 52
    mantissa = bits & (1 << mantissa_bits) - 1
    sign = "-" if bits >> 8 * size - 1 else ""
    value = struct.unpack("<f" if size == 4 else "<d", bits.to_bytes(size, "little"))[0]
    if math.isnan(value):
        quiet = 1 << mantissa_bits - 1
        return f"{sign}nan" if mantissa == quiet else f"{sign}nan:{mantissa:#x}"
    return shortest_f32(value) if size == 4 else repr(value)


def shortest_f32(value: float) -> str:
    """Returns the shortest decimal number that becomes this value when rounded to f32."""
    if not math.isfinite(value):
        return repr(value)
    for digits in range(1, 10):
        short = float(f"{value:.{digits}g}")
        try:
            if struct.pack("<f", short) == struct.pack("<f", value):
                return repr(short)
        except OverflowError:
            continue  # The digits were rounded up to a number beyond the largest f32.
    return repr(value)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


# ---- instructions ----


def _reftype(code: int) -> str:
    return str(BY_CODE[code])


_FORMATS: dict[str, Callable[[int], str]] = {
    "typeuse": lambda value: f"(type {value})",
    "result": lambda value: f"(result {BY_CODE[value]})",
    "reftype": _reftype,
    "heaptype": lambda value: str(heap_type(BY_CODE[value])),
    "offset": lambda value: f"offset={value}",
    "align": lambda value: f"align={value}",
    "i32": lambda value: str(_signed(value)),
    "i64": lambda value: str(_signed(value)),
    "f32": lambda value: _float(value, 4),
    "f64": lambda value: _float(value, 8),
    "v128": lambda value: f"{value & 0xFFFFFFFF:#010x} {value >> 32:#010x}",
}

# The text format leaves these operands out when they are 0.
_DEFAULTS = {"memory", "offset"}


def _words(instruction: Instruction) -> Iterator[str]:
    operands = instruction.operands
    omitted = set(_DEFAULTS) if not any(v for k, v in operands if k == "memory") else {"offset"}
    if instruction.text.endswith("call_indirect"):
        omitted.add("table")
    if operands and operands[0][0] == "v128":
        yield "i32x4"
    for kind, value in operands:
        if value or kind not in omitted:
            yield _FORMATS.get(kind, str)(value)


def _catches(operands: list[tuple[str, int]]) -> Iterator[str]:
    """Yields the clauses of a try_table, such as ``(catch 0 1)``."""
    clause: list[str] = []
    for kind, value in operands:
        if kind == "catch" and clause:
            yield f"({' '.join(clause)})"
            clause = []
        clause.append(_CATCHES[value] if kind == "catch" else str(value))
    if clause:
        yield f"({' '.join(clause)})"


def instruction_text(instruction: Instruction) -> str:
    """Returns an instruction in the text format, with indices instead of names."""
    words = [instruction.text]
    if instruction.text == "try_table":
        operands = instruction.operands
        is_typed = bool(operands) and operands[0][0] != "catch"
        if is_typed:
            words.append(_FORMATS[operands[0][0]](operands[0][1]))
        words += _catches(operands[is_typed:])
    else:
        words += _words(instruction)
    if instruction.omitted:
        words.append(f"(; and {instruction.omitted:,} more ;)")
    return " ".join(words)


def local_groups(declarations: Instruction) -> list[tuple[int, str]]:
    """Returns the counts and types of the locals that a function declares."""
    operands = declarations.operands
    return [
        (count, str(BY_CODE[code]))
        for (_, count), (_, code) in zip(operands[::2], operands[1::2], strict=True)
    ]
