# SPDX-License-Identifier: MIT
"""Vectors go through locals, blocks, branches and calls of every kind.

A vector takes two cells of a frame. The functions here move vectors between numbers of one cell, so
the expected values are those that the test put in, in the places that the code says.
"""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, SLOTS, load, on_thread

A, B, C, D = (bytes(range(start, start + 16)) for start in (0, 50, 100, 150))
MOST = 50_000  # locals of a function; the parameters are among them


def vector(low: int, high: int = 0) -> bytes:
    return struct.pack("<qq", low, high)


def load_f(text: str, imports: Any = None) -> pywasm3.Function:
    """Returns the export f of a module with this text."""
    function = load(f"(module {text})", imports).exports.f
    assert isinstance(function, pywasm3.Function)
    return function


# ---- locals ----

TYPES = ("i32", "v128", "i64", "v128", "f32", "f64", "v128")
VALUE = {"i32": 7, "i64": -8, "f32": 0.5, "f64": -0.25, "v128": A}


def test_locals_of_all_types_begin_as_zero_and_are_apart() -> None:
    """Each local is set, in an order that is not theirs, after each was seen to be zero."""
    count = 3 * len(TYPES)
    types = [TYPES[i % len(TYPES)] for i in range(count)]
    order = sorted(range(count), key=lambda i: i * 11 % count)
    sets = " ".join(f"(local.set {count + i} (local.get {i}))" for i in order)
    gets = " ".join(f"(local.get {count + i})" for i in range(count))
    function = load_f(
        f"""(func (export "f") (param {" ".join(types)}) (result {" ".join(types * 2)})
          (local {" ".join(types)}) {gets} {sets} {gets})"""
    )
    zeros = [bytes(16) if type_ == "v128" else 0 for type_ in types]
    given = [bytes([i] * 16) if type_ == "v128" else i for i, type_ in enumerate(types)]
    for _ in range(2):
        assert function(*given) == (*zeros, *given)


@pytest.mark.parametrize("shift", range(4))
def test_spilled_vectors_begin_as_zero_and_keep_what_they_are_given(shift: int) -> None:
    """The locals lie on both sides of the border, and at the end."""
    before = " ".join(["i32"] * shift)
    half = SLOTS // 2
    indices = [5, *range(half - 2, half + 2), SLOTS - 1, SLOTS, SLOTS + 1, MOST - 1]
    sets = " ".join(
        f"(local.set {i} (i64x2.add (local.get {i}) (v128.const i64x2 {i} 1)))" for i in indices
    )
    adds = " ".join(f"(local.get {i}) i64x2.add" for i in indices)
    function = load_f(
        f"""(func (export "f") (param v128) (result v128)
          (local {before} {"v128 " * (MOST - 1 - shift)})
          {sets} {sets} (local.get 0) {adds})"""
    )
    for _ in range(2):
        assert function(vector(5, 6)) == vector(5 + 2 * sum(indices), 6 + 2 * len(indices))


def test_spilled_locals_of_mixed_types_are_apart() -> None:
    count = SLOTS + 700
    types = ["i64", *(TYPES[i % len(TYPES)] for i in range(1, count))]
    numbered = list(enumerate(types))[1:]
    give = {
        "i32": "(i32.const {})",
        "i64": "(i64.const {})",
        "f32": "(f32.const {})",
        "f64": "(f64.const {})",
        "v128": "(v128.const i64x2 {} 3)",
    }
    take = {
        "i32": "(i64.extend_i32_s {})",
        "i64": "{}",
        "f32": "(i64.trunc_f32_s {})",
        "f64": "(i64.trunc_f64_s {})",
        "v128": "(i64.mul (i64x2.extract_lane 0 {0}) (i64x2.extract_lane 1 {0}))",
    }
    sets = " ".join(f"(local.set {i} {give[type_].format(i)})" for i, type_ in numbered)
    sums = " ".join(f"{take[type_].format(f'(local.get {i})')} i64.add" for i, type_ in numbered)
    function = load_f(
        f"""(func (export "f") (param i64) (result i64) (local {" ".join(types[1:])})
          {sets} (local.get 0) {sums})"""
    )
    assert function(1) == 1 + sum(i * (3 if type_ == "v128" else 1) for i, type_ in numbered)


def test_spilled_vectors_can_be_set_by_tee_and_given_to_calls() -> None:
    function = load_f(
        f"""(func $sub (param v128 v128) (result v128) (i64x2.sub (local.get 0) (local.get 1)))
        (func (export "f") (param v128 i64 v128) (result v128 i64 v128) (local {"v128 " * SLOTS})
          (call $sub (local.tee {SLOTS} (local.get 2)) (local.tee {SLOTS + 1} (local.get 0)))
          (local.get 1) (i64x2.add (local.get {SLOTS}) (local.get {SLOTS + 1})))"""
    )
    assert function(vector(1, 2), 7, vector(10, 20)) == (vector(9, 18), 7, vector(11, 22))


# ---- many values ----


@pytest.mark.parametrize("place", [0, 1, 500, 998])
def test_a_function_may_have_999_vectors_as_parameters(place: int) -> None:
    params = "v128 " * 999
    gets = " ".join(f"(local.get {i})" for i in range(999))
    function = load_f(
        f"""(func $g (param {params}) (result v128) (local.get {place}))
        (func (export "f") (param {params}) (result v128) {gets} call $g)"""
    )
    assert function(*[vector(i, -i) for i in range(999)]) == vector(place, -place)


def test_a_function_may_have_1000_vectors_as_results() -> None:
    constants = " ".join(f"(v128.const i64x2 {i} -1)" for i in range(1000))
    function = load_f(
        f"""(func $g (result {"v128 " * 1000}) {constants})
        (func (export "f") (result {"v128 " * 1000}) call $g)"""
    )
    assert function() == tuple([vector(i, -1) for i in range(1000)])


def test_1000_vectors_go_through_host_functions_and_between_instances() -> None:
    params = "v128 " * 500
    gets = " ".join(f"(local.get {i})" for i in reversed(range(500)))
    inner = load_f(f'(func (export "f") (param {params}) (result {params}) {gets})')
    text = f"""(import "env" "g" (func $g (param {params}) (result {params})))
      (func (export "f") (param {params}) (result {params}) {gets} call $g)"""
    vectors = tuple([vector(i, i * i) for i in range(500)])
    assert load_f(text, {"env": {"g": inner}})(*vectors) == vectors
    assert load_f(text, {"env": {"g": lambda *given: given[::-1]}})(*vectors) == vectors


@pytest.mark.parametrize("operands", [1000, 4000, 5600, 6100, 6300, 7600, 8000, 9000])
@pytest.mark.parametrize("locals_", [0, 1490, 4000])
def test_operands_that_do_not_fit_a_frame_are_an_error(operands: int, locals_: int) -> None:
    """The largest frame is bounded by its values and by its slots, of which a vector takes four."""
    pushes = " ".join(f"(i64x2.splat (i64.const {i}))" for i in range(operands))
    function = load_f(
        f"""(type $t (func (param {"v128 " * 500}) (result {"v128 " * 500})))
        (func $g (type $t) {" ".join(f"(local.get {i})" for i in reversed(range(500)))})
        (func (export "f") (param v128) (result v128) (local {"v128 " * locals_})
          {pushes} call $g {"i64x2.add " * (operands - 1)}
          {f"(i64x2.add (local.get {locals_}))" if locals_ else ""})"""
    )
    if operands + min(locals_, 1500) > 7650:
        with pytest.raises(
            pywasm3.UnsupportedError, match="13312 values at a time, where a v128 is"
        ):
            function(A)
    else:
        assert function(A) == vector(*[operands * (operands - 1) // 2] * 2)


# ---- blocks and branches ----


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_a_loop_permutes_its_parameters(order: tuple[int, int, int]) -> None:
    """The moves of a branch may form cycles, between values of one cell and of two."""
    types = ("v128", "v128", "v128")
    gets = " ".join(f"(local.get {3 + i})" for i in order)
    function = load_f(
        f"""(type $t (func (param {" ".join(types)}) (result {" ".join(types)})))
        (func (export "f") (param v128 v128 v128) (result v128 v128 v128)
          (local v128 v128 v128 i32)
          (local.get 0) (local.get 1) (local.get 2)
          (loop $again (type $t)
            (local.set 5) (local.set 4) (local.set 3) {gets}
            (br_if $again (i32.lt_u (local.tee 6 (i32.add (local.get 6) (i32.const 1)))
              (i32.const 3)))))"""
    )
    expected = (A, B, C)
    for _ in range(3):
        expected = (expected[order[0]], expected[order[1]], expected[order[2]])
    assert function(A, B, C) == expected


def test_a_loop_turns_vectors_among_numbers() -> None:
    """Each iteration swaps the vectors and the numbers that stand between them."""
    function = load_f(
        """(func (export "f") (param i32 v128 i64 v128 i64) (result v128 i64 v128 i64)
          (local $v v128) (local $n i64)
          (local.get 1) (local.get 2) (local.get 3) (local.get 4)
          (loop $again (param v128 i64 v128 i64) (result v128 i64 v128 i64)
            (local.set 4) (local.set 3) (local.set 2) (local.set 1)
            (local.get 3) (local.get 4) (local.get 1) (local.get 2)
            (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))"""
    )
    assert function(1, A, 7, B, 8) == (B, 8, A, 7)
    assert function(2, A, 7, B, 8) == (A, 7, B, 8)


def test_if_takes_and_gives_vectors() -> None:
    function = load_f(
        """(func (export "f") (param v128 i32 v128) (result i32 v128)
          (local.get 0) (local.get 1) (local.get 2) (local.get 1)
          (if (param v128 i32 v128) (result i32 v128)
            (then (local.set 2) (local.set 1) (local.set 0)
              (local.get 1) (i8x16.add (local.get 0) (local.get 2)))
            (else drop (local.set 1) (local.set 0) (i32.const 9) (local.get 0))))"""
    )
    assert function(A, 1, B) == (1, bytes([x + y for x, y in zip(A, B, strict=True)]))
    assert function(A, 0, B) == (9, A)


@pytest.mark.parametrize("target", range(5))
def test_br_table_takes_vectors_to_every_target(target: int) -> None:
    """The blocks lie above other operands, so that each target needs moves of its own."""
    function = load_f(
        """(func (export "f") (param i32 v128 i64 v128) (result v128 i64 v128 i32)
          (block $0 (result v128 i64 v128)
            (i32.const 5)
            (block $1 (result v128 i64 v128)
              (v128.const i64x2 5 5)
              (block $2 (result v128 i64 v128)
                (block $3 (result v128 i64 v128)
                  (local.get 1) (local.get 2) (i8x16.add (local.get 3) (v128.const i64x2 0 0))
                  (br_table $0 $1 $2 $3 (local.get 0)))
                (local.set 3) (local.set 2) (local.set 1)
                (local.get 3) (local.get 2) (local.get 1))
              (local.set 3) (local.set 2) (local.set 1) (drop)
              (local.get 1) (i64.add (local.get 2) (i64.const 100)) (local.get 3))
            (local.set 3) (local.set 2) (local.set 1) (drop)
            (local.get 1) (i64.add (local.get 2) (i64.const 1000)) (local.get 3))
          (local.get 0))"""
    )
    expected = {0: (A, 7, B), 1: (A, 1007, B), 2: (A, 1107, B)}
    assert function(target, A, 7, B) == (*expected.get(target, (B, 1107, A)), target)


@pytest.mark.parametrize("taken", [0, 1])
def test_a_branch_out_of_many_blocks_takes_a_vector_with_it(taken: int) -> None:
    function = load_f(
        """(func (export "f") (param i32 v128) (result v128)
          (block $out (result v128)
            (v128.const i64x2 1 1)
            (block (result v128)
              (i32.const 3) (v128.const i64x2 3 3)
              (br_if $out (i8x16.neg (local.get 1)) (local.get 0))
              drop drop drop (v128.const i64x2 2 2))
            drop drop (local.get 1)))"""
    )
    negative = bytes([-x & 0xFF for x in A])
    assert function(taken, A) == (negative if taken else A)


@pytest.mark.parametrize("form", ["select", "select (result v128)"])
@pytest.mark.parametrize("condition", ["(local.get 0)", "(i32.eqz (i32.eqz (local.get 0)))"])
def test_select_chooses_one_of_two_vectors(form: str, condition: str) -> None:
    """The condition is in a slot, or in the register."""
    function = load_f(
        f"""(func (export "f") (param i32 v128 v128) (result v128 v128 v128 v128)
          ({form} (local.get 1) (local.get 2) {condition})
          ({form} (i8x16.neg (local.get 1)) (local.get 2) {condition})
          ({form} (local.get 1) (i8x16.neg (local.get 2)) {condition})
          ({form} (i8x16.neg (local.get 1)) (i8x16.neg (local.get 2)) {condition}))"""
    )
    negative = [bytes([-x & 0xFF for x in value]) for value in (A, B)]
    assert function(1, A, B) == (A, negative[0], A, negative[0])
    assert function(0, A, B) == (B, B, negative[1], negative[1])


def test_a_vector_that_is_dropped_leaves_the_others() -> None:
    function = load_f(
        """(func (export "f") (param v128 v128) (result v128 i32 v128)
          (local.get 1) (i32.const 3) (local.get 0)
          (drop (i8x16.add (local.get 0) (local.get 1))) (drop (local.get 1)))"""
    )
    assert function(A, B) == (B, 3, A)


def test_code_joins_with_different_vectors_before_it() -> None:
    """What an operation leaves in the vector register counts only on the way that runs it."""
    function = load_f(
        """(func (export "f") (param $c i32) (param $a v128) (param $b v128) (result v128)
          (if (local.get $c)
            (then (local.set $a (i8x16.add (local.get $a) (local.get $b))))
            (else (local.set $b (i8x16.sub (local.get $b) (local.get $a)))))
          (i8x16.add (local.get $a) (local.get $b)))"""
    )
    assert function(1, A, B) == bytes([(x + 2 * y) & 0xFF for x, y in zip(A, B, strict=True)])
    assert function(0, A, B) == B


# ---- calls ----

CALLS = {
    "call": "(call $swap {})",
    "call_indirect": "(call_indirect (type $t) {} (i32.const 1))",
    "call_ref": "(call_ref $t {} (ref.func $swap))",
    "return_call": "(return_call $swap {})",
    "return_call_indirect": "(return_call_indirect (type $t) {} (i32.const 1))",
    "return_call_ref": "(return_call_ref $t {} (ref.func $swap))",
}


def calling(kind: str) -> str:
    arguments = "(local.get 0) (i8x16.neg (local.get 1)) (local.get 2) (local.get 3)"
    return f"""(type $t (func (param i64 v128 f32 v128) (result v128 f32 v128 i64)))
      {{swap}}
      (table 2 funcref) (elem (i32.const 1) $swap)
      (func (export "f") (type $t) {CALLS[kind].format(arguments)})"""


SWAP = """(func $swap (type $t) (local $v v128) (local.set $v (local.get 3))
  (local.get $v) (local.get 2) (local.get 1) (local.get 0))"""
IMPORTED = '(import "env" "swap" (func $swap (type $t)))'


@pytest.mark.parametrize("kind", CALLS)
def test_every_call_takes_and_gives_vectors(kind: str) -> None:
    negative = bytes([-x & 0xFF for x in A])
    expected = (B, 0.5, negative, 7)
    local = load_f(calling(kind).format(swap=SWAP))
    assert local(7, A, 0.5, B) == expected
    other = load(f"(module {calling('call').format(swap=SWAP)})").exports.f
    between = load_f(calling(kind).format(swap=IMPORTED), {"env": {"swap": other}})
    assert between(7, negative, 0.5, B) == (B, 0.5, negative, 7)
    host = load_f(
        calling(kind).format(swap=IMPORTED), {"env": {"swap": lambda n, a, x, b: (b, x, a, n)}}
    )
    assert host(7, A, 0.5, B) == expected


def test_a_function_that_takes_the_same_cells_is_of_another_type() -> None:
    function = load_f(
        """(type $two (func (param v128) (result i64))) (table 1 funcref) (elem (i32.const 0) $g)
        (func $g (param i64 i64) (result i64) (local.get 0))
        (func (export "f") (param v128) (result i64)
          (call_indirect (type $two) (local.get 0) (i32.const 0)))"""
    )
    with pytest.raises(pywasm3.Trap, match="indirect call"):
        function(A)


def test_tail_calls_turn_vectors_without_using_the_stack() -> None:
    """Arguments change places with parameters of another width."""
    count = 2000 if SANITIZED else 100_000
    function = load_f(
        """(func $g (param i64 v128 i32 v128) (result v128 v128)
          (if (i64.eqz (local.get 0)) (then (return (local.get 1) (local.get 3))))
          (return_call $h (local.get 3) (i64.sub (local.get 0) (i64.const 1)) (local.get 1)))
        (func $h (param v128 i64 v128) (result v128 v128)
          (return_call $g (local.get 1) (local.get 0) (i32.const 0) (local.get 2)))
        (func (export "f") (param i64 v128 v128) (result v128 v128)
          (return_call $g (local.get 0) (local.get 1) (i32.const 1) (local.get 2)))"""
    )
    assert function(count, A, B) == (A, B)
    assert function(count + 1, A, B) == (B, A)


# ---- deep recursion ----


@pytest.mark.parametrize("params", [1, 2, 15, 100])
@pytest.mark.parametrize("locals_", [0, 1, 200, 3000])
def test_endless_recursion_with_vectors_is_an_error(params: int, locals_: int) -> None:
    """It ends at the end of the value stack, or at that of the native stack of the thread."""
    types = "v128 " * params
    gets = " ".join(f"(local.get {i})" for i in range(params - 1))
    text = f"""(module (func $f (export "f") (param {types}) (result v128)
      (local {"v128 " * locals_})
      (i8x16.add (call $f {gets} (i8x16.add (local.get {params - 1}) (local.get {params - 1})))
        (local.get 0))))"""
    function = load(text).exports.f

    def endless() -> None:
        with pytest.raises(pywasm3.StackExhausted):
            function(*[A] * params)

    endless()
    on_thread(endless, stack=256 << 10)


@pytest.mark.parametrize("vectors", [1, 7, 100])
def test_recursion_keeps_the_vectors_of_every_frame(vectors: int) -> None:
    """Every call adds its own vectors after the inner calls have returned."""
    locals_ = " ".join(f"(local $v{i} v128)" for i in range(vectors))
    sets = " ".join(
        f"(local.set $v{i} (i64x2.add (local.get 1) (v128.const i64x2 {i} 1)))"
        for i in range(vectors)
    )
    adds = " ".join(f"(i64x2.add (local.get $v{i}))" for i in range(vectors))
    function = load_f(
        f"""(func $f (export "f") (param i64 v128) (result v128) {locals_} {sets}
          (if (result v128) (i64.eqz (local.get 0))
            (then (v128.const i64x2 0 0))
            (else (call $f (i64.sub (local.get 0) (i64.const 1))
              (i64x2.add (local.get 1) (v128.const i64x2 1 0))))) {adds})"""
    )
    depth = 50
    expected = sum(d + i for d in range(depth + 1) for i in range(vectors))
    assert function(depth, vector(0, 0)) == vector(expected, vectors * (depth + 1))


def test_a_host_function_in_deep_recursion_gets_its_vectors() -> None:
    seen: list[tuple[bytes, int]] = []

    def host(value: bytes, number: int) -> bytes:
        seen.append((value, number))
        return function(value[::-1], number - 1) if number else value

    function = load_f(
        """(import "env" "host" (func $host (param v128 i32) (result v128)))
        (func (export "f") (param v128 i32) (result v128)
          (i8x16.add (call $host (local.get 0) (local.get 1)) (local.get 0)))""",
        {"env": {"host": host}},
    )
    value = bytes([1] * 16)
    assert function(value, 30) == bytes([32] * 16)
    assert seen == [(value, number) for number in reversed(range(31))]
