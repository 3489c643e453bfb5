# SPDX-License-Identifier: MIT
"""Measures what requests cost here, in wasmtime and in Node.js: ``python measure.py package/dist``.

A request is a script that the server has not seen before, and its data. Here a pool serves it.
wasmtime runs the same module, and makes an instance for each request, because it cannot bring one
back to an earlier state. Node.js runs the script in a new context of its module `vm`, which
separates scripts from each other but does not protect the server from them. Without Node.js, its
lines are left out. The best of several rounds counts; use an idle machine.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sandbox
import wasmtime

from pywasm3 import Module
from pywasm3.bench.machine import describe

DATA = {"items": [{"name": f"item {i}", "count": i % 7, "euros": i / 4} for i in range(20)]}
SCRIPTS = {
    "a short script": "1 + 1",
    "a rule for 20 items": """
        const sums = input.items.map(({ name, count, euros }) => ({ name, sum: count * euros }))
        sums.sort((a, b) => b.sum - a.sum);
        ({ best: sums[0].name, total: sums.reduce((total, { sum }) => total + sum, 0) })
    """,
    "a loop of 20,000 turns": "let sum = 0; for (let i = 0; i < 20000; i++) sum += i % 7; sum",
}

MAX_RESULT_BYTES = 4096
ROUND_SECONDS = 0.01

# The time is 0, and there are no variables of an environment.
ZEROS = {"emscripten_date_now": 0.0, "environ_get": 0, "environ_sizes_get": 0}

NODE = """
const vm = require("vm")
const [script, data, least] = process.argv.slice(1)
const end = performance.now() + least * 1000, times = 10
let best = Infinity
do {
  const begin = performance.now()
  for (let i = 0; i < times; i++) {
    const context = vm.createContext({ input: JSON.parse(data) })
    JSON.stringify(vm.runInContext(script, context, { timeout: 1000 }))
  }
  best = Math.min(best, (performance.now() - begin) / times / 1000)
} while (performance.now() < end)
console.log(best)
"""

Serve = Callable[[], object]


class InWasmtime:
    """The module in wasmtime, which has compiled it."""

    def __init__(self, module: Module) -> None:
        self._engine = wasmtime.Engine()
        self._module = wasmtime.Module(self._engine, module.bytes)

    def serve(self, script: str) -> str:
        """Makes an instance, evaluates a script in it, and returns the text of its value."""
        store, linker = wasmtime.Store(self._engine), wasmtime.Linker(self._engine)
        (memory_type,) = (
            item.type for item in self._module.imports if isinstance(item.type, wasmtime.MemoryType)
        )
        memory = wasmtime.Memory(store, memory_type)
        linker.define(store, "env", "memory", memory)
        for item in self._module.imports:  # what the start of an engine calls
            if item.name in ZEROS and isinstance(item.type, wasmtime.FuncType):
                zero = ZEROS[item.name]
                linker.define_func(item.module, item.name, item.type, lambda *_, it=zero: it)
        linker.define_unknown_imports_as_traps(self._module)
        exports: Any = linker.instantiate(store, self._module).exports(store)

        def call(name: str, *arguments: int) -> int:
            result: int = exports[name](store, *arguments)
            return result

        def put(text: str) -> int:
            address = call("malloc", len(data := text.encode() + b"\0"))
            memory.write(store, data, address)
            return address

        call("__wasm_call_ctors")
        context = call("QTS_NewContext", call("QTS_NewRuntime"), 0)
        size = len(script.encode())
        value = call("QTS_Eval", context, put(script), size, put("script.js"), 0, 0)
        address = call("QTS_GetString", context, value)
        data = memory.read(store, address, address + MAX_RESULT_BYTES)
        return data.partition(b"\0")[0].decode()


def in_one(script: str, data: object) -> str:
    """A script that defines the data, and whose value is the text of the result."""
    # eval() gives the value of the last statement, as the pool does.
    return f"const input = {json.dumps(data)}; JSON.stringify(eval({json.dumps(script)}))"


def measure(serve: Serve, least: float, threads: int = 1) -> float:
    """Returns the seconds for each request, if some threads make them.

    Args:
        serve: Makes a request.
        least: For how many seconds it measures at least. Rounds are short, and the best one counts.
        threads: How many threads make requests.
    """

    def some(count: int) -> float:
        begin = time.perf_counter()
        for _ in range(count):
            serve()
        return time.perf_counter() - begin

    count = max(1, round(ROUND_SECONDS / (some(10) / 10)))
    best, end = float("inf"), time.perf_counter() + least
    with ThreadPoolExecutor(threads) as executor:
        while True:
            begin = time.perf_counter()
            list(executor.map(some, [count] * threads))
            best = min(best, (time.perf_counter() - begin) / (count * threads))
            if time.perf_counter() > end:
                return best


def in_node(script: str, least: float) -> float | None:
    """Returns the seconds for each request in Node.js, or None without it."""
    node = shutil.which("node")
    if node is None:
        return None
    command = [node, "-e", NODE, script, json.dumps(DATA), str(least)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return float(done.stdout)


def show(what: str, seconds: float | None) -> None:
    """Prints a line, with the requests in a second."""
    if seconds is not None:
        print(f"{what:52} {seconds * 1e3:9.3f} ms {1 / seconds:9.0f} /s")


def main() -> None:
    """Measures everything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("folder", type=Path, help="the folder dist of the package")
    parser.add_argument("--seconds", type=float, default=3.0, help="that each line takes")
    options = parser.parse_args()
    least = options.seconds
    print(", ".join(describe().values()))
    module = sandbox.load_module(options.folder)
    first = sandbox.Engine(module)

    def new_engine() -> None:
        engine = sandbox.Engine(module, state=first.state)
        engine.run("1 + 1")
        engine.close()

    new = "a new engine, from"
    show(f"{new} the module", measure(lambda: sandbox.Engine(module).close(), least))
    show(f"{new} a state, and its first request", measure(new_engine, least))
    show("a restore", measure(first.reset, least))
    theirs = InWasmtime(module)
    pool = sandbox.Pool(module, size=2)
    for name, script in SCRIPTS.items():
        one = in_one(script, DATA)
        assert json.loads(theirs.serve(one)) == pool.run(script, DATA)
        ways: dict[str, Serve] = {
            "pywasm3": lambda it=script: pool.run(it, DATA),
            "wasmtime": lambda it=one: theirs.serve(it),
        }
        for way, serve in ways.items():
            for threads in (1, 2):
                count = f"{threads} thread{'s' * (threads > 1)}"
                show(f"{name}: {way}, {count}", measure(serve, least, threads))
        show(f"{name}: Node.js, 1 thread", in_node(script, least))


if __name__ == "__main__":
    main()
