# SPDX-License-Identifier: MIT
"""The names of functions in the name section (specification, "Name Section")."""

from __future__ import annotations

from ..._binary import Reader
from ..._errors import MalformedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..._module import Module

_FUNCTIONS = 1  # the id of the subsection with the names of functions


def function_names(module: Module, wanted: set[int]) -> dict[int, str]:
    """Returns the names of some functions by their indices, or none if the section is broken.

    Frames of pywasm3 fall back to the names of exports and imports, and those of wasmtime do not.
    """
    for section in module.custom_sections:
        if section.name == "name":
            try:
                return _read(section.data, wanted)
            except MalformedError:
                return {}
    return {}


def _read(data: bytes, wanted: set[int]) -> dict[int, str]:
    reader = Reader(data, "the name section")
    while not reader.at_end:
        kind = reader.byte()
        size = reader.u32()
        part = Reader(reader.take(size), "the name section")
        if kind == _FUNCTIONS:
            pairs = ((part.u32(), part.name("replace")) for _ in part.items())
            return {index: name for index, name in pairs if index in wanted}
    return {}
