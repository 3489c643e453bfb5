# SPDX-License-Identifier: MIT
"""Python functions that do what the functions of calls.wasm do, and nothing else.

They serve as the host functions of every peer, and as the floor of plain Python. `zero` makes host
functions for programs whose imports do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def nothing() -> None:
    """Takes nothing and returns nothing."""


def identity(value: Any) -> Any:
    """Returns its argument."""
    return value


def add(a: Any, b: Any) -> Any:
    """Returns the sum of two numbers."""
    return a + b


def add_eight(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int) -> int:
    """Returns the sum of eight numbers."""
    return a + b + c + d + e + f + g + h


def pair() -> tuple[int, int]:
    """Returns two results."""
    return 1, 2


def zero(results: Sequence[object]) -> Callable[..., Any]:
    """Returns a function that does nothing, and returns 0 if its type has a result.

    Args:
        results: The types of the results, which are written like "i32" or "f64".
    """
    value = (0.0 if str(results[0]).startswith("f") else 0) if results else None
    return lambda *_: value
