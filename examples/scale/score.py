# SPDX-License-Identifier: MIT
"""Scores the rows of a large dataframe with a rule that a guest contains, on a cluster.

    python examples/scale/score.py [--rows N] [--workers N]

It needs Dask with its dataframes: pip install 'pywasm3-cffi[dask]' 'dask[dataframe]'. The rule is
tests/guests/score.c. Each worker gets the module once, and calls it with the columns of a partition
as they are, in a loop in C. The rows are random, and are made on the workers.
"""

import argparse
from pathlib import Path
from typing import Any

import dask.dataframe
import numpy
import pandas
from distributed import Client, LocalCluster

from pywasm3 import Limits, Module
from pywasm3.distributed import Guest

GUEST = Path(__file__).resolve().parents[2] / "tests" / "guests" / "score.wasm"
COLUMNS = ["income", "costs", "loan", "rate"]
ROWS_OF_PARTITION = 500_000


def partition(number: int, rows: int) -> pandas.DataFrame:
    """Makes the rows of a partition, which are the same in every run."""
    random = numpy.random.default_rng(number)
    scales = [5000.0, 5000.0, 20_000.0, 0.02]
    return pandas.DataFrame(random.uniform(0, 1, (rows, 4)) * scales, columns=COLUMNS)


def loans(rows: int) -> Any:
    """Returns a dataframe of Dask with so many rows."""
    sizes = [ROWS_OF_PARTITION] * (rows // ROWS_OF_PARTITION)
    if rows % ROWS_OF_PARTITION:
        sizes.append(rows % ROWS_OF_PARTITION)
    return dask.dataframe.from_map(partition, range(len(sizes)), sizes, meta=partition(0, 0))


def rule() -> Guest:
    """Returns the guest. A partition may take a minute, so that a rule that hangs is found."""
    return Guest(Module(GUEST.read_bytes()), limits=Limits(memory=1 << 20, timeout=60))


def scored(frame: Any) -> Any:
    """Returns a dataframe with the column "score"."""
    return rule().map_partitions(frame, "score", columns=COLUMNS, out="score")


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with (
        LocalCluster(
            n_workers=options.workers, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster),
    ):
        scores = scored(loans(options.rows)).score
        mean, bad = dask.compute(scores.mean(), (scores == 1).sum())
    print(f"{options.rows:,} loans: mean score {mean:.4f}, {bad:,} loans grow")


if __name__ == "__main__":
    main()
