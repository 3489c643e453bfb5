# SPDX-License-Identifier: MIT
"""Owner: frees what C has allocated when the last Python object that needs it is gone.

cffi's own `ffi.gc` would free it as soon as Python's garbage collector finds the object in a cycle:
the finalizers of other objects of that cycle could still use the pointer, or bring it back to life.
So the finalizer here frees nothing: it makes an heir, to which only the owner refers, and whose own
finalizer runs when the owner itself is freed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Pointer = Any


class _Heir:
    __slots__ = ("pointer", "release")

    def __init__(self, pointer: Pointer, release: Callable[[Pointer], None]) -> None:
        self.pointer, self.release = pointer, release

    def __del__(self) -> None:
        self.release(self.pointer)


class Owner:
    """What owns a pointer, and gives it to a function of C in the end."""

    __slots__ = ("_heir", "_release", "pointer")

    def __init__(self, pointer: Pointer, release: Callable[[Pointer], None]) -> None:
        self.pointer, self._release = pointer, release

    def __del__(self) -> None:
        self._heir = _Heir(self.pointer, self._release)
