# SPDX-License-Identifier: MIT
"""Lists the instructions on structs, arrays, i31 and references: bytes, effects and text.

Immediates that are types are value types of heaptypes.py; types, fields, functions and segments are
indices. tree.py shows the tuples that instructions are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from binary import leb
from fuzz.heaptypes import (
    ANY,
    ARRAY,
    EQ,
    EXTERN,
    I31,
    Defined,
    heap_bytes,
    heap_name,
    heap_of,
    is_nullable,
    not_null,
    reference,
    to,
    type_name,
    without,
)
from fuzz.ops import I32, Types

Effect: TypeAlias = "tuple[Types, Types]"

# table.init and elem.drop with a segment of references, whose index counts from 0.
INIT, DROP = "table.init_references", "elem.drop_references"

# The byte behind 0xFB, and what the immediates are: t for an index of a type, n for another number,
# d for a data segment, e for an element segment.
_PREFIXED = {
    "struct.new": (0, "t"),
    "struct.new_default": (1, "t"),
    "struct.get": (2, "tn"),
    "struct.get_s": (3, "tn"),
    "struct.get_u": (4, "tn"),
    "struct.set": (5, "tn"),
    "array.new": (6, "t"),
    "array.new_default": (7, "t"),
    "array.new_fixed": (8, "tn"),
    "array.new_data": (9, "td"),
    "array.new_elem": (10, "te"),
    "array.get": (11, "t"),
    "array.get_s": (12, "t"),
    "array.get_u": (13, "t"),
    "array.set": (14, "t"),
    "array.len": (15, ""),
    "array.fill": (16, "t"),
    "array.copy": (17, "tt"),
    "array.init_data": (18, "td"),
    "array.init_elem": (19, "te"),
    "any.convert_extern": (26, ""),
    "extern.convert_any": (27, ""),
    "ref.i31": (28, ""),
    "i31.get_s": (29, ""),
    "i31.get_u": (30, ""),
}
_SHORT = {"ref.eq": b"\xd3", "ref.as_non_null": b"\xd4"}
_INDEXED = {
    "br_on_null": b"\xd5",
    "br_on_non_null": b"\xd6",
    "call_ref": b"\x14",
    "return_call_ref": b"\x15",
}
_CASTS = {"ref.test": 20, "ref.cast": 22}  # one more if the type is nullable
_BRANCHES = {"br_on_cast": 24, "br_on_cast_fail": 25}
# Pushes a null and traps: the only value of a type without null that needs no object.
ZERO = "ref.zero"
# An element segment of references, and for the first one a table behind it.
_SEGMENTS = {INIT: b"\xfc\x0c", DROP: b"\xfc\x0d"}
NAMES = (*_SEGMENTS, *_PREFIXED, *_SHORT, *_INDEXED, *_CASTS, *_BRANCHES)
BRANCHES = ("br_on_null", "br_on_non_null", *_BRANCHES)


def is_known(name: str) -> bool:
    """Tells whether an instruction is one of this list."""
    return name in _ALL


_ALL = frozenset((*NAMES, ZERO))


def code(instruction: tuple[object, ...], first_element: int) -> bytes:
    """Returns the bytes of an instruction.

    Args:
        instruction: One of this list.
        first_element: The index of the first element segment that these instructions name.
    """
    name, *rest = instruction
    assert isinstance(name, str)
    numbers = [value for value in rest if isinstance(value, int)]
    if name in _PREFIXED:
        byte, kinds = _PREFIXED[name]
        shifts = [first_element if kind == "e" else 0 for kind in kinds]
        immediates = [leb(value + by) for value, by in zip(numbers, shifts, strict=True)]
        return bytes([0xFB, byte]) + b"".join(immediates)
    if name in _SEGMENTS:
        return _SEGMENTS[name] + leb(numbers[0] + first_element) + b"".join(map(leb, numbers[1:]))
    if name in _SHORT:
        return _SHORT[name]
    if name in _INDEXED:
        return _INDEXED[name] + leb(numbers[0])
    if name in _CASTS:
        type_ = numbers[0]
        return bytes([0xFB, _CASTS[name] + is_nullable(type_)]) + heap_bytes(heap_of(type_))
    if name == ZERO:
        return b"\xd0" + heap_bytes(heap_of(numbers[0])) + _SHORT["ref.as_non_null"]
    depth, source, target = numbers
    flags = is_nullable(source) | is_nullable(target) << 1
    heaps = heap_bytes(heap_of(source)) + heap_bytes(heap_of(target))
    return bytes([0xFB, _BRANCHES[name], flags]) + leb(depth) + heaps


# ---- effects -------------------------------------------------------------------------------------


def _struct(name: str, type_: Defined, index: int, rest: Sequence[int]) -> Effect:
    values = tuple([field.value for field in type_.fields])
    null = to(index, nullable=True)
    if name == "struct.new":
        return values, (to(index),)
    if name == "struct.new_default":
        return (), (to(index),)
    value = values[rest[0]]
    return ((null, value), ()) if name == "struct.set" else ((null,), (value,))


def _array(name: str, type_: Defined, index: int, rest: Sequence[int]) -> Effect:
    value, null, new = type_.fields[0].value, to(index, nullable=True), (to(index),)
    effects: dict[str, Effect] = {
        "array.new": ((value, I32), new),
        "array.new_default": ((I32,), new),
        "array.new_data": ((I32, I32), new),
        "array.new_elem": ((I32, I32), new),
        "array.set": ((null, I32, value), ()),
        "array.fill": ((null, I32, value, I32), ()),
        "array.init_data": ((null, I32, I32, I32), ()),
        "array.init_elem": ((null, I32, I32, I32), ()),
    }
    if name == "array.new_fixed":
        return (value,) * rest[0], new
    if name == "array.copy":
        return (null, I32, to(rest[0], nullable=True), I32, I32), ()
    return effects.get(name, ((null, I32), (value,)))  # else it is an array.get


_FIXED: dict[str, Effect] = {
    "array.len": ((ARRAY,), (I32,)),
    "ref.i31": ((I32,), (reference(I31, nullable=False),)),
    "i31.get_s": ((I31,), (I32,)),
    "i31.get_u": ((I31,), (I32,)),
    "ref.eq": ((EQ, EQ), (I32,)),
    INIT: ((I32, I32, I32), ()),
    DROP: ((), ()),
}


def effect(instruction: tuple[object, ...], types: Sequence[Defined]) -> Effect | None:
    """Returns the types that an instruction takes and gives; None if they depend on the stack."""
    name, *rest = instruction
    assert isinstance(name, str)
    numbers = [value for value in rest if isinstance(value, int)]
    if name in _FIXED:
        return _FIXED[name]
    if name.startswith("struct."):
        return _struct(name, types[numbers[0]], numbers[0], numbers[1:])
    if name.startswith("array."):
        return _array(name, types[numbers[0]], numbers[0], numbers[1:])
    if name == "call_ref":
        type_ = types[numbers[0]]
        return (*type_.params, to(numbers[0], nullable=True)), type_.results
    return ((), (numbers[0],)) if name == ZERO else None


def on_top(instruction: tuple[object, ...], top: int) -> Types | None:
    """Returns what an instruction leaves of the one reference that it takes.

    Returns None if the instruction is none whose effect depends on the operand on top of the stack.
    """
    name, *rest = instruction
    change = _ON_TOP.get(str(name))
    return None if change is None else change(top, *rest)


_ON_TOP: dict[str, Callable[..., Types]] = {
    "ref.test": lambda top, target: (I32,),
    "ref.cast": lambda top, target: (target,),
    "ref.as_non_null": lambda top: (not_null(top),),
    "br_on_null": lambda top, depth: (not_null(top),),
    "br_on_non_null": lambda top, depth: (),
    "br_on_cast": lambda top, depth, source, target: (without(source, target),),
    "br_on_cast_fail": lambda top, depth, source, target: (target,),
    "any.convert_extern": lambda top: (reference(ANY, nullable=is_nullable(top)),),
    "extern.convert_any": lambda top: (reference(EXTERN, nullable=is_nullable(top)),),
}


# ---- text ----------------------------------------------------------------------------------------


def text(instruction: tuple[object, ...]) -> str:
    """Returns the text of an instruction."""
    name, *rest = instruction
    numbers = [value for value in rest if isinstance(value, int)]
    if name in _CASTS:
        return f"{name} {type_name(numbers[0])}"
    if name == ZERO:
        return f"ref.null {heap_name(heap_of(numbers[0]))} ref.as_non_null"
    if name in _BRANCHES:
        return f"{name} {numbers[0]} {type_name(numbers[1])} {type_name(numbers[2])}"
    if name == INIT:  # the text format has the table first
        return f"table.init {numbers[1]} {segment_name(numbers[0])}"
    if name == DROP:
        return f"elem.drop {segment_name(numbers[0])}"
    if name in _PREFIXED and _PREFIXED[str(name)][1] == "te":
        return f"{name} {numbers[0]} {segment_name(numbers[1])}"
    return " ".join(map(str, instruction))


def segment_name(index: int) -> str:
    """Returns the name of an element segment of references in the text."""
    return f"$references{index}"
