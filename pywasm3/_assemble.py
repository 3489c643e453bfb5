# SPDX-License-Identifier: MIT
"""Makes modules of WebAssembly text (specification, chapter 6) with the package wasmtime."""

from __future__ import annotations

from ._errors import MalformedError
from ._text import printable


def assemble(name: str, text: bytes) -> bytes:
    """Returns the module that a text describes.

    Args:
        name: The name of the text in errors.
        text: The text in UTF-8.

    Raises:
        MalformedError: The text cannot be assembled, or the package wasmtime is not installed.
    """
    try:
        import wasmtime
    except ImportError:
        raise MalformedError(
            f"{name} is a text module, which needs an assembler: pip install wasmtime"
        ) from None
    try:
        return bytes(wasmtime.wat2wasm(text))
    except wasmtime.WasmtimeError as error:
        raise MalformedError(printable(name + _place_and_reason(str(error)))) from None


def _place_and_reason(message: str) -> str:
    """Extracts ``:line:column: reason`` from the assembler's message, which has several lines."""
    import re

    place = re.search(r"--> [^\n]*?:(\d+:\d+)", message)
    reason = message.strip().splitlines()[0] if message.strip() else "it cannot be assembled"
    return f":{place[1]}: {reason}" if place else f": {reason}"
