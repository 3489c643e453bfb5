# SPDX-License-Identifier: MIT
"""Measures how fast guests compute: stock wasm3 0.5.0, pywasm3 and wasmtime, side by side.

    python benchmarks/compute.py [--rounds N] [--json FILE] [--svg FILE] [ROW ...]

The rows are small programs of one kind each, from several compilers, and whole programs that others
compiled and that npm downloads once. A row is left out, with a line that says so, if its program
cannot be had. benchmarks/computing has the rows, and says how each engine runs them.

- Stock wasm3 is built from its unchanged sources with the flags of this package, so a C compiler is
  needed.
- The time in which wasmtime compiles is not counted. Nor is that of the interpreters, which compile
  a function when it is first called: the result is checked before the clock starts.
- The engines run the same module with the same input and must give the same result. Where a result
  is known from elsewhere, it must be that.
- Each round visits every row and, within the row, every engine. The least time of all rounds
  counts, so that a slow moment of the machine does not matter. On a machine that is busy all the
  time, the column "paired" says more: the median, over the rounds, of the speed in one round.

What these figures do **not** show: compilation, calls between Python and a guest (crossing.py), and
SIMD (simd.py). A call from Python takes wasmtime about 10 us, which is a part of its figures: at
most a few per cent.

The goal is a geometric mean of at least 1.4 times the speed of stock wasm3. It is reported, and not
part of the exit code, because it varies on a busy machine. The bar is that no row is below 0.98
times the speed of stock wasm3; the exit code is 1 if one is.
"""

import argparse
import json
import operator
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from computing import chart
from computing.engines import Engine, build_stock, engines
from computing.programs import whole_programs
from computing.rows import Row, small_programs
from timing import judge

from pywasm3.bench import machine
from pywasm3.bench.jobs import Job
from pywasm3.bench.packages import Unavailable

GOAL = 1.4
BAR = 0.98


def common_result(row: Row, jobs: dict[str, Job]) -> int:
    """Returns the result of a row. Raises AssertionError if it is not that of every engine."""
    results = {name: job.result() for name, job in jobs.items()}
    expected = row.expected if row.expected is not None else results["stock"]
    for name, result in results.items():
        if result != expected:
            raise AssertionError(f"{row.name}: {name} gives {result} instead of {expected}")
    return expected


def prepare(row: Row, contestants: dict[str, Engine]) -> dict[str, Job]:
    """Returns the job of a row in each engine, after it was done once and gave the same result.

    Raises:
        AssertionError: An engine gives another result than it must.
        Unavailable: The program is not there, and npm does not download it.
    """
    data = row.data()
    jobs = {name: row.prepare(engine(data, row.imports)) for name, engine in contestants.items()}
    common_result(row, jobs)
    return jobs


def measure(prepared: Sequence[tuple[Row, dict[str, Job]]], rounds: int) -> list[dict[str, Any]]:
    """Returns what is known of each row, with its times in seconds."""
    times: list[dict[str, list[float]]] = [{name: [] for name in jobs} for _, jobs in prepared]
    for _ in range(rounds):
        for i, (_, jobs) in enumerate(prepared):
            for name, job in jobs.items():
                begin = time.perf_counter()
                job.work()
                times[i][name].append(time.perf_counter() - begin)
    return [
        {
            "name": row.name,
            "does": row.does,
            "compiler": row.compiler,
            "program": row.program,
            "result": common_result(row, jobs),
            "seconds": {name: min(each) for name, each in found.items()},
            "paired": statistics.median(map(operator.truediv, found["stock"], found["ours"])),
        }
        for (row, jobs), found in zip(prepared, times, strict=True)
    ]


def show(figure: dict[str, Any]) -> None:
    """Prints the line of a row."""
    stock, ours, compiled = (figure["seconds"][name] for name in ("stock", "ours", "wasmtime"))
    print(
        f"{figure['name']:12}{figure['compiler']:15}{figure['does']:40}"
        f"{stock * 1e3:>9.3f}{ours * 1e3:>9.3f}{compiled * 1e3:>9.3f}"
        f"{stock / ours:>8.2f}{ours / compiled:>8.1f}{figure['paired']:>8.2f}"
    )


def means(figures: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Returns both geometric means: of all rows, of the small programs, and of the whole ones."""
    groups = {
        "all rows": figures,
        "small programs": [f for f in figures if not f["program"]],
        "whole programs": [f for f in figures if f["program"]],
    }
    return {
        title: {"speed": chart.mean_speed(group), "of_wasmtime": chart.mean_of_wasmtime(group)}
        for title, group in groups.items()
        if group
    }


def options(rows: Sequence[Row]) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [row.name for row in rows]
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"one of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=100, help="how often each engine runs")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--svg", type=Path, help="draw the speeds into this file")
    given = parser.parse_args()
    unknown = set(given.rows) - set(names)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))} (there are {', '.join(names)})")
    return given


def main() -> int:
    """Prints a line for each row. Returns 1 if a bar is missed."""
    rows = [*small_programs(), *whole_programs()]
    given = options(rows)
    where = machine.describe()
    load = machine.load_average()
    where["wasmtime"] = machine.version("wasmtime") or "?"
    where["load average"] = "?" if load is None else f"{load:.1f}"
    print("; ".join(f"{name}: {value}" for name, value in where.items()))
    print(f"{'row':12}{'compiler':15}{'what it does':40}{'stock, ms':>9}{'ours':>9}{'wasmtime':>9}"
          f"{'speed':>8}{'of w.':>8}{'paired':>8}")  # fmt: skip
    prepared = []
    with tempfile.TemporaryDirectory() as folder:
        contestants = engines(build_stock(Path(folder)))
        for row in rows:
            if not given.rows or row.name in given.rows:
                try:
                    prepared.append((row, prepare(row, contestants)))
                except Unavailable as reason:
                    print(f"{row.name:12}left out: {reason}")
        figures = measure(prepared, given.rounds)
    for figure in figures:
        show(figure)
    if not figures:
        return 0
    print("\nspeed: times that of stock wasm3; paired: the same, median of single rounds")
    print("of w.: times as long as wasmtime")
    both_means = means(figures)
    for title, mean in both_means.items():
        print(f"geometric mean of {title:16}{mean['speed']:>8.2f}{mean['of_wasmtime']:>8.1f}")
    if given.json:
        result = {
            "machine": where,
            "rounds": given.rounds,
            "rows": figures,
            "means": both_means,
        }
        given.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if given.svg:
        given.svg.write_text(chart.draw(figures, where), encoding="utf-8")
    reached = chart.mean_speed(figures) >= GOAL
    print(f"goal, a geometric mean of {GOAL}: {'reached' if reached else 'not reached'}")
    slowest = min(figures, key=chart.speed)
    speed = chart.speed(slowest)
    print(f"bar: {BAR} times the speed of stock wasm3")
    return judge([(speed >= BAR, f"the slowest row, {slowest['name']}, has {speed:.2f}")])


if __name__ == "__main__":
    sys.exit(main())
