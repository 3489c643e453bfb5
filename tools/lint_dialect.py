# SPDX-License-Identifier: MIT
"""Checks the rules of the C dialect that clang-format cannot: each finding is a line of output.

- A pointer is compared with NULL: ``if (p == NULL)``, and not ``if (!p)``.
- Where the value of an increment or decrement is not used, it is written behind: ``i++``.

Both need types or the syntax tree, so libclang reads the sources. What a macro of wasm3 or CPython
expands to is not looked at.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from clang.cindex import Cursor, CursorKind, Index, TranslationUnit, TypeKind

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import build_ffi
import toolchain

ROOT = Path(__file__).resolve().parents[1]
LOGICAL = ("&&", "||")
# Of these statements, the child at this index is a condition.
CONDITIONS = {
    CursorKind.IF_STMT: 0,
    CursorKind.WHILE_STMT: 0,
    CursorKind.DO_STMT: 1,
    CursorKind.CONDITIONAL_OPERATOR: 0,
}


def operator(cursor: Cursor) -> str:
    """The operator of a unary or binary expression, as it is written before or between operands."""
    children = list(cursor.get_children())
    end = children[0].extent.end.offset if len(children) > 1 else cursor.extent.start.offset
    for token in cursor.get_tokens():
        if token.extent.start.offset >= end:
            return str(token.spelling)
    return ""


def without_parentheses(cursor: Cursor) -> Cursor:
    """The expression inside parentheses and implicit casts."""
    while cursor.kind in (CursorKind.PAREN_EXPR, CursorKind.UNEXPOSED_EXPR):
        children = list(cursor.get_children())
        if len(children) != 1:
            break
        cursor = children[0]
    return cursor


def truth_values(cursor: Cursor) -> Iterator[Cursor]:
    """The expressions whose truth decides about a condition."""
    cursor = without_parentheses(cursor)
    children = list(cursor.get_children())
    if cursor.kind == CursorKind.BINARY_OPERATOR and operator(cursor) in LOGICAL:
        for child in children:
            yield from truth_values(child)
    elif cursor.kind == CursorKind.UNARY_OPERATOR and operator(cursor) == "!":
        yield from truth_values(children[0])
    else:
        yield cursor


def part_of_for(loop: Cursor, part: Cursor) -> int:
    """Which part of ``for (0; 1; 2)`` an expression is; a part may be missing."""
    semicolons = [t.extent.start.offset for t in loop.get_tokens() if t.spelling == ";"]
    return sum(offset < part.extent.start.offset for offset in semicolons[:2])


def conditions(cursor: Cursor) -> Iterator[Cursor]:
    """The conditions that a statement or an expression itself contains."""
    children = list(cursor.get_children())
    if cursor.kind in CONDITIONS and len(children) > CONDITIONS[cursor.kind]:
        yield children[CONDITIONS[cursor.kind]]
    elif cursor.kind == CursorKind.FOR_STMT:
        yield from (child for child in children[:-1] if part_of_for(cursor, child) == 1)
    elif (cursor.kind == CursorKind.BINARY_OPERATOR and operator(cursor) in LOGICAL) or (
        cursor.kind == CursorKind.UNARY_OPERATOR and operator(cursor) == "!"
    ):
        yield cursor


def is_pointer(cursor: Cursor) -> bool:
    """Whether an expression is a pointer; what a macro makes has no extent, and is passed over."""
    if cursor.extent.start.offset == cursor.extent.end.offset:
        return False
    return cursor.type.get_canonical().kind in (TypeKind.POINTER, TypeKind.INCOMPLETEARRAY)


def unused_values(cursor: Cursor) -> Iterator[Cursor]:
    """The expressions of a statement whose values nobody uses."""
    children = list(cursor.get_children())
    if cursor.kind == CursorKind.COMPOUND_STMT:
        yield from children
    elif cursor.kind == CursorKind.FOR_STMT:
        yield from (child for child in children[:-1] if part_of_for(cursor, child) == 2)
    elif cursor.kind == CursorKind.BINARY_OPERATOR and operator(cursor) == ",":
        yield from children


def is_prefixed(cursor: Cursor) -> bool:
    """Whether an expression is ``++x`` or ``--x``."""
    return cursor.kind == CursorKind.UNARY_OPERATOR and operator(cursor) in ("++", "--")


def findings(unit: TranslationUnit) -> Iterator[tuple[Cursor, str]]:
    """What breaks a rule in a translation unit's own files, with the rule."""
    for cursor in unit.cursor.walk_preorder():
        file = cursor.location.file
        if file is None or "native/" not in file.name:
            continue
        for condition in conditions(cursor):
            for value in truth_values(condition):
                if is_pointer(value):
                    yield value, "compare the pointer with NULL"
        for value in unused_values(cursor):
            if is_prefixed(value):
                yield value, "write the increment or decrement behind"


def system_folders() -> list[str]:
    """The folders of headers that are not ours. libclang comes without the compiler's own."""
    ask = [toolchain.default_compiler(), "-print-file-name=include"]
    own = subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip()
    return [build_ffi.WASM3, sysconfig.get_path("include"), own]


def parse(source: str, folders: list[str]) -> TranslationUnit:
    """A file of the sources, as the build compiles it."""
    # Without SSE2, the sources do not include the compiler's header of vector instructions.
    flags = ["-std=c11", "-U__SSE2__", f"-I{build_ffi.NATIVE}"]
    flags += [f"-isystem{folder}" for folder in folders]
    unit = Index.create().parse(source, flags)
    for diagnostic in unit.diagnostics:
        # gcc's <stdatomic.h> gives errors in clang; a header that is missing is fatal.
        if diagnostic.severity >= diagnostic.Fatal:
            sys.exit(f"libclang does not understand {source}: {diagnostic}")
    return unit


def main() -> int:
    """The exit code: 1 if there are findings."""
    os.chdir(ROOT)
    found = set()
    folders = system_folders()
    for source in build_ffi.ENGINE_SOURCES + build_ffi.CPYTHON_SOURCES:
        for cursor, rule in findings(parse(source, folders)):
            place = cursor.location
            found.add(f"{place.file}:{place.line}:{place.column}: {rule}")
    for line in sorted(found):
        print(line)
    print(f"{len(found)} findings in the C dialect")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
