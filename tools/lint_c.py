# SPDX-License-Identifier: MIT
"""Compiles each own C file with every warning an error, and keeps nothing of it."""

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

# -O1: several warnings need the optimizer's eyes.
FLAGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror"]


def main() -> int:
    """The number of files with warnings."""
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
