# SPDX-License-Identifier: MIT
"""Numbers, booleans, dates and symbols of Node-API, and what kind of value something is."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone

from .._javascript import MAX_SAFE
from ..bindgen.operators import (
    MAX_BITS,
    range_error,
    strictly_equal,
    to_int32,
    to_number,
    to_text,
    to_uint32,
    truthy,
    type_of,
)
from ..bindgen.properties import instance_of
from ..bindgen.values import (
    SLOT_BYTES,
    Array,
    BigInt,
    Buffer,
    Promise,
    Symbol,
    TypedArray,
    undefined,
)
from .entries import Entry, entry
from .lifetimes import External
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .environment import Environment

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_WORD = (1 << 64) - 1
_LEAST_I64, _MOST_I64 = -(1 << 63), (1 << 63) - 1
_TYPES = ("undefined", "null", "boolean", "number", "string", "symbol", "object", "function")
_EXTERNAL, _BIGINT = 8, 9


# ---- numbers ----


def _number(value: float) -> float:
    """Returns a number of the guest as the interpreter has it."""
    return value if type(value) is float or abs(value) <= MAX_SAFE else float(value)


def _to_i64(environment: Environment, value: float) -> int:
    """Returns the number without its fraction, or the nearest one that has 64 bits."""
    if not math.isfinite(value):
        return 0
    return min(max(int(value), _LEAST_I64), _MOST_I64)


def _lossless(bits: Callable[[int], int]) -> Callable[..., None]:
    """Returns what writes a bigint with 64 bits, and whether these are all that it has."""

    def write(environment: Environment, value: BigInt, result: int, lossless: int) -> None:
        if not result or not lossless:
            raise Failed(Status.INVALID_ARG)
        written = bits(int(value) & _WORD)
        environment.memory.put_i64(result, written)
        environment.memory.put_bool(lossless, written == value)

    return write


def _signed(word: int) -> int:
    return word - (1 << 64) if word >> 63 else word


def _from_words(environment: Environment, negative: int, count: int, words: int) -> BigInt:
    if not words or count > 0x7FFFFFFF:
        raise Failed(Status.INVALID_ARG)
    if 64 * count > MAX_BITS:
        raise range_error("Maximum BigInt size exceeded")
    value = int.from_bytes(environment.memory.span(words, 8 * count), "little")
    return BigInt(-value if negative else value)


def _to_words(environment: Environment, value: BigInt, sign: int, count: int, words: int) -> None:
    memory = environment.memory
    if not count or bool(sign) != bool(words):
        raise Failed(Status.INVALID_ARG)
    needed = (int(value).bit_length() + 63) // 64
    if words:
        capacity = min(memory.u32(count), needed)
        magnitude = abs(int(value)) & ((1 << 64 * capacity) - 1)
        memory.put_i32(sign, value < 0)
        memory.span(words, 8 * capacity)[:] = magnitude.to_bytes(8 * capacity, "little")
    memory.put_i32(count, needed)


# ---- dates ----


def _new_date(environment: Environment, milliseconds: float) -> datetime:
    try:
        return _EPOCH + timedelta(milliseconds=milliseconds)
    except (OverflowError, ValueError):
        raise range_error("the date is not one of the years 1 to 9999") from None


def _milliseconds(environment: Environment, date: datetime) -> float:
    try:
        aware = date if date.tzinfo is not None else date.astimezone()
    except (OverflowError, ValueError, OSError):  # the system has no zone for such a year
        aware = date.replace(tzinfo=timezone.utc)
    return float((aware - _EPOCH) // timedelta(milliseconds=1))


# ---- kinds ----


def _kind(environment: Environment, value: Any) -> int:
    if isinstance(value, External):
        return _EXTERNAL
    kind = "null" if value is None else type_of(value)
    return _BIGINT if kind == "bigint" else _TYPES.index(kind)


def _is(*kinds: type) -> Entry:
    """Returns the function that says whether a value is of a class."""
    return entry(lambda environment, value: isinstance(value, kinds), "value", "bool")


def _is_view(of_data: bool) -> Entry:
    return entry(
        lambda environment, value: (
            isinstance(value, TypedArray) and (value.kind == "DataView") is of_data
        ),
        "value",
        "bool",
    )


def _to_object(environment: Environment, value: Any) -> Any:
    return value


def _symbol(environment: Environment, description: int) -> Symbol:
    if not description:
        return Symbol("")
    text = environment.handles.get(description)
    if not isinstance(text, str):
        raise Failed(Status.STRING_EXPECTED)
    return Symbol(text)


def _symbol_for(environment: Environment, address: int, length: int) -> Symbol:
    """Returns the symbol of a text, which is the same for the same text."""
    text = environment.realm.text(environment.text(address, length))
    if text not in environment.symbols:
        environment.realm.budget.take(4 * SLOT_BYTES)
        environment.symbols[text] = Symbol(text)
    return environment.symbols[text]


def _adjust(environment: Environment, change: int) -> int:
    environment.external_bytes = _signed((environment.external_bytes + change) & _WORD)
    return environment.external_bytes


def _version(environment: Environment) -> int:
    return 9


def _boolean(environment: Environment, value: int) -> bool:
    return bool(value)


def _to_global(environment: Environment) -> Any:
    return environment.realm.globals["globalThis"]


FUNCTIONS: dict[str, Entry] = {
    "napi_get_undefined": entry(lambda environment: undefined, "", "value"),
    "napi_get_null": entry(lambda environment: None, "", "value"),
    "napi_get_global": entry(_to_global, "", "value"),
    "napi_get_boolean": entry(_boolean, "u32", "value"),
    "napi_create_int32": entry(lambda environment, value: value, "i32", "value"),
    "napi_create_uint32": entry(lambda environment, value: value, "u32", "value"),
    "napi_create_int64": entry(lambda environment, value: _number(value), "i64", "value"),
    "napi_create_double": entry(lambda environment, value: value, "f64", "value"),
    "napi_create_bigint_int64": entry(lambda environment, value: BigInt(value), "i64", "value"),
    "napi_create_bigint_uint64": entry(
        lambda environment, value: BigInt(value & _WORD), "i64", "value"
    ),
    "napi_create_bigint_words": entry(_from_words, "i32 u32 address", "value", runs_js=True),
    "napi_get_value_bool": entry(lambda environment, value: value, "boolean", "bool"),
    "napi_get_value_int32": entry(lambda environment, value: to_int32(value), "number", "i32"),
    "napi_get_value_uint32": entry(lambda environment, value: to_uint32(value), "number", "i32"),
    "napi_get_value_int64": entry(_to_i64, "number", "i64"),
    "napi_get_value_double": entry(lambda environment, value: float(value), "number", "f64"),
    "napi_get_value_bigint_int64": entry(_lossless(_signed), "bigint address address"),
    "napi_get_value_bigint_uint64": entry(_lossless(lambda word: word), "bigint address address"),
    "napi_get_value_bigint_words": entry(_to_words, "bigint address address address"),
    "napi_create_date": entry(_new_date, "f64", "value", runs_js=True),
    "napi_get_date_value": entry(_milliseconds, "date", "f64", runs_js=True),
    "napi_create_symbol": entry(_symbol, "address", "value"),
    "node_api_symbol_for": entry(_symbol_for, "address u32", "value"),
    "napi_typeof": entry(_kind, "value", "i32"),
    "napi_instanceof": entry(
        lambda environment, value, class_: instance_of(value, class_),
        "value value",
        "bool",
        runs_js=True,
    ),
    "napi_strict_equals": entry(
        lambda environment, a, b: strictly_equal(a, b), "value value", "bool", runs_js=True
    ),
    "napi_is_array": _is(Array),
    "napi_is_arraybuffer": _is(Buffer),
    "napi_is_buffer": _is(TypedArray),
    "napi_is_typedarray": _is_view(of_data=False),
    "napi_is_dataview": _is_view(of_data=True),
    "napi_is_date": _is(datetime),
    "napi_is_error": _is(BaseException),
    "napi_is_promise": _is(Promise),
    "napi_coerce_to_bool": entry(
        lambda environment, value: truthy(value), "value", "value", runs_js=True
    ),
    "napi_coerce_to_number": entry(
        lambda environment, value: to_number(value), "value", "value", runs_js=True
    ),
    "napi_coerce_to_string": entry(
        lambda environment, value: environment.realm.text(to_text(value)),
        "value",
        "value",
        runs_js=True,
    ),
    "napi_coerce_to_object": entry(_to_object, "owner", "value", runs_js=True),
    "napi_adjust_external_memory": entry(_adjust, "i64", "i64"),
    "napi_get_version": entry(_version, "", "i32"),
}
