# SPDX-License-Identifier: MIT
"""The global objects of JavaScript that the glue of packages uses."""

from __future__ import annotations

import json
import math

from ...wasi.sources import MONOTONIC, REALTIME, random_bytes, time_of
from .lexer import GlueError
from .methods import tag
from .operators import (
    MAX_SAFE,
    range_error,
    strictly_equal,
    to_bigint,
    to_index,
    to_int32,
    to_number,
    to_text,
    truthy,
    type_error,
    type_of,
)
from .properties import (
    call,
    construct,
    delete_property,
    get_property,
    has_property,
    key_of,
    set_property,
    values_of,
)
from .values import (
    KINDS,
    SYMBOLS,
    Accessor,
    Array,
    BigInt,
    Buffer,
    Class,
    Function,
    JsError,
    MapObject,
    Object,
    Promise,
    Prototype,
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
_MAX_LENGTH = 1 << 24  # How many elements an array can be made with.


def namespace(realm: Realm, functions: dict[str, Any]) -> Object:
    """Returns an object whose properties are functions of Python, or other values."""
    made = realm.object()
    for name, value in functions.items():
        made.properties[name] = realm.native(value, name) if hasattr(value, "__code__") else value
    return made


def _class(
    realm: Realm,
    name: str,
    make: Callable[..., Any],
    is_instance: Callable[[Any], bool],
    static: dict[str, Any] | None = None,
    invoke: Callable[..., Any] | None = None,
) -> Class:
    """Returns a class whose objects a function of Python makes."""
    construct = realm.adapted(make)
    made = Class(
        realm.budget,
        name,
        lambda arguments: construct(undefined, arguments),
        is_instance,
        realm.adapted(invoke) if invoke else None,
    )
    made.properties.update(namespace(realm, static or {}).properties)
    return made


def _any(kind: type) -> Callable[[Any], bool]:
    """Returns what tells whether a value is of a class of Python."""
    return lambda value: isinstance(value, kind)


def _never(value: Any) -> bool:
    """Tells that no value is an object of a class."""
    return False


def _is_map(is_set: bool) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, MapObject) and value.is_set is is_set


# ---- Object, Reflect, Function ----


def _object_entries(realm: Realm, this: Any, value: Any) -> Array:
    keys = realm.keys_of(value)
    return realm.array([realm.array([key, get_property(realm, value, key)]) for key in keys])


def _assign(realm: Realm, this: Any, target: Any, *sources: Any) -> Any:
    for source in sources:
        for key in realm.keys_of(source):
            set_property(realm, target, key, get_property(realm, source, key))
    return target


def _create(realm: Realm, this: Any, prototype: Any) -> Object:
    class_ = prototype.class_ if isinstance(prototype, Prototype) else None
    return Object(realm.budget, class_ if class_ and class_.name != "Object" else None)


def _define(realm: Realm, this: Any, target: Any, key: Any, description: Any) -> Any:
    get = get_property(realm, description, "get")
    if not isinstance(get, Function):
        set_property(realm, target, key, get_property(realm, description, "value"))
    elif isinstance(target, Prototype):
        target.class_.getters[key_of(key)] = get
    else:
        set_property(realm, target, key, Accessor(get))
    return target


def _description(realm: Realm, this: Any, owner: Any, key: Any) -> Any:
    if not has_property(realm, key, owner):
        return undefined
    value = get_property(realm, owner, key)
    return realm.object({"value": value, "writable": True, "enumerable": True})


def _prototype_of(realm: Realm, this: Any, value: Any) -> Any:
    if isinstance(value, Object) and value.class_ is not None:
        return value.class_.prototype
    return realm.globals["Object"].prototype if type(value) is Object else None


def _keys(realm: Realm, this: Any, value: Any) -> Array:
    return realm.array([realm.text(key) for key in realm.keys_of(value)])


def _reflect_set(realm: Realm, this: Any, owner: Any, key: Any, value: Any) -> bool:
    if type_of(owner) not in ("object", "function") or owner is None:
        raise type_error("Reflect.set called on non-object")
    set_property(realm, owner, key, value)
    return True


def _reflect_get(realm: Realm, this: Any, owner: Any, key: Any) -> Any:
    if type_of(owner) not in ("object", "function") or owner is None:
        raise type_error("Reflect.get called on non-object")
    return get_property(realm, owner, key)


def _no_functions(realm: Realm, this: Any, *sources: Any) -> Any:
    """Makes a function of source text: only the one that asks for the global object."""
    if len(sources) == 1 and to_text(sources[0]).strip() == "return this":
        return realm.native(lambda realm, this: realm.globals["globalThis"], "anonymous")
    raise GlueError("the guest makes a function of source text, which is not allowed")


def _objects(realm: Realm) -> dict[str, Any]:
    plain = {
        "entries": _object_entries,
        "keys": _keys,
        "getOwnPropertyNames": _keys,
        "getOwnPropertyDescriptor": _description,
        "values": lambda realm, this, value: realm.array(
            [get_property(realm, value, key) for key in realm.keys_of(value)]
        ),
        "assign": _assign,
        "create": _create,
        "defineProperty": _define,
        "getPrototypeOf": _prototype_of,
        "freeze": lambda realm, this, value: value,
        "is": lambda realm, this, a, b: strictly_equal(a, b) or (a != a and b != b),
        "fromEntries": lambda realm, this, pairs: realm.object(
            {str(key_of(p.items[0])): p.items[1] for p in values_of(realm, pairs)}
        ),
    }
    object_class = _class(
        realm,
        "Object",
        lambda realm, this, value: realm.object() if value in (None, undefined) else value,
        lambda value: type_of(value) in ("object", "function") and value is not None,
        plain,
        lambda realm, this, value: value,
    )
    reflect = {
        "get": _reflect_get,
        "set": _reflect_set,
        "has": lambda realm, this, owner, key: has_property(realm, key, owner),
        "ownKeys": _keys,
        "apply": lambda realm, this, f, t, given: call(f, t, list(values_of(realm, given))),
        "construct": lambda realm, this, c, given: construct(c, list(values_of(realm, given))),
        "deleteProperty": lambda realm, this, owner, key: delete_property(realm, owner, key),
        "getPrototypeOf": _prototype_of,
        "defineProperty": lambda realm, this, o, k, d: (_define(realm, this, o, k, d), True)[1],
    }
    return {
        "Object": object_class,
        "Reflect": namespace(realm, reflect),
        "Function": _class(realm, "Function", _no_functions, _any(Function), {}, _no_functions),
    }


# ---- arrays, maps and buffers ----


def _new_array(realm: Realm, this: Any, *items: Any) -> Array:
    if len(items) == 1 and isinstance(items[0], (int, float)) and type(items[0]) is not bool:
        count = to_index(items[0])
        if count > _MAX_LENGTH:
            raise range_error("Invalid array length")
        realm.budget.check(64 * count)
        return realm.array([undefined] * count)
    return realm.array(list(items))


def _array_from(realm: Realm, this: Any, source: Any, function: Any) -> Array:
    if type(source) is Object and "length" in source.properties:
        count = min(to_index(source.properties["length"]), _MAX_LENGTH)
        items = [get_property(realm, source, index) for index in range(count)]
    else:
        items = list(values_of(realm, source))
    if isinstance(function, Function):
        items = [function.invoke(undefined, [item, i]) for i, item in enumerate(items)]
    return realm.array(items)


def _new_map(realm: Realm, this: Any, entries: Any) -> MapObject:
    made = MapObject(realm.budget, is_set=False)
    for pair in () if entries is undefined or entries is None else values_of(realm, entries):
        made.put(get_property(realm, pair, 0), get_property(realm, pair, 1))
    return made


def _new_set(realm: Realm, this: Any, values: Any) -> MapObject:
    made = MapObject(realm.budget, is_set=True)
    for value in () if values is undefined or values is None else values_of(realm, values):
        made.put(value, value)
    return made


def _zeros(realm: Realm, size: int) -> Buffer:
    realm.budget.check(size)
    return Buffer(realm.budget, bytearray(size))


def _typed(kind: str) -> Callable[..., TypedArray]:
    """Returns what makes typed arrays of a kind."""
    size = KINDS[kind][1]

    def make(realm: Realm, this: Any, source: Any, offset: Any, count: Any) -> TypedArray:
        if isinstance(source, Buffer):
            number = None if count is undefined else to_index(count)
            return TypedArray(kind, source, to_index(offset), number)
        if isinstance(source, (int, float)) or source is undefined or source is None:
            return TypedArray(kind, _zeros(realm, size * to_index(source or 0)), 0, None)
        items = list(values_of(realm, source)) if not _same(source, kind) else None
        total = source.length if items is None else len(items)
        made = TypedArray(kind, _zeros(realm, size * total), 0, None)
        if items is None:
            made.view[:] = source.view[:total]
        else:
            for index, item in enumerate(items):
                made.view[index] = realm.to_element(kind, item)
        return made

    return make


def _same(source: Any, kind: str) -> bool:
    return isinstance(source, TypedArray) and source.view.format == KINDS[kind][0]


def _is(kind: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, TypedArray) and value.kind == kind


def _data_view(realm: Realm, this: Any, source: Any, offset: Any, size: Any) -> TypedArray:
    if not isinstance(source, Buffer):
        raise type_error("First argument to DataView constructor must be an ArrayBuffer")
    count = None if size is undefined else to_index(size)
    return TypedArray("DataView", source, to_index(offset), count)


def _containers(realm: Realm) -> dict[str, Any]:
    static = {
        "isArray": lambda realm, this, value: isinstance(value, Array),
        "from": _array_from,
        "of": lambda realm, this, *items: realm.array(list(items)),
    }
    made: dict[str, Any] = {
        "Array": _class(realm, "Array", _new_array, _any(Array), static, _new_array),
        "ArrayBuffer": _class(
            realm,
            "ArrayBuffer",
            lambda realm, this, size: _zeros(realm, to_index(size)),
            _any(Buffer),
            {"isView": lambda realm, this, value: isinstance(value, TypedArray)},
        ),
        "DataView": _class(realm, "DataView", _data_view, _is("DataView")),
    }
    for name, make, is_set in (("Map", _new_map, False), ("Set", _new_set, True)):
        check = lambda v, wanted=is_set: isinstance(v, MapObject) and v.is_set is wanted  # noqa: E731
        made[name] = _class(realm, name, make, check)
    made["WeakMap"], made["WeakSet"] = made["Map"], made["Set"]
    for kind in KINDS:
        made[kind] = _class(realm, kind, _typed(kind), _is(kind))
    return made


# ---- texts and numbers ----


def _encode(realm: Realm, this: Any, value: Any) -> TypedArray:
    data = encoded("" if value is undefined else to_text(value))
    return TypedArray("Uint8Array", Buffer(realm.budget, bytearray(data)), 0, None)


def encoded(value: str) -> bytes:
    """Returns a text in UTF-8, with U+FFFD for a surrogate that has no partner."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _encode_into(realm: Realm, this: Any, value: Any, target: Any) -> Object:
    data = encoded(to_text(value))
    if len(data) > target.length:
        raise range_error("the text does not fit, which the glue does not expect")
    target.view[: len(data)] = data
    return realm.object({"read": len(value), "written": len(data)})


def decoded(realm: Realm, data: Any) -> str:
    """Returns the text for UTF-8.

    Raises:
        JsError: A TypeError: the bytes are not UTF-8.
    """
    realm.budget.check(4 * len(data))
    try:
        return realm.text(str(data, "utf-8"))
    except UnicodeDecodeError:
        raise type_error("The encoded data was not valid for encoding utf-8") from None


def _decode(realm: Realm, this: Any, source: Any) -> str:
    if source is undefined:
        return ""
    if isinstance(source, Buffer):
        return decoded(realm, memoryview(source.data))
    if not isinstance(source, TypedArray):
        raise type_error("The argument of decode must be an ArrayBuffer or a view of one")
    return decoded(realm, memoryview(source.view).cast("B") if source.length else b"")


def _from_code_point(realm: Realm, this: Any, *codes: Any) -> str:
    numbers = [to_number(code) for code in codes]
    if not all(0 <= n < 0x110000 and n == int(n) for n in numbers):
        raise range_error("Invalid code point")
    return realm.text("".join(chr(int(number)) for number in numbers))


def _parse_int(realm: Realm, this: Any, value: Any) -> Any:
    number = to_number(value)
    return int(number) if math.isfinite(number) else math.nan


def _texts(realm: Realm) -> dict[str, Any]:
    encoder = namespace(realm, {"encode": _encode, "encodeInto": _encode_into})
    decoder = namespace(realm, {"decode": _decode})
    number_static = {
        "isSafeInteger": lambda realm, this, v: _whole(v) and abs(v) <= MAX_SAFE,
        "isInteger": lambda realm, this, v: _whole(v),
        "isNaN": lambda realm, this, v: isinstance(v, float) and v != v,
        "isFinite": lambda realm, this, v: type_of(v) == "number" and math.isfinite(v),
        "MAX_SAFE_INTEGER": MAX_SAFE,
        "MIN_SAFE_INTEGER": -MAX_SAFE,
    }
    return {
        "TextEncoder": _class(realm, "TextEncoder", lambda realm, this: encoder, _never),
        "TextDecoder": _class(realm, "TextDecoder", lambda realm, this: decoder, _never),
        "String": _class(
            realm,
            "String",
            _to_text,
            _never,
            {"fromCodePoint": _from_code_point, "fromCharCode": _from_code_point},
            _to_text,
        ),
        "Number": _class(realm, "Number", _to_number, _never, number_static, _to_number),
        "Boolean": _class(realm, "Boolean", _to_boolean, _never, {}, _to_boolean),
        "BigInt": _class(
            realm,
            "BigInt",
            _to_bigint,
            _never,
            {
                "asUintN": lambda r, this, n, v: BigInt(int(to_bigint(v)) & ((1 << _bits(n)) - 1)),
                "asIntN": lambda realm, this, n, v: _signed(_bits(n), int(to_bigint(v))),
            },
            _to_bigint,
        ),
        "parseInt": realm.native(_parse_int, "parseInt"),
        "parseFloat": realm.native(lambda realm, this, v: to_number(v), "parseFloat"),
        "isNaN": realm.native(lambda realm, this, v: to_number(v) != to_number(v), "isNaN"),
    }


def _whole(value: Any) -> bool:
    return type(value) is int or (isinstance(value, float) and value.is_integer())


def _to_text(realm: Realm, this: Any, *given: Any) -> str:
    return to_text(given[0]) if given else ""


def _to_number(realm: Realm, this: Any, value: Any) -> Any:
    return int(value) if isinstance(value, BigInt) else to_number(value)


def _to_boolean(realm: Realm, this: Any, value: Any) -> bool:
    return truthy(value)


def _to_bigint(realm: Realm, this: Any, value: Any) -> BigInt:
    return to_bigint(value)


def _to_symbol(realm: Realm, this: Any, value: Any) -> Symbol:
    return Symbol(str(to_text(value)))


def _now(realm: Realm, this: Any) -> float:
    return float(time_of(realm.clock, REALTIME) // 1_000_000)


def _elapsed(realm: Realm, this: Any) -> float:
    return time_of(realm.clock, MONOTONIC) / 1e6


def _nothing(realm: Realm, this: Any) -> Any:
    return undefined


def _bits(value: Any) -> int:
    return min(to_index(value), 1 << 16)


def _signed(bits: int, value: int) -> BigInt:
    value &= (1 << bits) - 1
    return BigInt(value - (1 << bits) if bits and value >> (bits - 1) else value)


# ---- errors, JSON, promises, time ----


def _new_error(name: str) -> Callable[..., Any]:
    def make(realm: Realm, this: Any, message: Any, options: Any) -> JsError:
        error = JsError(name, "" if message is undefined else str(to_text(message)))
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
    try:
        return realm.from_json(json.loads(to_text(source)))
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
    return (int.from_bytes(random_bytes(realm.random, 8), "little") >> 11) / 2**53


def _services(realm: Realm) -> dict[str, Any]:
    consoles = {name: _console(name) for name in ("log", "info", "debug", "warn", "error")}
    static = {"resolve": _resolve, "reject": _reject}
    symbols: dict[str, Any] = dict(SYMBOLS)
    registry = namespace(realm, {"register": _nothing, "unregister": _nothing})
    return {
        "JSON": namespace(realm, {"stringify": _stringify, "parse": _parse}),
        "Promise": _class(realm, "Promise", _new_promise, _any(Promise), static),
        "queueMicrotask": realm.native(_queue, "queueMicrotask"),
        "Symbol": _class(realm, "Symbol", _to_symbol, _never, symbols, _to_symbol),
        "console": namespace(realm, consoles),
        "crypto": namespace(realm, {"getRandomValues": _random_values}),
        "performance": namespace(realm, {"now": _elapsed}),
        "Date": _class(realm, "Date", _no_dates, _never, {"now": _now}),
        "FinalizationRegistry": _class(
            realm, "FinalizationRegistry", lambda realm, this: registry, _never
        ),
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


def globals_of(realm: Realm) -> dict[str, Any]:
    """Returns the global objects for a realm."""
    errors = {
        name: _class(realm, name, _new_error(name), _is_error(name), {}, _new_error(name))
        for name in _ERRORS
    }
    return {
        "NaN": math.nan,
        "Infinity": math.inf,
        **_objects(realm),
        **_containers(realm),
        **_texts(realm),
        **errors,
        **_services(realm),
    }
