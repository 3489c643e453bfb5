# SPDX-License-Identifier: MIT
"""``pywasm3 disasm``: shows the instructions of functions."""

from __future__ import annotations

import argparse
from itertools import chain

from .._text import brief_quoted, counted, meant
from .listing import Listing
from .source import read_bytes
from .terminal import Output, UsageError
from .wat import instruction_text, local_groups, shortened, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from .listing import Instruction

_STEP = "  "
# Larger values are cut, so that a hostile module cannot make lines longer than itself.
_MAX_INDENT = 40
_MAX_GROUP = 64
_OPENING = ("block", "loop", "if", "else", "try_table", "try", "catch", "catch_all")
_CLOSING = ("else", "end", "catch", "catch_all", "delegate")


def add_parser(subparsers: Any) -> None:
    """Adds the parser of this command."""
    parser = subparsers.add_parser(
        "disasm",
        help="show the instructions of functions",
        description="Shows functions in the text format, each instruction with its offset in the "
        "module.",
        epilog="example: pywasm3 disasm program.wasm main",
    )
    parser.add_argument("file", metavar="FILE", help="a module; - reads standard input")
    parser.add_argument(
        "function",
        metavar="FUNC",
        nargs="?",
        help="the name or index of a function; without it, all are shown",
    )


def run(args: argparse.Namespace) -> int:
    """Runs the command and returns the exit code."""
    listing = Listing(read_bytes(args.file))
    writer = _Writer(listing)
    for index in _chosen(listing, args.function):
        writer.function(index)
    return 0


def _chosen(listing: Listing, wanted: str | None) -> list[int]:
    """Returns the functions that FUNC means: those with the name, or else that with the index."""
    count = listing.count("func")
    if wanted is None:
        return list(range(count))
    bare = wanted.removeprefix("$")
    exported = {
        export.extern.index
        for export in listing.exports()
        if export.extern.kind == "func" and export.name in (wanted, bare)
    }
    named = [
        index
        for index in range(count)
        if index in exported or listing.function_name(index) in (wanted, bare)
    ]
    if named:
        return named
    if wanted.isascii() and wanted.isdecimal():
        if int(wanted) < count:
            return [int(wanted)]
        raise UsageError(
            f"there is no function {wanted}: the module has {counted(count, 'function')}"
        )
    names = filter(None, chain(_exported(listing), map(listing.function_name, range(count))))
    hint = meant(bare, names, brief_quoted)
    raise UsageError(f"no function is called {brief_quoted(wanted)}{hint}")


def _exported(listing: Listing) -> Iterator[str]:
    return (export.name for export in listing.exports() if export.extern.kind == "func")


class _Writer:
    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._output = Output()
        self._exports: dict[int, list[str]] = {}
        self._imports = {}
        for export in listing.exports():
            if export.extern.kind == "func":
                self._exports.setdefault(export.extern.index, []).append(export.name)
        for entry in listing.imports():
            if entry.extern.kind == "func":
                self._imports[entry.extern.index] = (entry.module, entry.name)

    def function(self, index: int) -> None:
        """Writes a function: its first line, its locals and its instructions."""
        head = self._head(index)
        instructions = self._listing.instructions(index)
        declarations = next(instructions, None)
        if declarations is None:
            self._line(None, 0, f"{head})", self._name(index))
            return
        self._line(None, 0, head, self._name(index))
        if declarations.operands:
            self._line(declarations.offset, 1, _locals(declarations))
        self._body(instructions)

    def _body(self, instructions: Any) -> None:
        depth = 1
        for instruction in instructions:
            if instruction.text in _CLOSING:
                depth -= 1
            text = instruction_text(instruction) if depth else ")"
            self._line(instruction.offset, depth, text, self._callee(instruction))
            if instruction.text in _OPENING:
                depth += 1

    def _line(self, offset: int | None, depth: int, text: str, comment: str = "") -> None:
        place = " " * 8 if offset is None else f"{offset:08x}"
        line = f"{self._output.paint('dim', place)}  {_STEP * min(depth, _MAX_INDENT)}{text}"
        if comment:
            line += "  " + self._output.paint("cyan", f";; {comment}")
        self._output.line(line)

    def _head(self, index: int) -> str:
        extern = self._listing.extern("func", index)
        words = [f"(func (;{index};)"]
        words += [f"(export {brief_quoted(name)})" for name in self._exports.get(index, ())]
        if index in self._imports:
            words.append("(import {} {})".format(*map(brief_quoted, self._imports[index])))
        words.append(f"(type {extern.type_index})")
        assert extern.func is not None
        words.append(shortened(signature(extern.func)))
        return " ".join([word for word in words if word])

    def _name(self, index: int) -> str:
        return self._listing.function_label(index)

    def _callee(self, instruction: Instruction) -> str:
        """Returns the name of the function that an instruction refers to, or an empty text."""
        for kind, value in instruction.operands:
            if kind == "func":
                return self._name(value)
        return ""


def _locals(declarations: Instruction) -> str:
    words = []
    for count, type_ in local_groups(declarations):
        if count > _MAX_GROUP:
            words.append(f"(local {type_} (; {count} of them ;))")
        elif count:
            words.append(f"(local{f' {type_}' * count})")
    if declarations.omitted:
        words.append("(; and more ;)")
    return " ".join(words)
