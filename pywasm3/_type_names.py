# SPDX-License-Identifier: MIT
"""Reads the names of types and of fields in a module's name section, when they are asked for.

The contents of the section cannot make a module malformed, so a section that cannot be read has no
names: https://webassembly.github.io/spec/core/appendix/custom.html#name-section. The names of
types and fields are an extension of it that the text format's tools write.
"""

from __future__ import annotations

from ._binary import Reader
from ._errors import MalformedError
from ._ffi import ffi, head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._ffi import Pointer

_TYPES, _FIELDS = 4, 10  # subsections


def _section(info: Pointer) -> bytes:
    """Returns the contents of the first name section of a pw_module_info, or nothing."""
    for i in range(info.ncustoms):
        custom = info.customs[i]
        if custom.name.size == 4 and head(custom.name) == "name":
            return bytes(ffi.buffer(custom.data, custom.size))
    return b""


def _subsection(info: Pointer, wanted: int) -> Reader:
    """Returns a reader of the first subsection with an id; an empty list if there is none."""
    reader = Reader(_section(info), "name section")
    while not reader.at_end:
        number = reader.byte()
        contents = reader.take(reader.u32())
        if number == wanted:
            return Reader(contents, "name section")
    return Reader(b"\0", "name section")


def _name_map(reader: Reader) -> dict[int, str]:
    return {reader.u32(): reader.name("replace") for _ in reader.items()}


def type_indices(info: Pointer) -> dict[str, int]:
    """Returns the indices of types by name. If several have the same name, the first one counts."""
    try:
        names = _name_map(_subsection(info, _TYPES))
    except MalformedError:
        return {}
    indices: dict[str, int] = {}
    for index, name in names.items():
        if index < info.ntypes:
            indices.setdefault(name, index)
    return indices


def field_names(info: Pointer) -> dict[int, dict[int, str]]:
    """Returns the names of fields, by the index of the type and the index of the field."""
    try:
        reader = _subsection(info, _FIELDS)
        return {reader.u32(): _name_map(reader) for _ in reader.items()}
    except MalformedError:
        return {}
