# SPDX-License-Identifier: MIT
"""Draws call.svg, for ARCHITECTURE.md, and memory.svg, for bulk.md: ``python docs/pictures.py``.

tests/unit/test_readme.py fails when the committed pictures are not what this program draws.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, MARGIN = 920, 20
STYLE = """
  text { font-family: -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #222; }
  .head { font-weight: bold; font-size: 15px; }
  .step { font-size: 13px; }
  .note { font-size: 12px; fill: #555; }
  rect { stroke: #888; stroke-width: 1; }
  line { stroke: #555; stroke-width: 1.5; }
  .lane { stroke: #ccc; stroke-dasharray: 3 4; }
"""

# ---- the path of a call ----

LANES = ["your program", "native/cpython", "native/engine"]
FILLS = ["#ffffff", "#dcecd9", "#fdf0d5"]
LANE, BOX, STEP = 293, 276, 62
# The lane of each step, and its lines.
STEPS = [
    (0, "exports.add(2, 3)", ""),
    (1, "count the arguments, check their types,", "write them as cells of 64 bits"),
    (1, "enter the store: take the turn", ""),
    (2, "cells on the value stack;", "operations run, each jumps to the next"),
    (1, "an imported function was called:", "cells become objects"),
    (0, "your callable runs", ""),
    (1, "its result is checked,", "and becomes a cell"),
    (2, "operations run on,", "until the function returns"),
    (1, "leave the store;", "cells become objects"),
    (0, "5", ""),
]

# ---- the memory of an instance ----

# Width in pixels, fill, name, and what is true of it.
PARTS = [
    (250, "#cfe3cf", "pages of the guest", "memory[...], views, numpy"),
    (630, "#f4f4f4", "address space, reserved up to the maximum, or 4 GiB",
     "growing maps pages here, and moves nothing; before that, an access is a trap"),
]  # fmt: skip


def document(height: int, label: str, parts: list[str]) -> str:
    """The SVG document with these parts."""
    return "".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img" aria-label="{label}">\n',
            f"<style>{STYLE}</style>\n",
            '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="7" refY="4" '
            'orient="auto"><path d="M 0 0 L 8 4 L 0 8 z" fill="#555"/></marker></defs>\n',
            f'<rect x="0" y="0" width="{WIDTH}" height="{height}" fill="#fff" '
            'style="stroke:none"/>\n',
            *parts,
            "</svg>\n",
        ]
    )


def box(x: int, y: int, width: int, height: int, fill: str, lines: list[str]) -> str:
    """A box with one or two lines of text in its middle."""
    shown = [line for line in lines if line]
    first = y + height // 2 + 5 - 9 * (len(shown) - 1)
    texts = "".join(
        f'<text class="step" text-anchor="middle" x="{x + width // 2}" y="{first + 18 * i}">'
        f"{escape(line)}</text>\n"
        for i, line in enumerate(shown)
    )
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{fill}"/>\n{texts}'
    )


def lane_middle(lane: int) -> int:
    """Where the middle of a lane is, in pixels from the left."""
    return MARGIN + lane * LANE + LANE // 2


def call_step(index: int) -> str:
    """The box of a step, and the arrow that leads to it from the step before."""
    lane, *lines = STEPS[index]
    y = MARGIN + 36 + index * STEP
    parts = [box(lane_middle(lane) - BOX // 2, y, BOX, STEP - 16, FILLS[lane], lines)]
    if index:
        before, middle = lane_middle(STEPS[index - 1][0]), lane_middle(lane)
        bottom = y - 16
        # Between lanes, the arrow goes from side to side; within one, straight down.
        shift = 0 if before == middle else (60 if before < middle else -60)
        parts.append(
            f'<line x1="{before + shift}" y1="{bottom}" x2="{middle - shift}" y2="{y - 2}" '
            'marker-end="url(#head)"/>\n'
        )
    return "".join(parts)


def call_picture() -> str:
    """The path of a call, from Python to the engine and back."""
    height = MARGIN + 36 + len(STEPS) * STEP
    heads = [
        f'<text class="head" text-anchor="middle" x="{lane_middle(i)}" y="{MARGIN + 14}">'
        f"{escape(name)}</text>\n"
        f'<line class="lane" x1="{lane_middle(i)}" y1="{MARGIN + 24}" x2="{lane_middle(i)}" '
        f'y2="{height - MARGIN}"/>\n'
        for i, name in enumerate(LANES)
    ]
    steps = [call_step(i) for i in range(len(STEPS))]
    return document(height, "The path of a call", [*heads, *steps])


def memory_picture() -> str:
    """The address space of a linear memory."""
    top, height = MARGIN + 24, 56
    parts, x = [], MARGIN
    parts.append(
        f'<text class="note" x="{MARGIN}" y="{MARGIN + 10}">address 0 of the guest; it stays where '
        "it is as long as the memory lives</text>\n"
    )
    for width, fill, name, note in PARTS:
        parts.append(box(x, top, width, height, fill, [name]))
        parts.append(
            f'<text class="note" text-anchor="middle" x="{x + width // 2}" '
            f'y="{top + height + 20}">{escape(note)}</text>\n'
        )
        x += width
    return document(top + height + 36, "The address space of a linear memory", parts)


PICTURES = {"call.svg": call_picture, "memory.svg": memory_picture}


if __name__ == "__main__":
    for name, draw in PICTURES.items():
        Path(__file__).with_name(name).write_text(draw(), encoding="utf-8")
