# SPDX-License-Identifier: MIT
"""C programs call setjmp and longjmp: by exceptions of WebAssembly, and by Emscripten's calls.

`make toolchains` installs the compiler and runs these tests. Each runs with all three ways to jump,
without and with optimization. The expected values follow from the C standard, and c/jumps.c.
"""

from __future__ import annotations

import functools

import pytest

import pywasm3
from zig_helpers import Program, Way, c_guest


@functools.cache
def compiled(way: Way, optimize: str) -> pywasm3.Module:
    return pywasm3.Module(c_guest("jumps.c", way, optimize))


@pytest.mark.parametrize("depth", [0, 1, 100])
def test_a_jump_leaves_frames_with_its_value(program: Program, depth: int) -> None:
    assert program.exports.jump(depth, 5) == 5
    assert program.exports.jump(depth, -7) == -7


def test_a_jump_with_the_value_0_arrives_with_1(program: Program) -> None:
    assert program.exports.jump(3, 0) == 1


def test_volatile_variables_keep_what_they_were_set_to(program: Program) -> None:
    """The jumps bring the numbers from 1 to 10, which are added up."""
    assert program.exports.count_to(10) == sum(range(11))


def test_a_target_is_set_in_a_loop(program: Program) -> None:
    """Of 10 rounds 5 return without a jump, and those with even numbers bring them."""
    assert program.exports.in_a_loop(10) == 5 * 1000 + sum(range(2, 11, 2))


def test_of_two_functions_the_one_with_the_target_goes_on(program: Program) -> None:
    assert program.exports.two_targets(0) == 105
    assert program.exports.two_targets(1) == 205


def test_of_two_targets_in_one_function_the_right_one_goes_on(program: Program) -> None:
    """The second target is jumped to with 3, 2 and 1. Both calls of setjmp have returned before."""
    assert program.exports.two_in_one(1) == 213
    assert program.exports.two_in_one(2) == 221


def test_a_jump_leaves_the_c_library(program: Program) -> None:
    assert program.exports.out_of_qsort(7) == 17
    assert program.exports.out_of_qsort(13) == -1
    assert program.exports.out_of_qsort(7) == 17


def test_a_jump_passes_a_host_function(program: Program) -> None:
    assert program.exports.around_the_host(4) == 4
    program.host = program.exports.jump_out
    assert program.exports.around_the_host(4) == 104


def test_an_exception_of_python_is_no_jump(program: Program) -> None:
    raised = KeyError("key")

    def host(_argument: int) -> None:
        raise raised

    program.host = host
    with pytest.raises(KeyError) as caught:
        program.exports.around_the_host(4)
    assert caught.value is raised
    assert program.exports.jump(3, 5) == 5


def test_a_jump_that_nobody_expects_arrives_as_an_exception(by_instructions: Program) -> None:
    with pytest.raises(pywasm3.WasmException) as caught:
        by_instructions.exports.jump_out(4)
    assert caught.value.tag == by_instructions.exports["__c_longjmp"]
    (arguments,) = caught.value.payload  # the address of two words: of a jmp_buf, and the value
    assert by_instructions.exports.memory.read_i32(arguments + 4) == 4
