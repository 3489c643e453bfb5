# SPDX-License-Identifier: MIT
"""Descriptors: what a guest's file descriptors stand for, their rights, and the table of them."""

from __future__ import annotations

from typing import NamedTuple

from .abi import (
    DIRECTORY_RIGHTS,
    EBADF,
    EINVAL,
    EMFILE,
    ENOTCAPABLE,
    ENOTDIR,
    ENOTSOCK,
    ENOTSUP,
    FDFLAG_NONBLOCK,
    RIGHT_FD_WRITE,
    TYPE_UNKNOWN,
    WasiError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .directories import Directory

    Piece = bytes | memoryview
    Write = Callable[[Piece], int]

    Times = tuple[int | None, int | None]  # of access and of modification; None: as it is

MAX_DESCRIPTORS = 1024


class Stat(NamedTuple):
    """What fd_filestat_get tells."""

    device: int
    inode: int
    type: int
    links: int
    size: int
    atime: int
    mtime: int
    ctime: int


class Descriptor:
    """What a file descriptor stands for. A subclass defines what it can do; the rest is EBADF.

    Attributes:
        type: A TYPE_*.
        rights: What the guest may do with it.
        inheriting: What it may do with what it opens below it.
        flags: FDFLAG_* bits.
    """

    type = TYPE_UNKNOWN
    rights = 0
    inheriting = 0
    flags = 0
    directory: Directory | None = None
    guest_name: bytes | None = None  # of a preopened directory

    # What writes one buffer without more ado, for the shortest way through fd_write.
    write_one: Write | None = None

    def require(self, right: int) -> None:
        """ENOTCAPABLE when a right is missing."""
        if self.rights & right != right:
            raise WasiError(ENOTCAPABLE)

    def close(self) -> None:
        """Lets go of what the host has behind it."""

    def read(self, buffers: list[memoryview]) -> int:
        """Reads into the buffers; 0 at the end."""
        raise WasiError(EBADF)

    def write(self, buffers: list[memoryview]) -> int:
        """Writes the buffers; how many bytes it was."""
        raise WasiError(EBADF)

    def pread(self, buffers: list[memoryview], offset: int) -> int:
        """Reads from an offset."""
        raise WasiError(EBADF)

    def pwrite(self, buffers: list[memoryview], offset: int) -> int:
        """Writes to an offset."""
        raise WasiError(EBADF)

    def seek(self, offset: int, whence: int) -> int:
        """Moves the position; where it is then."""
        raise WasiError(EBADF)

    def stat(self) -> Stat:
        """Of the file."""
        return Stat(0, 0, self.type, 1, 0, 0, 0, 0)

    def set_size(self, size: int) -> None:
        """Cuts or lengthens it."""
        raise WasiError(EINVAL)

    def set_times(self, times: Times) -> None:
        """Sets times in nanoseconds."""
        raise WasiError(EINVAL)

    def set_flags(self, flags: int) -> None:
        """Sets FDFLAG_* bits."""
        if flags & FDFLAG_NONBLOCK:
            raise WasiError(ENOTSUP)
        self.flags = flags

    def advise(self, offset: int, size: int, advice: int) -> None:
        """Takes advice."""

    def allocate(self, offset: int, size: int) -> None:
        """Reserves room."""
        raise WasiError(ENOTSUP)

    def sync(self, data_only: bool) -> None:
        """Brings it to the disk."""

    def poll_fd(self) -> int | None:
        """The host's descriptor to wait for; None: it is always ready."""
        return None

    def readable_bytes(self) -> int:
        """How many bytes are known to be there to read."""
        return 0

    def accept(self, nonblocking: bool) -> Descriptor:
        """Takes a connection."""
        raise WasiError(ENOTSOCK)

    def receive(self, buffers: list[memoryview], flags: int) -> tuple[int, bool]:
        """Reads from a socket: how many bytes, and whether a datagram was cut."""
        raise WasiError(ENOTSOCK)

    def send(self, buffers: list[memoryview]) -> int:
        """Writes to a socket."""
        raise WasiError(ENOTSOCK)

    def shutdown(self, how: int) -> None:
        """Ends one or both directions of a socket."""
        raise WasiError(ENOTSOCK)


class Descriptors:
    """The table of descriptors of a guest.

    Attributes:
        writers: For the shortest way through fd_write: those with the right and a write_one.
    """

    __slots__ = ("_entries", "writers")

    def __init__(self) -> None:
        self._entries: dict[int, Descriptor] = {}
        self.writers: dict[int, Write] = {}

    def _set(self, fd: int, descriptor: Descriptor) -> None:
        self._entries[fd] = descriptor
        self.changed(fd)

    def changed(self, fd: int) -> None:
        """After a change of the rights of a descriptor, or of what it stands for."""
        descriptor = self._entries.get(fd)
        writable = descriptor is not None and descriptor.rights & RIGHT_FD_WRITE
        if writable and descriptor is not None and descriptor.write_one is not None:
            self.writers[fd] = descriptor.write_one
        else:
            self.writers.pop(fd, None)

    def require_room(self) -> None:
        """For one descriptor more, before anything is done for it.

        Raises:
            WasiError: EMFILE.
        """
        if len(self._entries) >= MAX_DESCRIPTORS:
            raise WasiError(EMFILE)

    def add(self, descriptor: Descriptor) -> int:
        """Gives it the lowest free number.

        Raises:
            WasiError: EMFILE; the descriptor is closed then.
        """
        try:
            self.require_room()
        except WasiError:
            descriptor.close()
            raise
        fd = next(free for free in range(MAX_DESCRIPTORS) if free not in self._entries)
        self._set(fd, descriptor)
        return fd

    def get(self, fd: int, rights: int = 0) -> Descriptor:
        """The descriptor of a number.

        Raises:
            WasiError: EBADF; ENOTCAPABLE when it lacks one of the rights.
        """
        descriptor = self._entries.get(fd)
        if descriptor is None:
            raise WasiError(EBADF)
        if descriptor.rights & rights != rights:
            # What a directory cannot do has no right either.
            no_directory = descriptor.directory is not None and rights & ~DIRECTORY_RIGHTS
            raise WasiError(EBADF if no_directory else ENOTCAPABLE)
        return descriptor

    def directory(self, fd: int, right: int = 0) -> Directory:
        """The directory of a number.

        Raises:
            WasiError: EBADF; ENOTDIR; ENOTCAPABLE when it lacks the right.
        """
        descriptor = self.get(fd)
        if descriptor.directory is None:
            raise WasiError(ENOTDIR)
        descriptor.require(right)
        return descriptor.directory

    def close(self, fd: int) -> None:
        """Closes a number."""
        descriptor = self.get(fd)
        del self._entries[fd]
        self.changed(fd)
        descriptor.close()

    def renumber(self, fd: int, to: int) -> None:
        """Closes `to` and gives its number to what was `fd`."""
        descriptor, replaced = self.get(fd), self.get(to)
        if descriptor is replaced:
            return
        del self._entries[fd]
        self.changed(fd)
        self._set(to, descriptor)
        replaced.close()

    def close_all(self) -> None:
        """Closes everything; then the first error is raised, if there was one."""
        entries = list(self._entries.values())
        self._entries.clear()
        self.writers.clear()
        failed: Exception | None = None
        for descriptor in entries:
            try:
                descriptor.close()
            except Exception as error:  # of a file object of the user's: the others come first
                failed = failed or error
        if failed is not None:
            raise failed


def write_each(write_one: Write, buffers: list[memoryview]) -> int:
    """Writes buffers in turn, until one is not written as a whole.

    Raises:
        WasiError, OSError: Of the first one; a later one's is met again by the next call.
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
