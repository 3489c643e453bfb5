# SPDX-License-Identifier: MIT
"""Vectors leave nothing behind, wherever they go in and come out, and if they are refused.

What is measured after many calls must be what was measured before them: see `leak_helpers`.
"""

from __future__ import annotations

import numpy as np
import pytest

import pywasm3
from helpers import load
from leak_helpers import assert_no_leak, failing

pytestmark = pytest.mark.leak

VALUE = bytes(range(16))
TEXT = """
(module
  (import "env" "host" (func $host (param v128 externref) (result v128 externref)))
  (global (export "g") (mut v128) (v128.const i64x2 1 2))
  (func (export "id") (param v128) (result v128) local.get 0)
  (func (export "host") (param v128 externref) (result v128 externref)
    local.get 0 local.get 1 call $host)
  (func (export "fail") (param v128) (result v128) unreachable))
"""


def exports(host: object = lambda vector, thing: (vector, thing)) -> pywasm3.Exports:
    return load(TEXT, {"env": {"host": host}}).exports


def test_calls_with_vectors_do_not_leak() -> None:
    function, buffer = exports().id, bytearray(VALUE)
    assert_no_leak(lambda: function(VALUE), 100_000)
    assert_no_leak(lambda: function(buffer), 100_000)
    assert_no_leak(lambda: function(memoryview(buffer)[::-1]), 50_000)
    assert_no_leak(lambda: function.raw((1 << 62, 1 << 63)), 100_000)
    assert_no_leak(lambda: function.bind(buffer)(), 50_000)
    assert_no_leak(lambda: function.raw.bind((1 << 62, 1))(), 50_000)
    buffer.append(1)  # nothing holds the buffer any more


def test_vectors_that_are_refused_do_not_leak() -> None:
    all_, objects = exports(), np.zeros(2, object)
    for wrong in (b"x", 1, objects):
        assert_no_leak(lambda wrong=wrong: failing(TypeError, all_.id, wrong), 10_000)
        assert_no_leak(lambda wrong=wrong: failing(TypeError, all_.id.bind, wrong), 10_000)
        assert_no_leak(lambda wrong=wrong: failing(TypeError, pywasm3.v128, wrong), 10_000)
    assert_no_leak(lambda: failing(TypeError, all_.id.raw, (1, "x")), 10_000)
    assert_no_leak(lambda: failing(OverflowError, all_.id.raw, (1, 1 << 64)), 10_000)
    assert_no_leak(lambda: failing(pywasm3.Trap, all_.fail, VALUE), 5_000)


def test_host_functions_with_vectors_do_not_leak() -> None:
    call, thing = exports().host, object()
    assert_no_leak(lambda: call(VALUE, thing), 50_000)
    wrong = exports(lambda vector, thing: (vector[1:], thing)).host
    assert_no_leak(lambda: failing(TypeError, wrong, VALUE, thing), 10_000)


def test_maps_of_vectors_do_not_leak() -> None:
    all_ = exports()
    function, data = all_.id, bytearray(160)
    items = memoryview(data).cast("B", (10, 16))
    numbers = np.zeros((10, 4), np.float32)
    assert_no_leak(lambda: function.map(items), 10_000)
    assert_no_leak(lambda: function.map(numbers), 10_000)
    assert_no_leak(lambda: function.map(items[:-1], out=items[1:]), 10_000)
    assert_no_leak(lambda: failing(TypeError, function.map, numbers[:, :2]), 10_000)
    assert_no_leak(lambda: failing(TypeError, function.map, np.zeros((10, 2), object)), 10_000)
    assert_no_leak(lambda: failing(pywasm3.Trap, all_.fail.map, items), 2_000)
    items.release()  # an error if a map still held the buffer


def test_globals_and_lanes_do_not_leak() -> None:
    all_ = exports()

    def use() -> None:
        all_.g.value = pywasm3.v128(f32x4=0.5)
        assert pywasm3.v128(all_.g.value).f32x4[0] == 0.5

    assert_no_leak(use, 20_000)
    assert_no_leak(lambda: pywasm3.Global("v128", VALUE).value, 20_000)
    assert_no_leak(lambda: failing(TypeError, setattr, all_.g, "value", b"x"), 10_000)
    assert_no_leak(lambda: failing(OverflowError, lambda: pywasm3.v128(i8x16=1 << 40)), 10_000)
