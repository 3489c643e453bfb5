# SPDX-License-Identifier: MIT
"""Makes imports of functions that have values of JavaScript as parameters and results.

A function of Node-API has the environment as its first parameter, then those that its Entry lists,
and last the address for its result, if there is one. It returns a Status to the guest.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from ..._lookup import Typed
from ..._types import FuncType, f64, i32, i64
from .._words import MASK
from ..bindgen.operators import type_of
from ..bindgen.values import Array, BigInt, Buffer, Function, Symbol, TypedArray, undefined
from .environment import ENV, NOTHING, Environment
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class Entry(NamedTuple):
    """A function of Node-API.

    Attributes:
        function: Gets the environment and the parameters, and returns the result.
        parameters: The kinds of the parameters, which are keys of `_READERS`.
        result: What the result is, a key of `_WRITERS`; or "" if there is none.
        optional: Whether the address for the result may be null.
        runs_js: Whether it can run JavaScript. It does not while an exception is pending, and an
            error of JavaScript that it raises becomes pending.
    """

    function: Callable[..., Any]
    parameters: tuple[str, ...] = ()
    result: str = ""
    optional: bool = False
    runs_js: bool = False


def entry(
    function: Callable[..., Any], parameters: str = "", result: str = "", *, runs_js: bool = False
) -> Entry:
    """Returns an Entry.

    Args:
        function: The function.
        parameters: The kinds of its parameters, with blanks between them.
        result: The kind of its result; with "?" if the guest may pass null for its address.
        runs_js: Whether it can run JavaScript.
    """
    kinds = tuple(parameters.split())
    return Entry(function, kinds, result.rstrip("?"), result.endswith("?"), runs_js)


# ---- what a guest passes ----


def is_object(value: Any) -> bool:
    """Returns whether a value is an object or a function."""
    return value is not None and type_of(value) in ("object", "function")


def _expecting(status: Status, fits: Callable[[Any], bool]) -> Callable[[Environment, int], Any]:
    """Returns what reads a handle whose value must be of a kind."""

    def read(environment: Environment, handle: int) -> Any:
        value = environment.handles.get(handle)
        if not fits(value):
            raise Failed(status)
        return value

    return read


def _has_properties(value: Any) -> bool:
    return value is not None and value is not undefined


def _unsigned(environment: Environment, number: int) -> int:
    return number & MASK


def _plain(environment: Environment, number: Any) -> Any:
    return number


_READERS: dict[str, Callable[[Environment, Any], Any]] = {
    "address": _unsigned,
    "u32": _unsigned,
    "i32": _plain,
    "i64": _plain,
    "f64": _plain,
    "value": lambda environment, handle: environment.handles.get(handle),
    # What can be turned into an object: everything but null and undefined.
    "owner": _expecting(Status.OBJECT_EXPECTED, _has_properties),
    "object": _expecting(Status.OBJECT_EXPECTED, is_object),
    "function": _expecting(Status.INVALID_ARG, lambda value: isinstance(value, Function)),
    "string": _expecting(Status.STRING_EXPECTED, lambda value: isinstance(value, str)),
    "name": _expecting(Status.NAME_EXPECTED, lambda value: isinstance(value, (str, Symbol))),
    "number": _expecting(Status.NUMBER_EXPECTED, lambda value: type_of(value) == "number"),
    "bigint": _expecting(Status.BIGINT_EXPECTED, lambda value: isinstance(value, BigInt)),
    "boolean": _expecting(Status.BOOLEAN_EXPECTED, lambda value: isinstance(value, bool)),
    "array": _expecting(Status.ARRAY_EXPECTED, lambda value: isinstance(value, Array)),
    "date": _expecting(Status.DATE_EXPECTED, lambda value: isinstance(value, datetime)),
    "buffer": _expecting(Status.INVALID_ARG, lambda value: isinstance(value, Buffer)),
    "view": _expecting(Status.INVALID_ARG, lambda value: isinstance(value, TypedArray)),
}
_WIDE = {"i64": i64, "f64": f64}


# ---- what a guest gets ----


def put_value(environment: Environment, address: int, value: Any) -> None:
    """Writes a handle for a value."""
    environment.memory.put_i32(address, environment.handles.add(value))


_WRITERS: dict[str, Callable[[Environment, int, Any], None]] = {
    "value": put_value,
    "bool": lambda environment, address, value: environment.memory.put_bool(address, value),
    "i32": lambda environment, address, value: environment.memory.put_i32(address, value),
    "i64": lambda environment, address, value: environment.memory.put_i64(address, value),
    "f64": lambda environment, address, value: environment.memory.put_f64(address, value),
}


def put_number(environment: Environment, address: int, number: int) -> None:
    """Writes the low 32 bits of a number, if the guest gave an address for it."""
    if address:
        environment.memory.put_i32(address, number)


# ---- imports ----


def type_of_entry(found: Entry, *, has_environment: bool = True) -> FuncType:
    """Returns the type that the import of a function has."""
    kinds = [_WIDE.get(kind, i32) for kind in found.parameters]
    before, after = [i32] if has_environment else [], [i32] if found.result else []
    return FuncType([*before, *kinds, *after], [i32])


def bound(environment: Environment, found: Entry) -> Typed:
    """Returns the value for the import of a function."""
    run = _runner(environment, found)

    def call(env: int, *given: Any) -> int:
        return run(*given) if env == ENV else Status.INVALID_ARG

    return Typed(call, type_of_entry(found))


def bound_without_environment(environment: Environment, found: Entry) -> Typed:
    """Returns the value for the import of a function that does not get the environment."""
    run = _runner(environment, found)
    return Typed(run, type_of_entry(found, has_environment=False))


def _runner(environment: Environment, found: Entry) -> Callable[..., int]:
    """Returns what an import does after the environment is checked, and returns as its Status.

    It reads the parameters, calls the function, and writes the result to the guest's memory.
    """
    function, readers = found.function, [_READERS[kind] for kind in found.parameters]
    write = _WRITERS[found.result] if found.result else None
    runs_js, required = found.runs_js, write is not None and not found.optional

    def run(*given: Any) -> int:
        environment.status = Status.OK
        try:
            if runs_js and environment.pending is not NOTHING:
                raise Failed(Status.PENDING_EXCEPTION)
            if required and not given[-1]:
                raise Failed(Status.INVALID_ARG)
            # The address for the result has no reader.
            values = [read(environment, raw) for read, raw in zip(readers, given, strict=False)]
            result = function(environment, *values)
            if write is not None and given[-1]:
                write(environment, given[-1] & MASK, result)
        except Failed as failed:
            environment.status = failed.status
        except Exception as error:
            if not runs_js or not environment.realm.catchable(error):
                raise
            environment.pending = environment.realm.thrown_value(error)
            environment.status = Status.PENDING_EXCEPTION
        return environment.status

    return run
