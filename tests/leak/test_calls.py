# SPDX-License-Identifier: MIT
"""Calls leave nothing behind: neither those that succeed nor those that trap or are refused.

The expected value is always the same: what is measured after many calls is what was measured before
them. `leak_helpers` says how it is measured.
"""

from __future__ import annotations

import gc
import sys
from array import array
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, load
from leak_helpers import assert_no_leak, failing

pytestmark = pytest.mark.leak


def test_a_call_does_not_leak(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: add(1 << 62, 1.5), 200_000)


def test_a_call_with_two_results_does_not_leak() -> None:
    swap = load(
        """(module
          (func (export "swap") (param i64 f64) (result f64 i64) local.get 1 local.get 0))"""
    ).exports.swap
    kept: list[tuple[float, int]] = []

    def call() -> None:
        kept[:] = [swap(1 << 62, 1.5)]
        swap(1 << 61, 2.5)
        swap(1 << 60, 3.5)

    assert_no_leak(call, 100_000)


def test_a_raw_call_does_not_leak(instance: pywasm3.Instance) -> None:
    raw = instance.exports.add.raw
    assert_no_leak(lambda: raw(1 << 62, 1 << 62), 200_000)


def test_a_call_with_text_does_not_leak(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: add.call_argv("4611686018427387904", "1.5"), 50_000)


def test_a_call_with_many_arguments_does_not_leak() -> None:
    types = "i64 " * 100
    gets = " ".join(f"local.get {i}" for i in range(100))
    function = load(
        f'(module (func (export "f") (param {types}) (result {types}) {gets}))'
    ).exports.f
    arguments = [1 << 62] * 100
    assert_no_leak(lambda: function(*arguments), 10_000)


def test_a_map_does_not_leak(instance: pywasm3.Instance) -> None:
    items, numbers = array("q", range(100)), array("d", range(100))
    add = instance.exports.add
    assert_no_leak(lambda: add.map(items, numbers), 20_000)
    assert_no_leak(lambda: add.map(items[::-1], 1.5, out=(items, numbers)), 20_000)


def test_a_map_over_itself_does_not_leak(instance: pywasm3.Instance) -> None:
    items = memoryview(array("i", bytes(400)))
    call = instance.exports.call
    assert_no_leak(lambda: call.map(items[:-1], out=items[1:]), 10_000)


def test_a_map_that_fails_does_not_leak(instance: pywasm3.Instance) -> None:
    exports = instance.exports
    assert_no_leak(lambda: failing(TypeError, exports.add.map, b"abc", "x"), 20_000)
    assert_no_leak(lambda: failing(ValueError, exports.add.map, b"abc", b"ab"), 20_000)
    with_trap = load(
        """(module (func (export "f") (param i32) (result i32) unreachable))"""
    ).exports
    assert_no_leak(lambda: failing(pywasm3.Trap, with_trap.f.map, b"abc"), 20_000)


def test_a_bound_function_does_not_leak(instance: pywasm3.Instance) -> None:
    converted = type("Wide", (), {"__index__": lambda self: 1 << 62})()
    add = instance.exports.add
    assert_no_leak(lambda: add.bind(1 << 62)(1.5), 50_000)
    assert_no_leak(lambda: add.bind(converted)(1.5), 50_000)
    assert_no_leak(lambda: failing(TypeError, add.bind, "x"), 20_000)


def test_binding_does_not_leak_references() -> None:
    """The reference counts of the function and of a bound object stay the same."""
    text = """(module (func (export "pick") (param externref i32 externref) (result externref)
      local.get 0 local.get 2 local.get 1 select (result externref)))"""
    function, argument = load(text).exports.pick, object()
    function(argument, 1, None)  # from this first call on, the store holds the argument
    before = sys.getrefcount(function), sys.getrefcount(argument)
    for _ in range(10):
        function.bind(argument)(0, argument)
        with pytest.raises(TypeError):
            function.bind(argument, "x")
        function.bind(argument).bind(1)
    gc.collect()
    assert (sys.getrefcount(function), sys.getrefcount(argument)) == before


def test_a_call_that_traps_does_not_leak(instance: pywasm3.Instance) -> None:
    fail = instance.exports.fail
    assert_no_leak(lambda: failing(pywasm3.Trap, fail), 20_000)


def test_a_call_that_exhausts_the_stack_does_not_leak(instance: pywasm3.Instance) -> None:
    endless = instance.exports.endless
    # Under a sanitizer, a call goes through so many large frames that it takes a tenth of a second.
    rounds = 200 if SANITIZED else 1000
    assert_no_leak(lambda: failing(pywasm3.StackExhausted, endless), 500, rounds)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), TypeError),
        ((1, 2, 3), TypeError),
        (("1", 2.0), TypeError),
        ((1, "2"), TypeError),
        ((1 << 64, 2.0), OverflowError),
    ],
)
def test_a_call_that_is_refused_does_not_leak(
    instance: pywasm3.Instance, arguments: tuple[Any, ...], error: type[Exception]
) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: failing(error, add, *arguments), 50_000)


def test_a_text_call_that_is_refused_does_not_leak(instance: pywasm3.Instance) -> None:
    add = instance.exports.add
    assert_no_leak(lambda: failing(pywasm3.WasmError, add.call_argv, "x", "1"), 20_000)


def test_references_are_given_back(instance: pywasm3.Instance) -> None:
    """The reference counts of objects that a call only borrows stay the same."""
    value, number = 1 << 62, 1.25
    add, call = instance.exports.add, instance.exports.call
    before = [sys.getrefcount(x) for x in (value, number, add, call, None, instance)]
    for _ in range(1000):
        add(value, number)
        call(5)
        instance.exports.grow()
    after = [sys.getrefcount(x) for x in (value, number, add, call, None, instance)]
    for i in (0, 1, 2, 3, 5):
        assert after[i] == before[i]
    assert abs(after[4] - before[4]) < 100
