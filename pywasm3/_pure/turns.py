# SPDX-License-Identifier: MIT
"""Turns: the threads that use a store come one after the other, in the order in which they came.

native/embed/gate.h has the turn itself, which a call at once takes and gives back within C. Python
code that uses a store does it between `enter` and `leave`:

    depth = turn_depth(store._turn)
    try:
        enter(store)
        ...
    finally:
        leave(store, depth)

`leave` does nothing if the store was not entered, so no asynchronous exception, such as
KeyboardInterrupt, leaves it taken.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock
from time import monotonic

from .._ffi import lib
from .hooks import hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from .store import Store

turn_depth = lib.pw_gate_depth
_turn_enter, _turn_leave_to, _turn_bits = (
    lib.pw_gate_enter,
    lib.pw_gate_leave_to,
    lib.pw_gate_bits,
)
CLOSED: int = lib.PW_GATE_CLOSED
AWAITED: int = lib.PW_GATE_AWAITED
UNSETTLED: int = lib.PW_GATE_UNSETTLED

# Seconds after which a thread that waits looks again, in case nobody could wake it.
_STEP = 0.05
# A waiter that has not looked for so long runs a signal handler, and does not keep others waiting.
_AWAY = 0.25


def refuse(message: str) -> NoReturn:
    """Raises the error about a store in a wrong state."""
    raise hooks.closed(message)


def closed() -> NoReturn:
    """Raises the error about a closed store."""
    raise hooks.closed("the store is closed")


def require_usable(store: Store) -> None:
    """Checks that the store is open, and that this process can use it."""
    if store._pointer is None:
        closed()
    if store._orphaned:
        raise hooks.closed(
            "the store cannot be used in this process: another thread was using it when the "
            "process was forked"
        )


def require_entered(store: Store) -> None:
    """Checks that this thread has entered the store."""
    if not turn_depth(store._turn):
        raise RuntimeError("this thread has not entered the store")
    if store._pointer is None:
        closed()


def enter(store: Store) -> None:
    """Takes the turn for this thread, and waits if another thread has it.

    Raises:
        WasmError: The store is closed, or the wait was cancelled.
    """
    turn = store._turn
    if not _turn_enter(turn, False):
        _wait(store)
    if store._pointer is None:
        closed()
    if _turn_bits(turn) & UNSETTLED and turn_depth(turn) == 1:
        store._settle()


def try_enter(store: Store) -> bool:
    """Does what `enter` does, or returns False if another thread has the turn."""
    if not _turn_enter(store._turn, False):
        return False
    if store._pointer is None:
        closed()
    return True


def leave(store: Store, depth: int) -> None:
    """Leaves the store until this thread has entered it `depth` times."""
    if _turn_leave_to(store._turn, depth):
        after_leaving(store)


def after_leaving(store: Store) -> None:
    """Settles what the call has left to be settled, and wakes the first thread that waits."""
    turn = store._turn
    if _turn_bits(turn) & UNSETTLED and store._pointer is not None:
        try:
            if _turn_enter(turn, True):
                store._settle()
        finally:
            _turn_leave_to(turn, 0)
    _wake(store)


def notify(store: Store) -> bool:
    """Makes the thread that has the turn settle when it leaves. False: no thread has it."""
    if not lib.pw_gate_owner(store._turn):
        return False
    lib.pw_gate_add_bits(store._turn, UNSETTLED)
    return True


# ---- waiting -------------------------------------------------------------------------------------


class Waiter:
    """A thread that waits for its turn."""

    __slots__ = ("cancelled", "lock", "looked", "thread")

    def __init__(self) -> None:
        self.thread: int = lib.pw_gate_thread()
        self.lock = allocate_lock()
        self.lock.acquire()
        self.looked = monotonic()
        self.cancelled = False

    def wake(self) -> None:
        """Ends the sleep of the thread."""
        try:
            self.lock.release()
        except RuntimeError:  # it is awake already
            return


def _wake(store: Store) -> None:
    with store._lock:
        first = store._waiters[0].thread if store._waiters else 0
        for waiter in store._waiters:
            if waiter.thread == first or monotonic() - store._waiters[0].looked > _AWAY:
                waiter.wake()


def _is_first(store: Store, me: Waiter) -> bool:
    """Returns whether no other thread comes before this one."""
    now = monotonic()
    for waiter in store._waiters:
        if waiter is me:
            return True
        if waiter.thread != me.thread and now - waiter.looked < _AWAY:
            return False
    return True


def _remove(store: Store, waiter: Waiter) -> None:
    with store._lock:
        if waiter in store._waiters:
            store._waiters.remove(waiter)
        if not store._waiters:
            lib.pw_gate_drop_bits(store._turn, AWAITED)


def _enqueue(store: Store, waiter: Waiter) -> None:
    with store._lock:
        store._waiters.append(waiter)
        lib.pw_gate_add_bits(store._turn, AWAITED)


def _sleep(store: Store, waiter: Waiter) -> None:
    """Waits until the thread has entered, or raises an error.

    A signal handler may run meanwhile, and may raise an exception, so that Ctrl-C works.
    """
    while True:
        waiter.looked = monotonic()
        if waiter.cancelled:
            refuse("the call was cancelled before it began")
        require_usable(store)
        with store._lock:
            if _is_first(store, waiter) and _turn_enter(store._turn, True):
                return
        waiter.lock.acquire(True, _STEP)


def _wait(store: Store) -> None:
    require_usable(store)
    if sys.is_finalizing():  # the thread that has the turn may never run again
        refuse("the interpreter is shutting down while another thread uses the store")
    waiter = Waiter()
    try:
        _enqueue(store, waiter)
        _sleep(store, waiter)
    finally:
        _remove(store, waiter)


def end_waits(store: Store, thread: int) -> None:
    """Ends the waits of a thread, which raise an error there."""
    with store._lock:
        for waiter in store._waiters:
            if waiter.thread == thread:
                waiter.cancelled = True
                waiter.wake()


def forget_others(store: Store) -> None:
    """In the child of a fork: keeps only the waits of this thread, whose handler has forked."""
    me = lib.pw_gate_thread()
    store._waiters = [waiter for waiter in store._waiters if waiter.thread == me]


def entered(store: Store, function: Any, *args: Any) -> Any:
    """Calls a function while this thread has the store."""
    depth = turn_depth(store._turn)
    try:
        enter(store)
        return function(*args)
    finally:
        leave(store, depth)
