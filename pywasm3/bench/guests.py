# SPDX-License-Identifier: MIT
"""The modules that the bench runs.

Most lie in the folder guests, built from benchmarks/guests. Two would be too large for the package
and are made when they are needed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from .._binary import Reader, leb, section

FOLDER = Path(__file__).resolve().parent / "guests"

LARGE_BYTES = 1_000_000
DATA_BYTES = 1 << 20
MEMORY_BYTES = 260 * 65536  # The size of the memory in memory.wasm.

_TYPE, _FUNCTION, _MEMORY, _EXPORT, _CODE, _DATA = 1, 3, 5, 7, 10, 11


@dataclasses.dataclass(frozen=True)
class Guest:
    """A module: its bytes, and the name by which the floors find their counterpart of it."""

    name: str
    binary: bytes


def _repeated(entries: bytes, times: int) -> bytes:
    """Returns a section's contents, a list of entries, with the whole list repeated."""
    reader = Reader(entries, "the section")
    return leb(reader.u32() * times) + entries[reader.offset :] * times


def enlarged(data: bytes, size: int) -> bytes:
    """Returns a module with its functions repeated until it has about `size` bytes."""
    reader = Reader(data, "the module", 8)
    sections = []
    while not reader.at_end:
        number = reader.byte()
        sections.append((number, reader.take(reader.u32())))
    times = size // len(dict(sections)[_CODE]) + 1
    out = bytearray(data[:8])
    for number, contents in sections:
        again = number in (_FUNCTION, _CODE)
        out += section(number, _repeated(contents, times) if again else contents)
    return bytes(out)


def _large() -> bytes:
    """Makes a module with about 1 MB of code."""
    return enlarged((FOLDER / "coremark.wasm").read_bytes(), LARGE_BYTES)


def _with_data() -> bytes:
    """Makes a module with 1 MiB of data and one function, ``f: () -> i32``."""
    data = bytes(range(256)) * (DATA_BYTES // 256)
    return b"".join(
        [
            b"\0asm\1\0\0\0",
            section(_TYPE, b"\1\x60\0\1\x7f"),
            section(_FUNCTION, b"\1\0"),
            section(_MEMORY, b"\1\0" + leb(DATA_BYTES // 65536)),
            section(_EXPORT, b"\1\1f\0\0"),
            section(_CODE, b"\1\4\0\x41\0\x0b"),
            section(_DATA, b"\1\0\x41\0\x0b" + leb(len(data)) + data),
        ]
    )


_MADE: dict[str, Callable[[], bytes]] = {"large": _large, "data": _with_data}


def guest(name: str) -> Guest:
    """Returns a module by its name; raises FileNotFoundError if there is none."""
    make = _MADE.get(name)
    return Guest(name, make() if make else (FOLDER / f"{name}.wasm").read_bytes())
