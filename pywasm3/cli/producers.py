# SPDX-License-Identifier: MIT
"""The custom section of a module's producers.

https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md
"""

from __future__ import annotations

Producers = dict[str, list[dict[str, str]]]


class _Reader:
    """Reads bytes that nobody has checked. Whatever is cut off is an IndexError."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._pos = 0

    def number(self) -> int:
        """A u32."""
        value = 0
        for shift in range(0, 35, 7):
            byte = self._data[self._pos]
            self._pos += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise IndexError("no u32")

    def name(self) -> str:
        """A length and UTF-8."""
        size = self.number()
        if size > len(self._data) - self._pos:
            raise IndexError("cut off")
        self._pos += size
        return self._data[self._pos - size : self._pos].decode("utf-8", "replace")


def read_producers(data: bytes | None) -> Producers | None:
    """Names and versions by field, like "language" and "processed-by".

    None if the section is absent, or broken: custom sections may hold anything.
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
