# SPDX-License-Identifier: MIT
"""What a directory can do, be it of the host or virtual: the interface behind path_*."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

from .abi import EXDEV, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .fds import Descriptor, Stat, Times


class Entry(NamedTuple):
    """An entry of a directory."""

    name: bytes
    inode: int
    type: int


class Opening(NamedTuple):
    """How path_open shall open: OFLAG_* and FDFLAG_* bits, and for what."""

    oflags: int
    fdflags: int
    follow: bool
    read: bool
    write: bool


class Directory(ABC):
    """An open directory. Paths are text without NUL, relative to it; errors are WasiError, OSError.

    `follow` means a symbolic link in the last place of a path; those before it are followed always.
    """

    @abstractmethod
    def open(self, path: str, opening: Opening) -> Descriptor:
        """Opens or creates; of the descriptor, the caller sets the rights."""

    @abstractmethod
    def entries(self) -> list[Entry]:
        """All entries, `.` and `..` first."""

    @abstractmethod
    def stat(self, path: str, follow: bool) -> Stat:
        """Of what the path names."""

    @abstractmethod
    def set_times(self, path: str, follow: bool, times: Times) -> None:
        """Sets times in nanoseconds."""

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
        """The target of a symbolic link."""

    @abstractmethod
    def make_link(self, target: str, path: str) -> None:
        """Creates a symbolic link."""

    def rename(self, path: str, to: Directory, to_path: str) -> None:
        """Renames, perhaps into another directory of the same kind."""
        raise WasiError(EXDEV)

    def link(self, path: str, follow: bool, to: Directory, to_path: str) -> None:
        """Creates a hard link."""
        raise WasiError(EXDEV)
