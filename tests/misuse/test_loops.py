# SPDX-License-Identifier: MIT
"""No operation leaves anything on the native stack, however often a loop runs it.

Operations jump to each other, and a loop jumps back. An operation that called the next one instead
would take native stack for each iteration, until the process crashes. So each instruction runs
often in a loop, on a thread with a small stack, in a child process.
"""

from __future__ import annotations

import pytest

from fuzz.ops import ACCESSES, ATOMICS, NAMES, NUMERIC, SHUFFLE
from helpers import SANITIZED, child, wat

ITERATIONS = 100_000
STACK = 512 << 10  # bytes: five for each iteration

CONSTANTS = {
    "i32": "(i32.const 8)",
    "i64": "(i64.const 8)",
    "f32": "(f32.const 8)",
    "f64": "(f64.const 8)",
    "v128": "(v128.const i64x2 8 8)",
    "funcref": "(ref.func $f)",
}


def numeric() -> list[str]:
    """All numeric instructions, each with operands and without its result."""
    found = []
    for op in NUMERIC.values():
        operands = " ".join(CONSTANTS[NAMES[type]] for type in op.params)
        lane = f" {'0 ' * 16}" if op.name == SHUFFLE else " 0" if op.lanes else ""
        found.append(f"(drop ({op.name}{lane} {operands}))")
    return found


def accesses() -> list[str]:
    found = []
    for access in ACCESSES.values():
        operands = " ".join(CONSTANTS[NAMES[type]] for type in access.params(0x7F))
        lane = " 0" if access.lanes else ""
        one = f"({access.name}{lane} {operands})"
        found.append(f"(drop {one})" if access.results else one)
    return found


def atomics() -> list[str]:
    found = ["(atomic.fence)"]
    for atomic in ATOMICS.values():
        operands = " ".join(CONSTANTS[NAMES[type]] for type in (0x7F, *atomic.operands))
        one = f"({atomic.name} {operands})"
        found.append(f"(drop {one})" if atomic.results else one)
    return found


OTHERS = [
    "(memory.fill (i32.const 0) (i32.const 1) (i32.const 9))",
    "(memory.copy (i32.const 0) (i32.const 1) (i32.const 9))",
    "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 2))",
    "(drop (memory.size))",
    "(drop (memory.grow (i32.const 0)))",
    "(table.set $t (i32.const 0) (ref.func $f))",
    "(drop (table.get $t (i32.const 0)))",
    "(drop (table.grow $t (ref.null func) (i32.const 0)))",
    "(table.fill $t (i32.const 0) (ref.null func) (i32.const 2))",
    "(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))",
    "(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))",
    "(drop (table.size $t))",
    "(drop (ref.is_null (table.get $t (i32.const 0))))",
    "(global.set $g (i32.add (global.get $g) (i32.const 1)))",
    "(global.set $v (v128.not (global.get $v)))",
    "(drop (select (i32.const 1) (i32.const 2) (global.get $g)))",
    "(drop (select (f64.const 1) (f64.const 2) (global.get $g)))",
    "(drop (select (v128.const i64x2 1 1) (global.get $v) (global.get $g)))",
    "(block (br_table 0 0 (global.get $g)))",
    "(block (br_if 0 (global.get $g)))",
    "(if (global.get $g) (then (global.set $g (i32.const 0))) (else (nop)))",
    "(block (drop (br_on_null 0 (table.get $t (i32.const 0)))))",
    "(drop (call $f (i32.const 1)))",
    "(drop (call_indirect $t (type $unary) (i32.const 1) (i32.const 2)))",
    "(drop (call_ref $unary (i32.const 1) (ref.func $f)))",
    "(drop (call $tail (i32.const 1)))",
    "(drop (call $host (i32.const 1)))",
    "(call $many)",
    "(block (try_table (catch_all 0) (throw $x (i32.const 1))))",
    "(drop (block (result i32) (try_table (catch $x 0) (call $throws)) (i32.const 1)))",
    "(drop (block (result exnref) (try_table (catch_all_ref 0) (call $throws)) (unreachable)))",
    "(block (try_table (catch_all 0) (drop (call $fails (i32.const 1)))))",
    "(local.set $j (i32.const 1)) (loop (br_if 0 (local.tee $j (i32.eqz (local.get $j)))))",
    "(block $out (loop (loop (br $out))))",
]

GROUPS = {"numeric": numeric(), "accesses": accesses(), "atomics": atomics(), "others": OTHERS}


def module(instructions: list[str]) -> bytes:
    functions = [
        f"""(func (export "f{number}") (local $n i32) (local $j i32)
          (local.set $n (i32.const {ITERATIONS}))
          (loop $again {instruction}
            (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))"""
        for number, instruction in enumerate(instructions)
    ]
    locals_ = "(local i32 i64 f32 f64)" * 1100
    return wat(
        f"""(module
          (type $unary (func (param i32) (result i32)))
          (import "env" "host" (func $host (type $unary)))
          (import "env" "fails" (func $fails (type $unary)))
          (memory 1 1 shared) (data $d "ab")
          (table $t 3 funcref) (elem (i32.const 2) func $f) (elem $e func $f)
          (global $g (mut i32) (i32.const 0)) (global $v (mut v128) (v128.const i64x2 1 1))
          (tag $x (param i32))
          (func $f (type $unary) (local.get 0))
          (func $tail (type $unary) (return_call $f (local.get 0)))
          (func $throws (throw $x (i32.const 1)))
          (func $many {locals_} (local.set 4000 (local.get 4004)))
          {" ".join(functions)})"""
    )


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's operations call each other")
@pytest.mark.parametrize("group", GROUPS)
def test_no_operation_leaves_anything_on_the_native_stack(group: str) -> None:
    snippet = f"""
    import threading
    def fails(_):
        raise KeyError
    def run():
        imports = {{"env": {{"host": lambda x: x, "fails": fails}}}}
        instance = pywasm3.Instance(pywasm3.Module(data), imports)
        for function in instance.exports.values():
            try:
                function()
            except pywasm3.Trap as trap:
                failed.append((function.name, trap))
    failed = []
    threading.stack_size({STACK})
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed, failed
    print(len(failed))
    """
    assert child(snippet, data=module(GROUPS[group])).stdout == "0\n"
