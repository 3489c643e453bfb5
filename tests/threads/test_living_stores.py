# SPDX-License-Identifier: MIT
"""Threads make and drop instances of one store while other threads run calls in it.

The expected values: the results of all calls, and no instance is left at the end.
"""

from __future__ import annotations

import gc
import random

import pywasm3
from helpers import hammer, load, wat
from pywasm3 import Instance, Module

CORE = """
(module
  (table (export "table") 8 funcref)
  (func (export "log") (param i32))
  (func (export "spin") (param i32) (result i32)
    (loop $l
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $l (local.get 0)))
    i32.const 1)
  (func (export "at") (param i32) (result i32)
    (if (result i32) (ref.is_null (table.get 0 (local.get 0)))
      (then i32.const 7)
      (else local.get 0 call_indirect (result i32)))))
"""
PLUGIN = Module(
    wat("""
(module
  (import "env" "name" (func $name (result i32)))
  (import "core" "log" (func $log (param i32)))
  (import "core" "table" (table $table 8 funcref))
  (elem declare func $run)
  (func (export "put") (param i32) local.get 0 ref.func $run table.set $table)
  (func $run (export "run") (result i32) i32.const 1 call $log call $name))
""")
)


class Named:
    """A host function that may be part of a cycle."""

    cycle: object = None

    def __call__(self) -> int:
        return 7


def test_threads_make_and_drop_instances_of_one_store() -> None:
    core = load(CORE)

    def make(number: int) -> None:
        chance = random.Random(number)
        for _ in range(100):
            host = Named()
            plugin = Instance(PLUGIN, {"env": {"name": host}, "core": core.exports})
            if chance.random() < 0.5:
                host.cycle = plugin
            if chance.random() < 0.5:
                plugin.exports.put(chance.randrange(8))
            assert plugin.exports.run() == 7
            del plugin, host

    def call(number: int) -> None:
        for i in range(300):
            assert core.exports.at(i % 8) == 7
            function = core.exports.table[(i + number) % 8]
            assert function is None or function() == 7

    def spin(_: int) -> None:
        for _ in range(30):
            assert core.exports.spin(20_000) == 1

    def forget(number: int) -> None:
        for i in range(100):
            core.exports.table[(i + number) % 8] = None
            gc.collect(i % 3)

    hammer(make, call, spin, forget, threads=8)
    core.exports.table.fill(None)
    for _ in range(10):
        gc.collect()
        pywasm3.Table("funcref", 0, store=core.store)
    assert not [one for one in gc.get_objects() if type(one) is Named]
