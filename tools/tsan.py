# SPDX-License-Identifier: MIT
"""Runs C programs of tests/threads, with the engine and its C API, under ThreadSanitizer."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import wasmtime

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import build_ffi
import toolchain

ROOT = Path(__file__).resolve().parents[1]

FLAGS = [
    "-std=c11", "-O2", "-g", "-foptimize-sibling-calls", "-fwrapv", "-fno-strict-aliasing",
    "-fomit-frame-pointer", "-pthread", "-fsanitize=thread", "-Werror=incompatible-pointer-types",
    "-isystem", build_ffi.WASM3, f"-I{build_ffi.NATIVE}",
]  # fmt: skip
# ThreadSanitizer would add a call at the end of each operation. Operations end with a call of the
# next one, which would then no longer be a sibling call, and the C stack would overflow.
NO_ENTRY_EXIT = {
    "gcc": ["--param", "tsan-instrument-func-entry-exit=0", "-Wno-tsan"],
    "clang": ["-mllvm", "-tsan-instrument-func-entry-exit=0"],
}


# Each is a C file of tests/threads, beside the text of the module that it runs.
PROGRAMS = ["two_stores", "shared_memory"]


def main() -> int:
    """Builds and runs the programs. Returns an exit code, not 0 for a race or a wrong answer."""
    os.chdir(ROOT)
    compiler = toolchain.default_compiler()
    flags = FLAGS + NO_ENTRY_EXIT["clang" if "clang" in compiler else "gcc"]
    environment = {"TSAN_OPTIONS": "halt_on_error=0:exitcode=66", **os.environ}
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for number, source in enumerate(build_ffi.ENGINE_SOURCES):
            objects.append(Path(folder, f"{number}.o"))
            subprocess.run([compiler, *flags, "-c", "-o", objects[-1], source], check=True)
        for name in PROGRAMS:
            program, guest = Path(folder, name), Path(folder, f"{name}.wasm")
            text = Path(f"tests/threads/{name}.wat").read_text(encoding="utf-8")
            guest.write_bytes(wasmtime.wat2wasm(text))
            source = f"tests/threads/{name}.c"
            command = [compiler, *flags, "-o", program, source, *objects, "-lm"]
            subprocess.run(command, check=True)
            done = subprocess.run([program, guest], env=environment)
            worst = worst or done.returncode
    return worst


if __name__ == "__main__":
    sys.exit(main())
