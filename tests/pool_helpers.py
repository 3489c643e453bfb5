# SPDX-License-Identifier: MIT
"""The guest that the tests of `InstancePool` share, and a use that changes all of its state."""

from __future__ import annotations

import pywasm3
from helpers import wat

# The start function sets the global to 100, so the first `count` of a clean instance returns 101.
TEXT = """
(module
  (memory (export "memory") 1 4)
  (data (i32.const 0) "state")
  (global $g (export "g") (mut i32) (i32.const 0))
  (func $start (global.set $g (i32.const 100)))
  (start $start)
  (func (export "count") (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
  (func (export "grow") (drop (memory.grow (i32.const 1))))
  (func (export "spin") (loop (br 0)))
  (func (export "trap") (unreachable)))
"""
MODULE = pywasm3.Module(wat(TEXT))


def dirty(instance: pywasm3.Instance) -> int:
    """Checks that an instance is clean and changes its whole state.

    Returns the global, counted up by one: 101 if the instance was clean.
    """
    assert instance.memory.read(0, 5) == b"state"
    assert instance.memory.pages == 1
    instance.exports.grow()
    instance.memory.write(0, b"dirty")
    instance.memory.write(100_000, b"dirty")
    result: int = instance.exports.count()
    return result
