# SPDX-License-Identifier: MIT
"""The shortest way through fd_write: one small buffer, nothing out of the ordinary.

A line of text is what programs write most, so what it costs counts. Whatever is otherwise is left
to the function with all checks, before anything has happened.
"""

from __future__ import annotations

from .abi import FAILURES, errno_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .context import Wasi


def _not_yet(write: object, iovecs: int, count: int, result: int) -> bool:
    return False


def new_fd_write(wasi: Wasi, complete: Callable[..., int | None]) -> Callable[..., int | None]:
    """fd_write for one guest."""
    writers = wasi.descriptors.writers
    write_iovec: Callable[..., bool] = _not_yet

    def fd_write(fd: int, iovecs: int, count: int, result: int) -> int | None:
        nonlocal write_iovec
        if fd in writers:
            try:
                if write_iovec(writers[fd], iovecs, count, result):
                    return 0
            except FAILURES as error:
                return errno_of(error)
        errno = complete(fd, iovecs, count, result)
        memory = wasi.memory.found
        if memory is not None:
            write_iovec = memory._write_iovec
        return errno

    return fd_write
