# SPDX-License-Identifier: MIT
"""The rows of compute.py that are whole programs: those of `pywasm3 bench` that stock wasm3 runs.

pywasm3.bench.programs says where they come from, and pywasm3.bench.jobs what they do.
"""

from pywasm3.bench.programs import PROGRAMS

from .rows import Row

# Stock wasm3 has neither exceptions nor SIMD, and runs no program here that needs WASI.
STOCK = ("quickjs", "sqlite", "libxml2", "oniguruma", "source-map")


def whole_programs() -> list[Row]:
    """Returns all rows of this file, in the order of the table."""
    chosen = [(name, PROGRAMS[name]) for name in STOCK]
    return [
        Row(name, p.does, p.compiler, p.read, p.prepare, p.expected(), p.imports, program=True)
        for name, p in chosen
    ]
