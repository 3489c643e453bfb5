# SPDX-License-Identifier: MIT
"""Computes the figure of a cell from its values, and writes figures as text."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Run = dict[str, Any]  # The results of `run.run`, which JSON files hold.

SAME = 0.03  # Two figures that differ by less than this part of the first count as the same.

_NANOSECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B"))
_SCALES = {"ns": _NANOSECONDS, "B": _BYTES}
_RATES = ((1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s"), (1, "/s"))


@dataclasses.dataclass(frozen=True)
class Summary:
    """The figure of a cell, and the range in which it may lie."""

    figure: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """The width of the range, as a part of the figure."""
        return (self.high - self.low) / self.figure if self.figure else 0.0


def summary(values: Sequence[float], unit: str) -> Summary:
    """Summarizes one or more values.

    For times and sizes, the figure is the least value, and the range goes up to the lower quartile,
    because other processes can only add to a value. A ratio ("x") errs to both sides, so its figure
    is the median and its range lies between the quartiles.
    """
    if len(values) == 1:
        return Summary(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(median, low, high) if unit == "x" else Summary(min(values), min(values), low)


def differs(a: Summary, b: Summary) -> bool:
    """Returns whether two ranges do not overlap and their figures are far enough apart."""
    disjoint = a.high < b.low or b.high < a.low
    return disjoint and abs(b.figure - a.figure) > SAME * abs(a.figure)


def cell_summary(cell: Mapping[str, Any], unit: str) -> Summary | None:
    """Returns the summary of a cell of a run, or None if nothing was measured."""
    values = cell.get("values")
    return summary(values, unit) if values else None


def summaries(row: Mapping[str, Any]) -> dict[str, Summary]:
    """Returns the summaries of a row of a run by peer, for the cells that were measured."""
    cells = {peer: cell_summary(cell, row["unit"]) for peer, cell in row["cells"].items()}
    return {peer: found for peer, found in cells.items() if found is not None}


def measured(run: Run) -> dict[str, dict[str, float]]:
    """Returns the figures of a run by row and peer."""
    return {
        row["id"]: {peer: found.figure for peer, found in summaries(row).items()}
        for row in run["rows"]
    }


def three_digits(figure: float) -> str:
    """Writes a figure with three digits, since more would differ from run to run."""
    digits = 2 if abs(figure) < 9.995 else 1 if abs(figure) < 99.95 else 0
    return f"{figure:.{digits}f}"


def _scaled(figure: float, scale: Sequence[tuple[float, str]], gap: str) -> str:
    """Writes a figure in the largest unit that is not larger than it, or in the last unit."""
    size, name = next((step for step in scale if abs(figure) >= 0.9995 * step[0]), scale[-1])
    return f"{three_digits(figure / size)}{gap}{name}"


def figure_text(figure: float | None, unit: str) -> str:
    """Writes a figure with three digits in a fitting unit; None gives an empty text."""
    if figure is None:
        return ""
    return _scaled(figure, _SCALES.get(unit, ((1, unit),)), " ")


def rate_text(nanoseconds: float) -> str:
    """Writes how often per second something can happen that takes this long."""
    return _scaled(1e9 / nanoseconds, _RATES, "")
