# SPDX-License-Identifier: MIT
"""The types of structures and arrays as Python values, which are immutable and equal by value."""

from __future__ import annotations

from ._ffi import NO_INDEX, lib
from ._immutable import Immutable, begin_init, set_field
from ._text import listed
from ._types import BY_CODE, valtype_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from ._ffi import Pointer
    from ._types import FuncType, ValueType

    DefinedType: TypeAlias = "FuncType | StructType | ArrayType"

PACKED = {0x78: "i8", 0x77: "i16"}  # by their bytes in the binary format


class FieldType(Immutable):
    """The type of a field, or of the elements of an array (specification, "Composite Types").

    ``str()`` shows it as in the text format, ``i32`` or ``(mut i8)``.

    Attributes:
        type: The type of the value; ``"i8"`` and ``"i16"`` stand for integers that take as many
            bits.
        mutable: Whether the value may change.
    """

    __slots__ = __match_args__ = ("type", "mutable")
    type: ValueType | str
    mutable: bool

    def __init__(self, type: ValueType | str, mutable: bool = False) -> None:
        """Takes a value type or a name in the text format, and whether the value may change.

        Raises:
            ValueError: The name is not that of a type that a field can have.
        """
        begin_init(self)
        set_field(self, "type", type if type in PACKED.values() else valtype_of(type))
        set_field(self, "mutable", bool(mutable))

    def __str__(self) -> str:
        """Returns the type as the text format writes it."""
        return f"(mut {self.type})" if self.mutable else str(self.type)


def _field(field: FieldType | ValueType | str) -> FieldType:
    return field if isinstance(field, FieldType) else FieldType(field)


def _sub(text: str, supertype: int | None, final: bool) -> str:
    """Returns the text of a type with what the text format says of its place among others."""
    if final and supertype is None:
        return text
    words = ["sub", *(["final"] if final else [])]
    words += [] if supertype is None else [str(supertype)]
    return f"({' '.join(words)} {text})"


class StructType(Immutable):
    """The type of a structure (specification, "Composite Types").

    ``str()`` shows it as in the text format, ``(struct (field i32) (field (mut f64)))``, with at
    most 20 fields.

    Attributes:
        fields: The types of the fields.
        supertype: The index of the type in the module that this one is a subtype of, or None.
        final: Whether no other type can be a subtype of this one.
    """

    __slots__ = __match_args__ = ("fields", "supertype", "final")
    fields: tuple[FieldType, ...]
    supertype: int | None
    final: bool

    def __init__(
        self,
        fields: Iterable[FieldType | ValueType | str] = (),
        supertype: int | None = None,
        final: bool = True,
    ) -> None:
        """Takes the types of the fields. A value type, or its name, is a field that is immutable.

        Raises:
            ValueError: A name is not that of a type that a field can have.
        """
        begin_init(self)
        set_field(self, "fields", tuple([_field(field) for field in fields]))
        set_field(self, "supertype", supertype)
        set_field(self, "final", bool(final))

    def __str__(self) -> str:
        """Returns the type as the text format writes it."""
        fields = listed(self.fields, lambda field: f"(field {field})")
        return _sub(f"({' '.join(['struct', *fields])})", self.supertype, self.final)


class ArrayType(Immutable):
    """The type of an array (specification, "Composite Types").

    ``str()`` shows it as in the text format, ``(array (mut i8))``.

    Attributes:
        field: The type of the elements.
        supertype: The index of the type in the module that this one is a subtype of, or None.
        final: Whether no other type can be a subtype of this one.
    """

    __slots__ = __match_args__ = ("field", "supertype", "final")
    field: FieldType
    supertype: int | None
    final: bool

    def __init__(
        self,
        field: FieldType | ValueType | str,
        supertype: int | None = None,
        final: bool = True,
    ) -> None:
        """Takes the type of the elements. A value type, or its name, makes them immutable.

        Raises:
            ValueError: The name is not that of a type that elements can have.
        """
        begin_init(self)
        set_field(self, "field", _field(field))
        set_field(self, "supertype", supertype)
        set_field(self, "final", bool(final))

    def __str__(self) -> str:
        """Returns the type as the text format writes it."""
        return _sub(f"(array {self.field})", self.supertype, self.final)


def field_type(field: Pointer) -> FieldType:
    """Returns the type of a pw_field."""
    code = field.type
    return FieldType(PACKED.get(code) or BY_CODE[code], field.is_mutable)


def composite_type(
    definition: Pointer, field_at: Callable[[int], Pointer]
) -> StructType | ArrayType:
    """Returns the type of a structure or an array.

    Args:
        definition: A pw_definition.
        field_at: Returns the pw_field with an index.
    """
    supertype = None if definition.super == NO_INDEX else int(definition.super)
    if definition.kind == lib.PW_TYPE_ARRAY:
        return ArrayType(field_type(field_at(0)), supertype, definition.is_final)
    fields = [field_type(field_at(i)) for i in range(definition.nfields)]
    return StructType(fields, supertype, definition.is_final)


def module_type(module: Pointer, index: int) -> StructType | ArrayType:
    """Returns the type of a structure or an array that a pw_module defines."""
    definition = lib.pw_module_definition(module, index)
    return composite_type(definition, lambda i: lib.pw_module_field(module, index, i))


FieldType.__module__ = StructType.__module__ = ArrayType.__module__ = "pywasm3"
