# SPDX-License-Identifier: MIT
"""Calls from wasm to Python leave nothing behind, whatever the host function returns or raises.

The measurements after many calls must be the same as those before them: see `leak_helpers`.
"""

from __future__ import annotations

import gc
import weakref

import pytest

import pywasm3
from helpers import load
from leak_helpers import TEXT, assert_no_leak, failing

pytestmark = pytest.mark.leak


def test_a_callback_does_not_leak(instance: pywasm3.Instance) -> None:
    call = instance.exports.call
    assert_no_leak(lambda: call(1 << 30), 200_000)


def test_a_callback_that_raises_does_not_leak() -> None:
    def f(x: int) -> int:
        raise LookupError(x)

    call = load(TEXT, {"env": {"f": f}}).exports.call
    assert_no_leak(lambda: failing(LookupError, call, 1), 20_000)


def test_a_callback_with_a_wrong_result_does_not_leak() -> None:
    call = load(TEXT, {"env": {"f": lambda x: "text"}}).exports.call
    assert_no_leak(lambda: failing(TypeError, call, 1), 20_000)


def test_a_callback_with_several_results_does_not_leak() -> None:
    function = load(
        """(module (import "env" "f" (func $f (param i64 f64) (result i64 f64)))
        (func (export "g") (param i64 f64) (result i64 f64) local.get 0 local.get 1 call $f))""",
        {"env": {"f": lambda a, b: [a, b]}},
    ).exports.g
    assert_no_leak(lambda: function(1 << 62, 1.5), 100_000)


def test_a_callback_with_a_wrong_count_of_results_does_not_leak() -> None:
    function = load(
        """(module (import "env" "f" (func $f (result i64 f64)))
        (func (export "g") (result i64 f64) call $f))""",
        {"env": {"f": lambda: (1 << 62,)}},
    ).exports.g
    assert_no_leak(lambda: failing(TypeError, function), 20_000)


def test_a_callback_with_the_instance_does_not_leak() -> None:
    @pywasm3.host(pass_instance=True)
    def f(instance: pywasm3.Instance, x: int) -> int:
        return x

    call = load(TEXT, {"env": {"f": f}}).exports.call
    assert_no_leak(lambda: call(1 << 30), 100_000)


def test_a_nested_call_does_not_leak() -> None:
    def f(x: int) -> int:
        return x and instance.exports.call(x - 1)

    instance = load(TEXT, {"env": {"f": f}})
    assert_no_leak(lambda: instance.exports.call(5), 10_000)


class Callback:
    def __call__(self, x: int) -> int:
        return x


def with_callback() -> tuple[pywasm3.Instance, weakref.ref[Callback]]:
    """An instance, and its host function, which nothing else refers to."""
    callback = Callback()
    return load(TEXT, {"env": {"f": callback}}), weakref.ref(callback)


def test_host_functions_are_freed_with_the_instance() -> None:
    instance, reference = with_callback()
    assert reference() is not None
    del instance
    gc.collect()
    assert reference() is None


def test_host_functions_are_freed_by_close() -> None:
    instance, reference = with_callback()
    instance.close()
    gc.collect()
    assert reference() is None
