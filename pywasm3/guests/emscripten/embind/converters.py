# SPDX-License-Identifier: MIT
"""How values of C++ types become values of Python, and the other way round.

A value crosses as one number, which Emscripten calls its wire type: an integer or a float as
itself, and anything else as an address or a handle.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from operator import index
from struct import Struct
from typing import TYPE_CHECKING, Any

from ...._pypy import in_order
from ...._types import f32, f64, i32, i64
from ..._words import MASK
from .errors import BindingError, shown

if TYPE_CHECKING:
    from ...._types import ValueType
    from .handles import Handles
    from .heap import Heap

_POINTER_BYTES = 4
_MOST_FREED = 1 << 20
_FLOATS = {4: Struct("<f"), 8: Struct("<d")}
# The formats of the elements of memory views, by the numbers that embind has for them.
_ELEMENTS = "bBhHiIfdqQ"


class Destructors:
    """What must be freed in the guest after a call.

    Raises:
        BindingError: There is more than a call can need.
    """

    __slots__ = ("_items",)

    def __init__(self) -> None:
        self._items: list[tuple[Callable[[int], Any], int]] = []

    def add(self, function: Callable[[int], Any], address: int) -> None:
        """Notes a function, and the address that it gets."""
        if len(self._items) >= _MOST_FREED:
            raise BindingError(f"one value needs more than {_MOST_FREED:,} blocks of memory")
        self._items.append((function, address))

    def run(self) -> None:
        """Calls the functions, the last one first, and forgets them."""
        while self._items:
            function, address = self._items.pop()
            function(address)

    def run_after_error(self) -> None:
        """Calls the functions. Errors of theirs are dropped, because there was one before."""
        while self._items:
            with contextlib.suppress(Exception):
                self.run()


class Converter:
    """How the values of one C++ type are converted.

    Attributes:
        name: The name of the type.
        optional: Whether None stands for a parameter that was not given.
        wires: The types that the number may have in the guest's functions.
    """

    name: str
    optional = False
    wires: tuple[ValueType, ...] = (i32,)

    def to_wire(self, value: Any, destructors: Destructors) -> Any:
        """Returns the number for a value of Python.

        Args:
            value: The value.
            destructors: Takes what must be freed when the guest has used the number.

        Raises:
            BindingError: The value does not fit the type.
        """
        raise NotImplementedError

    def from_wire(self, wire: Any) -> Any:
        """Returns the value for a number, and takes over what the number stands for."""
        raise NotImplementedError

    def read(self, address: int) -> Any:
        """Returns the value for a number that is in the memory."""
        raise NotImplementedError


class Void(Converter):
    """The type void."""

    wires = ()

    def __init__(self, name: str) -> None:
        self.name = name

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns 0: what a function returns that returns nothing does not matter."""
        return 0

    def from_wire(self, wire: Any) -> None:
        """Returns None."""

    def read(self, address: int) -> None:
        """Returns None."""


class Bool(Converter):
    """The type bool.

    Args:
        heap: The guest's memory.
        name: The name of the type.
        true: The number for True.
        false: The number for False.
    """

    def __init__(self, heap: Heap, name: str, true: int, false: int) -> None:
        self._heap = heap
        self.name = name
        self._wires = (false, true)

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the number for True or False; 1 and 0 are taken, too."""
        if not isinstance(value, int) or value not in (0, 1):
            raise BindingError(f"expected a bool for {self.name}, got {shown(value)}")
        return self._wires[value]

    def from_wire(self, wire: int) -> bool:
        """Returns a bool."""
        return bool(wire)

    def read(self, address: int) -> bool:
        """Returns a bool."""
        return bool(self._heap.span(address, 1)[0])


class Integer(Converter):
    """A type of integers.

    Args:
        heap: The guest's memory.
        name: The name of the type.
        size: How many bytes an integer has.
        signed: Whether there are negative ones.
    """

    def __init__(self, heap: Heap, name: str, size: int, *, signed: bool) -> None:
        if size not in (1, 2, 4, 8):
            raise BindingError(f"integers of the type {name} have {size} bytes: 1, 2, 4 or 8 exist")
        self._heap = heap
        self.name = name
        self._size = size
        self._span = 1 << 8 * size
        self._low = -self._span // 2 if signed else 0
        self.wires = (i64,) if size > _POINTER_BYTES else (i32,)
        self._signed = signed

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns an int, which must be in the range of the type."""
        try:
            number = index(value)
        except TypeError:
            raise BindingError(f"expected an int for {self.name}, got {shown(value)}") from None
        if not self._low <= number < self._low + self._span:
            raise BindingError(
                f"expected {self._low} to {self._low + self._span - 1} for {self.name}, "
                f"got {shown(number)}"
            )
        return number

    def from_wire(self, wire: Any) -> int:
        """Returns an int. A number of more bits is cut to those of the type."""
        return self._low + (int(wire) - self._low) % self._span

    def read(self, address: int) -> int:
        """Returns an int."""
        return int.from_bytes(self._heap.span(address, self._size), "little", signed=self._signed)


class Float(Converter):
    """The type float or double.

    Args:
        heap: The guest's memory.
        name: The name of the type.
        size: How many bytes a number has.
    """

    wires = (f32, f64)

    def __init__(self, heap: Heap, name: str, size: int) -> None:
        if size not in _FLOATS:
            raise BindingError(f"floats of the type {name} have {size} bytes: 4 or 8 exist")
        self._heap = heap
        self.name = name
        self._format = _FLOATS[size]

    def to_wire(self, value: Any, destructors: Destructors) -> float:
        """Returns a float; ints and other numbers are converted."""
        if not (hasattr(type(value), "__float__") or hasattr(type(value), "__index__")):
            raise BindingError(f"expected a float for {self.name}, got {shown(value)}")
        try:
            return float(value)
        except OverflowError:
            raise BindingError(f"the int is too large for {self.name}") from None

    def from_wire(self, wire: Any) -> float:
        """Returns a float."""
        return float(wire)

    def read(self, address: int) -> float:
        """Returns a float."""
        value: float = self._format.unpack(self._heap.span(address, self._format.size))[0]
        return value


class ByAddress(Converter):
    """A type whose values cross as addresses.

    Args:
        heap: The guest's memory.
        name: The name of the type.
    """

    def __init__(self, heap: Heap, name: str) -> None:
        self.heap = heap
        self.name = name

    def read(self, address: int) -> Any:
        """Returns the value whose address is in the memory."""
        return self.from_wire(self.heap.u32(address))


class Text(ByAddress):
    """The type std::string, and strings of other types of bytes.

    Args:
        heap: The guest's memory.
        name: The name of the type.
    """

    def __init__(self, heap: Heap, name: str) -> None:
        super().__init__(heap, name)
        self._is_text = name == "std::string"

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the address of a length and the bytes; a str becomes UTF-8."""
        if isinstance(value, str):
            try:
                data = value.encode(errors="surrogateescape")
            except UnicodeEncodeError as error:
                raise BindingError(f"the str has no UTF-8 for {self.name}: {error}") from None
        elif isinstance(value, (bytes, bytearray, memoryview)):
            data = bytes(in_order(memoryview(value)))
        else:
            raise BindingError(f"expected a str or bytes for {self.name}, got {shown(value)}")
        address = self.heap.allocate(len(data).to_bytes(_POINTER_BYTES, "little") + data + b"\0")
        destructors.add(self.heap.free, address)
        return address

    def from_wire(self, wire: int) -> str | bytes:
        """Returns a str, or bytes for other strings than std::string, and frees the memory.

        Bytes that are no UTF-8 are in the str as Python's "surrogateescape" has them.
        """
        address = wire & MASK
        data = bytes(self.heap.span(address + _POINTER_BYTES, self.heap.u32(address)))
        self.heap.free(address)
        return data.decode(errors="surrogateescape") if self._is_text else data


class WideText(ByAddress):
    """The types std::wstring, std::u16string and std::u32string.

    Args:
        heap: The guest's memory.
        name: The name of the type.
        size: How many bytes a character has.
    """

    def __init__(self, heap: Heap, name: str, size: int) -> None:
        super().__init__(heap, name)
        if size not in (2, 4):
            raise BindingError(f"characters of the type {name} have {size} bytes: 2 or 4 exist")
        self._size = size
        self._encoding = f"utf-{8 * size}-le"

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns the address of a length and the characters."""
        if not isinstance(value, str):
            raise BindingError(f"expected a str for {self.name}, got {shown(value)}")
        data = value.encode(self._encoding, "surrogatepass")
        length = (len(data) // self._size).to_bytes(_POINTER_BYTES, "little")
        address = self.heap.allocate(length + data + bytes(self._size))
        destructors.add(self.heap.free, address)
        return address

    def from_wire(self, wire: int) -> str:
        """Returns a str, and frees the memory.

        A lone half of a pair of UTF-16 is in the str as such; what no character has becomes U+FFFD.
        """
        address = wire & MASK
        length = self.heap.u32(address)
        data = bytes(self.heap.span(address + _POINTER_BYTES, length * self._size))
        self.heap.free(address)
        try:
            return data.decode(self._encoding, "surrogatepass")
        except UnicodeDecodeError:
            return data.decode(self._encoding, "replace")


class View(Converter):
    """A type of views of the guest's memory, emscripten::memory_view.

    Args:
        heap: The guest's memory.
        name: The name of the type.
        element: The number of the type of the elements.
    """

    def __init__(self, heap: Heap, name: str, element: int) -> None:
        if element >= len(_ELEMENTS):
            raise BindingError(f"{name} has elements of the type {element}, which does not exist")
        self._heap = heap
        self.name = name
        self._format = _ELEMENTS[element]
        self._size = Struct(f"<{self._format}").size

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Refuses: C++ cannot take a view of memory that is not its own."""
        raise BindingError(f"{self.name} can only come from the guest: pass bytes or a list")

    def from_wire(self, wire: int) -> memoryview[Any]:
        """Returns a memoryview of the elements, which shows the guest's memory as it changes."""
        return self.read(wire & MASK)

    def read(self, address: int) -> memoryview[Any]:
        """Returns a memoryview of the elements."""
        count, start = self._heap.u32(address), self._heap.u32(address + _POINTER_BYTES)
        span: memoryview[Any] = self._heap.span(start, count * self._size)
        view: memoryview[Any] = span.cast(self._format)  # type: ignore[call-overload]
        return view


class Val(ByAddress):
    """The type emscripten::val, which can hold any value.

    Args:
        heap: The guest's memory.
        handles: The values that the guest has handles of.
        optional: Whether None stands for a parameter that was not given.
    """

    def __init__(self, heap: Heap, handles: Handles, *, optional: bool = False) -> None:
        super().__init__(heap, "emscripten::val")
        self._handles = handles
        self.optional = optional

    def to_wire(self, value: Any, destructors: Destructors) -> int:
        """Returns a new handle of the value, which the guest gives back."""
        return self._handles.add(value)

    def from_wire(self, wire: int) -> Any:
        """Returns the value, whose handle the guest gives back with this."""
        return self._handles.take(wire & MASK)
