# SPDX-License-Identifier: MIT
"""Reads what the guest registers: names, lists of types, and function pointers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...._errors import Trap
from ...._types import FuncType, i32
from ..._words import U32, Words
from .errors import BindingError

if TYPE_CHECKING:
    from ...._ffi import Function
    from .._program import Emscripten

_MOST_NAME = 1024  # bytes of a name
_MOST_TYPES = 256  # types of a function: C++ demands that compilers allow this many parameters

# The types of functions of the guest whose parameters and results are addresses.
MAKE, CONVERT, DESTROY = FuncType([], [i32]), FuncType([i32], [i32]), FuncType([i32])
SHARE = FuncType([i32, i32], [i32])


class Heap(Words):
    """The memory and the table of a guest, as its bindings use them."""

    __slots__ = ("_program",)

    def __init__(self, program: Emscripten) -> None:
        super().__init__(program.wasi.memory)
        self._program = program

    def name(self, address: int) -> str:
        """Reads a name, which ends with a zero byte.

        Raises:
            BindingError: It is too long.
            Trap: It is not in the memory.
        """
        self.span(address, 1)
        view = self._memory.view
        data, end, _ = bytes(view[address : address + _MOST_NAME]).partition(b"\0")
        if not end:
            raise BindingError(
                f"the name at {address:#x} does not end within {_MOST_NAME:,} bytes: it begins "
                f"with {data[:32]!r}"
            )
        return data.decode(errors="replace")

    def ids(self, count: int, address: int) -> tuple[int, ...]:
        """Reads the ids of the types of a function: its result, and its parameters.

        Raises:
            BindingError: There is none, or there are more than a function can have.
            Trap: They are not in the memory.
        """
        if not 0 < count <= _MOST_TYPES:
            raise BindingError(
                f"a function is bound with {count:,} types: it can have 1 to {_MOST_TYPES}"
            )
        return tuple(id for (id,) in U32.iter_unpack(self.span(address, 4 * count)))

    def function(self, index: int, label: str, type: FuncType | None = None) -> Function:
        """Returns the function that a function pointer points to.

        Args:
            index: The index in the table.
            label: What needs the function, for the message.
            type: The type that it must have; None is any type.

        Raises:
            BindingError: There is no function, or it has another type.
        """
        try:
            found = self._program.function(index)
        except Trap:
            raise BindingError(
                f"{label} has the function pointer {index:#x}, but there is no function"
            ) from None
        if type is not None and found.type != type:
            raise BindingError(f"{label} is a function of the type {found.type}, not {type}")
        return found

    def allocate(self, data: bytes) -> int:
        """Returns the address of a new block of the guest's memory with these bytes."""
        address = self._program.allocate(len(data))
        self.span(address, len(data))[:] = data
        return address

    def free(self, address: int) -> None:
        """Frees a block that malloc() of the guest has made."""
        self._program.required("free", DESTROY)(address)
