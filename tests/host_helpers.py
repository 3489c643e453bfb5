# SPDX-License-Identifier: MIT
"""A guest that calls host functions with one result, with two, and with none.

Its global `after` tells whether the guest went on after a call.
"""

GUEST = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (import "env" "pair" (func $pair (result i32 f64)))
  (import "env" "none" (func $none))
  (memory (export "memory") 1 16)
  (table (export "table") 1 10 funcref)
  (global $after (export "after") (mut i32) (i32.const 0))
  (func (export "call") (param i32) (result i32)
    local.get 0 call $f  i32.const 1 global.set $after)
  (func (export "call_pair") (result i32 f64) call $pair)
  (func (export "call_none") call $none)
  (func (export "poke") (param i32) (result i32)
    local.get 0 call $f drop  i32.const 0 i32.const 42 i32.store  i32.const 0 i32.load)
  (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
"""
