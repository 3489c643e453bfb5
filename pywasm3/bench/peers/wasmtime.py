# SPDX-License-Identifier: MIT
"""wasmtime's own Python binding: the Cranelift compiler, called through ctypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Cannot, Host, Peer


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
