# SPDX-License-Identifier: MIT
"""If an allocation of Python fails during a map, a bind or a copy, it is a MemoryError.

CPython's own test module makes the n-th allocation fail, for each n in turn. What is expected: a
MemoryError or the error that the call has without the failure, no crash, and no buffer that stays
locked.
"""

from __future__ import annotations

import pytest

from helpers import child, wat

WASM = wat("""
(module
  (memory (export "memory") 1)
  (func (export "both") (param i32 f64) (result f64 i32) local.get 1 local.get 0)
  (func (export "neg") (param i32) (result i32) i32.const 0 local.get 0 i32.sub)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "ref") (param externref i32) (result externref) local.get 0))
""")

CALLS = {
    "map": "exports.both.map(items, 1.5)",
    "overlap": "exports.neg.map(view[1:], out=view[:-1])",
    "trap": "exports.div.map(items, 0)",
    "misfit": "exports.div.map(items, items[:2])",
    "bind": "exports.both.bind(1).bind(2.5)()",
    "converted": "exports.both.bind(1, Fraction(5, 2))()",
    "bound map": "exports.both.bind(*[1]).map(doubles)",
    "reference": "exports.ref.bind(object())(1)",
    "view": "memory.view('i', 0, 10)",
    "copies": "memory.copy_in(0, items), memory.copy_out(0, 50_000, array('q', bytes(50_000)))",
}


@pytest.mark.parametrize("name", CALLS)
def test_each_failure_is_a_memory_error(name: str) -> None:
    """The error is a MemoryError, or the one that the call has anyway; buffers are released."""
    child(
        f"""
        import sys
        try:
            from _testcapi import remove_mem_hooks, set_nomemory
        except ImportError:
            sys.exit()
        from array import array
        from fractions import Fraction
        instance = pywasm3.load(WASM)
        exports, memory = instance.exports, instance.memory
        items, doubles = array("i", range(100)), array("d", [1, 2])
        def call():
            view = memoryview(items)
            return {CALLS[name]}
        expected = (MemoryError, pywasm3.Trap, ValueError)
        for _ in range(3):
            try:
                call()
            except expected:
                pass
        failed = 0
        for i in range(300):
            set_nomemory(i, i + 1)
            try:
                call()
            except MemoryError:
                failed += 1
            except expected:
                pass
            finally:
                remove_mem_hooks()
        items.append(1)
        assert failed > 0
        """,
        WASM=WASM,
    )
