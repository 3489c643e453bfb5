# SPDX-License-Identifier: MIT
"""The report on a terminal, with rich: progress bars, and tables that fit the width."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from . import report
from .figures import Run
from .run import Progress as Report


@contextlib.contextmanager
def progress() -> Iterator[Report]:
    """Shows a progress bar on stderr if it is a terminal, and yields a function that moves it."""
    columns = (TextColumn("{task.description:32}"), BarColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as bar:
        task = bar.add_task("starting", total=None)

        def move(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        yield move


def _lines(row: dict[str, Any], peer: dict[str, Any]) -> str:
    """Returns the text of a cell, with the spread below the figure."""
    text = report.cell_text(row["cells"][peer["name"]], row["unit"])
    return re.sub(r" (?=[±+])", "\n", text.strip("*"))


def _title(row: dict[str, Any]) -> str:
    return str(row["title"]).replace("`", "")


def _table(rows: list[dict[str, Any]], peers: list[dict[str, Any]]) -> Table:
    table = Table()
    table.add_column("", overflow="fold")
    for peer in peers:
        style = "bold" if peer["name"] == report.OURS else "dim" if peer["floor"] else ""
        table.add_column(peer["title"], justify="right", style=style, overflow="fold")
    for row in rows:
        table.add_row(_title(row), *(Text(_lines(row, peer)) for peer in peers))
    return table


def _side_by_side(
    rows: list[dict[str, Any]], peers: list[dict[str, Any]], width: int
) -> Iterator[list[dict[str, Any]]]:
    """Yields as many peers at a time as there is room for, at least one."""
    beside = max(len(_title(row)) for row in rows) + 4
    chosen: list[dict[str, Any]] = []
    left = width - beside
    for peer in peers:
        texts = [peer["title"], *(_lines(row, peer) for row in rows)]
        wanted = max(len(line) for text in texts for line in text.split("\n")) + 3
        if chosen and wanted > left:
            yield chosen
            chosen, left = [], width - beside
        chosen.append(peer)
        left -= wanted
    if chosen:
        yield chosen


def show(run: Run, console: Console | None = None) -> None:
    """Prints the whole report. If the output is not a terminal, it is Markdown."""
    console = console or Console()
    if not console.is_terminal:
        console.file.write(report.markdown(run) + "\n")
        return
    peers = [peer for peer in run["peers"] if peer["installed"]]
    for line in report.about(run):
        console.print(line, highlight=False, markup=False)
    for title, rows in report.groups(run):
        console.print(f"\n[bold]{title}[/bold]")
        for some in _side_by_side(rows, report.taking_part(rows, peers), console.width):
            console.print(_table(rows, some))
    for section in report.sections(run):
        console.print(Markdown(section))
