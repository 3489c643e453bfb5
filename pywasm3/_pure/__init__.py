# SPDX-License-Identifier: MIT
"""What pywasm3._cpython has, in Python over cffi.

pywasm3/_ffi.py uses it where Python is not CPython, or where PYWASM3_PURE_CFFI is set. The stubs of
pywasm3._cpython describe its names, and RATIONALE.md says why there are two of them. `connect` is
called before anything else.

The modules, in the order in which to read them; most have the name of the file of native/cpython
that does the same:

- `store`: what threads take turns in (`turns`), how a call is stopped (`stopping`, `watch`), and
  which instances still live (`tenants`).
- `function`: a call of a guest, with `bind` and `map` (whose arrays are `columns`).
- `host`: a call of the host by a guest.
- How a call fails: `fail` for the caller of the guest, `throw` for a guest that may catch.
- `numbers` and `references` convert values; `externs` holds the objects of Python that guests have.
- `memory`, `holders` (globals and tables) and `aggregate` (structures and arrays): what lives in a
  store.
- `hooks`, `once`, `owner` and `fd_write` are small, and used by the others.
"""

from __future__ import annotations

from .._ffi import ffi, lib
from .._pypy import PYPY
from . import stopping
from .aggregate import Aggregate
from .bind import BoundFunction
from .fd_write import FdWrite
from .function import Function
from .holders import Global, Table
from .hooks import NAMES, hooks
from .host import HostFunction, call_host, store_of_host, types_of
from .memory import Memory
from .numbers import I32, V128, encode_plain
from .once import Once
from .stopping import stop_code
from .store import Store, after_fork, store_of
from .tenants import Anchor
from .throw import catch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Pointer = Any

__all__ = [
    "Aggregate",
    "Anchor",
    "BoundFunction",
    "FdWrite",
    "Function",
    "Global",
    "HostFunction",
    "Memory",
    "Once",
    "Store",
    "Table",
    "after_fork",
    "connect",
    "connect_thrown",
    "encode",
    "exports",
    "signature",
    "stop_code",
]


# Bytes of the native stack that a call may have used when Python code runs in it. PyPy runs no code
# beyond 768 KiB, of which the program around the call needs some. CPython counts its own frames.
_ROOM = 384 << 10 if PYPY else (1 << 64) - 1
_ANSWER: int = lib.PW_ANSWER


def connect(api: int, main_thread: int, doc: Any, given: dict[str, Any], /) -> None:
    """Takes the functions that this package calls in the Python layer.

    The address of the engine's pw_api and the main thread are not needed here.
    """
    for name in NAMES:
        setattr(hooks, name, given[name])
    # `doc` is a descriptor: `__doc__` of a Function describes that function, and `__doc__` of the
    # class describes the class.
    Function.__doc__ = doc
    hooks_of_c = lib.pw_python_host, lib.pw_python_tick, lib.pw_python_catch
    lib.pw_set_python_hooks(*hooks_of_c, _ROOM)


def connect_thrown(thrown: Callable[..., Any], wasm_exception: type[BaseException], /) -> None:
    """Takes the function that makes the exception for what a guest has thrown, and its class."""
    hooks.thrown = thrown
    hooks.wasm_exception = wasm_exception


def encode(value: object, type: int, /) -> int:
    """Converts a number or vector of a type to its bits."""
    if not V128 <= type <= I32:
        raise TypeError("values of this type are references")
    cells = encode_plain(value, type, False)
    return cells[0] if len(cells) == 1 else cells[0] | cells[1] << 64


def exports(module: int, /) -> dict[str, tuple[int, int]]:
    """Lists the exports of the pw_module at an address: name -> (kind, index), in order."""
    info = lib.pw_module_get_info(ffi.cast("pw_module *", module))
    table = {}
    for place in range(info.nexports):
        export = info.exports[place]
        data = ffi.unpack(export.name.data, export.name.size) if export.name.size else b""
        table[str(data, "utf-8")] = (int(export.type.kind), int(export.index))
    return table


def signature(
    module: int, index: int, by_code: dict[int, Any], /
) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Returns the types of parameters and results that a type index means in a pw_module."""
    info = lib.pw_module_get_info(ffi.cast("pw_module *", module))
    params, results = types_of(info.types[index])
    return tuple([by_code[each] for each in params]), tuple([by_code[each] for each in results])


# ---- the functions of Python that C calls --------------------------------------------------------

# An exception that comes between the call by C and the function's own `try`, such as that of a
# signal handler, is handled by these: it ends the call of the guest, too.


def _leave_error(store: Store | None, error: BaseException) -> int:
    if store is not None:
        stopping.leave_error(store, error)
    return stopping.HOST + _ANSWER


def _lost_by_host(kind: Any, error: Any, traceback: Any) -> int:
    return _leave_error(store_of_host(traceback.tb_frame.f_locals["object"]), error)


def _lost_by_store(kind: Any, error: Any, traceback: Any) -> int:
    return _leave_error(store_of(traceback.tb_frame.f_locals["embedder"]), error)


def _host(object: Pointer, values: Pointer) -> int:
    return call_host(object, values) + _ANSWER


def _tick(embedder: Pointer) -> int:
    store = store_of(embedder)
    return (stopping.NONE if store is None else stopping.tick(store)) + _ANSWER


def _catch(embedder: Pointer, keep: bool, reference: Pointer) -> int:
    store = store_of(embedder)
    return (stopping.HOST if store is None else catch(store, keep, reference)) + _ANSWER


_extern = ffi.def_extern
_extern("pw_python_host", error=stopping.HOST + _ANSWER, onerror=_lost_by_host)(_host)
_extern("pw_python_tick", error=stopping.HOST + _ANSWER, onerror=_lost_by_store)(_tick)
_extern("pw_python_catch", error=stopping.HOST + _ANSWER, onerror=_lost_by_store)(_catch)
