# SPDX-License-Identifier: MIT
"""Guests throw and catch by calls of the host, in Emscripten's older way.

tests/toolchains/test_cpp.py has C++ programs for it. Here are small guests, and wrong ones: what a
guest passes to these functions can be any number.
"""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

import pywasm3
from emscripten_guests import MALLOC, importing, module
from pywasm3.guests import emscripten

# An exception of type 1 is caught by a handler for type 1 only; `can_catch` adjusts the address.
GUEST = f"""
  (import "env" "__cxa_allocate_exception" (func $allocate (param i32) (result i32)))
  (import "env" "__cxa_throw" (func $throw (param i32 i32 i32)))
  (import "env" "__cxa_find_matching_catch_3" (func $find (param i32) (result i32)))
  (import "env" "__cxa_begin_catch" (func $begin (param i32) (result i32)))
  (import "env" "__cxa_end_catch" (func $end))
  (import "env" "__cxa_rethrow" (func $rethrow))
  (import "env" "__cxa_uncaught_exceptions" (func $uncaught (result i32)))
  (import "env" "__resumeException" (func $resume (param i32)))
  (import "env" "_emscripten_throw_longjmp" (func $longjmp))
  (import "env" "invoke_ii" (func $invoke (param i32 i32) (result i32)))
  (import "env" "invoke_vd" (func $invoke_vd (param i32 f64)))
  (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "__indirect_function_table") 10 funcref)
  (elem (i32.const 1) $thrower $jumper $host $destroy $number $rethrower)
  (global $stack (export "__stack_pointer") (mut i32) (i32.const 60000))
  (global $threw (export "threw") (mut i32) (i32.const 0))
  (global $second (export "second") (mut i32) (i32.const -1))
  (global $destroyed (export "destroyed") (mut i32) (i32.const 0))
  (global $freed (export "freed") (mut i32) (i32.const 0))
  {
    MALLOC.replace(
        '(func (export "free") (param i32))',
        '(func (export "free") (param i32) (global.set $freed (local.get 0)))',
    )
}
  (func (export "setThrew") (param i32 i32) (global.set $threw (local.get 0)))
  (func (export "setTempRet0") (param i32) (global.set $second (local.get 0)))
  (func (export "__cxa_can_catch") (param i32 i32 i32) (result i32)
    (i32.store (local.get 2) (i32.add (i32.load (local.get 2)) (i32.const 4)))
    (i32.eq (local.get 0) (local.get 1)))
  (func $destroy (param i32) (global.set $destroyed (local.get 0)))
  (func $number (param f64) (i64.store (i32.const 8) (i64.reinterpret_f64 (local.get 0))))
  (func $thrower (param $type i32) (result i32) (local $object i32)
    (global.set $stack (i32.const 50000))
    (local.set $object (call $allocate (i32.const 8)))
    (call $throw (local.get $object) (local.get $type) (i32.const 4))
    (unreachable))
  (func $jumper (param i32) (result i32)
    (global.set $stack (i32.const 50000)) (call $longjmp) (unreachable))
  (func $rethrower (param i32) (result i32) (call $rethrow) (i32.const 0))
  (export "thrower" (func $thrower))
  (export "jumper" (func $jumper))
  (export "invoke" (func $invoke))
  (export "invoke_vd" (func $invoke_vd))
  (export "find" (func $find))
  (export "begin" (func $begin))
  (export "end" (func $end))
  (export "uncaught" (func $uncaught))
  (export "resume" (func $resume))"""

THROWER, JUMPER, HOST, DESTROY, NUMBER, RETHROWER = range(1, 7)


@pytest.fixture
def exports() -> Any:
    return emscripten.load(module(GUEST), {"host": lambda x: x + 1}).exports


def test_a_call_that_throws_is_noted_and_the_stack_is_as_before(exports: Any) -> None:
    assert exports.invoke(THROWER, 1) == 0
    assert exports.threw.value == 1
    assert exports["__stack_pointer"].value == 60000
    assert exports.uncaught() == 1


def test_a_call_that_does_not_throw_returns(exports: Any) -> None:
    assert exports.invoke(HOST, 5) == 6
    exports.invoke_vd(NUMBER, 1.5)
    assert exports.memory.read_f64(8) == 1.5
    assert exports.threw.value == 0


def test_a_longjmp_is_noted(exports: Any) -> None:
    assert exports.invoke(JUMPER, 1) == 0
    assert exports.threw.value == 1
    assert exports["__stack_pointer"].value == 60000


def test_a_handler_catches_its_type_and_the_object_is_destroyed(exports: Any) -> None:
    exports.invoke(THROWER, 7)
    object = exports.find(7)
    assert exports.second.value == 7
    assert exports.begin(object) == object + 4
    assert exports.uncaught() == 0
    assert exports.destroyed.value == 0
    exports.end()
    assert exports.destroyed.value == object
    assert exports.freed.value == object - 24


def test_a_handler_for_another_type_does_not_catch(exports: Any) -> None:
    exports.invoke(THROWER, 7)
    object = exports.find(8)
    assert exports.second.value == 7  # the exception's own type, which no handler has here
    with pytest.raises(emscripten.CppException) as caught:
        exports.resume(object)
    assert caught.value.address == object


def test_a_handler_for_everything_catches(exports: Any) -> None:
    exports.invoke(THROWER, 7)
    object = exports.find(0)
    assert exports.begin(object) == object


def test_an_exception_that_is_thrown_again_lives_on(exports: Any) -> None:
    exports.invoke(THROWER, 7)
    object = exports.find(7)
    exports.begin(object)
    exports.invoke(RETHROWER, 0)
    assert exports.uncaught() == 1
    exports.end()
    assert exports.destroyed.value == 0
    assert exports.begin(exports.find(7) or object) == object + 4
    exports.end()
    assert exports.destroyed.value == object


def test_nobody_catches(exports: Any) -> None:
    with pytest.raises(emscripten.CppException, match="C\\+\\+ exception"):
        exports.thrower(7)
    with pytest.raises(emscripten.Longjmp, match="longjmp"):
        exports.jumper(7)
    assert issubclass(emscripten.CppException, pywasm3.WasmError)


def test_other_exceptions_pass_the_handlers() -> None:
    raised = KeyError("key")

    def fail(_x: int) -> int:
        raise raised

    exports = emscripten.load(module(GUEST), {"host": fail}).exports
    with pytest.raises(KeyError) as caught:
        exports.invoke(HOST, 0)
    assert caught.value is raised
    assert exports.threw.value == 0


HALVES = """
  (import "env" "invoke_jij" (func $invoke (param i32 i32 i32 i32) (result i32)))
  (import "env" "getTempRet0" (func $second (result i32)))
  (import "env" "setTempRet0" (func $set (param i32)))
  (memory (export "memory") 1)
  (table (export "__indirect_function_table") 2 funcref)
  (elem (i32.const 1) $add)
  (global (export "__stack_pointer") (mut i32) (i32.const 1000))
  (func $add (param i32 i64) (result i64)
    (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)))
  (export "invoke" (func $invoke))
  (export "second" (func $second))
  (export "set" (func $set))"""


def test_older_versions_pass_integers_of_64_bits_as_halves() -> None:
    exports = emscripten.load(module(HALVES)).exports
    number = 0x12345678_9ABCDEF0
    assert exports.invoke(1, 5, number & 0xFFFFFFFF, number >> 32) & 0xFFFFFFFF == 0x9ABCDEF5
    assert exports.second() == 0x12345678
    assert exports.invoke(1, -1, 0, 0) == -1
    assert exports.second() == -1
    exports.set(7)
    assert exports.second() == 7


def test_the_fuel_ends_a_guest_that_catches_everything() -> None:
    """An invoke_* function does not catch what stops the guest from outside."""
    text = (
        GUEST
        + """(func (export "loop") (loop $l
      (drop (call $invoke (i32.const 1) (i32.const 1))) (br $l)))"""
    )
    program = emscripten.load(
        module(text), {"host": lambda x: x}, limits=pywasm3.Limits(fuel=10_000, memory=65536)
    )
    with pytest.raises((pywasm3.OutOfFuel, pywasm3.Trap)):
        program.exports.loop()


# ---- guests in disorder ----


def test_a_wrong_function_pointer_is_a_trap(exports: Any) -> None:
    for index in (0, 9, 10, -1, 1 << 30):
        with pytest.raises(pywasm3.Trap, match="no function"):
            exports.invoke(index, 0)


def test_a_handler_that_never_began_cannot_end(exports: Any) -> None:
    with pytest.raises(pywasm3.Trap, match="no handler is at work"):
        exports.end()
    with pytest.raises(pywasm3.Trap, match="nothing to throw again"):
        exports.invoke(RETHROWER, 0)
    assert exports.find(1) == 0


@pytest.mark.parametrize("address", [0, 1, 23, 65536 + 30, 0x7FFFFFFF, -1, -24])
@pytest.mark.parametrize(
    "call",
    [
        "__cxa_begin_catch i>i",
        "__cxa_get_exception_ptr i>i",
        "__cxa_rethrow_primary_exception i>",
        "__cxa_increment_exception_refcount i>",
        "__cxa_decrement_exception_refcount i>",
        "__cxa_free_exception i>",
        "__resumeException i>",
    ],
)
def test_a_wrong_exception_is_an_error_and_nothing_else(call: str, address: int) -> None:
    name = call.split()[0]
    program = emscripten.load(importing(call))
    with contextlib.suppress(pywasm3.Trap, emscripten.CppException):
        program.exports[name](address)


def test_handlers_are_bounded() -> None:
    program = emscripten.load(importing("__cxa_begin_catch i>i"))
    begin = program.exports["__cxa_begin_catch"]
    with pytest.raises(pywasm3.Trap, match="handlers"):
        for _ in range(70_000):
            begin(1024)


def test_a_guest_without_what_catching_needs_gets_an_error() -> None:
    program = emscripten.load(importing("__cxa_end_catch >", "__cxa_allocate_exception i>i"))
    with pytest.raises(pywasm3.WasmError, match="setThrew"):
        program.exports["__cxa_end_catch"]()
    with pytest.raises(MemoryError):
        program.exports["__cxa_allocate_exception"](-1)
