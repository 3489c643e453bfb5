# SPDX-License-Identifier: MIT
"""Calls that leave the event loop free, and host functions that are coroutines.

``Function.aio`` makes a call on another thread, so that neither a guest that computes nor a host
function that sleeps blocks the event loop. An async host function becomes a task of the caller's
event loop, and the thread waits for it. If that task calls functions of the same store meanwhile,
the waiting thread runs these calls too, because it is the one that holds the store.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import math
import os
import threading
from queue import SimpleQueue

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from ._cpython import Function

_MAX_IDLE_THREADS = 32  # are kept for later calls: starting a thread takes about 100 microseconds


async def call_on_thread(function: Function, arguments: tuple[Any, ...]) -> Any:
    """Calls a function on another thread, and stops it if the task is cancelled meanwhile."""
    return await _Call(function, arguments).result()


# `_running.call` is the innermost call that a thread is running. `_caller` is set in the context of
# a task that runs an async host function: it is the call which that function belongs to.
_running = threading.local()
_caller: contextvars.ContextVar[_Call | None] = contextvars.ContextVar("caller", default=None)


def blocking(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """Returns a plain function that runs an async host function and waits for its result."""

    def wait(*arguments: Any) -> Any:
        call: _Call | None = getattr(_running, "call", None)
        if call is None:
            name = getattr(function, "__name__", repr(function))
            raise RuntimeError(
                f"host function {name} is async: call the export with await and .aio(...)"
            )
        return call.wait_for(function(*arguments))

    return wait


class _Call:
    """One awaited call.

    It runs on a thread of its own, or on the thread of the call whose async host function made it.
    """

    def __init__(self, function: Function, arguments: tuple[Any, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._ended: asyncio.Future[Any] = self._loop.create_future()
        self._deadline: int | None = None
        self._cancelled = False
        self._task: asyncio.Task[Any] | None = None  # runs the async host function
        # Calls that the task makes; None says that the task has ended.
        self._inbox: SimpleQueue[_Call | None] = SimpleQueue()

    # ---- on the loop ----

    async def result(self) -> Any:
        """Starts the call, waits for its end, and returns its result."""
        caller = _caller.get()
        if caller is not None and caller._can_run(self):
            caller._inbox.put(self)
        else:
            _start(self)
        try:
            return await asyncio.shield(self._ended)
        except asyncio.CancelledError:
            if not self._ended.done():
                self._cancel()
                await self._end()
            raise

    def _can_run(self, call: _Call) -> bool:
        """Returns whether this call's thread, which waits for its task, can run another call."""
        task = self._task
        same = call._loop is self._loop and call._function.store is self._function.store
        return same and task is not None and not task.done()

    def _cancel(self) -> None:
        # Set first, because the thread reads it after it has set its deadline: one of the two sees
        # what the other has done.
        self._cancelled = True
        if self._deadline is not None:
            self._function.store._cancel(self._deadline)
        task = self._task
        if task is not None:
            task.cancel()

    async def _end(self) -> None:
        """Waits until the call has ended, even if the task is cancelled again meanwhile."""
        while not self._ended.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([self._ended])
        self._ended.exception()  # asyncio logs an exception that is never retrieved

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if error is None:
            self._ended.set_result(result)
        else:
            self._ended.set_exception(error)

    def _run_task(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        context = self._context.copy()
        context.run(_caller.set, self)
        self._task = context.run(self._loop.create_task, coroutine)
        # _can_run() refuses calls of a task that is done, so no call can follow this None.
        self._task.add_done_callback(lambda _: self._inbox.put(None))
        if self._cancelled:
            self._task.cancel()

    # ---- on the thread ----

    def run(self, finished: Callable[[], None] = lambda: None) -> None:
        """Runs the call, then `finished`, and then hands the result to the loop."""
        outer = getattr(_running, "call", None)
        _running.call = self
        result: Any = None
        error: BaseException | None = None
        try:
            result = self._context.run(self._run)
        except StopIteration as stop:  # a future cannot hold a StopIteration
            error = RuntimeError(f"a host function raised {stop!r}")
            error.__cause__ = stop
        except BaseException as exception:
            error = exception
        _running.call = outer
        finished()
        with contextlib.suppress(RuntimeError):  # the loop is closed, so no task waits
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _run(self) -> Any:
        store = self._function.store
        # A deadline that never comes: it exists so that _cancel() can let it come at once.
        self._deadline = store._begin_deadline(math.inf)
        try:
            if self._cancelled:
                raise asyncio.CancelledError
            return self._function(*self._arguments)
        finally:
            store._end_deadline(self._deadline)

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Lets the loop run a coroutine, and runs the calls that it makes in the same store."""
        try:
            self._loop.call_soon_threadsafe(self._run_task, coroutine)
        except RuntimeError:  # the loop is closed
            coroutine.close()
            raise
        while (call := self._inbox.get()) is not None:
            call.run()
        assert self._task is not None
        task, self._task = self._task, None
        return task.result()


# ---- threads -------------------------------------------------------------------------------------

# concurrent.futures would not do: a pool with a limited number of threads is stuck when all of its
# threads run calls that wait for other calls, and the process would not end before its threads do.
_idle: list[_Thread] = []


class _Thread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="pywasm3", daemon=True)
        self.inbox: SimpleQueue[_Call] = SimpleQueue()
        self._stays = True

    def run(self) -> None:
        while self._stays:
            # The thread becomes idle before the loop gets the result, so that the next call of the
            # task that waits for the result finds this thread.
            self.inbox.get().run(self._rest)

    def _rest(self) -> None:
        if len(_idle) < _MAX_IDLE_THREADS:
            _idle.append(self)
        else:
            self._stays = False


def _start(call: _Call) -> None:
    try:
        thread = _idle.pop()
    except IndexError:
        thread = _Thread()
        thread.start()
    thread.inbox.put(call)


if hasattr(os, "register_at_fork"):  # a child process has none of these threads
    os.register_at_fork(after_in_child=_idle.clear)
