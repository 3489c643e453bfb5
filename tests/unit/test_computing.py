# SPDX-License-Identifier: MIT
"""The small programs of benchmarks/compute.py give the same here as in wasmtime, and are drawn."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "benchmarks"))
from computing import chart
from computing.engines import of_peer
from computing.rows import FOLDER, Row, small_programs

from pywasm3.bench.peers.ours import Pywasm3
from pywasm3.bench.peers.wasmtime import Wasmtime

ROWS = small_programs()
ours, wasmtime = of_peer(Pywasm3("")), of_peer(Wasmtime(""))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_program_computes_what_wasmtime_computes(row: Row) -> None:
    here, there = (
        row.prepare(engine(row.data(), row.imports)).result() for engine in (ours, wasmtime)
    )
    assert here == there
    assert here != 0  # Guests return 0 if they find that their result is wrong.
    assert row.expected in (None, here)


def test_the_three_matrices_give_the_same() -> None:
    results = {
        row.prepare(ours(row.data(), row.imports)).result()
        for row in ROWS
        if row.name.startswith("matrix-")
    }
    assert len(results) == 1


def test_every_compiled_guest_has_a_row() -> None:
    compiled = {path.read_bytes() for path in FOLDER.glob("*.wasm")}
    assert compiled <= {row.data() for row in ROWS}


def test_the_committed_guests_are_small() -> None:
    assert sum(path.stat().st_size for path in FOLDER.glob("*.wasm")) < 150_000


def figure(name: str, *, program: bool, **seconds: float) -> dict[str, Any]:
    return {"name": name, "compiler": "C & Co.", "program": program, "seconds": seconds}


def test_the_picture_has_every_row_and_the_mean() -> None:
    figures = [
        figure("slow", program=False, stock=1.0, ours=2.0, wasmtime=0.5),
        figure("fast", program=True, stock=8.0, ours=1.0, wasmtime=0.5),
    ]
    drawn = ElementTree.fromstring(chart.draw(figures, {"system": "<any>"}))
    texts = [element.text for element in drawn.iter("{http://www.w3.org/2000/svg}text")]
    for text in ("slow (C & Co.)", "fast (C & Co.)", "0.50 / 2.0", "8.00 / 16.0", "system: <any>"):
        assert text in texts
    assert "2.00 / 5.7" in texts  # the geometric means


def test_the_mean_of_wasmtime_is_that_of_the_ratios() -> None:
    figures = [
        figure("a", program=False, stock=1.0, ours=4.0, wasmtime=2.0),
        figure("b", program=False, stock=1.0, ours=8.0, wasmtime=1.0),
    ]
    assert chart.mean_of_wasmtime(figures) == pytest.approx(4.0)
