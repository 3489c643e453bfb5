# SPDX-License-Identifier: MIT
"""wasmer's Python binding with the Cranelift compiler. Its last release is of 2022."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Host, Missing, Peer, arguments_text

COMPILER = "wasmer_compiler_cranelift"


class Wasmer(Peer):
    """Uses wasmer as its documentation shows it: a store with an engine, and declared types."""

    title = "wasmer"
    module = "wasmer"
    distribution = "wasmer"
    note = "its wheels are for Python 3.10 and older"

    def __init__(self, floors: str) -> None:
        """Imports the compiler, too, which is a package of its own."""
        super().__init__(floors)
        try:
            self._compiler = importlib.import_module(COMPILER).Compiler
        except Exception as error:  # A broken installation may raise anything.
            raise Missing(f"its compiler, {COMPILER.replace('_', '-')}: {error}") from None
        self._store = self._new_store()
        types = self._library.Type
        self._types = {"i": types.I32, "I": types.I64, "f": types.F32, "F": types.F64}

    def _new_store(self) -> Any:
        return self._library.Store(self._library.engine.Universal(self._compiler))

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Makes an instance."""
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
        """Returns the statement of a call."""
        names = {"f": getattr(instance.exports, export)}
        return Work(f"f({arguments_text(arguments)})", names)

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that validates and compiles a module."""
        names = {"M": self._library.Module, "s": self._store, "b": guest.binary}
        return Work("M(s, b)", names)

    def instantiate(self, guest: Guest) -> Work:
        """Returns the statement that makes an instance, in the store of its module."""
        module = self._library.Module(self._store, guest.binary)
        return Work("I(m)", {"I": self._library.Instance, "m": module})

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that starts in a new store: only that frees a module's memory."""
        library, binary, new_store = self._library, guest.binary, self._new_store

        def start() -> Any:
            instance = library.Instance(library.Module(new_store(), binary))
            return getattr(instance.exports, export)()

        return start

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes the memory's buffer."""
        return Work("m.buffer", {"m": instance.exports.memory})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that slices the buffer; wasmer's typed views would make a list."""
        names = {"m": instance.exports.memory, "a": address, "b": address + size}
        return Work("bytes(memoryview(m.buffer)[a:b])", names)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that assigns to a slice of the buffer."""
        names = {
            "m": instance.exports.memory,
            "a": address,
            "b": address + len(data),
            "d": data,
        }
        return Work("memoryview(m.buffer)[a:b] = d", names)
