# SPDX-License-Identifier: MIT
"""Measures bulk calls: Function.map, Function.bind, and copies into and out of a memory.

What these figures do **not** show:

- They are minima of several rounds with warm caches. The arrays of 100,000 elements fit into a
  processor's cache. Ratios carry over to other machines better than nanoseconds do.
- "beyond the guest's own work" subtracts what calling the same function costs inside the guest: the
  time of a loop with the call, less that of the same loop without it. That is an estimate from
  outside. The counts of instructions in docs/bulk.md are exact.
- The guest adds two numbers. The more a function does, the less it matters how it is called.
- The row of numpy is the same sum computed by numpy itself. If numpy can do a computation, nothing
  else is as fast.
- A copy is compared with a slice of a bytes object of the same size. Both allocate memory. For
  large sizes that is most of the time, and it depends on the system.

    python benchmarks/bulk.py [--rounds N]

This needs `pywasm3-cffi[test]`, and preferably the `wasm3` package (PyPI's pywasm3 0.5.0). The exit
code is 0 even if a bar is missed.
"""

import argparse
import importlib
import importlib.util
import time
from array import array
from collections.abc import Callable
from typing import Any

import numpy
import wasmtime

import pywasm3

TEXT = """
(module
  (memory (export "memory") 512)
  (func $add (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add)
  (func (export "calls") (param i32)
    loop
      local.get 0 i32.const 1 call $add drop
      local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0
    end)
  (func (export "loops") (param i32)
    loop local.get 0 i32.const 1 i32.sub local.tee 0 br_if 0 end))
"""
BINARY = bytes(wasmtime.wat2wasm(TEXT))
COUNT = 100_000
SIZES = {"64 B": 64, "64 KiB": 65536, "16 MiB": 16 << 20}

Work = Callable[[], object]


def add(a: int, b: int) -> int:
    """Does in Python what the guest does."""
    return a + b


def mapping_works() -> dict[str, Work]:
    """Returns COUNT calls of (i32, i32) -> i32, made in several ways."""
    exports = pywasm3.load(BINARY).exports
    first, second, out = array("i", range(COUNT)), array("i", range(COUNT)), array("i", [0]) * COUNT
    ours, bound = exports.add, exports.add.bind(1)
    x, y, z = (numpy.array(items) for items in (first, second, out))

    def loop(function: Callable[[int, int], int]) -> Work:
        return lambda: array("i", map(function, first, second))

    works: dict[str, Work] = {
        "map, out given": lambda: ours.map(first, second, out=out),
        "map, new array": lambda: ours.map(first, second),
        "map, one number": lambda: ours.map(first, 1, out=out),
        "loop in Python, pywasm3": loop(ours),
        "loop in Python, pywasm3, bound": lambda: array("i", map(bound, first)),
        "loop in Python, Python function": loop(add),
        "numpy.add": lambda: numpy.add(x, y, out=z),
        "guest: loop with a call": lambda: exports.calls(COUNT),
        "guest: loop": lambda: exports.loops(COUNT),
    }
    if importlib.util.find_spec("wasm3"):
        upstream: Any = importlib.import_module("wasm3")
        environment = upstream.Environment()
        runtime = environment.new_runtime(64 * 1024)
        runtime.load(environment.parse_module(BINARY))
        works["loop in Python, wasm3 0.5.0"] = loop(runtime.find_function("add"))
    return works


def copy_works() -> dict[str, Work]:
    """Returns copies of each size. The five rows of a size belong together."""
    memory = pywasm3.load(BINARY).memory
    # All pages must be written first: the system has one zero page for those that never were.
    memory.write(0, b"x" * len(memory))
    works: dict[str, Work] = {}
    for name, size in SIZES.items():
        data, longer, target = b"x" * size, b"x" * (size + 1), bytearray(b"x" * size)
        works |= {
            f"{name}: slice of bytes": lambda longer=longer: longer[1:],
            f"{name}: copy_out": lambda size=size: memory.copy_out(1, size),
            f"{name}: slice assignment": lambda target=target, data=data: assign(target, data),
            f"{name}: copy_out, into": lambda size=size, target=target: memory.copy_out(
                1, size, target
            ),
            f"{name}: copy_in": lambda data=data: memory.copy_in(1, data),
        }
    return works


def assign(target: bytearray, data: bytes) -> None:
    """Copies without making a new object."""
    memoryview(target)[:] = data


def measure(works: dict[str, Work], rounds: int) -> dict[str, float]:
    """Returns the least seconds of each work. Every round does each of them."""
    best = dict.fromkeys(works, float("inf"))
    counts = {name: repeats(work) for name, work in works.items()}
    for _ in range(rounds):
        for name, work in works.items():
            count = counts[name]
            begin = time.perf_counter()
            for _ in range(count):
                work()
            best[name] = min(best[name], (time.perf_counter() - begin) / count)
    return best


def repeats(work: Work) -> int:
    """Returns how often a work must be done to take about a millisecond."""
    work()
    begin = time.perf_counter()
    work()
    return max(1, int(1e-3 / (time.perf_counter() - begin)))


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--rounds", type=int, default=30, help="more rounds give steadier minima (30)"
    )
    rounds = parser.parse_args().rounds

    best = measure(mapping_works(), rounds)
    print(f"{COUNT:,} calls of (i32, i32) -> i32, ns for each")
    for name, seconds in best.items():
        print(f"  {name:34}{seconds / COUNT * 1e9:8.1f}")
    own = best["guest: loop with a call"] - best["guest: loop"]
    beyond = (best["map, out given"] - own) / COUNT * 1e9
    print(f"  map beyond the guest's own work   {beyond:8.1f}   (bar: at most 12)")
    for name in ("pywasm3", "wasm3 0.5.0", "Python function"):
        if seconds := best.get(f"loop in Python, {name}", 0.0):
            print(f"  map / loop of {name:20}{best['map, out given'] / seconds:8.2f}")

    copies = measure(copy_works(), rounds)
    print("copies, us; speed beside the slice (bar: at least 0.9)")
    for size in SIZES:
        rows = {
            name.partition(": ")[2]: s for name, s in copies.items() if name.startswith(f"{size}:")
        }
        for name, seconds in rows.items():
            peer = (
                "slice of bytes" if name in ("slice of bytes", "copy_out") else "slice assignment"
            )
            print(f"  {size:8}{name:20}{seconds * 1e6:12.2f}{rows[peer] / seconds:8.2f}")


if __name__ == "__main__":
    main()
