# SPDX-License-Identifier: MIT
"""Finds compilers that neither pip nor npm has: that of Rust.

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


@functools.cache
def _reason_against(compiler: str, target: str) -> str | None:
    """Returns why a rustc does not compile for a target: it has no library for it, or no linker."""
    with tempfile.TemporaryDirectory() as folder:
        command = [compiler, f"--target={target}", "--crate-type=cdylib", "-o", "empty.wasm", "-"]
        done = subprocess.run(
            command, cwd=folder, input="", capture_output=True, text=True, check=False
        )
    return None if done.returncode == 0 else done.stderr.strip()
