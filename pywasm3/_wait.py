# SPDX-License-Identifier: MIT
"""Waiting in host functions, in short steps, so that the call that waits can be stopped.

Host functions of users call sleep() and wait(). The package's WASI functions wait by pause() and
poll(), which take what to do between two steps.
"""

from __future__ import annotations

import time

from ._ffi import stop_code, stop_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    class HasFileno(Protocol):
        """An object with a descriptor of the host, such as a socket or a file."""

        def fileno(self) -> int:
            """Returns the number of the descriptor."""


# A call that must stop learns it at the end of a step: it is late by a step at most, and by what
# the system takes to run the thread. A step costs some microseconds.
STEP_SECONDS = 0.01

# The bits of poll(2), also for platforms without it, such as Windows.
READABLE, WRITABLE, FAILED, HANGUP, INVALID = 1, 4, 8, 16, 32


def check() -> None:
    """Raises the error of the call whose host function runs on this thread, if it must stop."""
    code = stop_code()
    if code:
        raise stop_error(code)


def sleep(seconds: float) -> None:
    """Sleeps in a host function, until the time has passed or the call must stop.

    A call that waits in ``time.sleep`` is not stopped before it wakes up; one that waits here is
    stopped within 20 milliseconds. Outside of host functions, this is ``time.sleep``.

    Args:
        seconds: How long to sleep.

    Raises:
        Interrupted: ``interrupt()`` was called for the call that the host function belongs to.
        DeadlineExceeded: The deadline of that call has passed, or its task was cancelled.
        ValueError: `seconds` is negative or not a number.
    """
    if stop_code() is None:
        time.sleep(seconds)
        return
    if not seconds >= 0:
        raise ValueError(f"seconds must not be negative: {seconds!r}")
    pause(time.monotonic() + seconds, check)


def pause(end: float, check: Callable[[], None]) -> None:
    """Sleeps until a time of ``time.monotonic``, and calls `check` before each step."""
    while True:
        check()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, STEP_SECONDS))


def wait(fd: int | HasFileno, timeout: float | None = None, *, write: bool = False) -> bool:
    """Waits in a host function until a descriptor is ready or the call must stop.

    Call this before an operation that may block, such as ``os.read`` or ``socket.accept``. A call
    that waits here is stopped within 20 milliseconds. Outside of host functions, nothing stops the
    wait but its timeout, and signal handlers that raise an exception.

    Args:
        fd: A descriptor of the host, or an object that has one, such as a socket. On Windows, only
            sockets can be waited for.
        timeout: The longest time to wait, in seconds. None: there is no limit.
        write: Wait until the descriptor can be written, not until it can be read.

    Returns:
        Whether the descriptor is ready; False when the time has passed. A descriptor that has an
        error or whose other end is closed is ready: the operation says what is wrong.

    Raises:
        Interrupted: ``interrupt()`` was called for the call that the host function belongs to.
        DeadlineExceeded: The deadline of that call has passed, or its task was cancelled.
        ValueError: `timeout` is negative or not a number.
        OSError: `fd` is not an open descriptor.
    """
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout must not be negative: {timeout!r}")
    number = fd if isinstance(fd, int) else fd.fileno()
    end = None if timeout is None else time.monotonic() + timeout
    ready = poll({number: WRITABLE if write else READABLE}, end, check)
    if ready.get(number, 0) & INVALID:
        import errno
        import os

        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return bool(ready)


def poll(wanted: Mapping[int, int], end: float | None, check: Callable[[], None]) -> dict[int, int]:
    """Waits until one of several descriptors is ready, and calls `check` before each step.

    Args:
        wanted: READABLE and WRITABLE bits for each descriptor.
        end: The time of ``time.monotonic`` at which the wait ends. None: never.
        check: What to call before each step. The wait ends if it raises an exception.

    Returns:
        The descriptors that are ready, with their bits; none when the time has passed.
    """
    ready_within = _poller(wanted)
    while True:
        check()
        left = STEP_SECONDS if end is None else end - time.monotonic()
        ready = ready_within(max(0.0, min(left, STEP_SECONDS)))
        if ready or (end is not None and time.monotonic() >= end):
            return ready


def _poller(wanted: Mapping[int, int]) -> Callable[[float], dict[int, int]]:
    """Returns a function that waits for the descriptors, for some seconds at most."""
    import select

    if not hasattr(select, "poll"):
        return lambda seconds: _select(wanted, seconds)
    poller = select.poll()
    for fd, bits in wanted.items():
        poller.register(fd, bits)
    # The time is rounded up: waking too early would only mean waiting again.
    return lambda seconds: dict(poller.poll(-int(-seconds * 1000 // 1)))


def _select(wanted: Mapping[int, int], seconds: float) -> dict[int, int]:
    import select

    readers = [fd for fd, bits in wanted.items() if bits & READABLE]
    writers = [fd for fd, bits in wanted.items() if bits & WRITABLE]
    # On Windows, a connection that failed is reported as an exceptional condition only.
    readable, writable, failed = select.select(readers, writers, writers, seconds)
    ready: dict[int, int] = dict.fromkeys(readable, READABLE)
    for fd in writable:
        ready[fd] = ready.get(fd, 0) | WRITABLE
    for fd in failed:
        ready[fd] = ready.get(fd, 0) | FAILED
    return ready


sleep.__module__ = wait.__module__ = "pywasm3"
