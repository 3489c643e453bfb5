# SPDX-License-Identifier: MIT
"""The guest's memory, every access checked: EFAULT for what reaches beyond its end."""

from __future__ import annotations

from .abi import EFAULT, EILSEQ, EINVAL, ENAMETOOLONG, IOVEC, U32, U64, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._memory import Memory

_MAX_IOVECS = 1024  # IOV_MAX of Linux
_MAX_TRANSFER = 0x7FFFF000  # what Linux moves in one call at most
_MAX_PATH = 4096  # PATH_MAX of Linux


class GuestMemory:
    """The memory of a guest that calls.

    It never moves, so one view serves until the size is another: a memory grows, and a snapshot
    that is restored, perhaps by another instance that has the same memory, makes it smaller.

    Attributes:
        found: The memory itself, once it was needed.
        view: Its bytes, as many as there were at the last check.
    """

    __slots__ = ("_find", "found", "view")

    def __init__(self, find: Callable[[], Memory | None]) -> None:
        """Takes a function that finds the memory, called when it is first needed."""
        self._find = find
        self.found: Memory | None = None
        self.view = memoryview(bytearray())

    def refresh(self) -> None:
        """Sees the memory at its present size."""
        if self.found is None:
            self.found = self._find()
        if self.found is not None and len(self.found) != len(self.view):
            self.view = memoryview(self.found)

    def check(self, address: int, size: int) -> None:
        """Both unsigned.

        Raises:
            WasiError: EFAULT, when the bytes do not all lie within the memory.
        """
        self.refresh()
        if address + size > len(self.view):
            raise WasiError(EFAULT)

    def span(self, address: int, size: int) -> memoryview:
        """The bytes themselves."""
        self.check(address, size)
        return self.view[address : address + size]

    def write(self, address: int, data: bytes) -> None:
        """Copies bytes there."""
        self.check(address, len(data))
        self.view[address : address + len(data)] = data

    def put_u32(self, address: int, value: int) -> None:
        """Writes a number of 32 bits."""
        self.check(address, 4)
        U32.pack_into(self.view, address, value)

    def put_u64(self, address: int, value: int) -> None:
        """Writes a number of 64 bits."""
        self.check(address, 8)
        U64.pack_into(self.view, address, value)

    def path(self, address: int, size: int) -> str:
        """A path of the guest: UTF-8 without NUL.

        Raises:
            WasiError: EFAULT; ENAMETOOLONG; EILSEQ for other encodings; EINVAL for a NUL.
        """
        self.check(address, size)
        if size > _MAX_PATH:
            raise WasiError(ENAMETOOLONG)
        try:
            path = str(self.view[address : address + size], "utf-8")
        except UnicodeDecodeError:
            raise WasiError(EILSEQ) from None
        if "\0" in path:
            raise WasiError(EINVAL)
        return path

    def buffers(self, iovecs: int, count: int) -> list[memoryview]:
        """What a vector of iovecs refers to, without copies and without empty ones.

        Raises:
            WasiError: EFAULT; EINVAL for too many, or for more bytes than one call can move.
        """
        self.check(iovecs, count * IOVEC.size)
        if count > _MAX_IOVECS:
            raise WasiError(EINVAL)
        # Read all at once: what a buffer receives must not change the vector on the way.
        vector = bytes(self.view[iovecs : iovecs + count * IOVEC.size])
        spans, total = [], 0
        for address, size in IOVEC.iter_unpack(vector):
            total += size
            if size or address > len(self.view):
                spans.append(self.span(address, size))
        if total > _MAX_TRANSFER:
            raise WasiError(EINVAL)
        return spans
