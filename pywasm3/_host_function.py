# SPDX-License-Identifier: MIT
"""Makes function references of Python callables."""

from __future__ import annotations

from ._binary import leb, section, sized
from ._host import wants_instance
from ._instance import Instance
from ._module import Module
from ._store_objects import host_type, store_for
from ._types import FuncType, RefType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ._cpython import Function, Store
    from ._types import ValueType


def host_function(
    type: FuncType, callable: Callable[..., Any], *, store: Store | None = None
) -> Function:
    """Makes a Function of a Python callable, for a table or a parameter of type funcref.

    Imports do not need it, because any callable can be given as an import. The function lives as
    long as Python, or anything in the store, refers to it.

    Args:
        type: The types of the parameters and results.
        callable: The callable, which is called like an imported function.
        store: The store in which the function is made, which should be that of the table or the
            instance that it is for. None: a new store.

    Raises:
        TypeError: `type` is not a FuncType, or `callable` is not callable or is marked with
            pass_instance.
        ValueError: A parameter or result type has a meaning inside a module only.
        WasmError: The store is closed.
    """
    if not isinstance(type, FuncType):
        raise TypeError(f"type must be a pywasm3.FuncType, not {type.__class__.__name__}")
    if wants_instance(callable):
        raise TypeError(
            "a function with pass_instance cannot be used here, because no instance imports it"
        )
    name = str(getattr(callable, "__name__", "function"))
    imports = {"host": {name: callable}}
    instance = Instance(Module(_reexporting(type, name)), imports, store=store_for(store))
    function: Function = instance.exports[name]
    return function


# ---- a module that imports host.name and exports it ----------------------------------------------


def _text(text: str) -> bytes:
    return sized(text.encode("utf-8", "replace"))


def _value_type(type_: ValueType) -> bytes:
    code = host_type(type_).code
    if isinstance(type_, RefType):  # (ref heap), not null: (ref null heap) is a ValType here
        return bytes((0x64, code & 0x7F))
    return bytes((code,))


def _value_types(types: tuple[ValueType, ...]) -> bytes:
    return leb(len(types)) + b"".join(map(_value_type, types))


def _reexporting(type_: FuncType, name: str) -> bytes:
    func_type = b"\x60" + _value_types(type_.params) + _value_types(type_.results)
    sections = (
        (1, b"\x01" + func_type),
        (2, b"\x01" + _text("host") + _text(name) + b"\x00\x00"),
        (7, b"\x01" + _text(name) + b"\x00\x00"),
    )
    return b"\0asm\1\0\0\0" + b"".join([section(*each) for each in sections])


host_function.__module__ = "pywasm3"
