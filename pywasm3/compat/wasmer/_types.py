# SPDX-License-Identifier: MIT
"""The types of wasmer's API, and the conversions between them and those of pywasm3."""

from __future__ import annotations

from enum import IntEnum

from ... import _types as own
from .._missing import missing_feature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias


class Type(IntEnum):
    """The type of a value."""

    I32 = 1
    I64 = 2
    F32 = 3
    F64 = 4
    V128 = 5
    EXTERN_REF = 6
    FUNC_REF = 7


_OWN: dict[Type, own.ValueType] = {
    Type.I32: own.i32,
    Type.I64: own.i64,
    Type.F32: own.f32,
    Type.F64: own.f64,
    Type.V128: own.v128,
    Type.EXTERN_REF: own.externref,
    Type.FUNC_REF: own.funcref,
}
_THEIRS = {type_: member for member, type_ in _OWN.items()}
_SHOWN = {Type.EXTERN_REF: "ExternRef", Type.FUNC_REF: "FuncRef"}


def own_type(type: Type) -> own.ValueType:
    """Returns pywasm3's type.

    Raises:
        ValueError: It is not a member of Type, nor the number of one.
    """
    return _OWN[Type(type)]


def type_of(type: own.ValueType) -> Type:
    """Returns wasmer's type.

    Raises:
        NotImplementedError: wasmer has no such type.
    """
    if type not in _THEIRS:
        raise missing_feature("wasmer", f"type {type}", "use pywasm3 itself for such a module")
    return _THEIRS[type]


def _shown(types: Iterable[Type]) -> str:
    return f"[{', '.join([_SHOWN.get(type_, type_.name) for type_ in types])}]"


def _shown_option(value: int | None) -> str:
    return "None" if value is None else f"Some({value})"


def _shown_flag(value: bool) -> str:
    return str(value).lower()


class FunctionType:
    """The type of a function.

    Attributes:
        params: The types of the parameters.
        results: The types of the results.
    """

    def __init__(self, params: Iterable[Type], results: Iterable[Type]) -> None:
        """Takes the types of the parameters and of the results."""
        self.params = [Type(type_) for type_ in params]
        self.results = [Type(type_) for type_ in results]

    def _own(self) -> own.FuncType:
        return own.FuncType(map(own_type, self.params), map(own_type, self.results))

    def __str__(self) -> str:
        """Returns wasmer's text for the type."""
        return f"FunctionType(params: {_shown(self.params)}, results: {_shown(self.results)})"


class MemoryType:
    """The type of a memory. Sizes are in pages of 65,536 bytes.

    Attributes:
        minimum: The size at the start.
        maximum: The size that is never exceeded, or None.
        shared: Whether threads may share the memory.
    """

    def __init__(self, minimum: int, maximum: int | None = None, shared: bool = False) -> None:
        """Takes the sizes, and whether threads may share the memory."""
        self.minimum = minimum
        self.maximum = maximum
        self.shared = bool(shared)

    def __str__(self) -> str:
        """Returns wasmer's text for the type."""
        return (
            f"MemoryType(minimum: {self.minimum}, maximum: {_shown_option(self.maximum)}, "
            f"shared: {_shown_flag(self.shared)})"
        )


class GlobalType:
    """The type of a global.

    Attributes:
        type: The type of the value.
        mutable: Whether the value may change.
    """

    def __init__(self, type: Type, mutable: bool = False) -> None:
        """Takes the type of the value, and whether it may change."""
        self.type = Type(type)
        self.mutable = bool(mutable)

    def __str__(self) -> str:
        """Returns wasmer's text for the type."""
        type_ = _SHOWN.get(self.type, self.type.name)
        return f"GlobalType(type: {type_}, mutable: {_shown_flag(self.mutable)})"


class TableType:
    """The type of a table. Sizes are in elements.

    Attributes:
        type: The type of the elements.
        minimum: The size at the start.
        maximum: The size that is never exceeded, or None.
    """

    def __init__(self, type: Type, minimum: int, maximum: int | None = None) -> None:
        """Takes the type of the elements and the sizes."""
        self.type = Type(type)
        self.minimum = minimum
        self.maximum = maximum

    def __str__(self) -> str:
        """Returns wasmer's text for the type."""
        type_ = _SHOWN.get(self.type, self.type.name)
        maximum = _shown_option(self.maximum)
        return f"TableType(type: {type_}, minimum: {self.minimum}, maximum: {maximum})"


if TYPE_CHECKING:
    ExternType: TypeAlias = FunctionType | MemoryType | GlobalType | TableType


class ExportType:
    """An export of a module.

    Attributes:
        name: The name.
        type: The type.
    """

    def __init__(self, name: str, type: ExternType) -> None:
        """Takes the name and the type."""
        self.name = name
        self.type = type


class ImportType:
    """An import of a module.

    Attributes:
        module: The first half of the name.
        name: The second half of the name.
        type: The type.
    """

    def __init__(self, module: str, name: str, type: ExternType) -> None:
        """Takes the names and the type."""
        self.module = module
        self.name = name
        self.type = type


def function_type(type: own.FuncType) -> FunctionType:
    """Returns wasmer's type for one of pywasm3."""
    return FunctionType(map(type_of, type.params), map(type_of, type.results))


def extern_type(type: own.ExternType) -> ExternType:
    """Returns wasmer's type for one of pywasm3."""
    if isinstance(type, own.FuncType):
        return function_type(type)
    if isinstance(type, own.MemoryType):
        return MemoryType(type.min, type.max, type.shared)
    if isinstance(type, own.GlobalType):
        return GlobalType(type_of(type.type), type.mutable)
    if isinstance(type, own.TableType):
        return TableType(type_of(type.type), type.min, type.max)
    raise missing_feature("wasmer", "tags of exceptions", "use pywasm3 itself for such a module")
