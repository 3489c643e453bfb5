# SPDX-License-Identifier: MIT
"""The base class of peers: the operations that a peer can be asked for."""

from __future__ import annotations

import dataclasses
import importlib
import types
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from .. import machine
from ..clock import Work
from ..guests import Guest
from ..jobs import Instance
from ..programs import Imports


class Cannot(Exception):
    """A peer cannot do a row. The text says why."""


class Missing(Exception):
    """A peer is not installed or does not work here. The text says why."""


@dataclasses.dataclass(frozen=True)
class Host:
    """A host function. Its type has a letter for each value: i (i32), I (i64), f (f32), F (f64)."""

    function: Callable[..., Any]
    parameters: str
    results: str


def arguments_text(arguments: tuple[Any, ...]) -> str:
    """Writes arguments as they stand in the source of a call."""
    return ", ".join(map(repr, arguments))


class Peer:
    """One engine or floor that is measured. An operation that is not overridden raises Cannot.

    Attributes:
        title: The name that a reader sees.
        module: The module to import; empty if there is nothing to import.
        distribution: The distribution that pip installs, whose version is reported.
        floor: Whether it runs no WebAssembly, but shows the least that an operation can cost.
        note: What else a reader must know to understand its figures.
    """

    title: ClassVar[str]
    module: ClassVar[str] = ""
    distribution: ClassVar[str] = ""
    floor: ClassVar[bool] = False
    note: ClassVar[str] = ""

    def __init__(self, floors: str) -> None:
        """Imports the engine. `floors` is the folder in which floors.build() has built.

        Raises:
            Missing: The import fails.
        """
        if self.module:
            try:
                self._library: types.ModuleType = importlib.import_module(self.module)
            except Exception as error:  # A broken installation may raise anything.
                raise Missing(self._reason(error)) from None

    def _reason(self, error: Exception) -> str:
        if machine.version(self.distribution) is None:
            return f"pip install {self.distribution}"
        return f"installed, but its import fails: {error}"

    def version(self) -> str:
        """Returns the version of the distribution."""
        return machine.version(self.distribution) or ""

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Makes an instance of a module, whose imports ``env.NAME`` are the host functions."""
        raise NotImplementedError

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call. All that can be looked up beforehand is looked up."""
        raise NotImplementedError

    def value(self, result: Any) -> Any:
        """Converts the result of such a call to a Python value: several results to a tuple."""
        return tuple(result) if isinstance(result, list) else result

    def compile(self, guest: Guest) -> Work:
        """Returns the statement that makes a module from bytes."""
        raise Cannot("it has no modules")

    def instantiate(self, guest: Guest) -> Work:
        """Returns the statement that makes an instance of a loaded module, in a new store."""
        raise Cannot("it has no instances")

    def start(self, guest: Guest, export: str) -> Callable[[], Any]:
        """Returns a function that goes from bytes to the result of one call without arguments."""
        raise Cannot("it has no modules")

    def program(self, guest: Guest, imports: Imports) -> Instance:
        """Makes an instance of a real program, from bytes."""
        raise Cannot("the bench cannot run real programs in it")

    def view(self, instance: Any) -> Work:
        """Returns the statement that makes a writable buffer object of the whole memory."""
        raise Cannot("it has no memory")

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns the statement that copies a part of the memory to a bytes object."""
        raise Cannot("it has no memory")

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns the statement that copies bytes into the memory."""
        raise Cannot("it has no memory")
