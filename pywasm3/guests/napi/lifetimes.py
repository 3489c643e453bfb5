# SPDX-License-Identifier: MIT
"""Scopes and references of Node-API, and what a guest attaches to objects."""

from __future__ import annotations

import weakref

from ..._types import FuncType, i32
from ..bindgen.values import SLOT_BYTES, Charged, undefined
from .entries import Entry, entry, is_object, put_number
from .environment import HOOK
from .handles import Reference
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..bindgen.values import Budget
    from .environment import Environment

_ASYNC_HOOK = FuncType([i32, i32])
# What an object is charged with to which the guest attaches something.
_ATTACHED_BYTES = 4 * SLOT_BYTES


class External(Charged):
    """A value that is an address of the guest.

    Attributes:
        address: The address.
    """

    __slots__ = ("address",)

    def __init__(self, budget: Budget, address: int) -> None:
        super().__init__(budget)
        self.address = address


# ---- scopes ----


def _open(environment: Environment, result: int) -> None:
    _open_scope(environment, result, escapable=False)


def _open_escapable(environment: Environment, result: int) -> None:
    _open_scope(environment, result, escapable=True)


def _open_scope(environment: Environment, result: int, *, escapable: bool) -> None:
    if not result:
        raise Failed(Status.INVALID_ARG)
    environment.memory.put_i32(result, environment.handles.open(escapable=escapable))


def _close(environment: Environment, scope: int) -> None:
    environment.handles.close(scope)


def _escape(environment: Environment, scope: int, value: Any, result: int) -> None:
    if not result:
        raise Failed(Status.INVALID_ARG)
    environment.memory.put_i32(result, environment.handles.escape(scope, value))


# ---- references ----


def _new_reference(environment: Environment, value: Any, count: int) -> int:
    return environment.of_kind("reference").add(Reference(value, count))


def _delete_reference(environment: Environment, number: int) -> None:
    environment.of_kind("reference").remove(number)


def _changed(difference: int) -> Callable[[Environment, int], int]:
    def change(environment: Environment, number: int) -> int:
        reference: Reference = environment.of_kind("reference").get(number)
        return reference.change(difference)

    return change


def _referenced(environment: Environment, number: int) -> int:
    reference: Reference = environment.of_kind("reference").get(number)
    return 0 if reference.gone else environment.handles.add(reference.value)


# ---- what is attached to objects ----


def _attach(table: dict[int, Any], value: Any, attached: Any) -> None:
    """Attaches something to a value, until the value is gone.

    Raises:
        Failed: INVALID_ARG: something is attached already.
    """
    key = id(value)
    if key in table:
        raise Failed(Status.INVALID_ARG)
    value.charge(_ATTACHED_BYTES)
    table[key] = weakref.ref(value, lambda reference: table.pop(key, None)), attached


def _charged(value: Any) -> Any:
    """Returns a value that something can be attached to."""
    if not isinstance(value, Charged) or not is_object(value):
        raise Failed(Status.OBJECT_EXPECTED)
    return value


def _wrap(
    environment: Environment, value: Any, address: int, finalize: int, hint: int, result: int
) -> None:
    finalizer = environment.finalizer(finalize, address, hint)
    wrapped = [address, 0]
    _attach(environment.wraps, _charged(value), wrapped)
    wrapped[1] = environment.finalizers.watch(value, finalizer)
    put_number(environment, result, _new_reference(environment, value, 0) if result else 0)


def _wrapped(environment: Environment, value: Any) -> list[int]:
    if id(value) not in environment.wraps:
        raise Failed(Status.INVALID_ARG)
    found: list[int] = environment.wraps[id(value)][1]
    return found


def _unwrap(environment: Environment, value: Any) -> int:
    return _wrapped(environment, value)[0]


def _remove_wrap(environment: Environment, value: Any) -> int:
    address, watched = _wrapped(environment, value)
    del environment.wraps[id(value)]
    value.charge(-_ATTACHED_BYTES)
    environment.finalizers.forget(watched)
    return address


def _add_finalizer(
    environment: Environment, value: Any, address: int, finalize: int, hint: int, result: int
) -> None:
    if not finalize:
        raise Failed(Status.INVALID_ARG)
    finalizer = environment.finalizer(finalize, address, hint)
    environment.finalizers.watch(_charged(value), finalizer)
    put_number(environment, result, _new_reference(environment, value, 0) if result else 0)


def _new_external(environment: Environment, address: int, finalize: int, hint: int) -> External:
    finalizer = environment.finalizer(finalize, address, hint)
    made = External(environment.realm.budget, address)
    environment.finalizers.watch(made, finalizer)
    return made


def _external_value(environment: Environment, value: Any) -> int:
    if not isinstance(value, External):
        raise Failed(Status.INVALID_ARG)
    return value.address


def _tag(environment: Environment, value: Any, tag: int) -> None:
    if not tag:
        raise Failed(Status.INVALID_ARG)
    _attach(environment.tags, _charged(value), bytes(environment.memory.span(tag, 16)))


def _has_tag(environment: Environment, value: Any, tag: int) -> bool:
    if not tag:
        raise Failed(Status.INVALID_ARG)
    found = environment.tags.get(id(value))
    return found is not None and found[1] == bytes(environment.memory.span(tag, 16))


# ---- the instance ----


def _set_data(environment: Environment, address: int, finalize: int, hint: int) -> None:
    environment.instance_data = address, environment.finalizer(finalize, address, hint)


def _get_data(environment: Environment) -> int:
    return environment.instance_data[0]


def _add_hook(environment: Environment, index: int, argument: int) -> None:
    found = environment.function(index, HOOK)
    hook = environment.procedure(found, lambda: (argument,))
    environment.hooks.append(((index, argument), hook))


def _remove_hook(environment: Environment, index: int, argument: int) -> None:
    hooks = environment.hooks
    hooks[:] = [hook for hook in hooks if hook[0] != (index, argument)]


def _add_async_hook(environment: Environment, index: int, argument: int, result: int) -> None:
    """Adds a hook that gets a number, by which the guest removes it when it has done its work."""
    found = environment.function(index, _ASYNC_HOOK)
    number = environment.of_kind("hook").add(True)
    hook = environment.procedure(found, lambda: (number, argument))
    environment.hooks.append((number, hook))
    put_number(environment, result, number)


def _remove_async_hook(environment: Environment, number: int) -> None:
    environment.of_kind("hook").remove(number)
    hooks = environment.hooks
    hooks[:] = [hook for hook in hooks if hook[0] != number]


def _post_finalizer(environment: Environment, finalize: int, address: int, hint: int) -> None:
    finalizer = environment.finalizer(finalize, address, hint)
    if finalizer is None:
        raise Failed(Status.INVALID_ARG)
    environment.realm.gone.append((finalizer, undefined))


FUNCTIONS: dict[str, Entry] = {
    "napi_open_handle_scope": entry(_open, "address"),
    "napi_close_handle_scope": entry(_close, "u32"),
    "napi_open_escapable_handle_scope": entry(_open_escapable, "address"),
    "napi_close_escapable_handle_scope": entry(_close, "u32"),
    "napi_escape_handle": entry(_escape, "u32 value address"),
    "napi_create_reference": entry(_new_reference, "value u32", "i32"),
    "napi_delete_reference": entry(_delete_reference, "u32"),
    "napi_reference_ref": entry(_changed(1), "u32", "i32?"),
    "napi_reference_unref": entry(_changed(-1), "u32", "i32?"),
    "napi_get_reference_value": entry(_referenced, "u32", "i32"),
    "napi_wrap": entry(_wrap, "object address address address address", runs_js=True),
    "napi_unwrap": entry(_unwrap, "object", "i32", runs_js=True),
    "napi_remove_wrap": entry(_remove_wrap, "object", "i32?", runs_js=True),
    "napi_add_finalizer": entry(_add_finalizer, "object address address address address"),
    "napi_create_external": entry(_new_external, "address address address", "value", runs_js=True),
    "napi_get_value_external": entry(_external_value, "value", "i32"),
    "napi_type_tag_object": entry(_tag, "object address", runs_js=True),
    "napi_check_object_type_tag": entry(_has_tag, "object address", "bool", runs_js=True),
    "napi_set_instance_data": entry(_set_data, "address address address"),
    "napi_get_instance_data": entry(_get_data, "", "i32"),
    "napi_add_env_cleanup_hook": entry(_add_hook, "u32 u32"),
    "napi_remove_env_cleanup_hook": entry(_remove_hook, "u32 u32"),
    "napi_add_async_cleanup_hook": entry(_add_async_hook, "u32 u32 address"),
    "node_api_post_finalizer": entry(_post_finalizer, "u32 address address"),
}

# These have no environment as their first parameter.
WITHOUT_ENVIRONMENT: dict[str, Entry] = {
    "napi_remove_async_cleanup_hook": entry(_remove_async_hook, "u32"),
}
