# SPDX-License-Identifier: MIT
"""The shortest way through fd_write: one buffer, nothing out of the ordinary.

It does only what it must, with all it needs at hand as variables of its own; whatever is not as it
expects, it leaves to the function with all checks, before anything has happened.
"""

from __future__ import annotations

import struct

from .abi import ENOMEM, IOVEC, U32, WasiError, errno_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Wasi

_unpack = IOVEC.unpack_from
_pack = U32.pack_into


def new_fd_write(wasi: Wasi, complete: Callable[..., int | None]) -> Callable[..., int | None]:
    """fd_write for one guest."""
    memory = wasi.memory
    view, size = memory.view, memory.size
    writers = wasi.descriptors.writers

    def fd_write(fd: int, iovecs: int, count: int, result: int) -> int | None:
        nonlocal view, size
        try:
            begin, length = _unpack(view, iovecs)
            write = writers[fd]
            end = begin + length
        except (struct.error, KeyError):
            end = size + 1
        # Numbers are signed here: addresses from 2 GiB on are negative.
        if count != 1 or iovecs < 0 or result < 0 or end > size or result + 4 > size:
            errno = complete(fd, iovecs, count, result)
            view, size = memory.view, memory.size
            return errno
        try:
            written = write(view[begin:end])
        except WasiError as error:
            return error.errno
        except OSError as error:
            return errno_of(error)
        except MemoryError:
            return ENOMEM
        _pack(view, result, written)
        return 0

    return fd_write
