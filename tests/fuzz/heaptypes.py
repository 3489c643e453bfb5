# SPDX-License-Identifier: MIT
"""Represents reference types and the types that a module defines (specification, section 2.3).

A reference type is a number, as every value type (ops.py). That of a nullable reference to an
abstract heap type is the byte that the binary format has for it. All others have the byte 0x63
(nullable) or 0x64 (not nullable) and the heap type from bit 16 on: the byte of an abstract one, or
DEFINED plus the index of a type that the module defines.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from binary import signed_leb
from fuzz.ops import NAMES, PLAIN, Types

NULLABLE, NOT_NULLABLE = 0x63, 0x64
DEFINED = 0x100
HEAP_BITS = 16
ABSTRACT = {
    **{"any": 0x6E, "eq": 0x6D, "i31": 0x6C, "struct": 0x6B, "array": 0x6A, "none": 0x71},
    **{"func": 0x70, "nofunc": 0x73, "extern": 0x6F, "noextern": 0x72},
    **{"exn": 0x69, "noexn": 0x74},
}
ANY, EQ, I31 = ABSTRACT["any"], ABSTRACT["eq"], ABSTRACT["i31"]
STRUCT, ARRAY, NONE = ABSTRACT["struct"], ABSTRACT["array"], ABSTRACT["none"]
FUNC, NOFUNC = ABSTRACT["func"], ABSTRACT["nofunc"]
EXTERN, NOEXTERN = ABSTRACT["extern"], ABSTRACT["noextern"]
EXN, NOEXN = ABSTRACT["exn"], ABSTRACT["noexn"]
I8, I16 = 0x78, 0x77  # storage types of fields, which are no value types
STORAGE_BYTES = {I8: 1, I16: 2, 0x7F: 4, 0x7E: 8, 0x7D: 4, 0x7C: 8, 0x7B: 16}
_ABSTRACT_NAMES = {code: name for name, code in ABSTRACT.items()}
_PACKED_NAMES = {I8: "i8", I16: "i16"}
# The abstract types of each hierarchy, the top first and the bottom last.
_HIERARCHIES = (
    (ANY, EQ, I31, STRUCT, ARRAY, NONE),
    (FUNC, NOFUNC),
    (EXTERN, NOEXTERN),
    (EXN, NOEXN),
)
_ABOVE = {EQ: (ANY,), I31: (EQ, ANY), STRUCT: (EQ, ANY), ARRAY: (EQ, ANY)}
_KINDS = {"struct": STRUCT, "array": ARRAY, "func": FUNC}


@dataclass(frozen=True)
class Field:
    """A field of a struct, or the elements of an array."""

    storage: int  # a value type, I8 or I16
    mutable: bool

    @property
    def is_packed(self) -> bool:
        """Whether the field holds an i8 or an i16."""
        return self.storage in (I8, I16)

    @property
    def value(self) -> int:
        """The type of the values that instructions write to the field."""
        return 0x7F if self.is_packed else self.storage


@dataclass(frozen=True)
class Defined:
    """A type that a module defines: a struct, an array with one field, or a function."""

    kind: str  # "struct", "array" or "func"
    fields: tuple[Field, ...] = ()
    params: Types = ()
    results: Types = ()
    supertype: int | None = None  # the index of a type before this one
    is_final: bool = True


def reference(heap: int, *, nullable: bool) -> int:
    """Returns the type of references to a heap type."""
    if nullable and heap < DEFINED:
        return heap
    return heap << HEAP_BITS | (NULLABLE if nullable else NOT_NULLABLE)


def to(index: int, *, nullable: bool = False) -> int:
    """Returns the type of references to a type that the module defines."""
    return reference(DEFINED + index, nullable=nullable)


def heap_of(type_: int) -> int:
    """Returns the heap type of a reference type."""
    return type_ >> HEAP_BITS or type_


def defined_of(type_: int) -> int | None:
    """Returns the index of the defined type that a reference type refers to, or None."""
    heap = heap_of(type_)
    return heap - DEFINED if heap >= DEFINED else None


def is_nullable(type_: int) -> bool:
    """Tells whether a reference type has null among its values."""
    return type_ & 0xFF != NOT_NULLABLE


def nullable(type_: int) -> int:
    """Returns a reference type with null among its values."""
    return reference(heap_of(type_), nullable=True)


def not_null(type_: int) -> int:
    """Returns a reference type without null."""
    return reference(heap_of(type_), nullable=False)


def has_default(field: Field) -> bool:
    """Tells whether a field has a default value."""
    return field.storage & 0xFF != NOT_NULLABLE


def top_of(heap: int, types: Sequence[Defined]) -> int:
    """Returns the top of the hierarchy of a heap type."""
    if heap >= DEFINED:
        heap = _KINDS[types[heap - DEFINED].kind]
    return next(line[0] for line in _HIERARCHIES if heap in line)


def bottom_of(heap: int, types: Sequence[Defined]) -> int:
    """Returns the bottom of the hierarchy of a heap type."""
    top = top_of(heap, types)
    return next(line[-1] for line in _HIERARCHIES if line[0] == top)


def is_subtype(index: int, other: int, types: Sequence[Defined]) -> bool:
    """Tells whether a defined type is another one, or declares it as its supertype at last."""
    found: int | None = index
    while found is not None and found != other:
        found = types[found].supertype
    return found is not None


def heap_fits(have: int, want: int, types: Sequence[Defined]) -> bool:
    """Tells whether one heap type is below another one, or the same."""
    if have == want:
        return True
    if have in (NONE, NOFUNC, NOEXTERN, NOEXN):
        return bottom_of(want, types) == have
    if have < DEFINED:
        return want in _ABOVE.get(have, ())
    if want >= DEFINED:
        return is_subtype(have - DEFINED, want - DEFINED, types)
    kind = _KINDS[types[have - DEFINED].kind]
    return want == kind or want in _ABOVE.get(kind, ())


def reference_fits(have: int, want: int, types: Sequence[Defined]) -> bool:
    """Tells whether one reference type is a subtype of another one, or the same."""
    if is_nullable(have) and not is_nullable(want):
        return False
    return heap_fits(heap_of(have), heap_of(want), types)


def without(source: int, target: int) -> int:
    """Returns the type of references of one type that are not of another one."""
    return not_null(source) if is_nullable(target) else source


# ---- bytes and text ------------------------------------------------------------------------------


def heap_bytes(heap: int) -> bytes:
    """Returns the bytes of a heap type."""
    return bytes([heap]) if heap < DEFINED else signed_leb(heap - DEFINED)


def type_bytes(type_: int) -> bytes:
    """Returns the bytes of a value type or a storage type."""
    type_ &= PLAIN
    if type_ <= 0xFF:
        return bytes([type_])
    return bytes([type_ & 0xFF]) + heap_bytes(heap_of(type_))


def heap_name(heap: int) -> str:
    """Returns the text of a heap type."""
    return _ABSTRACT_NAMES[heap] if heap < DEFINED else str(heap - DEFINED)


@functools.cache
def type_name(type_: int) -> str:
    """Returns the text of a value type or a storage type."""
    known = NAMES.get(type_) or _PACKED_NAMES.get(type_)
    if known is not None:
        return known
    return f"(ref {'null ' if is_nullable(type_) else ''}{heap_name(heap_of(type_))})"
