# SPDX-License-Identifier: MIT
"""What a module needs beyond what this version runs: it is why its assertions are skipped."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import wasmtime

from .tags import without_tags

# All that wasmtime validates of WebAssembly 3.0, on whatever its defaults are.
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
    """A part of WebAssembly that is validated, but not run."""

    name: str
    needs: tuple[str, ...]  # what wasmtime must be told to leave away
    word: str  # our error names the feature by


# Of several that a module uses, the first one is the reason.
NOT_RUN = (
    Feature("SIMD", ("relaxed_simd", "simd"), "SIMD"),
    Feature("relaxed SIMD", ("relaxed_simd",), "relaxed SIMD"),
    Feature("exceptions", ("exceptions",), "exception"),
    Feature("GC", ("gc",), "garbage-collected"),
    Feature("memory64", ("memory64",), "64-bit"),
    Feature("multi-memory", ("multi_memory",), "multiple memories"),
    Feature("threads", ("threads",), "threads"),
)


@functools.cache
def _engine(without: tuple[str, ...]) -> wasmtime.Engine:
    config = wasmtime.Config()
    for name in WASM_3:
        setattr(config, f"wasm_{name}", True)
    for name in without:
        setattr(config, f"wasm_{name}", False)
    return wasmtime.Engine(config)


def validates(data: bytes, without: tuple[str, ...] = ()) -> bool:
    """Whether wasmtime accepts a module with some features left away."""
    try:
        wasmtime.Module.validate(_engine(without), data)
    except wasmtime.WasmtimeError:
        return False
    return True


def not_run(data: bytes) -> list[Feature]:
    """The features of a valid module that this version does not run.

    Tags are run: exceptions count where something else than a tag needs them.
    """
    bare = without_tags(data)
    return [
        feature
        for feature in NOT_RUN
        if not validates(bare if feature.name == "exceptions" else data, feature.needs)
    ]
