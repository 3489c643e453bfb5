# SPDX-License-Identifier: MIT
"""The speed of `Module.validate` on a module of 10 MB, beside wasmtime's validator.

The modules are guests of tests/guests, with the bodies of their functions repeated (and the
function section with them) until the module has the size: real code as clang made it, with all
its references intact, but only a few dozen different functions.

What these figures do **not** show:

- A module of 10 MB has more functions, types and branches that differ: caches and branch
  prediction are kinder to repeated bodies, for both contestants.
- wasmtime validates on all cores; the figure for one core is of a child process that may use only
  one. Ours always uses one.
- Both are asked through Python and copy nothing that matters.
- Contestants alternate within a round; the figures are minima over the rounds.

Run it with `python benchmarks/validate.py [--rounds N] [--size BYTES]` where `pywasm3-cffi` and
`wasmtime` are installed. The exit code says nothing about the bars.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import wasmtime

import pywasm3
from pywasm3.bench.guests import enlarged

ROOT = Path(__file__).resolve().parents[1]
GUESTS = ("compute", "sha256", "mandelbrot")


# --- the clock


def seconds(action: Callable[[], object]) -> float:
    """How long it takes once."""
    before = time.perf_counter()
    action()
    return time.perf_counter() - before


def contest(data: bytes, rounds: int) -> tuple[float, float]:
    """Minima of pywasm3 and of wasmtime."""
    engine = wasmtime.Engine()
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(seconds(lambda: pywasm3.Module.validate(data)))
        theirs.append(seconds(lambda: wasmtime.Module.validate(engine, data)))
    return min(ours), min(theirs)


def status(field: str) -> int:
    """A size of this process in bytes (Linux)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def peak_memory(data: bytes) -> float:
    """What making a module takes at most, the copy of its bytes included, in sizes of it; Linux."""
    if not Path("/proc/self/clear_refs").exists():
        return float("nan")
    pywasm3.Module(enlarged(data, 1000))
    Path("/proc/self/clear_refs").write_text("5")  # the peak is forgotten
    before = status("VmRSS")
    pywasm3.Module(data)
    return (status("VmHWM") - before) / len(data)


def run(what: str, guest: str, options: argparse.Namespace, **environment: str) -> list[float]:
    """The numbers that a child prints."""
    command = [sys.executable, __file__, "--guest", guest, "--child", what]
    command += ["--rounds", str(options.rounds), "--size", str(options.size)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return [float(word) for word in done.stdout.split()]


def child(options: argparse.Namespace) -> None:
    """Prints the figures of one guest: two minima on one core, or the memory."""
    data = enlarged((ROOT / f"tests/guests/{options.guest}.wasm").read_bytes(), options.size)
    if options.child == "memory":
        print(peak_memory(data))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(*contest(data, options.rounds))


def main() -> None:
    """Prints a line per guest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=10_000_000)
    parser.add_argument("--guest", help=argparse.SUPPRESS)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    print(f"{'':12}{'pywasm3':>10}{'wasmtime':>10}{'ratio':>7}{'one core':>10}{'ratio':>7}  memory")
    for guest in GUESTS:
        data = enlarged((ROOT / f"tests/guests/{guest}.wasm").read_bytes(), options.size)
        ours, theirs = contest(data, options.rounds)
        alone, single = run("speed", guest, options)
        # Freed memory goes back to the system: what is measured does not hide in it.
        (memory,) = run("memory", guest, options, MALLOC_MMAP_THRESHOLD_="65536")
        speeds = [len(data) / 1e6 / s for s in (ours, theirs, single)]
        print(
            f"{guest:12}{speeds[0]:6.0f} MB/s{speeds[1]:6.0f} MB/s{theirs / ours:7.2f}"
            f"{speeds[2]:6.0f} MB/s{single / alone:7.2f}  {memory:.1f} x the module"
        )


if __name__ == "__main__":
    main()
