# SPDX-License-Identifier: MIT
"""What crossing between Python and WebAssembly costs, measured on this machine: `pywasm3 bench`.

Who knows what:

- `rows`: what is measured; `guests`: the modules for it; `kinds`: how a row becomes a statement.
- `peers`: one class for each binding and each floor, each in its best documented use.
- `clock`: calibration, warm-up and one value; `child`: serves it in a process of the peer's own.
- `process`: the other end of that; `run`: asks all peers in turn, and collects.
- `machine`, `figures`, `report`, `plot`, `compare`: what a person reads; `stored`: from a file.
- `command`: the options.

Nothing of it is imported by the rest of the package. The extra `bench` has what it needs.
"""
