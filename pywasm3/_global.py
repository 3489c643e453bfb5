# SPDX-License-Identifier: MIT
"""Globals: single values that host and guest share."""

from __future__ import annotations

from ._ffi import NULL, entered, lib, store_pointer
from ._types import GlobalType
from ._value_holder import ValueHolder, host_type, store_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from ._fastcall import Store
    from ._ffi import Pointer
    from ._types import ValueType


class Global(ValueHolder):
    """A global (specification, section 2.5.5): exported by an instance, or made by the host.

    One that is made can be an import of several instances, which share it if it is mutable.
    """

    __slots__ = ("_type",)
    _type: GlobalType

    _WORDS = ("global", "value")

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
            type: Of its value: a member of ValType, a RefType, or a name.
            value: As an argument of that type may be.
            mutable: Whether it may change.
            store: Where to make it. None: in the store of the Function that is its value, or in a
                new one, which the instances that import it join.

        Raises:
            ValueError: No global can have the type.
            TypeError: `value` is no value of the type.
            OverflowError: `value` is out of the type's range.
            WasmError: The store is closed.
        """
        valtype = host_type(type)
        store = store_for(store, value)
        with entered(store):
            bits = store._encode(value, valtype.code, 0, *cls._WORDS)
            pointer = new_global(store, valtype, bool(mutable), bits)
            return cls._of(store, pointer, valtype, NULL)

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, valtype: ValueType, module: Pointer) -> Self:
        """The global at a pw_global of the (entered) store."""
        self = super()._of(store, pointer, valtype, module)
        self._type = GlobalType(valtype, bool(lib.pw_global_mutable(pointer)))
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
        store._enter()
        try:
            return self._decode(lib.pw_global_get(self._pointer))
        finally:
            store._leave()

    @value.setter
    def value(self, value: Any) -> None:
        if not self._type.mutable:
            raise AttributeError(f"the global is immutable: its type is {self._type}")
        with entered(self._store):
            lib.pw_global_set(self._pointer, self._encode(value))

    def _bits(self) -> int:
        """The pattern of the value."""
        with entered(self._store):
            return int(lib.pw_global_get(self._pointer))

    def __repr__(self) -> str:
        """The type, and the value while there is one."""
        value = "closed" if self._store.closed else repr(self.value)
        return f"<pywasm3.Global {self._type}: {value}>"


def new_global(store: Store, type: ValueType, mutable: bool, bits: int) -> Pointer:
    """A pw_global of the (entered) store."""
    pointer = lib.pw_global_new(store_pointer(store), type.code, mutable, bits)
    if not pointer:
        raise MemoryError("no memory for a global")
    return pointer
