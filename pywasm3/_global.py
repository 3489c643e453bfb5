# SPDX-License-Identifier: MIT
"""Globals, which are single values that host and guest share."""

from __future__ import annotations

from ._ffi import NULL, GlobalBase, address, ffi, lib, store_pointer
from ._store_objects import host_type, refuse_copies, store_for
from ._types import GlobalType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from ._cpython import Store
    from ._ffi import Pointer
    from ._types import ValueType

_CELLS = ffi.typeof("uint64_t[2]")  # the cells of a value, of which all types but v128 use one


class Global(GlobalBase):
    """A global (specification, chapter 2.5, "Globals"), of an instance or made by the host.

    A global that the host makes can be given as an import to several instances, which share it if
    it is mutable.
    """

    __slots__ = ("__weakref__", "_pointer", "_type")
    _pointer: Pointer
    _type: GlobalType

    def __new__(
        cls,
        type: ValueType | str,
        value: Any,
        mutable: bool = False,
        *,
        store: Store | None = None,
    ) -> Self:
        """Makes a global.

        Args:
            type: The type of the value, or its name in the text format.
            value: The first value; anything that a call's argument of this type may be.
            mutable: Whether the value may change.
            store: The store in which the global is made. None: the store of `value` if that is a
                Function, else a new store, which the instances that import the global join.

        Raises:
            ValueError: A global cannot have the type.
            TypeError: `value` cannot be converted to the type.
            OverflowError: `value` is out of the type's range.
            WasmError: The store is closed.
        """
        valtype = host_type(type)
        store = store_for(store, value)
        return store._call_entered(cls._new, store, valtype, value, bool(mutable))

    @classmethod
    def _new(cls, store: Store, valtype: ValueType, value: Any, mutable: bool) -> Self:
        """Makes a global in the store, which is entered."""
        bits = store._encode(value, valtype.code, 0, "global", "value")
        pointer = new_global(store, valtype, mutable, bits)
        return cls._of(store, pointer, valtype, NULL)

    __reduce_ex__ = refuse_copies

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, valtype: ValueType, module: Pointer) -> Self:
        """Returns the Global for a pw_global of the store, which is entered."""
        mutable = bool(lib.pw_global_mutable(pointer))
        self = cls._make(store, address(pointer), address(module), valtype.code, mutable)
        self._pointer = pointer
        self._type = GlobalType(valtype, mutable)
        return self

    @property
    def type(self) -> GlobalType:
        """The type of the value, and whether it may change."""
        return self._type

    @property
    def _valtype(self) -> ValueType:
        return self._type.type

    def _bits(self) -> int:
        """Returns the bits of the value."""
        cells = ffi.new(_CELLS)
        self.store._call_entered(lib.pw_global_get, self._pointer, cells)
        return int(cells[0] | cells[1] << 64)

    def __repr__(self) -> str:
        """Returns the type and the value; a closed store has no values."""
        value = "closed" if self.store.closed else repr(self.value)
        return f"<pywasm3.Global {self._type}: {value}>"


def new_global(store: Store, type: ValueType, mutable: bool, bits: int) -> Pointer:
    """Makes a pw_global in the store, which is entered."""
    cells = ffi.new(_CELLS, (bits & 0xFFFFFFFFFFFFFFFF, bits >> 64))
    pointer = lib.pw_global_new(store_pointer(store), type.code, mutable, cells)
    if not pointer:
        raise MemoryError("no memory for a global")
    return pointer
