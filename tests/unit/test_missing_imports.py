# SPDX-License-Identifier: MIT
"""`missing="trap"`: what the host was not given is replaced by something that fits."""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import load, wat
from pywasm3 import Instance, LinkError, Module, Trap, TrapKind

ALL = """
(module
  (type $f (func (param i32) (result i32)))
  (import "env" "given" (func $given (result i32)))
  (import "env" "abort" (func $abort (param i32 i64) (result f64)))
  (import "env" "memory" (memory 2 5))
  (import "env" "table" (table 3 funcref))
  (import "env" "typed" (table 1 4 (ref null $f)))
  (import "env" "counter" (global $counter (mut i64)))
  (import "env" "base" (global $base i32))
  (import "env" "object" (global externref))
  (import "env" "tag" (tag (param i32)))
  (func (export "given") (result i32) call $given)
  (func (export "abort") (result f64) i32.const 1 i64.const 2 call $abort)
  (func (export "sizes") (result i32 i32 i64 i32)
    memory.size  table.size 0  global.get $counter  global.get $base)
  (func (export "first") (result i32) (ref.is_null (table.get 1 (i32.const 0)))))
"""


def test_missing_imports_are_replaced() -> None:
    exports = load(ALL, {"env": {"given": lambda: 7}}, missing="trap").exports
    assert exports.given() == 7
    assert exports.sizes() == (2, 3, 0, 0)
    assert exports.first() == 1


def test_a_missing_function_traps_and_is_named() -> None:
    exports = load(ALL, missing="trap").exports
    with pytest.raises(Trap, match=r"the guest called the import env\.abort, which") as caught:
        exports.abort()
    assert caught.value.kind is TrapKind.UNREACHABLE
    assert exports.sizes()[0] == 2


def test_wasi_and_given_imports_come_first() -> None:
    text = """(module (import "wasi_snapshot_preview1" "sched_yield" (func $y (result i32)))
      (import "env" "other" (func))
      (memory (export "memory") 1) (func (export "f") (result i32) call $y))"""
    wasi = pywasm3.wasi.WasiConfig()
    assert load(text, wasi=wasi, missing="trap").exports.f() == 0


@pytest.mark.parametrize(
    "what",
    [
        '(type $f (func)) (import "a" "b" (global (ref $f)))',
        '(type $f (func)) (type $t (func (param (ref null $f)))) (import "a" "b" (tag (type $t)))',
    ],
)
def test_what_cannot_be_replaced_is_missing(what: str) -> None:
    with pytest.raises(LinkError, match="given nothing"):
        load(f"(module {what})", missing="trap")


def test_what_does_not_fit_is_an_error_all_the_same() -> None:
    with pytest.raises(LinkError, match="memory"):
        load(ALL, {"env": {"memory": 3}}, missing="trap")


def test_a_pool_can_replace_what_is_missing() -> None:
    with pywasm3.InstancePool(Module(wat(ALL)), size=1, missing="trap") as pool:
        for _ in range(3):
            with pool.instance() as instance, pytest.raises(Trap, match="abort"):
                instance.exports.abort()


def test_limits_hold_for_what_is_made() -> None:
    with pytest.raises(MemoryError, match="memory too large"):
        load(ALL, missing="trap", limits=pywasm3.Limits(memory=65536))
    with pytest.raises(pywasm3.UnsupportedError, match="table too large"):
        load(ALL, missing="trap", limits=pywasm3.Limits(table=2))


def test_another_word_is_refused() -> None:
    wrong: Any = "ignore"
    with pytest.raises(ValueError, match='missing must be "error" or "trap"'):
        Instance(Module(wat("(module)")), missing=wrong)
