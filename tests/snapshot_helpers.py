# SPDX-License-Identifier: MIT
"""A guest that has every kind of state that a snapshot holds, and snapshots that are forged."""

from __future__ import annotations

import pywasm3
from helpers import load

STATE = """
(module
  (memory (export "memory") 1 8)
  (data (i32.const 16) "hello")
  (data $passive "passive")
  (global $g (export "g") (mut i32) (i32.const 5))
  (global (export "h") (mut f64) (f64.const 1.5))
  (global (export "v") (mut v128) (v128.const i64x2 3 4))
  (global (export "constant") i32 (i32.const 9))
  (type $t (func (result i32)))
  (table $functions (export "functions") 2 8 funcref)
  (table $externs (export "externs") 2 8 externref)
  (table $typed (export "typed") 1 1 (ref $t) (ref.func $one))
  (elem (table $functions) (i32.const 0) func $one)
  (elem $two func $two)
  (func $one (export "one") (type $t) (i32.const 1))
  (func $two (export "two") (type $t) (i32.const 2))
  (func (export "count") (result i32)
    (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) (memory.size))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "init") (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 7)))
  (func (export "drop") (data.drop $passive) (elem.drop $two))
  (func (export "fill") (table.init $functions $two (i32.const 0) (i32.const 0) (i32.const 1)))
  (func (export "call") (param i32) (result i32)
    (call_indirect $functions (type $t) (local.get 0)))
  (func (export "typed call") (result i32) (call_ref $t (table.get $typed (i32.const 0)))))
"""


def state() -> pywasm3.Instance:
    """A new instance of STATE."""
    return load(STATE)


def forged(
    snapshot: pywasm3.Snapshot, image: bytes, externs: tuple[object, ...] = ()
) -> pywasm3.Snapshot:
    """The snapshot that a pickle with another image and other objects would give."""
    function, (digest, _, _) = snapshot.__reduce__()
    return function(digest, image, externs)  # type: ignore[no-any-return]


def with_word(snapshot: pywasm3.Snapshot, index: int, value: int) -> pywasm3.Snapshot:
    """The snapshot whose image has another 64-bit word at an index, counted in words."""
    image = bytearray(snapshot._image)
    image[8 * index : 8 * index + 8] = value.to_bytes(8, "little")
    return forged(snapshot, bytes(image))
