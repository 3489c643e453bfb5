# SPDX-License-Identifier: MIT
"""Measures how long renderings take, here and in wasmtime: ``python measure.py templates.wasm``.

wasmtime runs the same guest. It cannot bring an instance back to an earlier state, so one that is
used again keeps what a rendering has left. The best of several rounds counts; use an idle machine.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wasmtime
from demo import ORDER, PAGES
from templates import MAX_RESULT_BYTES, WASI, Templates, define, render

import pywasm3
from pywasm3.bench.machine import describe

SOURCES = {path.name: path.read_text() for path in PAGES.iterdir()}
PAGE = "order.html"
ORDERS = {"2 rows": ORDER, "50 rows": {**ORDER, "items": ORDER["items"] * 25}}
Work = Callable[[], Any]


class InWasmtime:
    """The guest in wasmtime, with the templates."""

    def __init__(self, engine: wasmtime.Engine, module: wasmtime.Module) -> None:
        self._store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        self._store.set_wasi(wasmtime.WasiConfig())
        linker.define_wasi()
        self._exports: Any = linker.instantiate(self._store, module).exports(self._store)
        self._call("_initialize")
        for name, source in SOURCES.items():
            self._answer("define", name, source)
        self._answer("prepare")

    def _call(self, name: str, *arguments: int) -> Any:
        return self._exports[name](self._store, *arguments)

    def _answer(self, function: str, *texts: str, more: tuple[int, ...] = ()) -> str:
        """Calls a function with texts. Returns its answer without the sign for success."""
        memory, numbers = self._exports["memory"], []
        for data in map(str.encode, texts):
            numbers += [self._call("allocate", len(data)), len(data)]
            memory.write(self._store, data, numbers[-2])
        packed = self._call(function, *numbers, *more)
        address, size = packed >> 32 & 0xFFFFFFFF, packed & 0xFFFFFFFF
        answer = memory.read(self._store, address, address + size).decode()
        for used in (*numbers[::2], address):
            self._call("release", used)
        return answer[1:]

    def render(self, data: object) -> str:
        """Renders the page."""
        return self._answer("render", PAGE, json.dumps(data), more=(MAX_RESULT_BYTES,))


def show(what: str, work: Work, times: int) -> Any:
    """Prints the least time that some work takes. Returns its last result."""
    best = float("inf")
    for _ in range(times):
        begin = time.perf_counter()
        result = work()
        best = min(best, time.perf_counter() - begin)
    print(f"{what:50} {best * 1e3:9.2f} ms")
    return result


def in_wasmtime(data: bytes, times: int) -> InWasmtime:
    """Measures how long wasmtime needs for the start. Returns an instance."""
    engine = wasmtime.Engine()
    module = show("wasmtime: compile the module", lambda: wasmtime.Module(engine, data), 1)
    start = "wasmtime: start, and parse the templates"
    guest: InWasmtime = show(start, lambda: InWasmtime(engine, module), times)
    return guest


def main() -> None:
    """Measures everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("module", type=Path)
    parser.add_argument("--times", type=int, default=200, help="renderings; the best counts")
    parser.add_argument("--no-wasmtime", action="store_true", help="wasmtime compiles for seconds")
    options = parser.parse_args()
    times, data = options.times, options.module.read_bytes()
    few = max(1, times // 20)
    print(", ".join(describe().values()))
    module = show("pywasm3: load the module", lambda: pywasm3.Module(data), few)
    pages = show("pywasm3: start, and parse the templates", lambda: Templates(module, SOURCES), few)
    kept = pywasm3.Instance(module, wasi=WASI)
    define(kept, SOURCES)
    guest = None if options.no_wasmtime else in_wasmtime(data, few)
    for name, order in ORDERS.items():
        ways: dict[str, Work] = {
            "pywasm3, from a pool": lambda it=order: pages.render(PAGE, it),
            "pywasm3, an instance that is kept": lambda it=order: render(kept, PAGE, it),
        }
        if guest is not None:
            ways["wasmtime, an instance that is kept"] = lambda it=order: guest.render(it)
        results = {show(f"{name}: {way}", work, times) for way, work in ways.items()}
        assert len(results) == 1, results


if __name__ == "__main__":
    main()
