# SPDX-License-Identifier: MIT
"""The kinds of traps are the same in C and in Python.

The expected names and texts are the rows of native/base/traps.def, from which the C enum and the
engine's classification of traps are made.
"""

from __future__ import annotations

import re

from helpers import TESTS
from pywasm3 import TrapKind, _ffi

ROWS = (TESTS.parent / "native/base/traps.def").read_text(encoding="utf-8")
TRAPS = dict(re.findall(r'^PW_TRAP\((\w+), "([^"]*)",', ROWS, re.MULTILINE))
FAILURES = re.findall(r"^PW_FAILURE\((\w+),", ROWS, re.MULTILINE)


def test_each_row_is_a_trap_kind_with_the_same_text() -> None:
    assert {kind.name: kind.value for kind in TrapKind} == TRAPS


def test_each_row_has_a_number_of_its_own() -> None:
    numbers = [getattr(_ffi.lib, f"PW_TRAP_{name}") for name in ("NONE", *TRAPS, *FAILURES)]
    assert sorted(numbers) == list(range(_ffi.lib.PW_TRAP_COUNT))
