# SPDX-License-Identifier: MIT
"""A value stack that a deep recursion has used gives its memory back when its store is freed."""

from __future__ import annotations

import pytest

from helpers import SANITIZED, child, load, wat
from leak_helpers import MEBIBYTE, failing, resident_bytes
from pywasm3 import StackExhausted

pytestmark = pytest.mark.leak

# Each level has 64 values, so that the 16 MiB of the default end before the native stack.
DEEP = f"""
(module (global $g (mut i64) (i64.const 0))
  (func $f (export "f") (param i32) {"(local i64)" * 64}
    {"".join(f"(local.set {i} (i64.extend_i32_u (local.get 0)))" for i in range(1, 65))}
    (call $f (i32.add (local.get 0) (i32.const 1)))
    {"".join(f"(global.set $g (i64.add (global.get $g) (local.get {i})))" for i in range(1, 65))}))
"""


@pytest.mark.skipif(SANITIZED, reason="a sanitizer counts what is allocated, and not what is used")
def test_a_stack_that_was_used_does_not_leak() -> None:
    def action() -> None:
        failing(StackExhausted, load(DEEP).exports.f, 0)

    action()
    before = resident_bytes()
    for _ in range(20):
        action()
    assert resident_bytes() - before < 4 * MEBIBYTE


@pytest.mark.skipif(SANITIZED, reason="a sanitizer counts what is allocated, and not what is used")
def test_a_stack_that_waits_for_the_next_store_is_small() -> None:
    """The deep call writes 16 MiB, in a process that has no other stack of this size."""
    child(
        """
        from leak_helpers import MEBIBYTE, failing, resident_bytes
        larger = pywasm3.Limits(stack=17 << 20)  # this one uses the native stack for the first time
        failing(pywasm3.StackExhausted, pywasm3.load(DEEP, limits=larger).exports.f, 0)
        before = resident_bytes()
        failing(pywasm3.StackExhausted, pywasm3.load(DEEP).exports.f, 0)
        assert resident_bytes() - before < 4 * MEBIBYTE
        """,
        DEEP=wat(DEEP),
    )
