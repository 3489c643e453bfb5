# SPDX-License-Identifier: MIT
"""Runs AssemblyScript's compiler, which comes from npm. Without npm and Node.js, tests are skipped.

.cache/assemblyscript has the compiler, so that it is unpacked once.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import CACHE_FOLDER
from npm_helpers import Package

_MODULES = CACHE_FOLDER / "assemblyscript" / "node_modules"

# The compiler, and what it depends on.
_PACKAGES = [
    Package(
        "assemblyscript",
        "0.28.20",
        "26696c1bbb716bd85a0fbd38c7efbda186c83bc648ba4f78369d432081b4b1cb",
    ),
    Package(
        "binaryen",
        "131.0.0-nightly.20260721",
        "ed375d90d259924799147788d66ed70ce6e65454b69df577e09f2c4d17c00f6c",
    ),
    Package("long", "5.3.2", "68033e466773df7d52c9e59341bb729d83716cd920c56460395724456d646b26"),
]


def node() -> str:
    """Returns the path of Node.js."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node.js is not there to compile AssemblyScript")
    return found


def compiler() -> list[str]:
    """Returns the command that runs the compiler."""
    command = [node(), str(_MODULES / "assemblyscript" / "bin" / "asc.js")]
    for package in _PACKAGES:
        if not (_MODULES / package.name).exists():
            package.unpack(_MODULES / package.name)
    return command


def asc(source: Path, target: Path, *flags: str) -> None:
    """Compiles a source, whose folder is where the compiler runs, so that no path gets into it."""
    command = [*compiler(), source.name, *flags, "-o", str(target)]
    if subprocess.run(command, cwd=source.parent, check=False).returncode != 0:
        raise SystemExit(f"{source.name} does not compile")
