# SPDX-License-Identifier: MIT
"""Measures: in each round, every peer gives one value for every row, in turn."""

from __future__ import annotations

import dataclasses
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from . import floors, machine
from .figures import Run
from .packages import Unavailable
from .peers import NATIVE, peer_class
from .process import Child
from .programs import PROGRAMS
from .rows import Row

SCHEMA = 1

# Shows progress: takes what is being done, the number of steps done, and that of all steps.
Progress = Callable[[str, int, int], None]


@dataclasses.dataclass(frozen=True)
class Settings:
    """How many values are taken, and how long each takes.

    Attributes:
        rounds: The number of values for each cell.
        fresh_rounds: The number of values for each cell in rows whose values need a fresh process.
        seconds: The least time that a value takes.
        warmup: The seconds for which a cell is warmed up.
        cell_seconds: A cell that took this long gets no more values, because it is slow.
        timeout: The seconds after which a peer that does not answer counts as hanging. Rows may
            multiply it.
    """

    # Many short values are better than few long ones: more of them end before another process runs.
    rounds: int = 31
    fresh_rounds: int = 7
    seconds: float = 0.003
    warmup: float = 0.01
    cell_seconds: float = 4.0
    timeout: float = 120.0


QUICK = Settings(rounds=9, fresh_rounds=3, seconds=0.001, warmup=0.001, cell_seconds=0.5)


class Cell:
    """One cell of the table: what one peer does in one row."""

    def __init__(self, child: Child, name: str, row: Row, settings: Settings) -> None:
        self._child = child
        self._row = row
        self._settings = settings
        self._name = name
        self._loops = 0
        self._spent = 0.0
        self.outcome: dict[str, Any] = {}

    def _accept(self, answer: dict[str, Any]) -> bool:
        """Returns whether an answer has a value. If not, its reason becomes the outcome."""
        for word in ("cannot", "failed"):
            if word in answer:
                self.outcome = {word: answer[word]}
                return False
        return True

    def prepare(self) -> None:
        """Calibrates and warms up. If one execution was slow, its time is already a value."""
        settings = self._settings
        answer = self._child.ask(
            do="prepare", row=self._row.id, seconds=settings.seconds, warmup=settings.warmup,
            patience=self._row.patience,
        )  # fmt: skip
        if not self._accept(answer):
            return
        self._loops = answer["loops"]
        self.outcome = {"loops": self._loops, "values": []}
        if answer["first"] is not None:
            self._spent = answer["seconds"]
            self.outcome["values"].append(answer["first"])

    def wants(self, round: int) -> bool:
        """Returns whether the cell takes a value in this round."""
        values, settings = self.outcome.get("values"), self._settings
        if values is None or (values and self._spent >= settings.cell_seconds):
            return False
        return round < (settings.fresh_rounds if self._row.fresh else settings.rounds)

    def measure(self) -> None:
        """Takes one more value."""
        before = time.perf_counter()
        answer = self._child.ask(
            do="measure", row=self._row.id, loops=self._loops, patience=self._row.patience
        )
        self._spent += time.perf_counter() - before
        if self._accept(answer):
            self.outcome["values"].append(answer["value"])


class FreshCell(Cell):
    """A cell whose values each come from a process of their own.

    Such a value is not the time of a loop, so there is nothing to prepare.
    """

    def prepare(self) -> None:
        """Does nothing: the first value shows whether the peer can do it."""
        self._loops = 1
        self.outcome = {"loops": 1, "values": []}

    def measure(self) -> None:
        """Takes a value in a process that is started for it."""
        try:
            super().measure()
        finally:
            self._child.close()


class ImportCell(Cell):
    """A cell that times the import statement."""

    def __init__(self, child: Child, name: str, row: Row, settings: Settings, cache: str) -> None:
        super().__init__(child, name, row, settings)
        self._cache = cache

    def prepare(self) -> None:
        """Imports once, to fill the cache of compiled bytecode."""
        if not peer_class(self._name).module or peer_class(self._name).floor:
            self.outcome = {"cannot": "it has nothing to import"}
            return
        self.outcome = {"loops": 1, "values": []}
        self._import()

    def measure(self) -> None:
        """Takes one more value."""
        seconds = self._import()
        if seconds is not None:
            self.outcome["values"].append(seconds * 1e9)

    def _import(self) -> float | None:
        try:
            return machine.import_seconds(
                peer_class(self._name).module, self._cache, timeout=self._settings.timeout
            )
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            self.outcome = {"failed": f"{type(error).__name__}: {error}"}
            return None


class Bench:
    """The peers that take part, and the processes in which they are measured."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self.peers: list[dict[str, Any]] = []
        self._children: dict[str, Child] = {}
        self._floors = folder / "floors"
        self._floors.mkdir()

    def start_peers(self, names: Sequence[str]) -> None:
        """Starts the process of each peer, and notes which of them are installed."""
        if any(name in NATIVE for name in names):
            floors.build(self._floors)
        for name in names:
            self._start_peer(name)

    def _child(self, name: str) -> Child:
        return Child(name, str(self._floors), self._settings.timeout)

    def _start_peer(self, name: str) -> None:
        class_ = peer_class(name)
        about: dict[str, Any] = {
            "name": name,
            "title": class_.title,
            "floor": class_.floor,
            "note": class_.note,
        }
        child = self._child(name)
        self._children[name] = child
        answer = child.ask(do="hello")
        if "version" in answer:
            about |= {"installed": True, "version": answer["version"]}
        else:
            about |= {"installed": False, "why": answer.get("missing") or answer.get("failed")}
            self.close_one(name)
        self.peers.append(about)

    def cell(self, name: str, row: Row) -> Cell:
        """Makes the cell of an installed peer in a row."""
        if row.kind == "import":
            cache = str(self._folder / "cache")
            return ImportCell(self._children[name], name, row, self._settings, cache)
        if row.fresh:
            return FreshCell(self._child(name), name, row, self._settings)
        return Cell(self._children[name], name, row, self._settings)

    def close_one(self, name: str) -> None:
        """Ends the process of one peer."""
        self._children.pop(name).close()

    def close(self) -> None:
        """Ends the processes of all peers."""
        for name in list(self._children):
            self.close_one(name)


def _cells(bench: Bench, rows: Sequence[Row]) -> dict[str, dict[str, Cell]]:
    there = [peer["name"] for peer in bench.peers if peer["installed"]]
    return {row.id: {name: bench.cell(name, row) for name in there} for row in rows}


def _download(rows: Sequence[Row], progress: Progress) -> dict[str, dict[str, str]]:
    """Downloads the programs of the rows. Returns the outcome of those that cannot be had."""
    outcomes: dict[str, dict[str, str]] = {}
    programs = list(dict.fromkeys(row.program for row in rows if row.program))
    for i, name in enumerate(programs):
        progress(f"downloading {name}", i, len(programs))
        try:
            PROGRAMS[name].package.archive()
        except (Unavailable, OSError) as error:
            outcomes[name] = {"cannot": str(error)}
        except ValueError as error:
            outcomes[name] = {"failed": str(error)}
    return outcomes


def _prepare(rows: Sequence[Row], cells: dict[str, dict[str, Cell]], progress: Progress) -> None:
    without = _download(rows, progress)
    for i, row in enumerate(rows):
        progress(f"preparing {row.id}", i, len(rows))
        for cell in cells[row.id].values():
            if row.program in without:
                cell.outcome = without[row.program]
            else:
                cell.prepare()
    progress("prepared", len(rows), len(rows))


def _measure(cells: dict[str, dict[str, Cell]], rounds: int, progress: Progress) -> None:
    for round in range(rounds):
        for i, (id, row) in enumerate(cells.items()):
            progress(f"round {round + 1}: {id}", round * len(cells) + i, rounds * len(cells))
            # Another peer begins in each round, so that none always comes after the same one.
            order = list(row.values())
            order = order[round % len(order) :] + order[: round % len(order)] if order else []
            for cell in order:
                if cell.wants(round):
                    cell.measure()
    progress("measured", rounds * len(cells), rounds * len(cells))


def run(
    rows: Sequence[Row],
    peers: Sequence[str],
    settings: Settings,
    progress: Progress = lambda what, done, of: None,
) -> Run:
    """Measures the rows with the peers.

    Returns:
        The results in a form that JSON can hold; docs/benchmarks.md describes it.

    Raises:
        ValueError: There is no peer with one of the names.
    """
    names = list(dict.fromkeys(peers))
    for name in names:
        peer_class(name)
    before = machine.load_average()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(settings, Path(folder))
        try:
            bench.start_peers(names)
            cells = _cells(bench, rows)
            _prepare(rows, cells, progress)
            _measure(cells, settings.rounds, progress)
        finally:
            bench.close()
    return {
        "schema": SCHEMA,
        "machine": machine.describe(),
        "load_average": before,
        "settings": dataclasses.asdict(settings),
        "peers": bench.peers,
        "rows": [
            {
                "id": row.id,
                "group": row.group,
                "title": row.title,
                "unit": row.unit,
                "plotted": row.plotted,
                "cells": {name: cell.outcome for name, cell in cells[row.id].items()},
            }
            for row in rows
        ],
    }
