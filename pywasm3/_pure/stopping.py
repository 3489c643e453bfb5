# SPDX-License-Identifier: MIT
"""Running and stopping calls: deadlines, interruption, and the hooks for both.

pywasm3._cpython has the same in native/cpython/stop.c. The engine calls the tick hook from a
running call after a number of checkpoints, or when another thread or the timer asks for it. cffi
has let go of Python's lock meanwhile, so the hook does not do so.
"""

from __future__ import annotations

from _thread import _local
from itertools import count
from math import ldexp
from operator import index as _index

from .._ffi import lib
from . import watch
from .externs import make_room
from .turns import (
    end_waits,
    leave,
    notify,
    require_usable,
    try_enter,
    turn_depth,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .store import Store

now = lib.pw_time
NEVER = (1 << 63) - 1
_SECOND = 1_000_000_000
NONE: int = lib.PW_TRAP_NONE
HOST: int = lib.PW_TRAP_HOST

# How often the tick hook should run during a call, in nanoseconds. Each time it needs Python's
# lock, which other threads may have; signal handlers run when it has the lock.
_HOOK_INTERVAL = 5_000_000
# The fewest and the most ticks between two calls of the hook: a tight loop takes some milliseconds
# for the most.
_MIN_PERIOD, _MAX_PERIOD = 1 << 8, 1 << 21

_ids = count(1)


class _Hosting(_local):
    """Which store's host function runs on a thread.

    Host functions of coroutines may end in another order than they began in, and then this can be a
    store whose host function has ended.
    """

    store: Store | None = None


hosting = _Hosting()


def after(start: int, delay: int) -> int:
    """Returns the time after a delay."""
    return start + delay if delay < NEVER - start else NEVER


# ---- deadlines -----------------------------------------------------------------------------------


class Deadline:
    """A deadline that a thread has set for its calls, as ``with instance.deadline()`` does."""

    __slots__ = ("thread", "time")

    def __init__(self, time: int) -> None:
        self.thread: int = lib.pw_gate_thread()
        self.time = time


def _first_deadline(store: Store) -> int:
    """Returns the earliest deadline of a call that this thread makes."""
    me = lib.pw_gate_thread()
    with store._lock:
        times = [each.time for each in store._deadlines.values() if each.thread == me]
    return min([store._call_deadline, *times])


def _set_timer(store: Store) -> None:
    """Tells the timer when to stop the running call."""
    due = NEVER
    around: Store | None = store
    while around is not None:
        due = min(due, around._deadline)
        around = around._outer
    lib.pw_meter_stop_at(store._meter, max(due, 0))


def _renew_deadline(store: Store) -> None:
    """Applies a change of this thread's deadlines to the running call.

    A host function of that call has made the change.
    """
    if not turn_depth(store._turn) or store._pointer is None:
        return
    store._deadline = _first_deadline(store)
    _set_timer(store)
    notify(store)


def begin_deadline(store: Store, given: float) -> int:
    """Sets a deadline for this thread's calls, counted from now, and returns its id."""
    seconds = ldexp(given, 0)  # takes what a float parameter of C takes: no str, unlike float()
    if not seconds >= 0:
        raise ValueError(f"seconds must not be negative: {given!r}")
    delay = int(seconds * _SECOND) if seconds < 1e9 else NEVER
    with store._lock:
        require_usable(store)
        number = next(_ids)
        store._deadlines[number] = Deadline(after(now(), delay))
        watch.add_reason(store, watch.DEADLINES)
    _renew_deadline(store)
    return number


def end_deadline(store: Store, number: int) -> None:
    """Ends a deadline."""
    with store._lock:
        store._deadlines.pop(number, None)
        if not store._deadlines:
            watch.drop_reason(store, watch.DEADLINES)
    _renew_deadline(store)


def cancel(store: Store, number: int) -> None:
    """Moves a deadline into the past.

    The thread that has set it may be running in the store, be waiting for it, or come later: it
    finds the deadline passed in each case.
    """
    with store._lock:
        deadline = store._deadlines.get(number)
        if deadline is None:
            return
        deadline.time = 0
        end_waits(store, deadline.thread)
        if lib.pw_gate_owner(store._turn) == deadline.thread:
            store._cancelled = True
            _poke(store, lib.PW_GATE_CANCELLED)


# ---- fuel ----------------------------------------------------------------------------------------


def get_fuel(store: Store) -> int | None:
    """Returns the fuel that is left, or was left a short time ago if another thread runs a call."""
    require_usable(store)
    depth = turn_depth(store._turn)
    try:
        if try_enter(store):
            watch.take_wanted(store)
            return watch.left(store)
    finally:
        leave(store, depth)
    wanted = store._wanted_fuel
    return wanted[0] if wanted else store._reported_fuel


def set_fuel(store: Store, value: Any) -> None:
    """Sets the fuel, now or at the next checkpoint of the call that another thread runs."""
    fuel = None if value is None else _index(value)
    if fuel is not None and fuel < 0:
        raise ValueError(f"fuel must not be negative: {value!r}")
    if fuel is not None and fuel > NEVER:
        raise OverflowError("Python int too large to convert to C long long")
    while True:
        require_usable(store)
        depth = turn_depth(store._turn)
        try:
            if try_enter(store):
                store._wanted_fuel = ()
                watch.fill(store, fuel)
                return
        finally:
            leave(store, depth)
        with store._lock:
            if notify(store):
                store._wanted_fuel = (fuel,)
                _poke(store)
                return


# ---- interruption --------------------------------------------------------------------------------


def _poke(store: Store, bits: int = 0) -> None:
    """Makes the next checkpoint call the hook, also in calls that host functions make elsewhere.

    The bits say why, for the poll hook.
    """
    inner: Store | None = store
    while inner is not None:
        with inner._lock:
            if inner._pointer is not None:
                lib.pw_gate_add_bits(inner._turn, bits | lib.PW_GATE_UNSETTLED)
                lib.pw_meter_stop_now(inner._meter)
            inner = inner._inner


ONCE, FOR_GOOD = 1, 2


def interrupt(store: Store, how: int) -> bool:
    """Interrupts the running call; FOR_GOOD interrupts all later calls, too.

    Returns:
        Whether a call was running.
    """
    with store._lock:
        usable = store._pointer is not None and not store._orphaned
        runs = usable and notify(store)
        if runs or (usable and how == FOR_GOOD):
            store._interrupted = max(store._interrupted, how)
            watch.add_reason(store, watch.INTERRUPTED)
        if runs:
            _poke(store, lib.PW_GATE_INTERRUPTED)
        elif store._interrupted == FOR_GOOD:
            lib.pw_gate_add_bits(store._turn, lib.PW_GATE_INTERRUPTED)
    return runs


# ---- around calls --------------------------------------------------------------------------------


def _pending_at(store: Store, time: int) -> int:
    """Returns why the running call must stop at a time.

    A call within a host function of another store also stops for the reasons of that store.
    """
    around: Store | None = store
    while around is not None:
        if around._interrupted:
            return int(lib.PW_TRAP_INTERRUPTED)
        if time >= around._deadline:
            return int(lib.PW_TRAP_DEADLINE)
        around = around._outer
    return NONE


def pending(store: Store) -> int:
    """Returns why the running call must stop: a pw_trap, or PW_TRAP_NONE.

    A cancellation by another thread counts as a deadline.
    """
    around: Store | None = store
    while around is not None:
        if around._cancelled:
            around._cancelled = False
            around._deadline = _first_deadline(around)
        around = around._outer
    return _pending_at(store, now())


def stop_code() -> int | None:
    """Returns why the call whose host function runs on this thread must stop: a pw_trap.

    None if no host function runs here. The call will end with a trap, whatever the host function
    does, so it counts as trapped from now on: the host function may raise the error itself.
    """
    store = hosting.store
    if store is None or not turn_depth(store._turn):
        return None
    trap = pending(store)
    if trap != NONE:
        store._trapped = True
    return trap


def _link_outer(store: Store) -> None:
    """Notes that a host function of another store makes the outermost call of this one."""
    outer = hosting.store
    if outer is None or outer is store or not turn_depth(outer._turn):
        return
    if outer._inner is not None:
        return
    store._outer = outer
    watch.add_reason(store, watch.OUTER)
    with outer._lock:
        outer._inner = store


def _unlink_outer(store: Store) -> None:
    outer = store._outer
    if outer is not None:
        with outer._lock:
            outer._inner = None
        watch.drop_reason(store, watch.OUTER)
        store._outer = None


def begin(store: Store) -> int:
    """Prepares a call of a store that is entered. Returns why it must not begin."""
    if turn_depth(store._turn) == 1:
        _link_outer(store)
        timeout = store._timeout
        store._call_deadline = NEVER if timeout == NEVER else after(now(), timeout)
        store._hook_ran = 0
    else:  # end() does not reset the deadline of a nested call
        notify(store)
    store._deadline = _first_deadline(store)
    _set_timer(store)
    store._reported_fuel = watch.left(store)
    lib.pw_store_forget_frames(store._pointer)
    return pending(store)


def end(store: Store) -> None:
    """Forgets the deadline of the outermost call."""
    if turn_depth(store._turn) == 1:
        _unlink_outer(store)
        watch.give_back(store)
        store._call_deadline = store._deadline = NEVER
        lib.pw_meter_stop_at(store._meter, NEVER)


def run(store: Store, call: Callable[..., int], *args: Any) -> int:
    """Lets the engine make a call, which is a function of C. The store is entered."""
    if not store._reasons and hosting.store is None:
        store._hook_ran = 0
        return call(*args)
    try:
        return begin(store) or call(*args)
    finally:
        end(store)


def watched(store: Store, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls a function that lets the engine do long work, which deadlines and interrupt() stop."""
    try:
        begin(store)  # if the work must not begin, it finds out itself
        return function(*args, **kwargs)
    finally:
        end(store)


def settle(store: Store) -> None:
    """Forgets an interruption when the outermost call has ended, and takes the wanted fuel."""
    if store._interrupted == ONCE:
        store._interrupted = 0
    if not store._interrupted:
        watch.drop_reason(store, watch.INTERRUPTED)
        lib.pw_gate_drop_bits(store._turn, lib.PW_GATE_INTERRUPTED)
    lib.pw_gate_drop_bits(store._turn, lib.PW_GATE_CANCELLED | lib.PW_GATE_UNSETTLED)
    watch.take_wanted(store)
    store._call_deadline = store._deadline = NEVER
    store._cancelled = False
    lib.pw_meter_stop_at(store._meter, NEVER)


# ---- hooks ---------------------------------------------------------------------------------------


def _adapt(store: Store, time: int) -> None:
    """Adapts the number of ticks between two calls of the hook to the time that they take."""
    meter, elapsed = store._meter, time - store._hook_ran
    if elapsed > 2 * _HOOK_INTERVAL:  # the time may have passed between two calls
        meter.period = max(meter.period // 2, _MIN_PERIOD)
    elif meter.period < _MAX_PERIOD:
        meter.period = 2 * meter.period


def tick(store: Store) -> int:
    """The engine's tick hook. It runs handlers of signals, because it is code of Python."""
    time = now()
    wants_room, store._meter.wants_room = store._meter.wants_room, False  # finalizers want none
    if store._hook_ran:
        _adapt(store, time)
    store._hook_ran = time
    watch.take_wanted(store)
    watch.draw(store)
    store._reported_fuel = watch.left(store)
    if lib.pw_meter_stops_at(store._meter) == NEVER:
        _set_timer(store)  # a fork makes the timer forget what is due
    trap = pending(store)
    if trap == NONE and wants_room:
        store._meter.made_room = make_room(store)
        trap = pending(store)
    return trap


def leave_error(store: Store, error: BaseException) -> None:
    """Keeps an exception of a hook for the end of the call that the hook belongs to.

    Before that end, Python can make other calls in the store, such as in a finalizer.
    """
    store._raised[turn_depth(store._turn)] = error


def take_error(store: Store) -> BaseException | None:
    """Returns the exception that a hook has left for the end of the call, and forgets it."""
    return store._raised.pop(turn_depth(store._turn), None)
