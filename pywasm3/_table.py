# SPDX-License-Identifier: MIT
"""Tables, which hold references that a guest uses by index."""

from __future__ import annotations

from operator import index as _index

from ._errors import WasmError
from ._ffi import (
    NULL,
    TableBase,
    address,
    error_from,
    ffi,
    lib,
    new_error,
    new_limits,
    store_pointer,
    table_type,
)
from ._pypy import with_room
from ._store_objects import host_type, is_64_bit, refuse_copies, store_for
from ._text import counted
from ._types import is_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from typing_extensions import Self

    from ._cpython import Store
    from ._ffi import Pointer
    from ._types import TableType, ValueType


def most_elements(is64: bool) -> int:
    """Returns the largest size that a table with 32-bit or 64-bit indices can declare."""
    return 0xFFFFFFFF_FFFFFFFF if is64 else 0xFFFFFFFF


class Table(TableBase):
    """A table (specification, chapter 2.5, "Tables"), exported by an instance or made by the host.

    ``table[i]`` is a Function in a table of functions, any object in a table of external
    references, or None, which is the null reference. Indices count from 0. Unlike those of a list,
    they cannot be negative: an index that is negative, or not below the size, raises an IndexError.
    A Function can be stored only in a table of its own store. Storing it elsewhere, or storing what
    is not a reference of the type, raises a TypeError. Iteration goes over the present elements. A
    table that the host makes can be given as an import to several instances, which share it.
    """

    __slots__ = ("__weakref__", "_pointer", "_valtype")
    _pointer: Pointer
    _valtype: ValueType

    def __new__(
        cls,
        type: ValueType | str,
        minimum: int,
        maximum: int | None = None,
        init: Any = None,
        *,
        address: ValueType | str = "i32",
        store: Store | None = None,
    ) -> Self:
        """Makes a table.

        Args:
            type: The type of the elements, or its name in the text format.
            minimum: The size at the start, in elements.
            maximum: The size that the table never grows beyond. None: the store's limits alone
                bound it.
            init: The value of each element at the start.
            address: The type of the guest's indices, which is i32 or i64. A table fits only an
                import with the same one. It does not change how large a table can be made.
            store: The store in which the table is made. None: the store of `init` if that is a
                Function, else a new store, which the instances that import the table join.

        Raises:
            ValueError: A table cannot have the type, the limits or the type of indices.
            TypeError: `init` is not a reference of the type.
            MemoryError: There is not enough memory, or the store's limits do not allow the size.
            WasmError: The store is closed.
        """
        valtype = host_type(type)
        if not is_reference(valtype):
            raise ValueError(f"the elements of a table must be references, not {valtype}")
        is64 = is_64_bit(address)
        limits = new_limits(minimum, maximum, most_elements(is64), "elements", is64)
        store = store_for(store, init)
        self: Self = with_room(store._call_entered, cls._new, store, valtype, limits, init)
        return self

    @classmethod
    def _new(cls, store: Store, valtype: ValueType, limits: Pointer, init: Any) -> Self:
        """Makes a table in the store, which is entered."""
        bits = store._encode(init, valtype.code, 0, "table", "element")
        error = new_error()
        pointer = lib.pw_table_new(store_pointer(store), valtype.code, limits, bits, error)
        if not pointer:
            if error.code == lib.PW_TRAPPED:  # the call whose host function makes it must stop
                raise error_from(error)
            raise MemoryError(ffi.string(error.detail).decode())
        return cls._of(store, pointer, valtype, NULL)

    __reduce_ex__ = refuse_copies

    @classmethod
    def _of(cls, store: Store, pointer: Pointer, valtype: ValueType, module: Pointer) -> Self:
        """Returns the Table for a pw_table of the store, which is entered."""
        self = cls._make(store, address(pointer), address(module), valtype.code, True)
        self._pointer = pointer
        self._valtype = valtype
        return self

    @property
    def type(self) -> TableType:
        """The element type, and the limits in elements; the minimum is the present size."""
        return self.store._call_entered(self._present_type)

    def _present_type(self) -> TableType:
        return table_type(self._valtype.code, lib.pw_table_limits(self._pointer))

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the elements that there are now."""
        return iter([self[i] for i in range(len(self))])

    def grow(self, delta: int, init: Any = None) -> int:
        """Adds elements at the end.

        Args:
            delta: The number of elements.
            init: The value of each new element.

        Returns:
            The size before, in elements.

        Raises:
            WasmError: The table's maximum or the store's limits do not allow the size, or there is
                not enough memory.
            OverflowError: `delta` is negative, or not below 2**32, or 2**64 if the table's indices
                are 64-bit.
            TypeError: `init` is not a reference of the type, or is a Function of another store.
        """
        delta = _index(delta)
        before = self.store._call_entered(self._grow, delta, init)
        if before < 0:
            raise WasmError(
                f"the table cannot grow by {counted(delta, 'element')}: its type is {self.type}"
            )
        return before

    def _grow(self, delta: int, init: Any) -> int:
        bits = self._encode_new(init)
        most = most_elements(lib.pw_table_limits(self._pointer).is64)
        if not 0 <= delta <= most:
            raise OverflowError(f"a table can be grown by 0 to {most} elements, not by {delta}")
        return int(lib.pw_table_grow(self._pointer, delta, bits))

    def fill(self, value: Any, start: int = 0, count: int | None = None) -> None:
        """Stores one reference in several elements.

        Args:
            value: The reference.
            start: The index of the first element.
            count: The number of elements. None: up to the end of the table.

        Raises:
            IndexError: The table does not have all of these elements. Nothing is stored then.
            TypeError: `value` is not a reference of the type, or is a Function of another store.
        """
        start = _index(start)
        wanted = None if count is None else _index(count)
        self.store._call_entered(self._fill, value, start, wanted)

    def _fill(self, value: Any, start: int, wanted: int | None) -> None:
        size = int(lib.pw_table_size(self._pointer))
        if not 0 <= start <= size or (wanted is not None and not 0 <= wanted <= size - start):
            count = "all elements" if wanted is None else counted(wanted, "element")
            raise IndexError(f"out of range: {count} from {start} on, but the size is {size}")
        bits = self._encode(value)
        for position in range(start, size if wanted is None else start + wanted):
            lib.pw_table_set(self._pointer, position, bits)

    def __repr__(self) -> str:
        """Returns the type and the size."""
        return f"<pywasm3.Table: {'closed' if self.store.closed else self.type}>"
