# SPDX-License-Identifier: MIT
"""Directories of the host, as a guest sees them, and the files that are opened below them."""

from __future__ import annotations

import errno
import os
import stat as _stat
from collections import deque

from . import openat, waiting
from .abi import (
    EBUSY,
    EEXIST,
    EISDIR,
    ELOOP,
    ENOENT,
    ENOTDIR,
    EPERM,
    EROFS,
    FDFLAG_NONBLOCK,
    MASK_U64,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    OFLAG_EXCL,
    OFLAG_TRUNC,
    TYPE_DIRECTORY,
    TYPE_SYMBOLIC_LINK,
    WasiError,
)
from .descriptors import DirectoryDescriptor
from .directories import Directory, Entry
from .host_at import AT
from .host_stat import both_times, stat_of
from .open_flags import O_NONBLOCK, open_flags
from .paths import creates_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .descriptors import Descriptor, Times
    from .directories import Opening
    from .records import Stat


class HostDirectory(Directory):
    """A directory of the host."""

    def __init__(self, fd: int, read_only: bool) -> None:
        """Takes an open descriptor of the host, and closes it later."""
        self.fd = fd
        self.read_only = read_only
        self._scan: _Scan | None = None

    def close(self) -> None:
        """Closes the host's descriptor."""
        self.end_listing()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)

    def __del__(self) -> None:
        if getattr(self, "fd", -1) >= 0:
            self.close()

    def _require_writable(self) -> None:
        if self.read_only:
            raise WasiError(EROFS)

    def _require_writable_for(self, place: int, name: str) -> None:
        """Checks that a name can be made. That it exists comes before EROFS, as on Linux."""
        if self.read_only:
            try:
                AT.stat(place, name)
            except FileNotFoundError:
                raise WasiError(EROFS) from None
            raise WasiError(EEXIST)

    def open(self, path: str, opening: Opening) -> Descriptor:
        """Opens or creates what the path names, for reading and writing as `opening` says."""
        how = self._without_writing(path, opening) if self.read_only else opening
        fd = self._open(path, how)
        try:
            file = AT.descriptor(fd, opening, self.read_only)
        except BaseException:
            os.close(fd)
            raise
        return file or HostDirectoryDescriptor(HostDirectory(fd, self.read_only))

    def _open(self, path: str, opening: Opening) -> int:
        """Opens a path without blocking in the host: opening a FIFO waits for its other end."""
        flags = open_flags(opening) | O_NONBLOCK
        while True:
            try:
                return openat.BENEATH.open(self.fd, path, flags, 0o666, opening.follow)
            except OSError as error:
                if opening.fdflags & FDFLAG_NONBLOCK or not self._may_wait(error, path, opening):
                    raise
            waiting.pause()

    def _may_wait(self, error: OSError, path: str, opening: Opening) -> bool:
        """Tells whether opening fails only for now, so that a blocking open would wait."""
        if error.errno == errno.EAGAIN:  # Another process has a lease on the file.
            return True
        if error.errno != errno.ENXIO:  # Nobody has opened the FIFO for reading.
            return False
        with _Place(self, path, opening.follow) as (place, name):
            return _stat.S_ISFIFO(AT.stat(place, name).st_mode)

    def _without_writing(self, path: str, opening: Opening) -> Opening:
        """Returns what to open below a read-only directory.

        The errors are those of a file system that is mounted read-only: a file that exists can be
        opened with O_CREAT, for example, but a new one cannot be made. A file that is opened for
        reading and writing can be read.
        """
        oflags = opening.oflags
        if oflags & OFLAG_CREAT and creates_directory(path):
            with _Place(self, path.rstrip("/"), False):
                raise WasiError(EISDIR)
        changes = (opening.write and not opening.read) or oflags & OFLAG_TRUNC
        if oflags & OFLAG_CREAT or changes:
            exclusive = oflags & (OFLAG_CREAT | OFLAG_EXCL) == OFLAG_CREAT | OFLAG_EXCL
            try:
                found = self.stat(path, opening.follow and not exclusive)
            except OSError as error:
                missing = error.errno == errno.ENOENT and oflags & OFLAG_CREAT
                raise (WasiError(EROFS) if missing else error) from None
            if exclusive:
                raise WasiError(EEXIST)
            if found.type == TYPE_SYMBOLIC_LINK:
                raise WasiError(ENOTDIR if oflags & OFLAG_DIRECTORY else ELOOP)
            if found.type == TYPE_DIRECTORY:
                raise WasiError(EISDIR)
            if oflags & OFLAG_DIRECTORY:
                raise WasiError(ENOTDIR)
            if changes:
                raise WasiError(EROFS)
        return opening._replace(write=False, oflags=oflags & ~OFLAG_CREAT)

    def entries(self, cookie: int) -> Iterator[tuple[int, Entry]]:
        """Yields the entries whose names are UTF-8; a guest could not use the others."""
        if cookie == 0:
            self.end_listing()
            own = AT.stat_of_open(self.fd).st_ino & MASK_U64
            yield 1, Entry(b".", own, TYPE_DIRECTORY)
        if cookie <= 1:
            yield 2, Entry(b"..", 0, TYPE_DIRECTORY)
        if self._scan is not None and not self._scan.knows(cookie):
            self.end_listing()
        if self._scan is None:
            self._scan = _Scan(self.fd)
        yield from self._scan.read(max(cookie, _Scan.FIRST))

    def end_listing(self) -> None:
        """Closes what the host has open for a listing."""
        scan, self._scan = self._scan, None
        if scan is not None:
            scan.close()

    def stat(self, path: str, follow: bool) -> Stat:
        """Describes what the path names."""
        with _Place(self, path, follow) as (place, name):
            return stat_of(AT.stat(place, name))

    def set_times(self, path: str, follow: bool, times: Times) -> None:
        """Sets the times of what the path names, in nanoseconds."""
        with _Place(self, path, follow) as (place, name):
            found = AT.stat(place, name)
            self._require_writable()
            AT.set_times(place, name, both_times(times, found))

    def make_directory(self, path: str) -> None:
        """Creates a directory."""
        with _Place(self, _without_slash(path), False) as (place, name):
            self._require_writable_for(place, name)
            AT.make_directory(place, name)

    def remove_directory(self, path: str) -> None:
        """Removes an empty directory. A symbolic link to a directory is ENOTDIR."""
        self._require_writable()
        with _Place(self, _without_slash(path), False) as (place, name):
            AT.remove_directory(place, name)

    def unlink(self, path: str) -> None:
        """Removes a file or a symbolic link."""
        self._require_writable()
        with _Place(self, path, False) as (place, name):
            try:
                AT.unlink(place, name)
            except PermissionError:
                if name == "." or openat.is_directory_at(place, name):
                    raise WasiError(EISDIR) from None
                raise

    def read_link(self, path: str) -> bytes:
        """Returns the target of a symbolic link."""
        with _Place(self, path, False) as (place, name):
            return AT.read_link(place, name)

    def make_link(self, target: str, path: str) -> None:
        """Creates a symbolic link; absolute targets could only mislead programs of the host."""
        if not target:
            raise WasiError(ENOENT)
        if target[:1] == "/":
            raise WasiError(EPERM)
        with _Place(self, _without_slash(path), False) as (place, name):
            _refuse_slash(place, name, path)
            self._require_writable_for(place, name)
            AT.make_link(target, place, name)

    def rename(self, path: str, to: Directory, to_path: str) -> None:
        """Renames a file or directory, perhaps into another directory of the host."""
        if not isinstance(to, HostDirectory):
            return super().rename(path, to, to_path)
        self._require_writable()
        to._require_writable()
        with (
            _Place(self, _without_slash(path), False) as (place, name),
            _Place(to, _without_slash(to_path), False) as (to_place, to_name),
        ):
            if name == "." or to_name == ".":
                raise WasiError(EBUSY)
            if "/" in (path[-1], to_path[-1]) and not openat.is_directory_at(place, name):
                raise WasiError(ENOTDIR)
            AT.rename(place, name, to_place, to_name)

    def link(self, path: str, follow: bool, to: Directory, to_path: str) -> None:
        """Creates a hard link to `path` at `to_path` below the directory `to`."""
        if not isinstance(to, HostDirectory):
            return super().link(path, follow, to, to_path)
        with (
            _Place(self, path, follow) as (place, name),
            _Place(to, _without_slash(to_path), False) as (to_place, to_name),
        ):
            if to_path.endswith("/") or self.read_only or to.read_only:
                # A source that does not exist is reported before what is wrong with the new name.
                AT.stat(place, name)
            _refuse_slash(to_place, to_name, to_path)
            to._require_writable_for(to_place, to_name)
            # A link elsewhere to a file of a read-only directory would make the file writable.
            self._require_writable()
            AT.link(place, name, to_place, to_name)


class _Scan:
    """A listing of a directory, which reads the entries one after the other, and keeps the last.

    The cookie of an entry is its place in the order in which the system lists the directory.
    """

    FIRST = 2  # The cookie of the first entry: "." and ".." come before it.
    _KEPT = 64  # A guest goes back by one entry, when that was cut at the end of its buffer.

    def __init__(self, directory: int) -> None:
        self._left = AT.scan(directory)
        self._kept: deque[Entry] = deque(maxlen=self._KEPT)
        self._next = self.FIRST  # The cookie of the entry that is read next.

    def knows(self, cookie: int) -> bool:
        """Tells whether the entry of a cookie is kept, or still to come."""
        return max(cookie, self.FIRST) >= self._next - len(self._kept)

    def read(self, cookie: int) -> Iterator[tuple[int, Entry]]:
        """Yields the entries from a cookie on that is known."""
        while True:
            back = self._next - cookie
            if back > 0:
                cookie += 1
                yield cookie, self._kept[-back]
            else:
                waiting.check()
                entry = next(self._left, None)
                if entry is None:
                    return
                self._kept.append(entry)
                self._next += 1

    def close(self) -> None:
        """Closes what the host has open."""
        self._left.close()


class _Place:
    """Opens the directory that holds what a path names, and closes it at the end of the `with`.

    The `with` yields its descriptor and the last name of the path, without a slash at its end. A
    path that ends in a slash must name a directory; this is checked here, because the host would
    follow a symbolic link if it were given the slash.
    """

    def __init__(self, directory: HostDirectory, path: str, follow: bool) -> None:
        found = openat.BENEATH.parent(directory.fd, path, follow)
        self._fd, self._name, must_be_directory = found
        try:
            if must_be_directory and not openat.is_directory_at(self._fd, self._name):
                raise WasiError(ENOTDIR)
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> tuple[int, str]:
        return self._fd, self._name

    def __exit__(self, *exception: object) -> None:
        os.close(self._fd)


def _refuse_slash(place: int, name: str, path: str) -> None:
    """Refuses a slash at the end of a new name that is not a directory's."""
    if path.endswith("/"):
        AT.stat(place, name)  # raises ENOENT if the name is free
        raise WasiError(EEXIST)


def _without_slash(path: str) -> str:
    """Returns the path without slashes at its end, for calls that do not follow a link there."""
    return path.rstrip("/") or path


class HostDirectoryDescriptor(DirectoryDescriptor):
    """A descriptor of a directory of the host."""

    def __init__(self, directory: HostDirectory) -> None:
        """Takes the directory over, and closes it later."""
        self.directory: HostDirectory = directory

    def close(self) -> None:
        """Closes the host's descriptor of the directory."""
        self.directory.close()

    def stat(self) -> Stat:
        """Describes the directory."""
        return stat_of(AT.stat_of_open(self.directory.fd))

    def set_times(self, times: Times) -> None:
        """Sets the times of the directory, in nanoseconds."""
        self.directory.set_times(".", False, times)

    def sync(self, data_only: bool) -> None:
        """Writes to the disk what the host has buffered of the directory."""
        AT.sync(self.directory.fd)


def open_directory(path: str | bytes | os.PathLike[str], read_only: bool) -> Descriptor:
    """Opens a directory of the host that a guest finds preopened.

    Raises:
        OSError: It cannot be opened, or it is not a directory.
    """
    return HostDirectoryDescriptor(HostDirectory(AT.open_directory(path), read_only))
