# SPDX-License-Identifier: MIT
"""What a guest is told of a file of the host."""

from __future__ import annotations

import stat as _stat

from .abi import (
    MASK_U64,
    TYPE_BLOCK_DEVICE,
    TYPE_CHARACTER_DEVICE,
    TYPE_DIRECTORY,
    TYPE_REGULAR,
    TYPE_SOCKET_STREAM,
    TYPE_SYMBOLIC_LINK,
    TYPE_UNKNOWN,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    from .at import Found
    from .descriptors import Times
    from .records import Stat

_TYPES = {
    _stat.S_IFBLK: TYPE_BLOCK_DEVICE,
    _stat.S_IFCHR: TYPE_CHARACTER_DEVICE,
    _stat.S_IFDIR: TYPE_DIRECTORY,
    _stat.S_IFREG: TYPE_REGULAR,
    _stat.S_IFSOCK: TYPE_SOCKET_STREAM,
    _stat.S_IFLNK: TYPE_SYMBOLIC_LINK,
}


def type_of(mode: int) -> int:
    """Returns the TYPE_* of a file of the host."""
    return _TYPES.get(_stat.S_IFMT(mode), TYPE_UNKNOWN)


def stat_of(found: os.stat_result | Found) -> Stat:
    """Returns what a guest is told of a file of the host."""
    from .records import Stat  # imported late, because many programs describe no file

    return Stat(
        found.st_dev & MASK_U64,
        found.st_ino & MASK_U64,
        type_of(found.st_mode),
        found.st_nlink,
        found.st_size,
        _shown_time(found.st_atime_ns),
        _shown_time(found.st_mtime_ns),
        _shown_time(found.st_ctime_ns),
    )


def _shown_time(time_ns: int) -> int:
    """Returns the time nearest to one of the host that WASI can express: from 1970 to 2554."""
    return min(max(0, time_ns), MASK_U64)


def both_times(times: Times, found: os.stat_result | Found) -> tuple[int, int]:
    """Returns both times, for systems that cannot set one and leave the other."""
    atime, mtime = times
    return (
        found.st_atime_ns if atime is None else atime,
        found.st_mtime_ns if mtime is None else mtime,
    )
