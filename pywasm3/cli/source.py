# SPDX-License-Identifier: MIT
"""The sources of modules: files, standard input and the text format."""

from __future__ import annotations

import sys

from .. import MalformedError
from .._assemble import assemble
from .terminal import CommandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_MAGIC = b"\0asm"
# Module refuses anything longer because of its size alone, so there is no need to read more.
_MAX_BYTES = 1 << 30

STDIN = "-"


def read_bytes(name: str) -> bytes:
    """Returns the bytes of a module; text is assembled first.

    Args:
        name: A path, or "-" for standard input.

    Raises:
        OSError: The file cannot be read.
        CommandError: The file is text and cannot be assembled, or there is no standard input.
    """
    data = _read(name)
    return _assemble(name, data) if _is_text(name, data) else data


def shown_name(name: str) -> str:
    """Returns the name of a file as messages show it."""
    return "standard input" if name == STDIN else name


def _read(name: str) -> bytes:
    if name != STDIN:
        with open(name, "rb") as file:
            return _read_most(name, file)
    if sys.stdin is None:
        raise CommandError("there is no standard input")
    return _read_most(name, sys.stdin.buffer)


def _read_most(name: str, file: BinaryIO) -> bytes:
    start = file.read(1 << 16)
    if not start.startswith(_MAGIC) and not _is_text(name, start):
        return start  # This is not a module, whatever follows, so the rest need not be read.
    return start + file.read(_MAX_BYTES)


def _is_text(name: str, data: bytes) -> bool:
    if data.startswith(_MAGIC):
        return False
    return name.endswith(".wat") or data.lstrip()[:1] in (b"(", b";")


def _assemble(name: str, data: bytes) -> bytes:
    try:
        return assemble(shown_name(name), data)
    except MalformedError as error:
        raise CommandError(str(error)) from None
