# SPDX-License-Identifier: MIT
"""Measures how long ``pywasm3 run`` needs for a program that does nothing but say hello.

Each run is a process of its own, whose bytecode is compiled already. The contestants take turns,
and the median of all rounds counts. The time is that of the processor (user and system), because
processes that start beside others wait for cores in between. The difference to ``import pywasm3``
is what the command line adds: reading its words, loading WASI, running the program. The figures do
not show what the program itself needs, nor how long a large module takes (load.py does).

    python benchmarks/start.py [--rounds N]

The bar is the time of ``python -c "import pywasm3"`` and 8 ms. The exit code is 1 if the program
for WASI misses it.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import wasmtime

BAR_MS = 8.0

WASI = r"""(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\10\00\00\00\06\00\00\00") (data (i32.const 16) "hello\n")
  (func (export "_start")
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))"""
PLAIN = '(module (func (export "_start")))'


def milliseconds(words: list[str], quiet: int) -> float:
    """Returns the processor time of a process, from its start to its end."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    actions = [(os.POSIX_SPAWN_DUP2, quiet, 1)]
    child = os.posix_spawn(words[0], words, environment, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise RuntimeError(f"{words} ended with status {status}")
    return (usage.ru_utime + usage.ru_stime) * 1e3


def main() -> int:
    """Prints a line for each contestant. Returns 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("wasi.wasm", WASI), ("plain.wasm", PLAIN)):
            Path(folder, name).write_bytes(wasmtime.wat2wasm(text))
        os.chdir(folder)  # so that no source folder beside the program is imported
        run = [sys.executable, "-m", "pywasm3", "run"]
        contestants = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "import pywasm3": [sys.executable, "-c", "import pywasm3"],
            "run, without WASI": [*run, "plain.wasm"],
            "run, with WASI": [*run, "wasi.wasm"],
        }
        times: dict[str, list[float]] = {name: [] for name in contestants}
        quiet = os.open(os.devnull, os.O_WRONLY)
        for _ in range(options.rounds + 1):
            for name, words in contestants.items():
                times[name].append(milliseconds(words, quiet))
        os.close(quiet)
        os.chdir("/")
    medians = {name: statistics.median(found[1:]) for name, found in times.items()}
    base = medians["import pywasm3"]
    for name, value in medians.items():
        print(f"{name:18} {value:6.1f} ms  {value - base:+6.1f} ms")
    missed = medians["run, with WASI"] > base + BAR_MS
    print(f"bar: at most {BAR_MS:+.1f} ms with WASI: {'FAIL' if missed else 'pass'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
