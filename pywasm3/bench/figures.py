# SPDX-License-Identifier: MIT
"""What is made of the values of a cell, and how a figure is written."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Run = dict[str, Any]  # what `run` returns, and JSON files hold

SAME = 0.02  # as parts of the first: less is no difference

_NANOSECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B"))
_SCALES = {"ns": _NANOSECONDS, "B": _BYTES}


@dataclasses.dataclass(frozen=True)
class Summary:
    """The median, and the quartiles around it."""

    median: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Half of what lies between the quartiles, in medians."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def summary(values: Sequence[float]) -> Summary:
    """Of at least one value; with less than four, the quartiles are the extremes."""
    if len(values) < 4:
        return Summary(statistics.median(values), min(values), max(values))
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(median, low, high)


def differs(a: Summary, b: Summary) -> bool:
    """Whether the quartiles do not overlap, and the medians are apart."""
    disjoint = a.high < b.low or b.high < a.low
    return disjoint and abs(b.median / a.median - 1) > SAME


def cell_summary(cell: Mapping[str, Any] | None) -> Summary | None:
    """Of a cell of a run; None if nothing was measured."""
    values = (cell or {}).get("values")
    return summary(values) if values else None


def summaries(row: Mapping[str, Any]) -> dict[str, Summary]:
    """Of a row of a run, by peer, what was measured."""
    cells = {peer: cell_summary(cell) for peer, cell in row["cells"].items()}
    return {peer: found for peer, found in cells.items() if found is not None}


def medians(run: Run) -> dict[str, dict[str, float]]:
    """By row and peer, what was measured."""
    return {
        row["id"]: {peer: found.median for peer, found in summaries(row).items()}
        for row in run["rows"]
    }


def three_digits(figure: float) -> str:
    """As many as repeat."""
    digits = 0 if abs(figure) >= 100 else 1 if abs(figure) >= 10 else 2
    return f"{figure:.{digits}f}"


def figure_text(figure: float | None, unit: str) -> str:
    """Three digits, in the fitting power of the unit; nothing for None."""
    if figure is None:
        return ""
    for size, name in _SCALES.get(unit, ()):
        if abs(figure) >= size or size == 1:
            return f"{three_digits(figure / size)} {name}"
    return f"{three_digits(figure)} {unit}".rstrip()


def rate_text(nanoseconds: float) -> str:
    """How often a second that is."""
    rate = 1e9 / nanoseconds
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{three_digits(rate / size)}{name}/s"
    return f"{three_digits(rate)}/s"
