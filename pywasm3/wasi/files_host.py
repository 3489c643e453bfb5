# SPDX-License-Identifier: MIT
"""Files of the host, as a guest sees them: regular files, devices, pipes and terminals."""

from __future__ import annotations

import os
import select
from functools import partial

from . import vectored, waiting
from .abi import (
    ENOTSUP,
    EROFS,
    FDFLAG_APPEND,
    FDFLAG_NONBLOCK,
    TYPE_REGULAR,
    WasiError,
)
from .descriptors import Descriptor, write_each
from .host_stat import both_times, stat_of, type_of
from .open_flags import host_flags
from .waiting import READABLE, WRITABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .descriptors import Piece, Times
    from .records import Stat

_ADVICE = tuple(
    getattr(os, f"POSIX_FADV_{name}", None)
    for name in ("NORMAL", "SEQUENTIAL", "RANDOM", "WILLNEED", "DONTNEED", "NOREUSE")
)

# A pipe takes so many bytes at once, and has room for them when it is ready for writing.
_ATOMIC = select.PIPE_BUF
_write = os.write


class _Slow:
    """Reads and writes a file that may make the guest wait: a pipe, a FIFO, a terminal, a device.

    No operation blocks in the host, so that a call that waits can be stopped. A file that the guest
    has to itself is nonblocking there. Others have an inherited descriptor open, too, which must
    stay as it is: the guest uses it only when it is ready.

    Attributes:
        fd: The descriptor of the host; -1 when it is closed.
        nonblocking: The guest wants EAGAIN instead of waiting.
    """

    def __init__(self, fd: int, owned: bool, nonblocking: bool) -> None:
        self.fd = fd
        self._owned = owned
        self.nonblocking = nonblocking
        self._terminal = -1  # The terminal, opened once more; -1: it is not.
        self._tried_terminal = False
        if owned:
            os.set_blocking(fd, False)

    def _get_fd(self) -> int:
        return self.fd

    def _do(self, bits: int, operate: Callable[[], int]) -> int:
        """Does an operation so that it cannot block: on a file of others, when it is ready."""
        if self._owned:
            return operate()
        return waiting.exclusively(self.fd, bits, operate)

    def _blocks(self) -> bool:
        """Returns whether the guest expects to wait, instead of getting EAGAIN."""
        return not self.nonblocking and (self._owned or os.get_blocking(self.fd))

    def read(self, read: Callable[[], int]) -> int:
        """Reads, once there is something to read."""
        if not self._blocks():
            return read()
        # A FIFO that no writer has opened yet looks as if it had ended: so wait for it first.
        waiting.until_ready(self.fd, READABLE)
        return waiting.insist(self._get_fd, READABLE, lambda: self._do(READABLE, read))

    def write(self, buffers: list[memoryview]) -> int:
        """Writes; a small vector of buffers at once, so that a pipe does not mix it with others."""
        if sum(map(len, buffers)) <= _ATOMIC:
            return self.write_one(b"".join(buffers))
        return write_each(self.write_one, buffers)

    def write_one(self, buffer: Piece) -> int:
        """Writes one buffer, as a whole if the guest waits."""
        return self._write_rest(memoryview(buffer), 0)

    def _write_rest(self, buffer: memoryview, written: int) -> int:
        """Writes a buffer, and waits until all of it is written if the guest expects to wait.

        A file that the guest has to itself never blocks, so it gets all that is left. So does a
        terminal that could be opened once more. Any other file gets a piece that a pipe has room
        for when it is ready.
        """
        if not self._blocks():
            return _write(self.fd, buffer)

        def write() -> int:
            return _write(self.fd, buffer[written : written + _ATOMIC])

        def write_terminal() -> int:
            return _write(self._terminal, buffer[written:])

        def write_owned() -> int:
            return _write(self.fd, buffer[written:])

        if self._owned:
            attempt = write_owned
        elif self._has_terminal():
            attempt = write_terminal
        else:
            attempt = partial(self._do, WRITABLE, write)
        while written < len(buffer):
            try:
                written += waiting.insist(self._get_fd, WRITABLE, attempt)
            except (WasiError, OSError):
                if written:
                    break
                raise
        return written

    def _has_terminal(self) -> bool:
        """Tells whether the descriptor is a terminal that could be opened once more.

        A terminal that is ready for writing may have room for a single byte, so a write to it can
        block. What the guest opens itself is nonblocking, and others do not notice.
        """
        if not self._tried_terminal:
            self._tried_terminal = True
            self._terminal = _open_terminal(self.fd)
        elif self._terminal >= 0 and not os.path.sameopenfile(self.fd, self._terminal):
            os.close(self._terminal)  # The host has redirected the descriptor meanwhile.
            self._terminal = -1
        return self._terminal >= 0

    def close(self) -> None:
        """Closes what this object has opened."""
        self.fd = -1
        terminal, self._terminal = self._terminal, -1
        if terminal >= 0:
            os.close(terminal)


def _open_terminal(fd: int) -> int:
    """Opens the terminal of a descriptor for writing without blocking; -1 if that cannot be."""
    try:
        flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        opened = os.open(os.ttyname(fd), flags)
    except OSError:
        return -1
    if os.path.sameopenfile(fd, opened):
        return opened
    os.close(opened)
    return -1


class HostFile(Descriptor):
    """A file of the host: a regular file, a device, a pipe or a terminal."""

    def __init__(
        self,
        fd: int,
        flags: int = 0,
        *,
        read: bool,
        write: bool,
        owned: bool = True,
        read_only: bool = False,
    ) -> None:
        """Takes an open descriptor of the host.

        Args:
            fd: The descriptor.
            flags: FDFLAG_* bits.
            read: Whether the guest may read.
            write: Whether the guest may write.
            owned: Whether this object closes the descriptor.
            read_only: Refuse everything that would change the file (EROFS).
        """
        self._fd = fd
        self._owned = owned
        self._read_only = read_only
        self.flags = flags
        self.type = type_of(os.fstat(fd).st_mode)
        self._slow: _Slow | None = None
        if self.type == TYPE_REGULAR:
            self.write_one = partial(_write, fd)
        else:
            self._slow = _Slow(fd, owned, bool(flags & FDFLAG_NONBLOCK))
            # An owned file never blocks, and fd_write calls write() when this is BlockingIOError.
            self.write_one = partial(_write, fd) if owned else self._slow.write_one
        if read_only:
            self.write_one = None
        self.open_for(read=read, write=write)

    def close(self) -> None:
        """Closes the host's descriptor, if this object owns it."""
        fd, self._fd = self._fd, -1
        self.write_one = None
        if self._slow is not None:
            self._slow.close()
        if fd >= 0 and self._owned:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "_fd", -1) >= 0:
            self.close()

    def read(self, buffers: list[memoryview]) -> int:
        """Reads at the position of the file."""
        if self._slow is not None:
            return self._slow.read(lambda: vectored.readv(self._fd, buffers)) if buffers else 0
        return waiting.by_pieces(buffers, lambda piece, _: vectored.readv(self._fd, piece))

    def write(self, buffers: list[memoryview]) -> int:
        """Writes at the position of the file."""
        self._require_writable()
        if self._slow is not None:
            return self._slow.write(buffers) if buffers else 0
        return waiting.by_pieces(buffers, lambda piece, _: vectored.writev(self._fd, piece))

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """Reads from an offset in the file."""
        return self._at_offset(vectored.preadv, READABLE, buffers, offset)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """Writes at an offset in the file."""
        self._require_writable()
        return self._at_offset(vectored.pwritev, WRITABLE, buffers, offset)

    def _at_offset(
        self, move: Callable[..., int], bits: int, buffers: list[memoryview], offset: int
    ) -> int:
        def move_piece(piece: list[memoryview], moved: int) -> int:
            if self._slow is None or self._slow.nonblocking:
                return move(self._fd, piece, offset + moved)
            # Of the files that are not regular, only devices have offsets.
            return waiting.insist(
                lambda: self._fd, bits, lambda: move(self._fd, piece, offset + moved)
            )

        return waiting.by_pieces(buffers, move_piece)

    def has_position(self) -> bool:
        """Returns whether the file has a position, which some devices have, too."""
        if self.type == TYPE_REGULAR:
            return True
        try:
            os.lseek(self._fd, 0, os.SEEK_CUR)
        except OSError:
            return False
        return True

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position of the file."""
        return os.lseek(self._fd, offset, whence)

    def stat(self) -> Stat:
        """Describes the file."""
        return stat_of(os.fstat(self._fd))

    def set_size(self, size: int) -> None:
        """Cuts the file to a size, or fills it up with zeros."""
        self._require_writable()
        os.ftruncate(self._fd, size)

    def set_times(self, times: Times) -> None:
        """Sets the times of the file, in nanoseconds."""
        self._require_writable()
        os.utime(self._fd, ns=both_times(times, os.fstat(self._fd)))

    def set_flags(self, flags: int) -> None:
        """Sets the flags that an open file can change: append, and nonblocking if it is owned."""
        changed = flags ^ self.flags
        if changed & ~(FDFLAG_APPEND | FDFLAG_NONBLOCK):
            raise WasiError(ENOTSUP)
        if not self._owned and changed & FDFLAG_NONBLOCK:
            raise WasiError(ENOTSUP)  # Others have the file open, too, and would stop blocking.
        if self._owned:
            import fcntl

            bits = fcntl.fcntl(self._fd, fcntl.F_GETFL) & ~(os.O_APPEND | os.O_NONBLOCK)
            if self._slow is not None:
                bits |= os.O_NONBLOCK
                self._slow.nonblocking = bool(flags & FDFLAG_NONBLOCK)
            fcntl.fcntl(self._fd, fcntl.F_SETFL, bits | host_flags(flags))
        self.flags = flags

    def advise(self, offset: int, size: int, advice: int) -> None:
        """Passes the advice on, if the host knows this kind of advice."""
        number = _ADVICE[advice]
        if number is not None:
            os.posix_fadvise(self._fd, offset, size, number)

    def allocate(self, offset: int, size: int) -> None:
        """Reserves room in the file."""
        self._require_writable()
        if not hasattr(os, "posix_fallocate"):
            raise WasiError(ENOTSUP)
        number = os.posix_fallocate(self._fd, offset, size)  # type: ignore[func-returns-value]
        if number:  # PyPy returns what CPython raises
            raise OSError(number, os.strerror(number))

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what the host has buffered."""
        (getattr(os, "fdatasync", os.fsync) if data_only else os.fsync)(self._fd)

    def poll_fd(self) -> int | None:
        """Returns the descriptor to wait for; None for a regular file, which is always ready."""
        return None if self.type == TYPE_REGULAR else self._fd

    def readable_bytes(self) -> int:
        """Returns how many bytes of a regular file follow the position; 0 for other files."""
        if self.type != TYPE_REGULAR:
            return 0
        return max(0, os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR))

    def _require_writable(self) -> None:
        if self._read_only:
            raise WasiError(EROFS)
