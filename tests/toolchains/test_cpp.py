# SPDX-License-Identifier: MIT
"""C++ programs throw and catch: by try_table, by the legacy instructions, and by calls of the host.

The last way is Emscripten's older one. `make toolchains` installs the compiler and runs these
tests. Each runs with all ways that it is about, without and with optimization. The expected values
follow from the C++ standard. Some functions of cpp/throws.cpp return several digits, which
destructors and handlers have left in their order.
"""

from __future__ import annotations

import functools
from typing import Any

import pytest

import pywasm3
from zig_helpers import EMSCRIPTEN, Program, Way, cpp_guest


@functools.cache
def compiled(way: Way, optimize: str) -> pywasm3.Module:
    return pywasm3.Module(cpp_guest("throws.cpp", way, optimize))


@pytest.fixture
def by_calls(optimize: str) -> Program:
    return Program(compiled(EMSCRIPTEN, optimize), EMSCRIPTEN)


# --- within the guest


@pytest.mark.parametrize("depth", [0, 1, 5, 9])
def test_destructors_run_from_the_innermost_frame_outwards(program: Program, depth: int) -> None:
    digits = "".join(map(str, range(depth + 1)))
    assert program.exports.unwind(depth) == int(f"{digits}42")


def test_many_frames_are_unwound(by_instructions: Program) -> None:
    trace = 0
    for digit in range(10_001):
        trace = (trace * 10 + digit) % 2**64
    expected = (trace * 100 + 42) % 2**64
    assert by_instructions.exports.unwind(10_000) % 2**64 == expected


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        pytest.param(0, 101, id="the type of the handler"),
        pytest.param(1, 172, id="a derived type, whose base is not at its start"),
        pytest.param(2, 205, id="a number"),
        pytest.param(3, 500, id="another number, which is not converted"),
        pytest.param(4, 300 + ord("t"), id="a text"),
        pytest.param(5, 472, id="a pointer to a derived type"),
        pytest.param(6, 301, id="a null pointer, caught by the first handler for a pointer"),
        pytest.param(7, 500, id="a type whose base is private"),
        pytest.param(8, 0, id="nothing"),
    ],
)
def test_the_first_handler_that_fits_catches(program: Program, which: int, expected: int) -> None:
    assert program.exports.by_type(which) == expected


def test_a_handler_may_catch_and_throw(program: Program) -> None:
    """The inner guard, the 7 in the handler, its guard, the exception, the outer guard, the 8."""
    assert program.exports.nested() == 273918


@pytest.mark.parametrize("depth", [0, 1, 10])
def test_the_same_object_is_thrown_again(program: Program, depth: int) -> None:
    assert program.exports.passed_on(depth) == depth


def test_an_exception_is_kept_and_thrown_after_its_handler_has_ended(program: Program) -> None:
    assert program.exports.kept_and_thrown_again(5) == 5


@pytest.mark.parametrize(("bad", "expected"), [(0, 321), (1, 145), (2, 32145)])
def test_what_a_constructor_has_made_is_destroyed(
    program: Program, bad: int, expected: int
) -> None:
    """1 and 2 are the members, 3 is in the body, 4 is the handler there, and 5 the caller's."""
    assert program.exports.half_made(bad) == expected


def test_exceptions_on_their_way_are_counted(program: Program) -> None:
    """There is 1 in the destructor, as in the handler there (6 - 5), and none in the last one."""
    assert program.exports.on_their_way() == 160


def test_the_library_throws(program: Program) -> None:
    assert program.exports.of_the_library(2) == 4
    assert program.exports.of_the_library(3) == sum(b"vector")


def test_memory_that_is_refused_is_an_exception(program: Program) -> None:
    assert program.exports.out_of_memory(100) == 0
    assert program.exports.out_of_memory(2**32 - 100) == 1


def test_a_loop_is_continued_and_left_from_handlers(program: Program) -> None:
    """Of 3 numbers the first is thrown, up to 51; the second is skipped; the third counts 1."""
    assert program.exports.in_a_loop(100) == sum(range(0, 52, 3)) + len(range(2, 51, 3))


@pytest.mark.parametrize("name", ["terminate", "throws_in_destructor"])
def test_an_exception_where_none_may_be_terminates(by_instructions: Program, name: str) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        by_instructions.exports[name]()
    assert caught.value.kind is pywasm3.TrapKind.UNREACHABLE
    assert by_instructions.instance.wasi.stderr == b"libc++abi: terminating\n"


# --- across the border


def test_an_uncaught_exception_arrives_with_its_tag(by_instructions: Program) -> None:
    with pytest.raises(pywasm3.WasmException) as caught:
        by_instructions.exports.uncaught(3)
    assert caught.value.tag == by_instructions.exports["__cpp_exception"]
    (address,) = caught.value.payload
    thrown = address + 32  # The number lies behind a header, whose size the library fixes.
    assert by_instructions.exports.memory.read_i32(thrown) == 42
    assert by_instructions.exports.last_trace() == 123  # the destructors have run
    assert by_instructions.exports.unwind(1) == 142


def test_an_exception_passes_a_host_function(program: Program) -> None:
    """The trace: five frames of the inner call, the guard, the handler; and the number 42."""
    program.host = program.exports.uncaught
    assert program.exports.around_the_host(4) == int("012341242")
    assert program.exports.catch_everything(4) == int("0123412")


def test_an_exception_passes_many_host_functions(program: Program) -> None:
    """Each host function is called by a frame with a destructor to run."""

    def host(argument: int) -> Any:
        exports = program.exports
        return exports.with_a_guard(argument) if argument > 0 else exports.uncaught(0)

    program.host = host
    assert program.exports.around_the_host(6) == int("01234561242")


def test_a_host_function_ends_an_exception(program: Program) -> None:
    def host(argument: int) -> int:
        with pytest.raises(program.uncaught):
            program.exports.uncaught(argument)
        return 3

    program.host = host
    assert program.exports.around_the_host(4) == int("0123431")


def test_a_host_function_raises_an_exception_of_the_guest(by_instructions: Program) -> None:
    """An exception that Python has caught is thrown anew, with the same tag and the same value."""

    def host(argument: int) -> None:
        try:
            by_instructions.exports.uncaught(argument)
        except pywasm3.WasmException as error:
            thrown = error
        raise thrown.tag(*thrown.payload)

    by_instructions.host = host
    assert by_instructions.exports.around_the_host(4) == int("012341242")
    assert by_instructions.exports.catch_everything(4) == int("0123412")


@pytest.mark.parametrize("name", ["around_the_host", "catch_everything"])
def test_an_exception_of_python_runs_destructors_and_no_handler(
    by_instructions: Program, name: str
) -> None:
    """A handler for everything is one for the tag of C++, and so catches what C++ has thrown."""
    raised = KeyError("key")

    def host(_argument: int) -> None:
        raise raised

    by_instructions.host = host
    with pytest.raises(KeyError) as caught:
        by_instructions.exports[name](0)
    assert caught.value is raised
    assert by_instructions.exports.last_trace() == 1


def test_an_exception_of_python_terminates_where_none_may_pass(by_instructions: Program) -> None:
    def host(_argument: int) -> None:
        raise KeyError("key")

    by_instructions.host = host
    with pytest.raises(pywasm3.Trap):
        by_instructions.exports.no_exception_passes(0)
    assert by_instructions.instance.wasi.stderr == b"libc++abi: terminating\n"


@pytest.mark.parametrize("name", ["around_the_host", "catch_everything", "no_exception_passes"])
def test_a_keyboard_interrupt_runs_nothing_of_the_guest(program: Program, name: str) -> None:
    def host(_argument: int) -> None:
        raise KeyboardInterrupt

    program.host = host
    with pytest.raises(KeyboardInterrupt):
        program.exports[name](0)
    assert program.exports.last_trace() == 0


# --- Emscripten's older way


def test_the_host_of_emscripten_catches_for_the_guest(by_calls: Program) -> None:
    """Each of 10 frames calls the next by the host, and the host frees the object at the end."""
    assert any(item.name.startswith("invoke_") for item in by_calls.instance.module.imports)
    stack = by_calls.exports["__stack_pointer"].value
    assert by_calls.exports.unwind(9) == 12345678942
    size = len(by_calls.instance.memory)
    for _ in range(5000):  # each object takes at least 32 bytes of a page
        by_calls.exports.unwind(0)
    assert len(by_calls.instance.memory) == size
    assert by_calls.exports["__stack_pointer"].value == stack


def test_the_host_of_emscripten_passes_an_exception_of_python_on(by_calls: Program) -> None:
    """It is none of C++, and ends the frames without their destructors."""
    raised = KeyError("key")

    def host(_argument: int) -> None:
        raise raised

    by_calls.host = host
    with pytest.raises(KeyError) as caught:
        by_calls.exports.catch_everything(0)
    assert caught.value is raised
    assert by_calls.exports.last_trace() == 0
