# SPDX-License-Identifier: MIT
"""Modules are linked at run time, as DynamicLinking.md of the tool conventions says."""

from __future__ import annotations

import pytest

import pywasm3
from binary import leb
from emscripten_guests import MALLOC, module
from helpers import wat
from pywasm3.guests import emscripten

PAGE = 65536

# What the linker writes at the beginning of every such module.
HEAD = """
  (import "env" "memory" (memory 1 100))
  (import "env" "__indirect_function_table" (table 1 funcref))
  (import "env" "__memory_base" (global $data i32))
  (import "env" "__table_base" (global $elements i32))
"""

MAIN = f"""
  (@dylink.0 (mem-info (memory 100 2) (table 1 0)))
  {HEAD.replace("(memory 1 100)", "(memory 2 100)")}
  (import "env" "__stack_pointer" (global $stack (mut i32)))
  (import "GOT.mem" "__stack_low" (global $low (mut i32)))
  (import "GOT.mem" "__stack_high" (global $high (mut i32)))
  (import "GOT.mem" "__heap_base" (global $heap (mut i32)))
  (elem (global.get $elements) $seven)
  (data (global.get $data) "main")
  (func $seven (export "seven") (result i32) (i32.const 7))
  (global (export "variable") i32 (i32.const 40))
  (func (export "stack") (result i32 i32 i32 i32)
    (global.get $stack) (global.get $low) (global.get $high) (global.get $heap))
  (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
  {MALLOC.replace("4096", "131072")}
  (func (export "__wasm_call_ctors")
    (memory.grow (i32.const 1)) drop (global.set $top (i32.const 131072)))"""


def side(text: str, *, memory: str = "8 2", table: str = "0 0", more: str = "") -> bytes:
    return module(f"(@dylink.0 (mem-info (memory {memory}) (table {table})) {more}) {text}")


@pytest.fixture
def program() -> emscripten.Emscripten:
    return emscripten.load(module(MAIN))


def test_data_stack_and_heap_lie_behind_each_other() -> None:
    program = emscripten.load(module(MAIN), stack_bytes=1000)
    low = -(-(1024 + 100) // 16) * 16
    high = low + 1008
    assert program.exports.stack() == (high, low, high, high)
    assert program.memory.read(1024, 4) == b"main"
    assert program.call(1) == 7


def test_a_library_calls_the_program_and_is_called(program: emscripten.Emscripten) -> None:
    library = program.link(
        side(
            f"""{HEAD} (import "env" "seven" (func $seven (result i32)))
            (func (export "double") (result i32) (i32.mul (call $seven) (i32.const 2)))"""
        )
    )
    assert library.exports.double() == 14


def test_data_of_a_library_is_aligned_and_all_zeros_before(program: emscripten.Emscripten) -> None:
    program.exports.malloc(3)
    before = len(program.table)
    library = program.link(
        side(
            f"""{HEAD} (data (global.get $data) "side")
            (elem (global.get $elements) $f $f) (func $f (result i32) (i32.const 8))
            (global (export "there") i32 (i32.const 4))""",
            memory="300 5",
            table="2 0",
        )
    )
    assert library.memory_base % 32 == 0
    assert program.memory.read(library.memory_base, 300) == b"side" + bytes(296)
    assert library.table_base == before
    assert len(program.table) == before + 2
    assert program.exports.call(library.table_base + 1) == 8
    assert library.address_of("there") == library.memory_base + 4
    with pytest.raises(KeyError):
        library.address_of("nothing")


def test_a_library_without_elements_needs_no_table() -> None:
    """A program that takes no address of a function has no table."""
    text = f"""(@dylink.0 (mem-info (memory 0 0) (table 0 0)))
        (import "env" "memory" (memory 2 100)) {MALLOC}
        (func (export "seven") (result i32) (i32.const 7))"""
    library = emscripten.load(module(text)).link(
        side(
            """(import "env" "memory" (memory 1 100))
            (import "env" "seven" (func $seven (result i32)))
            (func (export "double") (result i32) (i32.mul (call $seven) (i32.const 2)))"""
        )
    )
    assert library.exports.double() == 14


GOT = f"""{HEAD}
  (import "GOT.mem" "variable" (global $variable (mut i32)))
  (import "GOT.func" "seven" (global $seven (mut i32)))
  (import "GOT.func" "own" (global $own (mut i32)))
  (import "GOT.mem" "mine" (global $mine (mut i32)))
  (func (export "own") (result i32) (i32.const 9))
  (global (export "mine") i32 (i32.const 2))
  (func (export "all") (result i32 i32 i32 i32)
    (global.get $variable) (global.get $seven) (global.get $own) (global.get $mine))"""


def test_addresses_of_symbols_are_set(program: emscripten.Emscripten) -> None:
    library = program.link(side(GOT))
    variable, seven, own, mine = library.exports.all()
    assert variable == 1024 + 40
    assert seven == 1  # the function is in the table, because of the program's element
    assert program.exports.call(own) == 9
    assert mine == library.memory_base + 2


def test_a_function_has_one_address(program: emscripten.Emscripten) -> None:
    text = f"""{HEAD} (import "GOT.func" "malloc" (global $f (mut i32)))
      (func (export "f") (result i32) (global.get $f))"""
    first, second = program.link(side(text)), program.link(side(text))
    assert first.exports.f() == second.exports.f() > 1
    assert program.function_index(program.exports.malloc) == first.exports.f()


def test_a_function_of_the_host_has_an_address(program: emscripten.Emscripten) -> None:
    library = program.link(
        side(
            f"""{HEAD} (import "GOT.func" "emscripten_get_now_is_monotonic" (global $f (mut i32)))
            (func (export "f") (result i32) (global.get $f))"""
        )
    )
    assert program.exports.call(library.exports.f()) == 1


def test_relocations_come_before_constructors(program: emscripten.Emscripten) -> None:
    library = program.link(
        side(
            """(global $x (mut i32) (i32.const 0))
            (func (export "__wasm_call_ctors")
              (global.set $x (i32.add (global.get $x) (i32.const 1))))
            (func (export "__wasm_apply_data_relocs")
              (global.set $x (i32.mul (i32.add (global.get $x) (i32.const 1)) (i32.const 10))))
            (func (export "x") (result i32) (global.get $x))"""
        )
    )
    assert library.exports.x() == 11


def test_a_library_finds_functions_of_libraries_and_its_own(program: emscripten.Emscripten) -> None:
    program.link(side('(func (export "one") (result i32) (i32.const 1))'))
    library = program.link(
        side(
            """(import "env" "one" (func $one (result i32)))
            (import "env" "two" (func $two (result i32)))
            (func (export "two") (result i32) (i32.const 2))
            (func (export "three") (result i32) (i32.add (call $one) (call $two)))"""
        )
    )
    assert library.exports.three() == 3


def test_a_missing_symbol_is_a_link_error_that_names_it(program: emscripten.Emscripten) -> None:
    with pytest.raises(pywasm3.LinkError, match="missing_function"):
        program.link(side('(import "env" "missing_function" (func))'))
    with pytest.raises(pywasm3.LinkError, match="missing_variable"):
        program.link(side('(import "GOT.mem" "missing_variable" (global (mut i32)))'))


def test_a_weak_symbol_may_be_missing(program: emscripten.Emscripten) -> None:
    library = program.link(
        side(
            """(import "env" "weak" (func $weak (result i32)))
            (import "GOT.func" "weak" (global $address (mut i32)))
            (func (export "address") (result i32) (global.get $address))
            (func (export "call") (result i32) (call $weak))""",
            more='(import-info "env" "weak" 1) (import-info "GOT.func" "weak" 1)',
        )
    )
    assert library.exports.address() == 0
    with pytest.raises(pywasm3.Trap, match="weak"):
        library.exports.call()


def test_libraries_that_the_program_needs_are_linked_before_it_begins() -> None:
    """Their data is where the heap would begin, and the heap begins behind it."""
    main = MAIN.replace(
        '(import "env" "__stack_pointer"',
        '(import "env" "later" (func $later (result i32))) (import "env" "__stack_pointer"',
    )
    text = f'{main} (func (export "use") (result i32) (call $later))'
    library = side(
        f"""{HEAD} (import "env" "seven" (func $seven (result i32)))
        (func (export "later") (result i32) (i32.add (call $seven) (i32.const 1)))""",
        memory=f"{3 * PAGE} 4",
    )
    program = emscripten.load(module(text), libraries=[library])
    assert program.exports.use() == 8
    _, _, high, heap = program.exports.stack()
    assert heap >= high + 3 * PAGE
    assert len(program.memory) >= heap


def test_tags_are_shared(program: emscripten.Emscripten) -> None:
    thrower = program.link(
        side(
            """(import "env" "__cpp_exception" (tag $tag (param i32)))
            (func (export "throw") (throw $tag (i32.const 5)))"""
        )
    )
    catcher = program.link(
        side(
            """(import "env" "__cpp_exception" (tag $tag (param i32)))
            (import "env" "throw" (func $throw))
            (func (export "catch") (result i32)
              (block $caught (result i32)
                (try_table (catch $tag $caught) (call $throw)) (i32.const 0)))"""
        )
    )
    assert catcher.exports.catch() == 5
    with pytest.raises(pywasm3.WasmException):
        thrower.exports.throw()


# ---- wrong modules ----


def test_a_module_that_is_not_made_for_it_is_refused(program: emscripten.Emscripten) -> None:
    with pytest.raises(pywasm3.LinkError, match="SIDE_MODULE"):
        program.link(module(""))
    other = emscripten.load(
        module(
            f"""(memory (export "memory") 1) {MALLOC}
            (table (export "__indirect_function_table") 1 funcref)"""
        )
    )
    with pytest.raises(pywasm3.LinkError, match="__stack_pointer"):
        other.link(side('(import "env" "__stack_pointer" (global (mut i32)))'))


def custom(data: bytes) -> bytes:
    name = leb(8) + b"dylink.0"
    section = name + data
    return wat("(module)") + b"\0" + leb(len(section)) + section


@pytest.mark.parametrize(
    "data",
    [
        b"\1",
        b"\1\4\0\0",
        b"\1\2\0\0",
        b"\1\5\xff\xff\xff\xff\xff",
        b"\1\x04\0\x11\0\0",  # an alignment of 128 KiB
        b"\2\6\xff\xff\xff\xff\x0f\1",
        b"\2\3\1\1\xff",
        b"\4\5\xff\xff\xff\xff\x0f",
    ],
)
def test_a_wrong_section_is_refused(program: emscripten.Emscripten, data: bytes) -> None:
    with pytest.raises(pywasm3.MalformedError, match=r"dylink\.0"):
        program.link(custom(data))


def test_unknown_parts_of_the_section_are_skipped(program: emscripten.Emscripten) -> None:
    program.link(custom(b"\x07\2ab\5\1\0"))


def test_more_memory_and_elements_than_there_are_is_an_error(
    program: emscripten.Emscripten,
) -> None:
    with pytest.raises((MemoryError, pywasm3.WasmError)):
        program.link(side("", memory="4294967295 0"))
    with pytest.raises(pywasm3.WasmError):
        program.link(side("", table="4294967295 0"))
    main = module(MAIN.replace("(memory 100 2)", "(memory 4294967295 2)"))
    with pytest.raises(pywasm3.LinkError, match="4 GiB"):
        emscripten.load(main)
