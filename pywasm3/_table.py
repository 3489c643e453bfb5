# SPDX-License-Identifier: MIT
"""Tables: references that a guest uses by index."""

from __future__ import annotations

from operator import index as _index

from ._errors import WasmError
from ._ffi import NULL, entered, ffi, lib, new_error, new_limits, store_pointer, table_type
from ._types import is_reference
from ._value_holder import ValueHolder, host_type, store_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from typing_extensions import Self

    from ._fastcall import Store
    from ._types import TableType, ValueType


class Table(ValueHolder):
    """A table (specification, section 2.5.7): exported by an instance, or made by the host.

    ``table[i]`` is a Function, any object (of an externref table), or None, the null reference;
    indices count from 0, and negative ones are none. A function that is stored must belong to the
    same store. Iteration goes over the present elements. One that the host makes can be an import
    of several instances, which share it.
    """

    __slots__ = ()

    _WORDS = ("table", "element")

    def __new__(
        cls,
        type: ValueType | str,
        minimum: int,
        maximum: int | None = None,
        init: Any = None,
        *,
        store: Store | None = None,
    ) -> Self:
        """Makes a table.

        Args:
            type: Of its elements: a member of ValType, a RefType, or a name.
            minimum: Size at the start.
            maximum: Size that it never grows beyond.
            init: What each element is at the start.
            store: Where to make it. None: in the store of the Function `init`, or in a new one,
                which the instances that import it join.

        Raises:
            ValueError: No table can have the type, or the limits.
            TypeError: `init` is no value of the type.
            MemoryError: There is no memory, or the store's limits do not allow it.
            WasmError: The store is closed.
        """
        valtype = host_type(type)
        if not is_reference(valtype):
            raise ValueError(f"the elements of a table are references, not {valtype}")
        limits = new_limits(minimum, maximum, 0xFFFFFFFF)
        store = store_for(store, init)
        with entered(store):
            bits = store._encode(init, valtype.code, 0, *cls._WORDS)
            owner = store_pointer(store)
            error = new_error()
            pointer = lib.pw_table_new(owner, valtype.code, limits, bits, error)
            if not pointer:
                raise MemoryError(ffi.string(error.detail).decode())
            return cls._of(store, pointer, valtype, NULL)

    @property
    def type(self) -> TableType:
        """Element type and limits in elements; the minimum is the present size."""
        with entered(self._store):
            return table_type(self._valtype.code, lib.pw_table_limits(self._pointer))

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

    def __getitem__(self, index: int) -> Any:
        """The element at an index.

        Raises:
            IndexError: The index is negative, or not below the size.
            WasmError: The store is closed.
        """
        with entered(self._store):
            position = self._checked(index)
            return self._decode(lib.pw_table_get(self._pointer, position))

    def __setitem__(self, index: int, value: Any) -> None:
        """Stores a reference.

        Raises:
            IndexError: The index is negative, or not below the size.
            TypeError: `value` is no reference of the type, or a Function of another store.
            WasmError: The store is closed.
        """
        with entered(self._store):
            position = self._checked(index)
            lib.pw_table_set(self._pointer, position, self._encode(value))

    def __iter__(self) -> Iterator[Any]:
        """Over the elements, as many as there are now."""
        return iter([self[i] for i in range(len(self))])

    def grow(self, delta: int, init: Any = None) -> int:
        """Adds elements at the end.

        Args:
            delta: How many.
            init: What they hold.

        Returns:
            The size before.

        Raises:
            WasmError: The table's maximum, or a limit of this package, does not allow it.
            OverflowError: `delta` is negative or 2**32 and more.
            TypeError: `init` is no reference of the type, or a Function of another store.
        """
        delta = _index(delta)
        with entered(self._store):
            before = int(lib.pw_table_grow(self._pointer, delta, self._encode(init)))
        if before < 0:
            raise WasmError(f"the table cannot grow by {delta} elements: its type is {self.type}")
        return before

    def fill(self, value: Any, start: int = 0, count: int | None = None) -> None:
        """Stores one reference many times.

        Args:
            value: What to store.
            start: Index of the first element.
            count: How many elements; None: up to the end.

        Raises:
            IndexError: The elements are not all there; nothing is stored then.
            TypeError: `value` is no reference of the type, or a Function of another store.
        """
        start = _index(start)
        wanted = None if count is None else _index(count)
        with entered(self._store):
            size = int(lib.pw_table_size(self._pointer))
            if not 0 <= start <= size or (wanted is not None and not 0 <= wanted <= size - start):
                raise IndexError(
                    f"table range of {wanted} elements at {start} is out of range: "
                    f"the size is {size}"
                )
            bits = self._encode(value)
            for position in range(start, size if wanted is None else start + wanted):
                lib.pw_table_set(self._pointer, position, bits)

    def __repr__(self) -> str:
        """The type."""
        return f"<pywasm3.Table: {'closed' if self._store.closed else self.type}>"
