# SPDX-License-Identifier: MIT
"""The only module that imports the compiled ones; what reads C structs is here too."""

from __future__ import annotations

import _thread
import os
from operator import index as _index

from . import _errors, _function, _limits
from ._errors import InvalidError, MalformedError, UnsupportedError, WasmError
from ._types import (
    BY_CODE,
    FuncType,
    GlobalType,
    MemoryType,
    TableType,
    TagType,
)

try:
    from ._engine import ffi, lib
    from ._fastcall import (
        BoundFunction,
        FdWrite,
        Function,
        HostFunction,
        Store,
        encode,
        exports,
        signature,
    )
except ModuleNotFoundError as error:
    if error.name not in (f"{__package__}._engine", f"{__package__}._fastcall"):
        raise  # a module that they need is missing: the error names it
    _folder = os.path.dirname(os.path.dirname(__file__))
    raise ImportError(
        f"pywasm3 was imported from the source folder {_folder}, "
        "where its compiled modules are not built for this Python: run 'make demo' there, or run "
        "'pip install .' there and start Python in another folder",
        name=__package__,
    ) from error
from . import _fastcall

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any, TypeAlias

    from ._types import ExternType

    Pointer: TypeAlias = Any  # a cffi pointer or struct

__all__ = [
    "FUNC",
    "GLOBAL",
    "HOST",
    "MEMORY",
    "NO_INDEX",
    "NULL",
    "TABLE",
    "TAG",
    "BoundFunction",
    "FdWrite",
    "Function",
    "HostFunction",
    "MemoryBase",
    "Store",
    "address",
    "encode",
    "entered",
    "error_from",
    "exports",
    "extern_type",
    "ffi",
    "func_type",
    "lib",
    "memory_type",
    "new_error",
    "new_limits",
    "store_pointer",
    "table_type",
    "text",
]

MemoryBase = _fastcall.Memory

NO_INDEX: int = lib.PW_NO_INDEX
FUNC: int = lib.PW_EXTERN_FUNC
TABLE: int = lib.PW_EXTERN_TABLE
MEMORY: int = lib.PW_EXTERN_MEMORY
GLOBAL: int = lib.PW_EXTERN_GLOBAL
TAG: int = lib.PW_EXTERN_TAG
HOST: int = lib.PW_EXTERN_HOST
NULL: Pointer = ffi.NULL


def _describe(address: int) -> tuple[str, FuncType]:
    """Name and type of a pw_func of an entered store. Hook of fastcall."""
    pointer = ffi.cast("pw_func *", address)
    index = lib.pw_func_index(pointer)
    name = text(lib.pw_module_function_name(lib.pw_func_module(pointer), index))
    return name or f"function {index}", func_type(lib.pw_func_type(pointer))


# Before Python 3.13 the C API knows it.
_main_thread = getattr(_thread, "_get_main_thread_ident", int)

_fastcall.connect(
    int(ffi.cast("uintptr_t", lib.pw_get_api())),
    _main_thread(),
    _function.Doc(),
    {
        "trap": _errors.trap,
        "annotate": _errors.annotate,
        "closed": WasmError,
        "signature": _function.signature,
        "call_argv": _function.call_argv,
        "aio": _function.AsyncFunction,
        "describe": _describe,
        "limits": _limits.numbers,
        "array": _function.array,
        "element": _errors.element,
    },
)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_fastcall.after_fork)

_cast, _new, _unpack = ffi.cast, ffi.new, ffi.unpack
_ERROR_TYPE = ffi.typeof("pw_error *")
_INTEGER = ffi.typeof("uintptr_t")
_STORE_TYPE = ffi.typeof("pw_store *")


def address(pointer: Pointer) -> int:
    """A pointer as an int."""
    return int(_cast(_INTEGER, pointer))


def store_pointer(store: Store) -> Pointer:
    """The pw_store of an open store."""
    return _cast(_STORE_TYPE, store._address)


def text(name: Pointer) -> str:
    """A pw_name as str. Names of the module's grammar are valid UTF-8; others are made so."""
    size = name.size
    return str(_unpack(name.data, size), "utf-8", "replace") if size else ""


class entered:
    """``with entered(store):`` holds the store: no other thread uses or closes it.

    Raises:
        WasmError: The store is closed.
    """

    __slots__ = ("_store",)

    def __init__(self, store: Store) -> None:
        self._store = store

    def __enter__(self) -> None:
        self._store._enter()

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._store._leave()


def new_error() -> Pointer:
    """A pw_error to be filled."""
    return _new(_ERROR_TYPE)


_MODULE_ERRORS = {
    lib.PW_MALFORMED: MalformedError,
    lib.PW_INVALID: InvalidError,
    lib.PW_UNSUPPORTED: UnsupportedError,
    lib.PW_LIMIT: UnsupportedError,
}


def error_from(error: Pointer) -> Exception:
    """The exception for a filled pw_error."""
    detail = str(ffi.string(error.detail), "utf-8", "replace")
    code = error.code
    if code == lib.PW_NO_MEMORY:
        return MemoryError(detail)
    if code == lib.PW_SNAPSHOT:
        return _errors.SnapshotError(detail)
    if code == lib.PW_TRAPPED:
        return _errors.segment_trap(error.trap, detail)
    if code == lib.PW_LINK:
        return _errors.LinkError(detail)
    cls = _MODULE_ERRORS.get(code)
    if cls is None:
        return WasmError(detail)
    # What is noticed about a whole module, when it is instantiated, has no place.
    offset = error.offset if error.offset or cls is not UnsupportedError else None
    function = None if error.function == NO_INDEX else error.function
    message = detail if offset is None else f"{detail} (at offset {offset:#x})"
    return cls(message, offset=offset, function=function)


def func_type(type_: Pointer) -> FuncType:
    """A pw_functype as FuncType."""
    return FuncType._of(*signature(address(type_)))


def new_limits(minimum: int, maximum: int | None, most: int) -> Pointer:
    """A pw_limits.

    Raises:
        ValueError: The limits are negative, beyond `most`, or in the wrong order.
    """
    low = _index(minimum)
    high = most if maximum is None else _index(maximum)
    if not 0 <= low <= high <= most:
        raise ValueError(
            f"limits must be 0 <= minimum <= maximum <= {most}, "
            f"not {low} and {'none' if maximum is None else high}"
        )
    has_max = maximum is not None
    return _new("pw_limits *", {"min": low, "max": high if has_max else 0, "has_max": has_max})


def memory_type(limits: Pointer) -> MemoryType:
    """A pw_limits as MemoryType."""
    return MemoryType(
        limits.min, limits.max if limits.has_max else None, limits.shared, limits.is64
    )


def table_type(valtype: int, limits: Pointer) -> TableType:
    """A pw_valtype and a pw_limits as TableType."""
    return TableType(
        BY_CODE[valtype], limits.min, limits.max if limits.has_max else None, limits.is64
    )


def extern_type(type_: Pointer, func_types: Callable[[int], FuncType]) -> ExternType:
    """A pw_externtype as one of our types; `func_types` gives the function type of an index."""
    kind = type_.kind
    if kind == FUNC:
        return func_types(type_.type_index)
    if kind == MEMORY:
        return memory_type(type_.limits)
    if kind == TABLE:
        return table_type(type_.valtype, type_.limits)
    if kind == GLOBAL:
        return GlobalType(BY_CODE[type_.valtype], type_.is_mutable)
    return TagType(func_types(type_.type_index))
