# SPDX-License-Identifier: MIT
"""TinyGo's modules for JavaScript import the same functions as Go's, in another way."""

from __future__ import annotations

from typing import Any

import pytest

from helpers import wat
from pywasm3 import Module, Trap, WasiExit, WasmError
from pywasm3.guests import gojs
from pywasm3.wasi import CAPTURE, WasiConfig

NAN = 0x7FF80000 << 32
GLOBAL = NAN | 1 << 32 | 5
IMPORTS = """
    (import "gojs" "runtime.ticks" (func $ticks (result i64)))
    (import "gojs" "runtime.sleepTicks" (func $sleep (param i64)))
    (import "gojs" "runtime.getRandomData" (func $random (param i32 i32 i32)))
    (import "gojs" "syscall/js.stringVal" (func $string (param i32 i32) (result i64)))
    (import "gojs" "syscall/js.finalizeRef" (func $finalize (param i64)))
    (import "gojs" "syscall/js.valueGet" (func $get (param i64 i32 i32) (result i64)))
    (import "gojs" "syscall/js.valueSet" (func $set (param i64 i32 i32 i64)))
    (import "gojs" "syscall/js.valueDelete" (func $delete (param i64 i32 i32)))
    (import "gojs" "syscall/js.valueIndex" (func $index (param i64 i32) (result i64)))
    (import "gojs" "syscall/js.valueSetIndex" (func $setIndex (param i64 i32 i64)))
    (import "gojs" "syscall/js.valueCall" (func $call (param i32 i64 i32 i32 i32 i32 i32)))
    (import "gojs" "syscall/js.valueInvoke" (func $invoke (param i32 i64 i32 i32 i32)))
    (import "gojs" "syscall/js.valueNew" (func $new (param i32 i64 i32 i32 i32)))
    (import "gojs" "syscall/js.valueLength" (func $length (param i64) (result i32)))
    (import "gojs" "syscall/js.valuePrepareString" (func $prepare (param i32 i64)))
    (import "gojs" "syscall/js.valueLoadString" (func $load (param i64 i32 i32 i32)))
    (import "gojs" "syscall/js.valueInstanceOf" (func $instance (param i64 i64) (result i32)))
    (import "gojs" "syscall/js.copyBytesToGo" (func $toGo (param i32 i32 i32 i32 i64)))
    (import "gojs" "syscall/js.copyBytesToJS" (func $toJS (param i32 i64 i32 i32 i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
"""


def program(start: str, resume: str = "", data: str = "", **options: Any) -> gojs.Program:
    """Returns a program; its data, in which texts are sought, begin at address 64."""
    text = f"""(module {IMPORTS}
        (memory (export "memory") 1) (data (i32.const 64) "{data}")
        (func (export "resume") {resume}) (func (export "go_scheduler") {resume})
        (func (export "_start") {start}))"""
    options.setdefault("wasi", WasiConfig(stdout=CAPTURE, clock=0))
    return gojs.Program(Module(wat(text)), **options)


def test_values_go_to_and_fro() -> None:
    """The guest calls told(given.text, given.list[1], "key", given.list.length)."""
    told: list[Any] = []
    given = {"text": "täxt", "list": [1, -2.5]}
    data = "giventextlisttoldkey"  # at 64, 69, 73, 77, 81
    start = f"""(local $given i64) (local $list i64)
        (local.set $given (call $get (i64.const {GLOBAL}) (i32.const 64) (i32.const 5)))
        (local.set $list (call $get (local.get $given) (i32.const 73) (i32.const 4)))
        (i64.store (i32.const 0)
            (call $get (local.get $given) (i32.const 69) (i32.const 4)))
        (i64.store (i32.const 8) (call $index (local.get $list) (i32.const 1)))
        (i64.store (i32.const 16) (call $string (i32.const 81) (i32.const 3)))
        (f64.store (i32.const 24) (f64.convert_i32_s (call $length (local.get $list))))
        (call $call (i32.const 32) (i64.const {GLOBAL}) (i32.const 77) (i32.const 4)
            (i32.const 0) (i32.const 4) (i32.const 4))
        (call $set (local.get $given) (i32.const 81) (i32.const 3) (i64.load (i32.const 8)))
        (call $delete (local.get $given) (i32.const 69) (i32.const 4))
        (call $setIndex (local.get $list) (i32.const 0) (i64.load (i32.const 16)))
        (call $finalize (local.get $list))"""
    made = program(
        start, data=data, globals={"given": given, "told": lambda *values: told.extend(values)}
    )
    made.start()
    assert told == ["täxt", -2.5, "key", 2]
    assert given == {"list": ["key", -2.5], "key": -2.5}
    assert made.instance.memory[40] == 1  # the call succeeded


def test_bytes_and_strings_are_copied() -> None:
    data = "textUint8Arraymade"  # at 64, 68, 78
    start = f"""(local $array i64)
        (call $prepare (i32.const 0) (call $get (i64.const {GLOBAL}) (i32.const 64) (i32.const 4)))
        (call $load (i64.load (i32.const 0)) (i32.const 128) (i32.load (i32.const 8)) (i32.const 9))
        (f64.store (i32.const 16) (f64.const 3))
        (call $new (i32.const 24)
            (call $get (i64.const {GLOBAL}) (i32.const 68) (i32.const 10))
            (i32.const 16) (i32.const 1) (i32.const 1))
        (local.set $array (i64.load (i32.const 24)))
        (call $toJS (i32.const 40)
            (local.get $array) (i32.const 128) (i32.const 5) (i32.const 5))
        (call $toGo (i32.const 48) (i32.const 136) (i32.const 9) (i32.const 9) (local.get $array))
        (call $set (i64.const {GLOBAL}) (i32.const 78) (i32.const 4) (local.get $array))"""
    made = program(start, data=data, globals={"text": "täxt"})
    made.start()
    memory = made.instance.memory
    assert memory[128:133].decode() == "täxt"
    assert bytes(made.globals["made"]) == memory[136:139] == "täxt".encode()[:3]
    assert [memory.read_u32(40), memory[44], memory.read_u32(48), memory[52]] == [3, 1, 3, 1]


def test_a_sleep_lets_the_scheduler_run_again() -> None:
    second = 10**9
    made = program(
        f"(call $sleep (i64.const {second}))",
        "(i64.store (i32.const 0) (call $ticks)) (call $exit (i32.const 5))",
    )
    assert made.run() == 5
    assert made.instance.memory.read_i64(0) >= second


def test_a_program_that_has_ended_keeps_its_exports() -> None:
    resume = "(i64.store (i32.const 0) (i64.add (call $ticks) (i64.const 1)))"
    made = program("(call $exit (i32.const 0))", resume)
    made.start()
    assert made.exit_code == 0
    made.instance.exports.resume()
    assert made.instance.memory.read_i64(0) > 0


def test_sleeps_wake_the_scheduler_once_at_the_earliest_time() -> None:
    second = 10**9
    made = program(
        f"""(call $sleep (i64.const {3 * second})) (call $sleep (i64.const {second}))
        (call $sleep (i64.const {2 * second}))""",
        """(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
        (i64.store (i32.const 8) (call $ticks))""",
    )
    with pytest.raises(WasmError, match="nothing can happen any more"):
        made.run()
    assert made.instance.memory.read_i32(0) == 1
    assert second <= made.instance.memory.read_i64(8) < 2 * second


def test_random_bytes_come_from_the_configuration() -> None:
    def drawn(seed: int) -> bytes:
        config = WasiConfig(random=seed)
        made = program("(call $random (i32.const 0) (i32.const 16) (i32.const 16))", wasi=config)
        made.start()
        return made.instance.memory.read(0, 16)

    assert drawn(5) == drawn(5) != drawn(6)


def test_a_program_that_waits_forever_is_an_error() -> None:
    with pytest.raises(WasmError, match="nothing can happen any more"):
        program("").run()


@pytest.mark.parametrize(
    "start",
    [
        "(drop (call $string (i32.const -1) (i32.const 1)))",
        "(drop (call $string (i32.const 0) (i32.const -1)))",
        f"(call $call (i32.const -8) (i64.const {GLOBAL}) (i32.const 0) (i32.const 0) "
        "(i32.const 0) (i32.const 0) (i32.const 0))",
        f"(call $invoke (i32.const 0) (i64.const {GLOBAL}) (i32.const 65528) (i32.const 2) "
        "(i32.const 0))",
        "(call $toJS (i32.const 65533) (i64.const 0) (i32.const 0) (i32.const 1) (i32.const 1))",
        "(call $prepare (i32.const 65529) (i64.const 0))",
        "(call $random (i32.const 65535) (i32.const 2) (i32.const 2))",
        "(call $random (i32.const 0) (i32.const -1) (i32.const -1))",
    ],
)
def test_an_address_beyond_the_memory_is_a_trap(start: str) -> None:
    with pytest.raises(Trap):
        program(start).start()


# ---- libraries: -buildmode=c-shared ----

# What TinyGo makes of a library whose init() sets js.Global()'s "double" to a js.FuncOf, and which
# exports add(). A runtime that was not initialized makes each export trap.
LIBRARY = f"""
    (memory (export "memory") 1)
    (data (i32.const 64) "_makeFuncWrapperdouble_pendingEventargsresult")
    (global $initialized (mut i32) (i32.const 0))
    (func (export "_initialize")
        (if (global.get $initialized) (then unreachable))
        (global.set $initialized (i32.const 1))
        (f64.store (i32.const 0) (f64.const 7))
        (call $call (i32.const 16) (i64.const {GLOBAL + 1}) (i32.const 64) (i32.const 16)
            (i32.const 0) (i32.const 1) (i32.const 1))
        (call $set (i64.const {GLOBAL}) (i32.const 80) (i32.const 6) (i64.load (i32.const 16))))
    (func (export "add") (param i32 i32) (result i32)
        (if (i32.eqz (global.get $initialized)) (then unreachable))
        (i32.add (local.get 0) (local.get 1)))
    (func (export "exit") (call $exit (i32.const 3)))
    (func (export "sleep") (call $sleep (i64.const 1000)))
"""
RESUME = f"""(func (export "resume") (local $event i64)
    (local.set $event (call $get (i64.const {GLOBAL + 1}) (i32.const 86) (i32.const 13)))
    (call $set (local.get $event) (i32.const 103) (i32.const 6)
        (i64.reinterpret_f64 (f64.mul (f64.const 2) (f64.reinterpret_i64 (call $index
            (call $get (local.get $event) (i32.const 99) (i32.const 4)) (i32.const 0)))))))"""


def library(more: str = RESUME) -> gojs.Program:
    return gojs.Program(Module(wat(f"(module {IMPORTS} {LIBRARY} {more})")))


def test_a_library_is_initialized_when_it_is_started() -> None:
    made = library()
    with pytest.raises(Trap):
        made.instance.exports.add(2, 3)
    made.start()
    assert made.instance.exports.add(2, 3) == 5
    assert made.exit_code is None


def test_python_calls_functions_of_a_library() -> None:
    made = library()
    made.start()
    assert made.globals["double"](21.0) == 42


def test_a_library_is_initialized_once() -> None:
    made = library()
    made.start()
    with pytest.raises(WasmError, match="started before"):
        made.start()


def test_a_library_has_no_main_to_run() -> None:
    with pytest.raises(WasmError, match="a library, which has no main"):
        library().run()


def test_an_exit_of_a_library_while_it_starts_is_raised() -> None:
    text = """(memory (export "memory") 1)
        (func (export "_initialize") (call $exit (i32.const 3)))"""
    made = gojs.Program(Module(wat(f"(module {IMPORTS} {text})")))
    with pytest.raises(WasiExit):
        made.start()
    assert made.exit_code == 3


def test_a_module_with_both_entries_is_a_program() -> None:
    text = """(memory (export "memory") 1) (func (export "_initialize") unreachable)
        (func (export "_start") (call $exit (i32.const 4)))"""
    assert gojs.Program(Module(wat(f"(module {IMPORTS} {text})"))).run() == 4


def test_without_a_scheduler_a_library_cannot_sleep_or_be_called_back() -> None:
    made = library(more="")
    made.start()
    with pytest.raises(WasmError, match="go_scheduler"):
        made.instance.exports.sleep()
    with pytest.raises(WasmError, match="resume"):
        made.globals["double"](1.0)
    assert made.instance.exports.add(2, 3) == 5


def test_one_import_shows_that_tinygo_made_a_module() -> None:
    """A library may import nothing but a function that releases values."""
    text = """(module (import "gojs" "syscall/js.finalizeRef" (func (param i64)))
        (memory (export "memory") 1) (func (export "_initialize")))"""
    gojs.Program(Module(wat(text))).start()
