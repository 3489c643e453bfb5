# SPDX-License-Identifier: MIT
"""Modules with names that are long, or contain characters that must not reach a terminal or a log.

They are written as bytes, because no text assembles so quickly.
"""

from __future__ import annotations

from binary import HEADER, leb, section, text, vector

# A newline that forges a line of a log, and characters that change a terminal or the order of
# letters: C0, DEL, C1, separators of lines and paragraphs, and marks for the direction of writing.
FORGED = "2026-01-01 root logged in"
EVIL = f"ok\n{FORGED}\r\x00\x1b[2J\x7f\x85\x9b\u2028\u2029\u202e\u2066\u200f"
LONG = EVIL + "n" * 1_000_000

I32 = b"\x7f"
# No text of one function, type, instance or error is longer than this. A trap has 64 lines of up to
# 300 characters; the others are far shorter.
SHORT = 64 * 300

# Indices of three types. Parameters and results together are at most 1,000.
NOTHING, WIDE, WIDEST = 0, 1, 2
TYPES = section(
    1,
    vector(
        [
            b"\x60\0\0",
            b"\x60" + vector([I32] * 500) + vector([I32] * 500),
            b"\x60" + vector([I32] * 1000) + b"\0",
        ]
    ),
)


def names(module: str, functions: dict[int, str]) -> bytes:
    """A name section with the name of the module and the names of functions."""
    named = vector([leb(index) + text(name) for index, name in functions.items()])
    parts = b"\0" + leb(len(text(module))) + text(module) + b"\1" + leb(len(named)) + named
    return section(0, text("name") + parts)


def export(name: str, kind: int, index: int) -> bytes:
    return text(name) + bytes([kind]) + leb(index)


def body(code: bytes) -> bytes:
    return leb(len(code) + 2) + b"\0" + code + b"\x0b"


def hostile(name: str) -> bytes:
    """A module that uses a name wherever it can.

    Function 0 is an import, 1 calls itself until the stack ends, 2 calls the import, and 3 has the
    wide type.
    """
    return b"".join(
        [
            HEADER,
            TYPES,
            section(2, vector([text(name) + text(name) + b"\0" + leb(NOTHING)])),
            section(3, vector([leb(NOTHING), leb(NOTHING), leb(WIDE)])),
            section(4, vector([b"\x70\0\1"])),
            section(5, vector([b"\0\1"])),
            section(6, vector([I32 + b"\0\x41\0\x0b"])),
            section(
                7,
                vector(
                    [
                        export(f"{name}recurse", 0, 1),
                        export(f"{name}call", 0, 2),
                        export(f"{name}wide", 0, 3),
                        export(f"{name}table", 1, 0),
                        export(f"{name}memory", 2, 0),
                        export(f"{name}global", 3, 0),
                    ]
                ),
            ),
            section(9, vector([b"\0\x41\0\x0b" + vector([leb(1)])])),
            section(10, vector([body(b"\x10\1"), body(b"\x10\0"), body(b"\0")])),
            names(f"{name}module", {1: f"{name}recursive", 2: f"{name}caller"}),
        ]
    )


def check(shown: str, most: int = SHORT) -> None:
    """Asserts that a text is short, and that all it has besides printable characters are lines."""
    assert len(shown) <= most
    lines = shown.split("\n")
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.strip().startswith(FORGED)] == []
