# SPDX-License-Identifier: MIT
"""The global objects of JavaScript that the glue of packages uses."""

from __future__ import annotations

import math

from ..._ffi import view_of
from .._javascript import MAX_SAFE, utf8
from .lexer import GlueError
from .natives import any_of, namespace, native_class, never
from .operators import (
    range_error,
    strictly_equal,
    to_bigint,
    to_index,
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
from .services import services
from .values import (
    KINDS,
    SLOT_BYTES,
    Accessor,
    Array,
    BigInt,
    Buffer,
    Function,
    MapObject,
    Object,
    Prototype,
    TypedArray,
    undefined,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .realm import Realm

_MAX_LENGTH = 1 << 24  # How many elements an array can be made with.


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
        target.class_.charge(SLOT_BYTES)
        target.class_.getters[key_of(key)] = get
    else:
        set_property(realm, target, key, Accessor(get))
    return target


def _description(realm: Realm, this: Any, owner: Any, key: Any) -> Any:
    if not has_property(realm, key, owner):
        return undefined
    value = get_property(realm, owner, key)
    return realm.object({"value": value, "writable": True, "enumerable": True})


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


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
        "is": lambda realm, this, a, b: strictly_equal(a, b) or (_is_nan(a) and _is_nan(b)),
        "fromEntries": lambda realm, this, pairs: realm.object(
            {str(key_of(p.items[0])): p.items[1] for p in values_of(realm, pairs)}
        ),
    }
    object_class = native_class(
        realm,
        "Object",
        lambda realm, this, value: realm.object() if value is None or value is undefined else value,
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
        "Function": native_class(
            realm, "Function", _no_functions, any_of(Function), {}, _no_functions
        ),
    }


# ---- arrays, maps and buffers ----


def _new_array(realm: Realm, this: Any, *items: Any) -> Array:
    if len(items) == 1 and isinstance(items[0], (int, float)) and type(items[0]) is not bool:
        count = to_index(items[0])
        if count > _MAX_LENGTH:
            raise range_error("Invalid array length")
        realm.budget.check(SLOT_BYTES * count)
        return realm.array([undefined] * count)
    return realm.array(list(items))


def _array_from(realm: Realm, this: Any, source: Any, function: Any) -> Array:
    if type(source) is Object and "length" in source.properties:
        count = min(to_index(source.properties["length"]), _MAX_LENGTH)
        realm.budget.check(SLOT_BYTES * count)
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
        "Array": native_class(realm, "Array", _new_array, any_of(Array), static, _new_array),
        "ArrayBuffer": native_class(
            realm,
            "ArrayBuffer",
            lambda realm, this, size: _zeros(realm, to_index(size)),
            any_of(Buffer),
            {"isView": lambda realm, this, value: isinstance(value, TypedArray)},
        ),
        "DataView": native_class(realm, "DataView", _data_view, _is("DataView")),
    }
    for name, make, is_set in (("Map", _new_map, False), ("Set", _new_set, True)):
        made[name] = native_class(realm, name, make, _is_map(is_set))
    made["WeakMap"], made["WeakSet"] = made["Map"], made["Set"]
    for kind in KINDS:
        made[kind] = native_class(realm, kind, _typed(kind), _is(kind))
    return made


# ---- texts and numbers ----


def _encode(realm: Realm, this: Any, value: Any) -> TypedArray:
    data = utf8("" if value is undefined else to_text(value))
    return TypedArray("Uint8Array", Buffer(realm.budget, bytearray(data)), 0, None)


def _encode_into(realm: Realm, this: Any, value: Any, target: Any) -> Object:
    data = utf8(to_text(value))
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
        return decoded(realm, view_of(source.data))
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
        "TextEncoder": native_class(realm, "TextEncoder", lambda realm, this: encoder, never),
        "TextDecoder": native_class(realm, "TextDecoder", lambda realm, this: decoder, never),
        "String": native_class(
            realm,
            "String",
            _to_text,
            never,
            {"fromCodePoint": _from_code_point, "fromCharCode": _from_code_point},
            _to_text,
        ),
        "Number": native_class(realm, "Number", _to_number, never, number_static, _to_number),
        "Boolean": native_class(realm, "Boolean", _to_boolean, never, {}, _to_boolean),
        "BigInt": native_class(
            realm,
            "BigInt",
            _to_bigint,
            never,
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


def _bits(value: Any) -> int:
    return min(to_index(value), 1 << 10)


def _signed(bits: int, value: int) -> BigInt:
    value &= (1 << bits) - 1
    return BigInt(value - (1 << bits) if bits and value >> (bits - 1) else value)


def globals_of(realm: Realm) -> dict[str, Any]:
    """Returns the global objects for a realm."""
    return {
        "NaN": math.nan,
        "Infinity": math.inf,
        **_objects(realm),
        **_containers(realm),
        **_texts(realm),
        **services(realm),
    }
