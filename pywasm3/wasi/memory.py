# SPDX-License-Identifier: MIT
"""Access to the guest's memory. Every access is checked, and one beyond its end is EFAULT."""

from __future__ import annotations

from .._ffi import view_of
from .abi import EFAULT, EILSEQ, EINVAL, ENAMETOOLONG, IOVEC, U32, U64, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .._memory import Memory

_MAX_IOVECS = 1024  # This is IOV_MAX of Linux.
_MAX_TRANSFER = 0x7FFFF000  # Linux moves at most this many bytes in one call.
_MAX_PATH = 4096  # This is PATH_MAX of Linux.


class GuestMemory:
    """The memory of the guest that calls WASI functions.

    The memory never moves, so one view serves until the size changes. A memory grows, and it
    shrinks when a snapshot is restored, perhaps by another instance that imports this memory.

    Attributes:
        found: The memory, or None until it is needed for the first time.
        view: A view of its bytes, with the size that the memory had at the last check.
    """

    __slots__ = ("_find", "found", "view")

    def __init__(self, find: Callable[[], Memory | None]) -> None:
        """Takes a function that finds the memory. It is called when the memory is first needed."""
        self._find = find
        self.found: Memory | None = None
        self.view = memoryview(bytearray())

    def refresh(self) -> None:
        """Makes a new view if the size of the memory has changed."""
        if self.found is None:
            self.found = self._find()
        if self.found is not None and len(self.found) != len(self.view):
            self.view = view_of(self.found)

    def check(self, address: int, size: int) -> None:
        """Checks that a range of bytes lies within the memory. Address and size are unsigned.

        Raises:
            WasiError: EFAULT, when it does not.
        """
        self.refresh()
        if address + size > len(self.view):
            raise WasiError(EFAULT)

    def span(self, address: int, size: int) -> memoryview:
        """Returns a view of a range of the memory."""
        self.check(address, size)
        return self.view[address : address + size]

    def write(self, address: int, data: bytes) -> None:
        """Copies bytes into the memory."""
        self.check(address, len(data))
        self.view[address : address + len(data)] = data

    def u32(self, address: int) -> int:
        """Reads an unsigned 32-bit integer."""
        self.check(address, 4)
        value: int = U32.unpack_from(self.view, address)[0]
        return value

    def put_u32(self, address: int, value: int) -> None:
        """Writes an unsigned 32-bit integer."""
        self.check(address, 4)
        U32.pack_into(self.view, address, value)

    def put_u64(self, address: int, value: int) -> None:
        """Writes an unsigned 64-bit integer."""
        self.check(address, 8)
        U64.pack_into(self.view, address, value)

    def path(self, address: int, size: int) -> str:
        """Reads a path, which must be UTF-8 and contain no NUL.

        Raises:
            WasiError: EFAULT; ENAMETOOLONG; EILSEQ for bytes that are not UTF-8; EINVAL for a NUL.
        """
        self.check(address, size)
        if size > _MAX_PATH:
            raise WasiError(ENAMETOOLONG)
        # The bytes are copied first, because another thread of the guest may change them meanwhile.
        data = bytes(self.view[address : address + size])
        try:
            path = data.decode()
        except UnicodeDecodeError:
            raise WasiError(EILSEQ) from None
        if "\0" in path:
            raise WasiError(EINVAL)
        return path

    def buffers(self, iovecs: int, count: int) -> list[memoryview]:
        """Returns views of the buffers that a vector of iovecs describes, without empty buffers.

        Raises:
            WasiError: EFAULT; EINVAL for too many buffers, or more bytes than one call can move.
        """
        self.check(iovecs, count * IOVEC.size)
        if count > _MAX_IOVECS:
            raise WasiError(EINVAL)
        # The vector is copied first, because a read into one of its buffers may overwrite it.
        vector = bytes(self.view[iovecs : iovecs + count * IOVEC.size])
        spans, total = [], 0
        for address, size in IOVEC.iter_unpack(vector):
            total += size
            if size or address > len(self.view):
                spans.append(self.span(address, size))
        if total > _MAX_TRANSFER:
            raise WasiError(EINVAL)
        return spans
