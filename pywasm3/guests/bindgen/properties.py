# SPDX-License-Identifier: MIT
"""Properties, calls and iteration of JavaScript's values.

Only values of the classes in `values` have properties. Objects of Python that a program gives to
a guest have none, so that a guest never reaches the attributes of Python's objects.
"""

from __future__ import annotations

from .operators import to_index, to_text, type_error, type_of
from .values import (
    ITERATOR,
    SLOT_BYTES,
    Accessor,
    Array,
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
    from collections.abc import Callable, Iterable
    from typing import Any

    from .realm import Realm

MAX_GAP = 1 << 20  # How far behind the end of an array an element can be set.


def key_of(key: Any) -> Any:
    """Returns the key under which an object has a property: a text or a symbol."""
    return str(key) if isinstance(key, str) else key if type(key) is Symbol else to_text(key)


def index_of(key: Any) -> int | None:
    """Returns the index of an element that a key names, or None."""
    if type(key) is int:
        return key if key >= 0 else None
    if isinstance(key, float):
        return int(key) if key >= 0 and key.is_integer() else None
    if isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 16:
        return int(key)
    return None


# ---- getting ----


def get_property(realm: Realm, owner: Any, key: Any) -> Any:
    """Returns a property of a value, or undefined.

    Raises:
        JsError: A TypeError: the value is null or undefined.
    """
    getter = _GETTERS.get(type(owner))
    if getter is not None:
        return getter(realm, owner, key)
    if owner is None or owner is undefined:
        raise type_error(f"Cannot read properties of {to_text(owner)} (reading '{_shown(key)}')")
    if isinstance(owner, str):
        return _get_of_text(realm, owner, key)
    if isinstance(owner, BaseException):
        return _get_of_error(realm, owner, key)
    if isinstance(owner, (int, float)):
        return realm.method("Number", key)
    return undefined


def _shown(key: Any) -> str:
    return key.description if type(key) is Symbol else to_text(key)[:100]


def _get_of_object(realm: Realm, owner: Object, key: Any) -> Any:
    key = key_of(key)
    value = owner.properties.get(key, realm)
    if value is not realm:
        return value.value(owner) if type(value) is Accessor else value
    class_ = owner.class_
    while class_ is not None:
        getter = class_.getters.get(key)
        if getter is not None:
            return getter.invoke(owner, [])
        if key in class_.methods:
            return class_.methods[key]
        if key == "constructor":
            return class_
        class_ = class_.parent
    return realm.method("Object", key)


def _get_of_array(realm: Realm, owner: Array, key: Any) -> Any:
    if type(key) is int:
        items = owner.items
        return items[key] if 0 <= key < len(items) else undefined
    index = index_of(key)
    if index is not None:
        return owner.items[index] if index < len(owner.items) else undefined
    if key == "length":
        return len(owner.items)
    return realm.method("Array", key)


def _get_of_typed(realm: Realm, owner: TypedArray, key: Any) -> Any:
    index = index_of(key)
    if index is not None:
        if index >= owner.length:
            return undefined
        return realm.element(owner.kind, owner.view[index])
    if key == "length":
        return owner.length
    if key == "byteLength":
        return owner.length * owner.view.itemsize
    if key == "byteOffset":
        return owner.offset
    if key == "buffer":
        return owner.buffer
    return realm.method("DataView" if owner.kind == "DataView" else "TypedArray", key)


def _get_of_buffer(realm: Realm, owner: Buffer, key: Any) -> Any:
    if key == "byteLength":
        return 0 if owner.detached else owner.size
    if key == "detached":
        return owner.detached
    return realm.method("ArrayBuffer", key)


def _get_of_function(realm: Realm, owner: Function, key: Any) -> Any:
    value = owner.properties.get(key_of(key), realm)
    if value is not realm:
        return value.value(owner) if type(value) is Accessor else value
    if key == "name":
        return owner.name
    if isinstance(owner, Class):
        if key == "prototype":
            return owner.prototype
        if owner.parent is not None:
            return _get_of_function(realm, owner.parent, key)
    return realm.method("Function", key)


def _get_of_prototype(realm: Realm, owner: Prototype, key: Any) -> Any:
    found = owner.class_.methods.get(key_of(key), undefined)
    return found if found is not undefined else realm.method(owner.class_.name, key)


def _get_of_map(realm: Realm, owner: MapObject, key: Any) -> Any:
    return len(owner.entries) if key == "size" else realm.method("Map", key)


def _get_of_symbol(realm: Realm, owner: Symbol, key: Any) -> Any:
    return owner.description if key == "description" else undefined


def units(text: str) -> str:
    """Returns a text in which each character is a unit of UTF-16, as JavaScript counts them."""
    if text.isascii() or max(text) < "\U00010000":
        return text
    data = text.encode("utf-16-le", "surrogatepass")
    return "".join(map(chr, memoryview(data).cast("H")))


def joined(text: str) -> str:
    """Returns a text whose surrogates are joined again, as far as they are pairs."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def _get_of_text(realm: Realm, owner: str, key: Any) -> Any:
    if key == "length":
        return len(owner) if owner.isascii() else len(units(owner))
    index = index_of(key)
    if index is not None:
        split = units(owner)
        return split[index] if index < len(split) else undefined
    return realm.method("String", key)


def _get_of_error(realm: Realm, owner: BaseException, key: Any) -> Any:
    is_js = isinstance(owner, JsError)
    key = key_of(key)
    if isinstance(owner, JsError) and key in owner.properties:
        return owner.properties[key]
    if key == "message":
        return owner.message if isinstance(owner, JsError) else str(owner)
    if key == "name":
        return owner.name if isinstance(owner, JsError) else type(owner).__name__
    if key == "stack":
        return to_text(owner)
    return realm.method("Error" if is_js else "Object", key)


_GETTERS: dict[type, Callable[[Realm, Any, Any], Any]] = {
    Object: _get_of_object,
    Array: _get_of_array,
    TypedArray: _get_of_typed,
    Buffer: _get_of_buffer,
    Function: _get_of_function,
    Class: _get_of_function,
    Prototype: _get_of_prototype,
    MapObject: _get_of_map,
    Symbol: _get_of_symbol,
    Promise: lambda realm, owner, key: realm.method("Promise", key),
}


def has_property(realm: Realm, key: Any, owner: Any) -> bool:
    """Returns whether a value has a property, which is what `in` says.

    Raises:
        JsError: A TypeError: the value is not an object.
    """
    if type_of(owner) not in ("object", "function") or owner is None:
        raise type_error(f"Cannot use 'in' operator to search for '{_shown(key)}'")
    if isinstance(owner, Object) and key_of(key) in owner.properties:
        return True
    return get_property(realm, owner, key) is not undefined


# ---- setting ----


def set_property(realm: Realm, owner: Any, key: Any, value: Any) -> None:
    """Sets a property of a value. What has no properties ignores it, except null and undefined.

    Raises:
        JsError: A TypeError: the value is null or undefined. A RangeError: an element would lie
            far behind the end of an array.
    """
    kind = type(owner)
    if kind is Object:
        _set_of_object(owner, key_of(key), value)
    elif kind is Array:
        _set_of_array(owner, key, value)
    elif kind is TypedArray:
        index = index_of(key)
        if index is not None and index < owner.length:
            owner.view[index] = realm.to_element(owner.kind, value)
    elif isinstance(owner, Function):
        _put(owner, owner.properties, key_of(key), value)
    elif kind is Prototype:
        owner.class_.charge(SLOT_BYTES + key_bytes(key))
        owner.class_.methods[key_of(key)] = value
    elif isinstance(owner, JsError):
        realm.budget.take(
            SLOT_BYTES + key_bytes(key)
        )  # It stays charged: an exception lives until Python lets it go.
        if key in ("name", "message"):
            setattr(owner, str(key), to_text(value))
        else:
            owner.properties[key_of(key)] = value
    elif owner is None or owner is undefined:
        raise type_error(f"Cannot set properties of {to_text(owner)} (setting '{_shown(key)}')")


def key_bytes(key: Any) -> int:
    """Returns what the key of a property is charged with, besides the property itself."""
    return 4 * len(key) if isinstance(key, str) else 0


def _put(owner: Object | Function, properties: dict[Any, Any], key: Any, value: Any) -> None:
    if key not in properties:
        owner.charge(SLOT_BYTES + key_bytes(key))
    elif type(properties[key]) is Accessor and type(value) is not Accessor:
        if properties[key].set is not None:
            properties[key].set.invoke(owner, [value])
        return
    properties[key] = value


def _set_of_object(owner: Object, key: Any, value: Any) -> None:
    class_ = owner.class_
    while class_ is not None:
        setter = class_.setters.get(key)
        if setter is not None:
            setter.invoke(owner, [value])
            return
        class_ = class_.parent
    _put(owner, owner.properties, key, value)


def _set_of_array(owner: Array, key: Any, value: Any) -> None:
    items = owner.items
    index = index_of(key)
    if index is not None:
        if index >= len(items):
            if index - len(items) > MAX_GAP:
                raise JsError("RangeError", f"Invalid array index: {index}")
            extend(owner, [undefined] * (index + 1 - len(items)))
        items[index] = value
    elif key == "length":
        size = to_index(value)
        if size > len(items) + MAX_GAP:
            raise JsError("RangeError", "Invalid array length")
        if size > len(items):
            extend(owner, [undefined] * (size - len(items)))
        else:
            owner.charge(-SLOT_BYTES * (len(items) - size))
            del items[size:]


def extend(owner: Array, values: list[Any]) -> None:
    """Adds elements at the end of an array."""
    owner.charge(SLOT_BYTES * len(values))
    owner.items += values


def delete_property(realm: Realm, owner: Any, key: Any) -> bool:
    """Deletes a property of an object, if it has it."""
    key = key_of(key)
    if isinstance(owner, (Object, Function)) and key in owner.properties:
        del owner.properties[key]
        owner.charge(-SLOT_BYTES - key_bytes(key))
    return True


# ---- calls ----


def call(function: Any, this: Any, arguments: list[Any], label: Any = "") -> Any:
    """Calls a function.

    Raises:
        JsError: A TypeError: it is not a function.
    """
    if not isinstance(function, Function):
        raise type_error(f"{_shown(label) or type_of(function)} is not a function")
    return function.invoke(this, arguments)


def construct(class_: Any, arguments: list[Any], label: str = "") -> Any:
    """Makes an object of a class, as `new` does.

    Raises:
        JsError: A TypeError: it is not a class.
    """
    if not isinstance(class_, Class):
        raise type_error(f"{label or type_of(class_)} is not a constructor")
    return class_.construct(arguments)


def instance_of(value: Any, class_: Any) -> bool:
    """Returns whether a value is an object of a class.

    Raises:
        JsError: A TypeError: it is not a class.
    """
    if not isinstance(class_, Class):
        raise type_error("Right-hand side of 'instanceof' is not callable")
    return class_.instance_of(value)


# ---- iteration ----


def values_of(realm: Realm, iterable: Any) -> Iterable[Any]:
    """Returns the values over which JavaScript iterates.

    Raises:
        JsError: A TypeError: the value cannot be iterated over.
    """
    if isinstance(iterable, Array):
        return iterable.items
    if isinstance(iterable, TypedArray):
        realm.budget.check(SLOT_BYTES * iterable.length)
        return [realm.element(iterable.kind, e) for e in iterable.view[: iterable.length]]
    if isinstance(iterable, str):
        realm.budget.check(2 * SLOT_BYTES * len(iterable))
        return list(iterable)
    if isinstance(iterable, MapObject):
        if iterable.is_set:
            return [key for key, _ in iterable.entries.values()]
        return [realm.array([key, value]) for key, value in iterable.entries.values()]
    if isinstance(iterable, Object):
        return _iterated(realm, iterable)
    raise type_error(f"{type_of(iterable)} is not iterable")


def _iterated(realm: Realm, iterable: Object) -> Iterable[Any]:
    iterator = call(get_property(realm, iterable, ITERATOR), iterable, [], "Symbol.iterator")
    following = get_property(realm, iterator, "next")
    while True:
        realm.checkpoint()
        step = call(following, iterator, [], "next")
        if get_property(realm, step, "done") is True:
            return
        yield get_property(realm, step, "value")
