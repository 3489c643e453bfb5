# SPDX-License-Identifier: MIT
"""extism: plug-ins on wasmtime, whose calls take bytes and return bytes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ..clock import Work
from ..guests import Guest
from .base import Cannot, Host, Peer

NO_MEMORY = "the host cannot access the guest's memory, because bytes go in and out with each call"


class _Success:
    """The result of a call that did not raise: its error code was 0, or it had no result."""

    def __eq__(self, other: object) -> bool:
        return other in (0, None)

    __hash__ = object.__hash__


class Extism(Peer):
    """Uses extism as its documentation shows it: functions without parameters, called by name."""

    title = "extism"
    module = "extism"
    distribution = "extism"
    note = (
        "a call carries bytes in and out (none here), and a function's result is an error code; "
        "its cache of compiled modules in a file is off; its host functions cannot return floats"
    )

    def __init__(self, floors: str) -> None:
        """Turns off the file cache of compiled modules, since the other compilers compile anew."""
        os.environ["EXTISM_CACHE_CONFIG"] = ""
        super().__init__(floors)

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Makes a plug-in."""
        functions = [self._host(name, host) for name, host in hosts.items()]
        return self._library.Plugin(guest.binary, functions=functions)

    def _host(self, name: str, host: Host) -> Any:
        all_types = self._library.ValType
        types = {"i": all_types.I32, "I": all_types.I64, "f": all_types.F32, "F": all_types.F64}
        signature = (
            [types[letter] for letter in host.parameters],
            [types[letter] for letter in host.results],
        )
        function = host.function

        def call(plugin: Any, inputs: list[Any], outputs: list[Any], *_: Any) -> None:
            result = function(*[value.value for value in inputs])
            if outputs:
                outputs[0].value = result

        return self._library.host_fn(name=name, namespace="env", signature=signature)(call)

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns a call by name, without input. It raises if the function does not return zero."""
        if arguments:
            raise Cannot("functions with parameters cannot be called")
        if export == "pair":
            raise Cannot("functions with two results cannot be called")
        if export == "outer":
            raise Cannot("a plug-in that calls out cannot be called again: the call would hang")
        return Work("c(n, b'')", {"c": instance.call, "n": export})

    def value(self, result: Any) -> Any:
        """Converts a call's output, which is empty, to a value that equals 0 and None."""
        return _Success() if result == b"" else result

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that makes a compiled plug-in."""
        names = {"C": self._library.extism.CompiledPlugin, "b": guest.binary}
        return Work("C(b, functions=[])", names)

    def instantiate(self, guest: Guest) -> Work:
        """Returns the statement that makes a plug-in from a compiled one."""
        compiled = self._library.extism.CompiledPlugin(guest.binary, functions=[])
        return Work("P(c)", {"P": self._library.Plugin, "c": compiled})

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that makes a plug-in from bytes and calls it."""
        new_plugin, binary = self._library.Plugin, guest.binary

        def start() -> Any:
            return new_plugin(binary, functions=[]).call(export, b"")

        return start

    def view(self, instance: Any) -> Work:
        """Raises Cannot, because the host has no access to the memory."""
        raise Cannot(NO_MEMORY)

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Raises Cannot, because the host has no access to the memory."""
        raise Cannot(NO_MEMORY)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Raises Cannot, because the host has no access to the memory."""
        raise Cannot(NO_MEMORY)
