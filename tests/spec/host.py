# SPDX-License-Identifier: MIT
"""Makes the host module "spectest", which scripts import.

It is a wasm module, so that its functions have exact types, as the suite expects them.
"""

from __future__ import annotations

from typing import Any

import pywasm3
from helpers import wat

_SPECTEST = """
(module
  (func (export "print"))
  (func (export "print_i32") (param i32))
  (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32))
  (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32))
  (func (export "print_f64_f64") (param f64 f64))
  (global (export "global_i32") i32 (i32.const 666))
  (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6))
  (global (export "global_f64") f64 (f64.const 666.6))
  (memory (export "memory") 1 2)
  (table (export "table") 10 20 funcref)
  (table (export "table64") i64 10 20 funcref)
  (memory (export "shared_memory") 1 2 shared))
"""


def spectest(store: pywasm3.Store) -> dict[str, Any]:
    """Returns the exports of "spectest", made in a store."""
    return dict(pywasm3.Instance(pywasm3.Module(wat(_SPECTEST)), store=store).exports)
