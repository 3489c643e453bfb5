# SPDX-License-Identifier: MIT
"""Values on their way between Python and JavaScript. Containers are copied."""

from __future__ import annotations

from array import array
from collections.abc import Mapping

from ..._pypy import in_order
from .._javascript import MAX_SAFE
from .properties import call, get_property, set_property
from .values import (
    Array,
    BigInt,
    Buffer,
    Class,
    Function,
    MapObject,
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

    from .entrance import Entrance
    from .realm import Realm

# The kinds of typed arrays by the letters of struct, for buffers of Python.
_LETTERS = {
    **{"b": "Int8Array", "h": "Int16Array", "H": "Uint16Array", "i": "Int32Array"},
    **{"I": "Uint32Array", "f": "Float32Array", "d": "Float64Array"},
    **{"q": "BigInt64Array", "Q": "BigUint64Array"},
}
_CODES = {kind: letter for letter, kind in _LETTERS.items()}


class JsObject:
    """An object of the guest: of one of its classes, or a function.

    Its properties and methods are attributes. A class or a function can be called. An object that
    keeps memory of the guest is freed by its method ``free``, by ``with``, or after Python has
    forgotten it.
    """

    __slots__ = ("_entrance", "_target")
    _entrance: Entrance
    _target: Any

    def __init__(self, entrance: Entrance, target: Any) -> None:
        object.__setattr__(self, "_entrance", entrance)
        object.__setattr__(self, "_target", target)

    def __getattr__(self, name: str) -> Any:
        """Returns a property; a method is bound to the object.

        Raises:
            AttributeError: There is no such property.
        """
        entrance, target = self._entrance, self._target
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)

        def get() -> Any:
            value = get_property(entrance.realm, target, name)
            if value is undefined and name not in getattr(target, "properties", ()):
                class_ = getattr(target, "class_", None)
                if class_ is None or name not in class_.getters:
                    raise AttributeError(f"the object of the guest has no property {name!r}")
            if type(value) is Function:
                return Method(entrance, value, target)
            return to_python(entrance, value)

        return entrance.entered(get)

    def __setattr__(self, name: str, value: Any) -> None:
        """Sets a property."""
        entrance, target = self._entrance, self._target
        entrance.entered(
            lambda: set_property(entrance.realm, target, name, to_js(entrance, value)),
        )

    def __call__(self, *arguments: Any) -> Any:
        """Calls a function, or makes an object of a class."""
        entrance, target = self._entrance, self._target
        if isinstance(target, Class):
            return entrance.run(lambda given: target.construct(given), arguments)
        return entrance.run(lambda given: call(target, undefined, given), arguments)

    def __enter__(self) -> JsObject:
        """Returns the object."""
        return self

    def __exit__(self, *_: object) -> None:
        """Frees the object."""
        self.free()

    def __eq__(self, other: object) -> bool:
        """Returns whether both are the same object of the guest."""
        return isinstance(other, JsObject) and other._target is self._target

    def __hash__(self) -> int:
        return id(self._target)

    def __repr__(self) -> str:
        class_ = getattr(self._target, "class_", None)
        kind = getattr(class_ or self._target, "name", "") or type(self._target).__name__
        return f"<{type(self).__name__} {kind}>"


class Method(JsObject):
    """A method of an object of the guest."""

    __slots__ = ("_this",)
    _this: Any

    def __init__(self, entrance: Entrance, target: Function, this: Any) -> None:
        super().__init__(entrance, target)
        object.__setattr__(self, "_this", this)

    def __call__(self, *arguments: Any) -> Any:
        """Calls the method."""
        target, this = self._target, self._this
        return self._entrance.run(lambda given: target.invoke(this, given), arguments)


# ---- to JavaScript ----


def to_js(entrance: Entrance, value: Any, inside: tuple[int, ...] = ()) -> Any:
    """Returns a value of Python as JavaScript has it.

    Raises:
        ValueError: A container contains itself.
    """
    realm = entrance.realm
    if value is None or value is undefined or isinstance(value, (bool, float, BigInt)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= MAX_SAFE else BigInt(value)
    if isinstance(value, str):
        return realm.text(str(value))
    if isinstance(value, JsObject):
        if value._entrance is not entrance:
            raise ValueError("an object of one guest cannot be given to another guest")
        return value._target
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        if id(value) in inside:
            raise ValueError("a container that contains itself cannot be given to a guest")
        return _container_to_js(entrance, value, (*inside, id(value)))
    if callable(value) and not isinstance(value, type):
        return function_to_js(entrance, value)
    if isinstance(value, (Object, Array, Function, TypedArray, Buffer, MapObject, Promise, Symbol)):
        raise TypeError("a raw value of the interpreter cannot be given to a guest")
    try:
        view = memoryview(value)
    except TypeError:
        return value  # An object that the guest can only hold and give back.
    return _buffer_to_js(entrance, view)


def _container_to_js(entrance: Entrance, value: Any, inside: tuple[int, ...]) -> Any:
    realm = entrance.realm
    if isinstance(value, Mapping):
        made = realm.object()
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the keys of a dict must be str, not {type(key).__name__}")
            set_property(realm, made, key, to_js(entrance, item, inside))
        return made
    if isinstance(value, (list, tuple)):
        return realm.array([to_js(entrance, item, inside) for item in value])
    members = MapObject(realm.budget, is_set=True)
    for item in value:
        key = to_js(entrance, item, inside)
        members.put(key, key)
    return members


def _buffer_to_js(entrance: Entrance, view: memoryview) -> TypedArray:
    letter = view.format.removeprefix("<")
    if letter in ("l", "L"):  # the size of C's long
        letter = {("l", 4): "i", ("L", 4): "I", ("l", 8): "q", ("L", 8): "Q"}[letter, view.itemsize]
    kind = _LETTERS.get(letter, "Uint8Array")
    entrance.realm.budget.check(view.nbytes)
    return TypedArray(kind, Buffer(entrance.realm.budget, bytearray(in_order(view))), 0, None)


def write_back(argument: Any, passed: TypedArray) -> None:
    """Writes what the guest wrote into an array to the buffer of Python that it is a copy of."""
    if isinstance(argument, (bytes, JsObject)) or passed.buffer.detached:
        return
    target = memoryview(argument)
    if not target.readonly and target.c_contiguous and target.nbytes == passed.view.nbytes:
        target.cast("B")[:] = passed.view.cast("B")


def function_to_js(entrance: Entrance, function: Callable[..., Any]) -> Function:
    """Returns the function of JavaScript that calls one of Python."""

    def invoke(this: Any, arguments: list[Any]) -> Any:
        returned = function(*[to_python(entrance, argument) for argument in arguments])
        return undefined if returned is None else to_js(entrance, returned)

    name = str(getattr(function, "__name__", "function"))
    return Function(entrance.realm.budget, invoke, name)


# ---- to Python ----


class _Made(dict[int, "Any"]):
    """The containers of Python that one value has become, by what they were for JavaScript."""

    def __init__(self, realm: Realm) -> None:
        super().__init__()
        self._realm = realm
        self._size = 0

    def count(self, size: int) -> None:
        """Counts bytes that are copied: a guest can have the same bytes in a value many times.

        Raises:
            HostMemoryExceeded: The value would take more than the guest's objects may.
        """
        self._size += size
        self._realm.budget.check(self._size)
        self._realm.checkpoint()


def to_python(entrance: Entrance, value: Any) -> Any:
    """Returns a value of JavaScript as Python has it: undefined is None.

    Raises:
        HostMemoryExceeded: The value would take more than the guest's objects may.
    """
    return _to_python(entrance, value, _Made(entrance.realm))


def _to_python(entrance: Entrance, value: Any, made: _Made) -> Any:
    if isinstance(value, str):
        made.count(len(value))
        return str(value)
    if value is None or value is undefined:
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= MAX_SAFE else value
    if id(value) in made:
        return made[id(value)]
    if isinstance(value, Array):
        made.count(0)
        items: list[Any] = []
        made[id(value)] = items
        items += [_to_python(entrance, item, made) for item in value.items]
        return items
    if isinstance(value, Object) and value.class_ is None:
        made.count(0)
        pairs: dict[str, Any] = {}
        made[id(value)] = pairs
        realm = entrance.realm
        for key in realm.keys_of(value):
            pairs[str(key)] = _to_python(entrance, get_property(realm, value, key), made)
        return pairs
    return _other_to_python(entrance, value, made)


def _other_to_python(entrance: Entrance, value: Any, made: _Made) -> Any:
    if isinstance(value, TypedArray):
        made.count(value.length * value.view.itemsize if value.length else 0)
        if value.kind in _CODES:
            return array(_CODES[value.kind], value.view.tobytes() if value.length else b"")
        return value.view.tobytes() if value.length else b""
    if isinstance(value, Buffer):
        made.count(len(value.data))
        return bytes(value.data)
    if isinstance(value, MapObject):
        return _map_to_python(entrance, value, made)
    if isinstance(value, (Object, Function, Promise, Symbol)):
        return JsObject(entrance, value)
    return value


def _map_to_python(entrance: Entrance, value: MapObject, made: _Made) -> Any:
    made.count(0)
    if value.is_set:
        members: list[Any] = []
        made[id(value)] = members
        members += [_to_python(entrance, key, made) for key, _ in value.entries.values()]
        return members
    pairs: dict[Any, Any] = {}
    made[id(value)] = pairs
    for key, item in value.entries.values():
        pairs[_key_to_python(entrance, key, made)] = _to_python(entrance, item, made)
    return pairs


def _key_to_python(entrance: Entrance, key: Any, made: _Made) -> Any:
    """Returns a key of a Map: an array of plain values is a tuple, another container is opaque."""
    if isinstance(key, Array):
        parts = [_to_python(entrance, item, made) for item in key.items]
        if not any(isinstance(part, (list, dict, array)) for part in parts):
            return tuple(parts)
    if isinstance(key, (Array, Object, MapObject, TypedArray)):
        return JsObject(entrance, key)
    return _to_python(entrance, key, made)
