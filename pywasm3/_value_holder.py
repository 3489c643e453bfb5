# SPDX-License-Identifier: MIT
"""What globals and tables have in common: values in a store, which instances share."""

from __future__ import annotations

from ._ffi import Function, Store, address
from ._types import RefType, ValType, valtype_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from ._ffi import Pointer
    from ._types import ValueType


def store_for(store: Store | None, value: object = None) -> Store:
    """Where the host makes something: in the store given, or a Function's, or a new one.

    Raises:
        TypeError: What was given is no Store.
    """
    if store is None:
        return value.store if isinstance(value, Function) else Store()
    if not isinstance(store, Store):
        raise TypeError(f"store must be a pywasm3.Store, not {type(store).__name__}")
    return store


def host_type(type: ValueType | str) -> ValueType:
    """The type of the values of what the host makes.

    Raises:
        ValueError: It is none, or cannot be used outside a module.
    """
    valtype = valtype_of(type)
    if isinstance(valtype, RefType) and isinstance(valtype.heap, int):
        raise ValueError(f"{valtype}: the index of a type has a meaning in its module only")
    if valtype is ValType.V128:
        raise ValueError("values of type v128 cannot be used yet")
    return valtype


class ValueHolder:
    """Base of Global and Table."""

    __slots__ = ("__weakref__", "_module", "_pointer", "_store", "_valtype")
    _module: Pointer  # of what an index in the type of the values refers to; or NULL
    _pointer: Pointer
    _store: Store
    _valtype: ValueType

    # What messages call it, and a value of it.
    _WORDS = ("", "")

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, valtype: ValueType, module: Pointer) -> Self:
        """What is at a pointer into the (entered) store."""
        self = object.__new__(cls)
        self._store = store
        self._pointer = pointer
        self._valtype = valtype
        self._module = module
        return self

    @property
    def store(self) -> Store:
        """Where it lives."""
        return self._store

    def _encode(self, value: object) -> int:
        """The bits of a value, good until the (entered) store is left."""
        module = address(self._module)
        return self._store._encode(value, self._valtype.code, module, *self._WORDS)

    def _decode(self, bits: int) -> Any:
        """The value of bits in the (entered) store."""
        return self._store._decode(bits, self._valtype.code)
