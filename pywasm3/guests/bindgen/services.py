# SPDX-License-Identifier: MIT
"""The global objects for errors, JSON, promises, time, random bytes, and the console."""

from __future__ import annotations

import json
import math

from ...wasi.sources import MONOTONIC, REALTIME, random_bytes, time_of
from .._javascript import random_53
from .finalization import new_registry
from .lexer import GlueError
from .methods import tag
from .natives import any_of, namespace, native_class, never
from .operators import (
    range_error,
    to_int32,
    to_number,
    to_text,
)
from .properties import (
    call,
)
from .values import (
    SYMBOLS,
    JsError,
    Object,
    Promise,
    Symbol,
    TypedArray,
    undefined,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .realm import Realm

_ERRORS = ("Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError", "EvalError")


def _new_error(name: str) -> Callable[..., Any]:
    def make(realm: Realm, this: Any, message: Any, options: Any) -> JsError:
        error = JsError(name, "" if message is undefined else to_text(message))
        if isinstance(options, Object) and "cause" in options.properties:
            error.properties["cause"] = options.properties["cause"]
        return error

    return make


def _is_error(name: str) -> Callable[[Any], bool]:
    if name == "Error":
        return lambda value: isinstance(value, BaseException)
    return lambda value: isinstance(value, JsError) and value.name == name


def _stringify(realm: Realm, this: Any, value: Any, replacer: Any, space: Any) -> Any:
    plain = realm.to_json(value)
    if plain is undefined:
        return undefined
    indent = to_int32(space) if isinstance(space, (int, float)) else None
    indent = min(max(indent, 0), 10) or None if indent is not None else None
    separators = (",", ": ") if indent else (",", ":")
    written = json.dumps(plain, ensure_ascii=False, separators=separators, indent=indent)
    return realm.text(written)


def _parse(realm: Realm, this: Any, source: Any) -> Any:
    text = to_text(source)
    realm.budget.check(32 * len(text))
    try:
        return realm.from_json(json.loads(text))
    except ValueError as error:
        raise JsError("SyntaxError", f"invalid JSON: {error}") from None


def _new_promise(realm: Realm, this: Any, executor: Any) -> Promise:
    promise = Promise(realm.budget)
    realm.attempt(promise, executor)
    return promise


def _resolve(realm: Realm, this: Any, value: Any) -> Promise:
    if isinstance(value, Promise):
        return value
    promise = Promise(realm.budget)
    realm.settle(promise, "fulfilled", value)
    return promise


def _reject(realm: Realm, this: Any, value: Any) -> Promise:
    promise = Promise(realm.budget)
    realm.settle(promise, "rejected", value)
    return promise


def _queue(realm: Realm, this: Any, function: Any) -> Any:
    realm.later(lambda: call(function, undefined, []))
    return undefined


def _console(name: str) -> Callable[..., Any]:
    def write(realm: Realm, this: Any, *values: Any) -> Any:
        if realm.console is not None:
            shown = [tag(realm, v) if isinstance(v, Object) else str(to_text(v)) for v in values]
            realm.console(name, " ".join(shown))
        return undefined

    return write


def _random_values(realm: Realm, this: Any, target: Any) -> Any:
    if not isinstance(target, TypedArray) or target.length * target.view.itemsize > 65536:
        raise range_error("getRandomValues takes a typed array of at most 65,536 bytes")
    if target.length:
        target.view.cast("B")[:] = random_bytes(realm.random, target.view.nbytes)
    return target


def _random(realm: Realm, this: Any) -> float:
    return random_53(realm.random) / 2**53


def _to_symbol(realm: Realm, this: Any, value: Any) -> Symbol:
    return Symbol(to_text(value))


def _now(realm: Realm, this: Any) -> float:
    return float(time_of(realm.clock, REALTIME) // 1_000_000)


def _elapsed(realm: Realm, this: Any) -> float:
    return time_of(realm.clock, MONOTONIC) / 1e6


def services(realm: Realm) -> dict[str, Any]:
    """Returns these global objects for a realm."""
    consoles = {name: _console(name) for name in ("log", "info", "debug", "warn", "error")}
    static = {"resolve": _resolve, "reject": _reject}
    symbols: dict[str, Any] = dict(SYMBOLS)
    errors = {
        name: native_class(realm, name, _new_error(name), _is_error(name), {}, _new_error(name))
        for name in _ERRORS
    }
    return {
        **errors,
        "JSON": namespace(realm, {"stringify": _stringify, "parse": _parse}),
        "Promise": native_class(realm, "Promise", _new_promise, any_of(Promise), static),
        "queueMicrotask": realm.native(_queue, "queueMicrotask"),
        "Symbol": native_class(realm, "Symbol", _to_symbol, never, symbols, _to_symbol),
        "console": namespace(realm, consoles),
        "crypto": namespace(realm, {"getRandomValues": _random_values}),
        "performance": namespace(realm, {"now": _elapsed}),
        "Date": native_class(realm, "Date", _no_dates, never, {"now": _now}),
        "FinalizationRegistry": native_class(realm, "FinalizationRegistry", new_registry, never),
        "Math": namespace(realm, {"random": _random, **_MATH}),
    }


def _no_dates(realm: Realm, this: Any, *given: Any) -> Any:
    raise GlueError("objects of the class Date are not known")


def _rounded(function: Callable[[float], int]) -> Callable[..., Any]:
    def apply(realm: Realm, this: Any, value: Any) -> Any:
        number = to_number(value)
        return function(number) if math.isfinite(number) else number

    return apply


_MATH: dict[str, Any] = {
    "PI": math.pi,
    "floor": _rounded(math.floor),
    "ceil": _rounded(math.ceil),
    "trunc": _rounded(math.trunc),
    "abs": lambda realm, this, value: abs(to_number(value)),
    "min": lambda realm, this, *values: min(map(to_number, values), default=math.inf),
    "max": lambda realm, this, *values: max(map(to_number, values), default=-math.inf),
}
