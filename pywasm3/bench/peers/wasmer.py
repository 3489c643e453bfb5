# SPDX-License-Identifier: MIT
"""wasmer's binding, the last release of which is of 2022, with its Cranelift compiler."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Host, Missing, Peer, arguments_text

COMPILER = "wasmer_compiler_cranelift"


class Wasmer(Peer):
    """As its documentation shows it: a store with an engine and a compiler, types given."""

    title = "wasmer"
    module = "wasmer"
    distribution = "wasmer"
    note = "its wheels end with Python 3.10"

    def __init__(self, floors: str) -> None:
        """Looks for the compiler, too."""
        super().__init__(floors)
        try:
            self._compiler = importlib.import_module(COMPILER).Compiler
        except Exception as error:  # a broken installation may raise anything
            raise Missing(f"its compiler, {COMPILER.replace('_', '-')}: {error}") from None
        self._store = self._new_store()
        types = self._library.Type
        self._types = {"i": types.I32, "I": types.I64, "f": types.F32, "F": types.F64}

    def _new_store(self) -> Any:
        return self._library.Store(self._library.engine.Universal(self._compiler))

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """An instance."""
        functions = {}
        for name, host in hosts.items():
            type_ = self._library.FunctionType(
                [self._types[letter] for letter in host.parameters],
                [self._types[letter] for letter in host.results],
            )
            functions[name] = self._library.Function(self._store, host.function, type_)
        module = self._library.Module(self._store, guest.binary)
        return self._library.Instance(module, {"env": functions})

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """A call of the function."""
        names = {"f": getattr(instance.exports, export)}
        return Work(f"f({arguments_text(arguments)})", names)

    def compile(self, guest: Guest) -> Work:
        """Validates and compiles all."""
        names = {"M": self._library.Module, "s": self._store, "b": guest.binary}
        return Work("M(s, b)", names)

    def instantiate(self, guest: Guest) -> Work:
        """A new instance; the store is that of the module."""
        module = self._library.Module(self._store, guest.binary)
        return Work("I(m)", {"I": self._library.Instance, "m": module})

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """With a new store, since nothing else gives back what a module takes."""
        library, binary, new_store = self._library, guest.binary, self._new_store

        def start() -> Any:
            instance = library.Instance(library.Module(new_store(), binary))
            return getattr(instance.exports, export)()

        return start

    def view(self, instance: Any) -> Work:
        """Its buffer."""
        return Work("m.buffer", {"m": instance.exports.memory})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """A slice of the buffer: the typed views make a list of numbers."""
        names = {"m": instance.exports.memory, "a": address, "b": address + size}
        return Work("bytes(memoryview(m.buffer)[a:b])", names)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """A slice of the buffer."""
        names = {
            "m": instance.exports.memory,
            "a": address,
            "b": address + len(data),
            "d": data,
        }
        return Work("memoryview(m.buffer)[a:b] = d", names)
