# SPDX-License-Identifier: MIT
"""The base of the classes that wasmtime lets a program close."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self


class Managed:
    """An object that can be closed, by ``close()`` or at the end of a ``with`` block."""

    _closed = False

    def close(self) -> None:
        """Closes the object. Does nothing if it is closed already."""
        self._closed = True

    def __enter__(self) -> Self:
        """Returns the object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the object."""
        self.close()

    def _alive(self) -> Self:
        """Returns the object.

        Raises:
            ValueError: It is closed, or was given to something that it can be given to once.
        """
        if self._closed:
            raise ValueError(f"this {type(self).__name__} is closed already")
        return self

    def _consume(self) -> Self:
        """Returns the object, which cannot be used for anything else from now on."""
        self._alive()
        self._closed = True
        return self
