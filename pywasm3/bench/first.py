# SPDX-License-Identifier: MIT
"""Draws the time to the first result against the size of the module, and who is ahead from when on.

The left chart has a mark for each program and engine. The right one has a bar for each program: a
compiling engine is ahead of pywasm3 where the bar ends, and behind it before.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .figures import Run, figure_text, measured, three_digits
from .guests import guest
from .plot import COLORS, MARKERS, power_text, require_format
from .programs import PROGRAMS
from .report import OURS, jobs, overtaking
from .rows import REAL

BAR_INCHES = 0.24
ROOM = 500  # The axis goes on so many times as far as the longest bar, whose text is at its end.
STARTS = ("start/", f"{REAL}start/")


def module_bytes(name: str) -> int:
    """Returns the size of the module of a job or a small guest."""
    return PROGRAMS[name].size if name in PROGRAMS else len(guest(name).binary)


def points(run: Run) -> dict[str, dict[str, float]]:
    """Returns the nanoseconds to the first result by module and peer, the smallest module first."""
    found = {
        id.removeprefix(start): figures
        for id, figures in measured(run).items()
        for start in STARTS
        if id.startswith(start) and figures
    }
    return dict(sorted(found.items(), key=lambda item: module_bytes(item[0])))


def _draw_points(axes: Any, run: Run) -> None:
    found = points(run)
    for i, peer in enumerate(peer for peer in run["peers"] if peer["installed"]):
        times = {name: at[peer["name"]] for name, at in found.items() if peer["name"] in at}
        if not times:
            continue
        ours = peer["name"] == OURS
        axes.scatter(
            [module_bytes(name) for name in times],
            list(times.values()),
            label=f"{peer['title']} {peer['version']}".strip(),
            marker=MARKERS[i % len(MARKERS)],
            s=55 if ours else 26,
            color="crimson" if ours else COLORS[i % len(COLORS)],
            zorder=3 if ours else 2,
        )
    for name, at in found.items():
        size, least = module_bytes(name), min(at.values())
        axes.plot([size, size], [least, max(at.values())], color="0.88", zorder=1, linewidth=2)
        if name in PROGRAMS:
            left = _has_more_larger_neighbours(name, found)
            axes.annotate(
                PROGRAMS[name].title, (size, least), xytext=(-6 if left else 6, -3),
                textcoords="offset points", size=7, color="0.35", ha="right" if left else "left",
            )  # fmt: skip
    axes.margins(x=0.1)


def _has_more_larger_neighbours(name: str, names: Iterable[str]) -> bool:
    """Returns whether a mark has more others close to its right than to its left."""
    ratios = [module_bytes(other) / module_bytes(name) for other in names]
    return sum(1 < ratio < 2 for ratio in ratios) > sum(0.5 < ratio < 1 for ratio in ratios)


def _draw_bars(axes: Any, run: Run) -> None:
    """Draws a bar for each job and each engine that is much faster at it, the longest on top."""
    from matplotlib.ticker import FuncFormatter, LogLocator

    bars = sorted(overtaking(run), key=lambda bar: bar[2].after)
    peers = [peer["name"] for peer in run["peers"] if peer["installed"]]
    several = len({name for _, name, _ in bars}) > 1
    for y, (_, name, found) in enumerate(bars):
        axes.barh(y, found.after, height=0.6, color=COLORS[peers.index(name) % len(COLORS)])
        text = f"{figure_text(found.after, 'ns')}, then {three_digits(found.faster)} x"
        axes.annotate(
            text, (found.after, y), xytext=(4, 0), textcoords="offset points", size=7, va="center"
        )
    texts = [f"{jobs()[job]}{f', {name}' if several else ''}" for job, name, _ in bars]
    axes.set_yticks(range(len(bars)), texts, size=8)
    axes.tick_params(axis="y", length=0)
    axes.set_xscale("log")
    axes.set_xlim(bars[0][2].after / 10, bars[-1][2].after * ROOM)
    axes.margins(y=0.02)
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title("work in pywasm3 after which the other engine is ahead", size=9)


def _label(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter

    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(color="0.93")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _size_text(value)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
    axes.tick_params(labelsize=8)
    axes.set_xlabel("size of the module", size=9)
    axes.set_title("time from the bytes of a module to its first result", size=9)


def _size_text(size: float) -> str:
    """Writes a power of ten of bytes, without the zeros that a measured figure would have."""
    return figure_text(size, "B").replace(".00 ", " ").replace(".0 ", " ")


def draw(run: Run, path: Path) -> None:
    """Writes the picture, in the format that the suffix of the path names.

    Raises:
        ValueError: The suffix is not one of SUFFIXES, or no row of a start was measured.
    """
    require_format(path)
    if not points(run):
        raise ValueError("no row of a start was measured: try --rows 'start/*,compute/*,real*'")
    import matplotlib
    from matplotlib.figure import Figure

    bars = len(list(overtaking(run)))
    # The settings make the file depend on the figures alone: the same run gives the same file.
    with matplotlib.rc_context({"svg.hashsalt": "pywasm3", "svg.fonttype": "none"}):
        size = (11, max(4.5, 1.6 + BAR_INCHES * bars))
        figure = Figure(figsize=size, layout="constrained")
        left, *right = figure.subplots(1, 2, width_ratios=(5, 4)) if bars else [figure.subplots()]
        _draw_points(left, run)
        _label(left)
        for axes in right:
            _draw_bars(axes, run)
        figure.suptitle(f"{run['machine']['processor']}, {run['machine']['python']}", size=9)
        figure.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
        date = {"Date": None} if path.suffix.lower() == ".svg" else None
        figure.savefig(path, dpi=150, metadata=date)
