# SPDX-License-Identifier: MIT
"""What the imports of Go's and of TinyGo's modules have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._errors import WasmError
from .._javascript import utf8
from . import values
from .function import GoFunction
from .values import to_text, type_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from .program import Program


def calling_method(this: Any, name: str, arguments: list[Any]) -> Callable[[], Any]:
    """Returns what calls a method of a value."""

    def call() -> Any:
        function = values.get(this, name)
        if not callable(function):
            raise type_error(f"{to_text(this)[:100]}.{name[:100]} is not a function")
        if isinstance(function, GoFunction):
            return function.call_with(this, arguments)
        return function(*arguments)

    return call


def calling(function: Any, arguments: list[Any], wanted: str) -> Callable[[], Any]:
    """Returns what calls a function or a constructor."""

    def call() -> Any:
        if not callable(function):
            raise type_error(f"{to_text(function)[:100]} is not a {wanted}")
        return function(*arguments)

    return call


def answer(program: Program, call: Callable[[], Any]) -> tuple[Any, bool]:
    """Makes a call, and returns its result, or the error that Go then panics with; and which."""
    try:
        return program._given(call()), True
    except WasmError:  # The program has ended or must stop, or another guest has trapped.
        raise
    except Exception as error:
        program.last_error = error
        return error, False


def prepared(value: Any) -> bytes:
    """Returns the text of a value as UTF-8. A half of a surrogate pair becomes U+FFFD."""
    return utf8(to_text(value))


def load_string(data: Any, room: memoryview) -> None:
    """Copies a text that was prepared to the guest."""
    if not isinstance(data, bytes) or len(data) > len(room):
        raise type_error("the guest loads a string that was not prepared, or into too few bytes")
    room[: len(data)] = data


def copied(source: memoryview | None, target: memoryview | None) -> int | None:
    """Copies bytes as far as both sides have some, and returns how many these are.

    It is None if one side is not a Uint8Array, or cannot be written.
    """
    if source is None or target is None or target.readonly:
        return None
    size = min(len(source), len(target))
    target[:size] = source[:size]
    return size
