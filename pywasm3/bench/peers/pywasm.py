# SPDX-License-Identifier: MIT
"""pywasm: an interpreter written in Python alone."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Host, Peer


class Pywasm(Peer):
    """Uses pywasm as its README shows it."""

    title = "pywasm"
    module = "pywasm"
    distribution = "pywasm"
    note = "it is written in Python alone; no call can begin while another one runs"

    def _read(self, binary: bytes) -> Any:
        return self._library.ModuleDesc.from_reader(io.BytesIO(binary))

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Makes a runtime and an instance in it."""
        runtime = self._library.Runtime()
        types = self._library.ValType
        made = {"i": types.i32(), "I": types.i64(), "f": types.f32(), "F": types.f64()}
        runtime.imports["env"] = {
            name: runtime.allocate_func_host(
                self._library.FuncType(
                    [made[letter] for letter in host.parameters],
                    [made[letter] for letter in host.results],
                ),
                self._host(host),
            )
            for name, host in hosts.items()
        }
        return runtime, runtime.instance(self._read(guest.binary))

    def _host(self, host: Host) -> Callable[[Any, list[Any]], list[Any]]:
        function, returns = host.function, bool(host.results)

        def call(machine: Any, arguments: list[Any]) -> list[Any]:
            result = function(*arguments)
            return [result] if returns else []

        return call

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns a call by name, with arguments and results in lists."""
        runtime, module = instance
        names = {"c": runtime.invocate, "m": module, "n": export}
        return Work(f"c(m, n, {list(arguments)!r})", names)

    def value(self, result: Any) -> Any:
        """Takes the results out of their list."""
        return tuple(result) if len(result) > 1 else result[0] if result else None

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that reads a module."""
        return Work("r(b)", {"r": self._read, "b": guest.binary})

    def instantiate(self, guest: Guest) -> Work:
        """Returns the statement that makes an instance in a new runtime."""
        names = {"R": self._library.Runtime, "m": self._read(guest.binary)}
        return Work("R().instance(m)", names)

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that makes a runtime and an instance, and calls an export."""
        new_runtime, read, binary = self._library.Runtime, self._read, guest.binary

        def start() -> Any:
            runtime = new_runtime()
            return runtime.invocate(runtime.instance(read(binary)), export, [])

        return start

    def _memory(self, instance: Any) -> Any:
        runtime, module = instance
        return runtime.exported_memory(module, "memory")

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes a memoryview of the memory's bytearray."""
        return Work("memoryview(m.data)", {"m": self._memory(instance)})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that calls the memory's get."""
        return Work("m.get(a, n)", {"m": self._memory(instance), "a": address, "n": size})

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that calls the memory's put, which takes a bytearray."""
        names = {"m": self._memory(instance), "a": address, "d": bytearray(data)}
        return Work("m.put(a, d)", names)
