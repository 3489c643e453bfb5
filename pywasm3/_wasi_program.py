# SPDX-License-Identifier: MIT
"""What an instance does as a WASI program: its imports, its start, its end."""

from __future__ import annotations

from ._errors import WasiExit, WasmError
from ._ffi import Function
from ._linker import ABSENT, Typed
from ._types import FuncType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._instance import Instance
    from ._types import ImportType
    from .wasi import Wasi, WasiConfig

_NO_VALUES = FuncType((), ())


def new_wasi(config: WasiConfig, instance: Instance) -> Wasi:
    """What an instance shall have of WASI."""
    from .wasi import Wasi, WasiConfig  # most programs never need them

    if not isinstance(config, WasiConfig):
        raise TypeError(f"wasi must be a pywasm3.wasi.WasiConfig, not {type(config).__name__}")
    return Wasi(config, instance)


def with_wasi(lookup: Callable[[ImportType], Any], wasi: Wasi) -> Callable[[ImportType], Any]:
    """How to look up an import: what the user gave comes first."""

    def both(wanted: ImportType) -> Any:
        value = lookup(wanted)
        if value is not ABSENT:
            return value
        found = wasi.function(wanted.module, wanted.name)
        return ABSENT if found is None else Typed(*found)

    return both


def _entry(instance: Instance, name: str) -> Function | None:
    function = instance.exports.get(name)
    if isinstance(function, Function) and function.type == _NO_VALUES:
        return function
    return None


def initialize(instance: Instance) -> None:
    """Calls a library's ``_initialize``; a program, which has ``_start``, has none."""
    function = _entry(instance, "_initialize")
    if function is not None and "_start" not in instance.exports:
        function()


def run(instance: Instance) -> int:
    """Calls ``_start``; the exit code."""
    function = _entry(instance, "_start")
    if function is None:
        raise WasmError(
            f"{instance.module!r} is no program: it exports no function _start: () -> ()"
        )
    try:
        function()
    except WasiExit as end:
        if instance._wasi is None or end._program is not instance._wasi:
            raise  # of another program, around this one
        return end.code
    return 0
