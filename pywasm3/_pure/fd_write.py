# SPDX-License-Identifier: MIT
"""FdWrite: WASI's fd_write for one guest."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_PARAMETERS = 4


class FdWrite:
    """WASI's fd_write for one guest.

    In pywasm3._cpython, one small buffer goes directly to the writer of its descriptor. Here, all
    calls go to `complete`, because a second path in Python would save little.
    """

    __slots__ = ("_complete",)

    _complete: Callable[[int, int, int, int], int | None]

    def __new__(cls, *args: Any) -> FdWrite:
        """Makes it of (writers, complete, guest, failures, errno_of)."""
        writers, complete, *_ = args
        if type(writers) is not dict:
            raise TypeError("FdWrite() takes writers in a dict, not a subclass of dict")
        self = object.__new__(cls)
        self._complete = complete
        return self

    def __init_subclass__(cls) -> None:
        """Refuses subclasses."""
        raise TypeError("type 'pywasm3._cpython.FdWrite' is not an acceptable base type")

    def __call__(self, *args: int, **kwargs: Any) -> int | None:
        if len(args) != _PARAMETERS or kwargs:
            raise TypeError(f"fd_write takes {_PARAMETERS} positional arguments")
        return self._complete(*args)
