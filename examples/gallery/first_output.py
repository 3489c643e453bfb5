# SPDX-License-Identifier: MIT
"""Measures how long CPython and CRuby need from the bytes of their modules to their first output.

    python examples/gallery/first_output.py python.wasm ruby.wasm --draw first_output.svg

The same module runs here, in wasmtime, and in wasmtime with code that was compiled and stored
before.
Each measurement is a process of its own, and begins when the file has been read. A second script,
in a new instance, tells what the engines are worth afterwards. Use an idle machine. wasmtime
compiles on all cores; the column "processor" has the time of all cores together.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent / "cruby"))
import run_ruby

import pywasm3
from pywasm3.wasi import CAPTURE, WasiConfig

ENGINES = ("pywasm3", "wasmtime", "wasmtime, stored code")
HELLO = {"CPython": "print('hello')", "CRuby": "puts 'hello'; $stdout.flush"}
WORK = {
    "CPython": "total = 0\nfor i in range(200_000): total += i % 7\nprint(total)",
    "CRuby": "total = 0\n200_000.times { |i| total += i % 7 }\nputs total; $stdout.flush",
}

Run = Callable[[str], bytes]


def pywasm3_runs(guest: str, data: bytes) -> Run:
    """Loads the module. Returns a function that runs a script and returns what it writes."""
    module = pywasm3.Module(data)

    def run(script: str) -> bytes:
        if guest == "CPython":
            config = WasiConfig(args=["python", "-I", "-B", "-c", script], stdout=CAPTURE)
            instance = pywasm3.Instance(module, wasi=config)
            instance.run()
        else:
            imports = run_ruby.Values().imports()
            config = WasiConfig(stdout=CAPTURE)
            instance = pywasm3.Instance(module, imports, wasi=config, missing="trap")
            run_ruby.start(instance)
            run_ruby.evaluate(instance, script)
        return instance.wasi.stdout

    return run


def wasmtime_runs(guest: str, data: bytes, stored: Path | None) -> Run:
    """The same with wasmtime, which compiles the module or loads what it once compiled."""
    import wasmtime

    config = wasmtime.Config()
    config.wasm_exceptions = True
    engine = wasmtime.Engine(config)
    if stored is None:
        module = wasmtime.Module(engine, data)
    elif stored.exists():
        module = wasmtime.Module.deserialize_file(engine, str(stored))
    else:
        module = wasmtime.Module(engine, data)
        stored.write_bytes(module.serialize())

    def run(script: str) -> bytes:
        with tempfile.NamedTemporaryFile() as stdout:
            store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
            linker.define_wasi()
            wasi = wasmtime.WasiConfig()
            wasi.stdout_file = stdout.name
            if guest == "CPython":
                wasi.argv = ["python", "-I", "-B", "-c", script]
            store.set_wasi(wasi)
            for name, function in run_ruby.Values().imports()["canonical_abi"].items():
                i32 = wasmtime.ValType.i32()
                linker.define_func("canonical_abi", name, wasmtime.FuncType([i32], [i32]), function)
            linker.define_unknown_imports_as_traps(module)
            exports = linker.instantiate(store, module).exports(store)
            if guest == "CPython":
                try:
                    exports["_start"](store)
                except wasmtime.ExitTrap as end:
                    assert end.code == 0
            else:
                instance = ruby_in_wasmtime(store, exports)
                instance.exports["_initialize"]()
                run_ruby.start(instance)
                run_ruby.evaluate(instance, script)
            return Path(stdout.name).read_bytes()

    return run


def ruby_in_wasmtime(store: Any, exports: Any) -> Any:
    """What run_ruby needs of an instance, for one of wasmtime."""
    import wasmtime

    memory = exports["memory"]
    names: dict[str, Any] = {
        name: (lambda *arguments, value=value: value(store, *arguments))
        for name, value in exports.items()
        if isinstance(value, wasmtime.Func)
    }
    names["memory"] = SimpleNamespace(
        read=lambda address, size: bytes(memory.read(store, address, address + size)),
        write=lambda address, data: memory.write(store, data, address),
    )
    return SimpleNamespace(exports=names)


def measure(engine: str, guest: str, path: Path, stored: Path) -> dict[str, float]:
    """Measures one engine in this process, in seconds and megabytes."""
    data = path.read_bytes()
    start, cpu = time.perf_counter(), time.process_time()
    if engine == "pywasm3":
        run = pywasm3_runs(guest, data)
    else:
        run = wasmtime_runs(guest, data, stored if engine != "wasmtime" else None)
    loaded = time.perf_counter()
    assert run(HELLO[guest]).strip() == b"hello"
    first, processor = time.perf_counter(), time.process_time() - cpu
    assert run(WORK[guest]).strip().isdigit()
    again = time.perf_counter() - first
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    times = {"load": loaded - start, "run": first - loaded, "again": again}
    return {**times, "processor": processor, "megabytes": megabytes}


def in_a_process(*arguments: str) -> dict[str, float]:
    """Runs `measure` in a process of its own."""
    command = [sys.executable, __file__, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def draw(rows: dict[tuple[str, str], dict[str, float]], target: Path) -> None:
    """Draws a bar for each engine and guest: the time to load, and then to the first output."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "pywasm3"
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(9, 0.6 * len(rows) + 1.2), layout="constrained")
    for place, row in enumerate(rows.values()):
        axis.barh(-place, row["load"], color="#4477aa", label="load" if not place else None)
        label = "start, and print a line" if not place else None
        axis.barh(-place, row["run"], left=row["load"], color="#ccbb44", label=label)
        total = row["load"] + row["run"]
        axis.text(total, -place, f"  {total:.2f} s", va="center")
    axis.set_yticks([-place for place in range(len(rows))])
    axis.set_yticklabels([f"{guest}: {engine}" for guest, engine in rows])
    axis.set_xlabel("seconds from the bytes of the module to the first output")
    axis.margins(x=0.12)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    figure.savefig(target, metadata={"Date": None})


def main() -> None:
    """Measures everything, prints a table, and draws it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", type=Path, help="the module of CPython")
    parser.add_argument("ruby", type=Path, help="the module of CRuby")
    parser.add_argument("--draw", type=Path, help="the SVG file to write")
    parser.add_argument("--repeats", type=int, default=3, help="of which the fastest counts")
    options = parser.parse_args()
    paths = {"CPython": options.python, "CRuby": options.ruby}
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for guest, path in paths.items():
            for engine in ENGINES:
                arguments = (engine, guest, str(path), f"{folder}/{guest}")
                # What compiles for a minute is measured once; the first run stores the code.
                repeats = 1 if engine == "wasmtime" else options.repeats + (engine != "pywasm3")
                runs = [in_a_process(*arguments) for _ in range(repeats)]
                rows[guest, engine] = min(runs, key=lambda row: row["load"] + row["run"])
    cores, load = os.cpu_count(), os.getloadavg()[0]
    print(f"Python {platform.python_version()}, {cores} cores, load {load:.1f}")
    heads = "load  first output  processor  second script  memory (MB)"
    print(f"guest    engine                 {heads}")
    for (guest, engine), row in rows.items():
        print(
            f"{guest:8} {engine:22} {row['load']:5.2f}  {row['load'] + row['run']:12.2f}"
            f"  {row['processor']:9.2f}  {row['again']:13.2f}  {row['megabytes']:11.0f}"
        )
    if options.draw:
        draw(rows, options.draw)


if __name__ == "__main__":
    if len(sys.argv) == 5 and sys.argv[1] in ENGINES:
        engine, guest, path, stored = sys.argv[1:]
        print(json.dumps(measure(engine, guest, Path(path), Path(stored))))
    else:
        main()
