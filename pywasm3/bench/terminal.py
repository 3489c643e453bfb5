# SPDX-License-Identifier: MIT
"""The report on a terminal: progress bars, and tables that know its width (rich)."""

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
    """A bar on stderr, and a function that moves it."""
    columns = (TextColumn("{task.description:32}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def move(what: str, done: int, of: int) -> None:
            bar.update(task, description=what, completed=done, total=of)

        yield move


def _table(rows: list[dict[str, Any]], peers: list[dict[str, Any]]) -> Table:
    doing = report.taking_part(rows, peers)
    table = Table()
    table.add_column("")
    for peer in doing:
        style = "bold" if peer["name"] == report.OURS else "dim" if peer["floor"] else ""
        table.add_column(peer["title"], justify="right", style=style)
    for row in rows:
        cells = (report.cell_text(row["cells"][p["name"]], row["unit"]) for p in doing)
        # The spread goes below the figure.
        texts = [Text(re.sub(r" (?=[±+])", "\n", cell.strip("*"))) for cell in cells]
        table.add_row(row["title"].replace("`", ""), *texts)
    return table


def show(run: Run, console: Console | None = None) -> None:
    """Prints the whole report."""
    console = console or Console()
    peers = [peer for peer in run["peers"] if peer["installed"]]
    for line in report.about(run):
        console.print(line, highlight=False, markup=False)
    for title, rows in report.groups(run):
        console.print(f"\n[bold]{title}[/bold]")
        console.print(_table(rows, peers))
    for section in report.sections(run):
        console.print(Markdown(section))
