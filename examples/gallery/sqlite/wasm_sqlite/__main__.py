# SPDX-License-Identifier: MIT
"""Builds the module, and prints its path: ``python -m wasm_sqlite``."""

from .build import build

print(build())
