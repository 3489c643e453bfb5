# SPDX-License-Identifier: MIT
"""Views of a memory as numbers, which grow with the memory."""

from __future__ import annotations

from array import array
from operator import index as _index

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, ClassVar

    from ..._memory import Memory


class View:
    """Numbers of a memory from an index on, to read and to write.

    An index or a slice counts from the view's own beginning; an index cannot be negative. A slice
    gives a list, as in wasmer, and is set to a sequence of the same length.

    Attributes:
        bytes_per_element: The size of a number in bytes.
    """

    bytes_per_element: ClassVar[int] = 1
    _letter: ClassVar[str] = "B"

    def __init__(self, memory: Memory, offset: int) -> None:
        """Takes the memory of pywasm3, and the index of the first number."""
        self._memory = memory
        self._offset = _index(offset)
        if self._offset < 0:
            raise OverflowError("can't convert negative int to unsigned")

    def _numbers(self) -> memoryview:
        return self._memory.view(self._letter)[self._offset :]

    def __len__(self) -> int:
        """Returns how many numbers there are now."""
        return len(self._numbers())

    def __getitem__(self, index: int | slice) -> Any:
        """Returns a number, or a list of the numbers of a slice.

        Raises:
            IndexError: The number is not in the memory, or the slice is backwards.
            ValueError: `index` is neither an int nor a slice.
        """
        numbers = self._numbers()
        where = _where(index, len(numbers))
        return numbers[where] if isinstance(where, int) else numbers[where].tolist()

    def __setitem__(self, index: int | slice, value: Any) -> None:
        """Sets a number, or the numbers of a slice to those of a sequence.

        Raises:
            IndexError: The number is not in the memory, the slice is backwards, or the sequence
                does not have its length.
            OverflowError: A number is out of the range of the view's type.
            TypeError: A number has another type.
            ValueError: `index` is neither an int nor a slice.
        """
        numbers = self._numbers()
        where = _where(index, len(numbers))
        if isinstance(where, int):
            numbers[where : where + 1] = array(self._letter, (value,))
            return
        values = array(self._letter, list(value))
        wanted = len(range(*where.indices(len(numbers))))
        if len(values) != wanted:
            raise IndexError(f"Sequence length {len(values)} doesn't match slice length {wanted}")
        numbers[where] = values


def _where(index: object, size: int) -> int | slice:
    """Returns the index or the slice of a view, if it is one that wasmer takes."""
    if isinstance(index, slice):
        start, stop, step = index.indices(size)
        if start > stop:
            raise IndexError(f"Slice `{start}:{stop}` cannot be empty")
        if step < 1:
            raise IndexError(f"Slice must have a positive step; given {step}")
        return slice(start, stop, step)
    if not isinstance(index, int):
        raise ValueError("Only integers and slices are valid to represent an index")
    if index < 0:
        raise IndexError("Out of bound: Index cannot be negative")
    if index >= size:
        raise IndexError(f"Out of bound: Index {index} is larger than the view size {size}")
    return index


class Uint8Array(View):
    """A view of bytes, each 0 to 255."""


class Int8Array(View):
    """A view of signed bytes."""

    _letter = "b"


class Uint16Array(View):
    """A view of 16-bit integers."""

    bytes_per_element = 2
    _letter = "H"


class Int16Array(View):
    """A view of signed 16-bit integers."""

    bytes_per_element = 2
    _letter = "h"


class Uint32Array(View):
    """A view of 32-bit integers."""

    bytes_per_element = 4
    _letter = "I"


class Int32Array(View):
    """A view of signed 32-bit integers."""

    bytes_per_element = 4
    _letter = "i"


class Uint64Array(View):
    """A view of 64-bit integers."""

    bytes_per_element = 8
    _letter = "Q"


class Int64Array(View):
    """A view of signed 64-bit integers."""

    bytes_per_element = 8
    _letter = "q"


class Float32Array(View):
    """A view of 32-bit floats."""

    bytes_per_element = 4
    _letter = "f"


class Float64Array(View):
    """A view of 64-bit floats."""

    bytes_per_element = 8
    _letter = "d"
