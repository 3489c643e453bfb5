# SPDX-License-Identifier: MIT
"""`Function.map`, many short calls in one, is controlled like one long call.

It releases the GIL, and interrupts, deadlines, signals and fuel stop it at the right element.
The expected values are written by hand from the small modules below; fuel is counted as
docs/control.md says.
"""

from __future__ import annotations

import threading
import time
from array import array
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, child, hammer, load, wat

pytestmark = pytest.mark.hammer

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (global $calls (export "calls") (mut i64) (i64.const 0))
  (func (export "neg") (param i32) (result i32)
    global.get $calls i64.const 1 i64.add global.set $calls
    i32.const 0 local.get 0 i32.sub)
  (func (export "next") (result i64)
    global.get $calls i64.const 1 i64.add global.set $calls global.get $calls)
  (func (export "spin") (param i32) (result i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 i32.const 0 i32.ge_s br_if 0 end
    local.get 0)
  (func (export "host") (param i32) (result i32) local.get 0 call $f))
"""
WASM = wat(TEXT)

MANY = 100_000 if SANITIZED else 1_000_000


def make(f: Any = abs, **options: Any) -> pywasm3.Instance:
    return load(TEXT, {"env": {"f": f}}, **options)


START = """
import signal, threading, time
from array import array
instance = pywasm3.load(WASM, {"env": {"f": abs}})
exports = instance.exports
signal.signal(signal.SIGINT, signal.default_int_handler)
"""

FOREVER = wat("""
(module
  (global $calls (export "calls") (mut i64) (i64.const 0))
  (func (export "tick") (param i32) global.get $calls i64.const 1 i64.add global.set $calls)
  (func (export "neg") (param i32) (result i32) i32.const 0 local.get 0 i32.sub))
""")

# The array `forever` repeats one element so often that a map of it never ends.
FOREVER_START = """
import os, signal, threading, time
import numpy
instance = pywasm3.load(WASM)
exports = instance.exports
forever = numpy.broadcast_to(numpy.int32(1), 1 << 60)
signal.signal(signal.SIGINT, signal.default_int_handler)
"""


# ---- the GIL ----


def test_other_threads_run_during_a_map() -> None:
    """The map is stopped only after another thread has ticked 10 times.

    If the map kept the GIL, it would never end.
    """
    child(
        FOREVER_START
        + """
ticks, ended = [], threading.Event()
def tick():
    while not ended.is_set():
        time.sleep(0.01)
        ticks.append(1)
thread = threading.Thread(target=tick)
thread.start()
def stop():
    while not instance.store.running or len(ticks) < 10:
        time.sleep(0.001)
    assert instance.interrupt()
threading.Thread(target=stop).start()
try:
    exports.tick.map(forever)
except pywasm3.Interrupted as error:
    assert error.element == exports.calls.value > 10_000, (error.element, exports.calls.value)
    assert error.frames == () or error.frames[0].name == "tick"
else:
    raise AssertionError
ended.set()
thread.join()
""",
        WASM=FOREVER,
    )


def test_two_maps_run_at_the_same_time() -> None:
    """Two endless maps run while the main thread runs, too, so neither holds the GIL."""
    child(
        FOREVER_START
        + """
other = pywasm3.load(WASM)
def run(one):
    try:
        one.exports.tick.map(forever)
    except pywasm3.Interrupted:
        pass
threads = [threading.Thread(target=run, args=(one,)) for one in (instance, other)]
for thread in threads:
    thread.start()
while not (instance.store.running and other.store.running):
    time.sleep(0.001)
time.sleep(0.2)
assert instance.interrupt() and other.interrupt()
for thread in threads:
    thread.join()
assert instance.exports.calls.value > 10_000 < other.exports.calls.value
""",
        WASM=FOREVER,
    )


def test_host_functions_hold_the_gil_again() -> None:
    """Host functions that a map calls run with the GIL held."""

    def f(x: int) -> int:
        held.append(x)
        return -x

    held: list[int] = []
    items = array("i", range(MANY // 20))

    def action(number: int) -> None:
        exports = make(f).exports
        exports.neg.map(items)
        assert exports.host.map(items).tolist() == [-i for i in items]

    hammer(action, threads=4)
    assert len(held) == 4 * len(items)


def test_maps_of_many_threads_on_one_instance() -> None:
    """Maps of several threads on one instance give the right results and miss no element."""
    exports = make().exports
    items = array("i", range(MANY // 10))

    def action(number: int) -> None:
        for _ in range(5):
            out = array("i", bytes(4 * len(items)))
            exports.neg.map(items, out=out)
            assert out == array("i", (-i for i in items))

    hammer(action, threads=4)
    assert exports.calls.value == 4 * 5 * len(items)


def test_maps_on_arrays_that_other_threads_write() -> None:
    """A map of an array that other threads write sees old or new elements, nothing else."""
    items, ended = array("i", bytes(4 * MANY // 10)), threading.Event()

    def maps(number: int) -> None:
        exports = make().exports
        try:
            for _ in range(10):
                assert set(exports.neg.map(items)) <= {0, -1}
        finally:
            ended.set()

    def writes(number: int) -> None:
        while not ended.is_set():
            for i in range(0, len(items), 97):
                items[i] ^= 1

    hammer(maps, writes, threads=4)


# ---- stops ----


@pytest.mark.parametrize("call", ["tick.map(forever)", "neg.map(forever, out=same)"])
def test_ctrl_c_stops_a_map(call: str) -> None:
    child(
        FOREVER_START
        + f"""
same = numpy.lib.stride_tricks.as_strided(numpy.zeros(1, numpy.int32), (1 << 60,), (0,))
def press():
    while not instance.store.running:
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGINT)
for _ in range(3):
    threading.Thread(target=press).start()
    try:
        exports.{call}
    except KeyboardInterrupt as error:
        assert "of map()" in getattr(error, "__notes__", [""])[-1]
    else:
        raise AssertionError
    assert exports.neg.map(b"\\1").tolist() == [-1]
""",
        WASM=FOREVER,
    )


def test_a_signal_handler_that_calls_does_not_disturb() -> None:
    """A signal handler that maps during a map gets its own result, and so does the map."""
    child(
        START
        + f"""
seen = []
signal.signal(signal.SIGALRM, lambda *_: seen.append(list(exports.neg.map(b"\\1\\2"))))
signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
items = array("i", range({MANY}))
try:
    while len(seen) < 3:
        assert exports.neg.map(items) == array("i", range(0, -len(items), -1))
finally:
    signal.setitimer(signal.ITIMER_REAL, 0)
assert all(pair == [-1, -2] for pair in seen)
""",
        WASM=WASM,
    )


def test_a_deadline_stops_a_map() -> None:
    child(
        FOREVER_START
        + """
start = time.monotonic()
try:
    with instance.deadline(0.1):
        exports.tick.map(forever)
except pywasm3.DeadlineExceeded as error:
    assert error.element == exports.calls.value
    assert "at element" in str(error)
else:
    raise AssertionError
assert 0.09 < time.monotonic() - start < 30
timed = pywasm3.load(WASM, limits=pywasm3.Limits(timeout=0.1))
try:
    timed.exports.tick.map(forever)
except pywasm3.DeadlineExceeded:
    pass
else:
    raise AssertionError
assert timed.exports.neg.map(b"a")[0] == -97
""",
        WASM=FOREVER,
    )


def test_a_deadline_that_is_over_lets_no_element_run() -> None:
    instance = make()
    with instance.deadline(0), pytest.raises(pywasm3.DeadlineExceeded) as caught:
        time.sleep(0.001)
        instance.exports.neg.map(b"abc")
    assert caught.value.element == 0
    assert instance.exports.calls.value == 0


def test_a_host_function_interrupts_the_map() -> None:
    def f(x: int) -> int:
        if x == 2:
            instance.interrupt()
        return x

    instance = make(f)
    with pytest.raises(pywasm3.Interrupted) as caught:
        instance.exports.host.map(bytes(range(5)))
    assert caught.value.element == 2
    assert instance.exports.host.map(b"\1").tolist() == [1]


# ---- fuel ----


@pytest.mark.parametrize("fuel", [0, 1, 9, 10, 11, 5000])
def test_each_element_takes_a_unit_of_fuel(fuel: int) -> None:
    instance = make(limits=pywasm3.Limits(fuel=fuel))
    out = array("q", bytes(8 * 6000))
    with pytest.raises(pywasm3.OutOfFuel) as caught:
        instance.exports.next.map(out=out)
    assert caught.value.element == fuel
    assert caught.value.frames == ()
    assert out.tolist() == [*range(1, fuel + 1), *([0] * (6000 - fuel))]
    assert instance.fuel == 0


def test_fuel_that_is_just_enough() -> None:
    """A map of 6000 elements ends with no fuel left if it had 6000 units."""
    instance = make(limits=pywasm3.Limits(fuel=6000))
    assert len(instance.exports.next.map(out=array("q", bytes(8 * 6000)))) == 6000
    assert instance.fuel == 0


def test_fuel_ends_within_an_element() -> None:
    """Each element takes one unit, and one more for each iteration of the loop in it."""
    instance = make(limits=pywasm3.Limits(fuel=100))
    with pytest.raises(pywasm3.OutOfFuel) as caught:
        instance.exports.spin.map(array("i", [9, 9, 1000, 9]))
    assert caught.value.element == 2
    assert [frame.name for frame in caught.value.frames] == ["spin"]
    assert instance.fuel == 0
    instance.fuel = 100
    instance.exports.spin.map(array("i", [9, 9]))
    assert instance.fuel == 100 - 2 * (1 + 10)


def test_a_host_function_refills() -> None:
    """Fuel that a host function sets during a map counts for the elements that follow."""

    def f(x: int) -> int:
        instance.fuel = 2
        return x

    instance = make(f, limits=pywasm3.Limits(fuel=2))
    assert len(instance.exports.host.map(bytes(100))) == 100


def test_vectors_that_another_thread_writes_are_read_as_a_mixture() -> None:
    """A vector may be read while it is written; each of its bytes is an old or a new one."""
    function = load('(module (func (export "f") (param v128) (result v128) local.get 0))').exports.f
    size = 16 * (MANY // 10)
    data, old, new = bytearray(size), bytes(size), b"\xff" * size
    items, done = memoryview(data).cast("B", (size // 16, 16)), threading.Event()

    def write() -> None:
        while not done.is_set():
            data[:] = new
            data[:] = old

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            assert set(bytes(function.map(items))) <= {0, 255}
    finally:
        done.set()
        writer.join()
