# SPDX-License-Identifier: MIT
"""A build with PYWASM3_GC_STRESS collects at every allocation; other builds do not.

`make fuzz-gc-stress` makes such a build and runs this file with it.
"""

from __future__ import annotations

from helpers import GC_STRESS, load
from pywasm3._ffi import lib, store_pointer

# Each round makes an array of 16 kB, which has memory of its own, and drops it.
DROPPED = """
(module
  (type $array (array i64))
  (func (export "make") (drop (array.new_default $array (i32.const 2000)))))
"""


def test_a_dropped_array_is_gone_at_the_next_allocation_in_a_stressed_build_only() -> None:
    instance = load(DROPPED)
    for _ in range(30):
        instance.exports.make()
    used = lib.pw_store_heap_bytes(store_pointer(instance.store))
    assert (used < 3 * 16_000) == GC_STRESS
