# SPDX-License-Identifier: MIT
"""Compiles guests by Emscripten, whose `emcc` Debian's package "emscripten" has.

What it writes goes into .cache/emscripten. Without `emcc`, the test that asks is skipped.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import CACHE_FOLDER, TESTS

# Debian has the modules of Node.js that its Emscripten needs in a folder of its own.
ENVIRONMENT = {"NODE_PATH": "/usr/share/nodejs"}
SOURCES = TESTS / "toolchains" / "emscripten"
CACHE = CACHE_FOLDER / "emscripten"


def compiler(name: str) -> str:
    """Returns the path of a compiler; without it, the test that asks is skipped."""
    found = shutil.which(name)
    if found is None:
        pytest.skip("Emscripten is not installed; Debian's package is called emscripten")
    return found


@functools.cache
def compiled(source: str, *flags: str) -> Path:
    """Compiles a source, and returns the path of the module; the JavaScript is beside it."""
    emcc = compiler("em++" if source.endswith(".cpp") else "emcc")
    name = source.partition(".")[0] + "".join(flags).replace("/", "_")
    output = CACHE / f"{name[:150]}.js"
    output.parent.mkdir(parents=True, exist_ok=True)
    if "-sSIDE_MODULE=1" in flags:
        output = output.with_suffix(".wasm")
    command = [emcc, str(SOURCES / source), "-o", str(output), *flags]
    environment = {**ENVIRONMENT, **os.environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output.with_suffix(".wasm")
