# SPDX-License-Identifier: MIT
"""Measures how much slower SQLite is in the sandbox than in Python's module sqlite3.

Both run the same statements on databases in memory, in turns. The least processor time of several
rounds counts. The two releases of SQLite may differ, and both are shown.
"""

import argparse
import platform
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import wasm_sqlite

import pywasm3

ROWS = 20_000
Work = Callable[[Any], object]


def insert(connection: Any) -> None:
    """Inserts rows into a new table, which has an index."""
    connection.execute("DROP TABLE IF EXISTS t")
    connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL)")
    connection.execute("CREATE INDEX by_b ON t(b)")
    rows = ((i, f"name {i * 7919 % ROWS}", i / 7) for i in range(ROWS))
    connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
    connection.commit()


def fetch(connection: Any) -> object:
    """Gets every row as a tuple."""
    return connection.execute("SELECT * FROM t").fetchall()


def search(connection: Any) -> None:
    """Runs many small statements, each of which finds a row by the index."""
    for i in range(0, ROWS, 20):
        connection.execute("SELECT a, c FROM t WHERE b = ?", (f"name {i}",)).fetchone()


def scan(connection: Any) -> object:
    """Computes with all rows inside of SQLite."""
    sql = "SELECT sum(c * 2 + a), max(length(b)), count(*) FROM t WHERE b LIKE '%9%'"
    return connection.execute(sql).fetchone()


def sort(connection: Any) -> object:
    """Sorts all rows, and gets the last one."""
    return connection.execute("SELECT b FROM t ORDER BY c DESC, b LIMIT 1 OFFSET ?", (ROWS - 1,))


def count(connection: Any) -> object:
    """Counts up to fifty times the number of rows, without a table."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT ?)"
    return connection.execute(f"{numbers} SELECT sum(i) FROM n", (50 * ROWS,)).fetchone()


def call(connection: Any) -> object:
    """Calls a Python function for each row."""
    connection.create_function("twice", 1, lambda value: value * 2)
    return connection.execute("SELECT sum(twice(a)) FROM t").fetchone()


WORKS: list[Work] = [insert, fetch, search, scan, sort, count, call]


def seconds(work: Work, connection: Any) -> float:
    """Returns the processor time that work takes."""
    begin = time.process_time()
    work(connection)
    return time.process_time() - begin


def main() -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    theirs = sqlite3.connect(":memory:")
    ours = wasm_sqlite.connect(":memory:", limits=pywasm3.Limits())
    [(version,)] = ours.execute("SELECT sqlite_version()")
    print(
        f"SQLite {version} in pywasm3 {pywasm3.__version__}, {sqlite3.sqlite_version} in sqlite3;"
    )
    print(f"CPython {platform.python_version()}, {platform.machine()}, {ROWS} rows\n")
    print("| | sqlite3, ms | wasm_sqlite, ms | ratio |\n| --- | ---: | ---: | ---: |")
    for work in WORKS:
        times = [(seconds(work, theirs), seconds(work, ours)) for _ in range(rounds)]
        plain, sandboxed = (min(column) * 1000 for column in zip(*times, strict=True))
        text = (work.__doc__ or "").rstrip(".")
        print(f"| {text} | {plain:.1f} | {sandboxed:.1f} | {sandboxed / plain:.1f} |")


if __name__ == "__main__":
    main()
