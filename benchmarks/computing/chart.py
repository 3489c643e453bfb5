# SPDX-License-Identifier: MIT
"""Draws the result of compute.py: for each row, both speeds on a logarithmic scale.

A row has a dot for pywasm3 and a diamond for wasmtime, whose place says how many times as fast as
stock wasm3 they are. The line at 1 is stock wasm3.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

WIDTH, MARGIN, LINE = 860, 16, 20
LEFT, RIGHT = 330, 90  # the columns of texts beside the scale
HEAD, FOOT = 64, 40
TICKS = (0.5, 1, 1.4, 2, 4, 8, 16, 32)

STYLE = """
  text { font-family: -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; font-size: 12px; }
  text { fill: #222; }
  .head { font-size: 15px; font-weight: bold; }
  .mean { font-weight: bold; }
  .note { fill: #666; font-size: 11px; }
  .grid { stroke: #ddd; }
  .stock { stroke: #888; stroke-width: 2; }
  .goal { stroke: #888; stroke-dasharray: 4 3; }
  .span { stroke: #ddd; stroke-width: 3; }
  .ours { fill: crimson; }
  .compiled { fill: none; stroke: #3367a8; stroke-width: 1.5; }
"""


def speed(figure: Mapping[str, Any], engine: str = "ours") -> float:
    """Returns how many times as fast as stock wasm3 an engine is."""
    return float(figure["seconds"]["stock"] / figure["seconds"][engine])


def mean_speed(figures: Sequence[Mapping[str, Any]], engine: str = "ours") -> float:
    """Returns the geometric mean of the speeds of all rows."""
    return statistics.geometric_mean(speed(figure, engine) for figure in figures)


def mean_of_wasmtime(figures: Sequence[Mapping[str, Any]]) -> float:
    """Returns the geometric mean of our times, as multiples of those of wasmtime."""
    return mean_speed(figures, "wasmtime") / mean_speed(figures)


class _Scale:
    """The places of speeds on the horizontal axis."""

    def __init__(self, speeds: Sequence[float]) -> None:
        self.low = min([0.8, *speeds]) / 1.08
        self.high = max([2.0, *speeds]) * 1.08

    def x(self, value: float) -> float:
        part = math.log(value / self.low) / math.log(self.high / self.low)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[float]:
        return [tick for tick in TICKS if self.low <= tick <= self.high]


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'
    )


def _line(x: float, x2: float, y: float, y2: float, kind: str) -> str:
    return f'<line x1="{x:.1f}" x2="{x2:.1f}" y1="{y:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _row(scale: _Scale, y: float, title: str, ours: float, compiled: float, kind: str) -> list[str]:
    x, x2 = scale.x(ours), scale.x(compiled)
    diamond = f"M {x2 - 5:.1f} {y:.1f} l 5 -5 l 5 5 l -5 5 z"
    return [
        _line(x, x2, y, y, "span"),
        f'<path d="{diamond}" class="compiled"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="ours"/>',
        _text(LEFT - 14, y + 4, title, kind, "end"),
        _text(WIDTH - MARGIN, y + 4, f"{ours:.2f} / {compiled:.1f}", kind, "end"),
    ]


def _frame(scale: _Scale, bottom: float) -> list[str]:
    lines = []
    for tick in scale.ticks():
        x = scale.x(tick)
        kind = {1: "stock", 1.4: "goal"}.get(tick, "grid")
        lines.append(_line(x, x, HEAD, bottom, kind))
        lines.append(_text(x, bottom + 16, f"{tick:g}", "note", "middle"))
    return lines


def draw(figures: Sequence[Mapping[str, Any]], machine: Mapping[str, str]) -> str:
    """Returns the picture as SVG."""
    speeds = [speed(figure, engine) for figure in figures for engine in ("ours", "wasmtime")]
    scale = _Scale(speeds)
    small = [figure for figure in figures if not figure["program"]]
    whole = [figure for figure in figures if figure["program"]]
    bottom = HEAD + LINE * (len(figures) + 1.5 + (0.5 if small and whole else 0))
    height = bottom + FOOT
    parts = [
        _text(MARGIN, 26, "How many times as fast as stock wasm3", "head"),
        _text(
            MARGIN, 46, "Dot: pywasm3. Diamond: wasmtime, which compiles to machine code.", "note"
        ),
        _text(WIDTH - MARGIN, 46, "pywasm3 / wasmtime", "note", "end"),
        *_frame(scale, bottom),
    ]
    y = HEAD + LINE * 0.75
    for group in (small, whole):
        for figure in group:
            title = f"{figure['name']} ({figure['compiler']})"
            parts += _row(scale, y, title, speed(figure), speed(figure, "wasmtime"), "")
            y += LINE
        y += LINE * 0.5 if group is small and group and whole else 0
    both = mean_speed(figures), mean_speed(figures, "wasmtime")
    parts += _row(scale, y, "geometric mean", *both, "mean")
    where = "; ".join(f"{name}: {value}" for name, value in machine.items())
    parts.append(_text(MARGIN, height - 8, where, "note"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        f'width="{WIDTH}" height="{height:.0f}">\n<style>{STYLE}</style>\n'
        f'<rect width="{WIDTH}" height="{height:.0f}" fill="#fff"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )
