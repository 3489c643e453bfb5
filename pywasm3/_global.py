# SPDX-License-Identifier: MIT
"""Globals: single values that host and guest share."""

from __future__ import annotations

from ._errors import WasmError
from ._ffi import Function, address, decode, encode, ffi, lib, optional_function
from ._types import BY_CODE, GlobalType, ValType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._fastcall import Store
    from ._ffi import Pointer

_REFERENCES = (ValType.FUNCREF, ValType.EXTERNREF)


def reference_bits(store: Store, value: object, type: ValType) -> int:
    """The pattern of a reference that the store may hold.

    Raises:
        TypeError: `value` is no reference of the type.
        WasmError: It is a function of another store.
    """
    if value is None:
        return 0
    if type is not ValType.FUNCREF:
        raise TypeError(f"references of type {type} other than None cannot be used yet")
    if not isinstance(value, Function):
        raise TypeError(f"a {type} is a pywasm3.Function or None, not {value.__class__.__name__}")
    if value.store is not store:
        raise WasmError(f"{value.name}() belongs to another store")
    return address(ffi.cast("pw_func *", value._address))


class Global:
    """A global of an instance (specification, section 2.5.5)."""

    __slots__ = ("__weakref__", "_pointer", "_store", "_type")
    _pointer: Pointer
    _store: Store
    _type: GlobalType

    def __init__(self) -> None:
        """Refused: globals come from the exports of an instance.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a Global cannot be made directly; it comes from an instance's exports")

    @classmethod
    def _of(cls, store: Store, pointer: Pointer) -> Global:
        """The global at a pw_global of the (entered) store."""
        self = object.__new__(cls)
        self._store = store
        self._pointer = pointer
        self._type = GlobalType(
            BY_CODE[lib.pw_global_type(pointer)], bool(lib.pw_global_mutable(pointer))
        )
        return self

    @property
    def type(self) -> GlobalType:
        """Type of the value, and whether it may change."""
        return self._type

    @property
    def value(self) -> Any:
        """The value, as a call's result has it; assignment takes what a call's argument may be.

        Raises:
            AttributeError: Assigned, and the global is immutable.
            TypeError: Assigned, and no value of the type.
            OverflowError: Assigned, and out of the type's range.
            WasmError: The store is closed.
        """
        store = self._store
        type = self._type.type
        store._enter()
        try:
            bits = lib.pw_global_get(self._pointer)
            if type is ValType.FUNCREF:
                return optional_function(store, ffi.cast("pw_func *", bits))
        finally:
            store._leave()
        return None if type is ValType.EXTERNREF else decode(bits, type.code)

    @value.setter
    def value(self, value: Any) -> None:
        if not self._type.mutable:
            raise AttributeError(f"the global is immutable: its type is {self._type}")
        store = self._store
        type = self._type.type
        if type in _REFERENCES:
            bits = reference_bits(store, value, type)
        else:
            bits = encode(value, type.code)
        store._enter()
        try:
            lib.pw_global_set(self._pointer, bits)
        finally:
            store._leave()

    def _bits(self) -> int:
        """The pattern of the value."""
        self._store._enter()
        try:
            return int(lib.pw_global_get(self._pointer))
        finally:
            self._store._leave()

    def __repr__(self) -> str:
        """The type, and the value while there is one."""
        value = "closed" if self._store.closed else repr(self.value)
        return f"<pywasm3.Global {self._type}: {value}>"
