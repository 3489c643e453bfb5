# SPDX-License-Identifier: MIT
"""The functions of a guest that free what belongs to an object, after the object is gone.

An object can go at any time, also while the guest runs. So it is only noted that it is gone, and
the function runs when the next call from Python begins.
"""

from __future__ import annotations

import weakref

from ..bindgen.values import Charged, Function, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections import deque
    from typing import Any


class Finalizers:
    """The finalizers of objects that are not gone."""

    __slots__ = ("_gone", "_last", "_watched")

    def __init__(self, gone: deque[tuple[Any, Any]]) -> None:
        """Takes the queue of functions, with an argument each, that the next call runs."""
        self._gone = gone
        self._watched: dict[int, tuple[weakref.ref[Charged], Function]] = {}
        self._last = 0

    def __len__(self) -> int:
        """Returns how many finalizers wait for their objects."""
        return len(self._watched)

    def watch(self, value: Charged, finalizer: Function | None) -> int:
        """Lets a finalizer run after an object is gone; None is no finalizer.

        Returns:
            The number by which `forget` knows the finalizer.
        """
        if finalizer is None:
            return 0
        self._last += 1
        key, gone, watched = self._last, self._gone, self._watched

        def note(reference: weakref.ref[Charged]) -> None:
            if watched.pop(key, None) is not None:
                gone.append((finalizer, undefined))

        watched[key] = weakref.ref(value, note), finalizer
        return key

    def forget(self, key: int) -> None:
        """Lets a finalizer never run."""
        self._watched.pop(key, None)
