# SPDX-License-Identifier: MIT
"""Measures what the checkpoints cost, at which a running call counts and can be stopped.

A checkpoint stands at every call and loop iteration. Some guests of compute.py run in this
package and in a build of it without checkpoints (PYWASM3_UNCHECKED=1: no fuel, no deadline, no
interruption, no bound of the native stack). Each runs in a process of its own. They take turns, and
the least time of all rounds counts. This needs a C compiler, and the build takes half a minute.

    python benchmarks/checks.py [--rounds N]

The bar, at most 3 % more time, is for `coremark`, a guest that does realistic work. The other
guests show the worst case, because their loops have nearly empty bodies.
"""

import argparse
import math
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from computing.engines import ROOT
from computing.rows import small_programs

BAR = 1.03

# The bar is for the first of these rows of compute.py.
ROWS = ("coremark", "loop-f32", "loop-f64", "fib")

# The child reads a number from each line, and answers with the seconds that the guest took for it.
CHILD = """
import sys, time, pywasm3
run = pywasm3.load(sys.argv[1]).exports[sys.argv[2]]
for line in sys.stdin:
    begin = time.perf_counter()
    run(int(line))
    print(time.perf_counter() - begin, flush=True)
"""


def build_unchecked(folder: Path) -> str:
    """Installs the package without checkpoints, and returns the folder in which it is."""
    ignored = shutil.ignore_patterns(".*", "build", "dist", "tests", "*.so")
    shutil.copytree(ROOT, folder / "source", ignore=ignored)
    target = str(folder / "unchecked")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps"]
    environment = {**os.environ, "PYWASM3_UNCHECKED": "1"}
    subprocess.run(
        [*command, "--target", target, str(folder / "source")], check=True, env=environment
    )
    return target


class Contestant:
    """A process that runs a guest."""

    def __init__(self, path: Path, export: str, package: str | None = None) -> None:
        environment = {**os.environ, **({"PYTHONPATH": package} if package else {})}
        self._process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), export],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=path.parent,  # In the checkout, the child would import the package that lies there.
        )

    def run(self, argument: int) -> float:
        """Runs the guest once, and returns the seconds that it took."""
        process = self._process
        assert process.stdin and process.stdout
        print(argument, file=process.stdin, flush=True)
        return float(process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        self._process.communicate()


def race(contestants: list[Contestant], argument: int, rounds: int) -> list[float]:
    """Returns the least time of each contestant, in seconds."""
    least = [math.inf] * len(contestants)
    for _ in range(rounds):
        for i, contestant in enumerate(contestants):
            least[i] = min(least[i], contestant.run(argument))
    return least


def main() -> int:
    """Prints a line for each guest. Returns 1 if the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    rows = {row.name: row for row in small_programs()}
    ratios = []
    print(f"{'guest':16} {'without, ms':>11} {'with, ms':>9} {'ratio':>6}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        package = build_unchecked(folder)
        for guest in ROWS:
            calls = rows[guest].calls
            assert calls
            export, (argument,) = calls
            path = folder / f"{guest}.wasm"
            path.write_bytes(rows[guest].data())
            contestants = [Contestant(path, export, package), Contestant(path, export)]
            without, checked = race(contestants, argument, rounds)
            for contestant in contestants:
                contestant.close()
            ratios.append(checked / without)
            print(f"{guest:16} {without * 1e3:>11.3f} {checked * 1e3:>9.3f} {ratios[-1]:>6.3f}")
    print("pass" if ratios[0] <= BAR else f"FAIL: above {BAR}")
    return int(ratios[0] > BAR)


if __name__ == "__main__":
    sys.exit(main())
