# SPDX-License-Identifier: MIT
"""The sources of modules: files, standard input and the text format."""

from __future__ import annotations

import sys
from functools import partial

from .. import MalformedError
from .._source import MAGIC, read_file
from .terminal import CommandError

STDIN = "-"


def read_bytes(name: str) -> bytes:
    """Returns the bytes of a module; text is assembled first.

    Args:
        name: A path, or "-" for standard input.

    Raises:
        OSError: The file cannot be read.
        UnsupportedError: The file is larger than a module may be.
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
            return read_file(file, partial(_is_text, name))
    if sys.stdin is None:
        raise CommandError("there is no standard input")
    return read_file(sys.stdin.buffer, partial(_is_text, name))


def _is_text(name: str, data: bytes) -> bool:
    if data.startswith(MAGIC):
        return False
    return name.endswith(".wat") or data.lstrip()[:1] in (b"(", b";")


def _assemble(name: str, data: bytes) -> bytes:
    from .._assemble import assemble

    try:
        return assemble(shown_name(name), data)
    except MalformedError as error:
        raise CommandError(str(error)) from None
