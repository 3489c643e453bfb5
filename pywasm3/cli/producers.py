# SPDX-License-Identifier: MIT
"""Reads a module's custom section "producers", which names the tools that made the module.

https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md defines it.
"""

from __future__ import annotations

from .._binary import Reader
from .._errors import MalformedError

Producers = dict[str, list[dict[str, str]]]


def read_producers(data: bytes | None) -> Producers | None:
    """Returns names and versions by field, such as "language" and "processed-by".

    The result is None if the section is missing or broken, since custom sections may hold anything.
    """
    if data is None:
        return None
    reader = Reader(data, "the section")
    try:
        return dict([_field(reader) for _ in reader.items()])
    except MalformedError:
        return None


def _field(reader: Reader) -> tuple[str, list[dict[str, str]]]:
    name = reader.name("replace")
    values = [_value(reader) for _ in reader.items()]
    return name, values


def _value(reader: Reader) -> dict[str, str]:
    name = reader.name("replace")
    return {"name": name, "version": reader.name("replace")}
