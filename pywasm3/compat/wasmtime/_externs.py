# SPDX-License-Identifier: MIT
"""Memories, globals, tables and tags."""

from __future__ import annotations

import ctypes

from ... import _types as own
from ..._ffi import Function
from ..._ffi import Store as OwnStore
from ..._global import Global as OwnGlobal
from ..._memory import Memory as OwnMemory
from ..._table import Table as OwnTable
from ..._tag import Tag as OwnTag
from ._errors import WasmtimeError, translated
from ._func import Func, check_owner
from ._managed import Managed
from ._types import (
    GlobalType,
    Limits,
    MemoryType,
    TableType,
    TagType,
    ValType,
    func_type,
)
from ._value import Val, from_own, to_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from ._config import Engine
    from ._store import Storelike


def _bytes_of(memory: OwnMemory, size: int, offset: int = 0) -> ctypes.Array[ctypes.c_ubyte]:
    """Returns bytes of a memory as an array, which keeps them alive."""
    return (ctypes.c_ubyte * size).from_buffer(memory, offset)


def _pointer(memory: OwnMemory) -> ctypes._Pointer[ctypes.c_ubyte]:
    size = max(len(memory), 1)
    if not len(memory):
        return ctypes.pointer(ctypes.c_ubyte())
    return ctypes.cast(_bytes_of(memory, size), ctypes.POINTER(ctypes.c_ubyte))


def _grow(memory: OwnMemory, delta: int) -> int:
    if delta < 0:
        raise WasmtimeError("cannot grow by negative amount")
    with translated(also=(OverflowError,)):
        return memory.grow(delta)


def _memory_type(memory: OwnMemory) -> MemoryType:
    type_ = memory.type
    return MemoryType(Limits(type_.min, type_.max), type_.is64, type_.shared)


def _address(ty: MemoryType) -> str:
    return "i64" if ty.is_64 else "i32"


class Memory:
    """A memory of a store."""

    _memory: OwnMemory

    def __init__(self, store: Storelike, ty: MemoryType) -> None:
        """Makes a memory.

        Raises:
            WasmtimeError: The limits of the store do not allow it, or there is not enough memory.
        """
        context = store._context()
        limits = ty.limits
        with context._making() as inner:
            self._memory = OwnMemory(limits.min, limits.max, address=_address(ty), store=inner)

    @classmethod
    def _of(cls, memory: OwnMemory) -> Memory:
        self = object.__new__(cls)
        self._memory = memory
        return self

    def _in(self, store: Storelike) -> OwnMemory:
        check_owner(store, self._memory)
        return self._memory

    def type(self, store: Storelike) -> MemoryType:
        """Returns the type, whose least size is the present one."""
        return _memory_type(self._in(store))

    def grow(self, store: Storelike, delta: int) -> int:
        """Grows the memory by a number of pages, and returns how many it had.

        Raises:
            WasmtimeError: The memory cannot grow so far, or `delta` is negative.
        """
        return _grow(self._in(store), delta)

    def size(self, store: Storelike) -> int:
        """Returns the size in pages."""
        return self._in(store).pages

    def data_len(self, store: Storelike) -> int:
        """Returns the size in bytes."""
        return len(self._in(store))

    def page_size(self, store: Storelike) -> int:
        """Returns the size of a page in bytes."""
        return self.type(store).page_size

    def page_size_log2(self, store: Storelike) -> int:
        """Returns the logarithm of the size of a page."""
        return self.type(store).page_size_log2

    def data_ptr(self, store: Storelike) -> ctypes._Pointer[ctypes.c_ubyte]:
        """Returns a pointer to the first byte. Nothing checks what is accessed through it."""
        return _pointer(self._in(store))

    def get_buffer_ptr(
        self, store: Storelike, size: int | None = None, offset: int = 0
    ) -> ctypes.Array[ctypes.c_ubyte]:
        """Returns bytes of the memory as an array, which shares them.

        Args:
            store: The store.
            size: The number of bytes. None: that of the whole memory.
            offset: The address of the first byte.

        Raises:
            ValueError: The memory does not have all of these bytes.
        """
        memory = self._in(store)
        return _bytes_of(memory, len(memory) if size is None else size, offset)

    def read(self, store: Storelike, start: int | None = 0, stop: int | None = None) -> bytearray:
        """Reads the bytes that the slice ``start:stop`` of a list would have."""
        memory = self._in(store)
        first, end, _ = slice(start, stop).indices(len(memory))
        return bytearray(memory.read(first, max(end - first, 0)))

    def write(self, store: Storelike, value: bytearray | bytes, start: int | None = None) -> int:
        """Writes bytes, and returns how many.

        Args:
            store: The store.
            value: The bytes, or anything that bytearray() takes.
            start: The address; counted from the end if it is negative. None: 0.

        Raises:
            IndexError: The bytes do not lie within the memory.
        """
        memory = self._in(store)
        data = value if isinstance(value, (bytes, bytearray)) else bytearray(value)
        at = slice(start, None).indices(len(memory))[0]
        if at >= len(memory):
            raise IndexError("index out of range")
        memory.write(at, data)
        return len(data)


class SharedMemory(Managed):
    """A memory that instances of several stores can import."""

    _memory: OwnMemory

    def __init__(self, engine: Engine, ty: MemoryType) -> None:
        """Makes a shared memory.

        Raises:
            WasmtimeError: The engine's configuration has not set ``shared_memory``, the type is not
                shared, or there is not enough memory.
        """
        allowed = engine._alive()._option("shared_memory")
        limits = ty.limits
        if not allowed or not ty.is_shared:
            raise WasmtimeError(
                "a shared memory needs Config.shared_memory and a MemoryType with shared=True"
            )
        with translated(also=(MemoryError, OverflowError, ValueError)):
            self._memory = OwnMemory(
                limits.min, limits.max, address=_address(ty), shared=True, store=OwnStore()
            )

    @classmethod
    def _of(cls, memory: OwnMemory) -> SharedMemory:
        self = object.__new__(cls)
        self._memory = memory
        return self

    def type(self) -> MemoryType:
        """Returns the type, whose least size is the present one."""
        return _memory_type(self._alive()._memory)

    def grow(self, delta: int) -> int:
        """Grows the memory by a number of pages, and returns how many it had.

        Raises:
            WasmtimeError: The memory cannot grow so far, or `delta` is negative.
        """
        return _grow(self._alive()._memory, delta)

    def size(self) -> int:
        """Returns the size in pages."""
        return self._alive()._memory.pages

    def data_len(self) -> int:
        """Returns the size in bytes."""
        return len(self._alive()._memory)

    def data_ptr(self) -> ctypes._Pointer[ctypes.c_ubyte]:
        """Returns a pointer to the first byte. Nothing checks what is accessed through it."""
        return _pointer(self._alive()._memory)


def _val_if_none(type: own.ValueType, value: Any) -> Any:
    """Returns a value; null is a Val, which equals None, as in wasmtime."""
    return Val(type, None) if value is None else from_own(value)


class Global:
    """A global of a store."""

    _global: OwnGlobal

    def __init__(self, store: Storelike, ty: GlobalType, val: Any) -> None:
        """Makes a global with its first value.

        Raises:
            TypeError: `ty` is not a GlobalType, or the value is not one of the type.
        """
        if not isinstance(ty, GlobalType):
            raise TypeError(f"expected a GlobalType, not {type(ty).__name__}")
        context = store._context()
        value = to_own(ty.content._type, val)
        with context._making() as inner:
            self._global = OwnGlobal(ty.content._type, value, ty.mutable, store=inner)

    @classmethod
    def _of(cls, global_: OwnGlobal) -> Global:
        self = object.__new__(cls)
        self._global = global_
        return self

    def type(self, store: Storelike) -> GlobalType:
        """Returns the type."""
        check_owner(store, self._global)
        type_ = self._global.type
        return GlobalType(ValType._of(type_.type), type_.mutable)

    def value(self, store: Storelike) -> Any:
        """Returns the value; null is a Val, which equals None."""
        check_owner(store, self._global)
        return _val_if_none(self._global.type.type, self._global.value)

    def set_value(self, store: Storelike, val: Any) -> None:
        """Sets the value.

        Raises:
            TypeError: It is not one of the type.
            WasmtimeError: The global is immutable.
        """
        check_owner(store, self._global)
        value = to_own(self._global.type.type, val)
        if not self._global.type.mutable:
            raise WasmtimeError("immutable global cannot be set")
        self._global.value = value


class Table:
    """A table of a store."""

    _table: OwnTable

    def __init__(self, store: Storelike, ty: TableType, init: Any) -> None:
        """Makes a table, whose elements are all the same at first.

        Raises:
            TypeError: `init` is not a reference of the type.
            WasmtimeError: The limits of the store do not allow it, or there is not enough memory.
        """
        context = store._context()
        element = ty.element._type
        value = to_own(element, init)
        with context._making() as inner:
            self._table = OwnTable(element, ty.limits.min, ty.limits.max, value, store=inner)

    @classmethod
    def _of(cls, table: OwnTable) -> Table:
        self = object.__new__(cls)
        self._table = table
        return self

    def type(self, store: Storelike) -> TableType:
        """Returns the type, whose least size is the present one."""
        check_owner(store, self._table)
        type_ = self._table.type
        return TableType(ValType._of(type_.type), Limits(type_.min, type_.max))

    def size(self, store: Storelike) -> int:
        """Returns the number of elements."""
        check_owner(store, self._table)
        return len(self._table)

    def grow(self, store: Storelike, amt: int, init: Any) -> int:
        """Adds elements, and returns how many there were.

        Raises:
            TypeError: `init` is not a reference of the type.
            WasmtimeError: The table cannot grow so far.
        """
        check_owner(store, self._table)
        value = to_own(self._table._valtype, init)
        with translated(also=(OverflowError,)):
            return self._table.grow(amt, value)

    def get(self, store: Storelike, idx: int) -> Any:
        """Returns an element, or None if there is none; null is a Val, which equals None."""
        check_owner(store, self._table)
        if not 0 <= idx < len(self._table):
            return None
        return _val_if_none(self._table._valtype, self._table[idx])

    def set(self, store: Storelike, idx: int, val: Any) -> None:
        """Sets an element.

        Raises:
            TypeError: The value is not a reference of the type.
            WasmtimeError: There is no such element.
        """
        check_owner(store, self._table)
        value = to_own(self._table._valtype, val)
        with translated(also=(IndexError,)):
            self._table[idx] = value


class Tag:
    """A tag of a store, which tells exceptions of WebAssembly apart."""

    _tag: OwnTag

    def __init__(self, store: Storelike, ty: TagType) -> None:
        """Makes a tag.

        Raises:
            TypeError: `ty` is not a TagType.
        """
        if not isinstance(ty, TagType):
            raise TypeError(f"expected a TagType, not {type(ty).__name__}")
        with store._context()._making() as inner:
            self._tag = OwnTag(ty.functype._own(), store=inner)

    @classmethod
    def _of(cls, tag: OwnTag) -> Tag:
        self = object.__new__(cls)
        self._tag = tag
        return self

    def type(self, store: Storelike) -> TagType:
        """Returns the type."""
        check_owner(store, self._tag)
        return TagType(func_type(self._tag.type.type))

    def eq(self, store: Storelike, other: Tag) -> bool:
        """Returns whether both are the same tag."""
        check_owner(store, self._tag)
        return self._tag == other._tag


if TYPE_CHECKING:
    AsExtern: TypeAlias = Func | Table | Memory | SharedMemory | Global | Tag


def extern_of(value: Any) -> AsExtern:
    """Returns wasmtime's object for an export of pywasm3."""
    if isinstance(value, Function):
        return Func._of(value)
    if isinstance(value, OwnMemory):
        return SharedMemory._of(value) if value._shared else Memory._of(value)
    if isinstance(value, OwnGlobal):
        return Global._of(value)
    if isinstance(value, OwnTable):
        return Table._of(value)
    return Tag._of(value)


def imported(item: AsExtern) -> Any:
    """Returns what an instance of pywasm3 is given for an import.

    Raises:
        TypeError: The object cannot be imported.
    """
    if isinstance(item, Func):
        return item._imported
    if isinstance(item, (Memory, SharedMemory)):
        return item._memory
    if isinstance(item, Global):
        return item._global
    if isinstance(item, Table):
        return item._table
    if isinstance(item, Tag):
        return item._tag
    raise TypeError(
        f"expected a Func, Global, Memory, SharedMemory, Tag or Table, not {type(item).__name__}"
    )


def owner(item: AsExtern) -> OwnStore | None:
    """Returns the store that an object lives in; None for a shared memory."""
    if isinstance(item, SharedMemory):
        return None
    store: OwnStore = item._func.store if isinstance(item, Func) else imported(item).store
    return store
