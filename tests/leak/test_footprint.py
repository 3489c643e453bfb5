# SPDX-License-Identifier: MIT
"""How much memory an instance takes that lives on.

An instance with a store, a memory and compiled code needs one page of the system for its value
stack and one for the header and the first bytes of its memory. What it has allocated beside these
is small, because wasm3's compiler keeps nothing in it.
"""

from __future__ import annotations

import pytest

import pywasm3
from helpers import wat
from leak_helpers import resident_bytes

pytestmark = pytest.mark.leak

COUNT = 400
BOUND = 25_000  # bytes for each instance

ONE_PAGE = wat(
    '(module (memory (export "memory") 1) (func (export "f") (param i32) (result i32) local.get 0))'
)


def test_an_instance_that_ran_takes_less_than_25_kilobytes() -> None:
    kept = [pywasm3.load(ONE_PAGE)]
    before = resident_bytes()
    for _ in range(COUNT):
        kept.append(pywasm3.load(ONE_PAGE))
        assert kept[-1].exports.f(7) == 7
    assert resident_bytes() - before < BOUND * COUNT
