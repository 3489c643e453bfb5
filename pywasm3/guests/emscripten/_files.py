# SPDX-License-Identifier: MIT
"""The tree of directories that the system calls of Emscripten's C library reach."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from .._directories import Place, Roots, normalized

if TYPE_CHECKING:
    from ...wasi import Wasi
    from ...wasi.descriptors import Descriptor


class Files:
    """The directories of a guest, by paths that begin at a root.

    Attributes:
        cwd: The working directory, as a path from the root.
    """

    def __init__(self, wasi: Wasi) -> None:
        """Takes the preopened directories. With a directory named "." paths begin in it."""
        self._wasi = wasi
        self.cwd = "/"
        self._roots = Roots(wasi)
        self._positions: WeakKeyDictionary[Descriptor, int] = WeakKeyDictionary()

    def absolute(self, path: str) -> str:
        """Returns a path as one from the root, without "." and ".."."""
        return normalized(path, self.cwd)

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
        # "a/" names a directory, even though "a" may be a link to one.
        return self._roots.find(self.absolute(path), "/" if path.endswith("/") else "")

    def position(self, descriptor: Descriptor) -> int:
        """Returns the cookie from which a directory is listed on."""
        return self._positions.get(descriptor, 0)

    def set_position(self, descriptor: Descriptor, cookie: int) -> None:
        """Notes the cookie from which a directory is listed on."""
        self._positions[descriptor] = cookie
