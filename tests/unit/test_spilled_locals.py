# SPDX-License-Identifier: MIT
"""Functions with more locals than a frame holds.

Local 4,000 and those after it are spilled locals: they live on a stack of their own. Results are
compared with wasmtime's or follow from the text.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, SLOTS, TYPES, Oracle, load, wat

MOST = 50_000  # the parameters are among them


def check(text: str, *arguments: Any) -> Any:
    """Calls the export f, asserts that wasmtime gives the same result, and returns it."""
    data = wat(text)
    result = pywasm3.load(data).exports.f(*arguments)
    assert result == Oracle(data).call("f", *arguments)
    return result


@pytest.mark.parametrize("type_", TYPES)
def test_spilled_locals_begin_as_zero_and_keep_what_they_are_given(type_: str) -> None:
    """The locals lie on both sides of the border, and at the end."""
    indices = [1, SLOTS - 1, SLOTS, SLOTS + 1, MOST - 1]
    sets = " ".join(
        f"(local.set {i} ({type_}.add (local.get 0) (local.get {i})))"
        f"(local.set {i} ({type_}.mul (local.get {i}) ({type_}.const {i % 7 + 1})))"
        for i in indices
    )
    total = f"({type_}.const 0)" + "".join(f"(local.get {i}) {type_}.add " for i in indices)
    text = f"""(module (func (export "f") (param {type_}) (result {type_})
        (local {f"{type_} " * (MOST - 1)}) {sets} {total}))"""
    function = load(text).exports.f
    expected = 3 * sum(i % 7 + 1 for i in indices)
    assert function(3) == expected
    assert function(3) == expected


def test_spilled_locals_of_all_types_are_apart() -> None:
    locals_ = " ".join(f"(local {TYPES[i % 4]})" for i in range(SLOTS + 400))
    sets = " ".join(
        f"(local.set {i} ({TYPES[i % 4]}.const {i}))" for i in range(SLOTS - 8, SLOTS + 400)
    )
    sums = " ".join(
        f"(local.get {SLOTS + i}) {cast} f64.add"
        for i, cast in enumerate(
            ["f64.convert_i32_s", "f64.convert_i64_s", "f64.promote_f32", ""] * 100
        )
    )
    text = f"""(module (func (export "f") (result f64) {locals_} {sets} (f64.const 0) {sums}))"""
    assert check(text) == sum(range(SLOTS, SLOTS + 400))


def test_parameters_are_slot_locals_and_count_as_locals() -> None:
    params = "i32 " * 900
    text = f"""(module
        (func $f (param {params}) (result i32) (local {"i32 " * (SLOTS - 900)} i32)
          (local.set {SLOTS} (local.get 899))
          (i32.add (local.get {SLOTS}) (local.get {SLOTS - 1})))
        (func (export "f") (result i32)
          (call $f {" ".join(f"(i32.const {i})" for i in range(900))})))"""
    assert check(text) == 899


def test_an_operand_keeps_its_value_when_the_spilled_local_is_set() -> None:
    text = f"""(module (func (export "f") (param i32) (result i32 i32 i32)
        (local {"i32 " * SLOTS})
        (local.set {SLOTS} (local.get 0))
        (local.get {SLOTS})
        (local.tee {SLOTS} (i32.add (local.get {SLOTS}) (i32.const 1)))
        (local.set {SLOTS} (i32.const 100))
        (local.get {SLOTS})))"""
    assert check(text, 7) == (7, 8, 100)


@pytest.mark.parametrize("type_", TYPES)
def test_tee_takes_from_a_register_and_leaves_the_value(type_: str) -> None:
    text = f"""(module (func (export "f") (param {type_}) (result {type_} {type_})
        (local {f"{type_} " * SLOTS})
        ({type_}.mul (local.tee {SLOTS} ({type_}.add (local.get 0) (local.get 0))) (local.get 0))
        (local.get {SLOTS})))"""
    assert check(text, 3.0 if type_[0] == "f" else 3) == (18, 6)


RECURSIVE = f"""(module
  (func $f (export "f") (param $n i32) (result i64) (local {"i64 " * (MOST - 1)})
    (local.set {MOST - 1} (i64.extend_i32_s (local.get $n)))
    (if (local.get $n)
      (then (local.set {SLOTS} (call $f (i32.sub (local.get $n) (i32.const 1))))))
    (i64.add (local.get {SLOTS}) (local.get {MOST - 1}))))"""


def test_each_call_has_spilled_locals_of_its_own() -> None:
    assert load(RECURSIVE).exports.f(30) == sum(range(31))


def test_spilled_locals_are_given_back_after_returns_and_traps() -> None:
    function = load(RECURSIVE, store=pywasm3.Store(stack=1 << 26)).exports.f
    for _ in range(3):
        with pytest.raises(pywasm3.StackExhausted) as caught:
            function(100)
        assert {frame.name for frame in caught.value.frames} == {"f"}
        assert all(function(20) == 210 for _ in range(20))


def test_spilled_locals_are_given_back_when_a_host_function_fails() -> None:
    text = f"""(module (import "env" "f" (func $host (param i32)))
        (func (export "f") (param i32) (result i32) (local {"i32 " * (MOST - 1)})
          (local.set {MOST - 1} (local.get 0)) (call $host (local.get 0))
          (local.get {MOST - 1})))"""

    def host(value: int) -> None:
        if value == 0:
            raise KeyError(value)
        if value > 1:
            assert function(value - 1) == value - 1

    function = load(text, {"env": {"f": host}}).exports.f
    for _ in range(100):
        with pytest.raises(KeyError):
            function(0)
    assert function(10) == 10


def test_tail_calls_between_functions_with_spilled_locals_need_the_stack_of_one() -> None:
    body = f"""(param $n i32) (param $sum i64) (result i64) (local {"i32 " * 5 * SLOTS})
        (local.set {SLOTS} (i32.sub (local.get $n) (i32.const 1)))
        (if (i32.eqz (local.get $n)) (then (return (local.get $sum))))"""
    more = f"(local.get {SLOTS}) (i64.add (local.get $sum) (i64.extend_i32_u (local.get {SLOTS})))"
    text = f"""(module
        (type $t (func (param i32 i64) (result i64)))
        (table funcref (elem $small))
        (func $spilled (export "f") {body} (loop (return_call $again {more})) unreachable)
        (func $again {body} (return_call_indirect (type $t) {more} (i32.const 0)))
        (func $small (type $t) (return_call $spilled (local.get 0) (local.get 1))))"""
    count = 3000
    assert load(text).exports.f(count, 0) == sum(range(count))


@pytest.mark.parametrize("groups", ["one", "many"])
def test_compiling_50_000_locals_takes_milliseconds(groups: str) -> None:
    many = "".join(f"(local {TYPES[i % 4]})" for i in range(MOST))
    locals_ = many if groups == "many" else f"(local {'i32 ' * MOST})"
    module = pywasm3.Module(
        wat(f'(module (func (export "f") (result i32) {locals_} (i32.const 1)))')
    )
    times = []
    for _ in range(5):  # the quickest, since another process may have the processor meanwhile
        function = pywasm3.Instance(module).exports.f
        before = time.perf_counter()
        assert function() == 1
        times.append(time.perf_counter() - before)
    assert min(times) < (0.5 if SANITIZED else 0.05)


def test_the_frames_of_an_overflow_are_the_calls_and_an_entry_each_time() -> None:
    function = load(RECURSIVE, store=pywasm3.Store(stack=1 << 26)).exports.f
    texts = []
    for _ in range(2):
        with pytest.raises(pywasm3.StackExhausted) as caught:
            function(100)
        first, second = caught.value.frames[:2]
        assert (first.offset or 0) < (second.offset or 0)
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
