# SPDX-License-Identifier: MIT
"""Measures on this machine what crossing between Python and WebAssembly costs: `pywasm3 bench`.

The modules, in the order in which to read them. A *floor* is what a row costs without WebAssembly:
the same work done by a C function or by Python.

- `rows` lists what is measured, `guests` has the modules for it, and `kinds` makes a statement of
  each row.
- `programs` lists the real programs, `jobs` says what they do, and `packages` downloads them.
- `peers` has a class for each package, which is used as its documentation shows, and for each
  floor. `floors` compiles the C functions, and `functions` has those of Python.
- `clock` calibrates, warms up and takes a value; `child` does so in the process of one peer.
- `process` starts that process and talks to it; `run` asks all peers in turn and collects the
  values.
- `machine`, `figures`, `report`, `terminal`, `plot`, `first` and `compare` make what a person
  reads; `stored` reads a stored run.
- `command` has the options of the command line.

The rest of the package imports nothing of it. Its own requirements are in the extra `bench`.
"""
