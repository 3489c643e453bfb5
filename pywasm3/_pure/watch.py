# SPDX-License-Identifier: MIT
"""Fuel: how much a store has, and how stores share it.

pywasm3._cpython has the same in native/cpython/watch.c. The engine takes ticks from the fuel of the
store's meter; `None` stands for fuel that is not metered.
"""

from __future__ import annotations

from _thread import RLock

from .._ffi import lib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .store import Store

_NO_FUEL = -1  # PW_NO_FUEL

# Bits of Store._watched, each a reason why the calls of a store must be prepared.
FUEL, TIMEOUT, DEADLINES, INTERRUPTED, OUTER = 1, 2, 4, 8, 16

# A store draws at most this part of what is left: so little of the fuel stays where it is not used,
# while another store has run out of it.
_LARGEST_PART = 16


class Pool:
    """Fuel that the stores of one program share, each of which runs on a thread of its own.

    A store draws portions of it, and gives back what it has not used when its outermost call ends.
    """

    __slots__ = ("left", "lock")

    def __init__(self, left: int | None) -> None:
        self.left = left
        self.lock = RLock()


def add_reason(store: Store, bit: int) -> None:
    """Lets the calls of the store be prepared, for a reason."""
    with store._lock:
        store._reasons |= bit
        lib.pw_gate_add_bits(store._turn, lib.PW_GATE_WATCHED)


def drop_reason(store: Store, bit: int) -> None:
    """Says that a reason is gone."""
    with store._lock:
        store._reasons &= ~bit
        if not store._reasons:
            lib.pw_gate_drop_bits(store._turn, lib.PW_GATE_WATCHED)


def _own(store: Store) -> int:
    """Returns the fuel that the store itself has, without that of the pool."""
    meter = store._meter
    return 0 if meter.fuel == _NO_FUEL else int(meter.fuel + meter.ticks)


def left(store: Store) -> int | None:
    """Returns how many calls and loop iterations may still run."""
    pool = store._pool
    if pool is None:
        return None if store._meter.fuel == _NO_FUEL else _own(store)
    return None if pool.left is None else pool.left + _own(store)


def fill(store: Store, fuel: int | None) -> None:
    """Sets the fuel that is left. Stores that share it share the new fuel."""
    meter, pool = store._meter, store._pool
    if pool is not None:
        pool.left = fuel
        meter.fuel = _NO_FUEL if fuel is None else 0
    else:
        meter.fuel = _NO_FUEL if fuel is None else fuel
        (drop_reason if fuel is None else add_reason)(store, FUEL)
    meter.ticks = 0
    store._reported_fuel = fuel


def take_wanted(store: Store) -> None:
    """Sets the fuel to what another thread wanted, if one did."""
    with store._lock:
        wanted, store._wanted_fuel = store._wanted_fuel, ()
        if wanted:
            fill(store, wanted[0])


def draw(store: Store) -> None:
    """Draws a portion of shared fuel, if the store has less. The tick hook calls this."""
    meter, pool = store._meter, store._pool
    if pool is None:
        return
    own = 0 if meter.fuel == _NO_FUEL else meter.fuel
    with pool.lock:
        if pool.left is None:
            meter.fuel = _NO_FUEL
            return
        most = pool.left // _LARGEST_PART + (pool.left > 0)
        portion = max(0, min(meter.period - own - meter.ticks, most))
        pool.left -= portion
    meter.fuel = own + portion


def give_back(store: Store) -> None:
    """Gives back what the store has drawn and not used, at the end of its outermost call."""
    meter, pool = store._meter, store._pool
    if pool is None:
        return
    with pool.lock:
        if pool.left is not None:
            pool.left += _own(store)
        meter.fuel = _NO_FUEL if pool.left is None else 0
    meter.ticks = 0


def _join(store: Store, pool: Pool) -> None:
    store._pool = pool
    store._meter.fuel = store._meter.ticks = 0
    add_reason(store, FUEL)


def share(store: Store, other: Store) -> None:
    """Lets two stores share the fuel of the first one, also if it is not metered now."""
    if store._pool is None:
        _join(store, Pool(left(store)))
    assert store._pool is not None
    _join(other, store._pool)
