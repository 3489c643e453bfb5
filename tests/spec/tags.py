# SPDX-License-Identifier: MIT
"""Removes the tags from a module.

The result is valid only if no instruction uses a tag, which is how `features.not_run` finds out
whether a module needs more of exceptions than tags.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.mutate import join, leb, read_leb, split

_IMPORTS, _EXPORTS, _TAGS = 2, 7, 13
_TAG = 4
_TYPED = (0x63, 0x64)  # the codes of reference types that are followed by a heap type

Skip = Callable[[bytes, int], int]


def _number(data: bytes, position: int) -> int:
    """Returns the position behind a LEB128 number."""
    while data[position] & 0x80:
        position += 1
    return position + 1


def _name(data: bytes, position: int) -> int:
    size, position = read_leb(data, position)
    return position + size


def _value_type(data: bytes, position: int) -> int:
    typed = data[position] in _TYPED
    return _number(data, position + 1) if typed else position + 1


def _limits(data: bytes, position: int) -> int:
    flags = data[position]
    position = _number(data, position + 1)
    for flag in (1, 8):  # the limits have a maximum; they have a page size
        if flags & flag:
            position = _number(data, position)
    return position


# For each kind of import, a function that returns the position behind the import's type.
_TYPES: tuple[Skip, ...] = (
    _number,
    lambda data, position: _limits(data, _value_type(data, position)),
    _limits,
    lambda data, position: _value_type(data, position) + 1,
    lambda data, position: _number(data, position + 1),
)


def _import(data: bytes, position: int) -> tuple[int, int]:
    """Returns the kind of an import and the position behind it."""
    position = _name(data, _name(data, position))
    kind = data[position]
    return kind, _TYPES[kind](data, position + 1)


def _export(data: bytes, position: int) -> tuple[int, int]:
    """Returns the kind of an export and the position behind it."""
    position = _name(data, position)
    return data[position], _number(data, position + 1)


def _kept(data: bytes, entry: Callable[[bytes, int], tuple[int, int]]) -> bytes:
    """Returns a vector of imports or exports without those that are tags."""
    count, position = read_leb(data, 0)
    entries = []
    for _ in range(count):
        kind, end = entry(data, position)
        if kind != _TAG:
            entries.append(data[position:end])
        position = end
    return leb(len(entries)) + b"".join(entries)


def without_tags(data: bytes) -> bytes:
    """Returns a valid module without its defined, imported and exported tags."""
    entries = {_IMPORTS: _import, _EXPORTS: _export}
    return join(
        [
            (code, _kept(content, entries[code]) if code in entries else content)
            for code, content in split(data) or []
            if code != _TAGS
        ]
    )
