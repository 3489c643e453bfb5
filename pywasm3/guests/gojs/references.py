# SPDX-License-Identifier: MIT
"""The values that a guest of Go refers to, and how its memory names them.

Go's package ``syscall/js`` holds a value as 64 bits: a number as itself, and everything else as a
NaN whose low half is an index in the host's table of values and whose high half has the type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._words import F64 as _F64
from .._words import U64 as _U64
from .._words import Words
from .budget import Budget, cost
from .undefined import UNDEFINED
from .values import number

if TYPE_CHECKING:
    from ...wasi.memory import GuestMemory

_NAN = 0x7FF80000 << 32
# The indices that both sides know from the beginning.
_NAN_ID, _ZERO, _NULL, _TRUE, _FALSE, _GLOBAL, _GO = range(7)
_OBJECT, _STRING, _FUNCTION = 1, 2, 4


class References:
    """The table of the values that a guest refers to, each with how often it does."""

    def __init__(self, budget: Budget, global_object: Any, go: Any) -> None:
        """Begins with the values whose indices Go knows: the global object, and Go's own one."""
        self._budget = budget
        self._values: list[Any] = [float("nan"), 0, None, True, False, global_object, go]
        self._fixed = len(self._values)
        self._counts = [0] * self._fixed
        # Text is known by what it says, and every other value by its identity, which stays the same
        # because the table has the value.
        self._ids: dict[str | int, int] = {id(global_object): _GLOBAL, id(go): _GO}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self._values) - len(self._free)

    def value(self, bits: int) -> Any:
        """Returns the value for 64 bits of the guest; UNDEFINED for an index that is not in use."""
        (found,) = _F64.unpack(_U64.pack(bits))
        if found == found:
            return number(found) if found else UNDEFINED
        index = bits & 0xFFFFFFFF
        return self._values[index] if index < len(self._values) else UNDEFINED

    def bits(self, value: Any) -> int:
        """Returns the 64 bits for a value, to which the guest refers once more.

        Raises:
            OverflowError: An int is larger than a number of JavaScript can be.
            WasmError: The host keeps too much for the guest.
        """
        if value is UNDEFINED:
            return 0
        if value is None:
            return _NAN | _NULL
        if isinstance(value, (int, float)):
            return self._number_bits(value)
        if isinstance(value, str):
            key: str | int = value
            kind = _STRING
        else:
            key = id(value)
            kind = _FUNCTION if callable(value) else _OBJECT
        index = self._ids.get(key)
        if index is None:
            index = self._add(key, value)
        if index >= self._fixed:
            self._counts[index] += 1
        return _NAN | kind << 32 | index

    def _number_bits(self, value: float) -> int:
        if isinstance(value, bool):
            return _NAN | (_TRUE if value else _FALSE)
        real = float(value)
        if real != real:
            return _NAN | _NAN_ID
        bits: int = _U64.unpack(_F64.pack(real))[0]
        return bits if real else _NAN | _ZERO

    def _add(self, key: str | int, value: Any) -> int:
        self._budget.take(cost(value))
        if self._free:
            index = self._free.pop()
            self._values[index] = value
            self._counts[index] = 0
        else:
            index = len(self._values)
            self._values.append(value)
            self._counts.append(0)
        self._ids[key] = index
        return index

    def release(self, bits: int) -> None:
        """Notes that the guest refers to a value once less; an index not in use is ignored."""
        index = bits & 0xFFFFFFFF
        if not self._fixed <= index < len(self._values) or not self._counts[index]:
            return
        self._counts[index] -= 1
        if self._counts[index] == 0:
            value = self._values[index]
            self._values[index] = None
            self._free.append(index)
            del self._ids[value if isinstance(value, str) else id(value)]
            self._budget.give(cost(value))

    def clear(self) -> None:
        """Lets go of all values, when the guest has ended."""
        del self._values[:], self._counts[:], self._free[:]
        self._ids.clear()


class Frame(Words):
    """Reads arguments from a guest's memory, and writes results there."""

    __slots__ = ("references",)

    def __init__(self, memory: GuestMemory, references: References) -> None:
        super().__init__(memory)
        self.references = references

    def slice(self, address: int) -> memoryview:
        """Reads the address and the length of a slice, and returns a view of its bytes."""
        return self.span(self.i64(address), self.i64(address + 8))

    def string(self, address: int) -> str:
        """Reads a string. What is not UTF-8 becomes U+FFFD."""
        return str(self.slice(address), "utf-8", "replace")

    def value(self, address: int) -> Any:
        """Reads a value."""
        return self.references.value(self._unpack(_U64, address))

    def put_value(self, address: int, value: Any) -> None:
        """Writes a value."""
        self.span(address, 8)  # The reference is only counted if there is room for it.
        self._pack(_U64, address, self.references.bits(value))

    def values(self, address: int) -> list[Any]:
        """Reads a slice of values."""
        return self.values_at(self.i64(address), self.i64(address + 8))

    def values_at(self, address: int, count: int) -> list[Any]:
        """Reads values that follow one another."""
        data = self.span(address, 8 * count)
        value = self.references.value
        return [value(bits) for (bits,) in _U64.iter_unpack(data)]
