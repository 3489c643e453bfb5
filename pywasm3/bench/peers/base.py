# SPDX-License-Identifier: MIT
"""What a peer can be asked for."""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from .. import machine
from ..clock import Work
from ..guests import Guest


class Cannot(Exception):
    """A peer cannot do a row; the text says why."""


class Missing(Exception):
    """A peer is not installed, or not usable here; the text says why."""


@dataclasses.dataclass(frozen=True)
class Host:
    """A host function and its type: one letter per value, i32, I64, f32 or F64 as in ``iIfF``."""

    function: Callable[..., Any]
    parameters: str
    results: str


def arguments_text(arguments: tuple[Any, ...]) -> str:
    """Arguments as they stand in a call."""
    return ", ".join(map(repr, arguments))


class Peer:
    """One contestant; what a subclass does not define, it cannot do.

    Attributes:
        title: What a person reads.
        module: What is imported; empty for what is always there.
        distribution: What to install, whose version is reported.
        floor: It runs no WebAssembly: it shows what the least is that a call can cost.
        note: What else must be known to read its figures.
    """

    title: ClassVar[str]
    module: ClassVar[str] = ""
    distribution: ClassVar[str] = ""
    floor: ClassVar[bool] = False
    note: ClassVar[str] = ""

    def __init__(self, floors: str) -> None:
        """Imports it; Missing when that fails. `floors`: where floors.build() has built."""
        if self.module:
            try:
                self._library: types.ModuleType = importlib.import_module(self.module)
            except Exception as error:  # a broken installation may raise anything
                raise Missing(self._reason(error)) from None

    def _reason(self, error: Exception) -> str:
        if machine.version(self.distribution) is None:
            return f"pip install {self.distribution}"
        return f"installed, but its import fails: {error}"

    def version(self) -> str:
        """That of its distribution."""
        return machine.version(self.distribution) or ""

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """An instance of the module, with ``env.NAME`` given by the host functions."""
        raise NotImplementedError

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """A call, with all that can be looked up before looked up."""
        raise NotImplementedError

    def value(self, result: Any) -> Any:
        """What such a call returns, as Python would return it: several results as a tuple."""
        return tuple(result) if isinstance(result, list) else result

    def compile(self, guest: Guest) -> Work:
        """From bytes to a module."""
        raise Cannot("it has no modules")

    def instantiate(self, guest: Guest) -> Work:
        """A new instance, in a store of its own, of a module that is there."""
        raise Cannot("it has no instances")

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """From bytes to the result of one call without arguments."""
        raise Cannot("it has no modules")

    def view(self, instance: Any) -> Work:
        """An object with the buffer protocol, writable: all of the memory."""
        raise Cannot("it has no memory")

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Some of the memory, copied."""
        raise Cannot("it has no memory")

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Puts bytes into the memory."""
        raise Cannot("it has no memory")
