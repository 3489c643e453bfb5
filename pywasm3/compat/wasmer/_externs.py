# SPDX-License-Identifier: MIT
"""Functions, memories, globals and tables."""

from __future__ import annotations

from ..._errors import WasiExit, WasmError
from ..._ffi import Function as OwnFunction
from ..._global import Global as OwnGlobal
from ..._host_function import host_function
from ..._memory import Memory as OwnMemory
from ..._table import Table as OwnTable
from .._missing import missing_feature
from ._store import Store
from ._types import FunctionType, GlobalType, MemoryType, TableType, Type, function_type, type_of
from ._value import Value, from_own, to_own
from ._views import (
    Float32Array,
    Float64Array,
    Int8Array,
    Int16Array,
    Int32Array,
    Int64Array,
    Uint8Array,
    Uint16Array,
    Uint32Array,
    Uint64Array,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

# Annotations of functions, as they are written or as repr() shows classes.
_ANNOTATIONS: dict[object, Type] = {
    **dict.fromkeys((int, "i32", "I32", Type.I32), Type.I32),
    **dict.fromkeys(("i64", "I64", Type.I64), Type.I64),
    **dict.fromkeys((float, "f32", "F32", Type.F32), Type.F32),
    **dict.fromkeys(("f64", "F64", Type.F64), Type.F64),
    **dict.fromkeys(("v128", "V128", Type.V128), Type.V128),
}


def _annotated(annotation: object) -> Type:
    try:
        return _ANNOTATIONS[annotation]
    except (KeyError, TypeError):
        raise RuntimeError(f"Type `{annotation}` is not a supported type") from None


def _type_of_callable(function: Any) -> FunctionType:
    annotations = getattr(function, "__annotations__", None)
    if annotations is None:
        raise ValueError("The function must have type annotations")
    params, results = [], []
    for name, annotation in annotations.items():
        if name != "return":
            if annotation is None:
                raise RuntimeError(f"Variable `{name}` cannot have type `None`")
            params.append(_annotated(annotation))
        elif annotation is not None:
            many = annotation if isinstance(annotation, tuple) else (annotation,)
            results = [_annotated(each) for each in many]
    return FunctionType(params, results)


def exited(end: WasiExit) -> RuntimeError:
    """Returns wasmer's error for a program that ended itself, which is the same for code 0."""
    return RuntimeError(f"RuntimeError: WASI exited with code: {end.code}")


class Function:
    """A function, of a guest or of the host."""

    _function: OwnFunction

    def __init__(
        self,
        store: Store,
        function: Callable[..., Any],
        function_type: FunctionType | None = None,
    ) -> None:
        """Makes a function of a Python callable.

        Args:
            store: The store.
            function: The callable.
            function_type: The type. None: the annotations tell: int is i32, float is f32, and a
                name like ``"i64"`` is what it says.

        Raises:
            ValueError: `function` is not callable, or has no annotations.
            RuntimeError: An annotation is not a type.
        """
        if not callable(function):
            raise ValueError("Function must be a callable")
        type_ = _type_of_callable(function) if function_type is None else function_type
        own = type_._own()
        called = _Called(function, type_)
        self._function = host_function(own, called, store=store._store)

    @classmethod
    def _of(cls, function: OwnFunction) -> Function:
        self = object.__new__(cls)
        self._function = function
        return self

    @property
    def type(self) -> FunctionType:
        """The type."""
        return function_type(self._function.type)

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function.

        Returns:
            None, the result, or a tuple of several results.

        Raises:
            TypeError: An argument has the wrong type, or there are too many.
            RuntimeError: There are too few, the code was stopped, or the program ended itself.
        """
        type_ = self.type
        if len(arguments) != len(type_.params):
            error = TypeError if len(arguments) > len(type_.params) else RuntimeError
            raise error(f"the function takes {len(type_.params)} arguments, not {len(arguments)}")
        given = [to_own(*pair) for pair in zip(type_.params, arguments, strict=True)]
        try:
            result = self._function(*given)
        except WasiExit as end:
            raise exited(end) from end
        if len(type_.results) > 1:
            return tuple([from_own(*pair) for pair in zip(type_.results, result, strict=True)])
        return from_own(type_.results[0], result) if type_.results else None


class _Called:
    """A callable of the program, as pywasm3 calls it."""

    def __init__(self, function: Callable[..., Any], type: FunctionType) -> None:
        self.__name__ = str(getattr(function, "__name__", "function"))
        self._function = function
        self._type = type

    def __call__(self, *arguments: Any) -> Any:
        params, results = self._type.params, self._type.results
        given = [from_own(*pair) for pair in zip(params, arguments, strict=True)]
        returned = self._function(*given)
        if not results:
            return None
        values = returned if isinstance(returned, tuple) else (returned,)
        if returned is None:
            values = ()
        if len(values) != len(results):
            raise RuntimeError(f"the function returned {len(values)} values, not {len(results)}")
        made = tuple([to_own(*pair) for pair in zip(results, values, strict=True)])
        return made if len(results) > 1 else made[0]


class Memory:
    """A memory."""

    _memory: OwnMemory

    def __init__(self, store: Store, memory_type: MemoryType) -> None:
        """Makes a memory.

        Raises:
            RuntimeError: A memory cannot have these sizes, or there is not enough memory.
        """
        type_ = memory_type
        try:
            self._memory = OwnMemory(
                type_.minimum, type_.maximum, shared=type_.shared, store=store._store
            )
        except (MemoryError, OverflowError, ValueError) as error:
            raise RuntimeError(str(error)) from error

    @classmethod
    def _of(cls, memory: OwnMemory) -> Memory:
        self = object.__new__(cls)
        self._memory = memory
        return self

    @property
    def type(self) -> MemoryType:
        """The type, whose least size is the present one."""
        type_ = self._memory.type
        return MemoryType(type_.min, type_.max, type_.shared)

    @property
    def size(self) -> int:
        """The size in pages of 65,536 bytes."""
        return self._memory.pages

    @property
    def data_size(self) -> int:
        """The size in bytes."""
        return len(self._memory)

    @property
    def buffer(self) -> OwnMemory:
        """The memory of pywasm3, which has the buffer protocol."""
        return self._memory

    def grow(self, number_of_pages: int) -> int:
        """Grows the memory by a number of pages, and returns how many it had.

        Raises:
            RuntimeError: The memory cannot grow so far.
            OverflowError: The number is negative.
        """
        if number_of_pages < 0:
            raise OverflowError(f"a memory cannot grow by {number_of_pages} pages")
        before = self.size
        try:
            return self._memory.grow(number_of_pages)
        except (WasmError, OverflowError) as error:
            raise RuntimeError(
                f"The memory could not grow: current size {before} pages, requested increase: "
                f"{number_of_pages} pages"
            ) from error

    def uint8_view(self, offset: int = 0) -> Uint8Array:
        """Returns a view of bytes from an index on, each 0 to 255."""
        return Uint8Array(self._memory, offset)

    def int8_view(self, offset: int = 0) -> Int8Array:
        """Returns a view of signed bytes from an index on."""
        return Int8Array(self._memory, offset)

    def uint16_view(self, offset: int = 0) -> Uint16Array:
        """Returns a view of 16-bit integers from an index on. The index counts integers."""
        return Uint16Array(self._memory, offset)

    def int16_view(self, offset: int = 0) -> Int16Array:
        """Returns a view of signed 16-bit integers from an index on."""
        return Int16Array(self._memory, offset)

    def uint32_view(self, offset: int = 0) -> Uint32Array:
        """Returns a view of 32-bit integers from an index on."""
        return Uint32Array(self._memory, offset)

    def int32_view(self, offset: int = 0) -> Int32Array:
        """Returns a view of signed 32-bit integers from an index on."""
        return Int32Array(self._memory, offset)

    def uint64_view(self, offset: int = 0) -> Uint64Array:
        """Returns a view of 64-bit integers from an index on."""
        return Uint64Array(self._memory, offset)

    def int64_view(self, offset: int = 0) -> Int64Array:
        """Returns a view of signed 64-bit integers from an index on."""
        return Int64Array(self._memory, offset)

    def float32_view(self, offset: int = 0) -> Float32Array:
        """Returns a view of 32-bit floats from an index on."""
        return Float32Array(self._memory, offset)

    def float64_view(self, offset: int = 0) -> Float64Array:
        """Returns a view of 64-bit floats from an index on."""
        return Float64Array(self._memory, offset)


class Global:
    """A global."""

    _global: OwnGlobal

    def __init__(self, store: Store, value: Value, mutable: bool = False) -> None:
        """Makes a global with its first value."""
        type_ = str(value._type.name).lower()
        self._global = OwnGlobal(type_, value._value, bool(mutable), store=store._store)

    @classmethod
    def _of(cls, global_: OwnGlobal) -> Global:
        self = object.__new__(cls)
        self._global = global_
        return self

    @property
    def type(self) -> GlobalType:
        """The type."""
        type_ = self._global.type
        return GlobalType(type_of(type_.type), type_.mutable)

    @property
    def mutable(self) -> bool:
        """Whether the value may change."""
        return bool(self._global.type.mutable)

    @property
    def value(self) -> Any:
        """The value.

        Raises:
            RuntimeError: It is set, and the global is not mutable.
        """
        return from_own(self.type.type, self._global.value)

    @value.setter
    def value(self, value: Any) -> None:
        if not self.mutable:
            raise RuntimeError("The global variable is not mutable, cannot set a new value")
        self._global.value = to_own(self.type.type, value)


class Table:
    """A table, whose size and type can be read."""

    _table: OwnTable

    def __init__(self, store: Store, table_type: TableType, initial_value: Value) -> None:
        """Cannot be called: a Value is not a reference.

        Raises:
            NotImplementedError: Always.
        """
        raise missing_feature(
            "wasmer", "Table of the host", "use pywasm3.Table, or a table that a module exports"
        )

    @classmethod
    def _of(cls, table: OwnTable) -> Table:
        self = object.__new__(cls)
        self._table = table
        return self

    @property
    def size(self) -> int:
        """The number of elements."""
        return len(self._table)

    @property
    def type(self) -> TableType:
        """The type, whose least size is the present one."""
        type_ = self._table.type
        return TableType(type_of(type_.type), type_.min, type_.max)


if TYPE_CHECKING:
    Extern: TypeAlias = Function | Memory | Global | Table


def extern_of(value: Any) -> Extern:
    """Returns wasmer's object for an export of pywasm3."""
    if isinstance(value, OwnFunction):
        return Function._of(value)
    if isinstance(value, OwnMemory):
        return Memory._of(value)
    if isinstance(value, OwnGlobal):
        return Global._of(value)
    if isinstance(value, OwnTable):
        return Table._of(value)
    raise missing_feature("wasmer", "tags of exceptions", "use pywasm3 itself for such a module")


def imported(item: object) -> Any:
    """Returns what an instance of pywasm3 is given for an import.

    Raises:
        TypeError: The object cannot be imported.
    """
    if isinstance(item, Function):
        return item._function
    if isinstance(item, Memory):
        return item._memory
    if isinstance(item, Global):
        return item._global
    if isinstance(item, Table):
        return item._table
    raise TypeError(f"`ImportObject` cannot register the given type `{type(item).__name__}`")
