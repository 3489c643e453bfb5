# SPDX-License-Identifier: MIT
"""Encodes pieces of the binary format (specification, section 5) for modules made by hand."""

from __future__ import annotations

from collections.abc import Iterable

from pywasm3._binary import Reader, sized
from pywasm3._binary import leb as leb
from pywasm3._binary import section as section

HEADER = b"\0asm\1\0\0\0"


def signed_leb(value: int) -> bytes:
    """Encodes a number as signed LEB128 (section 5.2.2)."""
    out = bytearray()
    while not -64 <= value < 64:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value & 127)
    return bytes(out)


def vector(items: Iterable[bytes]) -> bytes:
    """Encodes a vector: the number of the items, then the items (section 5.1.3)."""
    entries = list(items)
    return leb(len(entries)) + b"".join(entries)


def text(value: str) -> bytes:
    """Encodes a name: its length in bytes, then its UTF-8 (section 5.2.4)."""
    return sized(value.encode())


def read_leb(data: bytes, position: int) -> tuple[int, int]:
    """Decodes an unsigned number of 32 bits. Returns the number, and the position after it."""
    reader = Reader(data, "the number", position)
    return reader.u32(), reader.offset
