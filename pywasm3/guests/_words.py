# SPDX-License-Identifier: MIT
"""Numbers in the memory of a guest, which gives its host addresses as it likes."""

from __future__ import annotations

from struct import Struct

from .._errors import Trap, TrapKind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..wasi.memory import GuestMemory

MASK = (1 << 32) - 1  # of an address

U32, I32, I64, U64, F64 = (Struct(f"<{letter}") for letter in "IiqQd")


class Words:
    """Reads and writes the memory of a guest. Addresses are unsigned.

    Raises:
        Trap: An access is beyond the end of the memory.
    """

    __slots__ = ("_memory",)

    def __init__(self, memory: GuestMemory) -> None:
        self._memory = memory

    def span(self, address: int, size: int) -> memoryview:
        """Returns a view of a range of the memory."""
        memory = self._memory
        memory.refresh()
        if address < 0 or size < 0 or address + size > len(memory.view):
            raise Trap(
                TrapKind.MEMORY_OUT_OF_BOUNDS,
                detail=f"out of bounds memory access: the guest gave its host {size:,} bytes "
                f"at {address:#x}, and its memory has {len(memory.view):,}",
            )
        return memory.view[address : address + size]

    def _unpack(self, kind: Struct, address: int) -> Any:
        return kind.unpack(self.span(address, kind.size))[0]

    def _pack(self, kind: Struct, address: int, value: float) -> None:
        kind.pack_into(self.span(address, kind.size), 0, value)

    def i32(self, address: int) -> int:
        """Reads a signed integer of 32 bits."""
        value: int = self._unpack(I32, address)
        return value

    def i64(self, address: int) -> int:
        """Reads a signed integer of 64 bits."""
        value: int = self._unpack(I64, address)
        return value

    def u32(self, address: int) -> int:
        """Reads an unsigned integer of 32 bits."""
        value: int = self._unpack(U32, address)
        return value

    def put_i32(self, address: int, value: int) -> None:
        """Writes the low 32 bits of an integer."""
        self._pack(U32, address, value & MASK)

    def put_i64(self, address: int, value: int) -> None:
        """Writes the low 64 bits of an integer."""
        self._pack(U64, address, value & 0xFFFFFFFFFFFFFFFF)

    def put_bool(self, address: int, value: bool) -> None:
        """Writes a byte that is 0 or 1."""
        self.span(address, 1)[0] = value

    def put_f64(self, address: int, value: float) -> None:
        """Writes a floating-point number of 64 bits."""
        self._pack(F64, address, value)
