# SPDX-License-Identifier: MIT
"""An exception is the one that its call threw, whatever else Python does in the store meanwhile.

Where the types are written in Python, a trace function can make calls between any two lines of
them, as a finalizer can at some places. Those calls throw and catch exceptions, and collect.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

import pywasm3
from helpers import wat
from pywasm3 import WasmException
from pywasm3._ffi import PURE, lib, store_pointer

GUEST = """
(module
  (type $s (struct (field i32)))
  (import "host" "raises" (func $raises))
  (import "host" "other" (func $other))
  (tag $t (export "t") (param (ref $s)))
  (tag $u (export "u") (param i32))
  (tag $hidden (param exnref))
  (func (export "make") (param i32) (result (ref $s)) (struct.new $s (local.get 0)))
  (func (export "throws") (param i32) (throw $t (struct.new $s (local.get 0))))
  (func (export "hides") (param i32)
    (throw $hidden (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $u (local.get 0)))
      (unreachable))))
  (func (export "passes") (call $raises))
  (func (export "catches") (result i32)
    (block $caught (result i32) (try_table (catch $u $caught) (call $raises)) (i32.const -1)))
  (func (export "rethrows")
    (throw_ref (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $raises))
      (unreachable))))
  (func (export "aside")
    (block $caught (try_table (catch_all $caught) (throw $u (i32.const 1))))
    (block $caught (try_table (catch_all $caught) (call $other)))
    (drop (struct.new $s (i32.const 2)))
    (throw $u (i32.const 3))))
"""


class Guest:
    """An instance, and what its host function raises."""

    def __init__(self) -> None:
        self.error: Any = None
        self.meddled = 0
        self._meddles = False
        imports = {"host": {"raises": self._raise, "other": self._raise_other}}
        self.instance = pywasm3.Instance(pywasm3.Module(wat(GUEST)), imports)
        self.exports = self.instance.exports

    def _raise(self) -> None:
        raise self.error

    def _raise_other(self) -> None:
        raise LookupError("another exception")

    def _meddle(self) -> None:
        store = self.instance.store
        self._meddles = True
        self.meddled += 1
        with pytest.raises(WasmException):
            self.exports.aside()
        store._call_entered(lambda: lib.pw_store_collect_heap(store_pointer(store)))
        if PURE:
            from pywasm3._pure import externs

            externs.release(store)  # as a call of the guest does where its limits are reached
        self._meddles = False

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        if self._meddles or frame.f_globals.get("__package__") != "pywasm3._pure":
            return None
        if event == "line":
            self._meddle()
        return self._trace

    @contextmanager
    def traced(self) -> Iterator[None]:
        """Lets calls be made between the lines of the types that are written in Python."""
        before = sys.gettrace()
        sys.settrace(self._trace)
        try:
            yield
        finally:
            sys.settrace(before)
        assert bool(self.meddled) == PURE


@pytest.fixture
def guest() -> Guest:
    return Guest()


def raised_by(guest: Guest, call: Callable[[], Any]) -> BaseException:
    """The exception of a call that others interrupt."""
    with pytest.raises(BaseException) as caught, guest.traced():
        call()
    return caught.value


def test_a_reference_is_the_one_that_was_thrown(guest: Guest) -> None:
    error = raised_by(guest, lambda: guest.exports.throws(7))
    assert isinstance(error, WasmException)
    assert error.tag == guest.exports.t
    assert error.payload[0][0] == 7


def test_a_hidden_payload_is_kept_and_can_be_thrown_again(guest: Guest) -> None:
    error = guest.error = raised_by(guest, lambda: guest.exports.hides(7))
    assert isinstance(error, WasmException)
    assert raised_by(guest, guest.exports.passes) is error


@pytest.mark.parametrize("function", ["passes", "rethrows"])
def test_an_exception_of_a_host_function_passes(guest: Guest, function: str) -> None:
    guest.error = ValueError("of the host")
    assert raised_by(guest, getattr(guest.exports, function)) is guest.error


def test_what_a_host_function_throws_is_caught(guest: Guest) -> None:
    guest.error = WasmException(guest.exports.u, 5)
    with guest.traced():
        assert guest.exports.catches() == 5


def test_what_a_host_function_throws_and_nobody_catches_passes(guest: Guest) -> None:
    guest.error = WasmException(guest.exports.t, guest.exports.make(6))
    assert raised_by(guest, guest.exports.passes) is guest.error


def test_map_raises_what_its_call_threw(guest: Guest) -> None:
    error = raised_by(guest, lambda: guest.exports.throws.map(array("i", [7])))
    assert isinstance(error, WasmException)
    assert error.payload[0][0] == 7
