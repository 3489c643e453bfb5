# SPDX-License-Identifier: MIT
"""The operations on a name below an open directory, by the calls of Windows NT.

NtCreateFile opens one name below the handle of a directory, and a link itself instead of what it
leads to. So nothing here follows a link or leaves a directory, whatever others rename meanwhile.
A place is a descriptor of the C library, as on other systems: os.close and os.dup work on it.
"""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager

from . import nt
from .at import At, Found, Scan
from .directories import Entry
from .files_windows import WindowsFile
from .open_flags import O_DIRECTORY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .descriptors import Descriptor
    from .directories import Opening
    from .nt_calls import Calls

_O_NOINHERIT = getattr(os, "O_NOINHERIT", 0)
_O_BINARY = getattr(os, "O_BINARY", 0)
_PLACE = nt.ANY | nt.FILE_TRAVERSE
_NAMED = nt.ANY  # enough to look at a file


class WindowsAt(At):
    """The calls of Windows."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def _create(self, place: int, name: str, request: nt.Request) -> int:
        """Opens or creates a name, or opens the directory itself once more by "."."""
        checked = "" if name == "." else nt.check_name(name)
        return self._calls.create(self._calls.handle_of(place), checked, request)

    @contextmanager
    def _opened(self, place: int, name: str, access: int) -> Iterator[int]:
        """Opens what a name stands for, even if it is a link."""
        handle = self._create(place, name, nt.Request(access, nt.FILE_OPEN, nt.NEVER_FOLLOW))
        try:
            yield handle
        finally:
            self._calls.close(handle)

    def _to_fd(self, handle: int, flags: int) -> int:
        return self._calls.to_fd(handle, flags | _O_NOINHERIT | _O_BINARY)

    def _found(self, handle: int) -> Found:
        information = self._calls.information(handle)
        size = 0
        if information.is_link() and information.tag in (nt.TAG_SYMLINK, nt.TAG_MOUNT_POINT):
            size = len(os.fsencode(nt.target_of(self._calls.reparse_data(handle))))
        return nt.found_of(information, size)

    def open_directory(self, path: str | bytes | os.PathLike[str]) -> int:
        """Opens a directory of the host by its path, for everything that is done below it."""
        handle = self._calls.open_path(path)
        try:
            is_directory = self._calls.information(handle).is_directory()
        except BaseException:
            self._calls.close(handle)
            raise
        if not is_directory:
            self._calls.close(handle)
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), os.fspath(path))
        return self._to_fd(handle, os.O_RDONLY)

    def enter(self, place: int, name: str) -> int | str:
        """Opens a directory below another one, or returns the target of a link of that name."""
        handle = self._create(place, name, nt.Request(_PLACE, nt.FILE_OPEN, nt.NEVER_FOLLOW))
        try:
            information = self._calls.information(handle)
            target = self._target(handle, information)
            if target is None and not information.is_directory():
                raise nt.os_error(errno.ENOTDIR)
        except BaseException:
            self._calls.close(handle)
            raise
        if target is not None:
            self._calls.close(handle)
            return target
        return self._to_fd(handle, os.O_RDONLY)

    def _target(self, handle: int, information: nt.Information) -> str | None:
        """Returns the target of a link; None for another file, EPERM for other reparse points."""
        if not information.is_link():
            return None
        if information.tag not in (nt.TAG_SYMLINK, nt.TAG_MOUNT_POINT):
            raise nt.os_error(errno.EPERM)
        return nt.target_of(self._calls.reparse_data(handle))

    def open(self, place: int, name: str, flags: int, mode: int) -> int:
        """Opens a file or a directory, which must not be a link."""
        handle = self._create(place, name, nt.request_of(flags))
        try:
            information = self._calls.information(handle)
            if information.is_link():
                raise nt.os_error(errno.ENOTDIR if flags & O_DIRECTORY else errno.ELOOP)
            if flags & os.O_TRUNC and not information.is_directory():
                self._calls.set_size(handle, 0)
        except BaseException:
            self._calls.close(handle)
            raise
        return self._to_fd(handle, flags & (os.O_WRONLY | os.O_RDWR))

    def descriptor(self, fd: int, opening: Opening, read_only: bool) -> Descriptor | None:
        """Returns what the guest gets for a file that was opened; None for a directory."""
        if self._calls.information(self._calls.handle_of(fd)).is_directory():
            return None
        mode = "rb" if not opening.write else "rb+" if opening.read else "wb"
        # "wb" does not cut the file here, because it is open already.
        stream = io.FileIO(fd, mode, closefd=False)
        return WindowsFile(stream, self._calls, opening, read_only)

    def stat(self, place: int, name: str) -> Found:
        """Describes what a name stands for; "." is the directory itself."""
        with self._opened(place, name, _NAMED) as handle:
            return self._found(handle)

    def stat_of_open(self, fd: int) -> Found:
        """Describes what a descriptor stands for."""
        return self._found(self._calls.handle_of(fd))

    def link_target(self, place: int, name: str) -> str | None:
        """Returns the target of a symbolic link, or None if the name is not that of a link."""
        try:
            with self._opened(place, name, _NAMED) as handle:
                return self._target(handle, self._calls.information(handle))
        except FileNotFoundError:
            return None

    def read_link(self, place: int, name: str) -> bytes:
        """Returns the target of a symbolic link. EINVAL if the name is not that of a link."""
        with self._opened(place, name, _NAMED) as handle:
            target = self._target(handle, self._calls.information(handle))
        if target is None:
            raise nt.os_error(errno.EINVAL)
        return os.fsencode(target)

    def make_link(self, target: str, place: int, name: str) -> None:
        """Refuses to create a link: Windows demands a privilege, and to know what it leads to."""
        nt.check_name(name)
        raise nt.os_error(errno.ENOTSUP)

    def make_directory(self, place: int, name: str) -> None:
        """Creates a directory."""
        if name == ".":
            raise nt.os_error(errno.EEXIST)
        options = nt.NEVER_FOLLOW | nt.FILE_DIRECTORY_FILE
        self._calls.close(self._create(place, name, nt.Request(nt.ANY, nt.FILE_CREATE, options)))

    def remove_directory(self, place: int, name: str) -> None:
        """Removes an empty directory."""
        if name == ".":
            raise nt.os_error(errno.EINVAL)
        with self._opened(place, name, nt.ANY | nt.DELETE) as handle:
            if not self._calls.information(handle).is_directory():
                raise nt.os_error(errno.ENOTDIR)
            self._calls.remove(handle)

    def unlink(self, place: int, name: str) -> None:
        """Removes a file or a link. A directory is EISDIR."""
        if name == ".":
            raise nt.os_error(errno.EISDIR)
        with self._opened(place, name, nt.ANY | nt.DELETE) as handle:
            if self._calls.information(handle).is_directory():
                raise nt.os_error(errno.EISDIR)
            self._calls.remove(handle)

    def rename(self, place: int, name: str, to_place: int, to_name: str) -> None:
        """Renames a file, a link or a directory. It replaces what has the new name, as in POSIX.

        Windows does not replace an empty directory by another one. It is removed first, so others
        may see for a moment that there is none.
        """
        nt.check_name(to_name)
        with self._opened(place, name, nt.ANY | nt.DELETE) as handle:
            if self._make_way(self._calls.information(handle), to_place, name, to_name):
                self._calls.rename(handle, self._calls.handle_of(to_place), to_name)

    def _make_way(self, moved: nt.Information, place: int, name: str, to_name: str) -> bool:
        """Looks at what has the new name. False if it is the same file, which keeps both names."""
        try:
            with self._opened(place, to_name, _NAMED) as handle:
                there = self._calls.information(handle)
        except FileNotFoundError:
            return True
        if (there.volume, there.file_id) == (moved.volume, moved.file_id):
            # "a" may become "A", although both name the file already.
            return name.casefold() == to_name.casefold() and name != to_name
        if moved.is_directory() and not there.is_directory():
            raise nt.os_error(errno.ENOTDIR)
        if there.is_directory():
            if not moved.is_directory():
                raise nt.os_error(errno.EISDIR)
            self.remove_directory(place, to_name)
        return True

    def link(self, place: int, name: str, to_place: int, to_name: str) -> None:
        """Creates a hard link."""
        nt.check_name(to_name)
        with self._opened(place, name, nt.ANY | nt.FILE_WRITE_ATTRIBUTES) as handle:
            if self._calls.information(handle).is_directory():
                raise nt.os_error(errno.EPERM)
            self._calls.link(handle, self._calls.handle_of(to_place), to_name)

    def set_times(self, place: int, name: str, times: tuple[int, int]) -> None:
        """Sets the times of access and modification, in nanoseconds since 1970."""
        accessed, written = map(nt.file_time, times)
        with self._opened(place, name, nt.ANY | nt.FILE_WRITE_ATTRIBUTES) as handle:
            self._calls.set_times(handle, accessed, written)

    def scan(self, place: int) -> Scan:
        """Begins a listing of a directory."""
        options = nt.NEVER_FOLLOW | nt.FILE_DIRECTORY_FILE
        request = nt.Request(nt.ANY | nt.FILE_LIST_DIRECTORY, nt.FILE_OPEN, options)
        return WindowsScan(self._calls, self._create(place, ".", request))

    def sync(self, place: int) -> None:
        """Does nothing: Windows flushes no directory."""


class WindowsScan(Scan):
    """A listing of a directory, which asks for many entries at a time."""

    def __init__(self, calls: Calls, handle: int) -> None:
        self._calls = calls
        self._handle = handle
        self._left: Iterator[Entry] = self._entries()

    def _entries(self) -> Iterator[Entry]:
        restart = True
        while data := self._calls.list(self._handle, restart):
            restart = False
            yield from nt.entries_of(data)

    def __next__(self) -> Entry:
        """Returns the next entry whose name is UTF-8."""
        return next(self._left)

    def close(self) -> None:
        """Closes what the host has open for the listing."""
        handle, self._handle = self._handle, 0
        if handle:
            self._left = iter(())
            self._calls.close(handle)
