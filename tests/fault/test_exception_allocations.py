# SPDX-License-Identifier: MIT
"""If an allocation of Python fails while an exception is thrown or caught, it is a MemoryError.

CPython's own test module makes the n-th allocation fail, for each n in turn. What is expected: a
MemoryError, or what the call does without the failure; no crash, and the store can be used
afterwards.
"""

from __future__ import annotations

import pytest

from helpers import child, wat

WASM = wat("""
(module
  (import "env" "f" (func $f (param i32)))
  (tag $t (export "t") (param i32 externref))
  (func (export "throw") (param i32) local.get 0 ref.null extern throw $t)
  (func (export "pass") (param i32) local.get 0 call $f)
  (func (export "by_tag") (param i32)
    (block $caught (result i32 externref)
      (try_table (catch $t $caught) (call $f (local.get 0)))
      return)
    drop drop)
  (func (export "by_any") (param i32)
    (block $caught (try_table (catch_all $caught) (call $f (local.get 0)))))
  (func (export "again") (param i32)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $f (local.get 0)))
      return)
    throw_ref))
""")


@pytest.mark.parametrize("raised", ["tag(x, [x])", "LookupError(x)", "tag(x, 1) from KeyError()"])
@pytest.mark.parametrize("name", ["throw", "pass", "by_tag", "by_any", "again"])
def test_each_failure_is_a_memory_error(name: str, raised: str) -> None:
    child(
        f"""
        import sys
        try:
            from _testcapi import remove_mem_hooks, set_nomemory
        except ImportError:
            sys.exit()
        def f(x):
            raise {raised}
        instance = pywasm3.load(WASM, {{"env": {{"f": f}}}})
        tag, call = instance.exports.t, instance.exports[{name!r}]
        expected = (pywasm3.WasmException, LookupError, MemoryError)
        def attempt():
            try:
                call(1 << 20)
            except expected as error:
                return type(error)
            except SystemError as error:  # CPython itself forgets some of its MemoryErrors
                assert "returned NULL without setting" in str(error), error
                return MemoryError
            return None
        usual = attempt()
        failed = 0
        for i in range(200):
            set_nomemory(i, i + 1)
            try:
                found = attempt()
            finally:
                remove_mem_hooks()
            assert found in (usual, MemoryError), found
            failed += found is MemoryError
        assert failed > 0
        assert attempt() is usual
        """,
        WASM=WASM,
    )
