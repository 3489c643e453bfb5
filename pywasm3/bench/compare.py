# SPDX-License-Identifier: MIT
"""Compares two runs, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .figures import Run, Summary, cell_summary, differs, figure_text, three_digits


def verdict(before: Summary, after: Summary, unit: str) -> str:
    """Returns "better", "worse", or "same" if the difference may be noise."""
    if not differs(before, after):
        return "same"
    better = (after.figure > before.figure) == (unit == "x")
    return "better" if better else "worse"


def _cells(run: Run) -> dict[tuple[str, str], tuple[dict[str, Any], dict[str, Any]]]:
    return {
        (row["id"], name): (row, cell) for row in run["rows"] for name, cell in row["cells"].items()
    }


def _what(cell: dict[str, Any]) -> str:
    return next((word for word in ("failed", "cannot") if word in cell), "not measured")


def lines(first: Run, second: Run) -> Iterator[tuple[str, ...]]:
    """Yields row, peer, both figures, their ratio and the verdict, for cells of both runs."""
    after = _cells(second)
    for key, (row, cell) in _cells(first).items():
        if key not in after:
            continue
        a, b = (cell_summary(c, row["unit"]) for c in (cell, after[key][1]))
        if a is not None and b is not None:
            ratio = three_digits(b.figure / a.figure) if a.figure else ""
            figures = (figure_text(s.figure, row["unit"]) for s in (a, b))
            yield (*key, *figures, ratio, verdict(a, b, row["unit"]))
        elif a is not None or b is not None:
            texts = (
                figure_text(s.figure, row["unit"]) if s is not None else _what(c)
                for s, c in ((a, cell), (b, after[key][1]))
            )
            yield (*key, *texts, "", "worse" if b is None else "better")


def _differences(first: Run, second: Run) -> Iterator[str]:
    """Yields how the machines and versions differ, and which rows only one of the runs has."""
    before, after = (
        run["machine"] | {p["name"]: p["version"] for p in run["peers"] if p["installed"]}
        for run in (first, second)
    )
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield f"- {name}: {before.get(name, 'none')}, then {after.get(name, 'none')}"
    rows = [dict.fromkeys(row["id"] for row in run["rows"]) for run in (first, second)]
    for which, here, there in (("first", *rows), ("second", *reversed(rows))):
        alone = [id for id in here if id not in there]
        if alone:
            yield f"- only in the {which}: {', '.join(alone)}"


def markdown(first: Run, second: Run) -> str:
    """Returns the comparison as a table, and a list of what else differs between the runs."""
    cells = [("row", "peer", "first", "second", "ratio", ""), ("---",) * 6, *lines(first, second)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = "\n".join(
        "| " + " | ".join(t.ljust(w) for t, w in zip(line, widths, strict=True)) + " |"
        for line in cells
    )
    notes = list(_differences(first, second))
    return "\n".join([text, *(["", "What else differs:", *notes] if notes else [])])
