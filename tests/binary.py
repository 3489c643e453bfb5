# SPDX-License-Identifier: MIT
"""Pieces of the binary format (specification, section 5), for modules that are made by hand."""

from __future__ import annotations

from collections.abc import Iterable

HEADER = b"\0asm\1\0\0\0"

_ONE_BYTE = [bytes([i]) for i in range(128)]


def leb(value: int) -> bytes:
    """Unsigned LEB128."""
    if value < 128:
        return _ONE_BYTE[value]
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def read_leb(data: bytes, position: int) -> tuple[int, int]:
    """A number of at most 32 bits, and where it ends; ValueError when there is none."""
    value = 0
    for shift in range(0, 35, 7):
        if position >= len(data):
            raise ValueError("the bytes end in a number")
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise ValueError("the number is too long")


def signed_leb(value: int) -> bytes:
    """Signed LEB128."""
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value & 127)
    return bytes(out)


def vector(items: Iterable[bytes]) -> bytes:
    """A count, then the items."""
    entries = list(items)
    return leb(len(entries)) + b"".join(entries)


def text(value: str) -> bytes:
    """A name."""
    data = value.encode()
    return leb(len(data)) + data


def section(number: int, contents: bytes) -> bytes:
    """A section with its size."""
    return _ONE_BYTE[number] + leb(len(contents)) + contents
