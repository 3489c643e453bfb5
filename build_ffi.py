# SPDX-License-Identifier: MIT
"""Lists the C files of both extension modules, and makes the cffi builder of `_engine`."""

from __future__ import annotations

from pathlib import Path

from cffi import FFI

WASM3 = "vendor/wasm3/source"
INCLUDE_DIRS = [WASM3, "native/bridge"]

# Flags for gcc and clang. Benchmarks compile stock wasm3 with the same flags.
GNU_FLAGS = [
    "-std=c11",
    "-O2",
    # wasm3's operations call each other in tail position. Without this flag, the C stack overflows.
    "-foptimize-sibling-calls",
    "-fwrapv",
    "-fno-strict-aliasing",
    "-fno-semantic-interposition",
    "-fno-plt",
    "-fvisibility=hidden",
    "-fomit-frame-pointer",
    # Each operation begins at a cache line, so its cost does not depend on the code before it.
    "-falign-functions=64",
    "-pthread",
]

# The C files of pywasm3._engine.
ENGINE_SOURCES = [
    "native/engine/engine.c",
    "native/engine/memory.c",
    "native/engine/pages.c",
    "native/frontend/accesses.c",
    "native/frontend/arena.c",
    "native/frontend/calls.c",
    "native/frontend/codes.c",
    "native/frontend/constexpr.c",
    "native/frontend/control.c",
    "native/frontend/error.c",
    "native/frontend/exports.c",
    "native/frontend/externtypes.c",
    "native/frontend/fast.c",
    "native/frontend/features.c",
    "native/frontend/gc.c",
    "native/frontend/immediates.c",
    "native/frontend/module.c",
    "native/frontend/names.c",
    "native/frontend/opcodes.c",
    "native/frontend/operands.c",
    "native/frontend/reader.c",
    "native/frontend/references.c",
    "native/frontend/sections.c",
    "native/frontend/segments.c",
    "native/frontend/types.c",
    "native/frontend/typesection.c",
    "native/frontend/validate.c",
    "native/frontend/valtypes.c",
    "native/bridge/call.c",
    "native/bridge/constexpr.c",
    "native/bridge/externs.c",
    "native/bridge/instance.c",
    "native/bridge/link.c",
    "native/bridge/segments.c",
    "native/bridge/snapshot.c",
    "native/bridge/store.c",
    "native/bridge/table.c",
    "native/bridge/tag.c",
    "native/bridge/types.c",
]
# These files include wasm3's C files, which have undefined behaviour that UBSan would report.
VENDORED_SOURCES = ["native/engine/engine.c"]

# pywasm3._fastcall
FASTCALL_SOURCES = [
    "native/fastcall/bind.c",
    "native/fastcall/columns.c",
    "native/fastcall/control.c",
    "native/fastcall/externs.c",
    "native/fastcall/function.c",
    "native/fastcall/host.c",
    "native/fastcall/map.c",
    "native/fastcall/memory.c",
    "native/fastcall/module.c",
    "native/fastcall/references.c",
    "native/fastcall/store.c",
    "native/fastcall/values.c",
    "native/fastcall/wasi.c",
]


def cdef() -> str:
    """Returns the part of pw.h that cffi reads."""
    text = Path("native/bridge/pw.h").read_text(encoding="utf-8")
    begin, end = text.index("/* cdef: begin"), text.index("/* cdef: end")
    return text[begin:end]


def ffibuilder() -> FFI:
    """Returns the builder of pywasm3._engine. setup.py names this function in cffi_modules."""
    ffi = FFI()
    ffi.cdef(cdef())
    ffi.set_source(
        "pywasm3._engine",
        '#include "pw.h"',
        sources=ENGINE_SOURCES,
        include_dirs=INCLUDE_DIRS,
    )
    return ffi
