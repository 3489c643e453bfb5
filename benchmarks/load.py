# SPDX-License-Identifier: MIT
"""From bytes to the first call of a module of 10 MB, beside stock wasm3 that compiles it whole.

Stock wasm3 checks little before it compiles a function, so only a module that is compiled wholly
is known to hold together: that is what it is measured for. Ours validates everything, and compiles
what is called. The modules are those of validate.py, the stock engine is built as compute.py does.
Both work in turn; the least time of all rounds counts.

    python benchmarks/load.py [--rounds N] [--size BYTES]
"""

import argparse
import ctypes
import sys
import tempfile
from pathlib import Path

import compute

import pywasm3
from pywasm3.bench.guests import enlarged

BAR = 0.25
# An export of each, and arguments for which it has little to do.
GUESTS = {
    "compute": ("run", (1,)),
    "sha256": ("buffer", ()),
    "mandelbrot": ("render", (1, 1, 0.0, 0.0, 1.0, 1)),
}


def contest(stock: ctypes.CDLL, guest: str, data: bytes, rounds: int) -> list[float]:
    """Milliseconds of stock wasm3, of ours, and of ours when it compiles all functions."""
    name, arguments = GUESTS[guest]

    def whole(_: int) -> None:
        error = stock.stock_compile(data, len(data))
        if error:
            raise RuntimeError(f"stock wasm3: {error.decode()}")

    def first_call(_: int) -> None:
        pywasm3.load(data).exports[name](*arguments)

    def first_call_eagerly(_: int) -> None:
        pywasm3.load(data, compile="eager").exports[name](*arguments)

    return compute.race([whole, first_call, first_call_eagerly], 0, rounds)


def main() -> int:
    """1 when the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=10_000_000)
    options = parser.parse_args()
    print(f"{'guest':12} {'stock, ms':>9} {'ours, ms':>9} {'eager, ms':>9} {'ratio':>6}")
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        stock = compute.build_stock(Path(folder))
        stock.stock_compile.restype = ctypes.c_char_p
        for guest in GUESTS:
            path = compute.ROOT / "tests" / "guests" / f"{guest}.wasm"
            data = enlarged(path.read_bytes(), options.size)
            theirs, ours, eager = contest(stock, guest, data, options.rounds)
            ratios.append(ours / theirs)
            print(f"{guest:12} {theirs:>9.1f} {ours:>9.1f} {eager:>9.1f} {ratios[-1]:>6.2f}")
    print("pass" if max(ratios) <= BAR else f"FAIL: above {BAR}")
    return int(max(ratios) > BAR)


if __name__ == "__main__":
    sys.exit(main())
