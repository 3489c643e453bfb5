# SPDX-License-Identifier: MIT
"""What is made of the values of a cell, and how a figure is written."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

Run = dict[str, Any]  # what `run` returns, and JSON files hold

SAME = 0.03  # as parts of the first: less is no difference

_NANOSECONDS = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "KB"), (1, "B"))
_SCALES = {"ns": _NANOSECONDS, "B": _BYTES}
_RATES = ((1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s"), (1, "/s"))


@dataclasses.dataclass(frozen=True)
class Summary:
    """The figure of a cell, and between what it may lie."""

    figure: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """What lies between, in figures."""
        return (self.high - self.low) / self.figure if self.figure else 0.0


def summary(values: Sequence[float], unit: str) -> Summary:
    """Of at least one value.

    Of times and sizes the least, and up to the lower quartile: what other processes do only adds.
    Of ratios ("x"), which err to both sides, the median, and the quartiles.
    """
    if len(values) == 1:
        return Summary(values[0], values[0], values[0])
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return Summary(median, low, high) if unit == "x" else Summary(min(values), min(values), low)


def differs(a: Summary, b: Summary) -> bool:
    """Whether the ranges do not overlap, and the figures are apart."""
    disjoint = a.high < b.low or b.high < a.low
    return disjoint and abs(b.figure - a.figure) > SAME * abs(a.figure)


def cell_summary(cell: Mapping[str, Any], unit: str) -> Summary | None:
    """Of a cell of a run; None if nothing was measured."""
    values = cell.get("values")
    return summary(values, unit) if values else None


def summaries(row: Mapping[str, Any]) -> dict[str, Summary]:
    """Of a row of a run, by peer, what was measured."""
    cells = {peer: cell_summary(cell, row["unit"]) for peer, cell in row["cells"].items()}
    return {peer: found for peer, found in cells.items() if found is not None}


def measured(run: Run) -> dict[str, dict[str, float]]:
    """The figures by row and peer."""
    return {
        row["id"]: {peer: found.figure for peer, found in summaries(row).items()}
        for row in run["rows"]
    }


def three_digits(figure: float) -> str:
    """As many as repeat."""
    digits = 2 if abs(figure) < 9.995 else 1 if abs(figure) < 99.95 else 0
    return f"{figure:.{digits}f}"


def _scaled(figure: float, scale: Sequence[tuple[float, str]], gap: str) -> str:
    """In the largest power of which there is one, rounded; else in the last."""
    size, name = next((step for step in scale if abs(figure) >= 0.9995 * step[0]), scale[-1])
    return f"{three_digits(figure / size)}{gap}{name}"


def figure_text(figure: float | None, unit: str) -> str:
    """Three digits, in the fitting power of the unit; nothing for None."""
    if figure is None:
        return ""
    return _scaled(figure, _SCALES.get(unit, ((1, unit),)), " ")


def rate_text(nanoseconds: float) -> str:
    """How often a second that is."""
    return _scaled(1e9 / nanoseconds, _RATES, "")
