# SPDX-License-Identifier: MIT
"""Finds the preopened directory that a path of the guest leads into."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

from ...wasi.abi import EBADF, ENOENT, TYPE_DIRECTORY, WasiError
from ...wasi.records import Stat

if TYPE_CHECKING:
    from ...wasi import Wasi
    from ...wasi.directories import Directory
    from ...wasi.fds import Descriptor


class Place(NamedTuple):
    """Where a path leads.

    Attributes:
        directory: The directory that the path is below; None if the path names the root or another
            directory that is there only because preopened ones are below it.
        path: The path from the directory on.
    """

    directory: Directory | None
    path: str

    def required(self, errno: int) -> Directory:
        """Returns the directory, or raises WasiError with an errno if there is none."""
        if self.directory is None:
            raise WasiError(errno)
        return self.directory

    def stat(self, *, follow: bool) -> Stat:
        """Describes what the path names."""
        if self.directory is None:
            return Stat(0, 0, TYPE_DIRECTORY, 1, 0, 0, 0, 0)
        return self.directory.stat(self.path, follow)


class Files:
    """The directories of a guest, by paths that begin at a root.

    Attributes:
        cwd: The working directory, as a path from the root.
    """

    def __init__(self, wasi: Wasi) -> None:
        """Takes the preopened directories. With a directory named "." paths begin in it."""
        self._wasi = wasi
        self.cwd = "/"
        self._roots: dict[str, int] = {}  # the descriptors of the directories, by their names
        self._given: dict[int, Descriptor] = {}
        self._positions: WeakKeyDictionary[Descriptor, int] = WeakKeyDictionary()
        for fd in range(len(wasi.descriptors)):
            descriptor = wasi.descriptors.get(fd)
            if descriptor.guest_name is not None and descriptor.directory is not None:
                name = _normal("/", os.fsdecode(descriptor.guest_name))
                self._roots.setdefault(name, fd)
                self._given[fd] = descriptor

    def absolute(self, path: str) -> str:
        """Returns a path as one from the root, without "." and ".."."""
        return _normal(self.cwd, path)

    def find(self, fd: int | None, path: str) -> Place:
        """Finds where a path leads.

        Args:
            fd: The descriptor of the directory where a relative path begins, or None for the
                working directory.
            path: The path.

        Raises:
            WasiError: EBADF, also when the guest has closed the preopened directory; ENOTDIR;
                ENOENT when no preopened directory is on the path.
        """
        if fd is not None and not path.startswith("/"):
            return Place(self._wasi.descriptors.directory(fd), path or ".")
        whole = self.absolute(path)
        # "a/" names a directory, even though "a" may be a link to one.
        tail = "/" if path.endswith("/") and whole != "/" else ""
        root = whole
        while True:
            if root in self._roots:
                below = whole[len(root) :].lstrip("/")
                return Place(self._root(self._roots[root]), f"{below}{tail}" if below else ".")
            if root == "/":
                break
            root = root.rpartition("/")[0] or "/"
        if whole == "/" or any(name.startswith(f"{whole}/") for name in self._roots):
            return Place(None, ".")
        raise WasiError(ENOENT)

    def _root(self, fd: int) -> Directory:
        descriptor = self._wasi.descriptors.get(fd)
        if descriptor is not self._given[fd] or descriptor.directory is None:
            raise WasiError(EBADF)  # the guest has closed it and opened something else
        return descriptor.directory

    def position(self, descriptor: Descriptor) -> int:
        """Returns the cookie from which a directory is listed on."""
        return self._positions.get(descriptor, 0)

    def set_position(self, descriptor: Descriptor, cookie: int) -> None:
        """Notes the cookie from which a directory is listed on."""
        self._positions[descriptor] = cookie


def _normal(cwd: str, path: str) -> str:
    names: list[str] = []
    for name in f"{cwd}/{path}".split("/") if not path.startswith("/") else path.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return "/" + "/".join(names)
