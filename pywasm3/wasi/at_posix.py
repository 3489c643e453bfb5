# SPDX-License-Identifier: MIT
"""The operations on a name below an open directory, by the calls of POSIX."""

from __future__ import annotations

import errno
import os
import stat as _stat

from .abi import (
    EISDIR,
    FDFLAG_NONBLOCK,
    MASK_U64,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SYMBOLIC_LINK,
    TYPE_UNKNOWN,
    WasiError,
)
from .at import At, Scan
from .directories import Entry
from .files_host import HostFile
from .host_stat import type_of
from .linkat import link
from .open_flags import PLACE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .descriptors import Descriptor
    from .directories import Opening

_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


class PosixAt(At):
    """The calls of POSIX, by Python's `dir_fd`."""

    def open_directory(self, path: str | bytes | os.PathLike[str]) -> int:
        """Opens a directory of the host by its path, for everything that is done below it."""
        return os.open(path, _LIST)

    def enter(self, place: int, name: str) -> int | str:
        """Opens a directory below another one, or returns the target of a link of that name."""
        try:
            return os.open(name, PLACE | os.O_NOFOLLOW, dir_fd=place)
        except OSError as error:
            if error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                raise
            target = self.link_target(place, name)
            if target is None:
                raise
            return target

    def open(self, place: int, name: str, flags: int, mode: int) -> int:
        """Opens a file or a directory, which must not be a link."""
        return os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, mode, dir_fd=place)

    def descriptor(self, fd: int, opening: Opening, read_only: bool) -> Descriptor | None:
        """Returns what the guest gets for a file that was opened; None for a directory."""
        mode = os.fstat(fd).st_mode
        if _stat.S_ISDIR(mode):
            if opening.write:  # The kernel has refused it, if it was asked.
                raise WasiError(EISDIR)
            return None
        if _stat.S_ISREG(mode) and not opening.fdflags & FDFLAG_NONBLOCK:
            os.set_blocking(fd, True)
        return HostFile(
            fd, opening.fdflags, read=opening.read, write=opening.write, read_only=read_only
        )

    def stat(self, place: int, name: str) -> os.stat_result:
        """Describes what a name stands for; "." is the directory itself."""
        return os.stat(name, dir_fd=place, follow_symlinks=False)

    def stat_of_open(self, fd: int) -> os.stat_result:
        """Describes what a descriptor stands for."""
        return os.fstat(fd)

    def link_target(self, place: int, name: str) -> str | None:
        """Returns the target of a symbolic link, or None if the name is not that of a link."""
        try:
            return os.readlink(name, dir_fd=place)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOENT):
                return None
            raise

    def read_link(self, place: int, name: str) -> bytes:
        """Returns the target of a symbolic link. EINVAL if the name is not that of a link."""
        return os.fsencode(os.readlink(name, dir_fd=place))

    def make_link(self, target: str, place: int, name: str) -> None:
        """Creates a symbolic link."""
        os.symlink(target, name, dir_fd=place)

    def make_directory(self, place: int, name: str) -> None:
        """Creates a directory."""
        os.mkdir(name, 0o777, dir_fd=place)

    def remove_directory(self, place: int, name: str) -> None:
        """Removes an empty directory."""
        os.rmdir(name, dir_fd=place)

    def unlink(self, place: int, name: str) -> None:
        """Removes a file or a link. A directory is EPERM or EISDIR."""
        os.unlink(name, dir_fd=place)

    def rename(self, place: int, name: str, to_place: int, to_name: str) -> None:
        """Renames a file, a link or a directory. It replaces what has the new name, as in POSIX."""
        os.rename(name, to_name, src_dir_fd=place, dst_dir_fd=to_place)

    def link(self, place: int, name: str, to_place: int, to_name: str) -> None:
        """Creates a hard link."""
        link(place, name, to_place, to_name)

    def set_times(self, place: int, name: str, times: tuple[int, int]) -> None:
        """Sets the times of access and modification, in nanoseconds since 1970."""
        os.utime(name, ns=times, dir_fd=place, follow_symlinks=False)

    def scan(self, place: int) -> Scan:
        """Begins a listing of a directory."""
        return PosixScan(place)

    def sync(self, place: int) -> None:
        """Writes to the disk what the host has buffered of a directory."""
        os.fsync(place)


class PosixScan(Scan):
    """A listing of a directory, as the system reads it."""

    def __init__(self, place: int) -> None:
        # This needs a descriptor of its own, because duplicates would share one listing position.
        # It stays open, because entries whose type the system does not tell are looked at below it.
        self._fd = os.open(".", _LIST, dir_fd=place)
        try:
            self._scan = os.scandir(self._fd)
        except BaseException:
            os.close(self._fd)
            raise
        self._left = _entries(self._scan)

    def __next__(self) -> Entry:
        """Returns the next entry whose name is UTF-8."""
        return next(self._left)

    def close(self) -> None:
        """Closes what the host has open for the listing."""
        fd, self._fd = self._fd, -1
        self._scan.close()
        if fd >= 0:
            os.close(fd)


def _entries(scan: Iterator[os.DirEntry[str]]) -> Iterator[Entry]:
    for entry in scan:
        name = os.fsencode(entry.name)
        try:
            name.decode()
        except UnicodeDecodeError:
            continue
        yield Entry(name, entry.inode() & MASK_U64, _entry_type(entry))


def _entry_type(entry: os.DirEntry[str]) -> int:
    if entry.is_symlink():
        return TYPE_SYMBOLIC_LINK
    if entry.is_dir(follow_symlinks=False):
        return TYPE_DIRECTORY
    if entry.is_file(follow_symlinks=False):
        return TYPE_REGULAR
    try:
        return type_of(entry.stat(follow_symlinks=False).st_mode)
    except OSError:  # The file was removed after it was listed.
        return TYPE_UNKNOWN
