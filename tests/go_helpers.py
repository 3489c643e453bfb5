# SPDX-License-Identifier: MIT
"""Compiles the programs of the folder toolchains/go. `make toolchains` installs Go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from helpers import CACHE_FOLDER, TESTS
from pywasm3 import Module

_CACHE = CACHE_FOLDER / "go"
# What `go build` finds in its environment: a cache of its own, and nothing that it could download.
SETTINGS = {
    "GOCACHE": str(_CACHE),
    "GOPATH": str(_CACHE / "path"),
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
    settings = {"GOOS": system, "GOARCH": "wasm", **SETTINGS}
    source = TESTS / "toolchains" / "go" / f"{name}.go"
    subprocess.run(
        [go(), "build", "-trimpath", *flags, "-o", output, source],
        env={**os.environ, **settings},
        check=True,
    )
    return Module(output.read_bytes())
