# SPDX-License-Identifier: MIT
"""Draws a chart of a run: a line for each row, a mark for each peer, on a logarithmic scale."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .figures import Run, figure_text, measured, rate_text
from .report import OURS, groups

SUFFIXES = (".svg", ".png", ".pdf")
ROW_INCHES = 0.27
# The marks differ in shape, so that they can be told apart without colours.
MARKERS = "oDv^sP*X<>hp"
COLORS = ("tab:blue", "tab:green", "tab:orange", "tab:purple", "tab:brown", "tab:cyan", "tab:olive")


def _lines(run: Run) -> list[tuple[str, dict[str, Any] | None]]:
    """Returns the lines of the chart from top to bottom: titles of groups, and rows."""
    figures = measured(run)
    found: list[tuple[str, dict[str, Any] | None]] = []
    for title, rows in groups(run):
        plotted = [r for r in rows if r["plotted"] and r["unit"] == "ns" and figures[r["id"]]]
        if plotted:
            found.append((title, None))
            found += [(row["title"].replace("`", ""), row) for row in plotted]
    return found


def _draw_peers(axes: Any, run: Run, lines: list[tuple[str, dict[str, Any] | None]]) -> None:
    figures = measured(run)
    for i, peer in enumerate(peer for peer in run["peers"] if peer["installed"]):
        points = [
            (figures[row["id"]][peer["name"]], -y)
            for y, (_, row) in enumerate(lines)
            if row is not None and peer["name"] in figures[row["id"]]
        ]
        if not points:
            continue
        ours = peer["name"] == OURS
        axes.scatter(
            *zip(*points, strict=True),
            label=f"{peer['title']} {peer['version']}".strip(),
            marker=MARKERS[i % len(MARKERS)],
            s=55 if ours else 26,
            color="crimson" if ours else "gray" if peer["floor"] else COLORS[i % len(COLORS)],
            facecolors="none" if peer["floor"] else None,
            zorder=3 if ours else 2,
        )


def _draw_rows(axes: Any, run: Run, lines: list[tuple[str, dict[str, Any] | None]]) -> None:
    figures = measured(run)
    for y, (_, row) in enumerate(lines):
        if row is None:
            continue
        values = figures[row["id"]].values()
        axes.plot([min(values), max(values)], [-y, -y], color="0.88", zorder=1, linewidth=2)
        ours = figures[row["id"]].get(OURS)
        if ours is not None:
            text = f"{figure_text(ours, 'ns')}, {rate_text(ours)}"
            # The figures form a column at the right edge, wherever the marks are.
            axes.text(1.01, -y, text, transform=axes.get_yaxis_transform(), va="center", size=7)


def power_text(nanoseconds: float, *, rate: bool = False) -> str:
    """Writes a power of ten on an axis, without the zeros that a measured figure would have."""
    text = rate_text(nanoseconds) if rate else figure_text(nanoseconds, "ns")
    return re.sub(r"\.0+(?=\D|$)", "", text)


def _label(axes: Any, lines: list[tuple[str, dict[str, Any] | None]]) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator

    axes.set_xscale("log")
    axes.set_yticks([-y for y in range(len(lines))], [text for text, _ in lines])
    for label, (_, row) in zip(axes.get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if row is None else "normal")
        label.set_fontsize(8)
    axes.set_ylim(-len(lines) + 0.5, 0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color="0.93")
    axes.xaxis.set_major_locator(LogLocator(numticks=20))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
    axes.set_xlabel("time, less is better (at the right: pywasm3)")
    above = axes.secondary_xaxis("top")
    above.xaxis.set_major_locator(LogLocator(numticks=20))
    above.xaxis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value, rate=True)))
    above.set_xlabel("calls per second")
    for side in ("right", "left"):
        axes.spines[side].set_visible(False)


def require_format(path: Path) -> None:
    """Raises ValueError unless the file's suffix is one of SUFFIXES."""
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: the name must end with {', '.join(SUFFIXES)}")


def plot(run: Run, path: Path) -> None:
    """Writes the chart, in the format that the suffix of the path names.

    Raises:
        ValueError: The suffix is not one of SUFFIXES, or nothing was measured in nanoseconds.
    """
    require_format(path)
    lines = _lines(run)
    if not lines:
        raise ValueError("nothing was measured that the chart could show")
    import matplotlib
    from matplotlib.figure import Figure

    # The settings make the file depend on the figures alone: the same run gives the same file.
    with matplotlib.rc_context({"svg.hashsalt": "pywasm3", "svg.fonttype": "none"}):
        figure = Figure(figsize=(10, 1.9 + ROW_INCHES * len(lines)), layout="constrained")
        axes = figure.add_subplot()
        _draw_rows(axes, run, lines)
        _draw_peers(axes, run, lines)
        _label(axes, lines)
        figure.suptitle(f"{run['machine']['processor']}, {run['machine']['python']}", size=9)
        figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
        date = {"Date": None} if path.suffix.lower() == ".svg" else None
        figure.savefig(path, dpi=150, metadata=date)
