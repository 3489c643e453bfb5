# SPDX-License-Identifier: MIT
"""The common base of globals and tables, which hold values in a store and can be shared."""

from __future__ import annotations

from ._ffi import Function, Store, address
from ._types import RefType, ValType, valtype_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from typing_extensions import Self

    from ._cpython import Anchor
    from ._ffi import Pointer
    from ._types import ValueType


def store_for(store: Store | None, value: object = None) -> Store:
    """Returns the store in which the host makes something.

    Args:
        store: The store that the user gave, or None.
        value: The value of what is made. Without a store from the user, the store of a Function
            is used, because a reference to it is valid in that store only; else a new one.

    Raises:
        TypeError: `store` is not a Store.
    """
    if store is None:
        return value.store if isinstance(value, Function) else Store()
    if not isinstance(store, Store):
        raise TypeError(f"store must be a pywasm3.Store, not {type(store).__name__}")
    return store


def host_type(type: ValueType | str) -> ValueType:
    """Returns the value type that the user gave for something that the host makes.

    Raises:
        ValueError: There is no such type, or it has a meaning inside a module only.
    """
    valtype = valtype_of(type)
    if isinstance(valtype, RefType) and isinstance(valtype.heap, int):
        raise ValueError(
            f"{valtype} cannot be used here: a type index has a meaning only within its module"
        )
    if valtype is ValType.V128:
        raise ValueError("values of type v128 cannot be used yet")
    return valtype


def refuse_copies(self: object, protocol: object) -> NoReturn:
    """Stands for ``__reduce_ex__`` in classes whose objects stand for something in a store.

    Raises:
        TypeError: Always.
    """
    raise TypeError(f"cannot copy or pickle {type(self).__name__} objects, which live in a store")


class ValueHolder:
    """Base of Global and Table, whose values have a type and live in a store."""

    __slots__ = ("__weakref__", "_anchor", "_module", "_pointer", "_store", "_valtype")
    _anchor: Anchor  # keeps what the pointer points to
    _module: Pointer  # the module whose types the indices in _valtype mean, or NULL
    _pointer: Pointer
    _store: Store
    _valtype: ValueType

    # The words for the object and for one of its values in error messages.
    _WORDS = ("", "")

    __reduce_ex__ = refuse_copies

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, valtype: ValueType, module: Pointer) -> Self:
        """Returns the object for a pw_global or pw_table of the store, which is entered."""
        self = object.__new__(cls)
        self._store = store
        self._anchor = store._anchor(address(pointer))
        self._pointer = pointer
        self._valtype = valtype
        self._module = module
        return self

    @property
    def store(self) -> Store:
        """The store that it lives in."""
        return self._store

    def _encode(self, value: object) -> int:
        """Returns the bits of a value. A reference is valid until the entered store is left."""
        module = address(self._module)
        return self._store._encode(value, self._valtype.code, module, *self._WORDS)

    def _decode(self, bits: int) -> Any:
        """Returns the value that bits stand for in the store, which is entered."""
        return self._store._decode(bits, self._valtype.code)
