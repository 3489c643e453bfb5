# SPDX-License-Identifier: MIT
"""What the tests of the bench share."""

from __future__ import annotations

from helpers import SANITIZED
from pywasm3.bench.run import Settings

# One value each, as quick as it can be.
TINY = Settings(rounds=1, fresh_rounds=1, seconds=1e-6, warmup=0.0, cell_seconds=0.0, timeout=300.0)
# What the tests' environment has anyway; a sanitizer watches our own C only.
PEERS = ["pywasm3", "python"]
PEERS += [] if SANITIZED else ["wasmtime", "builtin", "ctypes", "cffi"]
ODD = ["odd_peers:Crashing", "odd_peers:Wrong", "odd_peers:Absent"]
