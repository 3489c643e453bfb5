# SPDX-License-Identifier: MIT
"""Where time and random bytes come from: the system, or something that repeats exactly."""

from __future__ import annotations

import os
import random as _random
import time
from collections.abc import Callable
from typing import Any, Protocol

REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME = range(4)

_LONGEST_SLEEP_NS = 10**9 * 3600


class Clock(Protocol):
    """What WasiConfig takes as its clock."""

    def now_ns(self, clock_id: int) -> int:
        """The time of clock 0 (real), 1 (monotonic), 2 or 3 (of the processor), nanoseconds."""

    def resolution_ns(self, clock_id: int) -> int:
        """The step of a clock in nanoseconds."""

    def sleep_ns(self, duration_ns: int) -> None:
        """Lets the time pass."""


class SystemClock:
    """The clocks of the system."""

    _READ = (time.time_ns, time.monotonic_ns, time.process_time_ns, time.thread_time_ns)
    _NAMES: tuple[Any, ...] = ("time", "monotonic", "process_time", "thread_time")

    def now_ns(self, clock_id: int) -> int:
        """The time of a clock."""
        return self._READ[clock_id]()

    def resolution_ns(self, clock_id: int) -> int:
        """Its step, at least a nanosecond."""
        return max(1, round(time.get_clock_info(self._NAMES[clock_id]).resolution * 1e9))

    def sleep_ns(self, duration_ns: int) -> None:
        """Sleeps; Ctrl-C ends it."""
        while duration_ns > 0:  # the longest is a time that time.sleep takes on every platform
            step = min(duration_ns, _LONGEST_SLEEP_NS)
            time.sleep(step / 1e9)
            duration_ns -= step


class FixedClock:
    """A clock whose runs repeat: it moves by a step when it is read, and when the guest sleeps.

    It does move, since guests that wait for a time to pass would never end otherwise.
    """

    def __init__(self, start_ns: int = 0, *, step_ns: int = 1) -> None:
        """Takes the first time, of all clocks, and how far each look at it moves it.

        Raises:
            ValueError: One of them is negative.
        """
        if start_ns < 0 or step_ns < 0:
            raise ValueError("times are not negative")
        self._start_ns = self._now_ns = start_ns
        self._step_ns = step_ns

    def now_ns(self, clock_id: int) -> int:
        """The time of a clock: from 0, except for clock 0, that of the day."""
        now = self._now_ns
        self._now_ns += self._step_ns
        return now if clock_id == REALTIME else now - self._start_ns

    def resolution_ns(self, clock_id: int) -> int:
        """The step, at least a nanosecond."""
        return max(1, self._step_ns)

    def sleep_ns(self, duration_ns: int) -> None:
        """Passes at once."""
        self._now_ns += max(0, duration_ns)


def time_of(clock: Clock, clock_id: int) -> int:
    """What a clock says, which may be more than 64 bits have room for.

    Raises:
        TypeError: It is no whole number.
    """
    return _whole(clock.now_ns(clock_id), "now_ns")


def resolution_of(clock: Clock, clock_id: int) -> int:
    """The step of a clock, likewise."""
    return _whole(clock.resolution_ns(clock_id), "resolution_ns")


def _whole(value: object, method: str) -> int:
    if not isinstance(value, int):
        raise TypeError(
            f"clock.{method} must return an int (nanoseconds), not {type(value).__name__}"
        )
    return value


def random_bytes(source: Callable[[int], bytes], size: int) -> bytes:
    """So many random bytes.

    Raises:
        TypeError: They are none.
        ValueError: They are more or fewer.
    """
    data = source(size)
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"random must return bytes, not {type(data).__name__}")
    if len(data) != size:
        raise ValueError(f"random returned {len(data)} bytes, where {size} were asked for")
    return bytes(data)


def clock_of(given: Clock | int | None) -> Clock:
    """The clock that an option of WasiConfig means."""
    if given is None:
        return SystemClock()
    if isinstance(given, int):
        return FixedClock(given)
    return given


def random_of(given: Callable[[int], bytes] | int | None) -> Callable[[int], bytes]:
    """The random bytes that an option of WasiConfig means; every call starts a seed again."""
    if given is None:
        return os.urandom
    if isinstance(given, int):
        return _random.Random(given).randbytes
    return given
