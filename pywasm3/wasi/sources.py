# SPDX-License-Identifier: MIT
"""The sources of time and of random bytes: the system, or something that repeats exactly."""

from __future__ import annotations

import os
import time

from .waiting import pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol
else:
    Protocol = object  # typing takes long to import

REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME = range(4)


class Clock(Protocol):
    """What `WasiConfig(clock=...)` takes. All times are in nanoseconds."""

    def now_ns(self, clock_id: int) -> int:
        """Returns the time of clock 0 (real), 1 (monotonic), 2 (process CPU) or 3 (thread CPU)."""

    def resolution_ns(self, clock_id: int) -> int:
        """Returns the resolution of a clock."""

    def sleep_ns(self, duration_ns: int) -> None:
        """Returns when the given time has passed on this clock."""


class SystemClock:
    """The clocks of the system."""

    _READ = (time.time_ns, time.monotonic_ns, time.process_time_ns, time.thread_time_ns)
    _NAMES: tuple[Any, ...] = ("time", "monotonic", "process_time", "thread_time")

    def now_ns(self, clock_id: int) -> int:
        """Returns the time of a clock."""
        return self._READ[clock_id]()

    def resolution_ns(self, clock_id: int) -> int:
        """Returns the resolution of a clock, which is at least one nanosecond."""
        return max(1, round(time.get_clock_info(self._NAMES[clock_id]).resolution * 1e9))

    def sleep_ns(self, duration_ns: int) -> None:
        """Sleeps, until the guest's call is stopped or Ctrl-C raises KeyboardInterrupt."""
        pause(duration_ns / 1e9)


class FixedClock:
    """A clock that gives the same times in every run.

    Each reading moves it by a step, and a sleep moves it by the duration of the sleep. It has to
    move, because guests that wait until a time has passed would never end otherwise.
    """

    def __init__(self, start_ns: int = 0, *, step_ns: int = 1) -> None:
        """Takes the first reading of clock 0, and how far each reading moves all clocks.

        Raises:
            ValueError: One of the two is negative.
        """
        if start_ns < 0 or step_ns < 0:
            raise ValueError("start_ns and step_ns must not be negative")
        self._start_ns = self._now_ns = start_ns
        self._step_ns = step_ns

    def now_ns(self, clock_id: int) -> int:
        """Returns the time of a clock. Clock 0 begins at `start_ns`, the others begin at 0."""
        now = self._now_ns
        self._now_ns += self._step_ns
        return now if clock_id == REALTIME else now - self._start_ns

    def resolution_ns(self, clock_id: int) -> int:
        """Returns the step between two readings, which is at least one nanosecond."""
        return max(1, self._step_ns)

    def sleep_ns(self, duration_ns: int) -> None:
        """Moves the clock by the duration, and returns at once."""
        self._now_ns += max(0, duration_ns)


def time_of(clock: Clock, clock_id: int) -> int:
    """Returns the time of a clock, which may have more than 64 bits.

    Raises:
        TypeError: The clock did not return an int.
    """
    return _whole(clock.now_ns(clock_id), "now_ns")


def resolution_of(clock: Clock, clock_id: int) -> int:
    """Returns the resolution of a clock, which may have more than 64 bits.

    Raises:
        TypeError: The clock did not return an int.
    """
    return _whole(clock.resolution_ns(clock_id), "resolution_ns")


def _whole(value: object, method: str) -> int:
    if not isinstance(value, int):
        raise TypeError(
            f"clock.{method} must return an int (nanoseconds), not {type(value).__name__}"
        )
    return value


def random_bytes(source: Callable[[int], bytes], size: int) -> bytes:
    """Returns random bytes from a source.

    Raises:
        TypeError: The source did not return bytes.
        ValueError: The source returned more or fewer bytes than it was asked for.
    """
    data = source(size)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"random must return bytes, not {type(data).__name__}")
    if len(data) != size:
        raise ValueError(
            f"random must return as many bytes as it is asked for: expected {size}, got {len(data)}"
        )
    return bytes(data)


def clock_of(given: Clock | int | None) -> Clock:
    """Returns the clock that the option `clock` of WasiConfig means."""
    if given is None:
        return SystemClock()
    if isinstance(given, int):
        return FixedClock(given)
    return given


def random_of(given: Callable[[int], bytes] | int | None) -> Callable[[int], bytes]:
    """Returns the source that the option `random` of WasiConfig means; a seed starts anew."""
    if given is None:
        return os.urandom
    if isinstance(given, int):
        from random import Random

        return Random(given).randbytes
    return given
