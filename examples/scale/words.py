# SPDX-License-Identifier: MIT
"""Counts the words of many text files with a program in C, on a cluster.

    python examples/scale/words.py [--workers N] [--top N] FILE ...

It needs Dask: pip install 'pywasm3-cffi[dask]'. The program is tests/guests/wasi/words.c. It reads
a file as its standard input, and sees nothing else of the machine. Each file is a run of its own,
with limits of its own. If the program fails for a file, the others are counted all the same.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

import dask.bag
from distributed import Client, LocalCluster

from pywasm3 import Limits, Module
from pywasm3.distributed import Guest, RecordError, Run
from pywasm3.wasi import WasiConfig

GUEST = Path(__file__).resolve().parents[2] / "tests" / "guests" / "wasi" / "words.wasm"


def program() -> Guest:
    """Returns the guest, which may take 64 MiB and ten seconds for a file."""
    return Guest(
        Module(GUEST.read_bytes()),
        wasi=WasiConfig(args=["words"]),
        limits=Limits(memory=64 << 20, timeout=10),
    )


def counts(run: Run | RecordError) -> tuple[Counter[str], list[str]]:
    """Returns the words that a run has counted, and what went wrong."""
    if isinstance(run, RecordError):
        return Counter(), [str(run)]
    if run.exit_code:
        return Counter(), [run.stderr.decode(errors="replace")]
    lines = (line.split() for line in run.stdout.decode(errors="replace").splitlines())
    return Counter({word: int(count) for word, count in lines}), []


def both(
    one: tuple[Counter[str], list[str]], other: tuple[Counter[str], list[str]]
) -> tuple[Counter[str], list[str]]:
    """Adds what two runs have counted."""
    return one[0] + other[0], one[1] + other[1]


def count(files: list[str], partitions: int) -> tuple[Counter[str], list[str]]:
    """Returns how often each word occurs in all files, and what went wrong."""
    inputs = dask.bag.from_sequence(files, npartitions=partitions)
    total: tuple[Counter[str], list[str]] = (
        program().run(inputs, errors="collect").map(counts).fold(both).compute()
    )
    return total


def main() -> int:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--top", type=int, default=10)
    options = parser.parse_args()
    with (
        LocalCluster(
            n_workers=options.workers, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster),
    ):
        words, problems = count(options.files, 4 * options.workers)
    for word, number in words.most_common(options.top):
        print(f"{number:9,} {word}")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
