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

SOURCES = TESTS / "toolchains" / "emscripten"
CACHE = CACHE_FOLDER / "emscripten"


@functools.cache
def compiled(source: str, *flags: str) -> Path:
    """Compiles a source, and returns the path of the module; the JavaScript is beside it."""
    emcc = shutil.which("em++" if source.endswith(".cpp") else "emcc")
    if emcc is None:
        pytest.skip("Emscripten is not installed; Debian's package is called emscripten")
    name = source.partition(".")[0] + "".join(flags).replace("/", "_")
    output = CACHE / f"{name[:150]}.js"
    output.parent.mkdir(parents=True, exist_ok=True)
    if "-sSIDE_MODULE=1" in flags:
        output = output.with_suffix(".wasm")
    command = [emcc, str(SOURCES / source), "-o", str(output), *flags]
    # Debian has the modules of Node.js that its Emscripten needs in a folder of its own.
    environment = {"NODE_PATH": "/usr/share/nodejs", **os.environ}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return output.with_suffix(".wasm")
