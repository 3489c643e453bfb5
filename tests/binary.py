# SPDX-License-Identifier: MIT
"""Pieces of the binary format (specification, section 5), for modules that are made by hand."""

from __future__ import annotations

from collections.abc import Iterable

from pywasm3._host_function import leb as leb
from pywasm3.bench.guests import read_leb as read_leb

HEADER = b"\0asm\1\0\0\0"


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
    return bytes([number]) + leb(len(contents)) + contents
