# SPDX-License-Identifier: MIT
"""Functions and classes of Node-API."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from ..bindgen.classes import new_class
from ..bindgen.properties import call, construct, key_bytes, key_of, set_property
from ..bindgen.values import SLOT_BYTES, Accessor, Class, Function, Symbol, undefined
from .entries import Entry, entry, put_number, put_value
from .environment import CALLBACK, Call
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .environment import Environment

# The fields of napi_property_descriptor.
_DESCRIPTOR = Struct("<8I")
_STATIC = 1 << 10


class _Property(NamedTuple):
    """A property that a guest describes.

    Attributes:
        key: Its name.
        value: Its value, or the Accessor for it.
        is_static: Whether it is one of the class itself, and not of its objects.
    """

    key: Any
    value: Any
    is_static: bool


def _new_function(
    environment: Environment, name: int, length: int, callback: int, data: int
) -> Function:
    text = environment.text(name, length) if name else ""
    return environment.callback(callback, data, text)


def _call(
    environment: Environment, this: Any, function: Any, count: int, values: int, result: int
) -> None:
    returned = environment.call_out(lambda given: call(function, this, given), values, count)
    if result:
        put_value(environment, result, returned)


def _make_callback(environment: Environment, context: int, *given: Any) -> None:
    _call(environment, *given)


def _new_instance(environment: Environment, class_: Any, count: int, values: int) -> Any:
    return environment.call_out(lambda given: construct(class_, given), values, count)


def _call_info(
    environment: Environment, number: int, count: int, values: int, this: int, data: int
) -> None:
    found: Call = environment.of_kind("call").get(number)
    memory, handles = environment.memory, environment.handles
    if values and not count:
        raise Failed(Status.INVALID_ARG)
    if values:
        room = memory.u32(count)
        memory.span(values, 4 * room)
        for place, argument in enumerate(found.arguments[:room]):
            memory.put_i32(values + 4 * place, handles.add(argument))
        rest = max(0, room - len(found.arguments))
        blank = handles.add(undefined).to_bytes(4, "little")
        memory.span(values + 4 * (room - rest), 4 * rest)[:] = blank * rest
    put_number(environment, count, len(found.arguments))
    if this:
        put_value(environment, this, found.this)
    put_number(environment, data, found.data)


def _new_target(environment: Environment, number: int, result: int) -> None:
    if not result:
        raise Failed(Status.INVALID_ARG)
    target = environment.of_kind("call").get(number).new_target
    # No handle says that the function was called without `new`.
    handle = 0 if target is undefined else environment.handles.add(target)
    environment.memory.put_i32(result, handle)


# ---- properties ----


def _properties(environment: Environment, count: int, address: int) -> list[_Property]:
    if not count:
        return []
    if not address:
        raise Failed(Status.INVALID_ARG)
    span = environment.memory.span(address, count * _DESCRIPTOR.size)
    environment.realm.budget.check(4 * SLOT_BYTES * count)
    found = []
    for fields in _DESCRIPTOR.iter_unpack(bytes(span)):
        environment.realm.checkpoint()
        found.append(_property(environment, fields))
    return found


def _property(environment: Environment, fields: tuple[int, ...]) -> _Property:
    text, name, method, getter, setter, value, attributes, data = fields
    key: Any = environment.handles.get(name) if not text else None
    if text:
        key = environment.realm.text(environment.text(text))
    if not isinstance(key, (str, Symbol)):
        raise Failed(Status.NAME_EXPECTED)
    label = key if isinstance(key, str) else key.description
    found: Any
    if getter or setter:
        get, put = (
            environment.callback(index, data, label) if index else None
            for index in (getter, setter)
        )
        found = Accessor(get, put)
    elif method:
        found = environment.callback(method, data, label)
    else:
        found = environment.handles.get(value)
    return _Property(key_of(key), found, bool(attributes & _STATIC))


def _define(environment: Environment, owner: Any, count: int, address: int) -> None:
    for described in _properties(environment, count, address):
        set_property(environment.realm, owner, described.key, described.value)


def _new_class(
    environment: Environment,
    name: int,
    length: int,
    constructor: int,
    data: int,
    count: int,
    address: int,
) -> Class:
    found = environment.function(constructor, CALLBACK)
    properties = _properties(environment, count, address)
    budget = environment.realm.budget

    def construct_it(this: Any, arguments: list[Any]) -> Any:
        return environment.invoke(found, Call(this, arguments, data, made))

    text = environment.realm.text(environment.text(name, length) if name else "")
    made = new_class(budget, text, None, Function(budget, construct_it, text))
    for described in properties:
        if described.is_static:
            set_property(environment.realm, made, described.key, described.value)
        else:
            _add_member(made, described)
    return made


def _add_member(class_: Class, described: _Property) -> None:
    class_.charge(SLOT_BYTES + key_bytes(described.key))
    value = described.value
    if not isinstance(value, Accessor):
        class_.methods[described.key] = value
        return
    if value.get is not None:
        class_.getters[described.key] = value.get
    if value.set is not None:
        class_.setters[described.key] = value.set


FUNCTIONS: dict[str, Entry] = {
    "napi_create_function": entry(
        _new_function, "address u32 address address", "value", runs_js=True
    ),
    "napi_call_function": entry(_call, "value function u32 address address", runs_js=True),
    "napi_make_callback": entry(
        _make_callback, "u32 value function u32 address address", runs_js=True
    ),
    "napi_new_instance": entry(_new_instance, "function u32 address", "value", runs_js=True),
    "napi_get_cb_info": entry(_call_info, "u32 address address address address"),
    "napi_get_new_target": entry(_new_target, "u32 address"),
    "napi_define_properties": entry(_define, "object u32 address", runs_js=True),
    "napi_define_class": entry(
        _new_class, "address u32 address address u32 address", "value", runs_js=True
    ),
}
