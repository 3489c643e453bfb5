# SPDX-License-Identifier: MIT
"""Guests of toolchains, and imported ones, leave nothing behind, neither do calls with objects."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

import js_string_guest
import pywasm3
import pywasm3.hook
from helpers import load, wat
from leak_helpers import assert_no_leak, collected, failing
from pywasm3.guests import assemblyscript
from pywasm3.guests.assemblyscript import Array, host
from pywasm3.guests.strings import Form, Heap

# An allocator that gives the same address again and again.
STRINGS = """
(module (memory (export "memory") 1)
  (func (export "malloc") (param i32) (result i32) (i32.const 1024))
  (func (export "free") (param i32))
  (func (export "echo") (param i32) (result i32) (local.get 0))
  (func (export "fail") (param i32) unreachable))
"""
OBJECTS = """
(module
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "env" "console.log" (func $log (param i32)))
  (import "host" "say" (func $say (param i32)))
  (memory (export "memory") 1)
  (global (export "__rtti_base") i32 (i32.const 64))
  (data (i32.const 64) "\\04\\00\\00\\00\\20\\00\\00\\00\\20\\00\\00\\00"
    "\\20\\00\\00\\00\\02\\09\\00\\00")
  (global $next (mut i32) (i32.const 1024))
  (func (export "__new") (param i32 i32) (result i32)
    (global.set $next (i32.xor (global.get $next) (i32.const 8192)))
    (i32.store (i32.sub (global.get $next) (i32.const 8)) (local.get 1))
    (i32.store (i32.sub (global.get $next) (i32.const 4)) (local.get 0))
    (global.get $next))
  (func (export "__pin") (param i32) (result i32) (local.get 0))
  (func (export "__unpin") (param i32))
  (func (export "echo") (param i32) (result i32)
    (call $log (local.get 0)) (call $say (local.get 0)) (local.get 0))
  (func (export "total") (param i32) (result i32) (local.get 0))
  (func (export "fail") (param i32)
    (call $abort (local.get 0) (i32.const 0) (i32.const 1) (i32.const 2))))
"""


def test_calls_with_strings_do_not_leak() -> None:
    heap = Heap(load(STRINGS))
    echo, fail = heap.wrap("echo", result=Form.CSTRING, owned=True), heap.wrap("fail")

    def call() -> None:
        assert echo("text") == "text"
        failing(pywasm3.Trap, fail, "text")
        failing(ValueError, echo, "a\0b")

    assert_no_leak(call, 3000)


def objects() -> assemblyscript.Guest:
    return assemblyscript.load(wat(OBJECTS), {"host": {"say": host(str)(lambda text: None)}})


def test_calls_with_objects_do_not_leak() -> None:
    guest = objects()
    echo, total, fail = guest.wrap("echo", returns=str), guest.wrap("total"), guest.wrap("fail")

    def call() -> None:
        assert echo("text") == "text"
        total(Array("i32", [1, 2, 3]))
        failing(assemblyscript.Abort, fail, "text")
        failing(assemblyscript.ObjectError, guest.read, -5)

    assert_no_leak(call, 2000)


def test_a_guest_does_not_outlive_its_last_reference() -> None:
    assert collected(objects)


def test_guests_do_not_leak() -> None:
    def make() -> None:
        guest = objects()
        guest.wrap("echo", returns=str)("text")
        guest.instance.close()

    assert_no_leak(make, 300)


def test_importing_again_does_not_leak(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leaking.wasm").write_bytes(wat(STRINGS))
    monkeypatch.syspath_prepend(tmp_path)
    guest = importlib.import_module("leaking")
    try:
        assert_no_leak(lambda: importlib.reload(guest), 300)
    finally:
        del sys.modules["leaking"]


def test_functions_on_strings_do_not_leak() -> None:
    strings = js_string_guest.guest()
    strings.make(3)

    def call() -> None:
        text = strings.concat("a\ud83d", "\ude00")
        assert (strings.length(text), strings.codePointAt(text, 1)) == (3, 0x1F600)
        assert strings.into(text, 0) == 3
        assert strings["from"](0, 3) == text
        failing(pywasm3.Trap, strings.length, None)
        failing(pywasm3.Trap, strings["from"], 0, 4)

    assert_no_leak(call, count=300)


def test_instances_with_string_functions_do_not_leak() -> None:
    def make() -> None:
        strings = js_string_guest.guest()
        assert strings.length("\U0001f600") == 2

    assert_no_leak(make, count=30)
