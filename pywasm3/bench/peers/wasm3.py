# SPDX-License-Identifier: MIT
"""The `wasm3` package (PyPI's pywasm3 0.5.0), the binding that wasm3's own project publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Host, Peer, arguments_text

STACK_BYTES = 64 * 1024


class Wasm3(Peer):
    """Uses it as its README shows it: an environment and a runtime for each module."""

    title = "wasm3"
    module = "wasm3"
    distribution = "pywasm3"
    note = (
        "it validates next to nothing, which makes loading quick; a module cannot be used twice, "
        "so a new instance includes reading the bytes"
    )

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Makes a runtime with the module in it."""
        environment = self._library.Environment()
        runtime = environment.new_runtime(STACK_BYTES)
        module = environment.parse_module(guest.binary)
        runtime.load(module)
        for name, host in hosts.items():
            signature = f"{host.results or 'v'}({host.parameters})"
            module.link_function("env", name, signature, host.function)
        return runtime

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call."""
        return Work(f"f({arguments_text(arguments)})", {"f": instance.find_function(export)})

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that reads a module; functions are compiled by their first call."""
        environment = self._library.Environment()
        return Work("p(b)", {"p": environment.parse_module, "b": guest.binary})

    def instantiate(self, guest: Guest) -> Work:
        """Returns a statement that reads the module again, because it can be loaded only once."""
        load: Callable[..., Any] = self.load
        return Work("l(g, h)", {"l": load, "g": guest, "h": {}})

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that makes an environment and a runtime, loads a module and calls."""
        new_environment, binary = self._library.Environment, guest.binary

        def start() -> Any:
            environment = new_environment()
            runtime = environment.new_runtime(STACK_BYTES)
            runtime.load(environment.parse_module(binary))
            return runtime.find_function(export)()

        return start

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes a memoryview of the memory."""
        return Work("r.get_memory(0)", {"r": instance})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that slices the memoryview."""
        names = {"m": instance.get_memory(0), "a": address, "b": address + size}
        return Work("bytes(m[a:b])", names)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that assigns to a slice of the memoryview."""
        names = {"m": instance.get_memory(0), "a": address, "b": address + len(data), "d": data}
        return Work("m[a:b] = d", names)
