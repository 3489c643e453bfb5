# SPDX-License-Identifier: MIT
"""wasmtime's own Python binding: the Cranelift compiler, called through ctypes."""

from __future__ import annotations

import ctypes
import functools
import weakref
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..functions import identity, zero
from ..guests import Guest
from ..jobs import Call
from ..programs import WASI, Imports
from .base import Cannot, Host, Peer


class RealProgram:
    """An instance of a real program."""

    def __init__(self, library: Any, engine: Any, data: bytes, imports: Imports) -> None:
        """Compiles the module, and makes an instance. A memory that it imports is made for it."""
        memory: list[Any] = []
        self._store = store = library.Store(engine)

        # wasmtime keeps its host functions, and what they refer to, as long as the store lives.
        owner = weakref.ref(store)

        def copy(to: int, source: int, size: int) -> None:
            memory[0].write(owner(), memory[0].read(owner(), source, source + size), to)

        module, linker = library.Module(engine, data), library.Linker(engine)
        if imports.wasi:
            store.set_wasi(library.WasiConfig())
            linker.define_wasi()
        for i in module.imports:
            if imports.wasi and i.module == WASI:
                continue
            host: Any
            if isinstance(i.type, library.MemoryType):
                host = library.Memory(store, i.type)
                memory.append(host)
            else:
                function = copy if i.name in imports.copies else zero(i.type.results)
                function = identity if i.name in imports.same else function
                host = library.Func(store, i.type, function)
            linker.define(store, i.module, i.name, host)
        self._exports = linker.instantiate(store, module).exports(store)
        memory += [e for e in self._exports.values() if isinstance(e, library.Memory)]
        self._memory = memory

    def function(self, name: str) -> Call:
        """Returns an export."""
        return functools.partial(self._exports[name], self._store)

    def read(self, address: int, size: int) -> bytes:
        """Returns bytes of the memory."""
        return ctypes.string_at(self._address(address), size)

    def write(self, address: int, data: bytes) -> None:
        """Puts bytes into the memory."""
        ctypes.memmove(self._address(address), data, len(data))

    def _address(self, address: int) -> int:
        # Memory.write takes a byte at a time, which would be a part of the time that is measured.
        return ctypes.addressof(self._memory[0].data_ptr(self._store).contents) + address


class Wasmtime(Peer):
    """Uses wasmtime as its documentation shows it: one engine, and a store for each instance."""

    title = "wasmtime"
    module = "wasmtime"
    distribution = "wasmtime"

    def __init__(self, floors: str) -> None:
        """Makes the engine, which all stores share."""
        super().__init__(floors)
        self._engine = self._library.Engine()
        types = self._library.ValType
        self._types = {"i": types.i32(), "I": types.i64(), "f": types.f32(), "F": types.f64()}

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Makes a store with an instance, and returns the store and the exports."""
        if guest.name == "simd":
            raise Cannot("its binding has no Python value for v128")
        store = self._library.Store(self._engine)
        module = self._library.Module(self._engine, guest.binary)
        linker = self._library.Linker(self._engine)
        for name, host in hosts.items():
            type_ = self._library.FuncType(
                [self._types[letter] for letter in host.parameters],
                [self._types[letter] for letter in host.results],
            )
            linker.define_func("env", name, type_, host.function)
        return store, linker.instantiate(store, module).exports(store)

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call, which passes the store."""
        store, exports = instance
        text = ", ".join(["s", *map(repr, arguments)])
        return Work(f"f({text})", {"f": exports[export], "s": store})

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that validates and compiles a module, on all cores."""
        names = {"M": self._library.Module, "e": self._engine, "b": guest.binary}
        return Work("M(e, b)", names)

    def instantiate(self, guest: Guest) -> Work:
        """Returns the statement that makes an instance in a new store."""
        names = {
            "I": self._library.Instance,
            "S": self._library.Store,
            "e": self._engine,
            "m": self._library.Module(self._engine, guest.binary),
        }
        return Work("I(S(e), m, [])", names)

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that makes a store and an instance, and calls an export."""
        library, engine, binary = self._library, self._engine, guest.binary

        def start() -> Any:
            store = library.Store(engine)
            instance = library.Instance(store, library.Module(engine, binary), [])
            return instance.exports(store)[export](store)

        return start

    def program(self, guest: Guest, imports: Imports) -> RealProgram:
        """Makes an instance, whose module is compiled on all cores before it is there."""
        return RealProgram(self._library, self._engine, guest.binary, imports)

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes a ctypes array of the memory."""
        store, exports = instance
        return Work("m.get_buffer_ptr(s)", {"m": exports["memory"], "s": store})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that calls Memory.read."""
        store, exports = instance
        names = {"m": exports["memory"], "s": store, "a": address, "b": address + size}
        return Work("m.read(s, a, b)", names)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that calls Memory.write."""
        store, exports = instance
        names = {"m": exports["memory"], "s": store, "a": address, "d": data}
        return Work("m.write(s, d, a)", names)
