# SPDX-License-Identifier: MIT
"""The floors of C: the functions of `floors`, called through ctypes and through cffi."""

from __future__ import annotations

import ctypes
import importlib
import platform
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import floors as library
from ..clock import Work
from ..guests import MEMORY_BYTES, Guest
from ..rows import COMPUTE
from .base import Cannot, Host, Missing, Peer, arguments_text

# The host function that an export calls, if the export's name does not say it.
CALLED = {"once": "identity_i32"}


def called_by(export: str) -> str:
    """Returns the name of the host function that an export of callbacks.wasm calls."""
    return CALLED.get(export) or export.removeprefix("repeat_")


class Native(Peer):
    """The common part of both floors: the compiled module."""

    floor = True
    note = "calls C functions compiled on this machine; `compute` is native code"

    def __init__(self, floors: str) -> None:
        """Imports the module that floors.build() has built."""
        super().__init__(floors)
        why = Path(floors, library.WHY)
        if why.exists():
            raise Missing(why.read_text(encoding="utf-8"))
        sys.path.append(floors)
        try:
            self._built = importlib.import_module(library.MODULE)
        except ImportError as error:
            raise Missing(str(error)) from None

    def _function(self, name: str) -> Any:
        """Returns a function of the module, by its name without ``floor_``."""
        raise NotImplementedError

    def _pointer(self, name: str, host: Host) -> Any:
        """Returns a function pointer for a host function."""
        raise NotImplementedError

    def _memory(self) -> Any:
        raise NotImplementedError

    def load(self, guest: Guest, hosts: Mapping[str, Host]) -> Any:
        """Returns what a call needs: function pointers, the name of a job, or the memory."""
        if guest.name in ("calls", "callbacks"):
            return {name: self._pointer(name, host) for name, host in hosts.items()}
        if guest.name in COMPUTE:
            if not hasattr(self._built.lib, f"floor_{guest.name}_job"):
                raise Cannot("the sources of the guests are only in a checkout")
            return guest.name
        if guest.name == "memory":
            return self._memory()
        raise Cannot("C has no such values")

    def call(self, instance: Any, export: str, arguments: tuple[Any, ...]) -> Work:
        """Returns the statement of a call."""
        if export == "job":
            return Work("f()", {"f": self._function(f"{instance}_job")})
        if export == "pair":
            raise Cannot("a C function returns one value")
        if export == "outer":
            return Work("f(p)", {"f": self._function("once"), "p": instance["reenter"]})
        function = self._function(export)
        if called_by(export) in instance:
            return Work("f(p)", {"f": function, "p": instance[called_by(export)]})
        return Work(f"f({arguments_text(arguments)})", {"f": function})


class Ctypes(Native):
    """Calls through ctypes, with the types of arguments and results declared."""

    title = "ctypes"

    def __init__(self, floors: str) -> None:
        """Opens the library with ctypes."""
        super().__init__(floors)
        self._opened = ctypes.CDLL(str(self._built.__file__))
        i32, i64, f32, f64 = ctypes.c_int32, ctypes.c_int64, ctypes.c_float, ctypes.c_double
        self._types: dict[str, Any] = {"i": i32, "I": i64, "f": f32, "F": f64, "": None}
        self._signatures: dict[str, tuple[str, str]] = {
            "nothing": ("", ""),
            "identity_i32": ("i", "i"),
            "add_i32": ("ii", "i"),
            "add_i64": ("II", "I"),
            "add_f32": ("ff", "f"),
            "add_f64": ("FF", "F"),
            "sum": ("iiiiiiii", "i"),
        }

    def version(self) -> str:
        """Returns the version of Python, of which ctypes is a part."""
        return platform.python_version()

    def _function(self, name: str) -> Any:
        function = getattr(self._opened, f"floor_{name}")
        if name in self._signatures:
            parameters, result = self._signatures[name]
            function.argtypes = [self._types[letter] for letter in parameters]
            function.restype = self._types[result]
        return function

    def _pointer(self, name: str, host: Host) -> Any:
        types = [self._types[letter] for letter in host.parameters]
        return ctypes.CFUNCTYPE(self._types[host.results], *types)(host.function)

    def _memory(self) -> Any:
        return (ctypes.c_ubyte * MEMORY_BYTES)()

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes a memoryview of the ctypes array."""
        return Work("memoryview(m)", {"m": instance})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that copies with ctypes.string_at."""
        names = {"r": ctypes.string_at, "p": ctypes.addressof(instance), "a": address, "n": size}
        # An address does not keep the array alive, so the array is one of the names.
        return Work("r(p + a, n)", names | {"m": instance})

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that copies with ctypes.memmove."""
        names = {"w": ctypes.memmove, "p": ctypes.addressof(instance), "a": address}
        return Work("w(p + a, d, n)", names | {"d": data, "n": len(data), "m": instance})


class Cffi(Native):
    """Calls through cffi in API mode, with ``extern "Python"`` for the calls back."""

    title = "cffi"
    module = "cffi"
    distribution = "cffi"

    def _function(self, name: str) -> Any:
        return getattr(self._built.lib, f"floor_{name}")

    def _pointer(self, name: str, host: Host) -> Any:
        self._built.ffi.def_extern(name=f"host_{name}")(host.function)
        return getattr(self._built.lib, f"host_{name}")

    def _memory(self) -> Any:
        return self._built.ffi.new("char[]", MEMORY_BYTES)

    def view(self, instance: Any) -> Work:
        """Returns a statement that makes a cffi buffer object."""
        return Work("v(m)", {"v": self._built.ffi.buffer, "m": instance})

    def read(self, instance: Any, address: int, size: int) -> Work:
        """Returns a statement that slices a cffi buffer object."""
        names = {"m": self._built.ffi.buffer(instance), "a": address, "b": address + size}
        return Work("m[a:b]", names)

    def write(self, instance: Any, address: int, data: bytes) -> Work:
        """Returns a statement that copies with ffi.memmove."""
        names = {"w": self._built.ffi.memmove, "m": instance, "a": address}
        return Work("w(m + a, d, n)", names | {"d": data, "n": len(data)})
