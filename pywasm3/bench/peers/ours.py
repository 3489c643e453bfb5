# SPDX-License-Identifier: MIT
"""pywasm3, this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pywasm3
from pywasm3.wasi import WasiConfig

from ..clock import Work
from ..functions import identity, zero
from ..guests import Guest
from ..jobs import Call
from ..programs import WASI, Imports
from .base import Cannot, Host, Peer, arguments_text


class RealProgram:
    """An instance of a real program."""

    def __init__(self, data: bytes, imports: Imports) -> None:
        """Loads the module. A memory that it imports is made for it."""
        memory: list[pywasm3.Memory] = []

        def copy(to: int, source: int, size: int) -> None:
            memory[0].write(to, memory[0].read(source, size))

        store, module = pywasm3.Store(), pywasm3.Module(data)
        given: dict[str, dict[str, Any]] = {}
        for i in module.imports:
            if imports.wasi and i.module == WASI:
                continue
            host: Any
            if isinstance(i.type, pywasm3.MemoryType):
                host = pywasm3.Memory(i.type.min, i.type.max, store=store)
                memory.append(host)
            else:
                assert isinstance(i.type, pywasm3.FuncType)
                host = copy if i.name in imports.copies else zero(i.type.results)
                host = identity if i.name in imports.same else host
            given.setdefault(i.module, {})[i.name] = host
        wasi = WasiConfig() if imports.wasi else None
        self._instance = pywasm3.Instance(module, given, store=store, wasi=wasi)
        memory += [e for e in self._instance.exports.values() if isinstance(e, pywasm3.Memory)]
        self._memory = memory

    def function(self, name: str) -> Call:
        """Returns an export."""
        function: Call = self._instance.exports[name]
        return function

    def read(self, address: int, size: int) -> bytes:
        """Returns bytes of the memory."""
        return self._memory[0].read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Puts bytes into the memory."""
        self._memory[0].write(address, data)


class Pywasm3(Peer):
    """Uses pywasm3 as its README shows it."""

    title = "pywasm3"
    module = "pywasm3"
    distribution = "pywasm3-cffi"

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> pywasm3.Instance:
        """Makes an instance."""
        try:
            return pywasm3.load(
                guest.binary, {"env": {name: host.function for name, host in hosts.items()}}
            )
        except pywasm3.UnsupportedError as error:
            raise Cannot(str(error)) from None

    def call(self, instance: pywasm3.Instance, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call."""
        return Work(f"f({arguments_text(arguments)})", {"f": instance.exports[export]})

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that makes a module: it validates, and compiles nothing yet."""
        return Work("M(b)", {"M": pywasm3.Module, "b": guest.binary})

    def instantiate(self, guest: Guest) -> Work:
        """Returns the statement that makes an instance."""
        return Work("I(m)", {"I": pywasm3.Instance, "m": pywasm3.Module(guest.binary)})

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that loads a module from bytes and calls an export."""
        load, binary = pywasm3.load, guest.binary

        def start() -> Any:
            return load(binary).exports[export]()

        return start

    def program(self, guest: Guest, imports: Imports) -> RealProgram:
        """Makes an instance, which compiles each function when it is first called."""
        return RealProgram(guest.binary, imports)

    def view(self, instance: pywasm3.Instance) -> Work:
        """Returns a statement that makes a memoryview of the memory."""
        return Work("memoryview(m)", {"m": instance.memory})

    def read(self, instance: pywasm3.Instance, address: int, size: int) -> Work:
        """Returns a statement that calls Memory.read."""
        return Work("m.read(a, n)", {"m": instance.memory, "a": address, "n": size})

    def write(self, instance: pywasm3.Instance, address: int, data: bytes) -> Work:
        """Returns a statement that calls Memory.write."""
        return Work("m.write(a, d)", {"m": instance.memory, "a": address, "d": data})
