# SPDX-License-Identifier: MIT
"""Strings of JavaScript, which are lists of UTF-16 code units, as strings of Python.

The canonical form of a string is a str in which each surrogate pair is one character. A surrogate
without its other half is a character of its own. A str from elsewhere may also have both halves of
a pair as two characters; all functions take it for what it means.
"""

from __future__ import annotations

import sys

CODEC = "utf-16-le" if sys.byteorder == "little" else "utf-16-be"
# What `Units` remembers: so many strings, with so many code units together.
_STRINGS = 64
_TOGETHER = 1 << 22


def encode(string: str) -> bytes:
    """Returns the code units, each as two bytes in the order of the machine."""
    return string.encode(CODEC, "surrogatepass")


def decode(data: bytes) -> str:
    """Returns the string of code units, each of which is two bytes in the order of the machine."""
    return str(data, CODEC, "surrogatepass")


def is_high(unit: int) -> bool:
    """Returns whether a code unit can be the first half of a pair."""
    return unit & 0xFC00 == 0xD800


def is_low(unit: int) -> bool:
    """Returns whether a code unit can be the second half of a pair."""
    return unit & 0xFC00 == 0xDC00


class Units(dict[str, "memoryview | None"]):
    """Remembers the code units of strings that were asked for, because encoding takes long.

    ``units[string]`` is None if each character of the string is one code unit, so that it can be
    indexed itself.
    """

    __slots__ = ("_together",)

    def __init__(self) -> None:
        super().__init__()
        self._together = 0

    def __missing__(self, string: str) -> memoryview | None:
        """Encodes a string that is not remembered."""
        data = encode(string)
        units = memoryview(data).cast("H") if len(data) > 2 * len(string) else None
        self._together += len(data) // 2
        if len(self) >= _STRINGS or self._together > _TOGETHER:
            self.clear()
            self._together = len(data) // 2
        if self._together <= _TOGETHER:
            self[string] = units
        return units


def concat(first: str, second: str) -> str:
    """Returns both strings as one. Halves of a pair that meet become its character."""
    high, low = first[-1:], second[:1]
    if "\ud800" <= high < "\udc00" <= low < "\ue000":
        return f"{first[:-1]}{decode(encode(high + low))}{second[1:]}"
    return first + second


def equal(first: str, second: str) -> bool:
    """Returns whether two strings have the same code units."""
    if first == second or first.isascii() or second.isascii():
        return first == second
    return encode(first) == encode(second)


def compare(first: str, second: str) -> int:
    """Returns -1, 0 or 1, as the code units of the first string are less, equal or greater."""
    if first.isascii() and second.isascii():
        return (first > second) - (first < second)
    one, other = (each.encode("utf-16-be", "surrogatepass") for each in (first, second))
    return (one > other) - (one < other)
