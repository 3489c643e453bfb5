# SPDX-License-Identifier: MIT
"""Python objects that a guest received as references are freed once nobody refers to them.

If they were not freed, the process would grow by more than the test allows.
"""

from __future__ import annotations

import pytest

import pywasm3
from helpers import SANITIZED, load
from leak_helpers import (
    MEBIBYTE,
    assert_no_leak,
    assert_no_objects_left,
    failing,
    growth,
    resident_bytes,
)

pytestmark = pytest.mark.leak

REFERENCES = """
(module
  (import "env" "fresh" (func $fresh (result externref)))
  (table $t (export "table") 100 externref)
  (global $g (export "global") (mut externref) (ref.null extern))
  (func (export "pass") (param externref) (result externref) local.get 0)
  (func (export "keep") (param externref) local.get 0 global.set $g)
  (func (export "ask") (result i32) call $fresh ref.is_null)
  (func (export "func") (param funcref) (result funcref) local.get 0))
"""


@pytest.fixture
def references() -> pywasm3.Exports:
    return load(REFERENCES, {"env": {"fresh": object}}).exports


def test_a_million_objects_passed_do_not_leak(references: pywasm3.Exports) -> None:
    count = 50_000 if SANITIZED else 1_000_000
    passes = references["pass"]

    def action() -> None:
        passes(bytearray(100))

    # If they were kept, a million objects of 100 bytes would take more than 100 MB.
    assert growth(resident_bytes, action, count, 2 * MEBIBYTE) < 2 * MEBIBYTE


def test_an_object_that_the_guest_keeps_and_replaces_does_not_leak(
    references: pywasm3.Exports,
) -> None:
    count = 20_000 if SANITIZED else 200_000

    def action() -> None:
        references.keep(bytearray(100))
        references.table[7] = bytearray(100)
        references["global"].value = bytearray(100)

    assert growth(resident_bytes, action, count, 2 * MEBIBYTE) < 2 * MEBIBYTE


def test_an_object_of_a_host_function_does_not_leak(references: pywasm3.Exports) -> None:
    """The only reference that enters the store is the one that the host function returns."""
    count = 20_000 if SANITIZED else 300_000
    assert growth(resident_bytes, references.ask, count, 2 * MEBIBYTE) < 2 * MEBIBYTE


def test_a_function_passed_does_not_leak(references: pywasm3.Exports) -> None:
    function = references.ask
    assert_no_leak(lambda: references.func(function), 20_000)


def test_a_refused_reference_does_not_leak(references: pywasm3.Exports) -> None:
    assert_no_leak(lambda: failing(TypeError, references.func, 3), 20_000)


def test_a_cycle_through_wasm_does_not_leak() -> None:
    def action() -> None:
        exports = load(REFERENCES, {"env": {"fresh": object}}).exports
        exports.keep([exports])

    assert_no_objects_left(action, 200)
