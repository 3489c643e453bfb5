# SPDX-License-Identifier: MIT
"""Measures how long modules of 10 MB take from their bytes to the first call.

Stock wasm3 checks little before it compiles a function, so only a module whose functions are all
compiled is known to be sound. Therefore stock wasm3 is measured compiling the whole module. pywasm3
validates the whole module, and compiles what is called. The modules are made as in validate.py, and
the stock engine is built as in compute.py. Both work in turn, and the least time of all rounds
counts.

    python benchmarks/load.py [--rounds N] [--size BYTES]

The bar is at most 0.25 of stock wasm3's time, for every module.
"""

import argparse
import ctypes
import sys
import tempfile
from pathlib import Path

from computing.engines import ROOT, build_stock
from timing import race

import pywasm3
from pywasm3.bench.guests import enlarged

BAR = 0.25
# For each guest: the name of an export, and arguments with which it has little to do.
GUESTS = {
    "compute": ("run", (1,)),
    "sha256": ("buffer", ()),
    "mandelbrot": ("render", (1, 1, 0.0, 0.0, 1.0, 1)),
}


def contest(stock: ctypes.CDLL, guest: str, data: bytes, rounds: int) -> list[float]:
    """Returns the milliseconds of stock wasm3, of pywasm3, and of pywasm3 when it compiles all."""
    name, arguments = GUESTS[guest]

    def whole(_: int) -> None:
        error = stock.stock_compile(data, len(data))
        if error:
            raise RuntimeError(f"stock wasm3: {error.decode()}")

    def first_call(_: int) -> None:
        pywasm3.load(data).exports[name](*arguments)

    def first_call_eagerly(_: int) -> None:
        pywasm3.load(data, compile="eager").exports[name](*arguments)

    least = race([whole, first_call, first_call_eagerly], [1, 1, 1], rounds)
    return [seconds * 1e3 for seconds in least]


def main() -> int:
    """Prints a line for each guest. Returns 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=10_000_000)
    options = parser.parse_args()
    print(f"{'guest':12} {'stock, ms':>9} {'ours, ms':>9} {'eager, ms':>9} {'ratio':>6}")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        stock = build_stock(Path(folder))
        for guest in GUESTS:
            path = ROOT / "tests" / "guests" / f"{guest}.wasm"
            data = enlarged(path.read_bytes(), options.size)
            theirs, ours, eager = contest(stock, guest, data, options.rounds)
            ratios.append(ours / theirs)
            print(f"{guest:12} {theirs:>9.1f} {ours:>9.1f} {eager:>9.1f} {ratios[-1]:>6.2f}")
    print("pass" if max(ratios) <= BAR else f"FAIL: above {BAR}")
    return int(max(ratios) > BAR)


if __name__ == "__main__":
    sys.exit(main())
