# SPDX-License-Identifier: MIT
"""The flags of open() of the host, and which of them the flags of WASI mean."""

from __future__ import annotations

import os

from .abi import (
    FDFLAG_APPEND,
    FDFLAG_DSYNC,
    FDFLAG_NONBLOCK,
    FDFLAG_RSYNC,
    FDFLAG_SYNC,
    OFLAG_CREAT,
    OFLAG_DIRECTORY,
    OFLAG_EXCL,
    OFLAG_TRUNC,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .directories import Opening

# The flags of POSIX that Windows lacks have numbers of their own there, which only at_windows.py
# reads.
O_DIRECTORY = getattr(os, "O_DIRECTORY", 1 << 20)
O_NOFOLLOW = getattr(os, "O_NOFOLLOW", 1 << 21)
O_NONBLOCK = getattr(os, "O_NONBLOCK", 1 << 22)
O_SYNC = getattr(os, "O_SYNC", 1 << 23)
O_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
# Opens a directory only as a starting point (O_PATH), which needs no permission to read it.
PLACE = os.O_RDONLY | O_DIRECTORY | O_CLOEXEC | getattr(os, "O_PATH", 0)
_O_NOCTTY = getattr(os, "O_NOCTTY", 0)

_FLAGS = (
    (FDFLAG_APPEND, os.O_APPEND),
    (FDFLAG_NONBLOCK, O_NONBLOCK),
    (FDFLAG_DSYNC, getattr(os, "O_DSYNC", O_SYNC)),
    (FDFLAG_RSYNC, getattr(os, "O_RSYNC", O_SYNC)),
    (FDFLAG_SYNC, O_SYNC),
)
_OFLAGS = (
    (OFLAG_CREAT, os.O_CREAT),
    (OFLAG_EXCL, os.O_EXCL),
    (OFLAG_DIRECTORY, O_DIRECTORY),
    (OFLAG_TRUNC, os.O_TRUNC),
)


def host_flags(fdflags: int) -> int:
    """Returns the flags for open() that FDFLAG_* bits mean."""
    return _or(fdflags, _FLAGS)


def open_flags(opening: Opening) -> int:
    """Returns the flags for open() of what a guest opens."""
    flags = os.O_RDONLY
    if opening.write:
        flags = os.O_RDWR if opening.read else os.O_WRONLY
    return flags | _or(opening.oflags, _OFLAGS) | host_flags(opening.fdflags) | _O_NOCTTY


def _or(bits: int, table: tuple[tuple[int, int], ...]) -> int:
    flags = 0
    for bit, flag in table:
        if bits & bit:
            flags |= flag
    return flags
