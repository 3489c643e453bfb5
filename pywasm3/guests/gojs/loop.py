# SPDX-License-Identifier: MIT
"""The event loop of a guest: what is ready, timers, input that is waited for, and other threads."""

from __future__ import annotations

import heapq
import threading
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from ..._wait import READABLE, STEP_SECONDS
from ...wasi.sources import MONOTONIC, SystemClock, time_of
from ...wasi.waiting import check, poll
from .budget import SLOT, Budget
from .promise import Promise

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine

    from ...wasi import Wasi

_EVENT = 4 * SLOT  # What an event that waits is counted as.
_LATEST_MS = (1 << 31) - 1  # A longer time to wait is shortened to 24 days.


class Loop:
    """Runs the events of one guest, in the order in which they become ready.

    Attributes:
        asyncio: The event loop that runs the coroutines of host functions, if there is one.
        thread: The thread that runs the events now; None if no thread does.
        serving: Whether Python has called a Go function that has not returned. Go cannot wait for
            an event meanwhile: its runtime ends the program instead, as if nothing could happen.
    """

    def __init__(self, wasi: Wasi, budget: Budget) -> None:
        self._wasi = wasi
        self._budget = budget
        self.asyncio: asyncio.AbstractEventLoop | None = None
        self.thread: int | None = None
        self.serving = False
        self._ready: deque[Callable[[], None]] = deque()
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._received: deque[Callable[[], None]] = deque()  # events that ended a wait
        self._timers: dict[int, Callable[[], None]] = {}
        self._times: list[tuple[int, int]] = []
        self._next_timer = 1
        self._reads: list[tuple[int, Callable[[], None]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unfinished = 0

    # ---- what is going to happen ----

    def post(self, event: Callable[[], None]) -> None:
        """Lets an event happen after those that are ready now.

        Raises:
            WasmError: The host keeps too much for the guest.
        """
        self._budget.take(_EVENT)
        self._ready.append(event)

    def post_from_thread(self, event: Callable[[], None]) -> None:
        """Lets an event happen on the thread that runs the events."""
        self._inbox.put(event)

    def set_timer(self, milliseconds: float, event: Callable[[], None]) -> int:
        """Lets an event happen when a time has passed, and returns the number of the timer.

        Raises:
            WasmError: The host keeps too much for the guest.
        """
        self._budget.take(_EVENT)
        delay = min(max(milliseconds, 0), _LATEST_MS)
        number = self._next_timer
        # A number is free again long before the next one with 31 bits is needed.
        self._next_timer = number % 0x7FFFFFFF + 1
        self._timers[number] = event
        heapq.heappush(self._times, (self._now() + int(delay * 1e6), number))
        return number

    def repeat_timer(self, number: int, milliseconds: float) -> None:
        """Lets the event of a timer whose time has passed happen once more."""
        heapq.heappush(self._times, (self._now() + int(milliseconds * 1e6), number))

    def clear_timer(self, number: int) -> None:
        """Removes a timer; there need not be one with this number."""
        if self._timers.pop(number, None) is not None:
            self._budget.give(_EVENT)
        if len(self._times) > 2 * len(self._timers) + 64:
            self._times = [entry for entry in self._times if entry[1] in self._timers]
            heapq.heapify(self._times)

    def has_timer(self, number: int) -> bool:
        """Returns whether a timer has not been cleared, even if its time has passed."""
        return number in self._timers

    def when_readable(self, fd: int, event: Callable[[], None]) -> None:
        """Lets an event happen when a descriptor of the host can be read.

        Raises:
            WasmError: The host keeps too much for the guest.
        """
        self._budget.take(_EVENT)
        self._reads.append((fd, event))

    def promise_of(self, coroutine: Coroutine[Any, Any, Any]) -> Promise:
        """Lets asyncio run a coroutine, and returns the promise of its result.

        Raises:
            RuntimeError: No event loop of asyncio belongs to the guest.
        """
        loop = self.asyncio
        if loop is None:
            name = getattr(coroutine, "__qualname__", repr(coroutine))
            coroutine.close()
            raise RuntimeError(
                f"host function {name} is async: run the program with await and run_async()"
            )
        promise = Promise(self.post, self._budget)
        self._budget.take(_EVENT)
        self._unfinished += 1

        def begin() -> None:
            task = loop.create_task(coroutine)
            self._tasks.add(task)
            task.add_done_callback(finish)

        def finish(task: asyncio.Task[Any]) -> None:
            self._tasks.discard(task)
            self.post_from_thread(lambda: self._settle(promise, task))

        loop.call_soon_threadsafe(begin)
        return promise

    def _settle(self, promise: Promise, task: asyncio.Task[Any]) -> None:
        self._unfinished -= 1
        self._budget.give(_EVENT)
        if task.cancelled():
            from asyncio import CancelledError

            promise.reject(CancelledError("the task of a host function was cancelled"))
            return
        error = task.exception()
        if error is None:
            promise.resolve(task.result())
        else:
            promise.reject(error)

    def cancel_tasks(self) -> None:
        """Cancels the coroutines that still run. It is called on the thread of asyncio."""
        for task in list(self._tasks):
            task.cancel()

    # ---- running ----

    def run_ready(self) -> None:
        """Runs events until none is ready."""
        while self._turn():
            check()

    def run_until(self, ended: Callable[[], bool]) -> bool:
        """Runs events, and waits for them, until `ended` returns True.

        Returns:
            False if nothing can happen any more before that.
        """
        while not ended():
            check()
            if self._turn():
                continue
            if not (self._timers or self._reads or self._unfinished):
                return False
            self._wait()
        return True

    def _now(self) -> int:
        return time_of(self._wasi.clock, MONOTONIC)

    def _turn(self) -> bool:
        """Runs one event that is ready, and returns whether there was one."""
        event = self._next_event()
        if event is None:
            return False
        event()
        return True

    def _next_event(self) -> Callable[[], None] | None:
        if self._ready:
            self._budget.give(_EVENT)
            return self._ready.popleft()
        if self._received:
            return self._received.popleft()
        if not self._inbox.empty():
            return self._inbox.get()
        due = self._due_timer()
        if due is not None:
            return due
        return self._readable(0.0) if self._reads else None

    def _due_timer(self) -> Callable[[], None] | None:
        while self._times:
            time, number = self._times[0]
            event = self._timers.get(number)
            if event is None:
                heapq.heappop(self._times)
            elif time <= self._now():
                heapq.heappop(self._times)
                return event
            else:
                return None
        return None

    def _readable(self, seconds: float) -> Callable[[], None] | None:
        ready = poll({fd: READABLE for fd, _ in self._reads}, seconds)
        for position, (fd, event) in enumerate(self._reads):
            if fd in ready:
                del self._reads[position]
                self._budget.give(_EVENT)
                return event
        return None

    def _wait(self) -> None:
        """Waits for a step, or until something happens that may make an event ready."""
        left = self._times[0][0] - self._now() if self._times else None
        clock = self._wasi.clock
        if left is not None and not isinstance(clock, SystemClock) and not self._unfinished:
            if left > 0:
                clock.sleep_ns(left)
            return
        seconds = STEP_SECONDS if left is None else min(max(left, 0) / 1e9, STEP_SECONDS)
        if self._reads:
            found = self._readable(seconds)
            if found is not None:
                self._received.append(found)
            return
        with suppress(Empty):
            self._received.append(self._inbox.get(timeout=max(seconds, 1e-6)))

    def on_other_thread(self) -> bool:
        """Returns whether another thread runs the events now."""
        return self.thread is not None and self.thread != threading.get_ident()
