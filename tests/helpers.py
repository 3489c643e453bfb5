# SPDX-License-Identifier: MIT
"""Loads guests and Python files, compares with wasmtime, and runs code in processes and threads."""

from __future__ import annotations

import functools
import gc
import importlib.util
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import wasmtime

import pywasm3

TESTS = Path(__file__).resolve().parent
GUESTS = TESTS / "guests"
# What was downloaded or compiled for tests, and is needed again. `make clean` removes it.
CACHE_FOLDER = TESTS.parent / ".cache"

# A sanitizer keeps freed memory back, needs more of the C stack, and is slow, so that some tests
# have to do less while one is at work.
SANITIZED = os.environ.get("PYWASM3_SANITIZE", "0") not in ("", "0") or "asan" in os.environ.get(
    "LD_PRELOAD", ""
)

# Whether this is the build in which allocations collect at once; see tests/fuzz/README.md.
GC_STRESS = os.environ.get("PYWASM3_GC_STRESS", "0") not in ("", "0")

TYPES = ("i32", "i64", "f32", "f64")

# How many locals fit the frame of a function, where a v128 counts as two: PW_SLOT_LOCAL_CELLS of
# native/base/wasm3_config.h.
SLOTS = 3000


@functools.cache
def wat(text: str) -> bytes:
    """Assembles a text module to its bytes."""
    return bytes(wasmtime.wat2wasm(text))


def load(text: str, imports: Mapping[Any, Any] | None = None, **options: Any) -> pywasm3.Instance:
    """Makes an instance of a text module."""
    return pywasm3.Instance(pywasm3.Module(wat(text)), imports, **options)


def guest(name: str, imports: Mapping[Any, Any] | None = None) -> pywasm3.Instance:
    """Makes an instance of one of the compiled guests in tests/guests."""
    return pywasm3.load(GUESTS / f"{name}.wasm", imports)


@functools.cache
def _engine() -> wasmtime.Engine:
    return wasmtime.Engine()


def import_file(path: Path) -> ModuleType:
    """Imports a file of Python code that lies outside of every package."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look it up there
    spec.loader.exec_module(module)
    return module


class Oracle:
    """An instance of a module in wasmtime, whose results ours are compared with."""

    def __init__(self, data: bytes) -> None:
        self.store = wasmtime.Store(_engine())
        self.exports = wasmtime.Instance(self.store, wasmtime.Module(_engine(), data), []).exports(
            self.store
        )

    def call(self, name: str, *arguments: Any) -> Any:
        """Calls an export. Several results come as a tuple, as they do from pywasm3."""
        result = self.exports[name](self.store, *arguments)
        return tuple(result) if isinstance(result, list) else result

    def outcome(self, name: str, *arguments: Any) -> Any:
        """Calls an export and returns its results, or the kind of a trap.

        Only the traps for accesses to a memory or a table are known here.
        """
        try:
            return self.call(name, *arguments)
        except wasmtime.Trap as trap:
            return _KINDS[trap.trap_code]


_KINDS = {
    wasmtime.TrapCode.MEMORY_OUT_OF_BOUNDS: pywasm3.TrapKind.MEMORY_OUT_OF_BOUNDS,
    wasmtime.TrapCode.TABLE_OUT_OF_BOUNDS: pywasm3.TrapKind.TABLE_OUT_OF_BOUNDS,
    wasmtime.TrapCode.HEAP_MISALIGNED: pywasm3.TrapKind.UNALIGNED_ATOMIC,
}


def let_pypy_free() -> None:
    """Lets PyPy free what nothing refers to any more, which CPython has done by itself.

    So a test still claims on CPython that an object is freed when its last reference goes away. A
    finalizer of PyPy can leave something to the next collection.
    """
    if sys.implementation.name == "pypy":
        for _ in range(3):
            gc.collect()


def wasmtime_config(
    args: Sequence[str], env: Sequence[tuple[str, str]] = ()
) -> wasmtime.WasiConfig:
    """Makes a WasiConfig of wasmtime with arguments and an environment.

    wasmtime's package gives C the addresses of strings to which nothing refers. CPython keeps them
    all the same; PyPy frees them, unless a collection has just ended, so that the next one is far.
    """
    config = wasmtime.WasiConfig()
    if sys.implementation.name == "pypy":
        gc.collect_step()  # type: ignore[attr-defined]
    config.argv = args
    config.env = env
    return config


def outcome(function: pywasm3.Function, *arguments: Any) -> Any:
    """Calls a function of pywasm3 and returns its results, or the kind of the trap."""
    try:
        return function(*arguments)
    except pywasm3.Trap as trap:
        return trap.kind


def child(
    snippet: str, *, result: int = 0, timeout: float = 120, **modules: bytes
) -> subprocess.CompletedProcess[str]:
    """Runs a snippet of Python in a process of its own and asserts its exit code.

    Code that may crash or hang runs there, so that a crash is one failed test and not the end of
    the whole suite.

    Args:
        snippet: The code. It finds `pywasm3` imported.
        result: The exit code that is expected.
        timeout: Seconds after which the process hangs; a slow machine must not reach it.
        modules: Bytes that the snippet finds in global variables of these names.
    """
    given = "".join(f"{name} = bytes.fromhex({data.hex()!r})\n" for name, data in modules.items())
    code = f"import pywasm3\n{given}{textwrap.dedent(snippet)}"
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=TESTS,  # no pywasm3 lies there, so the installed one is tested
        env=environment,
        timeout=timeout,
    )
    assert done.returncode == result, f"exit code {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def on_thread(target: Any, *, stack: int = 0) -> Any:
    """Runs a function on a thread of its own and returns its result, or raises its exception.

    Args:
        target: The function.
        stack: The size of the native stack of the thread in bytes; 0 is Python's default.
    """
    import threading

    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((target(), None))
        except BaseException as error:
            outcome.append((None, error))

    before = threading.stack_size(stack) if stack else 0
    try:
        thread = threading.Thread(target=run)
        thread.start()
    finally:
        if stack:
            threading.stack_size(before)
    thread.join()
    value, error = outcome[0]
    if error is not None:
        raise error
    return value


# How many threads a test starts by default.
THREADS = 8


def hammer(*actions: Callable[[int], None], threads: int = THREADS) -> None:
    """Runs the actions on many threads at the same moment, and raises the first exception.

    Thread number n runs action n modulo the number of actions, and passes n to it.
    """
    import threading

    errors: list[BaseException] = []
    barrier = threading.Barrier(threads)

    def run(number: int) -> None:
        try:
            barrier.wait()
            actions[number % len(actions)](number)
        except BaseException as error:
            errors.append(error)

    workers = [threading.Thread(target=run, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
