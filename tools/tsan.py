# SPDX-License-Identifier: MIT
"""Runs tests/threads/two_stores.c, with the engine and its C API, under ThreadSanitizer."""

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
    "gcc": ["--param", "tsan-instrument-func-entry-exit=0"],
    "clang": ["-mllvm", "-tsan-instrument-func-entry-exit=0"],
}


def main() -> int:
    """Builds and runs the driver. Returns its exit code, not 0 for a race or a wrong answer."""
    os.chdir(ROOT)
    compiler = toolchain.default_compiler()
    flags = FLAGS + NO_ENTRY_EXIT["clang" if "clang" in compiler else "gcc"]
    text = Path("tests/threads/two_stores.wat").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        program, guest = Path(folder, "two_stores"), Path(folder, "two_stores.wasm")
        guest.write_bytes(wasmtime.wat2wasm(text))
        sources = ["tests/threads/two_stores.c", *build_ffi.ENGINE_SOURCES]
        subprocess.run([compiler, *flags, "-o", program, *sources, "-lm"], check=True)
        environment = {"TSAN_OPTIONS": "halt_on_error=0:exitcode=66", **os.environ}
        return subprocess.run([program, guest], env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())
