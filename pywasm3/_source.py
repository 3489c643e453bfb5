# SPDX-License-Identifier: MIT
"""Reads the file of a module, and stops early if the file cannot be one."""

from __future__ import annotations

import os
from stat import S_ISREG

from ._errors import UnsupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

MAGIC = b"\0asm"
# The size of the largest module in bytes: PW_MAX_MODULE_SIZE of native/base/limits.h.
MAX_BYTES = 1 << 30
# So many bytes tell whether a file is a module, text or something else.
_START = 1 << 16
_CHUNK = 1 << 20


def read_file(file: BinaryIO, is_text: Callable[[bytes], bool]) -> bytes:
    """Returns what a file contains, or only its beginning if no module or text begins like that.

    Args:
        file: A file with a file descriptor.
        is_text: Says from its beginning whether a file that is not a module is WebAssembly text.

    Raises:
        OSError: The file cannot be read.
        UnsupportedError: The file is larger than a module may be.
    """
    start = file.read(_START)
    if len(start) < _START or not (start.startswith(MAGIC) or is_text(start)):
        return start
    status = os.fstat(file.fileno())
    if not S_ISREG(status.st_mode):
        return _read_stream(file, start)
    if status.st_size > MAX_BYTES:
        raise _too_large(f"{status.st_size:,}")
    return start + file.read()


def read_opened(file: Any) -> bytes:
    """Returns what is left in a file, or only a part of it if no module begins like that.

    Args:
        file: An object with a method ``read(size)``, such as a file that the caller has opened.

    Raises:
        OSError: The file cannot be read.
        TypeError: The file gives no bytes: it was opened in text mode, for example.
        UnsupportedError: The file is larger than a module may be.
    """
    start = file.read(_START)
    if isinstance(start, str):
        raise TypeError('the file must be opened in binary mode: open(path, "rb")')
    if not isinstance(start, (bytes, bytearray, memoryview)):
        raise TypeError(f"the file's read() must return bytes, and not {type(start).__name__}")
    if len(start) >= len(MAGIC) and start[: len(MAGIC)] != MAGIC:
        return bytes(start)
    return _read_stream(file, bytes(start))


def _read_stream(file: BinaryIO, start: bytes) -> bytes:
    """Reads a file whose size is not known before its end, such as a pipe or a device."""
    chunks, size = [start], len(start)
    while chunk := file.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            raise _too_large(f"more than {MAX_BYTES:,}")
    return b"".join(chunks)


def _too_large(size: str) -> UnsupportedError:
    return UnsupportedError(
        f"too large: the file has {size} bytes, but a module may have at most {MAX_BYTES:,}"
    )
