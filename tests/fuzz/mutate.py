# SPDX-License-Identifier: MIT
"""Makes mutants: changes bytes, LEB128 numbers, function bodies and sections of a module.

Some changes take parts from a second module. The sizes and counts that enclose a change are
mostly written anew, so that a wrong size does not hide everything else that is wrong. A file
that has no sections is changed as plain bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

from binary import HEADER, leb, read_leb

Section: TypeAlias = tuple[int, bytes]
Bytes: TypeAlias = bytearray

CODE = 10
LARGEST = 1 << 16  # bytes; larger modules are not used, and mutants stay near this size

# Bytes that mean something in many places: types, block types, flags, ends of bodies.
_TELLING = bytes.fromhex("00 01 02 03 04 05 06 07 08 0b 0f 11 1f 20 3f 40 41 45 5e 5f 60 63 64 69")
_TELLING += bytes.fromhex("6a 6b 6c 6d 6e 6f 70 71 72 73 74 7b 7c 7d 7e 7f 80 c0 d0 d1 d2 d5 d6")
_TELLING += bytes.fromhex("fb fc fd fe ff")


# ---- numbers and parts ---------------------------------------------------------------------------


def _sized(data: bytes, position: int) -> tuple[bytes, int]:
    """Reads a size and as many bytes behind it; returns the bytes and the position after them."""
    size, position = read_leb(data, position)
    if position + size > len(data):
        raise ValueError("the size goes beyond the end")
    return data[position : position + size], position + size


def split(data: bytes) -> list[Section] | None:
    """Returns the sections of a module, or None if the bytes are not made of sections."""
    if data[:8] != HEADER:
        return None
    sections, position = [], 8
    try:
        while position < len(data):
            code = data[position]
            content, position = _sized(data, position + 1)
            sections.append((code, content))
    except ValueError:
        return None
    return sections or None


def join(sections: Sequence[Section]) -> bytes:
    """Returns the bytes of a module with these sections."""
    parts = [HEADER]
    for code, content in sections:
        parts += [bytes([code]), leb(len(content)), content]
    return b"".join(parts)


def bodies(section: bytes) -> list[bytes] | None:
    """Returns the function bodies of a code section, or None if it is not made of them."""
    try:
        count, position = read_leb(section, 0)
        if count > len(section):
            return None
        found = []
        for _ in range(count):
            body, position = _sized(section, position)
            found.append(body)
    except ValueError:
        return None
    return found or None


def join_bodies(entries: Sequence[bytes]) -> bytes:
    """Returns the content of a code section with these function bodies."""
    return b"".join([leb(len(entries)), *[leb(len(entry)) + entry for entry in entries]])


# ---- changes of bytes ----------------------------------------------------------------------------
#
# Each function changes `data` in place; `other` is part of another module, to be copied from.


def _place(random: Random, data: Bytes) -> int:
    return random.randrange(len(data))


def _flip(random: Random, data: Bytes, other: bytes) -> None:
    data[_place(random, data)] ^= 1 << random.randrange(8)


def _overwrite(random: Random, data: Bytes, other: bytes) -> None:
    data[_place(random, data)] = random.choice(_TELLING)


def _randomize(random: Random, data: Bytes, other: bytes) -> None:
    data[_place(random, data)] = random.randrange(256)


def _add(random: Random, data: Bytes, other: bytes) -> None:
    at = _place(random, data)
    data[at] = (data[at] + random.choice((-2, -1, 1, 2))) & 0xFF


def _insert(random: Random, data: Bytes, other: bytes) -> None:
    data.insert(random.randint(0, len(data)), random.choice(_TELLING))


def _delete(random: Random, data: Bytes, other: bytes) -> None:
    at = _place(random, data)
    del data[at : at + random.choice((1, 1, 1, 2, 3, 8))]


def _repeat(random: Random, data: Bytes, other: bytes) -> None:
    at = _place(random, data)
    to = random.randint(0, len(data))
    data[to:to] = data[at : at + random.randint(1, 12)]


def _graft(random: Random, data: Bytes, other: bytes) -> None:
    if not other:
        return
    at, to = random.randrange(len(other)), random.randint(0, len(data))
    size = random.randint(1, 12)
    replaced = random.choice((0, size))
    data[to : to + replaced] = other[at : at + size]


def _overlong(random: Random, data: Bytes, other: bytes) -> None:
    """Writes a one-byte number in a longer form, with bytes that add nothing to its value."""
    at = _place(random, data)
    if data[at] < 0x80:
        more = random.choice((1, 1, 2, 3, 4, 5, 9))
        data[at : at + 1] = bytes([data[at] | 0x80, *[0x80] * (more - 1), 0])


def _extreme(random: Random, data: Bytes, other: bytes) -> None:
    """Puts a number at the end of some range in the place of a byte."""
    at = _place(random, data)
    bits = random.choice((7, 8, 16, 31, 32, 33, 63, 64))
    number = leb(max(0, (1 << bits) - random.choice((0, 1))))
    data[at : at + 1] = number


Change: TypeAlias = Callable[[Random, Bytes, bytes], None]

CHANGES: tuple[Change, ...] = (
    _flip,
    _overwrite,
    _overwrite,
    _randomize,
    _add,
    _insert,
    _delete,
    _repeat,
    _graft,
    _overlong,
    _extreme,
)


def _changed(random: Random, data: bytes, other: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 1, 2, 3))):
        if not changed:
            changed += random.choice((b"\0", b"\1", b"\0\0"))
        random.choice(CHANGES)(random, changed, other)
    return bytes(changed)


# ---- changes of parts ----------------------------------------------------------------------------


def _of_code(sections: Sequence[Section]) -> list[bytes]:
    for code, content in sections:
        if code == CODE:
            return bodies(content) or []
    return []


def _change_body(random: Random, sections: list[Section], others: Sequence[Section]) -> None:
    """Changes a function body, or puts one of another module in its place."""
    for position, (code, content) in enumerate(sections):
        entries = bodies(content) if code == CODE else None
        if not entries:
            continue
        at = random.randrange(len(entries))
        foreign = _of_code(others)
        other = random.choice(foreign) if foreign else b""
        if other and random.random() < 0.1:
            entries[at] = other
        else:
            entries[at] = _changed(random, entries[at], other)
        sections[position] = (code, join_bodies(entries))
        return
    _change_section(random, sections, others)


def _change_section(random: Random, sections: list[Section], others: Sequence[Section]) -> None:
    """Changes bytes in the content of a section."""
    at = random.randrange(len(sections))
    code, content = sections[at]
    same = [foreign for kind, foreign in others if kind == code]
    sections[at] = (code, _changed(random, content, random.choice(same) if same else b""))


def _take_section(random: Random, sections: list[Section], others: Sequence[Section]) -> None:
    """Takes a section of another module: in place of one of the same kind, or anywhere."""
    code, content = random.choice(others)
    places = [i for i, (kind, _) in enumerate(sections) if kind == code]
    if places and random.random() < 0.8:
        sections[places[0]] = (code, content)
    else:
        sections.insert(random.randint(0, len(sections)), (code, content))


def _move_section(random: Random, sections: list[Section], others: Sequence[Section]) -> None:
    """Removes a section or moves it elsewhere."""
    section = sections.pop(random.randrange(len(sections)))
    if random.random() < 0.5:
        sections.insert(random.randint(0, len(sections)), section)


PartChange: TypeAlias = Callable[[Random, list[Section], Sequence[Section]], None]

# The weights: function bodies are changed most often, because most rules of validation are theirs.
PARTS: tuple[tuple[PartChange, int], ...] = (
    (_change_body, 12),
    (_change_section, 7),
    (_take_section, 2),
    (_move_section, 1),
)


def mutant(seed: int, corpus: Sequence[bytes]) -> bytes:
    """Returns the mutant of a seed. For the same corpus it is always the same one."""
    random = Random(seed)
    data, other = random.choice(corpus), random.choice(corpus)
    sections, others = split(data), split(other)
    if sections is None or others is None or random.random() < 0.1:
        return _changed(random, data, other)[:LARGEST]
    kinds, weights = zip(*PARTS, strict=True)
    for _ in range(random.choice((1, 1, 1, 1, 2))):
        if sections:
            random.choices(kinds, weights)[0](random, sections, others)
    return join(sections)
