# SPDX-License-Identifier: MIT
"""Draws docs/architecture.svg, the picture of ARCHITECTURE.md: ``python docs/architecture.py``.

tests/unit/test_readme.py fails when the committed picture is not what this program draws.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, MARGIN, GAP = 920, 20, 14
BAND, HEAD = 62, 30
SIDE = 200  # the column of C extension modules, to the right

# Name, what it does, fill colour. From the top to the bottom.
LAYERS = [
    ("your program", "import pywasm3", "#ffffff"),
    ("pywasm3/", "Python: Module, Instance, errors, WASI, command line", "#e8f1fb"),
    ("native/cpython/", "Function, Memory, Store: values, turns, stopping calls", "#dcecd9"),
    ("native/embed/", "the C API: stores, instances, linking, calls, snapshots", "#fdf0d5"),
    ("native/engine/", "wasm3 in one translation unit, and our overrides of it", "#fdf0d5"),
    ("native/runtime/", "the specification's store: memories, tables, globals, types", "#fdf0d5"),
    ("native/validate/", "checks code, and makes bytes a valid module", "#fdf0d5"),
    ("native/decode/", "reads the binary format into the tables of a module", "#fdf0d5"),
    ("native/base/", "values, errors, traps, limits, opcodes, the operating system", "#f0f0f0"),
]  # fmt: skip
# Arrows beside the straight way down: from layer, to layer, column, words.
DETOURS = [(1, 3, 0, "cffi"), (2, 3, 1, "table of functions")]
# Which layers an extension module contains: first, last, its name.
MODULES = [(2, 2, "pywasm3._cpython"), (3, 8, "pywasm3._engine")]

STYLE = """
  text { font-family: -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #222; }
  .name { font-weight: bold; font-size: 16px; }
  .does { font-size: 13px; }
  .side { font-size: 13px; font-style: italic; }
  rect { stroke: #888; stroke-width: 1; }
  line, path { stroke: #555; stroke-width: 1.5; fill: none; }
"""


def top(layer: int) -> int:
    """The upper edge of a layer, in pixels."""
    return MARGIN + HEAD + layer * (BAND + GAP)


def band(layer: int) -> str:
    """A layer's box with its two lines of text."""
    name, does, fill = LAYERS[layer]
    y, width = top(layer), WIDTH - 2 * MARGIN - SIDE
    return (
        f'<rect x="{MARGIN}" y="{y}" width="{width}" height="{BAND}" rx="6" fill="{fill}"/>\n'
        f'<text class="name" x="{MARGIN + 16}" y="{y + 26}">{escape(name)}</text>\n'
        f'<text class="does" x="{MARGIN + 16}" y="{y + 47}">{escape(does)}</text>\n'
    )


def arrow(layer: int) -> str:
    """The arrow from a layer to the next one below."""
    x = MARGIN + (WIDTH - 2 * MARGIN - SIDE) // 2
    y = top(layer) + BAND
    return f'<line x1="{x}" y1="{y}" x2="{x}" y2="{y + GAP - 2}" marker-end="url(#head)"/>\n'


def detour(start: int, end: int, column: int, words: str) -> str:
    """An arrow to a lower layer, with words, on the right of the boxes."""
    right = WIDTH - MARGIN - SIDE
    x, y1, y2 = right + 18 + 14 * column, top(start) + BAND // 2, top(end) + 18 + 16 * column
    label = top(start) + BAND // 2 + 5
    return (
        f'<path d="M {right} {y1} H {x} V {y2} H {right + 3}" marker-end="url(#head)"/>\n'
        f'<text class="side" x="{x + 8}" y="{label}">{escape(words)}</text>\n'
    )


def module(first: int, last: int, name: str) -> str:
    """The name of an extension module: in its one layer, or at a bracket around its layers."""
    x, y1, y2 = WIDTH - MARGIN - SIDE + 60, top(first) + 22, top(last) + BAND - 4
    middle = (y1 + y2) // 2 + 5
    if first == last:
        inside = f'text-anchor="end" x="{WIDTH - MARGIN - SIDE - 16}" y="{y1 + 4}"'
        return f'<text class="side" {inside}>{escape(name)}</text>\n'
    return (
        f'<path d="M {x} {y1} H {x + 8} V {y2} H {x}"/>\n'
        f'<text class="side" x="{x + 16}" y="{middle}">{escape(name)}</text>\n'
    )


def picture() -> str:
    """The whole SVG document."""
    height = top(len(LAYERS)) + MARGIN - GAP
    title = "An arrow means: may include and call. Arrows only ever point down."
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label="The layers of pywasm3">\n',
        f"<style>{STYLE}</style>\n",
        '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="7" refY="4" orient="auto">'
        '<path d="M 0 0 L 8 4 L 0 8 z" style="fill:#555;stroke:none"/></marker></defs>\n',
        f'<rect x="0" y="0" width="{WIDTH}" height="{height}" fill="#fff" stroke="none" '
        'style="stroke:none"/>\n',
        f'<text class="does" x="{MARGIN}" y="{MARGIN + 12}">{title}</text>\n',
        *(band(layer) for layer in range(len(LAYERS))),
        *(arrow(layer) for layer in range(len(LAYERS) - 1) if layer != 2),
        *(detour(*item) for item in DETOURS),
        *(module(*item) for item in MODULES),
        "</svg>\n",
    ]
    return "".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("architecture.svg").write_text(picture(), encoding="utf-8")
