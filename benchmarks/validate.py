# SPDX-License-Identifier: MIT
"""Measures the speed of `Module.validate` on modules of 10 MB, beside wasmtime's validator.

The modules are guests of tests/guests whose function bodies are repeated (together with the entries
of the function section) until the module has the size. They are real code made by clang, and all
their references are valid, but they have only a few dozen different functions.

What these figures do **not** show:

- A real module of 10 MB has more functions, types and branches that differ. Caches and branch
  prediction handle repeated bodies better, for both contestants.
- wasmtime validates on all cores. The figure for one core is from a child process that may use only
  one. pywasm3 always uses one.
- Both are called through Python, which copies nothing that matters.
- The contestants take turns within a round, and the figures are minima over the rounds.

Run it with `python benchmarks/validate.py [--rounds N] [--size BYTES]` where `pywasm3-cffi` and
`wasmtime` are installed. It checks no bar.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import wasmtime
from timing import once

import pywasm3
from pywasm3.bench.guests import enlarged

ROOT = Path(__file__).resolve().parents[1]
GUESTS = ("compute", "sha256", "mandelbrot")


# --- the clock


def contest(data: bytes, rounds: int) -> tuple[float, float]:
    """Returns the least times of pywasm3 and of wasmtime."""
    engine = wasmtime.Engine()
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(once(lambda: pywasm3.Module.validate(data)))
        theirs.append(once(lambda: wasmtime.Module.validate(engine, data)))
    return min(ours), min(theirs)


def status(field: str) -> int:
    """Returns a size of this process in bytes, as Linux reports it."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def peak_memory(data: bytes) -> float:
    """Returns the most memory that making a module takes, as a multiple of the module's size.

    The copy of the module's bytes is part of it. The result is NaN if the system is not Linux.
    """
    if not Path("/proc/self/clear_refs").exists():
        return float("nan")
    pywasm3.Module(enlarged(data, 1000))
    Path("/proc/self/clear_refs").write_text("5")  # This resets the peak, VmHWM.
    before = status("VmRSS")
    pywasm3.Module(data)
    return (status("VmHWM") - before) / len(data)


def run(what: str, guest: str, options: argparse.Namespace, **environment: str) -> list[float]:
    """Runs a child process, and returns the numbers that it prints."""
    command = [sys.executable, __file__, "--guest", guest, "--child", what]
    command += ["--rounds", str(options.rounds), "--size", str(options.size)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **environment}
    )
    return [float(word) for word in done.stdout.split()]


def child(options: argparse.Namespace) -> None:
    """Prints the figures of one guest: the two least times on one core, or the memory."""
    data = enlarged((ROOT / f"tests/guests/{options.guest}.wasm").read_bytes(), options.size)
    if options.child == "memory":
        print(peak_memory(data))
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(*contest(data, options.rounds))


def main() -> None:
    """Prints a line for each guest."""
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
        # With this threshold freed memory goes back to the system, so new memory is always counted.
        (memory,) = run("memory", guest, options, MALLOC_MMAP_THRESHOLD_="65536")
        speeds = [len(data) / 1e6 / s for s in (ours, theirs, single)]
        print(
            f"{guest:12}{speeds[0]:6.0f} MB/s{speeds[1]:6.0f} MB/s{theirs / ours:7.2f}"
            f"{speeds[2]:6.0f} MB/s{single / alone:7.2f}  {memory:.1f} x the module"
        )


if __name__ == "__main__":
    main()
