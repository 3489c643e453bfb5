# SPDX-License-Identifier: MIT
"""Modules that are very large in one respect are compiled and give the right results.

tests/large.py makes them and knows the answers; small ones are compared with wasmtime.
benchmarks/compile.py times them. Code that moves a thousand values with each instruction is
refused, because it would grow a thousandfold when it is compiled. Compilers do not emit such code.
"""

from __future__ import annotations

import itertools

import pytest

import pywasm3
from helpers import Oracle, load, wat
from large import CASES, Case, call, calls_of_a_thousand_values, ring_of_calls

FITTING = [case for case in CASES if case.answer is not None]
REFUSED = [case for case in CASES if case.answer is None]


def name(case: Case) -> str:
    return case.name.replace(" ", "-")


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_small_module_computes_what_wasmtime_computes(case: Case) -> None:
    data = case.build(40)
    assert pywasm3.load(data).exports.f(1) == Oracle(data).call("f", 1)


@pytest.mark.parametrize("case", FITTING, ids=name)
def test_a_large_module_computes_what_it_should(case: Case) -> None:
    assert pywasm3.load(case.build(case.size)).exports.f(1) == case.answer


@pytest.mark.parametrize("case", REFUSED, ids=name)
def test_code_that_would_grow_a_thousandfold_is_refused(case: Case) -> None:
    function = pywasm3.load(case.build(case.size)).exports.f
    for _ in range(2):
        with pytest.raises(pywasm3.UnsupportedError, match="too many values"):
            function(1)


def test_a_refused_function_leaves_the_others_of_its_module_usable() -> None:
    calls = "call $same " * 10_000
    values = "i64.const 1 " * 400
    types = "i64 " * 400
    exports = load(
        f"""(module (type $many (func (param {types}) (result {types})))
        (func $same (type $many) {"".join(f"local.get {i} " for i in range(400))})
        (func (export "bad") {values} {calls} {"drop " * 400})
        (func (export "good") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))"""
    ).exports
    with pytest.raises(pywasm3.UnsupportedError):
        exports.bad()
    assert exports.good(41) == 42


def test_operands_that_are_locals_keep_their_values_deep_down_on_the_stack() -> None:
    """The locals that are set are operands near the top, far down, and below blocks."""
    sets = "".join(f"(local.set {i} (i32.const {1000 + i}))" for i in range(100))
    gets = "".join(f"local.get {i} " for i in range(100))
    ones = "".join(f"(local.set {i} (i32.const {i + 1}))" for i in range(100))
    mix = "i32.const 31 i32.mul i32.add " * 199
    data = wat(
        f"""(module (func (export "f") (result i32) (local {"i32 " * 100})
        {ones} {gets} block {gets} {sets} {"drop " * 100} end {gets} {sets} {mix}))"""
    )
    assert pywasm3.load(data).exports.f() == Oracle(data).call("f")


@pytest.mark.parametrize("arm", ["(then)", "(then) (else)", "(then (local.set 0 (i32.const 3)))"])
def test_the_condition_of_an_if_may_be_a_local_that_is_an_operand_too(arm: str) -> None:
    data = wat(
        f"""(module (func (export "f") (param i32) (result i32 i32)
        local.get 0 local.get 0 (if {arm}) local.get 0))"""
    )
    for argument in (0, 1):
        assert pywasm3.load(data).exports.f(argument) == Oracle(data).call("f", argument)


def test_a_call_chain_of_few_values_is_not_refused() -> None:
    """No output of a compiler is likely to need more moves for each byte than this chain."""
    types = "i32 " * 8
    data = wat(
        f"""(module (func $same (param {types}) (result {types})
          {"".join(f"local.get {i} " for i in range(8))})
        (func (export "f") (result i32) {"i32.const 1 " * 8} {"call $same " * 50_000}
          {"i32.add " * 7}))"""
    )
    assert pywasm3.load(data).exports.f() == 8


def test_globals_that_are_imported_are_those_of_their_names() -> None:
    """Globals are counted apart from other imports, in whatever order the imports stand."""
    text = """(module
        (import "m" "a" (global $a i32)) (import "m" "t" (table $t 1 funcref))
        (import "m" "b" (global $b i32)) (import "m" "c" (global $c i32))
        (global $d i32 (global.get $b))
        (func (export "f") (result i32)
          global.get $a (i32.const 10) i32.mul global.get $b i32.add (i32.const 10) i32.mul
          global.get $c i32.add (i32.const 10) i32.mul global.get $d i32.add))"""
    store = pywasm3.Store()
    table = load('(module (table (export "t") 1 funcref))', store=store).exports.t
    instance = load(text, {"m": {"a": 1, "b": 2, "c": 3, "t": table}}, store=store)
    assert instance.exports.f() == 1232


def test_refused_calls_are_refused_in_every_instance_alike() -> None:
    module = pywasm3.Module(calls_of_a_thousand_values(10_000))
    for _ in range(2):
        with pytest.raises(pywasm3.UnsupportedError):
            pywasm3.Instance(module).exports.f(1)


def test_a_stack_overflow_through_20_000_functions_names_those_that_called() -> None:
    """The innermost and the outermost frames are kept, each at its call of the next inner one."""
    data = ring_of_calls(20_000)
    function = pywasm3.load(data).exports.f
    for _ in range(2):
        with pytest.raises(pywasm3.StackExhausted) as caught:
            function(1)
    frames = caught.value.frames
    half = len(frames) // 2
    assert caught.value.omitted > 10_000
    assert [frame.function for frame in frames[half:]] == list(range(half - 1, -1, -1))
    for pair in (*itertools.pairwise(frames[:half]), *itertools.pairwise(frames[half:])):
        inner, outer = pair
        assert outer.offset is not None
        assert data[outer.offset :].startswith(call(inner.function))
