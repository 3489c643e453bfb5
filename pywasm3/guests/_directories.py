# SPDX-License-Identifier: MIT
"""Finds the preopened directory that an absolute path of a guest leads into.

WASI's guests name a directory by its descriptor. The file systems that Go and Emscripten know have
one tree instead, whose root is "/". The preopened directories are parts of it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from ..wasi.abi import EBADF, ENOENT, TYPE_DIRECTORY, WasiError
from ..wasi.records import Stat

if TYPE_CHECKING:
    from ..wasi import Wasi
    from ..wasi.descriptors import Descriptor
    from ..wasi.directories import Directory

# What is known of the root, and of other directories that are there only because preopened ones are
# below them.
ABOVE = Stat(0, 0, TYPE_DIRECTORY, 1, 0, 0, 0, 0)


class Place(NamedTuple):
    """Where a path leads.

    Attributes:
        directory: The directory that the path is below; None if the path names the root or another
            directory that is there only because preopened ones are below it.
        path: The path from the directory on.
        names: What is in a directory that is there only for those below it.
    """

    directory: Directory | None
    path: str
    names: tuple[str, ...] = ()

    def required(self, errno: int) -> Directory:
        """Returns the directory, or raises WasiError with an errno if there is none."""
        if self.directory is None:
            raise WasiError(errno)
        return self.directory

    def stat(self, *, follow: bool) -> Stat:
        """Describes what the path names."""
        return ABOVE if self.directory is None else self.directory.stat(self.path, follow)


class Roots:
    """The preopened directories of a guest, by their absolute paths."""

    __slots__ = ("_fds", "_given", "_wasi")

    def __init__(self, wasi: Wasi) -> None:
        """Takes the preopened directories. One named "." is the root."""
        self._wasi = wasi
        self._fds: dict[str, int] = {}
        self._given: dict[int, Descriptor] = {}
        for fd in range(len(wasi.descriptors)):
            descriptor = wasi.descriptors.get(fd)
            if descriptor.guest_name is not None and descriptor.directory is not None:
                self._fds.setdefault(normalized(os.fsdecode(descriptor.guest_name)), fd)
                self._given[fd] = descriptor

    def find(self, absolute: str, tail: str = "") -> Place:
        """Finds where a path leads.

        Args:
            absolute: The path, as `normalized` returns it.
            tail: "/" if what the path names must be a directory, to which a link may lead.

        Raises:
            WasiError: EBADF when the guest has closed the preopened directory; ENOENT when no
                preopened directory is on the path.
        """
        root = absolute
        while root not in self._fds:
            if root == "/":
                return self._above(absolute)
            root = root.rpartition("/")[0] or "/"
        below = absolute[len(root) :].lstrip("/")
        return Place(self._directory(self._fds[root]), f"{below}{tail}" if below else ".")

    def _directory(self, fd: int) -> Directory:
        descriptor = self._wasi.descriptors.get(fd)
        if descriptor is not self._given[fd] or descriptor.directory is None:
            raise WasiError(EBADF)  # the guest has closed it and opened something else
        return descriptor.directory

    def _above(self, absolute: str) -> Place:
        prefix = absolute.rstrip("/") + "/"
        below = {
            root[len(prefix) :].partition("/")[0] for root in self._fds if root.startswith(prefix)
        }
        if not below and absolute != "/":
            raise WasiError(ENOENT)
        return Place(None, ".", tuple(sorted(below)))


def normalized(path: str, start: str = "/") -> str:
    """Returns an absolute path without "." and "..", and without a slash at its end.

    Args:
        path: The path.
        start: The absolute path that a relative one begins at.
    """
    names: list[str] = []
    for name in (path if path.startswith("/") else f"{start}/{path}").split("/"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names)
