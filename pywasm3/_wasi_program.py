# SPDX-License-Identifier: MIT
"""Instances that are WASI programs: how they get their imports, are initialized, and run."""

from __future__ import annotations

from ._errors import Trap, TrapKind, WasiExit, WasmError, add_note
from ._ffi import Function
from ._lookup import ABSENT, STAND_IN, Lookup, Typed
from ._types import FuncType, MemoryType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ._instance import Instance
    from ._types import ImportType
    from .wasi import Wasi, WasiConfig

_NO_VALUES = FuncType((), ())
_STARTED_AGAIN = (
    "run() has called _start of this instance before, and programs with WASI's C library trap when "
    "they are started again: make a new instance for each run, or use an InstancePool"
)


def new_wasi(config: WasiConfig, instance: Instance[Any]) -> Wasi:
    """Returns the Wasi object of an instance, made from its configuration."""
    from .wasi import Wasi, WasiConfig  # most programs never need them

    if not isinstance(config, WasiConfig):
        raise TypeError(f"wasi must be a pywasm3.wasi.WasiConfig, not {type(config).__name__}")
    return Wasi(config, instance)


class LookupWithWasi(Lookup):
    """Looks up imports in what the user gave first, and then in the functions of WASI.

    A program that may have threads imports its memory, which is shared. If the user gave none, it
    gets a new one.
    """

    __slots__ = ("_wasi",)
    has_wasi = True

    def __init__(self, given: Mapping[Any, Any], wasi: Wasi) -> None:
        super().__init__(given)
        self._wasi = wasi

    def __call__(self, wanted: ImportType) -> Any:
        value = super().__call__(wanted)
        if value is not ABSENT:
            return value
        if isinstance(wanted.type, MemoryType):
            return STAND_IN if wanted.type.shared else ABSENT
        found = self._wasi.function(wanted.module, wanted.name)
        return ABSENT if found is None else Typed(*found)


def _entry(instance: Instance[Any], name: str) -> Function | None:
    function = instance.exports.get(name, None)
    if isinstance(function, Function) and function.type == _NO_VALUES:
        return function
    return None


def initialize(instance: Instance[Any]) -> None:
    """Calls ``_initialize`` if the module is a library (a reactor).

    A module that also exports ``_start`` is a program (a command), which initializes itself.
    """
    function = _entry(instance, "_initialize")
    if function is not None and "_start" not in instance.exports:
        function()


def run(instance: Instance[Any]) -> int:
    """Calls ``_start``, ends the program's threads, and returns the exit code."""
    function = _entry(instance, "_start")
    if function is None:
        raise WasmError(
            f"{instance.module!r} is not a program: it does not export a function _start: () -> ()"
        )
    again, instance._has_run = instance._has_run, True
    try:
        function()
    except WasiExit as end:
        if instance._wasi is None or end._program is not instance._wasi:
            raise  # this program runs inside another one, which has ended
        return end.code
    except Trap as trap:
        if again and trap.kind is TrapKind.UNREACHABLE:
            add_note(trap, _STARTED_AGAIN)
        raise
    finally:
        if instance._wasi is not None:
            instance._wasi.end_threads()
    return 0
