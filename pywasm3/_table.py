# SPDX-License-Identifier: MIT
"""Tables: function references that a guest calls by index."""

from __future__ import annotations

from operator import index as _index

from ._errors import WasmError
from ._ffi import entered, ffi, lib, optional_function, table_type
from ._global import reference_bits
from ._types import BY_CODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._fastcall import Function, Store
    from ._ffi import Pointer
    from ._types import TableType, ValType


class Table:
    """A table of an instance (specification, section 2.5.7).

    ``table[i]`` is a Function or None; indices count from 0, and negative ones are none. A function
    that is stored must belong to the same store. Iteration goes over the present elements.
    """

    __slots__ = ("__weakref__", "_element", "_pointer", "_store")
    _element: ValType
    _pointer: Pointer
    _store: Store

    def __init__(self) -> None:
        """Refused: tables come from the exports of an instance.

        Raises:
            TypeError: Always.
        """
        raise TypeError("a Table cannot be made directly; it comes from an instance's exports")

    @classmethod
    def _of(cls, store: Store, pointer: Pointer) -> Table:
        """The table at a pw_table of the (entered) store."""
        self = object.__new__(cls)
        self._store = store
        self._pointer = pointer
        self._element = BY_CODE[lib.pw_table_type(pointer)]
        return self

    @property
    def type(self) -> TableType:
        """Element type and limits in elements; the minimum is the present size."""
        with entered(self._store):
            return table_type(self._element.code, lib.pw_table_limits(self._pointer))

    def __len__(self) -> int:
        """The present size in elements."""
        with entered(self._store):
            return int(lib.pw_table_size(self._pointer))

    def _checked(self, index: int) -> int:
        """The index, if the (entered) table has it."""
        position = _index(index)
        size = lib.pw_table_size(self._pointer)
        if not 0 <= position < size:
            raise IndexError(f"table index {position} is out of range: the size is {size}")
        return position

    def __getitem__(self, index: int) -> Function | None:
        """The element at an index.

        Raises:
            IndexError: The index is negative, or not below the size.
            WasmError: The store is closed.
        """
        with entered(self._store):
            position = self._checked(index)
            bits = lib.pw_table_get(self._pointer, position)
            return optional_function(self._store, ffi.cast("pw_func *", bits))

    def __setitem__(self, index: int, value: Function | None) -> None:
        """Stores a function or the null reference.

        Raises:
            IndexError: The index is negative, or not below the size.
            TypeError: `value` is neither a Function nor None.
            WasmError: The function belongs to another store, or the store is closed.
        """
        with entered(self._store):
            position = self._checked(index)
            lib.pw_table_set(self._pointer, position, self._reference(value))

    def __iter__(self) -> Iterator[Function | None]:
        """Over the elements, as many as there are now."""
        return iter([self[i] for i in range(len(self))])

    def grow(self, delta: int, init: Function | None = None) -> int:
        """Adds elements at the end.

        Args:
            delta: How many.
            init: What they hold.

        Returns:
            The size before.

        Raises:
            WasmError: The table's maximum, or a limit of this package, does not allow it.
            OverflowError: `delta` is negative or 2**32 and more.
            TypeError: `init` is neither a Function nor None.
        """
        delta = _index(delta)
        with entered(self._store):
            before = int(lib.pw_table_grow(self._pointer, delta, self._reference(init)))
        if before < 0:
            raise WasmError(f"the table cannot grow by {delta} elements: its type is {self.type}")
        return before

    def _reference(self, value: Function | None) -> int:
        """The bits of a reference that the (entered) table may hold."""
        return reference_bits(self._store, value, self._element)

    def __repr__(self) -> str:
        """The type."""
        return f"<pywasm3.Table: {'closed' if self._store.closed else self.type}>"
