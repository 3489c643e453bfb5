# SPDX-License-Identifier: MIT
"""Compiles the programs of the folder toolchains/go. `make toolchains` installs Go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers import CACHE_FOLDER, TESTS
from pywasm3 import Module

CACHE = CACHE_FOLDER / "go"
# What Go is told by the environment: where its caches are, and that it must download nothing.
SETTINGS = {
    "GOCACHE": str(CACHE),
    "GOPATH": str(CACHE / "path"),
    "GOTOOLCHAIN": "local",
    "GOPROXY": "off",
}


def go() -> Path:
    """Returns the program `go`."""
    found = Path(sys.prefix, "bin", "go")
    assert found.exists(), "run these tests with `make toolchains`, which installs Go"
    return found


def compiled(name: str, folder: Path, system: str = "wasip1", *flags: str) -> Module:
    """Compiles a program; Go's own packages are compiled once into a cache.

    Args:
        name: The name of the source in toolchains/go, without its ending.
        folder: Where to put the module.
        system: What GOOS is.
        flags: More flags for ``go build``.
    """
    output = folder / f"{name}.wasm"
    source = TESTS / "toolchains" / "go" / f"{name}.go"
    subprocess.run(
        [go(), "build", "-trimpath", *flags, "-o", output, source],
        env={**os.environ, **SETTINGS, "GOOS": system, "GOARCH": "wasm"},
        check=True,
    )
    return Module(output.read_bytes())
