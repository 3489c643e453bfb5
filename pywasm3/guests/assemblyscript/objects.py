# SPDX-License-Identifier: MIT
"""Objects in the memory of a guest: what their headers say, how they are read and made.

Before each object lie its class and its size, as two u32. Classes are numbers, which the compiler
gives anew in each module, except the first ones. The table at ``__rtti_base`` says for each class
whether it is a kind of array, and what its items are.
"""

from __future__ import annotations

from array import array
from struct import Struct

from ..._errors import WasmError
from ..._pypy import in_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from ..._memory import Memory

# The classes whose numbers are the same in all modules.
ARRAY_BUFFER, STRING = 1, 2

# A block has five u32 before its object: the memory manager's, two of the garbage collector, the
# class, and the size. The last two are read.
_OVERHEAD = 20
_HEADER = Struct("<II")
_VIEW = Struct("<III")  # the buffer, the address of the first item, the size in bytes
_ARRAY = Struct("<IIII")  # the same, and the number of items

# The bits of a class in the table at __rtti_base.
_IS_VIEW, _IS_ARRAY, _IS_STATIC_ARRAY = 1, 2, 4
_ALIGN_SHIFT, _ALIGN_BITS = 6, 0b11111
_IS_SIGNED, _IS_FLOAT, _IS_NULLABLE, _IS_MANAGED = 1 << 11, 1 << 12, 1 << 13, 1 << 14
_KINDS = _IS_VIEW | _IS_ARRAY | _IS_STATIC_ARRAY
_SHAPE = _KINDS | _ALIGN_BITS << _ALIGN_SHIFT | _IS_SIGNED | _IS_FLOAT | _IS_MANAGED

# A module has a class for each instance of a generic one; large programs have some hundreds.
_MAX_CLASSES = 1 << 16
# How deep arrays of arrays are read.
_MAX_DEPTH = 32
# The size of the largest object: a block may have 1 GiB.
_MAX_OBJECT = (1 << 30) - 32

# The names of the types of items, with the letter for array.array and the bits of their class.
_ITEMS: dict[str, tuple[str, int]] = {
    "i8": ("b", 1 << _ALIGN_SHIFT | _IS_SIGNED),
    "u8": ("B", 1 << _ALIGN_SHIFT),
    "bool": ("B", 1 << _ALIGN_SHIFT),
    "i16": ("h", 2 << _ALIGN_SHIFT | _IS_SIGNED),
    "u16": ("H", 2 << _ALIGN_SHIFT),
    "i32": ("i", 4 << _ALIGN_SHIFT | _IS_SIGNED),
    "u32": ("I", 4 << _ALIGN_SHIFT),
    "i64": ("q", 8 << _ALIGN_SHIFT | _IS_SIGNED),
    "u64": ("Q", 8 << _ALIGN_SHIFT),
    "f32": ("f", 4 << _ALIGN_SHIFT | _IS_SIGNED | _IS_FLOAT),
    "f64": ("d", 8 << _ALIGN_SHIFT | _IS_SIGNED | _IS_FLOAT),
    "object": ("I", 4 << _ALIGN_SHIFT | _IS_MANAGED),
}
_LETTERS = {(size, flags): letter for letter, size, flags in (
    ("b", 1, _IS_SIGNED), ("B", 1, 0), ("h", 2, _IS_SIGNED), ("H", 2, 0), ("i", 4, _IS_SIGNED),
    ("I", 4, 0), ("q", 8, _IS_SIGNED), ("Q", 8, 0), ("f", 4, _IS_SIGNED | _IS_FLOAT),
    ("d", 8, _IS_SIGNED | _IS_FLOAT),
)}  # fmt: skip
# The kinds of numbers by the letters of memoryviews, whose sizes depend on the system.
_KINDS_BY_LETTER = {
    **dict.fromkeys("bhilqn", "i"),
    **dict.fromkeys("BHILQN", "u"),
    **dict.fromkeys("fd", "f"),
}


def _type_of(view: memoryview) -> str | None:
    """Returns the type of the items of a buffer; None if no typed array has such items."""
    kind = _KINDS_BY_LETTER.get(view.format.lstrip("@=<"))
    return None if kind is None else f"{kind}{8 * view.itemsize}"


class ObjectError(WasmError, ValueError):
    """An object of a guest is not what it should be: its class, its size or its place is wrong."""


class _Items:
    """The items of an array that a guest shall get, with their type."""

    kind = 0

    def __init__(self, type: str, values: Iterable[Any], *, class_id: int | None = None) -> None:
        if type not in _ITEMS or (type == "object" and self.kind == _IS_VIEW):
            raise ValueError(f"{type!r} is not a type of items: give one of {', '.join(_ITEMS)}")
        self.type = type
        self.values = values
        self.class_id = class_id

    def __repr__(self) -> str:
        """Returns the type of the items."""
        return f"<pywasm3.guests.assemblyscript.{type(self).__name__} of {self.type}>"

    @property
    def shape(self) -> int:
        """The bits that the class of the array has."""
        return self.kind | _ITEMS[self.type][1]

    @property
    def item_size(self) -> int:
        """The size of an item in bytes."""
        return array(_ITEMS[self.type][0]).itemsize

    def packed(self) -> bytes:
        """Returns the items, which are no objects, as they lie in memory."""
        letter = _ITEMS[self.type][0]
        try:
            view = memoryview(self.values)  # type: ignore[arg-type]
        except TypeError:
            return array(letter, self.values).tobytes()
        if _type_of(view) == ("u8" if self.type == "bool" else self.type):
            return bytes(in_order(view))
        return array(letter, view.tolist()).tobytes()


class Array(_Items):
    """An argument that becomes an ``Array<T>`` of the guest.

    Args:
        type: The type of the items: ``"i8"``, ``"u8"``, ``"i16"``, ``"u16"``, ``"i32"``, ``"u32"``,
            ``"i64"``, ``"u64"``, ``"f32"``, ``"f64"``, ``"bool"``, or ``"object"`` for strings,
            buffers and other arrays.
        values: The items. A buffer whose items have the same type is copied as it is.
        class_id: The number of the class, which the guest's ``idof<Array<string>>()`` gives. None:
            the first class of the module that has such items.

    Raises:
        ValueError: There is no such type.
    """

    kind = _IS_ARRAY


class StaticArray(_Items):
    """An argument that becomes a ``StaticArray<T>`` of the guest.

    Args:
        type: The type of the items: ``"i8"``, ``"u8"``, ``"i16"``, ``"u16"``, ``"i32"``, ``"u32"``,
            ``"i64"``, ``"u64"``, ``"f32"``, ``"f64"``, ``"bool"``, or ``"object"`` for strings,
            buffers and other arrays.
        values: The items. A buffer whose items have the same type is copied as it is.
        class_id: The number of the class, which the guest's ``idof<T>()`` gives. None:
            the first class of the module that has such items.

    Raises:
        ValueError: There is no such type.
    """

    kind = _IS_STATIC_ARRAY


class TypedArray(_Items):
    """An argument that becomes a typed array, such as ``Int32Array``, of the guest.

    Args:
        type: The type of the items: ``"i8"``, ``"u8"``, ``"i16"``, ``"u16"``, ``"i32"``, ``"u32"``,
            ``"i64"``, ``"u64"``, ``"f32"``, ``"f64"``.
        values: The items. A buffer whose items have the same type is copied as it is.
        class_id: The number of the class, which the guest's ``idof<T>()`` gives. None:
            the first class of the module that has such items.

    Raises:
        ValueError: There is no such type.
    """

    kind = _IS_VIEW


def typed_array(buffer: Any) -> TypedArray | None:
    """Returns the typed array for an object with the buffer protocol; None for other objects.

    Numbers of numpy have the buffer protocol, too, but no items.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        return None
    if not view.ndim:
        return None
    type_ = _type_of(view)
    if type_ is None:
        raise TypeError(f"no typed array has items of the format {view.format!r}")
    return TypedArray(type_, buffer)


class Other:
    """An object of a class that has no counterpart in Python.

    Attributes:
        address: The address of the object.
        class_id: The number of its class.
        size: Its size in bytes.
    """

    __slots__ = ("address", "class_id", "size")

    def __init__(self, address: int, class_id: int, size: int) -> None:
        self.address = address
        self.class_id = class_id
        self.size = size


class Objects:
    """Reads the objects in a memory.

    Attributes:
        memory: The memory.
    """

    __slots__ = ("_classes", "_max_bytes", "_rtti", "memory")

    def __init__(self, memory: Memory, rtti: int | None, max_bytes: int) -> None:
        """Takes the memory, the address of the table of classes, and how much is read at most."""
        self.memory = memory
        self._rtti = rtti
        self._classes: list[int] | None = None
        self._max_bytes = max_bytes

    def classes(self) -> list[int]:
        """Returns the bits of all classes.

        Raises:
            ObjectError: The guest exports no such table, or one that cannot be right.
        """
        if self._classes is None:
            if self._rtti is None:
                raise ObjectError(
                    "the guest exports no table of its classes: compile it with --exportRuntime"
                )
            count = self._u32(self._rtti)
            if count > _MAX_CLASSES:
                raise ObjectError(
                    f"the guest says that it has {count:,} classes, but at most "
                    f"{_MAX_CLASSES:,} are read"
                )
            data = self._data(self._rtti + 4, 4 * count)
            self._classes = memoryview(data).cast("I").tolist()
        return self._classes

    def class_for(self, items: _Items) -> int:
        """Returns the number of the class of an array that is to be made."""
        if items.class_id is not None:
            return items.class_id
        found = [
            number for number, bits in enumerate(self.classes()) if bits & _SHAPE == items.shape
        ]
        if not found:
            raise ObjectError(f"the guest has no class for {items!r}")
        if items.type == "object" and len(found) > 1:
            raise ObjectError(
                f"the guest has {len(found)} classes for {items!r}: give the number of one as "
                "class_id, which idof<T>() gives in the guest"
            )
        return found[0]

    # ---- reading ----

    def header(self, address: int) -> tuple[int, int]:
        """Returns class and size of the object at an address.

        Raises:
            ObjectError: No object can be there.
        """
        address = unsigned(address)
        if address < _OVERHEAD:
            raise ObjectError(f"no object can be at address {address}")
        class_id, size = _HEADER.unpack(self._data(address - 8, 8))
        if size > _MAX_OBJECT or address + size > len(self.memory):
            raise ObjectError(
                f"the object at address {address} cannot have {size:,} bytes, because the memory "
                f"has {len(self.memory):,}"
            )
        return class_id, size

    def string(self, address: int) -> str | None:
        """Returns the string at an address; None for null.

        Halves of surrogate pairs, which strings of AssemblyScript may have, are kept.

        Raises:
            ObjectError: There is no string, or it is too long.
        """
        address = unsigned(address)
        if not address:
            return None
        class_id, size = self.header(address)
        if class_id != STRING:
            raise ObjectError(f"the object at address {address} is not a string")
        return self._text(address, size, _Budget(self._max_bytes))

    def read(self, address: int, other: Callable[[Other], Any]) -> Any:
        """Returns the object at an address as an object of Python.

        Args:
            address: The address, or 0 for null, which is None.
            other: Returns what stands for an object of a class without a counterpart.

        Raises:
            ObjectError: No object can be there, or it is too large.
        """
        return self._read(unsigned(address), other, _Budget(self._max_bytes), 0)

    def _read(
        self, address: int, other: Callable[[Other], Any], budget: _Budget, depth: int
    ) -> Any:
        """Does what `read` does, for an object within `depth` arrays."""
        if not address:
            return None
        if depth > _MAX_DEPTH:
            raise ObjectError(f"arrays are nested more than {_MAX_DEPTH} times")
        class_id, size = self.header(address)
        budget.spend(_OVERHEAD)
        if class_id == STRING:
            return self._text(address, size, budget)
        if class_id == ARRAY_BUFFER:
            return self._data(address, budget.spend(size))
        bits = self._bits(class_id)
        kind, align = bits & _KINDS, bits >> _ALIGN_SHIFT & _ALIGN_BITS
        if kind not in (_IS_VIEW, _IS_ARRAY, _IS_STATIC_ARRAY) or align not in (1, 2, 4, 8, 16):
            return other(Other(address, class_id, size))
        if kind == _IS_STATIC_ARRAY:
            start, size = address, size // align * align
        elif kind == _IS_VIEW:
            _, start, size = _VIEW.unpack(self._data(address, _VIEW.size))
            size = size // align * align
        else:
            _, start, _, count = _ARRAY.unpack(self._data(address, _ARRAY.size))
            size = count * align
        data = self._data(start, budget.spend(size))
        if bits & _IS_MANAGED and align == 4:
            return [
                self._read(item, other, budget, depth + 1)
                for item in memoryview(data).cast("I").tolist()
            ]
        letter = _LETTERS.get((align, bits & (_IS_SIGNED | _IS_FLOAT)))
        if letter is None:  # items of 16 bytes
            return [data[at : at + align] for at in range(0, size, align)]
        values = array(letter, data)
        return values if kind == _IS_VIEW else values.tolist()

    def _bits(self, class_id: int) -> int:
        classes = self.classes()
        if class_id >= len(classes):
            count = "1 class" if len(classes) == 1 else f"{len(classes)} classes"
            raise ObjectError(f"the guest has {count}, and no class {class_id}")
        return classes[class_id]

    def _text(self, address: int, size: int, budget: _Budget) -> str:
        data = self._data(address, budget.spend(size & ~1))
        return data.decode("utf-16-le", "surrogatepass")

    def _u32(self, address: int) -> int:
        return int.from_bytes(self._data(address, 4), "little")

    def _data(self, address: int, size: int) -> bytes:
        try:
            return self.memory.read(address, size)
        except (IndexError, OverflowError):
            raise ObjectError(
                f"{size:,} bytes at address {address} do not lie within the guest's memory, which "
                f"has {len(self.memory):,}"
            ) from None


class _Budget:
    """Bounds what is read for one object with all that it refers to."""

    __slots__ = ("_left", "_most")

    def __init__(self, most: int) -> None:
        self._left = self._most = most

    def spend(self, size: int) -> int:
        """Notes that so many bytes are read, and returns the number."""
        self._left -= size
        if self._left < 0:
            raise ObjectError(f"the object has more than the {self._most:,} bytes that are read")
        return size


def unsigned(address: int) -> int:
    """Returns the address that a guest's i32 means."""
    return address & 0xFFFFFFFF
