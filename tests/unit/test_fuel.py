# SPDX-License-Identifier: MIT
"""Fuel is taken exactly: one unit for each call and each iteration of a loop.

The expected numbers are counted by hand from the small guests.
"""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import child, load, wat
from pywasm3 import Limits

TEXT = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (type $t (func (param i32) (result i32)))
  (table funcref (elem $id))
  (elem declare func $id)
  (global $steps (export "steps") (mut i32) (i32.const 0))
  (func $id (export "id") (type $t) local.get 0)
  (func (export "nothing"))
  (func (export "loop") (param i32)
    loop
      global.get $steps i32.const 1 i32.add global.set $steps
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
    end)
  (func (export "direct") (type $t) local.get 0 call $id)
  (func (export "indirect") (type $t) local.get 0 i32.const 0 call_indirect (type $t))
  (func (export "by_ref") (type $t) local.get 0 ref.func $id call_ref $t)
  (func (export "tail") (type $t) local.get 0 return_call $id)
  (func (export "tail_indirect") (type $t)
    local.get 0 i32.const 0 return_call_indirect (type $t))
  (func (export "host") (type $t) local.get 0 call $f)
  (func $tails (export "tails") (param i32) (result i32)
    local.get 0 i32.eqz if (result i32) i32.const 7 else
      local.get 0 i32.const 1 i32.sub return_call $tails end)
  (func $fib (export "fib") (param i32) (result i32)
    local.get 0 i32.const 2 i32.lt_s if (result i32) local.get 0 else
      local.get 0 i32.const 1 i32.sub call $fib
      local.get 0 i32.const 2 i32.sub call $fib i32.add end))
"""


def make(f: Any = abs, **options: Any) -> pywasm3.Instance:
    return load(TEXT, {"env": {"f": f}}, **options)


@pytest.mark.parametrize(
    ("name", "argument", "units"),
    [
        ("id", 1, 0),
        ("direct", 1, 1),
        ("indirect", 1, 1),
        ("by_ref", 1, 1),
        ("tail", 1, 1),
        ("tail_indirect", 1, 1),
        ("host", 1, 1),
        ("loop", 1, 1),
        ("loop", 10, 10),
        ("loop", 100_000, 100_000),
        ("tails", 10_000, 10_000),
        ("fib", 10, 176),
    ],
)
def test_a_unit_is_a_call_or_an_iteration(name: str, argument: int, units: int) -> None:
    instance = make(limits=Limits(fuel=units))
    instance.exports[name](argument)
    assert instance.fuel == 0
    instance.fuel = 10**9
    instance.exports[name](argument)
    assert instance.fuel == 10**9 - units
    if units:
        instance.fuel = units - 1
        with pytest.raises(pywasm3.OutOfFuel) as caught:
            instance.exports[name](argument)
        assert caught.value.kind is pywasm3.TrapKind.OUT_OF_FUEL
        assert instance.fuel == 0


@pytest.mark.parametrize(
    "slow",
    [
        "(memory.fill (i32.const 0) (i32.const 0) (i32.const 8388608))",
        "(global.set 0 (i32.add (global.get 0) (i32.const 1)))" * 5000,
    ],
)
def test_work_within_an_iteration_takes_no_fuel(slow: str) -> None:
    text = f"""(module (memory 128) (global (mut i32) (i32.const 0)) (func (export "f") (param i32)
      (loop {slow} (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))"""
    instance = load(text, limits=Limits(fuel=10_000))
    for units in (1, 7, 200):
        before = instance.fuel
        instance.exports.f(units)
        assert before is not None and instance.fuel == before - units
    instance.fuel = 20
    with pytest.raises(pywasm3.OutOfFuel):
        instance.exports.f(21)
    assert instance.fuel == 0


@pytest.mark.parametrize("fuel", [0, 1, 4095, 4096, 4097, 10_000])
def test_fuel_ends_at_the_same_place_each_time(fuel: int) -> None:
    for spent_before in (0, 1, 5000):
        instance = make()
        if spent_before:
            instance.exports.loop(spent_before)
        instance.exports.steps.value = 0
        instance.fuel = fuel
        with pytest.raises(pywasm3.OutOfFuel):
            instance.exports.loop(0)
        assert instance.exports.steps.value == fuel


def test_fuel_is_not_counted_unless_asked_for() -> None:
    instance = make()
    assert instance.fuel is None
    instance.exports.loop(10)
    assert instance.fuel is None


def test_fuel_is_taken_by_all_calls_together() -> None:
    instance = make(limits=Limits(fuel=10))
    instance.exports.loop(4)
    instance.exports.loop(4)
    assert instance.fuel == 2
    with pytest.raises(pywasm3.OutOfFuel):
        instance.exports.loop(4)


def test_fuel_is_taken_by_all_instances_of_a_store() -> None:
    store = pywasm3.Store(limits=Limits(fuel=10))
    first, second = make(store=store), make(store=store)
    first.exports.loop(4)
    second.exports.loop(4)
    assert first.fuel == second.fuel == store.fuel == 2


def test_an_instance_runs_again_when_it_is_refilled() -> None:
    instance = make(limits=Limits(fuel=0))
    instance.exports.nothing()
    with pytest.raises(pywasm3.OutOfFuel):
        instance.exports.direct(1)
    instance.fuel = 1
    assert instance.exports.direct(1) == 1
    instance.fuel = None
    instance.exports.loop(100_000)
    assert instance.fuel is None


def test_a_host_function_reads_the_fuel_exactly() -> None:
    seen: list[int | None] = []

    def f(x: int) -> int:
        seen.append(instance.fuel)
        return x

    instance = make(f, limits=Limits(fuel=100))
    instance.exports.host(1)
    instance.exports.host(1)
    assert seen == [99, 98]


def test_a_host_function_refills_and_empties() -> None:
    def f(x: int) -> int:
        instance.fuel = x
        return x

    instance = make(f, limits=Limits(fuel=1))
    assert instance.exports.host(5) == 5
    assert instance.fuel == 5
    assert instance.exports.host(0) == 0
    assert instance.fuel == 0


def test_a_nested_call_takes_from_the_same_fuel() -> None:
    def f(x: int) -> int:
        instance.exports.loop(x)
        return x

    instance = make(f, limits=Limits(fuel=10))
    instance.exports.host(5)
    assert instance.fuel == 4
    with pytest.raises(pywasm3.OutOfFuel):
        instance.exports.host(5)


def test_what_a_signal_handler_calls_takes_fuel_of_its_own_and_no_more() -> None:
    child(
        """
        import signal
        instance = pywasm3.load(WASM, {"env": {"f": abs}}, limits=pywasm3.Limits(fuel=1 << 40))
        handled = []
        signal.signal(signal.SIGALRM, lambda *_: handled.append(instance.exports.loop(10)))
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        spent = 0
        while len(handled) < 3:
            instance.exports.loop(20_000_000)
            spent += 20_000_000
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert instance.fuel == (1 << 40) - spent - 10 * len(handled)
        """,
        WASM=wat(TEXT),
    )


@pytest.mark.parametrize("fuel", [0, 1, 5])
def test_a_loop_that_runs_out_of_fuel_is_named_by_its_place(fuel: int) -> None:
    """The fuel ends when the loop is entered, or at a later iteration."""
    data = wat('(module (func (export "f") nop (loop nop (br 0))))')
    instance = pywasm3.load(data, limits=Limits(fuel=fuel))
    with pytest.raises(pywasm3.OutOfFuel) as caught:
        instance.exports.f()
    assert caught.value.frames[0].offset == data.index(b"\x03\x40")


def test_the_start_function_takes_fuel() -> None:
    with pytest.raises(pywasm3.OutOfFuel):
        load("(module (func $s (loop br 0)) (start $s))", limits=Limits(fuel=1000))


@pytest.mark.parametrize(("wrong", "error"), [(-1, ValueError), ("1", TypeError), (1.5, TypeError)])
def test_wrong_fuel_is_refused(wrong: Any, error: type[Exception]) -> None:
    instance = make(limits=Limits(fuel=3))
    with pytest.raises(error):
        instance.fuel = wrong
    with pytest.raises(AttributeError):
        del instance.store.fuel
    assert instance.fuel == 3


def test_a_closed_store_has_no_fuel() -> None:
    instance = make(limits=Limits(fuel=3))
    instance.close()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        instance.fuel = 4
    with pytest.raises(pywasm3.WasmError, match="closed"):
        assert instance.fuel
