# SPDX-License-Identifier: MIT
"""The modules that are measured.

Most lie beside this file, built from benchmarks/guests; two are too large for that and are made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from .._host_function import leb

FOLDER = Path(__file__).resolve().parent / "guests"

LARGE_BYTES = 1_000_000
DATA_BYTES = 1 << 20
MEMORY_BYTES = 260 * 65536  # of memory.wasm

_TYPE, _FUNCTION, _MEMORY, _EXPORT, _CODE, _DATA = 1, 3, 5, 7, 10, 11


@dataclasses.dataclass(frozen=True)
class Guest:
    """A module: its name, by which the floors know what to do instead, and its bytes."""

    name: str
    binary: bytes


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


def _section(number: int, contents: bytes) -> bytes:
    return bytes([number]) + leb(len(contents)) + contents


def _repeated(entries: bytes, times: int) -> bytes:
    """A section's list of entries, repeated."""
    count, at = read_leb(entries, 0)
    return leb(count * times) + entries[at:] * times


def enlarged(data: bytes, size: int) -> bytes:
    """The module with its functions repeated until it has about so many bytes."""
    sections, at = [], 8
    while at < len(data):
        number = data[at]
        length, at = read_leb(data, at + 1)
        sections.append((number, data[at : at + length]))
        at += length
    times = size // len(dict(sections)[_CODE]) + 1
    out = bytearray(data[:8])
    for number, contents in sections:
        again = number in (_FUNCTION, _CODE)
        out += _section(number, _repeated(contents, times) if again else contents)
    return bytes(out)


def _large() -> bytes:
    """About 1 MB of code."""
    return enlarged((FOLDER / "coremark.wasm").read_bytes(), LARGE_BYTES)


def _with_data() -> bytes:
    """A module that begins with 1 MiB of data, and has one function, ``f: () -> i32``."""
    data = bytes(range(256)) * (DATA_BYTES // 256)
    return b"".join(
        [
            b"\0asm\1\0\0\0",
            _section(_TYPE, b"\1\x60\0\1\x7f"),
            _section(_FUNCTION, b"\1\0"),
            _section(_MEMORY, b"\1\0" + leb(DATA_BYTES // 65536)),
            _section(_EXPORT, b"\1\1f\0\0"),
            _section(_CODE, b"\1\4\0\x41\0\x0b"),
            _section(_DATA, b"\1\0\x41\0\x0b" + leb(len(data)) + data),
        ]
    )


_MADE: dict[str, Callable[[], bytes]] = {"large": _large, "data": _with_data}


def guest(name: str) -> Guest:
    """A module by its name; FileNotFoundError when there is none."""
    make = _MADE.get(name)
    return Guest(name, make() if make else (FOLDER / f"{name}.wasm").read_bytes())
