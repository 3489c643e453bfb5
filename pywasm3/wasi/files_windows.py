# SPDX-License-Identifier: MIT
"""A regular file below a directory of the host, on Windows, which has no calls such as preadv."""

from __future__ import annotations

import os

from . import nt, waiting
from .abi import (
    EBADF,
    ENOTSUP,
    EROFS,
    FDFLAG_APPEND,
    FDFLAG_NONBLOCK,
    TYPE_REGULAR,
    WasiError,
)
from .descriptors import Descriptor
from .host_stat import both_times, stat_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from .descriptors import Piece, Times
    from .directories import Opening
    from .nt_calls import Calls
    from .records import Stat


class WindowsFile(Descriptor):
    """A regular file."""

    type = TYPE_REGULAR

    def __init__(self, stream: io.FileIO, calls: Calls, opening: Opening, read_only: bool) -> None:
        """Takes a file of Python without a buffer, and closes its descriptor later.

        The file itself must not close it (`closefd=False`): the collector, which finalizes the file
        and this object in any order, would warn of it.
        """
        self._stream = stream
        self._fd = stream.fileno()
        self._calls = calls
        self._read_only = read_only
        self._writes = opening.write
        self.flags = opening.fdflags
        self.write_one = self._write_one if opening.write and not read_only else None
        self.open_for(read=opening.read, write=opening.write)

    def close(self) -> None:
        """Closes the file."""
        fd, self._fd = self._fd, -1
        self.write_one = None
        if fd >= 0:
            self._stream.close()
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def _file(self) -> io.FileIO:
        if self._fd < 0:  # The host has closed the descriptors of the guest meanwhile.
            raise WasiError(EBADF)
        return self._stream

    def _handle(self) -> int:
        return self._calls.handle_of(self._file().fileno())

    def _require_writable(self) -> None:
        if self._read_only:
            raise WasiError(EROFS)

    def read(self, buffers: list[memoryview]) -> int:
        """Reads at the position of the file."""
        return waiting.by_pieces(buffers, lambda piece, _: _each(self._file().readinto, piece))

    def write(self, buffers: list[memoryview]) -> int:
        """Writes at the position of the file, or at its end if it is open for appending."""
        self._require_writable()
        return waiting.by_pieces(buffers, lambda piece, _: _each(self._write_one, piece))

    def _write_one(self, buffer: Piece) -> int:
        if self.flags & FDFLAG_APPEND:
            self._file().seek(0, os.SEEK_END)
        return self._file().write(buffer) or 0

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """Reads from an offset in the file."""
        return self._at_offset(self._file().readinto, buffers, offset)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """Writes at an offset in the file; at its end if it is open for appending, as on Linux."""
        self._require_writable()
        return self._at_offset(self._write_one, buffers, offset)

    def _at_offset(
        self, move: Callable[[memoryview], int], buffers: list[memoryview], offset: int
    ) -> int:
        """Moves the position for a moment: one thread at a time runs a function of WASI."""
        before = self._file().tell()
        try:
            self._file().seek(offset)
            return waiting.by_pieces(buffers, lambda piece, _: _each(move, piece))
        finally:
            self._file().seek(before)

    def has_position(self) -> bool:
        """Returns that the file has a position."""
        return True

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position of the file."""
        return self._file().seek(offset, whence)

    def stat(self) -> Stat:
        """Describes the file."""
        return stat_of(nt.found_of(self._calls.information(self._handle()), 0))

    def set_size(self, size: int) -> None:
        """Cuts the file to a size, or fills it up with zeros."""
        self._require_writable()
        self._calls.set_size(self._handle(), size)

    def set_times(self, times: Times) -> None:
        """Sets the times of the file, in nanoseconds."""
        self._require_writable()
        found = nt.found_of(self._calls.information(self._handle()), 0)
        accessed, written = map(nt.file_time, both_times(times, found))
        # A file that is open for reading only has no access to its attributes.
        handle = self._calls.reopen(self._handle(), nt.FILE_WRITE_ATTRIBUTES)
        try:
            self._calls.set_times(handle, accessed, written)
        finally:
            self._calls.close(handle)

    def set_flags(self, flags: int) -> None:
        """Sets the flags that an open file can change: append, and nonblocking, which is in vain.

        A regular file never makes a guest wait.
        """
        if (flags ^ self.flags) & ~(FDFLAG_APPEND | FDFLAG_NONBLOCK):
            raise WasiError(ENOTSUP)
        self.flags = flags

    def allocate(self, offset: int, size: int) -> None:
        """Makes the file long enough: Windows reserves the room of a longer file."""
        self._require_writable()
        if self._calls.information(self._handle()).size < offset + size:
            self._calls.set_size(self._handle(), offset + size)

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what the host has buffered. What was only read has nothing."""
        if self._writes and not self._read_only:
            self._calls.flush(self._handle())

    def readable_bytes(self) -> int:
        """Returns how many bytes follow the position."""
        size = self._calls.information(self._handle()).size
        return max(0, size - self._file().tell())


def _each(move: Callable[[memoryview], int | None], buffers: list[memoryview]) -> int:
    """Reads into or writes from buffers in turn, until one is not moved as a whole."""
    total = 0
    for buffer in buffers:
        moved = move(buffer) or 0
        total += moved
        if moved < len(buffer):
            break
    return total
