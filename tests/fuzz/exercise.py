# SPDX-License-Identifier: MIT
"""Runs a valid module in pywasm3, to find modules that crash or hang the process.

The imports are made up, and every exported function is called once with zeros for a short time.
Any result, trap or error is fine: only the end of the process is a finding.
"""

from __future__ import annotations

import contextlib
import functools
import resource
import signal
from collections.abc import Callable
from typing import Any

import pywasm3
from helpers import SANITIZED

SECONDS = 0.02  # how long one call may run
MEMORY = 1 << 30  # bytes of data that the process may have; modules may ask for much more

_ZEROS: dict[str, Any] = {"f32": 0.0, "f64": 0.0, "v128": bytes(16)}


class _Enough(Exception):
    """Raised by the alarm in code that still runs when its time is up."""


def _zero(valtype: pywasm3.ValType) -> Any:
    kind = str(valtype)
    return _ZEROS.get(kind, 0 if kind in ("i32", "i64") else None)


def _host(type: pywasm3.FuncType) -> Callable[..., Any]:
    results = tuple([_zero(valtype) for valtype in type.results])
    result = results if len(results) > 1 else results[0] if results else None
    return lambda *_: result


def _extern(type: Any) -> Any:
    """Makes an object that fits an import of this type."""
    if isinstance(type, pywasm3.FuncType):
        return _host(type)
    if isinstance(type, pywasm3.MemoryType):
        address = "i64" if type.is64 else "i32"
        return pywasm3.Memory(type.min, type.max, address=address, shared=type.shared)
    if isinstance(type, pywasm3.TableType):
        address = "i64" if type.is64 else "i32"
        return pywasm3.Table(type.type, type.min, type.max, address=address)
    if isinstance(type, pywasm3.TagType):
        return pywasm3.Tag(type.type)
    return pywasm3.Global(type.type, _zero(type.type), mutable=type.mutable)


def _stop(number: int, frame: object) -> None:
    raise _Enough


@functools.cache
def _limit() -> None:
    """Prepares the process once: handles the alarm and limits the memory."""
    signal.signal(signal.SIGALRM, _stop)
    if not SANITIZED:  # a sanitizer itself maps far more memory than the limit
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.RLIM_INFINITY))


def _timed(function: Callable[..., Any], *arguments: Any) -> Any:
    """Returns the result of a call, or None if the call failed or ran too long."""
    try:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        return function(*arguments)
    # TypeError and ValueError are raised where the made-up argument does not fit its type.
    except (_Enough, pywasm3.WasmError, MemoryError, TypeError, ValueError):
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _instance(module: pywasm3.Module) -> pywasm3.Instance:
    imports = {(wanted.module, wanted.name): _extern(wanted.type) for wanted in module.imports}
    return pywasm3.Instance(module, imports)


def _run(module: pywasm3.Module) -> None:
    instance = _timed(_instance, module)
    if instance is None:
        return
    for export in module.exports:
        if isinstance(export.type, pywasm3.FuncType):
            function = instance.exports[export.name]
            _timed(function, *[_zero(valtype) for valtype in export.type.params])
    _timed(instance.close)


def exercise(data: bytes) -> None:
    """Instantiates a module and calls its exports, unless pywasm3 does not support the module."""
    try:
        module = pywasm3.Module(data)
    except pywasm3.UnsupportedError:
        return
    _limit()
    # The alarm may go off just after its call has ended, outside of _timed.
    with contextlib.suppress(_Enough):
        _run(module)
