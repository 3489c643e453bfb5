# SPDX-License-Identifier: MIT
"""Measures what it costs to use an instance again, beside making a fresh one.

What these figures do **not** show:

- The module is loaded before. A fresh instance is made and gets its data, and then one function is
  compiled and run. A pooled instance is restored and runs the same function.
- The function touches one page. A guest that writes to much memory pays for it in both cases, but
  pages that were given back to the system cost more to touch than those that were overwritten.
- There is only one thread, so nothing ever waits for the pool.
- A guest with structures makes them in its start function, by a loop that does nothing else. The
  start of a real guest runs more code for each object that it makes.

The rows differ in the size of the module's data (bytes that are not zero) and of its memory, and
then in the number of structures that the guest keeps in the heap. Each round times all ways one
after the other, and the medians over all rounds are compared.

    python benchmarks/pool.py [--rounds N]

The bar is a ratio of 0.3 for the guests with 1 MiB of data. The exit code is 0 even if it is
missed.
"""

import argparse
import random
import statistics
from collections.abc import Callable

import wasmtime
from timing import once

import pywasm3

MIB = 1 << 20
# The sizes of data and memory in bytes.
GUESTS = [(0, 64 << 10), (64 << 10, 2 * MIB), (MIB, 2 * MIB), (MIB, 64 * MIB), (8 * MIB, 16 * MIB)]
# The numbers of structures.
STRUCTURES = [100, 10_000, 100_000]


def module(data: int, memory: int) -> pywasm3.Module:
    """A guest with random data at the beginning of its memory."""
    text = "".join(f"\\{byte:02x}" for byte in random.Random(1).randbytes(data))
    return pywasm3.Module(
        wasmtime.wat2wasm(
            f"""
            (module
              (memory (export "memory") {memory >> 16})
              (data (i32.const 0) "{text}")
              (func (export "run") (param i32) (i32.store (local.get 0) (i32.const 7))))
            """
        )
    )


def keeping(count: int) -> pywasm3.Module:
    """A guest that keeps a list of structures, which its start function makes."""
    return pywasm3.Module(
        wasmtime.wat2wasm(
            f"""
            (module
              (type $node (struct (field (mut i32)) (field (ref null $node))))
              (global $head (mut (ref null $node)) (ref.null $node))
              (func $start (local $left i32)
                (local.set $left (i32.const {count}))
                (loop $again
                  (global.set $head (struct.new $node (local.get $left) (global.get $head)))
                  (br_if $again
                    (local.tee $left (i32.sub (local.get $left) (i32.const 1))))))
              (start $start)
              (func (export "run") (param i32)
                (struct.set $node 0 (ref.as_non_null (global.get $head)) (local.get 0))))
            """
        )
    )


def kinds(module: pywasm3.Module, address: int) -> dict[str, Callable[[], object]]:
    """Returns the ways that are compared. Each ends with an instance that was used."""
    kept = pywasm3.Instance(module)
    snapshot = kept.snapshot()
    pool = pywasm3.InstancePool(module, size=1)

    def fresh() -> None:
        with pywasm3.Instance(module) as instance:
            instance.exports.run(address)

    def restored() -> None:
        kept.exports.run(address)
        kept.restore(snapshot)

    def pooled() -> None:
        with pool.instance() as instance:
            instance.exports.run(address)

    return {"fresh": fresh, "restore": restored, "pool": pooled}


def measure(module: pywasm3.Module, address: int, rounds: int) -> dict[str, float]:
    """Returns the median of the seconds that each way takes."""
    works = kinds(module, address)
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(once(work))
    return {name: statistics.median(found) for name, found in times.items()}


def row(found: dict[str, float]) -> str:
    """Returns what a line says about times."""
    fresh, restore, pool = found["fresh"], found["restore"], found["pool"]
    times = f"{fresh * 1e6:9.1f} {restore * 1e6:8.1f} {pool * 1e6:8.1f}"
    return f"{times}   {restore / fresh:.2f} {pool / fresh:.2f}"


def main() -> None:
    """Prints a line for each guest."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    columns = f"{'fresh us':>9} {'restore':>8} {'pool':>8}   ratios"
    print(f"{'data KiB':>9} {'memory KiB':>11} {columns}")
    for data, memory in GUESTS:
        found = measure(module(data, memory), memory - 1024, rounds)
        print(f"{data >> 10:9} {memory >> 10:11} {row(found)}")
    print(f"{'structures':>21} {columns}")
    for count in STRUCTURES:
        print(f"{count:21} {row(measure(keeping(count), 7, rounds))}")


if __name__ == "__main__":
    main()
