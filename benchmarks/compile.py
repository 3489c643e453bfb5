# SPDX-License-Identifier: MIT
"""Measures how long large modules take, from their bytes to the result of the first call.

The modules are those of `tests/large.py`, each made so that an engine which visits the same thing
again and again becomes slow. Each is measured at its size and at double that size. The growth is
the exponent: 1 if the time is proportional to the size, 2 if it grows with the square. A module
that is refused ("function too complex") must be refused in time, too. The least time of several
runs counts, each with a new module and store.

Two more modules are not called. One is only validated, and refused. The other has nothing but
functions of 8 bytes with 50,000 locals, all of which are compiled when the module is instantiated.

The last line is a stack overflow through 20,000 functions that are already compiled, from the call
to the exception with its frames.

    python benchmarks/compile.py [--rounds N] [--only WORD]

The exit code is 1 if a case misses its bar.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pywasm3

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from large import (
    CASES,
    Case,
    br_table_of_subtypes,
    functions_of_many_locals,
    ring_of_calls,
)

BAR = 0.5  # The most seconds that a case may take at its own size.
OVERFLOW_BAR = 0.01  # The most seconds that the stack overflow may take.


def ours(data: bytes) -> str:
    """Loads a module and calls its function; returns the result or the name of the error."""
    try:
        return str(pywasm3.load(data).exports.f(1))
    except pywasm3.WasmError as error:
        return type(error).__name__


def seconds(run: Callable[[bytes], str], data: bytes, rounds: int) -> tuple[float, str]:
    """Returns the least time of several runs, and the result."""
    least, result = math.inf, ""
    for _ in range(rounds):
        begin = time.perf_counter()
        result = run(data)
        least = min(least, time.perf_counter() - begin)
    return least, result


def validated(data: bytes) -> str:
    """Validates a module; returns the name of the error."""
    try:
        return str(pywasm3.Module.validate(data))
    except pywasm3.WasmError as error:
        return type(error).__name__


def compiled(data: bytes) -> str:
    """Instantiates a module with all its functions compiled."""
    pywasm3.Instance(pywasm3.Module(data), compile="eager")
    return "instance"


# How each module is measured that is not called.
OTHERS = [
    (Case(br_table_of_subtypes, 1_000_000), validated),
    (Case(functions_of_many_locals, 20_000), compiled),
]


def line(case: Case, rounds: int, run: Callable[[bytes], str] = ours) -> bool:
    """Prints the row of a case, and returns whether it is within the bar."""
    small, large = case.build(case.size), case.build(2 * case.size)
    once, result = seconds(run, small, rounds)
    twice, _ = seconds(run, large, rounds)
    passed = once <= BAR
    print(
        f"{case.name:40} {len(small):>9,} {once * 1e3:>9.1f} {twice * 1e3:>9.1f}"
        f" {math.log2(twice / once):>6.2f}  {result:16} {'' if passed else 'FAIL'}",
        flush=True,
    )
    return passed


def overflow(rounds: int) -> bool:
    """Prints the row of the stack overflow, and returns whether it is within its bar."""
    data = ring_of_calls(20_000)
    function = pywasm3.load(data).exports.f

    def run(_: bytes) -> str:
        try:
            return str(function(1))
        except pywasm3.StackExhausted as trap:
            return f"{len(trap.frames)} frames"

    run(data)
    once, result = seconds(run, data, 10 * rounds)
    passed = once <= OVERFLOW_BAR
    print(
        f"{'stack overflow, 20,000 functions':40} {len(data):>9,} {once * 1e3:>9.1f} {'':9} {'':6}"
        f"  {result:16} {'' if passed else 'FAIL'}"
    )
    return passed


def main() -> int:
    """Prints all rows, and returns the number of those that miss their bar."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="measure only cases whose name has this word")
    given = parser.parse_args()
    print(f"{'module':40} {'bytes':>9} {'ms':>9} {'x2, ms':>9} {'growth':>6}  result")
    cases = [case for case in CASES if given.only in case.name]
    failed = sum(not line(case, given.rounds) for case in cases)
    for case, run in OTHERS:
        failed += given.only in case.name and not line(case, given.rounds, run)
    return failed + (not given.only and not overflow(given.rounds))


if __name__ == "__main__":
    sys.exit(main() != 0)
