# SPDX-License-Identifier: MIT
"""Finds the value for each import of a module that Emscripten compiled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ..._host_function import host_function
from ..._lookup import ABSENT, Typed
from ..._types import FuncType, i32
from ...wasi.preview1 import FUNCTIONS as WASI_FUNCTIONS
from ...wasi.preview1 import MODULES as WASI_MODULES
from . import _exceptions, _mmap, _runtime, _syscalls, _time
from ._exceptions import find_matching_catch, invoke
from ._signatures import Entry, bind, split_call, type_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..._ffi import Function
    from ..._module import Module
    from ..._types import ImportType
    from ._program import Emscripten


def _by_name(*tables: list[Entry]) -> Mapping[str, list[Entry]]:
    found: dict[str, list[Entry]] = defaultdict(list)
    for table in tables:
        for entry in table:
            found[entry[0]].append(entry)
    return found


_FUNCTIONS = dict(
    _by_name(
        *(_runtime.FUNCTIONS, _time.FUNCTIONS, _exceptions.FUNCTIONS, _syscalls.FUNCTIONS),
        _mmap.FUNCTIONS,
    )
)
_BINDINGS = ("_embind_", "_emval_")
_INVOKE = "invoke_"
_FIND = "__cxa_find_matching_catch_"
_SYSCALL = "__syscall_"
_EXIT = "proc_exit"
_OFFERED = ("env", *WASI_MODULES)


def imports_of(program: Emscripten, module: Module) -> dict[tuple[str, str], Any]:
    """Returns the values for those imports of the main module that there are values for."""
    found = {}
    for item in module.imports:
        value = _value(program, item)
        if value is not ABSENT:
            found[item.module, item.name] = value
    return found


def _value(program: Emscripten, wanted: ImportType) -> Any:
    type = wanted.type
    if wanted.module in _OFFERED and wanted.name in program.given:
        return program.given[wanted.name]
    if not isinstance(type, FuncType):
        return program.scope.storage(wanted)
    value = program.scope.imported(wanted, type)
    if value is not ABSENT:
        return value
    if wanted.name not in _FUNCTIONS and _wasi_type(wanted) == type:
        return ABSENT  # the instance gives the program the functions of WASI
    return builtin(program, wanted, type)


def builtin(program: Emscripten, wanted: ImportType, type: FuncType) -> Any:
    """Returns what this package has for a function, or ABSENT."""
    name = wanted.name
    if wanted.module not in _OFFERED:
        return ABSENT
    if name in _FUNCTIONS:
        return bind(program, _FUNCTIONS[name], type)
    if name.startswith(_BINDINGS):
        return _binding(program, name, type)
    if name.startswith(_INVOKE):
        return invoke(program, type)
    if name.startswith(_FIND):
        return find_matching_catch(program, name, type)
    if name.startswith(_SYSCALL) and type.results == (i32,):
        return Typed(_syscalls.not_there, type)
    given = _wasi_type(wanted)
    if given is None:
        return ABSENT
    call = _wasi_call(program, wanted)
    return split_call(call, given, type) or Typed(call, given)


def _binding(program: Emscripten, name: str, type: FuncType) -> Any:
    """Returns what embind has for a function, or ABSENT."""
    from .embind import register, vals  # most programs do not need them

    entries = [entry for entry in (*register.FUNCTIONS, *vals.FUNCTIONS) if entry[0] == name]
    return bind(program, entries, type) if entries else ABSENT


def function_of_host(program: Emscripten, name: str) -> Function | None:
    """Returns a function of this package that a guest's table can hold, or None."""
    if name not in _FUNCTIONS:
        return None
    type = type_of(_FUNCTIONS[name][0])
    function = bind(program, _FUNCTIONS[name], type).callable
    return host_function(type, function, store=program.store)


def _wasi_type(wanted: ImportType) -> FuncType | None:
    if wanted.module not in WASI_MODULES or wanted.name not in WASI_FUNCTIONS:
        return None
    letters = WASI_FUNCTIONS[wanted.name][1]
    return type_of((wanted.name, _wasi_type, f"{letters}>{'' if wanted.name == _EXIT else 'i'}"))


def _wasi_call(program: Emscripten, wanted: ImportType) -> Callable[..., Any]:
    """Returns a function of WASI, which is bound to the files of the program at its first call."""
    bound: list[Callable[..., Any]] = []

    def call(*arguments: int) -> Any:
        if not bound:
            found = program.wasi.function(wanted.module, wanted.name)
            assert found is not None, wanted
            bound.append(found[0])
        return bound[0](*arguments)

    return call
