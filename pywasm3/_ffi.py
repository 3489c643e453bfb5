# SPDX-License-Identifier: MIT
"""Imports the compiled modules, which no other module of the package does, and wraps them.

``_engine`` is made by cffi and has the C API of native/embed/pw.h, which the rest of the package
calls through `lib`. ``_cpython`` has the CPython types: Function, Store and the bases of
Memory, Global and Table. ``_pure`` takes the place of ``_cpython`` where that cannot be used.

There are three parts here: the import of these modules, with names for what they have; the Python
functions that ``_cpython`` calls (its *hooks*); and the conversions of C structures that several
modules need.
"""

from __future__ import annotations

import _thread
import os
import sys
from operator import index as _index
from struct import Struct

from . import _errors, _function, _limits
from ._errors import (
    InvalidError,
    MalformedError,
    UnsupportedError,
    WasmError,
)
from ._text import ENOUGH_BYTES, brief, printable
from ._types import (
    BY_CODE,
    FuncType,
    GlobalType,
    MemoryType,
    TableType,
    TagType,
)

TYPE_CHECKING = False

# Whether the types come from `_pure`, which needs only cffi: on a Python that is not CPython, and
# where the environment variable PYWASM3_PURE_CFFI is set. It is read once, here.
PURE: bool = sys.implementation.name != "cpython" or os.environ.get(
    "PYWASM3_PURE_CFFI", ""
) not in ("", "0")

try:
    if TYPE_CHECKING or not PURE:
        from ._cpython import connect as _connect  # Without the module, the error has its name.
    from ._engine import ffi, lib
except ModuleNotFoundError as error:
    if error.name not in (f"{__package__}._engine", f"{__package__}._cpython"):
        raise  # a module that they need is missing: the error names it
    _folder = os.path.dirname(os.path.dirname(__file__))
    raise ImportError(
        f"pywasm3 was imported from the source folder {_folder}, "
        "where its compiled modules are not built for this Python: run 'make demo' there, or run "
        "'pip install .' there and start Python in another folder",
        name=__package__,
    ) from error
if TYPE_CHECKING or not PURE:
    from . import _cpython
else:
    try:
        from ._pure import connect as _connect  # noqa: F401 (the error has the name)
    except ModuleNotFoundError as error:
        if error.name != f"{__package__}._pure":
            raise
        raise ImportError(
            "the environment variable PYWASM3_PURE_CFFI is set, but this installation of pywasm3 "
            "lacks pywasm3._pure, which wheels for CPython leave out: unset the variable, or run "
            "'pip install -e .' in the source folder",
            name=__package__,
        ) from error
    from . import _pure as _cpython
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    from ._cpython import Anchor
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
    "AggregateBase",
    "BoundFunction",
    "FdWrite",
    "Function",
    "GlobalBase",
    "HostFunction",
    "MemoryBase",
    "Once",
    "Store",
    "TableBase",
    "address",
    "connect_thrown",
    "encode",
    "error_from",
    "exports",
    "extern_type",
    "ffi",
    "func_type",
    "head",
    "instance_pointer",
    "lib",
    "memory_type",
    "new_error",
    "new_limits",
    "stop_code",
    "stop_error",
    "store_pointer",
    "table_type",
    "text",
    "view_of",
]

AggregateBase = _cpython.Aggregate
BoundFunction = _cpython.BoundFunction
FdWrite = _cpython.FdWrite
Function = _cpython.Function
GlobalBase = _cpython.Global
HostFunction = _cpython.HostFunction
MemoryBase = _cpython.Memory
Once = _cpython.Once
Store = _cpython.Store
TableBase = _cpython.Table
connect_thrown = _cpython.connect_thrown
encode = _cpython.encode
exports = _cpython.exports
signature = _cpython.signature
stop_code = _cpython.stop_code

NO_INDEX: int = lib.PW_NO_INDEX
FUNC: int = lib.PW_EXTERN_FUNC
TABLE: int = lib.PW_EXTERN_TABLE
MEMORY: int = lib.PW_EXTERN_MEMORY
GLOBAL: int = lib.PW_EXTERN_GLOBAL
TAG: int = lib.PW_EXTERN_TAG
HOST: int = lib.PW_EXTERN_HOST
NULL: Pointer = ffi.NULL


# ---- hooks ---------------------------------------------------------------------------------------


def _describe(function: int) -> tuple[str, FuncType]:
    """Returns the name and the type of the pw_func at an address.

    The store of the function is entered. The extension module calls this for a function that a
    guest returns or stores in a table, because nobody has looked up its name and its type.
    """
    pointer = ffi.cast("pw_func *", function)
    module, index = lib.pw_func_module(pointer), lib.pw_func_index(pointer)
    name = text(lib.pw_module_function_name(module, index))
    type_index = lib.pw_module_get_info(module).function_types[index]
    return name or f"function {index}", func_type(address(module), type_index)


def _error(address: int) -> Exception:
    """Returns the exception that stands for the filled pw_error at an address."""
    return error_from(ffi.cast("pw_error *", address))


def _layout(format: str) -> tuple[int, Callable[..., bytes], Callable[[bytes], tuple[Any, ...]]]:
    """Returns the size of a structure in bytes, and functions that pack and unpack it.

    The format is one of the struct module. Without a prefix it has the guest's byte order. The
    extension module calls this for ``Memory.pack`` and ``Memory.unpack``.
    """
    named = format[:1] in ("<", ">", "=", "!", "@")
    layout = Struct(format if named else f"<{format}")
    return layout.size, layout.pack, layout.unpack


def _aggregates() -> tuple[type, type]:
    """Returns the classes of structures and of arrays, of which few programs need any."""
    from ._aggregate import Array, Struct

    return Struct, Array


# Python 3.13 has this function. Earlier versions tell the extension module themselves which thread
# is the main one, and it ignores the 0 that int() returns.
_main_thread = getattr(_thread, "_get_main_thread_ident", int)

_traps = _errors.Traps(lambda name: getattr(lib, f"PW_TRAP_{name}"))

# The engine's hash tables need a secret that no author of a module knows, so that no module can
# have keys that collide. It comes from Python, which has a random source on every system.
lib.pw_set_hash_secret(os.urandom(lib.PW_HASH_SECRET))

# Hands the extension module the engine's table of functions, and the Python functions that it calls
# for what need not be fast (its hooks).
_cpython.connect(
    int(ffi.cast("uintptr_t", lib.pw_get_api())),
    _main_thread(),
    _function.Doc(),
    {
        "trap": _traps.error,
        "error": _error,
        "note": _errors.note,
        "add_note": _errors.add_note,
        "closed": WasmError,
        "signature": _function.signature,
        "call_argv": _function.call_argv,
        "aio": _function.AsyncFunction,
        "describe": _describe,
        "layout": _layout,
        "brief": brief,
        "limits": _limits.engine_limits,
        "array": _function.result_array,
        "element": _errors.element,
        "aggregates": _aggregates,
    },
)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_cpython.after_fork)

# ---- conversions of C structures -----------------------------------------------------------------

_cast, _new, _unpack = ffi.cast, ffi.new, ffi.unpack
_ERROR_TYPE = ffi.typeof("pw_error *")
_INSTANCE_TYPE = ffi.typeof("pw_instance *")
_INTEGER = ffi.typeof("uintptr_t")
_STORE_TYPE = ffi.typeof("pw_store *")


def address(pointer: Pointer) -> int:
    """Returns a pointer as an int."""
    return int(_cast(_INTEGER, pointer))


def view_of(data: MemoryBase | bytes | bytearray) -> memoryview:
    """Returns a view of all bytes of a memory, or of what may be one.

    ``memoryview(memory)`` does the same, but not if `_cpython` is not used and Python is older than
    3.12, which does not have buffers of classes that are written in Python.
    """
    if PURE and isinstance(data, MemoryBase):
        return data.__buffer__(0)
    return memoryview(data)


def stop_error(code: int) -> WasmError:
    """Returns the exception for a result of ``stop_code`` that is not 0."""
    return _traps.error(code, (), 0, 0, "")


def store_pointer(store: Store) -> Pointer:
    """Returns the pw_store of a store that is open."""
    return _cast(_STORE_TYPE, store._address)


def instance_pointer(anchor: Anchor) -> Pointer:
    """Returns the pw_instance of an anchor whose store is open."""
    return _cast(_INSTANCE_TYPE, anchor._address)


def text(name: Pointer) -> str:
    """Returns a pw_name as str.

    Names of imports and exports are valid UTF-8, because the decoder checks them. Names from the
    name section need not be: what is wrong in them becomes U+FFFD.
    """
    size = name.size
    return str(_unpack(name.data, size), "utf-8", "replace") if size else ""


def head(name: Pointer) -> str:
    """Returns as much of a pw_name as `brief` and `brief_repr` of `_text` need."""
    size = min(name.size, ENOUGH_BYTES)
    return str(_unpack(name.data, size), "utf-8", "replace") if size else ""


def new_error() -> Pointer:
    """Returns an empty pw_error, which a function of the C API fills when it fails."""
    return _new(_ERROR_TYPE)


_MODULE_ERRORS = {
    lib.PW_MALFORMED: MalformedError,
    lib.PW_INVALID: InvalidError,
    lib.PW_UNSUPPORTED: UnsupportedError,
    lib.PW_LIMIT: UnsupportedError,
}


def error_from(error: Pointer) -> Exception:
    """Returns the exception that stands for a filled pw_error."""
    detail = printable(str(ffi.string(error.detail), "utf-8", "replace"))
    code = error.code
    if code == lib.PW_NO_MEMORY:
        return MemoryError(detail)
    if code == lib.PW_SNAPSHOT:
        return _errors.SnapshotError(detail)
    if code == lib.PW_TRAPPED:
        return _traps.segment_error(error.trap, detail)
    if code == lib.PW_LINK:
        return _errors.LinkError(detail)
    cls = _MODULE_ERRORS.get(code)
    if cls is None:
        return WasmError(detail)
    if code == lib.PW_UNSUPPORTED and error.features:
        return _unsupported(detail, error)
    # An UnsupportedError about a whole module, found when it is instantiated, has no offset: 0.
    offset = error.offset if error.offset or cls is not UnsupportedError else None
    function = None if error.function == NO_INDEX else error.function
    message = detail if offset is None else f"{detail} (at offset {offset:#x})"
    return cls(message, offset=offset, function=function)


def _unsupported(detail: str, error: Pointer) -> UnsupportedError:
    """Returns the exception for a module that is valid, but uses features that do not run."""
    bits = [1 << number for number in range(32) if error.features >> number & 1]
    names = [str(ffi.string(lib.pw_feature_name(bit)), "ascii") for bit in bits]
    others = [name for name in names if not detail.startswith(f"not supported: {name} (")]
    if others:
        detail += f"; the module also needs {', '.join(others)}"
    return UnsupportedError(
        f"{detail} (at offset {error.offset:#x})",
        offset=error.offset,
        function=None if error.function == NO_INDEX else error.function,
        features=names,
    )


def func_type(module: int, type_index: int) -> FuncType:
    """Returns the FuncType that a type index means in the pw_module at an address."""
    return FuncType._of(*signature(module, type_index, BY_CODE))


def new_limits(
    minimum: int, maximum: int | None, most: int, units: str, is64: bool = False
) -> Pointer:
    """Returns the pw_limits of a memory or a table that the host makes.

    Args:
        minimum: Its size at the start.
        maximum: The size that it never grows beyond, or None.
        most: The largest size that the specification allows.
        units: What the sizes count, as a message shows it.
        is64: Whether its addresses or indices are 64-bit.

    Raises:
        ValueError: A limit is negative or above `most`, or the minimum is above the maximum.
    """
    low = _index(minimum)
    high = most if maximum is None else _index(maximum)
    if not 0 <= low <= high <= most:
        raise ValueError(
            f"limits must be 0 <= minimum <= maximum <= {most:,} {units}, "
            f"not {low:,} and {'none' if maximum is None else f'{high:,}'}"
        )
    has_max = maximum is not None
    limits = {"min": low, "max": high if has_max else 0, "has_max": has_max, "is64": is64}
    return _new("pw_limits *", limits)


def memory_type(limits: Pointer) -> MemoryType:
    """Returns the MemoryType of a pw_limits."""
    return MemoryType(
        limits.min, limits.max if limits.has_max else None, limits.shared, limits.is64
    )


def table_type(valtype: int, limits: Pointer) -> TableType:
    """Returns the TableType of a pw_valtype and a pw_limits."""
    return TableType(
        BY_CODE[valtype], limits.min, limits.max if limits.has_max else None, limits.is64
    )


def extern_type(type_: Pointer, func_types: Callable[[int], FuncType]) -> ExternType:
    """Returns the type object of a pw_externtype.

    Args:
        type_: The pw_externtype.
        func_types: Returns the FuncType of a type index of the same module.
    """
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
