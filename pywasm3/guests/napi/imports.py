# SPDX-License-Identifier: MIT
"""Finds the values for the imports of a guest of Node-API."""

from __future__ import annotations

from ..._lookup import Typed
from ..._stand_ins import trapping
from ..._text import brief
from ..._types import FuncType, i32
from ...wasi.sources import random_bytes
from .._words import MASK
from . import arrays, background, calls, errors, lifetimes, objects, primitives, texts
from .entries import bound, bound_without_environment
from .environment import ENV, Environment
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..._module import Module

# The modules of imports in which toolchains look for Node-API's functions.
MODULES = ("env", "napi")
_PREFIXES = ("napi_", "node_api_")
_TABLES = (primitives, texts, objects, calls, errors, arrays, lifetimes, background)
FUNCTIONS = {name: found for table in _TABLES for name, found in table.FUNCTIONS.items()}
WITHOUT_ENVIRONMENT = {**background.WITHOUT_ENVIRONMENT, **lifetimes.WITHOUT_ENVIRONMENT}


def _last_error(environment: Environment) -> Typed:
    def call(env: int, result: int) -> int:
        if env != ENV:
            return Status.INVALID_ARG
        try:
            return errors.last_error(environment, result & MASK)
        except Failed as failed:  # the guest has no memory for it
            return failed.status

    return Typed(call, FuncType([i32, i32], [i32]))


def _fatal(environment: Environment) -> Typed:
    def call(place: int, size: int, message: int, length: int) -> None:
        errors.fatal(environment, place & MASK, size & MASK, message & MASK, length & MASK)

    return Typed(call, FuncType([i32, i32, i32, i32]))


def _random(environment: Environment) -> Typed:
    """Returns the function that Rust's crate getrandom calls for its backend "custom"."""

    def call(address: int, size: int) -> int:
        span = environment.memory.span(address & MASK, size & MASK)
        span[:] = random_bytes(environment.realm.random, len(span))
        return 0

    return Typed(call, FuncType([i32, i32], [i32]))


_OTHERS: dict[str, Callable[[Environment], Typed]] = {
    "napi_get_last_error_info": _last_error,
    "napi_fatal_error": _fatal,
    "__getrandom_v03_custom": _random,
}


def value_of(environment: Environment, name: str) -> Any:
    """Returns the value for the import of a name, or None."""
    if name in FUNCTIONS:
        return bound(environment, FUNCTIONS[name])
    if name in WITHOUT_ENVIRONMENT:
        return bound_without_environment(environment, WITHOUT_ENVIRONMENT[name])
    if name in _OTHERS:
        return _OTHERS[name](environment)
    if name.startswith(_PREFIXES):
        return trapping(f"{brief(name)}, which pywasm3.guests.napi does not have, or")
    return None


def imports_of(
    environment: Environment, module: Module, given: Mapping[Any, Any]
) -> dict[Any, Any]:
    """Returns the values for the imports of a module, of which those that were given go first."""
    found = dict(given)
    for wanted in module.imports:
        if wanted.module not in MODULES or not isinstance(wanted.type, FuncType):
            continue
        group = given.get(wanted.module, {})
        key = wanted.module, wanted.name
        if key in given or (hasattr(group, "__contains__") and wanted.name in group):
            continue
        value = value_of(environment, wanted.name)
        if value is not None:
            found[key] = value
    return found
