# SPDX-License-Identifier: MIT
"""Descriptors: the objects behind a guest's file descriptors, and their table."""

from __future__ import annotations

from itertools import count

from .abi import (
    DIRECTORY_RIGHTS,
    EBADF,
    EINVAL,
    EMFILE,
    ENODEV,
    ENOTDIR,
    ENOTSOCK,
    ENOTSUP,
    ESPIPE,
    FDFLAG_APPEND,
    FILE_RIGHTS,
    INHERITING_RIGHTS,
    RIGHT_FD_READ,
    RIGHT_FD_WRITE,
    STREAM_RIGHTS,
    TYPE_DIRECTORY,
    TYPE_UNKNOWN,
    WRITING_RIGHTS,
    WasiError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .directories import Directory
    from .records import Stat

    Piece = bytes | memoryview
    Write = Callable[[Piece], int]

    # The times of access and of modification in nanoseconds. None leaves a time unchanged.
    Times = tuple[int | None, int | None]


class Descriptor:
    """The object behind a file descriptor. A method that a subclass does not define is an error.

    Attributes:
        type: The type of the file, a TYPE_*.
        rights: RIGHT_* bits, which are reported. RIGHT_FD_READ and RIGHT_FD_WRITE of a file say
            what it is open for; the others forbid nothing.
        inheriting: The rights that are reported for files opened below this directory.
        flags: FDFLAG_* bits.
    """

    type = TYPE_UNKNOWN
    rights = 0
    inheriting = 0
    flags = 0
    directory: Directory | None = None
    guest_name: bytes | None = None  # The name of a preopened directory; None for the others.

    # Writes one buffer and returns its size. fd_write's fast path in C calls it if it is there. If
    # it raises BlockingIOError, it has written nothing, and `write` is called instead.
    write_one: Write | None = None

    def open_for(self, *, read: bool, write: bool) -> None:
        """Notes what a file is open for, and sets the rights to match."""
        self.rights = FILE_RIGHTS if self.has_position() else STREAM_RIGHTS
        if not read:
            self.rights &= ~RIGHT_FD_READ
        if not write:
            self.rights &= ~WRITING_RIGHTS

    def require_mode(self, mode: int) -> None:
        """Raises WasiError with EBADF unless the file is open for RIGHT_FD_READ or _WRITE."""
        if not self.rights & mode:
            raise WasiError(EBADF)

    def require_position(self) -> None:
        """Raises WasiError with ESPIPE unless the file has a position."""
        if not self.has_position():
            raise WasiError(ESPIPE)

    def has_position(self) -> bool:
        """Returns whether the file has a position and offsets, as files have and pipes have not."""
        return False

    def close(self) -> None:
        """Releases what the host has open for this descriptor."""

    def read(self, buffers: list[memoryview]) -> int:
        """Reads into the buffers and returns how many bytes were read, 0 at the end of the file."""
        raise WasiError(EBADF)

    def write(self, buffers: list[memoryview]) -> int:
        """Writes the buffers and returns how many bytes were written."""
        raise WasiError(EBADF)

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """Reads from an offset in the file, and leaves the position as it is."""
        raise WasiError(EBADF)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """Writes at an offset in the file, and leaves the position as it is."""
        raise WasiError(EBADF)

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position and returns the new one."""
        raise WasiError(EBADF)

    def stat(self) -> Stat:
        """Describes the file."""
        from .records import Stat  # imported late, because many programs describe no file

        return Stat(0, 0, self.type, 1, 0, 0, 0, 0)

    def set_size(self, size: int) -> None:
        """Cuts the file to a size, or fills it up with zeros."""
        raise WasiError(EINVAL)

    def set_times(self, times: Times) -> None:
        """Sets the times of the file, in nanoseconds."""
        raise WasiError(EINVAL)

    def set_flags(self, flags: int) -> None:
        """Sets the FDFLAG_* bits. FDFLAG_APPEND changes nothing here; the others cannot be set."""
        if (flags ^ self.flags) & ~FDFLAG_APPEND:
            raise WasiError(ENOTSUP)
        self.flags = flags

    def advise(self, offset: int, size: int, advice: int) -> None:
        """Takes advice on how the file will be used; ignores it by default."""

    def allocate(self, offset: int, size: int) -> None:
        """Reserves room in the file."""
        raise WasiError(ENODEV)

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what the host has buffered; there is nothing by default."""

    def poll_fd(self) -> int | None:
        """Returns the host descriptor to wait for, or None if this one is always ready."""
        return None

    def readable_bytes(self) -> int:
        """Returns how many bytes are known to be ready for reading."""
        return 0

    def accept(self, nonblocking: bool) -> Descriptor:
        """Accepts a connection and returns its descriptor."""
        raise WasiError(ENOTSOCK)

    def receive(self, buffers: list[memoryview], flags: int) -> tuple[int, bool]:
        """Reads from a socket; returns how many bytes, and whether a datagram was cut."""
        raise WasiError(ENOTSOCK)

    def send(self, buffers: list[memoryview]) -> int:
        """Writes to a socket and returns how many bytes were written."""
        raise WasiError(ENOTSOCK)

    def shutdown(self, how: int) -> None:
        """Ends one or both directions of a socket."""
        raise WasiError(ENOTSOCK)


class DirectoryDescriptor(Descriptor):
    """A descriptor of a directory, on the host or in memory."""

    type = TYPE_DIRECTORY
    rights = DIRECTORY_RIGHTS
    inheriting = INHERITING_RIGHTS


class Descriptors:
    """The table of descriptors of a guest.

    Attributes:
        limit: How many descriptors the guest may have at a time. None: nobody has set it yet.
        writers: The `write_one` of each descriptor that has one and may be written, by number.
            fd_write's fast path in C looks here.
    """

    __slots__ = ("_entries", "limit", "writers")

    def __init__(self) -> None:
        self._entries: dict[int, Descriptor] = {}
        self.writers: dict[int, Write] = {}
        self.limit: int | None = None

    def __len__(self) -> int:
        return len(self._entries)

    def _set(self, fd: int, descriptor: Descriptor) -> None:
        self._entries[fd] = descriptor
        self.changed(fd)

    def changed(self, fd: int) -> None:
        """Must be called after the rights of a descriptor have changed, or what it stands for."""
        descriptor = self._entries.get(fd)
        writable = descriptor is not None and descriptor.rights & RIGHT_FD_WRITE
        if writable and descriptor is not None and descriptor.write_one is not None:
            self.writers[fd] = descriptor.write_one
        else:
            self.writers.pop(fd, None)

    def require_room(self) -> None:
        """Checks that one more descriptor fits, before work is done to open it.

        Raises:
            WasiError: EMFILE, when the table is full.
        """
        if self.limit is not None and len(self._entries) >= self.limit:
            raise WasiError(EMFILE)

    def add(self, descriptor: Descriptor) -> int:
        """Gives the descriptor the lowest free number, and returns that number.

        Raises:
            WasiError: EMFILE, when the table is full; the descriptor is then closed.
        """
        try:
            self.require_room()
        except WasiError:
            descriptor.close()
            raise
        fd = next(free for free in count() if free not in self._entries)
        self._set(fd, descriptor)
        return fd

    def get(self, fd: int) -> Descriptor:
        """Returns the descriptor with a number.

        Raises:
            WasiError: EBADF when there is none.
        """
        descriptor = self._entries.get(fd)
        if descriptor is None:
            raise WasiError(EBADF)
        return descriptor

    def file(self, fd: int) -> Descriptor:
        """Returns the descriptor with a number, for a function that works on files only.

        Raises:
            WasiError: EBADF when there is none, or when it is one of a directory.
        """
        descriptor = self.get(fd)
        if descriptor.directory is not None:
            raise WasiError(EBADF)
        return descriptor

    def directory(self, fd: int) -> Directory:
        """Returns the directory behind a descriptor.

        Raises:
            WasiError: EBADF when there is no such descriptor; ENOTDIR when it is not a directory.
        """
        directory = self.get(fd).directory
        if directory is None:
            raise WasiError(ENOTDIR)
        return directory

    def close(self, fd: int) -> None:
        """Closes a descriptor and frees its number."""
        descriptor = self.get(fd)
        del self._entries[fd]
        self.changed(fd)
        descriptor.close()

    def renumber(self, fd: int, to: int) -> None:
        """Closes descriptor `to`, and gives its number to descriptor `fd`."""
        descriptor, replaced = self.get(fd), self.get(to)
        if descriptor is replaced:
            return
        del self._entries[fd]
        self.changed(fd)
        self._set(to, descriptor)
        replaced.close()

    def close_all(self) -> None:
        """Closes all descriptors, then raises the first error, if there was one."""
        entries = list(self._entries.values())
        self._entries.clear()
        self.writers.clear()
        failed: Exception | None = None
        for descriptor in entries:
            try:
                descriptor.close()
            except Exception as error:  # A file object of the user's may raise anything: go on.
                failed = failed or error
        if failed is not None:
            raise failed


def write_each(write_one: Write, buffers: list[memoryview]) -> int:
    """Writes buffers in turn, until one is not written as a whole; returns the bytes written.

    Raises:
        WasiError, OSError: The first buffer failed. When a later buffer fails, the call returns
            what was written, and the guest meets the error at its next call.
    """
    total = 0
    for buffer in buffers:
        try:
            size = write_one(buffer)
        except (WasiError, OSError):
            if total:
                break
            raise
        total += size
        if size < len(buffer):
            break
    return total
