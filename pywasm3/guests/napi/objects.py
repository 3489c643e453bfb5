# SPDX-License-Identifier: MIT
"""Objects and arrays of Node-API, and their properties."""

from __future__ import annotations

from ..bindgen.properties import (
    delete_property,
    get_property,
    has_property,
    index_of,
    set_property,
)
from ..bindgen.values import SLOT_BYTES, Array, Function, Object, Symbol, TypedArray, undefined
from .entries import Entry, entry
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .environment import Environment

_INCLUDE_PROTOTYPES, _OWN_ONLY = 0, 1
_KEEP_NUMBERS, _NUMBERS_TO_STRINGS = 0, 1
_SKIP_STRINGS, _SKIP_SYMBOLS = 1 << 3, 1 << 4


# ---- one property ----


def _get(environment: Environment, owner: Any, key: Any) -> Any:
    if isinstance(owner, TypedArray):
        environment.mirrors.pull(owner.buffer)
    return get_property(environment.realm, owner, key)


def _set(environment: Environment, owner: Any, key: Any, value: Any) -> None:
    if isinstance(owner, TypedArray):
        environment.mirrors.pull(owner.buffer)
    set_property(environment.realm, owner, key, value)
    if isinstance(owner, TypedArray):
        environment.mirrors.push(owner.buffer)


def _has(environment: Environment, owner: Any, key: Any) -> bool:
    return has_property(environment.realm, key, owner)


def _has_own(environment: Environment, owner: Any, key: Any) -> bool:
    if isinstance(owner, Object):
        return key in owner.properties
    if isinstance(owner, Function):
        return key in owner.properties or key == "name"
    return has_property(environment.realm, key, owner)


def _delete(environment: Environment, owner: Any, key: Any) -> bool:
    return delete_property(environment.realm, owner, key)


def _get_named(environment: Environment, owner: Any, name: int) -> Any:
    return _get(environment, owner, environment.text(name))


def _set_named(environment: Environment, owner: Any, name: int, value: Any) -> None:
    _set(environment, owner, environment.text(name), value)


def _has_named(environment: Environment, owner: Any, name: int) -> bool:
    return _has(environment, owner, environment.text(name))


# ---- all properties ----


def _names(environment: Environment, owner: Any) -> Array:
    realm = environment.realm
    return realm.array([realm.text(key) for key in realm.keys_of(owner)])


def _all_names(environment: Environment, owner: Any, mode: int, skip: int, numbers: int) -> Array:
    if mode not in (_INCLUDE_PROTOTYPES, _OWN_ONLY):
        raise Failed(Status.INVALID_ARG)
    if numbers not in (_KEEP_NUMBERS, _NUMBERS_TO_STRINGS):
        raise Failed(Status.INVALID_ARG)
    realm = environment.realm
    keys: list[Any] = [] if skip & _SKIP_STRINGS else [*map(realm.text, realm.keys_of(owner))]
    if numbers == _KEEP_NUMBERS:
        keys = [*map(_number_or_text, keys)]
    if not skip & _SKIP_SYMBOLS and isinstance(owner, (Object, Function)):
        keys += [key for key in owner.properties if isinstance(key, Symbol)]
    return realm.array(keys)


def _number_or_text(key: str) -> int | str:
    """Returns the number that a name is, as it is the index of an element."""
    index = index_of(key)
    return index if index is not None and str(index) == key else key


def _prototype(environment: Environment, value: Any) -> Any:
    owner = environment.realm.globals["Object"]
    return get_property(environment.realm, owner, "getPrototypeOf").invoke(undefined, [value])


def _unchanged(environment: Environment, value: Any) -> None:
    """Neither freezes nor seals an object: the interpreter has no such objects."""


# ---- arrays ----


def _new_array(environment: Environment, length: int) -> Array:
    environment.realm.budget.check(SLOT_BYTES * length)
    return environment.realm.array([undefined] * length)


FUNCTIONS: dict[str, Entry] = {
    "napi_create_object": entry(lambda environment: environment.realm.object(), "", "value"),
    "napi_create_array": entry(lambda environment: environment.realm.array([]), "", "value"),
    "napi_create_array_with_length": entry(_new_array, "u32", "value"),
    "napi_get_array_length": entry(lambda environment, array: len(array.items), "array", "i32"),
    "napi_get_property": entry(_get, "owner value", "value", runs_js=True),
    "napi_set_property": entry(_set, "owner value value", runs_js=True),
    "napi_has_property": entry(_has, "owner value", "bool", runs_js=True),
    "napi_has_own_property": entry(_has_own, "owner name", "bool", runs_js=True),
    "napi_delete_property": entry(_delete, "owner value", "bool?", runs_js=True),
    "napi_get_named_property": entry(_get_named, "owner address", "value", runs_js=True),
    "napi_set_named_property": entry(_set_named, "owner address value", runs_js=True),
    "napi_has_named_property": entry(_has_named, "owner address", "bool", runs_js=True),
    "napi_get_element": entry(_get, "owner u32", "value", runs_js=True),
    "napi_set_element": entry(_set, "owner u32 value", runs_js=True),
    "napi_has_element": entry(_has, "owner u32", "bool", runs_js=True),
    "napi_delete_element": entry(_delete, "owner u32", "bool?", runs_js=True),
    "napi_get_property_names": entry(_names, "owner", "value", runs_js=True),
    "napi_get_all_property_names": entry(_all_names, "owner u32 u32 u32", "value", runs_js=True),
    "napi_get_prototype": entry(_prototype, "owner", "value"),
    "napi_object_freeze": entry(_unchanged, "object", runs_js=True),
    "napi_object_seal": entry(_unchanged, "object", runs_js=True),
}
