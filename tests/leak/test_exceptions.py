# SPDX-License-Identifier: MIT
"""Exceptions that are thrown and caught on either side of the border leave nothing behind.

What is measured after many calls must be what was measured before them: see `leak_helpers`.
"""

from __future__ import annotations

import weakref
from typing import Any

import pytest

import pywasm3
from helpers import load
from leak_helpers import assert_no_leak, collected, failing

pytestmark = pytest.mark.leak

TEXT = """
(module
  (import "env" "f" (func $f (param i32)))
  (tag $t (export "t") (param i32 externref funcref))
  (table $held 1 exnref)
  (func $one (export "one") (result i32) i32.const 1)
  (elem declare func $one)
  (func (export "throw") (param i32 externref)
    local.get 0 local.get 1 ref.func $one throw $t)
  (func (export "inside") (param $count i32) (param $thing externref)
    (loop $again
      (block $caught (result exnref)
        (try_table (catch_all_ref $caught)
          (throw $t (local.get $count) (local.get $thing) (ref.null func)))
        unreachable)
      drop
      (br_if $again (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
  (func (export "by_tag") (param i32)
    (block $caught (result i32 externref funcref)
      (try_table (catch $t $caught) (call $f (local.get 0)))
      return)
    drop drop drop)
  (func (export "by_any") (param i32)
    (block $caught (try_table (catch_all $caught) (call $f (local.get 0)))))
  (func (export "by_reference") (param i32)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $f (local.get 0)))
      return)
    drop)
  (func (export "again") (param i32)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $f (local.get 0)))
      return)
    throw_ref)
  (func (export "hold") (param i32) (local exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $f (local.get 0)))
      return)
    local.set 1
    (table.set $held (i32.const 0) (local.get 1)))
  (func (export "forget") (table.set $held (i32.const 0) (ref.null exn))))
"""


def guest(tagged: bool) -> pywasm3.Instance:
    """A guest whose host function raises an exception of its tag, or another one."""

    def f(x: int) -> None:
        raise instance.exports.t(x, [x], None) if tagged else LookupError(x)

    instance = load(TEXT, {"env": {"f": f}})
    return instance


def test_an_uncaught_exception_does_not_leak() -> None:
    throw = guest(True).exports.throw
    assert_no_leak(lambda: failing(pywasm3.WasmException, throw, 1 << 20, "thing"), 100_000)


def test_exceptions_within_the_guest_do_not_leak() -> None:
    inside = guest(True).exports.inside
    assert_no_leak(lambda: inside(1000, "thing"), 300)


def test_an_exception_that_is_caught_by_its_tag_does_not_leak() -> None:
    by_tag = guest(True).exports.by_tag
    assert_no_leak(lambda: by_tag(1 << 20), 100_000)


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("name", ["by_any", "by_reference", "hold"])
def test_an_exception_that_is_caught_by_any_clause_does_not_leak(name: str, tagged: bool) -> None:
    function = guest(tagged).exports[name]
    assert_no_leak(lambda: function(1 << 20), 100_000 if name == "by_any" else 20_000)


@pytest.mark.parametrize("tagged", [True, False])
def test_an_exception_that_is_thrown_again_does_not_leak(tagged: bool) -> None:
    again = guest(tagged).exports.again
    error = pywasm3.WasmException if tagged else LookupError
    assert_no_leak(lambda: failing(error, again, 1 << 20), 20_000)


def test_a_value_that_cannot_be_converted_does_not_leak() -> None:
    def f(x: int) -> None:
        raise instance.exports.t(x, [x], "no function")

    instance = load(TEXT, {"env": {"f": f}})
    assert_no_leak(lambda: failing(TypeError, instance.exports.by_tag, 1), 20_000)


def test_an_exception_that_refers_to_another_does_not_leak_when_it_passes_python() -> None:
    text = """
    (module
      (import "env" "f" (func $f (param i32)))
      (tag $t (param externref exnref))
      (func (export "throw") (param $thing externref) (local $inner exnref)
        (block $caught (result exnref)
          (try_table (catch_all_ref $caught)
            (throw $t (local.get $thing) (ref.null exn)))
          unreachable)
        local.set $inner
        (throw $t (local.get $thing) (local.get $inner)))
      (func (export "catch") (param i32)
        (block $caught (result externref exnref)
          (try_table (catch $t $caught) (call $f (local.get 0)))
          return)
        drop drop))
    """
    instance = load(text, {"env": {"f": lambda x: instance.exports.throw([x])}})
    catch = instance.exports["catch"]
    assert_no_leak(lambda: catch(1 << 20), 20_000)


class Thing(Exception):
    """An exception of which weak references can be made."""


def test_an_exception_that_is_caught_is_freed_at_once() -> None:
    seen: list[weakref.ref[Thing]] = []

    def f(x: int) -> None:
        error = Thing(x)
        seen.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    instance = load(TEXT, {"env": {"f": f}})
    instance.exports.by_any(1)
    assert seen[0]() is None


def test_an_exception_of_python_is_freed_after_the_guest_forgets_it() -> None:
    seen: list[weakref.ref[Thing]] = []

    def f(x: int) -> None:
        error: Any = Thing(x)
        seen.append(weakref.ref(error))
        try:
            raise error
        finally:
            del error

    instance = load(TEXT, {"env": {"f": f}})
    instance.exports.hold(1)
    for _ in range(5000):
        instance.exports.by_reference(1)
    assert seen[0]() is not None
    assert sum(ref() is not None for ref in seen) < 4000
    instance.exports.forget()
    for _ in range(5000):
        instance.exports.by_reference(1)
    assert seen[0]() is None


def test_a_store_whose_exception_refers_to_itself_is_freed() -> None:
    def make() -> pywasm3.Instance:
        def f(x: int) -> None:
            raise instance.exports.t(x, instance, instance.exports.one)

        instance = load(TEXT, {"env": {"f": f}})
        instance.exports.hold(1)
        return instance

    assert collected(make)
