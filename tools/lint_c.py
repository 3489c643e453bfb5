# SPDX-License-Identifier: MIT
"""Compiles each C file with all warnings as errors, and discards the output.

    python tools/lint_c.py            with this system's compiler
    python tools/lint_c.py --cross    with Zig's clang, for the other systems and processors

What runs on the other systems is not known by that, but what does not compile there is.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import build_ffi
import toolchain

ROOT = Path(__file__).resolve().parents[1]

# Several warnings come from the optimizer, so it must run.
FLAGS = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wvla", "-Werror"]
# clang's -Wconversion warns of more than gcc's.
CROSS_FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wvla", "-Werror", "-fsyntax-only"]
# The systems for which wheels are built, and one more processor, as clang calls them; and where Zig
# has the headers of their C libraries.
LIBC = "libc/include"
WINDOWS, DARWIN = [f"{LIBC}/any-windows-any"], [f"{LIBC}/any-darwin-any"]
MUSL = [f"{LIBC}/generic-musl", f"{LIBC}/any-linux-any"]
TARGETS = {
    "x86_64-linux-musl": [f"{LIBC}/x86_64-linux-musl", *MUSL, f"{LIBC}/x86-linux-any"],
    "aarch64-linux-musl": [f"{LIBC}/aarch64-linux-musl", *MUSL, f"{LIBC}/aarch64-linux-any"],
    "riscv64-linux-musl": [f"{LIBC}/riscv64-linux-musl", *MUSL, f"{LIBC}/riscv-linux-any"],
    "x86_64-apple-macos13": DARWIN,
    "aarch64-apple-macos13": DARWIN,
    "x86_64-w64-windows-gnu": WINDOWS,
    "aarch64-w64-windows-gnu": WINDOWS,
}


def include_flags() -> list[str]:
    """Returns the flags that name the folders of headers."""
    system = [build_ffi.WASM3, sysconfig.get_path("include")]
    return [f"-I{build_ffi.NATIVE}", *(part for folder in system for part in ("-isystem", folder))]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yields the name and the command of each compilation by this system's compiler."""
    for source in build_ffi.ENGINE_SOURCES + build_ffi.CPYTHON_SOURCES:
        yield (
            source,
            [
                *[toolchain.default_compiler(), *FLAGS, *include_flags()],
                *["-c", source, "-o", os.devnull],
            ],
        )


def cross_commands() -> Iterator[tuple[str, list[str]]]:
    """Yields the same for other systems, without what needs the headers of Windows' Python."""
    (package,) = importlib.util.find_spec("ziglang").submodule_search_locations
    clang = [sys.executable, "-m", "ziglang", "clang", *CROSS_FLAGS, "-nostdinc", *include_flags()]
    for target, folders in TARGETS.items():
        headers = [f"-isystem{package}/lib/{folder}" for folder in ["include", *folders]]
        of_python = [] if "windows" in target else build_ffi.CPYTHON_SOURCES
        sources = [*build_ffi.ENGINE_SOURCES, *of_python]
        yield target, [*clang, f"--target={target}", *headers, *sources]


def is_clean(compilation: tuple[str, list[str]]) -> bool:
    """Compiles a file, and prints what the compiler says; returns whether it says nothing."""
    name, command = compilation
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"{name}:\n{done.stdout}")
    return done.returncode == 0


def main() -> int:
    """Compiles all files; returns 1 if one has warnings."""
    os.chdir(ROOT)
    compilations = list(cross_commands() if "--cross" in sys.argv[1:] else commands())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        clean = sum(pool.map(is_clean, compilations))
    print(f"{clean} of {len(compilations)} compilations are free of warnings")
    return clean != len(compilations)


if __name__ == "__main__":
    sys.exit(main())
