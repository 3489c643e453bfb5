# SPDX-License-Identifier: MIT
"""Reading into several buffers, and writing several buffers, by one call of the system.

Each function is that of the same name in `os`, of which PyPy has none: there, a call on one buffer
does it, with a copy of the bytes.
"""

from __future__ import annotations

import os
from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 4 << 20  # bytes that are copied for one call; a call may do less than it was asked for


def _scatter(read: Callable[[int], bytes], buffers: list[memoryview]) -> int:
    """Reads once, and copies what was read into the buffers. Returns how many bytes that is."""
    data = memoryview(read(min(sum(map(len, buffers)), _MOST)))
    at = 0
    for buffer in buffers:
        part = data[at : at + len(buffer)]
        buffer[: len(part)] = part
        at += len(part)
    return at


def _gather(buffers: list[memoryview]) -> bytes:
    """Returns what one call writes of the buffers."""
    parts: list[memoryview] = []
    room = _MOST
    for buffer in buffers:
        parts.append(buffer[:room])
        room -= len(parts[-1])
    return b"".join(parts)


def _readv(fd: int, buffers: list[memoryview]) -> int:
    return _scatter(partial(os.read, fd), buffers)


def _preadv(fd: int, buffers: list[memoryview], offset: int) -> int:
    return _scatter(lambda size: os.pread(fd, size, offset), buffers)


def _writev(fd: int, buffers: list[memoryview]) -> int:
    return os.write(fd, _gather(buffers))


def _pwritev(fd: int, buffers: list[memoryview], offset: int) -> int:
    return os.pwrite(fd, _gather(buffers), offset)


readv = getattr(os, "readv", _readv)
preadv = getattr(os, "preadv", _preadv)
writev = getattr(os, "writev", _writev)
pwritev = getattr(os, "pwritev", _pwritev)
