# SPDX-License-Identifier: MIT
"""Compiles each of our own C files with all warnings as errors, and discards the output."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import build_ffi
import toolchain

ROOT = Path(__file__).resolve().parents[1]

# Several warnings come from the optimizer, so it must run.
FLAGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror"]


def main() -> int:
    """Compiles all files, and returns the number of those with warnings."""
    os.chdir(ROOT)
    system = [build_ffi.WASM3, sysconfig.get_path("include")]
    command = [toolchain.default_compiler(), *FLAGS, "-c", "-o", os.devnull]
    command += [part for folder in system for part in ("-isystem", folder)]
    command += [f"-I{build_ffi.NATIVE}"]
    sources = build_ffi.ENGINE_SOURCES + build_ffi.CPYTHON_SOURCES
    dirty = [source for source in sources if subprocess.run([*command, source]).returncode]
    print(f"{len(sources) - len(dirty)} of {len(sources)} C files are free of warnings")
    return len(dirty)


if __name__ == "__main__":
    sys.exit(main() != 0)
