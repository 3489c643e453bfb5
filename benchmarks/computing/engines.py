# SPDX-License-Identifier: MIT
"""Runs guests in stock wasm3 0.5.0, in pywasm3 and in wasmtime, all with the same few methods.

The last two are peers of `pywasm3 bench`. Host functions do nothing and return 0, except for those
that copy memory. So a guest can run here if it imports nothing that it needs in earnest, and it
gives the same result everywhere.
"""

import ctypes
import functools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import wasmtime

from pywasm3.bench.guests import Guest as Module
from pywasm3.bench.jobs import Call, Instance
from pywasm3.bench.peers.base import Peer
from pywasm3.bench.peers.ours import Pywasm3
from pywasm3.bench.peers.wasmtime import Wasmtime
from pywasm3.bench.programs import Imports

ROOT = Path(__file__).resolve().parents[2]

LETTERS = {"i32": "i", "i64": "I", "f32": "f", "f64": "F"}


# Makes an instance of a module, from its bytes.
Engine = Callable[[bytes, Imports], Instance]


def imports_of(data: bytes) -> list[Any]:
    """Returns the imports of a module, as wasmtime describes them."""
    return list(wasmtime.Module(wasmtime.Engine(), data).imports)


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

    def __init__(self, stock: ctypes.CDLL, data: bytes, imports: Imports) -> None:
        wanted = imports_of(data)
        memories = [i.type for i in wanted if isinstance(i.type, wasmtime.MemoryType)]
        pages = memories[0].limits.min if memories else 0
        error = ctypes.c_char_p()
        self._stock, self._data = stock, data  # wasm3 goes on reading the module
        self._module = stock.stock_open(data, len(data), pages, ctypes.byref(error))
        self._check(error.value)
        for i in wanted:
            if isinstance(i.type, wasmtime.FuncType):
                types = [[LETTERS[str(t)] for t in ts] for ts in (i.type.results, i.type.params)]
                signature = f"{''.join(types[0]) or 'v'}({''.join(types[1])})"
                names = (i.module.encode(), i.name.encode(), signature.encode())
                # An import that no code of the guest calls cannot be linked, and is not needed.
                stock.stock_link(self._module, *names, i.name in imports.copies)
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


# --- all engines


def of_peer(peer: Peer) -> Engine:
    """Returns the function that makes an instance in a peer of `pywasm3 bench`."""
    return lambda data, imports: peer.program(Module("", data), imports)


def engines(stock: ctypes.CDLL) -> dict[str, Engine]:
    """Returns the engines that are compared, by name."""
    return {
        "stock": functools.partial(StockGuest, stock),
        "ours": of_peer(Pywasm3("")),
        "wasmtime": of_peer(Wasmtime("")),
    }
