# SPDX-License-Identifier: MIT
"""Settings and lists of peers for the tests of `pywasm3 bench`."""

from __future__ import annotations

from helpers import SANITIZED
from pywasm3.bench.run import Settings

# Every figure is measured once, in as little time as possible.
TINY = Settings(rounds=1, fresh_rounds=1, seconds=1e-6, warmup=0.0, cell_seconds=0.0, timeout=300.0)
# Peers that the environment of the tests has anyway. Under a sanitizer, the peers with C code of
# their own are left out, because it would watch their code, too.
PEERS = ["pywasm3", "python"]
PEERS += [] if SANITIZED else ["wasmtime", "builtin", "ctypes", "cffi"]
ODD = ["odd_peers:Crashing", "odd_peers:Wrong", "odd_peers:Absent"]
