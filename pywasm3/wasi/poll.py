# SPDX-License-Identifier: MIT
"""poll_oneoff, which waits for clocks and descriptors."""

from __future__ import annotations

from .._wait import FAILED, HANGUP, INVALID, READABLE, WRITABLE
from .abi import (
    CLOCK_ABSTIME,
    EBADF,
    EINVAL,
    ENOTSUP,
    EVENT,
    EVENT_CLOCK,
    EVENT_HANGUP,
    EVENT_READ,
    EVENT_WRITE,
    RIGHT_FD_READ,
    RIGHT_FD_WRITE,
    SUBSCRIPTION,
    SUCCESS,
    UNSTABLE_CLOCK_SUBSCRIPTION,
    WasiError,
)
from .records import NamedTuple
from .sources import MONOTONIC, REALTIME, SystemClock, time_of
from .waiting import pause, poll, unlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from struct import Struct

    from .context import Wasi
    from .descriptors import Descriptor

_MAX_SUBSCRIPTIONS = 4096


class Alarm(NamedTuple):
    """A time of a clock that a call waits for."""

    user_data: int
    clock_id: int
    deadline_ns: int


class Watch(NamedTuple):
    """A descriptor that a call waits for."""

    user_data: int
    type: int
    descriptor: Descriptor


def poll_oneoff(wasi: Wasi, subscriptions: int, events: int, count: int, result: int) -> int:
    """Waits until a subscription has an event, and writes the events of all that have one."""
    return _poll(wasi, subscriptions, events, count, result, SUBSCRIPTION, SUBSCRIPTION)


def poll_oneoff_unstable(
    wasi: Wasi, subscriptions: int, events: int, count: int, result: int
) -> int:
    """Implements poll_oneoff of wasi_unstable: a clock has user data of its own before its id."""
    return _poll(
        wasi, subscriptions, events, count, result, SUBSCRIPTION, UNSTABLE_CLOCK_SUBSCRIPTION
    )


def _poll(
    wasi: Wasi,
    subscriptions: int,
    events: int,
    count: int,
    result: int,
    fd_struct: Struct,
    clock_struct: Struct,
) -> int:
    """Does poll_oneoff, given how subscriptions to descriptors and to clocks are laid out."""
    if count == 0:
        raise WasiError(EINVAL)
    memory = wasi.memory
    data = memory.span(subscriptions, count * clock_struct.size)
    memory.check(events, count * EVENT.size)
    memory.check(result, 4)
    if count > _MAX_SUBSCRIPTIONS:
        raise WasiError(EINVAL)
    request = _Request(wasi)
    for at in range(0, count * clock_struct.size, clock_struct.size):
        if data[at + 8] == EVENT_CLOCK:  # the tag, which follows the user data
            user_data, _, clock_id, timeout, _, flags = clock_struct.unpack_from(data, at)
            request.add_clock(user_data, clock_id, timeout, flags)
        else:
            user_data, type_, fd = fd_struct.unpack_from(data, at)[:3]
            request.add_descriptor(user_data, type_, fd)
    found = request.wait()
    memory.write(events, b"".join(found))
    memory.put_u32(result, len(found))
    return SUCCESS


class _Request:
    """The subscriptions of one call."""

    def __init__(self, wasi: Wasi) -> None:
        self._wasi = wasi
        self._alarms: list[Alarm] = []
        self._watches: list[Watch] = []
        # The events that need no waiting, such as errors.
        self._events: list[bytes] = []
        # The time of each clock that was read. A call reads it once, so that the durations that the
        # guest gives begin together.
        self._now: dict[int, int] = {}

    def _time(self, clock_id: int) -> int:
        return time_of(self._wasi.clock, clock_id)

    def add_clock(self, user_data: int, clock_id: int, timeout: int, flags: int) -> None:
        """Adds a clock: an absolute time, or a duration in nanoseconds from now."""
        if clock_id not in (REALTIME, MONOTONIC):
            errno = ENOTSUP if clock_id <= 3 else EINVAL
            self._events.append(EVENT.pack(user_data, errno, EVENT_CLOCK, 0, 0))
            return
        if not flags & CLOCK_ABSTIME:
            if clock_id not in self._now:
                self._now[clock_id] = self._time(clock_id)
            timeout += self._now[clock_id]
        self._alarms.append(Alarm(user_data, clock_id, timeout))

    def add_descriptor(self, user_data: int, type_: int, fd: int) -> None:
        """Adds a descriptor that the guest wants to read (EVENT_READ) or write (EVENT_WRITE)."""
        if type_ not in (EVENT_READ, EVENT_WRITE):
            raise WasiError(EINVAL)
        try:
            descriptor = self._wasi.descriptors.file(fd)
            descriptor.require_mode(RIGHT_FD_READ if type_ == EVENT_READ else RIGHT_FD_WRITE)
        except WasiError as error:
            self._events.append(EVENT.pack(user_data, error.errno, type_, 0, 0))
        else:
            self._watches.append(Watch(user_data, type_, descriptor))

    def wait(self) -> list[bytes]:
        """Waits, and returns the packed events, at least one."""
        always = [watch for watch in self._watches if watch.descriptor.poll_fd() is None]
        waiting = [watch for watch in self._watches if watch.descriptor.poll_fd() is not None]
        events = self._events + [_event(watch, 0) for watch in always]
        while True:
            left = 0 if events else self._left_ns()
            events += self._wait_once(waiting, left)
            events += self._due()
            if events:
                return events
            # A user's clock may have returned early, perhaps without any time having passed.
            if type(self._wasi.clock) is not SystemClock:
                pause()

    def _left_ns(self) -> int | None:
        left = [alarm.deadline_ns - self._time(alarm.clock_id) for alarm in self._alarms]
        return max(0, min(left)) if left else None

    def _due(self) -> list[bytes]:
        return [
            EVENT.pack(alarm.user_data, SUCCESS, EVENT_CLOCK, 0, 0)
            for alarm in self._alarms
            if alarm.deadline_ns <= self._time(alarm.clock_id)
        ]

    def _wait_once(self, waiting: list[Watch], left_ns: int | None) -> list[bytes]:
        clock = self._wasi.clock
        if waiting and (left_ns is None or isinstance(clock, SystemClock)):
            return self._wait_for(waiting, left_ns)
        # A user's clock need not run as fast as the system's, so one wait cannot serve for both.
        found = self._wait_for(waiting, 0)
        if left_ns and not found:
            with unlocked():
                clock.sleep_ns(left_ns)
        return found

    def _wait_for(self, waiting: list[Watch], left_ns: int | None) -> list[bytes]:
        """Returns events of descriptors that are ready, after at most the given nanoseconds."""
        if not waiting:
            return []
        wanted: dict[int, int] = {}
        for watch in waiting:
            fd = _fd(watch)
            wanted[fd] = wanted.get(fd, 0) | _bits(watch)
        if -1 in wanted:  # The host has closed the descriptors of the guest meanwhile.
            raise WasiError(EBADF)
        ready = poll(wanted, None if left_ns is None else left_ns / 1e9)
        return [_event(watch, ready[_fd(watch)]) for watch in waiting if _is_ready(watch, ready)]


def _fd(watch: Watch) -> int:
    fd = watch.descriptor.poll_fd()
    assert fd is not None
    return fd


def _bits(watch: Watch) -> int:
    return READABLE if watch.type == EVENT_READ else WRITABLE


def _is_ready(watch: Watch, ready: dict[int, int]) -> bool:
    # An operation on a descriptor that poll() does not know fails at once: so it is ready.
    bits = _bits(watch) | HANGUP | FAILED | INVALID
    return bool(ready.get(_fd(watch), 0) & bits)


def _event(watch: Watch, ready: int) -> bytes:
    size = watch.descriptor.readable_bytes() if watch.type == EVENT_READ else 0
    flags = EVENT_HANGUP if ready & HANGUP else 0
    return EVENT.pack(watch.user_data, SUCCESS, watch.type, size, flags)
