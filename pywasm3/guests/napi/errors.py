# SPDX-License-Identifier: MIT
"""Errors and exceptions of Node-API."""

from __future__ import annotations

from ..._errors import Trap, TrapKind
from ..._text import brief
from ..bindgen.values import JsError, undefined
from .entries import Entry, entry
from .environment import NOTHING
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .environment import Environment

# napi_extended_error_info has 16 bytes: the address of a text, two zeros, and the status.
_INFO_BYTES = 16
_TEXT_BYTES = 48  # what the longest text of a status needs, with its NUL


def _new_error(environment: Environment, name: str, code: Any, message: str) -> Any:
    error = JsError(name, message)
    if code is not undefined:
        error.properties["code"] = code
    return environment.realm.thrown_value(error)  # which charges it


def _created(name: str) -> Entry:
    """Returns the function that makes an error of a class."""

    def create(environment: Environment, code: int, message: Any) -> Any:
        given = environment.handles.get(code) if code else undefined
        if given is not undefined and not isinstance(given, str):
            raise Failed(Status.STRING_EXPECTED)
        return _new_error(environment, name, given, message)

    return entry(create, "address string", "value")


def _thrower(name: str) -> Entry:
    """Returns the function that throws an error of a class."""

    def throw(environment: Environment, code: int, message: int) -> None:
        given = environment.realm.text(environment.text(code)) if code else undefined
        text = environment.realm.text(environment.text(message) if message else "")
        environment.pending = _new_error(environment, name, given, text)

    return entry(throw, "address address", runs_js=True)


def _throw(environment: Environment, value: Any) -> None:
    environment.pending = value


def _is_pending(environment: Environment) -> bool:
    return environment.pending is not NOTHING


def _take_pending(environment: Environment) -> Any:
    thrown, environment.pending = environment.pending, NOTHING
    return undefined if thrown is NOTHING else thrown


def _end(environment: Environment, value: Any) -> None:
    raise environment.realm.to_exception(value)


def last_error(environment: Environment, result: int) -> int:
    """Writes the address of what is known of the last error, which stays as it is."""
    if not result:
        return Status.INVALID_ARG
    if not environment.last_error_block:
        block, _ = environment.mirrors.blocks.take(_INFO_BYTES + _TEXT_BYTES)
        environment.last_error_block = block
    block, memory = environment.last_error_block, environment.memory
    text = b"" if environment.status == Status.OK else environment.status.text.encode()
    memory.put_i32(block, block + _INFO_BYTES if text else 0)
    memory.put_i64(block + 4, 0)
    memory.put_i32(block + 12, environment.status)
    memory.span(block + _INFO_BYTES, _TEXT_BYTES)[:] = text.ljust(_TEXT_BYTES, b"\0")
    memory.put_i32(result, block)
    return Status.OK


def fatal(environment: Environment, place: int, size: int, message: int, length: int) -> None:
    """Ends the guest, which found an error that it cannot go on after."""
    try:
        parts = [
            environment.text(at, count) for at, count in ((place, size), (message, length)) if at
        ]
    except Failed:  # a length that no text has
        parts = []
    text = ": ".join(brief(part) for part in parts if part) or "no message"
    raise Trap(TrapKind.UNREACHABLE, detail=f"the guest called napi_fatal_error: {text}")


_CLASSES = {
    "napi_{}_error": "Error",
    "napi_{}_type_error": "TypeError",
    "napi_{}_range_error": "RangeError",
    "node_api_{}_syntax_error": "SyntaxError",
}

FUNCTIONS: dict[str, Entry] = {
    **{name.format("create"): _created(class_) for name, class_ in _CLASSES.items()},
    **{name.format("throw"): _thrower(class_) for name, class_ in _CLASSES.items()},
    "napi_throw": entry(_throw, "value", runs_js=True),
    "napi_is_exception_pending": entry(_is_pending, "", "bool"),
    "napi_get_and_clear_last_exception": entry(_take_pending, "", "value"),
    "napi_fatal_exception": entry(_end, "value"),
}
