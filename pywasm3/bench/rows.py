# SPDX-License-Identifier: MIT
"""The rows of the table: what is measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from .figures import figure_text
from .programs import PROGRAMS

STARTS = 50  # The largest number of instances or modules that are made for one value.
REPEATS = 1000  # The number of host calls that one call of callbacks.wasm makes.
COMPUTE = {
    "fib": "fib(20), calls",
    "coremark": "CoreMark-like",
    "sieve": "sieve, bytes",
    "matrix": "matrix product, f64",
    "sha256": "SHA-256 of 4 KiB",
    "strings": "string work",
}
REAL = "real-"  # The groups of real programs, which are downloaded, begin with this.
PATIENCE = 5  # Some engines compile the largest of them for more than a minute.
SIZES = {"8": ("8 B", 8), "64K": ("64 KiB", 64 << 10), "16M": ("16 MiB", 16 << 20)}


@dataclasses.dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        id: ``group/name``, by which the row is selected.
        title: The text that a reader sees.
        kind: The name of the function in `kinds` that makes the statement.
        unit: The unit of the figure: "ns", "B" (bytes), or "x" (a ratio).
        guest: The name of the module.
        export: The name of the function that is called.
        arguments: The arguments of the call, as Python values.
        expected: The value that the call must return.
        size: The size of the piece of memory that is read or written, in bytes.
        per: How many operations one execution of the statement does.
        most: The largest number of executions for one value, or 0. Not every engine frees the
            memory of an instance, so too many of them would fill the machine.
        feature: A feature that an engine may lack. An error in such a row means that the engine
            cannot do it, not that it failed.
        fresh: Whether each value needs a process of its own.
        plotted: Whether the row is in the chart.
        program: The name of the real program in `programs`, or nothing.
        patience: How many times as long as usual a peer may take to answer.
    """

    id: str
    title: str
    kind: str
    unit: str = "ns"
    guest: str = ""
    export: str = ""
    arguments: tuple[Any, ...] = ()
    expected: Any = None
    size: int = 0
    per: int = 1
    most: int = 0
    feature: str = ""
    fresh: bool = False
    plotted: bool = True
    program: str = ""
    patience: int = 1

    @property
    def group(self) -> str:
        """The part of the id before the slash."""
        return self.id.partition("/")[0]


GROUPS = {
    "calls": "Calls into WebAssembly",
    "callbacks": "One call out to Python, from a loop in the guest",
    "nested": "In and out in one call",
    "memory": "Access to the guest's memory",
    "instantiate": "A new instance of a loaded module",
    "load": "Loading a module",
    "start": "From bytes to the first result",
    "compute": "Programs that compute",
    "process": "The process",
    "real-start": "Real programs: from bytes to the first result",
    "real-compute": "Real programs: the same job again",
}


def _calls() -> list[Row]:
    big = (2**40, 2**41)
    calls: list[tuple[str, str, str, tuple[Any, ...], Any]] = [
        ("none", "`() -> ()`", "nothing", (), None),
        ("i32", "`(i32) -> i32`", "identity_i32", (7,), 7),
        ("i32x2", "`(i32, i32) -> i32`", "add_i32", (2, 3), 5),
        ("i64x2", "`(i64, i64) -> i64`", "add_i64", (2, 3), 5),
        ("i64-big", "`(i64, i64) -> i64`, around 2**40", "add_i64", big, sum(big)),
        ("f32x2", "`(f32, f32) -> f32`", "add_f32", (0.5, 0.25), 0.75),
        ("f64x2", "`(f64, f64) -> f64`", "add_f64", (0.5, 0.25), 0.75),
        ("i32x8", "`8 x i32 -> i32`", "sum", tuple(range(1, 9)), 36),
        ("multi", "`() -> (i32, i32)`", "pair", (), (1, 2)),
    ]
    rows = [
        Row(f"calls/{name}", title, "call", "ns", "calls", export, arguments, expected)
        for name, title, export, arguments, expected in calls
    ]
    for type_, guest, value in (("externref", "references", "x"), ("v128", "simd", bytes(16))):
        export = f"identity_{type_}"
        rows.append(
            Row(
                f"calls/{type_}", f"`({type_}) -> {type_}`", "call", "ns", guest, export,
                (value,), value, feature=guest,
            )
        )  # fmt: skip
    return rows


def _callbacks() -> list[Row]:
    titles = {
        "nothing": "`() -> ()`",
        "identity_i32": "`(i32) -> i32`",
        "add_i32": "`(i32, i32) -> i32`",
        "add_f64": "`(f64, f64) -> f64`",
        "sum": "`8 x i32 -> i32`",
    }
    names = ("none", "i32", "i32x2", "f64x2", "i32x8")
    rows = [
        Row(
            f"callbacks/{name}", title, "call", "ns", "callbacks", f"repeat_{export}", (), 0,
            per=REPEATS,
        )
        for name, (export, title) in zip(names, titles.items(), strict=True)
    ]  # fmt: skip
    return [
        *rows,
        Row("nested/once", "in, and out once", "call", "ns", "callbacks", "once", (), 0),
        Row("nested/reenter", "in, out, and in again", "call", "ns", "callbacks", "outer", (), 0),
    ]


def _memory() -> list[Row]:
    rows = [
        Row("memory/view", "a new view of all of it", "view", guest="memory"),
    ]
    for action in ("read", "write"):
        for way in ("slice", "buffer", "numpy"):
            rows += [
                Row(
                    f"memory/{action}-{id_}-{way}", f"{action} {name}, {way}",
                    f"{action}_{way}", guest="memory", size=size, plotted=way == "slice",
                )
                for id_, (name, size) in SIZES.items()
            ]  # fmt: skip
    return rows


def _starts() -> list[Row]:
    modules = {"tiny": "one function", "page": "and a page of memory", "data": "and 1 MiB of data"}
    rows = [
        Row(f"instantiate/{name}", title, "instantiate", guest=name, most=STARTS)
        for name, title in modules.items()
    ]
    rows.append(
        Row("load/large", "1 MB of code, bytes to module", "load", guest="large", most=STARTS)
    )
    rows += [
        Row(
            f"start/{name}",
            title,
            "start",
            guest=name,
            export="f",
            expected=0,
            most=STARTS,
        )
        for name, title in list(modules.items())[:2]
    ]
    rows += [
        Row(
            f"start/{name}", title, "start", guest=name, export="job", expected=0, most=STARTS,
            plotted=False,
        )
        for name, title in COMPUTE.items()
    ]  # fmt: skip
    return rows


def _computing() -> list[Row]:
    return [
        Row(f"compute/{name}", title, "call", "ns", name, "job", (), 0)
        for name, title in COMPUTE.items()
    ]


def _process() -> list[Row]:
    return [
        Row("process/import", "`import`", "import", fresh=True),
        Row(
            "process/instance-memory", "resident memory of an instance with one page",
            "instance_memory", "B", "page", "f", expected=0, fresh=True,
        ),
        Row(
            "process/threads", "two threads, times the work of one", "threads", "x", "sieve",
            "job", expected=0,
        ),
    ]  # fmt: skip


def _real_programs() -> list[Row]:
    return [
        Row(
            f"{REAL}{what}/{name}", f"{program.title}, {figure_text(program.size, 'B')}",
            f"real_{what}", most=STARTS if what == "start" else 0, plotted=False, program=name,
            patience=PATIENCE,
        )
        for what in ("start", "compute")
        for name, program in PROGRAMS.items()
    ]  # fmt: skip


ROWS = [
    *_calls(), *_callbacks(), *_memory(), *_starts(), *_computing(), *_process(),
    *_real_programs(),
]  # fmt: skip


def _names(pattern: str, row: Row) -> bool:
    """Returns whether a pattern means a row. A download must be asked for by its group's name."""
    return fnmatchcase(row.id, pattern) and (not row.program or pattern.startswith("real"))


def select(patterns: Sequence[str]) -> list[Row]:
    """Returns the rows whose id matches a shell pattern; raises ValueError if there is none.

    Rows of real programs need a pattern that begins with "real", because they are downloaded.
    """
    chosen = [row for row in ROWS if any(_names(pattern, row) for pattern in patterns)]
    if not chosen:
        groups = ", ".join(f"{group}/*" for group in GROUPS)
        raise ValueError(f"no row matches {', '.join(patterns)}: the groups are {groups}")
    return chosen


def by_id(id: str) -> Row:
    """Returns the row with an id; raises KeyError if there is none."""
    return {row.id: row for row in ROWS}[id]
