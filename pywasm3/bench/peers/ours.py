# SPDX-License-Identifier: MIT
"""pywasm3, this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pywasm3

from ..clock import Work
from ..guests import Guest
from .base import Cannot, Host, Peer, arguments_text


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

    def view(self, instance: pywasm3.Instance) -> Work:
        """Returns a statement that makes a memoryview of the memory."""
        return Work("memoryview(m)", {"m": instance.memory})

    def read(self, instance: pywasm3.Instance, address: int, size: int) -> Work:
        """Returns a statement that calls Memory.read."""
        return Work("m.read(a, n)", {"m": instance.memory, "a": address, "n": size})

    def write(self, instance: pywasm3.Instance, address: int, data: bytes) -> Work:
        """Returns a statement that calls Memory.write."""
        return Work("m.write(a, d)", {"m": instance.memory, "a": address, "d": data})
