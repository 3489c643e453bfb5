# SPDX-License-Identifier: MIT
"""Finds the features that a module needs and that pywasm3 does not run yet.

The assertions on such a module are skipped, with the feature as the reason. wasmtime says which
features a module needs: the module is not valid without them.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import wasmtime

# All features of WebAssembly 3.0 that wasmtime can validate, by the names of its options.
WASM_3 = (
    "bulk_memory",
    "exceptions",
    "function_references",
    "gc",
    "memory64",
    "multi_memory",
    "multi_value",
    "reference_types",
    "relaxed_simd",
    "simd",
    "tail_call",
    "threads",
)


@dataclass(frozen=True)
class Feature:
    """A part of WebAssembly that pywasm3 validates but does not run."""

    name: str
    needs: tuple[str, ...]  # the options of wasmtime that a module with the feature needs
    word: str  # part of the message of pywasm3's error


# If a module uses several of these features, the first one is the reason of the skip.
NOT_RUN = (Feature("GC", ("gc",), "garbage-collected"),)


@functools.cache
def _engine(without: tuple[str, ...]) -> wasmtime.Engine:
    config = wasmtime.Config()
    for name in WASM_3:
        setattr(config, f"wasm_{name}", True)
    for name in without:
        setattr(config, f"wasm_{name}", False)
    return wasmtime.Engine(config)


def validates(data: bytes, without: tuple[str, ...] = ()) -> bool:
    """Tells whether wasmtime accepts a module when it does not have some features."""
    try:
        wasmtime.Module.validate(_engine(without), data)
    except wasmtime.WasmtimeError:
        return False
    return True


def not_run(data: bytes) -> list[Feature]:
    """Returns the features of a valid module that pywasm3 does not run."""
    return [feature for feature in NOT_RUN if not validates(data, feature.needs)]
