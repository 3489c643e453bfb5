# SPDX-License-Identifier: MIT
"""Exceptions leave every kind of frame, and every kind of handler in every kind of place catches.

A module has one way to throw, and functions for each handler in each place. The expected numbers
are computed here, from what the code says.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import GC_STRESS, wat

# ---- how an exception is thrown ------------------------------------------------------------------

# Each is the rest of a module after the function $plain, and defines $thrower, of the same type:
# the result is 7 if the parameter is negative; otherwise an exception of the tag $e is thrown.
_THROWERS = {
    "direct": "(func $thrower (param i32) (result i32) (call $plain (local.get 0)))",
    "values below": """(func $thrower (param i32) (result i32)
        i64.const 1 f64.const 2 local.get 0 i32.const 3 local.get 0 call $plain
        local.set 0 drop drop drop drop local.get 0)""",
    "blocks": """(func $thrower (param i32) (result i32)
        (block (result i32) (if (result i32) (i32.const 1)
          (then (block (result i32) (call $plain (local.get 0)))) (else (i32.const 8)))))""",
    "loops": """(func $thrower (param i32) (result i32) (local $i i32) (local $r i32)
        (loop $a
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $a (i32.lt_s (local.get $i) (i32.const 5)))
          (loop $b
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $b (i32.lt_s (local.get $i) (i32.const 10)))
            (local.set $r (call $plain (local.get 0)))))
        (local.get $r))""",
    "frames": """(func $deep (param i32 i32) (result i32)
          (if (result i32) (local.get 1)
            (then (i32.add (i32.const 0)
              (call $deep (local.get 0) (i32.sub (local.get 1) (i32.const 1)))))
            (else (call $plain (local.get 0)))))
        (func $thrower (param i32) (result i32) (call $deep (local.get 0) (i32.const 200)))""",
    "call_indirect": """(table funcref (elem $plain)) (func $thrower (param i32) (result i32)
        (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))""",
    "call_ref": """(type $f (func (param i32) (result i32))) (elem declare func $plain)
        (func $thrower (param i32) (result i32) (call_ref $f (local.get 0) (ref.func $plain)))""",
    "return_call": "(func $thrower (param i32) (result i32) (return_call $plain (local.get 0)))",
    "return_call_indirect": """(table funcref (elem $plain))
        (func $thrower (param i32) (result i32)
          (return_call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))""",
    "return_call of many": """(func $many (param i32 i64 f64 v128 i32 i32 i32) (result i32)
          (call $plain (local.get 0)))
        (func $thrower (param i32) (result i32)
          (return_call $many (local.get 0) (i64.const 1) (f64.const 1) (v128.const i64x2 1 2)
            (i32.const 1) (i32.const 2) (i32.const 3)))""",
    "throw_ref": """(func $thrower (param i32) (result i32)
        (block $h (result exnref)
          (return (try_table (result i32) (catch_all_ref $h) (call $plain (local.get 0)))))
        throw_ref)""",
    "a global": """(global $g (mut exnref) (ref.null exn))
        (func $thrower (param i32) (result i32)
          (block $h (result i32 i64 f64 exnref)
            (return (try_table (result i32) (catch_ref $e $h) (call $plain (local.get 0)))))
          global.set $g drop drop drop (throw_ref (global.get $g)))""",
    "rethrow": """(func $thrower (param i32) (result i32)
        try (result i32) local.get 0 call $plain catch_all rethrow 0 end)""",
    "rethrow of the outer": """(func $thrower (param i32) (result i32)
        try (result i32) local.get 0 call $plain
        catch $e drop drop drop
          try (result i32) throw $other catch $other rethrow 1 end
        end)""",
    "delegate": """(func $thrower (param i32) (result i32)
        try (result i32)
          try (result i32) local.get 0 call $plain delegate 1
        catch_all i32.const 9 end)""",
    "other clauses": """(func $thrower (param i32) (result i32)
        (block $h
          (return (try_table (result i32) (catch $other $h)
            try (result i32) local.get 0 call $plain catch $other i32.const 1 end)))
        (i32.const 2))""",
    "another instance": """(import "a" "thrower" (func $thrower (param i32) (result i32)))""",
    "a host function": """(import "host" "call" (func $call (param i32) (result i32)))
        (func $thrower (param i32) (result i32) (call $call (local.get 0)))""",
}
_TAGS = """(tag $e (import "a" "e") (param i32 i64 f64)) (tag $other (import "a" "other"))"""
_PLAIN = """(func $plain (param i32) (result i32)
    (if (i32.lt_s (local.get 0) (i32.const 0)) (then (return (i32.const 7))))
    (throw $e (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1))
      (i64.mul (i64.extend_i32_s (local.get 0)) (i64.const 5))
      (f64.div (f64.convert_i32_s (local.get 0)) (f64.const 2))))"""
_EXPORTING = f"""(module (tag $e (export "e") (param i32 i64 f64)) (tag (export "other"))
    {_PLAIN} (export "thrower" (func $plain)))"""


def _carried(x: int) -> int:
    """Returns the sum of the values that an exception for `x` carries."""
    return (3 * x + 1) + 5 * x + int(x / 2)


# ---- how it is caught ----------------------------------------------------------------------------

_SUM = """(func $sum (param i32 i64 f64) (result i32)
    (i32.add (local.get 0)
      (i32.add (i32.wrap_i64 (local.get 1)) (i32.trunc_f64_s (local.get 2)))))"""
_CALL = "(call $thrower (local.get $x))"


def _by(clause: str, caught: str, types: str) -> str:
    """Returns code for a try_table with one clause, whose label has these types."""
    return f"""(block $out (result i32)
      (block $h {types}
        (br $out (try_table (result i32) ({clause} $h) {_CALL})))
      {caught})"""


# Each is code that leaves a number, and says what the number is if there was an exception for x.
# Without an exception it is 7.
_HANDLERS: dict[str, tuple[str, Callable[[int], int]]] = {
    "catch": (_by("catch $e", "call $sum", "(result i32 i64 f64)"), _carried),
    "catch_ref": (
        _by(
            "catch_ref $e",
            "ref.is_null local.set $n call $sum local.get $n i32.add",
            "(result i32 i64 f64 exnref)",
        ),
        _carried,
    ),
    "catch_all": (_by("catch_all", "i32.const 5", ""), lambda x: 5),
    "catch_all_ref": (
        _by("catch_all_ref", "ref.is_null i32.const 6 i32.add", "(result exnref)"),
        lambda x: 6,
    ),
    "the second clause": (
        f"""(block $out (result i32)
          (block $no (block $h (result i32 i64 f64)
            (br $out (try_table (result i32) (catch $other $no) (catch $e $h) (catch_all $no)
              {_CALL})))
            call $sum br $out)
          i32.const 99)""",
        _carried,
    ),
    "an outer try_table": (
        f"""(block $out (result i32)
          (block $h (result i32 i64 f64)
            (br $out (try_table (result i32) (catch $e $h)
              (block $no (br $out (try_table (result i32) (catch $other $no) {_CALL})))
              (i32.const 98))))
          call $sum)""",
        _carried,
    ),
    "throw_ref in between": (
        f"""(block $out (result i32)
          (block $h (result i32 i64 f64)
            (try_table (catch $e $h)
              (block $again (result exnref)
                (br $out (try_table (result i32) (catch_all_ref $again) {_CALL})))
              throw_ref)
            unreachable)
          call $sum)""",
        _carried,
    ),
    "a branch to a loop": (
        f"""(local.set $n (i32.const 0))
        (loop $again (result i32)
          (if (result i32) (local.get $n)
            (then (i32.const 11))
            (else (local.set $n (i32.const 1))
              (try_table (result i32) (catch_all $again) {_CALL}))))""",
        lambda x: 11,
    ),
    "the function's label": ("(call $through (local.get $x)) call $sum", _carried),
    "legacy catch": (f"try (result i32) {_CALL} catch $e call $sum end", _carried),
    "legacy catch_all": (f"try (result i32) {_CALL} catch_all i32.const 5 end", lambda x: 5),
    "legacy second clause": (
        f"""try (result i32) {_CALL} catch $other i32.const 97 catch $e call $sum
          catch_all i32.const 96 end""",
        _carried,
    ),
    "legacy rethrow in between": (
        f"""try (result i32)
          try (result i32) {_CALL} catch $e drop drop drop rethrow 0 end
          catch $e call $sum end""",
        _carried,
    ),
    "legacy delegate": (
        f"""try $l (result i32)
          try (result i32) try (result i32) {_CALL} delegate $l catch_all i32.const 95 end
          catch $e call $sum end""",
        _carried,
    ),
    "legacy delegate to a delegate": (
        f"""try $l (result i32)
          try (result i32)
            try $d (result i32) try (result i32) {_CALL} delegate $d delegate $l
          catch_all i32.const 95 end
          catch $e call $sum end""",
        _carried,
    ),
    "legacy in a clause": (
        f"""try (result i32) throw $other
          catch $other try (result i32) {_CALL} catch $e call $sum end end""",
        _carried,
    ),
    "legacy in try_table": (
        f"""(block $out (result i32)
          (block $h (result i32 i64 f64)
            (br $out (try_table (result i32) (catch $e $h)
              try (result i32) {_CALL} catch_all rethrow 0 end)))
          call $sum)""",
        _carried,
    ),
}
_THROUGH = """(func $through (param i32) (result i32 i64 f64)
    (try_table (catch $e 0) (return (call $thrower (local.get 0)) (i64.const 0) (f64.const 0)))
    unreachable)"""

# ---- where the handler is ------------------------------------------------------------------------

_LOCALS = "(local $a i32) (local $n i32) (local $b i64) (local $v v128)"
_BEFORE = """(local.set $a (i32.add (local.get $x) (i32.const 20)))
    (local.set $b (i64.const 300)) (local.set $v (v128.const i32x4 1 2 3 4000))"""
# The sum of the locals, which must have their values.
_AFTER = """(i32.add (local.get $a) (i32.add (i32.wrap_i64 (local.get $b))
    (i32x4.extract_lane 3 (local.get $v))))"""
_MANY = 1300  # vectors; their slots are more than an operation can name

# Each takes the code of a handler, and says what the result is for x if the handler gives y.
_PLACES: dict[str, tuple[str, Callable[[int, int], int]]] = {
    "alone": ("CODE", lambda x, y: y),
    "over operands": (
        " ".join(f"i32.const {i}" for i in range(60)) + " CODE" + " i32.add" * 60,
        lambda x, y: y + sum(range(60)),
    ),
    "over locals": (
        "local.get $a local.get $x CODE i32.add i32.add",
        lambda x, y: y + x + 20 + x,
    ),
    "in an if": (
        "(if (result i32) (local.get $a) (then CODE) (else (i32.const 1)))",
        lambda x, y: y if x + 20 else 1,
    ),
    "in a loop": (
        """(local.set $i (i32.const 0))
        (loop $rounds
          local.get $sum local.get $i CODE i32.mul i32.add local.set $sum
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $rounds (i32.lt_s (local.get $i) (i32.const 4))))
        (local.get $sum)""",
        lambda x, y: y * (0 + 1 + 2 + 3),
    ),
    "over many locals": (
        "(local.set $last (v128.const i32x4 5 6 7 8)) CODE "
        "(i32x4.extract_lane 1 (local.get $last)) i32.add",
        lambda x, y: y + 6,
    ),
}


def _function(handler: str, place: str) -> str:
    code = _PLACES[place][0].replace("CODE", _HANDLERS[handler][0])
    many = ""
    if place == "over many locals":
        many = f"(local {'v128 ' * _MANY}) (local $last v128)"
    return f"""(func (export "{handler}, {place}") (param $x i32) (result i32)
      {many} {_LOCALS} (local $i i32) (local $sum i32) {_BEFORE} {code} {_AFTER} i32.add)"""


@functools.cache
def _exports(thrower: str) -> Any:
    imports = [part for part in _THROWERS[thrower].splitlines() if "(import" in part]
    rest = "\n".join(p for p in _THROWERS[thrower].splitlines() if p not in imports)
    functions = "\n".join(_function(h, p) for h in _HANDLERS for p in _PLACES)
    store = pywasm3.Store(stack=16 << 20)
    first = pywasm3.Instance(pywasm3.Module(wat(_EXPORTING)), store=store)
    call = first.exports.thrower
    text = f"(module {_TAGS} {' '.join(imports)} {_PLAIN} {rest} {_SUM} {_THROUGH} {functions})"
    host = {"call": lambda x: call(x)}
    imported = {"a": first.exports, "host": host}
    return pywasm3.Instance(pywasm3.Module(wat(text)), imported, store=store).exports


@pytest.mark.parametrize("handler", _HANDLERS)
@pytest.mark.parametrize("thrower", _THROWERS)
def test_every_handler_catches_what_leaves_every_frame(thrower: str, handler: str) -> None:
    """The values arrive, and the locals and operands of the catching function are as before."""
    exports = _exports(thrower)
    for place, (_, model) in _PLACES.items():
        for x in (-3, 0, 4, 101, -1):
            caught = _HANDLERS[handler][1](x) if x >= 0 else 7
            expected = model(x, caught) + (x + 20) + 300 + 4000
            assert exports[f"{handler}, {place}"](x) == expected, (place, x)


# ---- references to exceptions, and collections ---------------------------------------------------

# Throws and catches so many exceptions that a collection must take place several times.
_KEEPER = """(module
    (import "host" "churn" (func $ask_host))
    (import "a" "g" (global $g (mut exnref))) (import "a" "t" (table $t 4 10 exnref))
    (tag $e (param i32)) (tag $t (param i32 exnref i64))
    (global $own (mut exnref) (ref.null exn)) (table $own 2 9 exnref)
    (func $caught (param i32) (result exnref)
      (block $h (result exnref)
        (try_table (catch_all_ref $h) (throw $e (local.get 0))) unreachable))
    (func $churn (export "churn") (local $i i32)
      (loop $l
        (drop (call $caught (i32.const -1)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_s (local.get $i) (i32.const 4000)))))
    (func $deep (param i32)
      (if (local.get 0) (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
        (else (call $churn))))
    (func $open (param exnref) (result i32)
      (block $h (result i32) (try_table (catch $e $h) (throw_ref (local.get 0))) unreachable))
    (func $packed (param exnref) (result exnref)
      (block $h (result exnref)
        (try_table (catch_all_ref $h)
          (throw $t (i32.const 1) (local.get 0) (i64.const 2))) unreachable))
    (func $unpacked (param exnref) (result exnref)
      (block $h (result i32 exnref i64)
        (try_table (catch $t $h) (throw_ref (local.get 0))) unreachable)
      drop local.set 0 drop local.get 0)
    (func $churn_and_open (param exnref) (result i32) (call $churn) (call $open (local.get 0)))
    (func $behind (param exnref i32 i32 i32 i32 i32 i32) (result i32)
      (return_call $churn_and_open (local.get 0)))
    FUNCTIONS)"""

# The code of functions that take a number $p, keep an exception that carries it somewhere while
# other exceptions are thrown, and return the number that it carries.
_KEPT = {
    "local": "(local.set $x (call $caught (local.get $p))) call $churn (call $open (local.get $x))",
    "operand": "(call $caught (local.get $p)) call $churn call $open",
    "operand of an operand": """(call $caught (local.get $p)) i32.const 1 i32.const 2 call $churn
        i32.add drop call $open""",
    "parameter of a loop": """(call $caught (local.get $p))
        (loop $l (param exnref) (result exnref) call $churn
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $l (i32.lt_s (local.get $i) (i32.const 3)))) call $open""",
    "parameter of a try_table": """(call $caught (local.get $p))
        (try_table (param exnref) (result exnref) call $churn) call $open""",
    "select": """(select (result exnref) (call $caught (local.get $p)) (ref.null exn)
        (i32.const 1)) call $churn call $open""",
    "argument": "(call $churn_and_open (call $caught (local.get $p)))",
    "argument of a tail call": """(return_call $behind (call $caught (local.get $p)) (i32.const 1)
        (i32.const 2) (i32.const 3) (i32.const 4) (i32.const 5) (i32.const 6))""",
    "global": """(global.set $own (call $caught (local.get $p))) call $churn
        (call $open (global.get $own))""",
    "global of another instance": """(global.set $g (call $caught (local.get $p))) call $churn
        (call $open (global.get $g))""",
    "table": """(table.set $own (i32.const 1) (call $caught (local.get $p))) call $churn
        (call $open (table.get $own (i32.const 1)))""",
    "table that grew": """(drop (table.grow $own (call $caught (local.get $p)) (i32.const 1)))
        call $churn (call $open (table.get $own (i32.sub (table.size $own) (i32.const 1))))""",
    "table of another instance": """(table.fill $t (i32.const 1) (call $caught (local.get $p))
        (i32.const 2)) call $churn (call $open (table.get $t (i32.const 2)))""",
    "value of an exception": """(call $packed (call $caught (local.get $p))) call $churn
        call $unpacked call $open""",
    "value of a value": """
        (call $packed (call $packed (call $packed (call $caught (local.get $p))))) call $churn
        call $unpacked call $unpacked call $churn call $unpacked call $open""",
    "value in a global": """(global.set $own (call $packed (call $caught (local.get $p))))
        call $churn global.get $own call $unpacked (global.set $own (ref.null exn)) call $churn
        call $open""",
    "frame of a caller": "(call $caught (local.get $p)) (call $deep (i32.const 300)) call $open",
    "frame around the host": "(call $caught (local.get $p)) call $ask_host call $open",
    "legacy clause": """try (result i32)
        try (result i32) (throw $e (local.get $p)) catch_all call $churn rethrow 0 end
        catch $e end""",
    "legacy clause in a clause": """try (result i32)
        try (result i32) (throw $e (local.get $p))
          catch_all try (result i32) (throw $e (i32.const 0)) catch_all call $churn rethrow 1 end
        end
        catch $e end""",
    "last of many locals": """(local.set $last (call $caught (local.get $p))) call $churn
        (call $open (local.get $last))""",
    "operand over many locals": """(call $caught (local.get $p))
        (local.set $last (ref.null exn)) call $churn call $open""",
}


def _keeping(name: str) -> str:
    many = f"(local {'v128 ' * _MANY}) (local $last exnref)" if "many locals" in name else ""
    return f"""(func (export "{name}") (param $p i32) (result i32) {many}
        (local $x exnref) (local $i i32) {_KEPT[name]})"""


@functools.cache
def _keeper() -> Any:
    store = pywasm3.Store(stack=16 << 20)
    first = pywasm3.Instance(
        pywasm3.Module(
            wat(
                """(module (global (export "g") (mut exnref) (ref.null exn))
                  (table (export "t") 4 10 exnref))"""
            )
        ),
        store=store,
    )
    text = _KEEPER.replace("FUNCTIONS", "\n".join(map(_keeping, _KEPT)))
    made: list[pywasm3.Instance] = []
    imported = {"a": first.exports, "host": {"churn": lambda: made[0].exports.churn()}}
    made.append(pywasm3.Instance(pywasm3.Module(wat(text)), imported, store=store))
    return made[0].exports


@pytest.mark.parametrize("name", _KEPT)
def test_a_collection_leaves_the_exceptions_that_code_can_reach(name: str) -> None:
    """An exception is still there, with its value, wherever the only reference to it is."""
    exports = _keeper()
    for p in (77, 0x1234567):
        assert exports[name](p) == p


def test_exceptions_that_nothing_refers_to_are_freed() -> None:
    """A guest that drops each reference needs no more memory for a million than for 10,000."""
    store = pywasm3.Store(limits=pywasm3.Limits(total=2_000_000))
    module = pywasm3.Module(
        wat(
            """(module (tag $e (param i64 v128))
              (func (export "f") (param i32)
                (loop $l
                  (block $h (result i64 v128 exnref)
                    (try_table (catch_ref $e $h)
                      (throw $e (i64.const 1) (v128.const i64x2 2 3)))
                    unreachable)
                  drop drop drop
                  (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                  (br_if $l (local.get 0)))))"""
        )
    )
    pywasm3.Instance(module, store=store).exports.f(1_000_000)


@pytest.mark.skipif(GC_STRESS, reason="this build collects before the store is full")
def test_a_store_full_of_exceptions_throws_no_more() -> None:
    """Near the limit, each exception would need a collection of all the others, which takes long.

    So the guest gets an error. When it has dropped its references, it throws as before.
    """
    store = pywasm3.Store(limits=pywasm3.Limits(total=4_000_000))
    module = pywasm3.Module(
        wat(
            """(module (tag $e) (table $all 100_000 exnref)
              (global $count (export "count") (mut i32) (i32.const 0))
              (func $thrown (result exnref)
                (block $h (result exnref)
                  (try_table (catch_all_ref $h) (throw $e)) unreachable))
              (func (export "keep") (param i32)
                (loop $l
                  (table.set $all (global.get $count) (call $thrown))
                  (global.set $count (i32.add (global.get $count) (i32.const 1)))
                  (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                  (br_if $l (local.get 0))))
              (func (export "drop") (param i32)
                (loop $l
                  (drop (call $thrown))
                  (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                  (br_if $l (local.get 0))))
              (func (export "forget") (global.set $count (i32.const 0))
                (table.fill $all (i32.const 0) (ref.null exn) (i32.const 100_000))))"""
        )
    )
    exports = pywasm3.Instance(module, store=store).exports
    with pytest.raises(pywasm3.Trap, match="heap exhausted"):
        exports.keep(1_000_000)
    most = exports.count.value
    exports.forget()
    exports.drop(10 * most)
    exports.keep(most - 2000)
    with pytest.raises(pywasm3.Trap, match="heap exhausted"):
        exports.drop(most)
    exports.forget()
    exports.drop(10 * most)


def test_catching_an_exception_takes_no_native_stack() -> None:
    """A compiler that makes calls instead of jumps would use up the stack of the thread."""
    module = pywasm3.Module(
        wat(
            """(module (tag $e)
              (func (export "f") (param i32)
                (loop $l
                  (block $h (try_table (catch $e $h) (throw $e)))
                  (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
                  (br_if $l (local.get 0)))))"""
        )
    )
    pywasm3.Instance(module).exports.f(300_000)
