# SPDX-License-Identifier: MIT
"""Reads a module's custom section "producers", which names the tools that made the module.

https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md defines it.
"""

from __future__ import annotations

Producers = dict[str, list[dict[str, str]]]


class _Reader:
    """Reads bytes that nobody has checked. Reading past their end raises IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 0

    def number(self) -> int:
        """Reads an unsigned 32-bit integer (LEB128)."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self._data[self._pos]
            self._pos += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise IndexError("the number has more than 32 bits")

    def name(self) -> str:
        """Reads a text: its length and its bytes, which should be UTF-8."""
        size = self.number()
        if size > len(self._data) - self._pos:
            raise IndexError("the section ends within a name")
        self._pos += size
        return self._data[self._pos - size : self._pos].decode("utf-8", "replace")


def read_producers(data: bytes | None) -> Producers | None:
    """Returns names and versions by field, such as "language" and "processed-by".

    The result is None if the section is missing or broken, since custom sections may hold anything.
    """
    if data is None:
        return None
    reader = _Reader(data)
    try:
        return dict([_field(reader) for _ in range(reader.number())])
    except IndexError:
        return None


def _field(reader: _Reader) -> tuple[str, list[dict[str, str]]]:
    name = reader.name()
    values = [_value(reader) for _ in range(reader.number())]
    return name, values


def _value(reader: _Reader) -> dict[str, str]:
    name = reader.name()
    return {"name": name, "version": reader.name()}
