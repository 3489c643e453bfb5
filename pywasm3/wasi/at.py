# SPDX-License-Identifier: MIT
"""What a guest's calls need of the host: operations on a name below an open directory.

A directory of the host is a descriptor. No operation here follows a link in the place of the name,
so nothing leads out of the directory. at_posix.py implements the interface by the calls of POSIX
that end in `at`, and at_windows.py by those of Windows NT, which take the handle of a directory.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod

from .records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .descriptors import Descriptor
    from .directories import Entry, Opening


class Found(NamedTuple):
    """What stat() tells of a file. The names are those of os.stat_result, and so are the units."""

    st_mode: int
    st_ino: int
    st_dev: int
    st_nlink: int
    st_size: int
    st_atime_ns: int
    st_mtime_ns: int
    st_ctime_ns: int


class At(ABC):
    """The operations on a name below an open directory, `place`. They raise OSError."""

    @abstractmethod
    def open_directory(self, path: str | bytes | os.PathLike[str]) -> int:
        """Opens a directory of the host by its path, for everything that is done below it."""

    @abstractmethod
    def enter(self, place: int, name: str) -> int | str:
        """Opens a directory below another one, or returns the target of a link of that name."""

    @abstractmethod
    def open(self, place: int, name: str, flags: int, mode: int) -> int:
        """Opens a file or a directory, which must not be a link."""

    @abstractmethod
    def descriptor(self, fd: int, opening: Opening, read_only: bool) -> Descriptor | None:
        """Returns what the guest gets for a file that was opened; None for a directory.

        The descriptor `fd` is then owned by the result. It stays the caller's if this raises.
        """

    @abstractmethod
    def stat(self, place: int, name: str) -> os.stat_result | Found:
        """Describes what a name stands for; "." is the directory itself."""

    @abstractmethod
    def stat_of_open(self, fd: int) -> os.stat_result | Found:
        """Describes what a descriptor stands for."""

    @abstractmethod
    def link_target(self, place: int, name: str) -> str | None:
        """Returns the target of a symbolic link, or None if the name is not that of a link."""

    @abstractmethod
    def read_link(self, place: int, name: str) -> bytes:
        """Returns the target of a symbolic link. EINVAL if the name is not that of a link."""

    @abstractmethod
    def make_link(self, target: str, place: int, name: str) -> None:
        """Creates a symbolic link."""

    @abstractmethod
    def make_directory(self, place: int, name: str) -> None:
        """Creates a directory."""

    @abstractmethod
    def remove_directory(self, place: int, name: str) -> None:
        """Removes an empty directory."""

    @abstractmethod
    def unlink(self, place: int, name: str) -> None:
        """Removes a file or a link. A directory is EPERM or EISDIR."""

    @abstractmethod
    def rename(self, place: int, name: str, to_place: int, to_name: str) -> None:
        """Renames a file, a link or a directory. It replaces what has the new name, as in POSIX."""

    @abstractmethod
    def link(self, place: int, name: str, to_place: int, to_name: str) -> None:
        """Creates a hard link."""

    @abstractmethod
    def set_times(self, place: int, name: str, times: tuple[int, int]) -> None:
        """Sets the times of access and modification, in nanoseconds since 1970."""

    @abstractmethod
    def scan(self, place: int) -> Scan:
        """Begins a listing of a directory."""

    @abstractmethod
    def sync(self, place: int) -> None:
        """Writes to the disk what the host has buffered of a directory."""


class Scan(ABC):
    """A listing of a directory that goes on: an iterator of entries, without "." and ".."."""

    def __iter__(self) -> Iterator[Entry]:
        return self

    @abstractmethod
    def __next__(self) -> Entry:
        """Returns the next entry whose name is UTF-8."""

    @abstractmethod
    def close(self) -> None:
        """Closes what the host has open for the listing."""
