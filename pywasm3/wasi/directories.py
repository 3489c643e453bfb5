# SPDX-License-Identifier: MIT
"""The interface of a directory, on the host or in memory. The path_* functions call it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .abi import EXDEV, WasiError
from .records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from .descriptors import Descriptor, Times
    from .records import Stat


class Entry(NamedTuple):
    """An entry of a directory."""

    name: bytes
    inode: int
    type: int


class Opening(NamedTuple):
    """How path_open opens a path: OFLAG_* and FDFLAG_* bits, and what the guest wants to do."""

    oflags: int
    fdflags: int
    follow: bool
    read: bool
    write: bool


class Directory(ABC):
    """An open directory.

    Paths are text without NUL, relative to the directory. Methods raise WasiError or OSError.
    `follow` says whether a symbolic link in the last place of a path is followed. Links in the
    other places are always followed.
    """

    @abstractmethod
    def open(self, path: str, opening: Opening) -> Descriptor:
        """Opens or creates what the path names, for reading and writing as `opening` says."""

    @abstractmethod
    def entries(self, cookie: int) -> Iterator[tuple[int, Entry]]:
        """Yields the entries from a cookie on, each with the cookie of what follows it.

        Cookie 0 begins a listing anew, with `.` and `..`, and lists what is there now. If the
        directory changes later, the entries that stay keep their cookies as long as the listing
        goes on.
        """

    @abstractmethod
    def end_listing(self) -> None:
        """Lets go of what the host has open for a listing; it goes on from any cookie anyway."""

    @abstractmethod
    def stat(self, path: str, follow: bool) -> Stat:
        """Describes what the path names."""

    @abstractmethod
    def set_times(self, path: str, follow: bool, times: Times) -> None:
        """Sets the times of what the path names, in nanoseconds."""

    @abstractmethod
    def make_directory(self, path: str) -> None:
        """Creates a directory."""

    @abstractmethod
    def remove_directory(self, path: str) -> None:
        """Removes an empty directory."""

    @abstractmethod
    def unlink(self, path: str) -> None:
        """Removes a file or a symbolic link."""

    @abstractmethod
    def read_link(self, path: str) -> bytes:
        """Returns the target of a symbolic link."""

    @abstractmethod
    def make_link(self, target: str, path: str) -> None:
        """Creates a symbolic link."""

    def rename(self, path: str, to: Directory, to_path: str) -> None:
        """Renames a file or directory, perhaps into another directory of the same kind."""
        raise WasiError(EXDEV)

    def link(self, path: str, follow: bool, to: Directory, to_path: str) -> None:
        """Creates a hard link to `path` at `to_path` below the directory `to`."""
        raise WasiError(EXDEV)
