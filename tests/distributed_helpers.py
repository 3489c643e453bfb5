# SPDX-License-Identifier: MIT
"""The guest that the tests of `pywasm3.distributed` share, and its host function.

They are here because a worker must be able to import them by their names.
"""

from __future__ import annotations

from typing import Any

import pywasm3
from helpers import wat
from pywasm3.distributed import Guest

TEXT = """
(module
  (import "env" "double" (func $double (param i32) (result i32)))
  (global $calls (export "calls") (mut i32) (i32.const 0))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "count") (param i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1))) (global.get $calls))
  (func (export "work") (param i32) (result i32)
    (loop $again
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br_if $again (i32.gt_s (local.get 0) (i32.const 0))))
    (local.get 0))
  (func (export "twice") (param i32) (result i32) (call $double (local.get 0))))
"""
MODULE = pywasm3.Module(wat(TEXT))


class Refused(Exception):
    """An exception of a host function, whose pickle cannot be read: it lacks an argument."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(f"{number}: {reason}")


def double(number: int) -> int:
    if number == 13:
        raise Refused(number, "unlucky")
    return 2 * number


IMPORTS = {"env": {"double": double}}


def guest(**options: Any) -> Guest:
    """A guest with the module and the host function above."""
    return Guest(MODULE, IMPORTS, **options)
