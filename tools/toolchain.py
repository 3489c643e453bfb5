# SPDX-License-Identifier: MIT
"""Checks for what a build needs: 64 bits, a C compiler, and Python's headers. setup.py asks it."""

from __future__ import annotations

import os
import shutil
import sys
import sysconfig
from pathlib import Path


def missing(compiler: str) -> str | None:
    """Returns a sentence that says what is missing and how to install it, or None.

    Args:
        compiler: The name or path of the C compiler, without arguments.
    """
    if sys.maxsize <= 2**32:
        return (
            "pywasm3 needs a Python of 64 bits, and this one has 32: the engine reserves an address"
            " space of gigabytes for each memory. Install a Python of 64 bits."
        )
    if sys.platform == "win32":
        return None  # setup.py looks for the compiler itself.
    if not shutil.which(compiler):
        return (
            f"pywasm3 needs a C compiler, but '{compiler}' was not found: install gcc or clang"
            " ('apt-get install gcc', 'xcode-select --install'), or name one in CC,"
            " then run the same command again."
        )
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        return (
            f"pywasm3 needs Python's C headers, but {header} was not found: install them"
            " ('apt-get install python3-dev'), then run the same command again."
        )
    return None


def default_compiler() -> str:
    """Returns the compiler that setuptools uses on Unix."""
    return (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]


if __name__ == "__main__":
    sys.exit(missing(default_compiler()))
