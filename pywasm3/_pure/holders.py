# SPDX-License-Identifier: MIT
"""The bases of the classes Global and Table: access to their values."""

from __future__ import annotations

from operator import index as _index

from .._ffi import ffi, lib
from .externs import keeping
from .owner import Owner
from .references import decode_any, encode_new, encode_value
from .tenants import new_anchor
from .turns import enter, leave, require_entered, turn_depth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from typing_extensions import Self

    from .store import Store
    from .tenants import Anchor

    Pointer = Any

_CELLS = ffi.typeof("uint64_t[2]")


class Holder:
    """A global or a table. Nothing in it changes after it is made."""

    __slots__ = (
        *("_holder_anchor", "_holder_store", "_is_mutable", "_module", "_module_owner", "_place"),
        "_value",
    )

    _holder_anchor: Anchor  # keeps the object while the store is open
    _holder_store: Store
    _is_mutable: bool
    _module: int  # the address of the pw_module that defines types with an index
    _module_owner: Owner | None
    _place: Pointer  # a pw_global or pw_table
    _value: int  # the pw_valtype of the values

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Refuses: a subclass makes the object."""
        raise TypeError(f"cannot create '{cls.__module__}.{cls.__name__}' instances")

    @classmethod
    def _hold(
        cls, store: Store, address: int, module: int, type: int, mutable: bool, pointer: str
    ) -> Self:
        require_entered(store)
        self = object.__new__(cls)
        self._holder_store = store
        self._holder_anchor = new_anchor(store, ffi.cast("pw_object *", address))
        self._place = ffi.cast(pointer, address)
        self._module, self._module_owner = module, None
        if module:
            retained = lib.pw_module_retain(ffi.cast("pw_module *", module))
            self._module_owner = Owner(retained, lib.pw_module_release)
        self._value, self._is_mutable = type, mutable
        return self

    @property
    def store(self) -> Store:
        """The store that it lives in."""
        return self._holder_store

    def _entered(self, function: Callable[..., Any], *args: Any) -> Any:
        store = self._holder_store
        depth = turn_depth(store._turn)
        try:
            enter(store)
            return function(store, *args)
        finally:
            leave(store, depth)


class Global(Holder):
    """The value of a global."""

    __slots__ = ()

    @classmethod
    def _make(cls, store: Store, address: int, module: int, type: int, mutable: bool, /) -> Self:
        """Makes the object for a pw_global, whose value has the type. The store is entered."""
        return cls._hold(store, address, module, type, mutable, "pw_global *")

    @property
    def value(self) -> Any:
        """The value, which is read like a call's result and assigned like a call's argument.

        Raises:
            AttributeError: It is assigned, and the global is immutable.
            TypeError: The assigned value cannot be converted to the type.
            OverflowError: The assigned number is out of the type's range.
            WasmError: The store is closed.
        """
        return self._entered(self._get)

    @value.setter
    def value(self, value: Any) -> None:
        if not self._is_mutable:
            type_ = self.type  # type: ignore[attr-defined]
            raise AttributeError(f"the global is immutable: its type is {type_}")
        self._entered(self._set, value)

    @value.deleter
    def value(self) -> None:
        raise AttributeError("the value of a global cannot be deleted")

    def _get(self, store: Store) -> Any:
        cells = ffi.new(_CELLS)
        hold = lib.pw_global_get_holding(store._pointer, self._place, cells)
        return decode_any(store, cells, 0, self._value, False, hold)

    def _set(self, store: Store, value: Any) -> None:
        with keeping(store):
            cells = encode_value(store, self._module, value, self._value, "global", "value")
            lib.pw_global_set(self._place, ffi.new(_CELLS, cells))


class Table(Holder):
    """The elements of a table."""

    __slots__ = ()

    @classmethod
    def _make(cls, store: Store, address: int, module: int, type: int, mutable: bool, /) -> Self:
        """Makes the object for a pw_table, whose elements have the type. The store is entered."""
        return cls._hold(store, address, module, type, mutable, "pw_table *")

    def _encode(self, value: object, /) -> int:
        """Converts an element to its bits. This thread must have entered the store."""
        return self._bits(encode_value, value)

    def _encode_new(self, value: object, /) -> int:
        """Converts what a new element begins with to its bits. The store is entered."""
        return self._bits(encode_new, value)

    def _bits(self, encode: Callable[..., list[int]], value: object) -> int:
        store = self._holder_store
        require_entered(store)
        return encode(store, self._module, value, self._value, "table", "element")[0]

    def _index(self, key: Any) -> int:
        """Converts an index, and checks that the table, whose store is entered, has it.

        The conversion may run Python code that grows the table, so the size is read last.
        """
        number = _index(key)
        size = lib.pw_table_size(self._place)
        if not 0 <= number < size:
            raise IndexError(f"table index {number} is out of range: the size is {size}")
        return number

    def __len__(self) -> int:
        """Returns the number of elements."""
        return int(self._entered(lambda store: lib.pw_table_size(self._place)))

    def __getitem__(self, index: Any, /) -> Any:
        return self._entered(self._get, index)

    def __setitem__(self, index: Any, value: Any, /) -> None:
        self._entered(self._set, index, value)

    def __delitem__(self, index: Any, /) -> None:
        raise TypeError("elements of a table cannot be deleted: a table does not shrink")

    def _get(self, store: Store, key: Any) -> Any:
        index = self._index(key)
        cells = ffi.new(_CELLS)
        hold = lib.pw_table_get_holding(store._pointer, self._place, index, cells)
        return decode_any(store, cells, 0, self._value, False, hold)

    def _set(self, store: Store, key: Any, value: Any) -> None:
        index = self._index(key)
        with keeping(store):
            cells = encode_value(store, self._module, value, self._value, "table", "element")
            lib.pw_table_set(self._place, index, cells[0])
