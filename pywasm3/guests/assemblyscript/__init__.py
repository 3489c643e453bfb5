# SPDX-License-Identifier: MIT
"""Guests that AssemblyScript compiles: their imports, and their strings, arrays and buffers.

The short way::

    from pywasm3.guests import assemblyscript

    guest = assemblyscript.load("greet.wasm")
    greet = guest.wrap("greet", returns=str)
    greet("World")  # "Hello, World!"

The module must be compiled with ``--exportRuntime``, which exports the functions that make objects
and the table that describes their classes. docs/guests/assemblyscript.md has the details.
"""

from .guest import Guest, Reference, host, load
from .imports import Abort
from .objects import Array, ObjectError, StaticArray, TypedArray

__all__ = [
    "Abort",
    "Array",
    "Guest",
    "ObjectError",
    "Reference",
    "StaticArray",
    "TypedArray",
    "host",
    "load",
]
