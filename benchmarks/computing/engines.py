# SPDX-License-Identifier: MIT
"""Runs guests in stock wasm3 0.5.0, in pywasm3 and in wasmtime, all with the same few methods.

Host functions do nothing and return 0, except for those that copy memory. So a guest can run here
if it imports nothing that it needs in earnest, and it gives the same result everywhere.
"""

import ctypes
import functools
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

import wasmtime

import pywasm3

ROOT = Path(__file__).resolve().parents[2]

Call = Callable[..., int | float | None]

LETTERS = {"i32": "i", "i64": "I", "f32": "f", "f64": "F"}


class Guest(Protocol):
    """An instance of a module."""

    def function(self, name: str) -> Call:
        """Returns an export. Its integers may have any sign: compare them modulo 2**32."""

    def read(self, address: int, size: int) -> bytes:
        """Returns bytes of the memory."""

    def write(self, address: int, data: bytes) -> None:
        """Puts bytes into the memory."""


# Makes an instance of a module. The names are those of imports that copy memory.
Engine = Callable[[bytes, Iterable[str]], Guest]


def imports_of(data: bytes) -> list[Any]:
    """Returns the imports of a module, as wasmtime describes them."""
    return list(wasmtime.Module(wasmtime_engine(), data).imports)


def zero(results: list[Any]) -> Callable[..., Any]:
    """Returns a host function that does nothing."""
    value = (0.0 if str(results[0]).startswith("f") else 0) if results else None
    return lambda *_: value


# --- stock wasm3


def build_stock(folder: Path) -> ctypes.CDLL:
    """Builds stock wasm3 as a shared library, and opens it."""
    sys.path += [str(ROOT), str(ROOT / "tools")]
    import build_ffi
    import toolchain

    source = ROOT / build_ffi.WASM3
    library = folder / "stock.so"
    command = [toolchain.default_compiler(), *build_ffi.GNU_FLAGS, "-DNDEBUG", "-fPIC", "-shared"]
    command += ["-o", str(library), "-w", f"-I{source}", str(ROOT / "benchmarks/stock_driver.c")]
    subprocess.run([*command, *map(str, sorted(source.glob("*.c"))), "-lm"], check=True)
    stock = ctypes.CDLL(str(library))
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    types: dict[str, tuple[Any, list[Any]]] = {
        "stock_open": (pointer, [text, ctypes.c_uint32, ctypes.c_uint32, ctypes.POINTER(text)]),
        "stock_link": (text, [pointer, text, text, text, ctypes.c_int]),
        "stock_start": (text, [pointer]),
        "stock_find": (pointer, [pointer, text, ctypes.POINTER(text)]),
        "stock_call": (text, [pointer, ctypes.c_uint32, pointer, pointer]),
        "stock_type": (ctypes.c_int, [pointer]),
        "stock_memory": (pointer, [pointer]),
        "stock_compile": (text, [text, ctypes.c_uint32]),
    }
    for name, (result, arguments) in types.items():
        function = getattr(stock, name)
        function.restype, function.argtypes = result, arguments
    return stock


class StockGuest:
    """An instance in stock wasm3."""

    def __init__(self, stock: ctypes.CDLL, data: bytes, copies: Iterable[str]) -> None:
        imports = imports_of(data)
        memories = [i.type for i in imports if isinstance(i.type, wasmtime.MemoryType)]
        pages = memories[0].limits.min if memories else 0
        error = ctypes.c_char_p()
        self._stock, self._data = stock, data  # wasm3 goes on reading the module
        self._module = stock.stock_open(data, len(data), pages, ctypes.byref(error))
        self._check(error.value)
        for i in imports:
            if isinstance(i.type, wasmtime.FuncType):
                types = [[LETTERS[str(t)] for t in ts] for ts in (i.type.results, i.type.params)]
                signature = f"{''.join(types[0]) or 'v'}({''.join(types[1])})"
                names = (i.module.encode(), i.name.encode(), signature.encode())
                # An import that no code of the guest calls cannot be linked, and is not needed.
                stock.stock_link(self._module, *names, i.name in copies)
        self._check(stock.stock_start(self._module))

    @staticmethod
    def _check(error: bytes | None) -> None:
        if error:
            raise RuntimeError(f"stock wasm3: {error.decode()}")

    def function(self, name: str) -> Call:
        error = ctypes.c_char_p()
        function = self._stock.stock_find(self._module, name.encode(), ctypes.byref(error))
        self._check(error.value)
        kind = self._stock.stock_type(function)
        result = (ctypes.c_double if kind == 4 else ctypes.c_int32)()
        call, where = self._stock.stock_call, ctypes.byref(result)

        def run(*arguments: float) -> int | float:
            cells = (ctypes.c_uint64 * len(arguments))()
            for i, argument in enumerate(arguments):
                if isinstance(argument, float):
                    ctypes.c_double.from_buffer(cells, 8 * i).value = argument
                else:
                    cells[i] = argument & 0xFFFFFFFF
            self._check(call(function, len(arguments), cells, where))
            return result.value

        return run

    def _memory(self, address: int) -> int:
        return int(self._stock.stock_memory(self._module)) + address

    def read(self, address: int, size: int) -> bytes:
        return ctypes.string_at(self._memory(address), size)

    def write(self, address: int, data: bytes) -> None:
        ctypes.memmove(self._memory(address), data, len(data))


# --- pywasm3


class OurGuest:
    """An instance in pywasm3."""

    def __init__(self, data: bytes, copies: Iterable[str]) -> None:
        memory: list[pywasm3.Memory] = []

        def copy(to: int, source: int, size: int) -> None:
            memory[0].write(to, memory[0].read(source, size))

        store = pywasm3.Store()
        imports: dict[str, dict[str, Any]] = {}
        for i in imports_of(data):
            if isinstance(i.type, wasmtime.MemoryType):
                memory.append(pywasm3.Memory(i.type.limits.min, i.type.limits.max, store=store))
                host: Any = memory[0]
            else:
                host = copy if i.name in copies else zero(i.type.results)
            imports.setdefault(i.module, {})[i.name] = host
        self._instance = pywasm3.load(data, imports, store=store)
        self._memory = memory
        if not memory and any(
            isinstance(export, pywasm3.Memory) for export in self._instance.exports.values()
        ):
            memory.append(self._instance.memory)

    def function(self, name: str) -> Call:
        function: Call = self._instance.exports[name]
        return function

    def read(self, address: int, size: int) -> bytes:
        return self._memory[0].read(address, size)

    def write(self, address: int, data: bytes) -> None:
        self._memory[0].write(address, data)


# --- wasmtime


@functools.cache
def wasmtime_engine() -> wasmtime.Engine:
    """Returns the engine of all instances, with the settings that wasmtime has by default."""
    return wasmtime.Engine()


class WasmtimeGuest:
    """An instance in wasmtime. The module is compiled when this returns."""

    def __init__(self, data: bytes, copies: Iterable[str]) -> None:
        memory: list[wasmtime.Memory] = []
        self._store = store = wasmtime.Store(wasmtime_engine())

        def copy(to: int, source: int, size: int) -> None:
            memory[0].write(store, memory[0].read(store, source, source + size), to)

        module = wasmtime.Module(wasmtime_engine(), data)
        imports: list[Any] = []
        for i in module.imports:
            if isinstance(i.type, wasmtime.MemoryType):
                memory.append(wasmtime.Memory(store, i.type))
                imports.append(memory[0])
            else:
                assert isinstance(i.type, wasmtime.FuncType)
                host = copy if i.name in copies else zero(i.type.results)
                imports.append(wasmtime.Func(store, i.type, host))
        self._exports = wasmtime.Instance(store, module, imports).exports(store)
        memory += [e for e in self._exports.values() if isinstance(e, wasmtime.Memory)]
        self._memory = memory

    def function(self, name: str) -> Call:
        function = self._exports[name]
        assert isinstance(function, wasmtime.Func)
        return functools.partial(function, self._store)

    def read(self, address: int, size: int) -> bytes:
        return ctypes.string_at(self._address(address), size)

    def write(self, address: int, data: bytes) -> None:
        ctypes.memmove(self._address(address), data, len(data))

    def _address(self, address: int) -> int:
        # Memory.write takes a byte at a time, which would be a part of the time that is measured.
        return ctypes.addressof(self._memory[0].data_ptr(self._store).contents) + address


def engines(stock: ctypes.CDLL) -> dict[str, Engine]:
    """Returns the engines that are compared, by name."""
    return {
        "stock": functools.partial(StockGuest, stock),
        "ours": OurGuest,
        "wasmtime": WasmtimeGuest,
    }
