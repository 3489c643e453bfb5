# SPDX-License-Identifier: MIT
"""Every wait of a WASI function: it ends early when the call that waits must stop.

The function then returns EINTR, but the guest never sees it: the call ends with the trap that says
why it was stopped, as soon as the host function has returned.
"""

from __future__ import annotations

import errno
import os
import time
from _thread import _local, allocate_lock

from .. import _wait
from .._ffi import stop_code
from .._wait import READABLE, STEP_SECONDS, WRITABLE
from .abi import EBADF, EINTR, WasiError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _thread import LockType
    from collections.abc import Callable, Iterator, Mapping
    from typing import TypeVar

    from .context import Wasi

    T = TypeVar("T")

__all__ = [
    "READABLE",
    "WRITABLE",
    "by_pieces",
    "check",
    "exclusively",
    "insist",
    "locked",
    "pause",
    "poll",
    "unlocked",
    "until_ready",
]

# Between two pieces, a transfer asks whether the call must stop. A piece takes milliseconds.
_PIECE = 4 << 20


def check() -> None:
    """Raises WasiError if the call whose WASI function runs on this thread must stop."""
    if stop_code():
        raise WasiError(EINTR)


# ---- programs with threads ----

# The functions of WASI are written for one thread at a time. So a thread of a program that may have
# several holds the program's lock while it runs such a function, except while it waits.


class _Held(_local):
    """The locks that this thread holds, in the order in which it took them.

    There are several if a file object of the user's, which one program writes to, calls another.
    """

    locks: tuple[LockType, ...] = ()


_held = _Held()


def _acquire(lock: LockType) -> None:
    """Takes the lock.

    Raises:
        WasiError: The call must stop; the lock is not taken then.
    """
    if not lock.acquire(False):
        while not lock.acquire(timeout=STEP_SECONDS):
            check()
    _held.locks = (*_held.locks, lock)


def locked(call: Callable[..., T]) -> Callable[..., T]:
    """Returns a function of WASI that holds the program's lock while it makes a call.

    The call may lead to another one on the same thread, by a file object of the user's that calls
    the guest. The program gets a new lock in the child of a fork.
    """

    def locked_call(wasi: Wasi, *arguments: int) -> T:
        lock = wasi.lock
        assert lock is not None
        before = _held.locks
        if lock in before:
            return call(wasi, *arguments)
        _acquire(lock)
        try:
            return call(wasi, *arguments)
        finally:
            held, _held.locks = _held.locks, before
            if lock in held:  # not if the call was stopped while it waited without the lock
                lock.release()

    return locked_call


class unlocked:
    """A context in which other threads of the program run functions of WASI while this one waits.

    Leaving the context raises WasiError if the call must stop; the thread does not have the
    program's lock then.
    """

    __slots__ = ("_lock",)
    _lock: LockType | None

    def __enter__(self) -> None:
        self._lock = None
        if _held.locks:
            self._lock, _held.locks = _held.locks[-1], _held.locks[:-1]
            self._lock.release()

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            _acquire(self._lock)


# ---- waits ----


def pause(seconds: float = STEP_SECONDS) -> None:
    """Sleeps."""
    with unlocked():
        _wait.pause(time.monotonic() + seconds, check)


def poll(wanted: Mapping[int, int], seconds: float | None) -> dict[int, int]:
    """Waits until one of several descriptors of the host is ready, or the time has passed.

    Args:
        wanted: READABLE and WRITABLE bits for each descriptor.
        seconds: How long to wait. None: there is no limit.

    Returns:
        The descriptors that are ready, with their bits as in poll(2).
    """
    with unlocked():
        return _wait.poll(wanted, None if seconds is None else time.monotonic() + seconds, check)


def until_ready(fd: int, bits: int) -> None:
    """Waits until a descriptor of the host is ready for reading or writing, or has an error."""
    if fd < 0:  # The host has closed the descriptors of the guest meanwhile.
        raise WasiError(EBADF)
    poll({fd: bits}, None)


def insist(fd: Callable[[], int], bits: int, attempt: Callable[[], T]) -> T:
    """Repeats an attempt until it no longer raises BlockingIOError, and waits in between.

    Args:
        fd: Returns the descriptor of the host to wait for; -1 when it is closed.
        bits: READABLE or WRITABLE.
        attempt: What to do. It must not block.
    """
    failed_when_ready = False
    while True:
        try:
            return attempt()
        except BlockingIOError:
            if failed_when_ready:  # Others were quicker, or the device is never really ready.
                pause()
        until_ready(fd(), bits)
        failed_when_ready = True


# Guests may share a descriptor of the host whose operations block. Each asks whether it is ready,
# and uses it, while it holds this lock, so that no other guest makes it block in between.
_lock = allocate_lock()


def exclusively(fd: int, bits: int, operate: Callable[[], T]) -> T:
    """Runs an operation that blocks unless the descriptor is ready.

    Raises:
        BlockingIOError: The descriptor is not ready.
    """
    if fd < 0:
        raise WasiError(EBADF)
    with _lock:
        if not _wait.poll({fd: bits}, 0.0, _nothing):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return operate()


def _nothing() -> None:
    pass


def _new_lock() -> None:
    global _lock
    _lock = allocate_lock()


if hasattr(os, "register_at_fork"):  # A thread that the child does not have may hold the lock.
    os.register_at_fork(after_in_child=_new_lock)


def by_pieces(
    buffers: list[memoryview], move: Callable[[list[memoryview], int], int], size: int = _PIECE
) -> int:
    """Moves the bytes of buffers in pieces, until a piece is not moved as a whole.

    Args:
        buffers: The buffers of the guest.
        move: Reads or writes some buffers, given how many bytes were moved before. Returns how many
            bytes it moved.
        size: The most bytes of a piece.

    Returns:
        How many bytes were moved. When a later piece fails, the guest meets the error at its next
        call.
    """
    total = 0
    for piece in _pieces(buffers, size):
        try:
            if total:
                check()
            moved = move(piece, total)
        except (WasiError, OSError):
            if total:
                break
            raise
        total += moved
        if moved < sum(map(len, piece)):
            break
    return total


def _pieces(buffers: list[memoryview], size: int) -> Iterator[list[memoryview]]:
    """Yields the bytes of buffers in pieces of at most a size, each as a list of buffers."""
    if sum(map(len, buffers)) <= size:
        if buffers:
            yield buffers
        return
    piece: list[memoryview] = []
    room = size
    for buffer in buffers:
        while buffer:
            part = buffer[:room]
            piece.append(part)
            room -= len(part)
            buffer = buffer[len(part) :]
            if not room:
                yield piece
                piece, room = [], size
    if piece:
        yield piece
