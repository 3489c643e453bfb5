# SPDX-License-Identifier: MIT
"""Promises of Node-API, and what a guest does later: work, and calls from its threads.

What is to be done later is done on the same thread, when the call from Python ends.
"""

from __future__ import annotations

from collections import deque

from ..._types import FuncType, i32
from ..bindgen.properties import call
from ..bindgen.values import SLOT_BYTES, Function, Promise, undefined
from .entries import Entry, entry
from .environment import ENV
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .environment import Environment

_EXECUTE = FuncType([i32, i32])
_COMPLETE = FuncType([i32, i32, i32])
_CALL_JS = FuncType([i32, i32, i32, i32])
_ABORT = 1  # napi_tsfn_abort: no calls follow


# ---- promises ----


def _new_promise(environment: Environment, deferred: int) -> Promise:
    if not deferred:
        raise Failed(Status.INVALID_ARG)
    promise = Promise(environment.realm.budget)
    environment.memory.put_i32(deferred, environment.of_kind("deferred").add(promise))
    return promise


def _settled(state: str) -> Entry:
    """Returns the function that settles a promise, which it can do once."""

    def settle(environment: Environment, deferred: int, value: Any) -> None:
        promise = environment.of_kind("deferred").remove(deferred)
        environment.realm.settle(promise, state, value)

    return entry(settle, "u32 value", runs_js=True)


# ---- work ----


class _Work:
    """Something that is done later.

    Attributes:
        execute: Does it.
        complete: Is called with a status afterwards.
        state: "new", "queued", "cancelled" or "done".
    """

    __slots__ = ("complete", "execute", "state")

    def __init__(self, execute: Function, complete: Callable[[Status], Function] | None) -> None:
        self.execute = execute
        self.complete = complete
        self.state = "new"

    def run(self) -> None:
        """Does it, unless it was cancelled, and says so."""
        cancelled, self.state = self.state == "cancelled", "done"
        if not cancelled:
            self.execute.invoke(undefined, [])
        if self.complete is not None:
            status = Status.CANCELLED if cancelled else Status.OK
            self.complete(status).invoke(undefined, [])


def _new_work(
    environment: Environment, resource: int, name: int, execute: int, complete: int, data: int
) -> int:
    executed = environment.function(execute, _EXECUTE)
    completed = environment.function(complete, _COMPLETE) if complete else None

    def completion(status: Status) -> Function:
        assert completed is not None
        return environment.procedure(completed, lambda: (ENV, status, data))

    work = _Work(
        environment.procedure(executed, lambda: (ENV, data)),
        None if completed is None else completion,
    )
    return environment.of_kind("work").add(work)


def _delete_work(environment: Environment, number: int) -> None:
    environment.of_kind("work").remove(number)


def _queue_work(environment: Environment, number: int) -> None:
    work: _Work = environment.of_kind("work").get(number)
    if work.state not in ("new", "done"):
        raise Failed(Status.GENERIC_FAILURE)
    environment.realm.later(work.run)
    work.state = "queued"


def _cancel_work(environment: Environment, number: int) -> None:
    work: _Work = environment.of_kind("work").get(number)
    if work.state != "queued":
        raise Failed(Status.GENERIC_FAILURE)
    work.state = "cancelled"


# ---- functions that a guest's threads call ----


class _Threadsafe:
    """A thread-safe function.

    Attributes:
        environment: The environment.
        function: What JavaScript is called, or undefined.
        call_js: Calls it in the guest's way, with the data of a call; or None.
        context: What the guest gave for its own use.
        threads: How many threads use it.
        room: How many calls may wait; 0 is any number.
        waiting: The data of the calls that wait.
        closing: Whether no more calls are taken.
        finalizer: Is called at the end, or None.
    """

    def __init__(
        self, environment: Environment, function: Any, call_js: Any, context: int, finalizer: Any
    ) -> None:
        self.environment = environment
        self.function = function
        self.call_js = call_js
        self.context = context
        self.finalizer: Function | None = finalizer
        self.threads = 0
        self.room = 0
        self.waiting: deque[int] = deque()
        self.closing = False

    def run(self) -> None:
        """Makes the call that has waited for the longest time."""
        if not self.waiting:
            return
        data = self.waiting.popleft()
        self.environment.realm.budget.give(SLOT_BYTES)
        if self.call_js is None:
            call(self.function, undefined, [])
            return
        handles = self.environment.handles

        def given() -> tuple[int, ...]:
            function = 0 if self.function is undefined else handles.add(self.function)
            return ENV, function, self.context, data

        self.environment.procedure(self.call_js, given).invoke(undefined, [])


def _new_threadsafe(environment: Environment, *given: int) -> int:
    function, _, _, room, threads, data, finalize, context, call_js = given
    callee = environment.handles.get(function) if function else undefined
    if callee is not undefined and not isinstance(callee, Function):
        raise Failed(Status.FUNCTION_EXPECTED)
    if not threads or not (call_js or function):
        raise Failed(Status.INVALID_ARG)
    found = environment.function(call_js, _CALL_JS) if call_js else None
    finalizer = environment.finalizer(finalize, data, context)
    made = _Threadsafe(environment, callee, found, context, finalizer)
    made.threads, made.room = threads, room
    return environment.of_kind("threadsafe").add(made)


def _call_threadsafe(environment: Environment, number: int, data: int, mode: int) -> None:
    found: _Threadsafe = environment.of_kind("threadsafe").get(number)
    if found.closing:
        raise Failed(Status.CLOSING)
    if found.room and len(found.waiting) >= found.room:
        raise Failed(Status.QUEUE_FULL)
    environment.realm.budget.take(SLOT_BYTES)
    environment.realm.later(found.run)
    found.waiting.append(data)


def _acquire(environment: Environment, number: int) -> None:
    found: _Threadsafe = environment.of_kind("threadsafe").get(number)
    if found.closing:
        raise Failed(Status.CLOSING)
    found.threads += 1


def _release(environment: Environment, number: int, mode: int) -> None:
    table = environment.of_kind("threadsafe")
    found: _Threadsafe = table.get(number)
    found.threads -= 1
    if found.threads > 0 and mode != _ABORT:
        return
    found.closing = True
    if mode == _ABORT:
        environment.realm.budget.give(SLOT_BYTES * len(found.waiting))
        found.waiting.clear()
    if found.threads <= 0:
        table.remove(number)
        if found.finalizer is not None:
            finalizer = found.finalizer
            environment.realm.later(lambda: finalizer.invoke(undefined, []))


def _context(environment: Environment, number: int, result: int) -> None:
    if not result:
        raise Failed(Status.INVALID_ARG)
    found: _Threadsafe = environment.of_kind("threadsafe").get(number)
    environment.memory.put_i32(result, found.context)


def _nothing(environment: Environment, *given: Any) -> None:
    """Does nothing: a guest is not kept alive by what it waits for."""


# ---- what says to which operation a callback belongs ----


def _numbered(kind: str) -> Callable[..., int]:
    return lambda environment, *given: environment.of_kind(kind).add(True)


def _removed(kind: str, status: Status) -> Callable[[Environment, int], None]:
    def remove(environment: Environment, number: int) -> None:
        if not environment.of_kind(kind).has(number):
            raise Failed(status)
        environment.of_kind(kind).remove(number)

    return remove


FUNCTIONS: dict[str, Entry] = {
    "napi_create_promise": entry(_new_promise, "address", "value", runs_js=True),
    "napi_resolve_deferred": _settled("fulfilled"),
    "napi_reject_deferred": _settled("rejected"),
    "napi_create_async_work": entry(_new_work, "u32 u32 u32 u32 address", "i32"),
    "napi_delete_async_work": entry(_delete_work, "u32"),
    "napi_queue_async_work": entry(_queue_work, "u32"),
    "napi_cancel_async_work": entry(_cancel_work, "u32"),
    "napi_create_threadsafe_function": entry(
        _new_threadsafe, "u32 u32 u32 u32 u32 address u32 address u32", "i32"
    ),
    "napi_ref_threadsafe_function": entry(_nothing, "u32"),
    "napi_unref_threadsafe_function": entry(_nothing, "u32"),
    "napi_async_init": entry(_numbered("context"), "u32 u32", "i32"),
    "napi_async_destroy": entry(_removed("context", Status.INVALID_ARG), "u32"),
    "napi_open_callback_scope": entry(_numbered("callback scope"), "u32 u32", "i32"),
    "napi_close_callback_scope": entry(
        _removed("callback scope", Status.CALLBACK_SCOPE_MISMATCH), "u32"
    ),
}

# These have no environment as their first parameter, because a thread calls them.
WITHOUT_ENVIRONMENT: dict[str, Entry] = {
    "napi_get_threadsafe_function_context": entry(_context, "u32 address"),
    "napi_call_threadsafe_function": entry(_call_threadsafe, "u32 address u32"),
    "napi_acquire_threadsafe_function": entry(_acquire, "u32"),
    "napi_release_threadsafe_function": entry(_release, "u32 u32"),
}
