# SPDX-License-Identifier: MIT
"""Finds compilers that neither pip nor npm has: that of Rust, and clang with WASI's C library.

.ci/run installs Debian's packages of them. Without a compiler, the test that asks is skipped.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest


def rustc(target: str) -> str:
    """Returns the path of the first rustc that compiles for a target."""
    reasons = [f"there is no rustc for {target}"]
    for found in (shutil.which("rustc"), "/usr/bin/rustc"):
        if found is not None and Path(found).exists():
            reason = _reason_against(found, target)
            if reason is None:
                return found
            reasons.append(reason)
    pytest.skip(f"no rustc compiles for {target}: {reasons[-1][:200]}")


def clang(name: str) -> str:
    """Returns the path of clang or clang++, if it has its libraries for WASI, and a linker."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; Debian's package is called clang")
    include, language = ("#include <map>", "c++") if name == "clang++" else ("", "c")
    source = f"{include}\nint main(void) {{ return 0; }}\n"
    reason = _failure((found, "--target=wasm32-wasi", f"-x{language}", "-"), source)
    if reason is not None:
        pytest.skip(f"{name} does not compile for WASI: {reason[:200]}")
    return found


def _reason_against(compiler: str, target: str) -> str | None:
    """Returns why a rustc does not compile for a target: it has no library for it, or no linker."""
    return _failure((compiler, f"--target={target}", "--crate-type=cdylib", "-"), "")


@functools.cache
def _failure(command: tuple[str, ...], source: str) -> str | None:
    """Compiles a source that is read from the standard input, and returns what went wrong."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "-o", "empty.wasm"],
            cwd=folder,
            input=source,
            capture_output=True,
            text=True,
            check=False,
        )
    return None if done.returncode == 0 else done.stderr.strip()
