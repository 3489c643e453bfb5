# SPDX-License-Identifier: MIT
"""Measures how fast a guest computes, beside stock wasm3 0.5.0 compiled with the same flags.

Stock wasm3 is built from the unchanged sources (vendor/wasm3/source) with stock_driver.c, in a
temporary folder, so this needs a C compiler. The guests take an i32 and return one. They are
`compute.wasm` of the tests (lists, matrices, a state machine and a CRC, all with integers), and
loops of floats that are written here. Both engines run the same guest in turn in this process, and
must return the same. The least time of all rounds counts, so a slow moment of the machine does not
matter.

    python benchmarks/compute.py [--rounds N]

The bar is for `compute.wasm`: at least 0.98 times the speed of stock wasm3.
"""

import argparse
import ctypes
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import wasmtime

import pywasm3

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import build_ffi
import toolchain

ROOT = Path(__file__).resolve().parents[1]

BAR = 0.98

Run = Callable[[int], int]

FLOATS = """(module (func (export "run") (param i32) (result i32) (local T T)
  (loop $again
    (local.set 1 (T.add (T.mul (local.get 1) (T.const 0.99)) (T.const 1.5)))
    (local.set 2 (T.add (local.get 2) (T.sqrt (T.abs (T.sub (local.get 1) (T.const 7))))))
    (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
  (i32.trunc_sat_T_s (local.get 2))))"""


def guests() -> list[tuple[str, bytes, int]]:
    """Returns name, module and argument of each guest. The bar is for the first one."""
    compute = (ROOT / "tests" / "guests" / "compute.wasm").read_bytes()
    floats = {t: bytes(wasmtime.wat2wasm(FLOATS.replace("T", t))) for t in ("f32", "f64")}
    return [
        ("compute.wasm", compute, 10),
        *((f"a loop of {name}", data, 50_000) for name, data in floats.items()),
    ]


def build_stock(folder: Path) -> ctypes.CDLL:
    """Builds stock wasm3 as a shared library, and opens it."""
    source = ROOT / build_ffi.WASM3
    library = folder / "stock.so"
    command = [toolchain.default_compiler(), *build_ffi.GNU_FLAGS, "-DNDEBUG", "-fPIC", "-shared"]
    command += ["-o", str(library), "-w", f"-I{source}", str(ROOT / "benchmarks/stock_driver.c")]
    subprocess.run([*command, *map(str, sorted(source.glob("*.c"))), "-lm"], check=True)
    stock = ctypes.CDLL(str(library))
    stock.stock_load.restype = ctypes.c_void_p
    stock.stock_run.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
    stock.stock_run.restype = ctypes.c_int32
    return stock


def load_stock(stock: ctypes.CDLL, data: bytes) -> Run:
    """Returns the export `run` of a module that is loaded into stock wasm3."""
    function = stock.stock_load(data, len(data), b"run")
    if not function:
        raise RuntimeError("stock wasm3 does not load the guest")
    return lambda argument: stock.stock_run(function, argument)


def race(runs: list[Run], argument: int, rounds: int) -> list[float]:
    """Returns the least time of each function, in milliseconds."""
    least = [math.inf] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            begin = time.perf_counter()
            run(argument)
            least[i] = min(least[i], (time.perf_counter() - begin) * 1e3)
    return least


def main() -> int:
    """Prints a line for each guest. Returns 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    speeds = []
    print(f"{'guest':16} {'stock, ms':>9} {'ours, ms':>9} {'speed':>6}")
    with tempfile.TemporaryDirectory() as folder:
        stock = build_stock(Path(folder))
        for name, data, argument in guests():
            runs = [load_stock(stock, data), pywasm3.load(data).exports.run]
            if runs[0](argument) != runs[1](argument):
                raise AssertionError(f"{name}: results differ")
            theirs, ours = race(runs, argument, rounds)
            speeds.append(theirs / ours)
            print(f"{name:16} {theirs:>9.3f} {ours:>9.3f} {speeds[-1]:>6.2f}", flush=True)
    print("pass" if speeds[0] >= BAR else f"FAIL: below {BAR}")
    return int(speeds[0] < BAR)


if __name__ == "__main__":
    sys.exit(main())
