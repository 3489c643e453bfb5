# SPDX-License-Identifier: MIT
"""What a guest calls to use the values of its vals (emscripten::val).

Over the years, Emscripten has had three sets of functions for calls. In the first one, up to 2023,
`_emval_call` gets the types of the arguments each time, and `_emval_new` makes objects. In the
second one, all calls go through callers, which say whether they call or make something. The third
one, of 2025, has only `_emval_invoke`, whose callers can also call methods and convert.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from ..._words import MASK
from .budget import OBJECT, SLOT, Holder, cost
from .converters import Converter, Destructors
from .errors import BindingError, ThrownValue
from .objects import CppObject
from .pointers import Pointer
from .script import iterator_of
from .values import Array, Object, array_of, is_instance, less, same, truth, type_of

if TYPE_CHECKING:
    from .._program import Emscripten
    from .._signatures import Entry
    from .registry import Registry

_ARGUMENT_BYTES = 8  # each argument lies in so many bytes
_MOST_BYTES = 1 << 16  # bytes of a text that the guest passes as a pointer to its characters


class Kind(Enum):
    """What a caller does."""

    METHOD = auto()  # calls a method by its name, and deletes the objects that it got
    FUNCTION = auto()
    CONSTRUCTOR = auto()
    CAST = auto()


_SECOND = (Kind.FUNCTION, Kind.CONSTRUCTOR)
_THIRD = (Kind.FUNCTION, Kind.FUNCTION, Kind.CONSTRUCTOR, Kind.CAST)


class Caller:
    """How the guest calls functions: the types of the result and of the arguments.

    Attributes:
        kind: What it does.
    """

    def __init__(self, types: list[Converter], kind: Kind) -> None:
        self.kind = kind
        self._result, *self._parameters = types

    def arguments(self, registry: Registry, address: int) -> list[Any]:
        """Returns the arguments, which are in the memory one behind the other."""
        return _arguments(registry, self._parameters, address)

    def delete(self, arguments: list[Any]) -> None:
        """Deletes the objects among the arguments, as the first set of functions does."""
        for type, argument in zip(self._parameters, arguments, strict=True):
            if isinstance(type, Pointer) and isinstance(argument, CppObject):
                argument._release()

    def result(self, value: Any, destructors: Destructors) -> Any:
        """Returns the number for a result."""
        try:
            return self._result.to_wire(value, destructors)
        except BindingError as error:
            raise BindingError(f"the result of a function that the guest called: {error}") from None


def _arguments(registry: Registry, types: list[Converter], address: int) -> list[Any]:
    with registry.transit as transit:
        return [
            transit.add(type.read(address + _ARGUMENT_BYTES * position))
            for position, type in enumerate(types)
        ]


# ---- handles ----


def _keep(program: Emscripten, handle: int) -> None:
    program.registry.handles.keep(handle)


def _release(program: Emscripten, handle: int) -> None:
    program.registry.handles.release(handle)


def _run_destructors(program: Emscripten, handle: int) -> None:
    destructors = program.registry.handles.take(handle)
    if not isinstance(destructors, Destructors):
        raise BindingError(f"the val {handle} holds nothing that must be freed")
    destructors.run()


def _register_symbol(program: Emscripten, address: int) -> None:
    registry = program.registry
    if address not in registry.symbols:
        name = registry.heap.name(address)
        registry.budget.take(SLOT + cost(name))
        registry.symbols[address] = name


def _symbol(program: Emscripten, address: int) -> str:
    registry = program.registry
    return registry.symbols.get(address) or registry.heap.name(address)


# ---- new values ----


def _new_array(program: Emscripten) -> int:
    registry = program.registry
    return registry.handles.add(Array(registry.budget))


def _new_array_of(program: Emscripten, view: int) -> int:
    registry = program.registry
    value = registry.handles.value(view)
    if not isinstance(value, memoryview):
        raise BindingError(f"the val {view} is no view of memory")
    return registry.handles.add(array_of(value, registry.budget))


def _new_object(program: Emscripten) -> int:
    registry = program.registry
    return registry.handles.add(Object(registry.budget))


def _new_cstring(program: Emscripten, address: int) -> int:
    registry = program.registry
    found = registry.symbols.get(address)
    return registry.handles.add(_text(program, address, 1) if found is None else found)


def _new_utf8(program: Emscripten, address: int) -> int:
    return program.registry.handles.add(_text(program, address, 1))


def _new_utf16(program: Emscripten, address: int) -> int:
    return program.registry.handles.add(_text(program, address, 2))


def _text(program: Emscripten, address: int, size: int) -> str:
    """Reads a text up to a zero, or its first 65,536 bytes."""
    heap = program.registry.heap
    heap.span(address, size)
    data = bytes(program.wasi.memory.view[address : address + _MOST_BYTES])
    if size == 1:
        return data.partition(b"\0")[0].decode(errors="replace")
    return data[: len(data) & ~1].decode("utf-16-le", "replace").partition("\0")[0]


def _take_value(program: Emscripten, id: int, address: int) -> int:
    registry = program.registry
    (type,) = registry.converters((id,), "a val")
    return registry.handles.add(type.read(address))


def _get_global(program: Emscripten, name: int) -> int:
    registry = program.registry
    found = registry.script.globals
    return registry.handles.add(found.get(_symbol(program, name)) if name else found)


def _get_module_property(program: Emscripten, name: int) -> int:
    registry = program.registry
    label = _symbol(program, name)
    return registry.handles.add(registry.find(label) if label in registry.names else None)


# ---- properties and operators ----


def _get_property(program: Emscripten, handle: int, key: int) -> int:
    handles = program.registry.handles
    return handles.add(program.registry.script.get(handles.value(handle), handles.value(key)))


def _set_property(program: Emscripten, handle: int, key: int, item: int) -> None:
    value = program.registry.handles.value
    program.registry.script.put(value(handle), value(key), value(item))


def _delete(program: Emscripten, handle: int, key: int) -> int:
    value = program.registry.handles.value
    return program.registry.script.remove(value(handle), value(key))


def _in(program: Emscripten, key: int, handle: int) -> int:
    value = program.registry.handles.value
    return program.registry.script.has(value(handle), value(key))


def _says(test: Callable[..., bool]) -> Callable[..., bool]:
    """Returns the function that says something of the values of handles."""

    def call(program: Emscripten, *handles: int) -> bool:
        return test(*map(program.registry.handles.value, handles))

    return call


def _typeof(program: Emscripten, handle: int) -> int:
    handles = program.registry.handles
    return handles.add(type_of(handles.value(handle)))


def _array_to_view(program: Emscripten, view: int, array: int) -> None:
    script, value = program.registry.script, program.registry.handles.value
    script.call_method(value(view), "set", [value(array)])


def _iter_begin(program: Emscripten, handle: int) -> int:
    handles = program.registry.handles
    return handles.add(_Iterator(handles.value(handle)))


class _Iterator(Holder):
    """An iterator that the guest holds, over the elements of a value."""

    __slots__ = ("iterator",)

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.iterator = iterator_of(value)


def _iter_next(program: Emscripten, handle: int) -> int:
    handles = program.registry.handles
    value = handles.value(handle)
    if not isinstance(value, _Iterator):
        raise BindingError(f"the val {handle} is no iterator")
    for item in value.iterator:
        return handles.add(item)
    return 0


def _throw(program: Emscripten, handle: int) -> int:
    value = program.registry.handles.value(handle)
    # An exception that ends more than a call, such as KeyboardInterrupt, is not the guest's.
    raise value if isinstance(value, Exception) else ThrownValue(value)


# ---- conversions and calls ----


def _pass_destructors(program: Emscripten, address: int, destructors: Destructors) -> None:
    """Gives the guest what must be freed when it has used a result."""
    registry = program.registry
    registry.heap.put_i32(address, registry.handles.add(destructors))


def _as(program: Emscripten, handle: int, id: int, destructors_at: int) -> float:
    caller = Caller(program.registry.converters((id,), "a val"), Kind.CAST)
    return float(_returned(program, caller, program.registry.handles.value(handle), destructors_at))


def _returned(program: Emscripten, caller: Caller, value: Any, destructors_at: int) -> Any:
    destructors = Destructors()
    wire = caller.result(value, destructors)
    _pass_destructors(program, destructors_at, destructors)
    return wire


def _whole(wire: float) -> int:
    """Returns a number that the guest expects as an integer of 64 bits."""
    if not -(1 << 63) <= wire < 1 << 64:
        raise BindingError(f"the guest expects an integer of 64 bits, and got {wire}")
    return int(wire)


def _as_integer(program: Emscripten, handle: int, id: int) -> int:
    caller = Caller(program.registry.converters((id,), "a val"), Kind.CAST)
    return _whole(caller.result(program.registry.handles.value(handle), Destructors()))


def _as_halves(program: Emscripten, handle: int, id: int, *_: int) -> int:
    number = _as_integer(program, handle, id)
    program.set_second_result(number >> 32 & MASK)
    return number & MASK


def _new_caller(program: Emscripten, count: int, types: int, kind: Kind) -> int:
    registry = program.registry
    ids = registry.heap.ids(count, types)
    if kind is Kind.CAST and count != 2:
        raise BindingError(f"a val is converted by two types, and the guest gave {count}")
    registry.budget.take(OBJECT + SLOT * count)
    registry.callers.append(Caller(registry.converters(ids, "a call of a val"), kind))
    return len(registry.callers)


def _method_caller(program: Emscripten, count: int, types: int) -> int:
    return _new_caller(program, count, types, Kind.METHOD)


def _second_caller(program: Emscripten, count: int, types: int, kind: int) -> int:
    return _new_caller(program, count, types, _kind(kind, _SECOND))


def _third_caller(program: Emscripten, count: int, types: int, kind: int) -> int:
    return _new_caller(program, count, types, _kind(kind, _THIRD))


def _kind(number: int, kinds: tuple[Kind, ...]) -> Kind:
    if number >= len(kinds):
        raise BindingError(f"the guest calls a val in the way {number}, which does not exist")
    return kinds[number]


def _caller(program: Emscripten, number: int) -> Caller:
    callers = program.registry.callers
    if not 0 < number <= len(callers):
        raise BindingError(f"the guest calls a val by the caller {number}, which does not exist")
    found: Caller = callers[number - 1]
    return found


def _call_first(program: Emscripten, handle: int, count: int, types: int, address: int) -> int:
    """Calls a function, or makes an object, with arguments whose types come with the call."""
    registry = program.registry
    ids = registry.heap.ids(count, types) if count else ()
    arguments = _arguments(registry, registry.converters(ids, "a call of a val"), address)
    return registry.handles.add(registry.script.call(registry.handles.value(handle), arguments))


def _call(
    program: Emscripten, number: int, handle: int, name: int, destructors_at: int, address: int
) -> Any:
    """Does what a caller is made for, and returns the number for the result."""
    registry = program.registry
    caller = _caller(program, number)
    value = None if caller.kind is Kind.CAST else registry.handles.value(handle)
    label = _symbol(program, name) if name else None
    arguments = caller.arguments(registry, address)
    if caller.kind is Kind.CAST:
        (result,) = arguments
    elif label is None:
        result = registry.script.call(value, arguments)
    else:
        result = registry.script.call_method(value, label, arguments)
    destructors = Destructors()
    wire = caller.result(result, destructors)
    if caller.kind is Kind.METHOD:
        caller.delete(arguments)
    if destructors_at:
        _pass_destructors(program, destructors_at, destructors)
    return wire


def _invoke(program: Emscripten, *arguments: int) -> float:
    return float(_call(program, *arguments))


def _invoke_integer(program: Emscripten, *arguments: int) -> int:
    return _whole(_call(program, *arguments))


def _call_second(
    program: Emscripten, number: int, handle: int, destructors_at: int, address: int
) -> float:
    return float(_call(program, number, handle, 0, destructors_at, address))


def _call_void(program: Emscripten, number: int, handle: int, name: int, address: int) -> None:
    _call(program, number, handle, name, 0, address)


FUNCTIONS: list[Entry] = [
    ("_emval_incref", _keep, "i>"),
    ("_emval_decref", _release, "i>"),
    ("_emval_run_destructors", _run_destructors, "i>"),
    ("_emval_register_symbol", _register_symbol, "i>"),
    ("_emval_new_array", _new_array, ">i"),
    ("_emval_new_array_from_memory_view", _new_array_of, "i>i"),
    ("_emval_array_to_memory_view", _array_to_view, "ii>"),
    ("_emval_new_object", _new_object, ">i"),
    ("_emval_new_cstring", _new_cstring, "i>i"),
    ("_emval_new_u8string", _new_utf8, "i>i"),
    ("_emval_new_u16string", _new_utf16, "i>i"),
    ("_emval_take_value", _take_value, "ii>i"),
    ("_emval_get_global", _get_global, "i>i"),
    ("_emval_get_module_property", _get_module_property, "i>i"),
    ("_emval_get_property", _get_property, "ii>i"),
    ("_emval_set_property", _set_property, "iii>"),
    ("_emval_delete", _delete, "ii>i"),
    ("_emval_in", _in, "ii>i"),
    ("_emval_equals", _says(same), "ii>i"),
    ("_emval_strictly_equals", _says(same), "ii>i"),
    ("_emval_greater_than", _says(lambda first, second: less(second, first)), "ii>i"),
    ("_emval_less_than", _says(less), "ii>i"),
    ("_emval_not", _says(lambda value: not truth(value)), "i>i"),
    ("_emval_typeof", _typeof, "i>i"),
    ("_emval_is_number", _says(lambda value: type_of(value) == "number"), "i>i"),
    ("_emval_is_string", _says(lambda value: isinstance(value, str)), "i>i"),
    ("_emval_instanceof", _says(is_instance), "ii>i"),
    ("_emval_iter_begin", _iter_begin, "i>i"),
    ("_emval_iter_next", _iter_next, "i>i"),
    ("_emval_throw", _throw, "i>i"),
    ("_emval_throw", _throw, "i>"),
    ("_emval_as", _as, "iii>d"),
    ("_emval_as_int64", _as_integer, "ii>l"),
    ("_emval_as_int64", _as_halves, "ii>i"),
    ("_emval_as_uint64", _as_integer, "ii>l"),
    ("_emval_as_uint64", _as_halves, "ii>i"),
    ("_emval_new", _call_first, "iiii>i"),
    ("_emval_call", _call_first, "iiii>i"),
    ("_emval_call", _call_second, "iiii>d"),
    ("_emval_get_method_caller", _method_caller, "ii>i"),
    ("_emval_get_method_caller", _second_caller, "iii>i"),
    ("_emval_call_method", _invoke, "iiiii>d"),
    ("_emval_call_void_method", _call_void, "iiii>"),
    ("_emval_create_invoker", _third_caller, "iii>i"),
    ("_emval_invoke", _invoke, "iiiii>d"),
    ("_emval_invoke_i64", _invoke_integer, "iiiii>l"),
]
