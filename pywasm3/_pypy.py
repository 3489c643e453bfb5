# SPDX-License-Identifier: MIT
"""What must be done otherwise on PyPy so that the package does the same there as on CPython."""

from __future__ import annotations

import gc
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _Made = TypeVar("_Made")

PYPY = sys.implementation.name == "pypy"

# The formats of memoryview whose items can be copied one by one.
_LETTERS = "cbB?hHiIlLqQnNefd"


def made_room() -> bool:
    """Lets Python free what nothing refers to any more, where it did not do so at once.

    Whoever was refused memory, or room within a limit, then tries once more. CPython frees an
    object when the last reference to it goes away, so there is nothing to be done. PyPy frees it
    when its collector finds it, and the collector does not know what the engine has allocated.

    Returns:
        Whether something may have been freed.
    """
    if PYPY:
        # The finalizer of the first collection leaves an object that frees the memory of C when
        # the second one finds it (_pure/owner.py).
        gc.collect()
        gc.collect()
    return PYPY


def with_room(make: Callable[..., _Made], *args: Any) -> _Made:
    """Returns make(*args), which may need what Python has not freed yet.

    Raises:
        MemoryError: There is not enough memory, or a limit does not allow it.
    """
    try:
        return make(*args)
    except MemoryError:
        if not made_room():
            raise
    return make(*args)


def in_order(view: memoryview) -> memoryview | bytes:
    """Returns a buffer with the items of another one, of which `bytes` makes a right copy.

    PyPy copies the wrong bytes if items of numpy have gaps between them, or another order than that
    of the indices. It finds the wrong items if another exporter's buffer has two dimensions then.

    Raises:
        BufferError: Python is PyPy, the items are not one behind the other, and neither those of an
            array of numpy, nor numbers in one dimension.
    """
    if not PYPY or view.c_contiguous:
        return view
    numpy = sys.modules.get("numpy")
    exporter: Any = view.obj
    is_array = numpy is not None and isinstance(exporter, numpy.ndarray)
    if is_array and (exporter.shape, exporter.strides) == (view.shape, view.strides):
        return bytes(exporter.tobytes())
    letter = view.format.lstrip("@=<>!")
    if view.ndim != 1 or len(letter) != 1 or letter not in _LETTERS:
        raise BufferError(
            "on PyPy, items with gaps between them must be those of a numpy array, or numbers in "
            "one dimension"
        )
    from struct import Struct

    order = view.format.removesuffix(letter)
    return Struct(f"{order}{len(view)}{letter}").pack(*view.tolist())
