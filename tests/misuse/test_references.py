# SPDX-License-Identifier: MIT
"""Python objects that act on a store while the store takes, holds or frees them.

A store frees the objects that a guest no longer refers to some at a time, in the middle of calls.
So finalizers and conversions run at moments when the store is half way through something.
"""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import externref

PASS = """
(module
  (func (export "extern") (param externref) (result externref) local.get 0)
  (func (export "mixed") (param i32 externref f64 funcref externref)
    (result externref f64 funcref i32 externref)
    local.get 4 local.get 2 local.get 3 local.get 0 local.get 1)
  (func (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
  (table (export "objects") 3 6 externref)
  (global $object (mut externref) (ref.null extern))
  (func (export "keep") (param externref) local.get 0 global.set $object)
  (func (export "kept") (result externref) global.get $object))
"""

CALLBACK = """
(module
  (import "env" "f" (func $f (param externref i32 funcref) (result externref)))
  (func (export "f") (param externref i32 funcref) (result externref)
    local.get 0 local.get 1 local.get 2 call $f))
"""


class Thing:
    """An object that can be referred to weakly."""


@pytest.fixture
def exports() -> pywasm3.Exports:
    return load(PASS).exports


def churn(exports: pywasm3.Exports, count: int = 5000) -> None:
    """Passes so many new objects that the store frees those that nobody refers to."""
    for _ in range(count):
        exports.extern(object())


def test_bits_that_are_not_a_reference_of_the_store_are_refused(
    exports: pywasm3.Exports,
) -> None:
    store = exports.double.store
    with pytest.raises(SystemError, match="never given"):
        store._call_entered(store._decode, id(exports), externref.code)
    with pytest.raises(RuntimeError, match="not entered"):
        store._decode(0, externref.code)


class Noisy:
    """An object that uses the store while it is being freed."""

    freed = 0

    def __init__(self, exports: pywasm3.Exports) -> None:
        self.exports = exports

    def __del__(self) -> None:
        Noisy.freed += 1
        self.exports.keep(object())
        self.exports.extern([])
        self.exports.objects[2] = (self.exports.kept(),)


def test_a_finalizer_may_use_the_store(exports: pywasm3.Exports) -> None:
    before = Noisy.freed
    for _ in range(5000):
        exports.extern(Noisy(exports))
    assert Noisy.freed - before > 1000
    assert type(exports.kept()) is object


def test_a_finalizer_does_not_lose_the_exception_that_is_raised() -> None:
    class Loud:
        def __del__(self) -> None:
            load("(module)").close()

    def f(value: Any, count: int, function: Any) -> Any:
        for _ in range(count):
            exports.f(Loud(), 0, None)
        raise KeyError("the one")

    def g(value: Any, count: int, function: Any) -> Any:
        return f(value, count, function) if count else value

    exports = load(CALLBACK, {"env": {"f": g}}).exports
    with pytest.raises(KeyError, match="the one"):
        exports.f(None, 3000, None)


def test_a_conversion_may_let_the_store_collect(exports: pywasm3.Exports) -> None:
    """The store does not hold the first argument yet while the second one is converted."""

    class Index:
        def __index__(self) -> int:
            churn(exports)
            return 1

    load_text = """(module (global $g (export "g") (mut externref) (ref.null extern))
    (func (export "f") (param externref i32) (result externref)
      local.get 0 global.set $g local.get 0))"""
    f = load(load_text, store=exports.double.store).exports
    ref = weakref.ref(thing := Thing())
    f.f(thing, Index())
    del thing
    churn(exports)
    gc.collect()
    assert f.g.value is ref() is not None


def test_a_conversion_may_close_the_store() -> None:
    instance = load(PASS)

    class Index:
        def __index__(self) -> int:
            instance.close()
            return 1

    with pytest.raises(pywasm3.WasmError, match="closed"):
        instance.exports.mixed(Index(), None, 1.0, instance.exports.double, None)
