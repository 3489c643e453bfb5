# SPDX-License-Identifier: MIT
"""The types of wasmtime's API, which are made of those of pywasm3."""

from __future__ import annotations

from ... import _types as own
from ..._memory import most_pages
from .._missing import missing_feature
from ._errors import WasmtimeError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

_PAGE_SIZE_LOG2 = 16


class ValType:
    """The type of a value. The class methods make the types."""

    _type: own.ValueType

    def __init__(self) -> None:
        """Cannot be called.

        Raises:
            WasmtimeError: Always.
        """
        raise WasmtimeError("cannot construct directly; use a class method, like ValType.i32()")

    @classmethod
    def _of(cls, type: own.ValueType) -> ValType:
        made = object.__new__(cls)
        made._type = type
        return made

    @classmethod
    def i32(cls) -> ValType:
        """Returns the type of 32-bit integers."""
        return cls._of(own.i32)

    @classmethod
    def i64(cls) -> ValType:
        """Returns the type of 64-bit integers."""
        return cls._of(own.i64)

    @classmethod
    def f32(cls) -> ValType:
        """Returns the type of 32-bit floats."""
        return cls._of(own.f32)

    @classmethod
    def f64(cls) -> ValType:
        """Returns the type of 64-bit floats."""
        return cls._of(own.f64)

    @classmethod
    def externref(cls) -> ValType:
        """Returns the type of references to objects of the host."""
        return cls._of(own.externref)

    @classmethod
    def funcref(cls) -> ValType:
        """Returns the type of references to functions."""
        return cls._of(own.funcref)

    def __eq__(self, other: object) -> bool:
        """Returns whether the other object is the same type."""
        return isinstance(other, ValType) and self._type == other._type

    def __hash__(self) -> int:
        """Returns a hash of the type."""
        return hash(self._type)

    def __str__(self) -> str:
        """Returns wasmtime's name of the type, which is "anyref" for externref."""
        return "anyref" if self._type is own.externref else str(self._type)

    __repr__ = __str__


def _checked(types: Iterable[ValType]) -> list[ValType]:
    given = list(types)
    for type_ in given:
        if not isinstance(type_, ValType):
            raise TypeError(f"expected a ValType, not {type(type_).__name__}")
    return given


class FuncType:
    """The type of a function.

    Attributes:
        params: The types of the parameters.
        results: The types of the results.
    """

    def __init__(self, params: Iterable[ValType], results: Iterable[ValType]) -> None:
        """Takes the types of the parameters and of the results."""
        self.params = _checked(params)
        self.results = _checked(results)

    def _own(self) -> own.FuncType:
        return own.FuncType([t._type for t in self.params], [t._type for t in self.results])


class Limits:
    """A size at the start, and the size that is never exceeded.

    Attributes:
        min: The size at the start.
        max: The size that is never exceeded, or None.
    """

    def __init__(self, min: int, max: int | None) -> None:
        """Takes both sizes."""
        self.min = min
        self.max = max

    def __eq__(self, other: object) -> bool:
        """Returns whether the other object has the same sizes."""
        return isinstance(other, Limits) and (self.min, self.max) == (other.min, other.max)

    def __hash__(self) -> int:
        """Returns a hash of both sizes."""
        return hash((self.min, self.max))

    def __repr__(self) -> str:
        """Returns the call that makes an equal object."""
        return f"Limits({self.min}, {self.max})"


def _check_limits(limits: Limits) -> Limits:
    if not isinstance(limits, Limits):
        raise TypeError(f"expected Limits, not {type(limits).__name__}")
    return limits


class GlobalType:
    """The type of a global.

    Attributes:
        content: The type of the value.
        mutable: Whether the value may change.
    """

    def __init__(self, valtype: ValType, mutable: bool) -> None:
        """Takes the type of the value, and whether it may change."""
        self.content = _checked([valtype])[0]
        self.mutable = bool(mutable)


class TableType:
    """The type of a table.

    Attributes:
        element: The type of the elements.
        limits: The sizes, in elements.
    """

    def __init__(self, valtype: ValType, limits: Limits) -> None:
        """Takes the type of the elements and the sizes."""
        self.limits = _check_limits(limits)
        self.element = _checked([valtype])[0]


class MemoryType:
    """The type of a memory.

    Attributes:
        limits: The sizes, in pages of 65,536 bytes.
        is_64: Whether addresses are 64-bit.
        is_shared: Whether threads may share the memory.
        page_size: The size of a page in bytes.
        page_size_log2: The logarithm of the size of a page.
    """

    page_size = 1 << _PAGE_SIZE_LOG2
    page_size_log2 = _PAGE_SIZE_LOG2

    def __init__(
        self,
        limits: Limits,
        is_64: bool = False,
        shared: bool = False,
        page_size_log2: int = _PAGE_SIZE_LOG2,
    ) -> None:
        """Takes the sizes, and the kind of memory.

        Raises:
            WasmtimeError: A memory cannot have these sizes.
            NotImplementedError: The pages would not have 65,536 bytes.
        """
        _check_limits(limits)
        if page_size_log2 != _PAGE_SIZE_LOG2:
            raise missing_feature(
                "wasmtime", "page_size_log2", "pywasm3 runs memories with pages of 65,536 bytes"
            )
        most = most_pages(is_64)
        if limits.min > most or (limits.max is not None and limits.max > most):
            raise WasmtimeError(f"a memory can have at most {most} pages")
        if limits.max is not None and limits.max < limits.min:
            raise WasmtimeError("the maximum size is smaller than the minimum size")
        if shared and limits.max is None:
            raise WasmtimeError("a shared memory must have a maximum size")
        self.limits = limits
        self.is_64 = bool(is_64)
        self.is_shared = bool(shared)


class TagType:
    """The type of a tag.

    Attributes:
        functype: A function type, whose parameters are what the exception carries.
    """

    def __init__(self, functype: FuncType) -> None:
        """Takes the function type."""
        if not isinstance(functype, FuncType):
            raise TypeError(f"expected a FuncType, not {type(functype).__name__}")
        self.functype = functype


if TYPE_CHECKING:
    AsExternType: TypeAlias = FuncType | TableType | MemoryType | GlobalType | TagType


class ImportType:
    """An import of a module.

    Attributes:
        module: The first half of the name.
        name: The second half of the name.
        type: The type.
    """

    def __init__(self, module: str, name: str, type: AsExternType) -> None:
        """Takes the names and the type."""
        self.module = module
        self.name = name
        self.type = type


class ExportType:
    """An export of a module.

    Attributes:
        name: The name.
        type: The type.
    """

    def __init__(self, name: str, type: AsExternType) -> None:
        """Takes the name and the type."""
        self.name = name
        self.type = type


def func_type(type: own.FuncType) -> FuncType:
    """Returns wasmtime's type for one of pywasm3."""
    return FuncType([ValType._of(t) for t in type.params], [ValType._of(t) for t in type.results])


def extern_type(type: own.ExternType) -> AsExternType:
    """Returns wasmtime's type for one of pywasm3."""
    if isinstance(type, own.FuncType):
        return func_type(type)
    if isinstance(type, own.GlobalType):
        return GlobalType(ValType._of(type.type), type.mutable)
    if isinstance(type, own.TableType):
        return TableType(ValType._of(type.type), Limits(type.min, type.max))
    if isinstance(type, own.MemoryType):
        return MemoryType(Limits(type.min, type.max), type.is64, type.shared)
    return TagType(func_type(type.type))
