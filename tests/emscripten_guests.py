# SPDX-License-Identifier: MIT
"""Guests in the text format that import what Emscripten's JavaScript gives, and export it again."""

from __future__ import annotations

import struct
from typing import Any

from helpers import wat
from pywasm3.guests import emscripten

# An allocator that never frees: the next block begins where `top` says.
MALLOC = """
  (global $top (mut i32) (i32.const 4096))
  (func (export "malloc") (param $size i32) (result i32) (local $block i32)
    (local.set $block (global.get $top))
    (global.set $top (i32.and (i32.const -8)
      (i32.add (i32.add (global.get $top) (local.get $size)) (i32.const 7))))
    (local.get $block))
  (func (export "free") (param i32))"""

TYPES = {"i": "i32", "l": "i64", "d": "f64"}


def module(text: str) -> bytes:
    return wat(f"(module {text})")


def importing(*functions: str, memory: str = "1 10") -> bytes:
    """Returns a module that exports each function which it imports, a memory and malloc.

    Args:
        functions: The names and types, like "__syscall_openat iiii>i".
        memory: The limits of the memory.
    """
    imports, exports = [], []
    for function in functions:
        name, _, signature = function.partition(" ")
        params, _, result = signature.partition(">")
        where, _, symbol = name.rpartition(".")
        types = f"(param {' '.join(TYPES[each] for each in params)})"
        types += f" (result {TYPES[result]})" if result else ""
        imports.append(f'(import "{where or "env"}" "{symbol}" (func ${symbol} {types}))')
        exports.append(f'(export "{symbol}" (func ${symbol}))')
    lines = [*imports, f'(memory (export "memory") {memory})', MALLOC, *exports]
    return module("\n".join(lines))


class Calls:
    """Calls system calls of a program with texts for pointers to texts.

    Attributes:
        program: The program.
        memory: Its memory.
    """

    BUFFER = 1024  # an address for results

    def __init__(self, *functions: str, **options: Any) -> None:
        self.program = emscripten.load(importing(*functions), **options)
        self.memory = self.program.memory

    def __call__(self, name: str, *arguments: int | str) -> Any:
        given = [
            self.program.new_text(each) if isinstance(each, str) else each for each in arguments
        ]
        return self.program.exports[name](*given)

    def result(self, format: str) -> tuple[Any, ...]:
        """Returns what a call has written at BUFFER."""
        return struct.unpack(format, self.memory.read(self.BUFFER, struct.calcsize(format)))
