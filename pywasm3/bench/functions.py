# SPDX-License-Identifier: MIT
"""Python functions that do what the functions of calls.wasm do, and as little.

They are the host functions of every peer, and the floor of plain Python.
"""

from __future__ import annotations

from typing import Any


def nothing() -> None:
    """() -> ()."""


def identity(value: Any) -> Any:
    """(a) -> a."""
    return value


def add(a: Any, b: Any) -> Any:
    """(a, a) -> a."""
    return a + b


def add_eight(a: int, b: int, c: int, d: int, e: int, f: int, g: int, h: int) -> int:
    """8 numbers -> number."""
    return a + b + c + d + e + f + g + h


def pair() -> tuple[int, int]:
    """Two results."""
    return 1, 2
