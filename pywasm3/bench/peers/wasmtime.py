# SPDX-License-Identifier: MIT
"""wasmtime's own binding: the Cranelift compiler behind ctypes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Cannot, Host, Peer


class Wasmtime(Peer):
    """As its documentation shows it: one engine, a store for each instance."""

    title = "wasmtime"
    module = "wasmtime"
    distribution = "wasmtime"

    def __init__(self, floors: str) -> None:
        """Makes the engine."""
        super().__init__(floors)
        self._engine = self._library.Engine()
        types = self._library.ValType
        self._types = {"i": types.i32(), "I": types.i64(), "f": types.f32(), "F": types.f64()}

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """A store and the exports."""
        if guest.name == "simd":
            raise Cannot("v128 has no Python value")
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
        """A call with the store."""
        store, exports = instance
        text = ", ".join(["s", *map(repr, arguments)])
        return Work(f"f({text})", {"f": exports[export], "s": store})

    def compile(self, guest: Guest) -> Work:
        """Validates and compiles all, on all cores."""
        names = {"M": self._library.Module, "e": self._engine, "b": guest.binary}
        return Work("M(e, b)", names)

    def instantiate(self, guest: Guest) -> Work:
        """A new store with a new instance."""
        names = {
            "I": self._library.Instance,
            "S": self._library.Store,
            "e": self._engine,
            "m": self._library.Module(self._engine, guest.binary),
        }
        return Work("I(S(e), m, [])", names)

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """With the engine that is there."""
        library, engine, binary = self._library, self._engine, guest.binary

        def start() -> Any:
            store = library.Store(engine)
            instance = library.Instance(store, library.Module(engine, binary), [])
            return instance.exports(store)[export](store)

        return start

    def view(self, instance: Any) -> Work:
        """The array of ctypes."""
        store, exports = instance
        return Work("m.get_buffer_ptr(s)", {"m": exports["memory"], "s": store})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Memory.read."""
        store, exports = instance
        names = {"m": exports["memory"], "s": store, "a": address, "b": address + size}
        return Work("m.read(s, a, b)", names)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Memory.write."""
        store, exports = instance
        names = {"m": exports["memory"], "s": store, "a": address, "d": data}
        return Work("m.write(s, d, a)", names)
