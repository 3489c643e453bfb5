# SPDX-License-Identifier: MIT
"""A guest that exports the functions of Node-API again, so that tests call them as guests do.

The tests pass handles and addresses by hand. A handle that they get stays in use, because it was
not made within a call of the guest's functions.
"""

from __future__ import annotations

import struct
from typing import Any

from helpers import wat
from pywasm3.guests import napi
from pywasm3.guests.bindgen.convert import to_js
from pywasm3.guests.napi import imports
from pywasm3.guests.napi.entries import type_of_entry
from pywasm3.guests.napi.environment import ENV
from pywasm3.guests.napi.status import Status

AUTO = -1  # a length: the text ends with NUL
RESULT = 64  # where functions write their results
TEXT, DATA = 1024, 8192  # where texts and other data are written

# Callbacks by their places in the table.
FIRST_ARGUMENT, THROW, WILD_HANDLE, CALL_ARGUMENT, RETURN_THIS, NEW_TARGET = range(1, 7)
LEAVE_OPEN, MANY_HANDLES, TRAP, FINALIZER, HOOK, EXECUTE, COMPLETE, CALL_JS = range(7, 15)
WRITE_BYTES, POST_AGAIN = 15, 16

CODE = r"""
  (memory (export "memory") 1 64)
  (table (export "__indirect_function_table") 17 funcref)
  (elem (i32.const 1) $first_argument $throw $wild_handle $call_argument $return_this $new_target
    $leave_open $many_handles $trap $finalizer $hook $execute $complete $call_js
    $write_bytes $post_again)
  (data (i32.const 16) "thrown")
  (global $next (mut i32) (i32.const 32768))
  (global $worked (export "worked") (mut i32) (i32.const 0))
  (global $completed (export "completed") (mut i32) (i32.const -1))
  (func (export "napi_wasm_malloc") (param i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 0))))

  ;; A callback gets the environment and a number; the arguments go to 256, `this` to 248, the data
  ;; to 244, and their count to 240.
  (func $read (param i32 i32)
    (i32.store (i32.const 240) (i32.const 4))
    (drop (call $napi_get_cb_info (local.get 0) (local.get 1) (i32.const 240) (i32.const 256)
      (i32.const 248) (i32.const 244))))
  (func $first_argument (param i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1)) (i32.load (i32.const 256)))
  (func $return_this (param i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1)) (i32.load (i32.const 248)))
  (func $new_target (param i32 i32) (result i32)
    (drop (call $napi_get_new_target (local.get 0) (local.get 1) (i32.const 236)))
    (i32.load (i32.const 236)))
  (func $throw (param i32 i32) (result i32)
    (drop (call $napi_throw_range_error (local.get 0) (i32.const 0) (i32.const 16)))
    (i32.const 0))
  (func $wild_handle (param i32 i32) (result i32) (i32.const 123456))
  (func $call_argument (param i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1))
    (i32.store (i32.const 228) (call $napi_call_function (local.get 0) (i32.load (i32.const 248))
      (i32.load (i32.const 256)) (i32.const 1) (i32.const 256) (i32.const 232)))
    (i32.load (i32.const 232)))
  (func $leave_open (param i32 i32) (result i32)
    (drop (call $napi_open_handle_scope (local.get 0) (i32.const 236)))
    (drop (call $napi_create_object (local.get 0) (i32.const 236)))
    (i32.load (i32.const 236)))
  (func $many_handles (param i32 i32) (result i32)
    (loop (drop (call $napi_create_double (local.get 0) (f64.const 1.5) (i32.const 236))) (br 0))
    (i32.const 0))
  (func $trap (param i32 i32) (result i32)
    (drop (call $napi_throw_error (local.get 0) (i32.const 0) (i32.const 16)))
    (unreachable))
  (func $finalizer (param i32 i32 i32)
    (call $note (i32.add (local.get 1) (local.get 2))))
  (func $hook (param i32) (call $note (local.get 0)))
  (func $post_again (param i32 i32 i32)
    (call $note (local.get 1))
    (drop (call $node_api_post_finalizer (local.get 0) (i32.const 16) (local.get 1)
      (local.get 2))))
  ;; The bytes that are the argument get a Z in front.
  (func $write_bytes (param i32 i32) (result i32)
    (call $read (local.get 0) (local.get 1))
    (drop (call $napi_get_buffer_info (local.get 0) (i32.load (i32.const 256)) (i32.const 236)
      (i32.const 0)))
    (i32.store8 (i32.load (i32.const 236)) (i32.const 90))
    (i32.const 0))
  (func $execute (param i32 i32) (global.set $worked (i32.add (global.get $worked) (local.get 1))))
  (func $complete (param i32 i32 i32) (global.set $completed (local.get 1)))
  (func $call_js (param i32 i32 i32 i32)
    (global.set $worked (i32.add (global.get $worked) (i32.add (local.get 2) (local.get 3)))))

  ;; The exports are the object that the host gives, with one function.
  (data (i32.const 32) "first")
  (func (export "napi_register_module_v1") (param i32 i32) (result i32)
    (drop (call $napi_create_function (local.get 0) (i32.const 32) (i32.const 5) (i32.const 1)
      (i32.const 77) (i32.const 236)))
    (drop (call $napi_set_named_property (local.get 0) (local.get 1) (i32.const 32)
      (i32.load (i32.const 236))))
    (i32.const 0))
"""


def _types() -> dict[str, str]:
    """Returns the names of all functions, with their types in the text format."""
    types = {name: type_of_entry(entry) for name, entry in imports.FUNCTIONS.items()}
    types |= {
        name: type_of_entry(entry, has_environment=False)
        for name, entry in imports.WITHOUT_ENVIRONMENT.items()
    }
    shown = {
        name: f"(param {' '.join(map(str, type_.params))}) (result i32)"
        for name, type_ in types.items()
    }
    shown["napi_get_last_error_info"] = "(param i32 i32) (result i32)"
    shown["napi_fatal_error"] = "(param i32 i32 i32 i32)"
    shown["napi_run_script"] = "(param i32 i32 i32) (result i32)"
    shown["__getrandom_v03_custom"] = "(param i32 i32) (result i32)"
    return shown


def module() -> bytes:
    """Returns the guest."""
    lines = [f'(import "env" "{name}" (func ${name} {type_}))' for name, type_ in _types().items()]
    lines += [f'(export "{name}" (func ${name}))' for name in _types()]
    lines.insert(0, '(import "test" "note" (func $note (param i32)))')
    return wat(f"(module {' '.join(lines)} {CODE})")


class Raw:
    """Calls functions of Node-API as a guest does.

    Attributes:
        guest: The guest.
        notes: What its finalizers and hooks got: the sum of the data and the hint, or the argument.
    """

    def __init__(self, **options: Any) -> None:
        self.notes: list[int] = []
        given = {"test": {"note": self.notes.append}, **options.pop("imports", {})}
        self.guest = napi.load(module(), imports=given, **options)
        self.memory = self.guest.instance.memory
        self._next_text = TEXT

    def status(self, name: str, *arguments: Any) -> Status:
        """Calls a function, whose name may lack "napi_", and returns its status."""
        exports = self.guest.instance.exports
        full = name if name in exports else f"napi_{name}"
        return Status(exports[full](ENV, *arguments))

    def make(self, name: str, *arguments: Any) -> int:
        """Calls a function and returns its result, which is a number of 32 bits."""
        assert self.status(name, *arguments, RESULT) is Status.OK
        return self.memory.read_i32(RESULT)

    def flag(self, name: str, *arguments: Any) -> bool:
        """Calls a function and returns its result, which is a byte."""
        self.memory.write(RESULT, b"\7")
        assert self.status(name, *arguments, RESULT) is Status.OK
        return {0: False, 1: True}[self.memory.read(RESULT, 1)[0]]

    def text(self, text: str) -> int:
        """Writes a text that ends with NUL, and returns its address."""
        data = text.encode() + b"\0"
        address, self._next_text = self._next_text, self._next_text + len(data)
        self.memory.write(address, data)
        return address

    def string(self, text: str) -> int:
        """Returns a handle for a text."""
        return self.make("create_string_utf8", self.text(text), AUTO)

    def number(self, number: float) -> int:
        """Returns a handle for a number."""
        return self.make("create_double", number)

    def function(self, callback: int, data: int = 0) -> int:
        """Returns a handle for a function."""
        return self.make("create_function", self.text("name"), AUTO, callback, data)

    def words(self, address: int, count: int) -> tuple[int, ...]:
        """Returns words of the memory."""
        return struct.unpack(f"<{count}I", self.memory.read(address, 4 * count))

    def write_words(self, address: int, *words: int) -> int:
        """Writes words to the memory, and returns the address."""
        self.memory.write(address, struct.pack(f"<{len(words)}I", *words))
        return address

    def put(self, value: Any) -> int:
        """Returns a handle for a value of Python."""
        environment = self.guest._entrance
        return environment.handles.add(to_js(environment, value))

    def value(self, handle: int) -> Any:
        """Returns the value of a handle as Python has it."""
        environment = self.guest._entrance
        return environment.realm.export(environment.handles.get(handle))
