# SPDX-License-Identifier: MIT
"""Lists the C files of both extension modules, and makes the cffi builder of `_engine`."""

from __future__ import annotations

import re
from pathlib import Path

from cffi import FFI

WASM3 = "vendor/wasm3/source"
NATIVE = "native"  # includes in our sources are relative to this folder
INCLUDE_DIRS = [WASM3, NATIVE]

# Flags for gcc and clang. Benchmarks compile stock wasm3 with the same flags.
GNU_FLAGS = [
    "-std=c11",
    "-O2",
    # wasm3's operations call each other in tail position. Without this flag, the C stack overflows.
    "-foptimize-sibling-calls",
    "-fwrapv",
    "-fno-strict-aliasing",
    # A product and a sum are two operations, each of which rounds, as WebAssembly has them.
    "-ffp-contract=off",
    "-fno-semantic-interposition",
    "-fno-plt",
    "-fvisibility=hidden",
    "-fomit-frame-pointer",
    # Each operation begins at a cache line, so its cost does not depend on the code before it.
    "-falign-functions=64",
    "-pthread",
]

# Those of them that Windows has no use for: its libraries have no procedure linkage table, export
# only what is named, and need no library of threads.
ELF_FLAGS = ["-fno-semantic-interposition", "-fno-plt", "-fvisibility=hidden", "-pthread"]

# Flags that make errors of the C code harder to exploit. setup.py uses each one that the compiler
# accepts; RATIONALE.md says why these, and what they cost. The list is not part of GNU_FLAGS, with
# which benchmarks compile stock wasm3.
HARDENING = [
    ["-fstack-protector-strong"],
    # A distribution's compiler may define a level itself. Older C libraries take 3 for 2.
    ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"],
    ["-fcf-protection=full"],  # x86: shadow stack, and landing pads for indirect jumps
    ["-mbranch-protection=standard"],  # ARM: signed return addresses, and landing pads
]
# The file of the operations has no landing pads. Each operation is jumped to through a pointer, so
# each would begin with one, and the compute guest would execute 9 % more instructions.
OPERATIONS_HARDENING = [["-fcf-protection=return"], ["-mbranch-protection=pac-ret"]]
# All addresses of other libraries are bound at load time, and then made read-only.
LINK_HARDENING = [["-Wl,-z,relro,-z,now"], ["-Wl,-z,noexecstack"]]

# The C files of pywasm3._engine, from the lowest layer up; native/README.md explains the layers.
ENGINE_SOURCES = [
    "native/base/arena.c",
    "native/base/error.c",
    "native/base/features.c",
    "native/base/hash.c",
    "native/base/helper.c",
    "native/base/opcodes.c",
    "native/base/platform.c",
    "native/base/traps.c",
    "native/base/wakeup.c",
    "native/decode/codes.c",
    "native/decode/constexpr.c",
    "native/decode/decode.c",
    "native/decode/decoder.c",
    "native/decode/exports.c",
    "native/decode/externtypes.c",
    "native/decode/listing.c",
    "native/decode/module.c",
    "native/decode/names.c",
    "native/decode/reader.c",
    "native/decode/sections.c",
    "native/decode/segments.c",
    "native/decode/types.c",
    "native/decode/typesection.c",
    "native/decode/valtypes.c",
    "native/validate/body.c",
    "native/validate/calls.c",
    "native/validate/control.c",
    "native/validate/exceptions.c",
    "native/validate/fast.c",
    "native/validate/gc.c",
    "native/validate/legacy.c",
    "native/validate/memory.c",
    "native/validate/module.c",
    "native/validate/numeric.c",
    "native/validate/operands.c",
    "native/validate/parametric.c",
    "native/validate/references.c",
    "native/validate/tables.c",
    "native/validate/variables.c",
    "native/validate/vector.c",
    "native/runtime/account.c",
    "native/runtime/aggregate.c",
    "native/runtime/allocate.c",
    "native/runtime/blocks.c",
    "native/runtime/collection.c",
    "native/runtime/evaluate.c",
    "native/runtime/deftypes.c",
    "native/runtime/exception.c",
    "native/runtime/global.c",
    "native/runtime/handles.c",
    "native/runtime/mark.c",
    "native/runtime/memory.c",
    "native/runtime/meter.c",
    "native/runtime/segments.c",
    "native/runtime/shared.c",
    "native/runtime/table.c",
    "native/runtime/tag.c",
    "native/runtime/timer.c",
    "native/engine/unity.c",
    "native/embed/call.c",
    "native/embed/collect.c",
    "native/embed/holding.c",
    "native/embed/instance.c",
    "native/embed/link.c",
    "native/embed/numbering.c",
    "native/embed/outside.c",
    "native/embed/reference.c",
    "native/embed/restore.c",
    "native/embed/restore_memories.c",
    "native/embed/snapshot.c",
    "native/embed/store.c",
    "native/embed/gate.c",
    "native/embed/thrown.c",
]
# This file has all operations. It includes wasm3's C files, whose undefined behaviour UBSan would
# report.
VENDORED_SOURCES = ["native/engine/unity.c"]

# The C files of pywasm3._cpython.
CPYTHON_SOURCES = [
    "native/cpython/aggregate.c",
    "native/cpython/aggregate_type.c",
    "native/cpython/anchor.c",
    "native/cpython/arguments.c",
    "native/cpython/bind.c",
    "native/cpython/call.c",
    "native/cpython/columns.c",
    "native/cpython/externs.c",
    "native/cpython/fail.c",
    "native/cpython/fd_write.c",
    "native/cpython/function.c",
    "native/cpython/function_type.c",
    "native/cpython/gil.c",
    "native/cpython/holder.c",
    "native/cpython/host.c",
    "native/cpython/known.c",
    "native/cpython/layouts.c",
    "native/cpython/map.c",
    "native/cpython/memory.c",
    "native/cpython/module.c",
    "native/cpython/names.c",
    "native/cpython/numbers.c",
    "native/cpython/once.c",
    "native/cpython/recursion.c",
    "native/cpython/references.c",
    "native/cpython/report.c",
    "native/cpython/signature.c",
    "native/cpython/state.c",
    "native/cpython/stop.c",
    "native/cpython/store.c",
    "native/cpython/store_type.c",
    "native/cpython/tenants.c",
    "native/cpython/throw.c",
    "native/cpython/waiting.c",
    "native/cpython/watch.c",
    "native/cpython/vectors.c",
]

# Each of these headers has a part that cffi reads. A header comes after those whose types it uses.
CDEF_HEADERS = [
    "native/base/values.h",
    "native/base/error.h",
    "native/base/features.h",
    "native/base/hash.h",
    "native/decode/module.h",
    "native/decode/sections.h",
    "native/decode/listing.h",
    "native/validate/module.h",
    "native/decode/types.h",
    "native/runtime/objects.h",
    "native/runtime/account.h",
    "native/runtime/exception.h",
    "native/runtime/shared.h",
    "native/engine/callee.h",
    "native/engine/engine.h",
    "native/embed/pw.h",
    "native/embed/collect.h",
    "native/embed/instance.h",
    "native/runtime/handles.h",
    "native/embed/reference.h",
    "native/embed/api.h",
    "native/embed/holding.h",
    "native/embed/gate.h",
]

# What pywasm3/_pure needs and no header can say, because only cffi understands it: the members of a
# structure without the atomic ones, and the functions of Python that C calls.
PURE_CDEF = """
#define PW_DEFAULT_STACK ...
#define PW_DEFAULT_TOTAL ...
struct pw_meter {
    int64_t ticks;
    int64_t fuel;
    int64_t period;
    bool wants_room;
    bool made_room;
    ...;
};
pw_module *pw_module_retain(pw_module *module);
extern "Python" {
    int pw_python_host(void *object, uint64_t *values);
    int pw_python_tick(void *embedder);
    int pw_python_catch(void *embedder, bool keep, uint64_t *reference);
}
"""


def traps_cdef() -> str:
    """Returns the enum pw_trap. cffi cannot read native/base/traps.h, where macros make it."""
    rows = Path("native/base/traps.def").read_text(encoding="utf-8")
    names = re.findall(r"^PW_(?:TRAP|FAILURE)\((\w+),", rows, re.MULTILINE)
    members = ", ".join(f"PW_TRAP_{name}" for name in ("NONE", *names, "COUNT"))
    return f"typedef enum {{ {members} }} pw_trap;\n"


def cdef() -> str:
    """Returns the declarations of the C API that cffi reads, in the order of CDEF_HEADERS."""
    parts = [traps_cdef()]
    for header in CDEF_HEADERS:
        text = Path(header).read_text(encoding="utf-8")
        parts.append(text[text.index("/* cdef: begin") : text.index("/* cdef: end")])
    return "".join([*parts, PURE_CDEF])


def ffibuilder() -> FFI:
    """Returns the builder of pywasm3._engine. setup.py names this function in cffi_modules."""
    ffi = FFI()
    ffi.cdef(cdef())
    ffi.set_source(
        "pywasm3._engine",
        '#include "embed/pw.h"\n#include "embed/gate.h"\n#include "embed/reference.h"\n'
        '#include "engine/engine.h"\n#include "base/limits.h"\n#include "runtime/exception.h"',
        sources=ENGINE_SOURCES,
        include_dirs=INCLUDE_DIRS,
    )
    return ffi
