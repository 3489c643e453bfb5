# SPDX-License-Identifier: MIT
"""Calls that leave the event loop free, and host functions that are coroutines.

A call runs on a thread: a guest that computes, or a host function that sleeps, holds up nobody. An
async host function becomes a task of the caller's loop, which the thread waits for. While it waits,
it runs what that task calls in the same store, for the store is this thread's.
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

    from ._fastcall import Function

_KEPT_THREADS = 32  # idle ones; a new one costs some 100 microseconds


async def call(function: Function, arguments: tuple[Any, ...]) -> Any:
    """Calls a function on another thread, and stops it if the task is cancelled meanwhile."""
    return await _Call(function, arguments).result()


# The innermost call of a thread, and the one whose async host function a task is.
_running = threading.local()
_caller: contextvars.ContextVar[_Call | None] = contextvars.ContextVar("caller", default=None)


def blocking(function: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """An async host function as one that waits."""

    def wait(*arguments: Any) -> Any:
        call: _Call | None = getattr(_running, "call", None)
        if call is None:
            name = getattr(function, "__name__", repr(function))
            raise RuntimeError(f"host function {name} is async: call the export by .aio(...)")
        return call.wait_for(function(*arguments))

    return wait


class _Call:
    """One call: on a thread of its own, or on that of a call whose host function makes it."""

    def __init__(self, function: Function, arguments: tuple[Any, ...]) -> None:
        self._function = function
        self._arguments = arguments
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        self._ended: asyncio.Future[Any] = self._loop.create_future()
        self._scope: int | None = None
        self._cancelled = False
        self._task: asyncio.Task[Any] | None = None  # of the async host function
        self._inbox: SimpleQueue[_Call | None] = SimpleQueue()  # its calls; None: it has ended

    # ---- on the loop ----

    async def result(self) -> Any:
        """What the function returns, when it has."""
        caller = _caller.get()
        if caller is not None and caller._takes(self):
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

    def _takes(self, call: _Call) -> bool:
        task = self._task
        same = call._loop is self._loop and call._function.store is self._function.store
        return same and task is not None and not task.done()

    def _cancel(self) -> None:
        self._cancelled = True  # first: the thread looks at it when it has its scope
        if self._scope is not None:
            self._function.store._cancel(self._scope)
        task = self._task
        if task is not None:
            task.cancel()

    async def _end(self) -> None:
        """Waits, whatever else happens: the instance is in use until then."""
        while not self._ended.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([self._ended])
        self._ended.exception()  # nobody else asks for it

    def _settle(self, result: Any, error: BaseException | None) -> None:
        if error is None:
            self._ended.set_result(result)
        else:
            self._ended.set_exception(error)

    def _run_task(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        context = self._context.copy()
        context.run(_caller.set, self)
        self._task = context.run(self._loop.create_task, coroutine)
        # The callback is the last to see the task unfinished: no call comes after its None.
        self._task.add_done_callback(lambda _: self._inbox.put(None))
        if self._cancelled:
            self._task.cancel()

    # ---- on the thread ----

    def run(self, finished: Callable[[], None] = lambda: None) -> None:
        """Runs the call, and tells the loop; between the two, `finished`."""
        outer = getattr(_running, "call", None)
        _running.call = self
        result: Any = None
        error: BaseException | None = None
        try:
            result = self._context.run(self._run)
        except StopIteration as stop:  # a future takes none
            error = RuntimeError(f"a host function raised {stop!r}")
            error.__cause__ = stop
        except BaseException as exception:
            error = exception
        _running.call = outer
        finished()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._settle, result, error)

    def _run(self) -> Any:
        store = self._function.store
        self._scope = store._begin_deadline(math.inf)
        try:
            if self._cancelled:
                raise asyncio.CancelledError
            return self._function(*self._arguments)
        finally:
            store._end_deadline(self._scope)

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Has the loop run it; runs its calls meanwhile."""
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

# Not concurrent.futures: its threads have a limit, at which calls that wait for each other would
# wait for ever, and the end of the process waits for them.
_idle: list[_Thread] = []


class _Thread(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="pywasm3", daemon=True)
        self.inbox: SimpleQueue[_Call] = SimpleQueue()
        self._kept = True

    def run(self) -> None:
        while self._kept:
            # Idle before the loop hears of the end: its next call finds this thread.
            self.inbox.get().run(self._rest)

    def _rest(self) -> None:
        if len(_idle) < _KEPT_THREADS:
            _idle.append(self)
        else:
            self._kept = False


def _start(call: _Call) -> None:
    try:
        thread = _idle.pop()
    except IndexError:
        thread = _Thread()
        thread.start()
    thread.inbox.put(call)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)
