# SPDX-License-Identifier: MIT
"""The methods of JavaScript's values, as far as the glue of packages calls them.

Each gets the realm and `this`. METHODS has them by the name of the class.
"""

from __future__ import annotations

import math
from struct import Struct

from ..._ffi import view_of
from .operators import (
    join,
    range_error,
    strictly_equal,
    to_index,
    to_integer,
    to_text,
    truthy,
)
from .properties import call, extend, has_property, joined, units, values_of
from .values import (
    ITERATOR,
    KINDS,
    SLOT_BYTES,
    Array,
    BigInt,
    Buffer,
    Function,
    MapObject,
    Object,
    Promise,
    TypedArray,
    undefined,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from .realm import Realm


def _range(count: int, start: Any, end: Any) -> tuple[int, int]:
    """Returns where a part begins and ends; negative numbers count from the end."""
    first = 0 if start is undefined else to_integer(start)
    last = count if end is undefined else to_integer(end)
    first = max(0, first + count) if first < 0 else min(first, count)
    last = max(0, last + count) if last < 0 else min(last, count)
    return first, max(first, last)


# ---- iterators ----


def iterator(realm: Realm, values: Iterable[Any]) -> Object:
    """Returns an iterator of JavaScript."""
    rest = iter(values)

    def following(realm: Realm, this: Any) -> Object:
        for value in rest:
            return realm.object({"done": False, "value": value})
        return realm.object({"done": True, "value": undefined})

    made = realm.object()
    made.properties["next"] = realm.native(following, "next")
    made.properties[ITERATOR] = realm.native(lambda realm, this: this, "[Symbol.iterator]")
    return made


def _values(realm: Realm, this: Any) -> Object:
    return iterator(realm, values_of(realm, this))


def _each(realm: Realm, this: Any, function: Any) -> Any:
    for key, value in list(this.entries.values()):
        call(function, undefined, [value, key, this])
    return undefined


# ---- functions and objects ----


def _apply(realm: Realm, this: Any, new_this: Any, arguments: Any) -> Any:
    given = [] if arguments is undefined or arguments is None else list(values_of(realm, arguments))
    return call(this, new_this, given)


def _bind(realm: Realm, this: Any, new_this: Any, *leading: Any) -> Function:
    bound = list(leading)
    return Function(realm.budget, lambda _, given: call(this, new_this, bound + given), this.name)


def _has_own(realm: Realm, this: Any, key: Any) -> bool:
    if isinstance(this, Object):
        return key in this.properties
    return has_property(realm, key, this)


_TAGS = {
    **{Array: "Array", MapObject: "Map", Promise: "Promise", Buffer: "ArrayBuffer"},
    **{Function: "Function", bool: "Boolean", int: "Number", float: "Number"},
}


def tag(realm: Realm, this: Any) -> str:
    """Returns what Object.prototype.toString says."""
    kind = this.kind if isinstance(this, TypedArray) else _TAGS.get(type(this), "Object")
    kind = "Undefined" if this is undefined else "Null" if this is None else kind
    kind = "Error" if isinstance(this, BaseException) else kind
    return f"[object {'String' if isinstance(this, str) else kind}]"


# ---- arrays ----


def _push(realm: Realm, this: Any, *values: Any) -> int:
    extend(this, list(values))
    return len(this.items)


def _pop(realm: Realm, this: Any) -> Any:
    if not this.items:
        return undefined
    this.charge(-64)
    return this.items.pop()


def _fill(realm: Realm, this: Any, value: Any) -> Any:
    this.items[:] = [value] * len(this.items)
    return this


def _array_slice(realm: Realm, this: Any, start: Any, end: Any) -> Array:
    first, last = _range(len(this.items), start, end)
    return realm.array(this.items[first:last])


def _map(realm: Realm, this: Any, function: Any) -> Array:
    items = enumerate(list(this.items))
    return realm.array([call(function, undefined, [item, i, this]) for i, item in items])


def _filter(realm: Realm, this: Any, function: Any) -> Array:
    items = enumerate(list(this.items))
    return realm.array([v for i, v in items if truthy(call(function, undefined, [v, i, this]))])


def _for_each(realm: Realm, this: Any, function: Any) -> Any:
    _map(realm, this, function)
    return undefined


def _index_of(realm: Realm, this: Any, value: Any) -> int:
    return next((i for i, v in enumerate(this.items) if strictly_equal(v, value)), -1)


def _join(realm: Realm, this: Any, separator: Any) -> str:
    between = "," if separator is undefined else to_text(separator)
    return realm.text(join(this, between))


def _entries(realm: Realm, this: Any) -> Object:
    pairs = enumerate(values_of(realm, this))
    return iterator(realm, (realm.array([index, value]) for index, value in pairs))


# ---- typed arrays ----


def _set(realm: Realm, this: Any, source: Any, offset: Any) -> Any:
    target = this
    first = to_index(offset)
    if isinstance(source, TypedArray) and source.view.format == target.view.format:
        values: Any = source.view if source.length else source.view[:0]
    else:
        items = values_of(realm, source)
        values = [realm.to_element(target.kind, item) for item in items]
    if first + len(values) > target.length:
        raise range_error("offset is out of bounds")
    if isinstance(values, list):
        for index, value in enumerate(values, first):
            target.view[index] = value
    else:
        target.view[first : first + len(values)] = values
    return undefined


def _subarray(realm: Realm, this: Any, start: Any, end: Any) -> TypedArray:
    source = this
    first, last = _range(source.length, start, end)
    offset = source.offset + first * source.view.itemsize
    return TypedArray(source.kind, source.buffer, offset, last - first)


def _typed_slice(realm: Realm, this: Any, start: Any, end: Any) -> TypedArray:
    source = this
    first, last = _range(source.length, start, end)
    realm.budget.check((last - first) * source.view.itemsize)
    buffer = Buffer(realm.budget, bytearray(source.view[first:last].tobytes()))
    return TypedArray(source.kind, buffer, 0, None)


def _typed_fill(realm: Realm, this: Any, value: Any, start: Any, end: Any) -> Any:
    first, last = _range(this.length, start, end)
    element = realm.to_element(this.kind, value)
    part = this.view[first:last]
    part[:] = memoryview(Struct(this.view.format).pack(element) * len(part)).cast(part.format)
    return this


def _buffer_slice(realm: Realm, this: Any, start: Any, end: Any) -> Buffer:
    first, last = _range(this.size, start, end)
    realm.budget.check(last - first)
    return Buffer(realm.budget, bytearray(view_of(this.data)[first:last]))


def _data_view() -> dict[str, Callable[..., Any]]:
    """Returns the methods of DataView."""
    methods: dict[str, Callable[..., Any]] = {}
    for kind, (letter, _) in KINDS.items():
        name = kind.removesuffix("Array")
        if name != "Uint8Clamped":
            methods["get" + name] = _reader(kind, letter)
            methods["set" + name] = _writer(kind, letter)
    return methods


def _reader(kind: str, letter: str) -> Callable[..., Any]:
    orders = {True: Struct("<" + letter), False: Struct(">" + letter)}
    big = kind.startswith("Big")

    def read(realm: Realm, this: Any, offset: Any, little: Any) -> Any:
        order, first = orders[truthy(little)], to_index(offset)
        if first + order.size > this.length:
            raise range_error("Offset is outside the bounds of the DataView")
        value = order.unpack_from(this.view, first)[0]
        return BigInt(value) if big else value

    return read


def _writer(kind: str, letter: str) -> Callable[..., Any]:
    orders = {True: Struct("<" + letter), False: Struct(">" + letter)}

    def write(realm: Realm, this: Any, offset: Any, value: Any, little: Any) -> Any:
        order, first = orders[truthy(little)], to_index(offset)
        element = realm.to_element(kind, value)
        if first + order.size > this.length:
            raise range_error("Offset is outside the bounds of the DataView")
        order.pack_into(this.view, first, element)
        return undefined

    return write


# ---- texts ----


def _char_code(realm: Realm, this: Any, index: Any) -> Any:
    split, at = units(this), 0 if index is undefined else to_integer(index)
    return ord(split[at]) if 0 <= at < len(split) else math.nan


def _code_point(realm: Realm, this: Any, index: Any) -> Any:
    split, at = units(this), 0 if index is undefined else to_integer(index)
    if not 0 <= at < len(split):
        return undefined
    return ord(joined(split[at : at + 2])[0])


def _text_slice(realm: Realm, this: Any, start: Any, end: Any) -> str:
    split = units(this)
    first, last = _range(len(split), start, end)
    return realm.text(joined(split[first:last]))


def _replace(realm: Realm, this: Any, old: Any, new: Any) -> str:
    return realm.text(this.replace(to_text(old), to_text(new), 1))


def _split(realm: Realm, this: Any, separator: Any) -> Array:
    if separator is undefined:
        return realm.array([this])
    between = to_text(separator)
    realm.budget.check(2 * SLOT_BYTES * len(this))
    parts = this.split(between) if between else list(units(this))
    return realm.array([realm.text(part) for part in parts])


def _text_index(realm: Realm, this: Any, wanted: Any) -> int:
    return units(this).find(units(to_text(wanted)))


# ---- maps, sets and promises ----


def _map_set(realm: Realm, this: Any, key: Any, value: Any) -> Any:
    this.put(key, value)
    return this


def _map_get(realm: Realm, this: Any, key: Any) -> Any:
    found = this.entries.get(MapObject.identity(key))
    return found[1] if found else undefined


def _map_delete(realm: Realm, this: Any, key: Any) -> bool:
    found = this.entries.pop(MapObject.identity(key), None)
    if found:
        this.charge(-128)
    return found is not None


def _map_clear(realm: Realm, this: Any) -> Any:
    this.charge(-128 * len(this.entries))
    this.entries.clear()
    return undefined


def _map_entries(realm: Realm, this: Any) -> Object:
    pairs = list(this.entries.values())
    return iterator(realm, (realm.array([key, value]) for key, value in pairs))


def _map_keys(realm: Realm, this: Any) -> Object:
    return iterator(realm, [key for key, _ in list(this.entries.values())])


def _map_values(realm: Realm, this: Any) -> Object:
    pairs = list(this.entries.values())
    return iterator(realm, [key if this.is_set else value for key, value in pairs])


def _then(realm: Realm, this: Any, fulfilled: Any, rejected: Any) -> Promise:
    return realm.then(this, fulfilled, rejected)


def _finally(realm: Realm, this: Any, function: Any) -> Promise:
    passed = realm.native(lambda realm, _, value: (call(function, undefined, []), value)[1], "")
    return realm.then(this, passed, undefined)


# The class that `this` must have. A guest can call a method for any value, also for an object of
# Python, whose attributes it must not reach.
RECEIVERS: dict[str, Any] = {
    "Function": Function,
    "Array": Array,
    "TypedArray": TypedArray,
    "DataView": TypedArray,
    "ArrayBuffer": Buffer,
    "String": str,
    "Number": (int, float),
    "Error": BaseException,
    "Map": MapObject,
    "Promise": Promise,
}

METHODS: dict[str, dict[Any, Callable[..., Any]]] = {
    "Object": {
        "hasOwnProperty": _has_own,
        "toString": lambda realm, this: (
            to_text(this) if type(this) is not Object else tag(realm, this)
        ),
        "valueOf": lambda realm, this: this,
    },
    "Function": {
        "call": lambda realm, this, new_this, *given: call(this, new_this, list(given)),
        "apply": _apply,
        "bind": _bind,
    },
    "Array": {
        "push": _push,
        "pop": _pop,
        "fill": _fill,
        "slice": _array_slice,
        "map": _map,
        "filter": _filter,
        "forEach": _for_each,
        "indexOf": _index_of,
        "includes": lambda realm, this, value: _index_of(realm, this, value) >= 0,
        "join": _join,
        "concat": lambda realm, this, other: realm.array(
            this.items + list(values_of(realm, other))
        ),
        "values": _values,
        "entries": _entries,
        ITERATOR: _values,
    },
    "TypedArray": {
        "set": _set,
        "subarray": _subarray,
        "slice": _typed_slice,
        "fill": _typed_fill,
        "values": _values,
        ITERATOR: _values,
    },
    "ArrayBuffer": {"slice": _buffer_slice},
    "DataView": _data_view(),
    "String": {
        "charCodeAt": _char_code,
        "codePointAt": _code_point,
        "slice": _text_slice,
        "substring": _text_slice,
        "replace": _replace,
        "split": _split,
        "indexOf": _text_index,
        "includes": lambda realm, this, wanted: to_text(wanted) in this,
        "startsWith": lambda realm, this, wanted: this.startswith(to_text(wanted)),
        "endsWith": lambda realm, this, wanted: this.endswith(to_text(wanted)),
        "toLowerCase": lambda realm, this: realm.text(this.lower()),
        "toUpperCase": lambda realm, this: realm.text(this.upper()),
        "trim": lambda realm, this: realm.text(this.strip()),
        "toString": lambda realm, this: this,
        ITERATOR: _values,
    },
    "Number": {"toString": lambda realm, this: to_text(this)},
    "Error": {"toString": lambda realm, this: to_text(this)},
    "Map": {
        "get": _map_get,
        "set": _map_set,
        "add": lambda realm, this, key: _map_set(realm, this, key, key),
        "has": lambda realm, this, key: MapObject.identity(key) in this.entries,
        "delete": _map_delete,
        "clear": _map_clear,
        "forEach": _each,
        "entries": _map_entries,
        "keys": _map_keys,
        "values": _map_values,
        ITERATOR: _values,
    },
    "Promise": {
        "then": _then,
        "catch": lambda realm, this, rejected: _then(realm, this, undefined, rejected),
        "finally": _finally,
    },
}
