# SPDX-License-Identifier: MIT
"""Runs a valid module as far as it goes, so that what brings the process down is found.

Imports are made up, every exported function is called with zeros, and nothing runs for long.
Whatever WebAssembly allows may come of it: results are not looked at.
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

SECONDS = 0.02  # for one call
MEMORY = 1 << 30  # bytes of the process; WebAssembly's memories may be larger, this machine not

_ZEROS: dict[str, Any] = {"f32": 0.0, "f64": 0.0, "v128": bytes(16)}


class _Enough(Exception):
    """Raised where code still runs when its time is up."""


def _zero(valtype: pywasm3.ValType) -> Any:
    kind = str(valtype)
    return _ZEROS.get(kind, 0 if kind in ("i32", "i64") else None)


def _host(type: pywasm3.FuncType) -> Callable[..., Any]:
    results = tuple([_zero(valtype) for valtype in type.results])
    result = results if len(results) > 1 else results[0] if results else None
    return lambda *_: result


def _extern(type: Any) -> Any:
    """Something that an import of a type may be."""
    if isinstance(type, pywasm3.FuncType):
        return _host(type)
    if isinstance(type, pywasm3.MemoryType):
        return pywasm3.Memory(type.min, type.max)
    if isinstance(type, pywasm3.TableType):
        return pywasm3.Table(type.type, type.min, type.max)
    if isinstance(type, pywasm3.TagType):
        return pywasm3.Tag(type.type)
    return pywasm3.Global(type.type, _zero(type.type), mutable=type.mutable)


def _stop(number: int, frame: object) -> None:
    raise _Enough


@functools.cache
def _limit() -> None:
    """Prepares the process: time and memory that code may use."""
    signal.signal(signal.SIGALRM, _stop)
    if not SANITIZED:  # a sanitizer maps far more than that
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, resource.RLIM_INFINITY))


def _timed(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result, or None where there is none."""
    try:
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        return function(*arguments)
    # TypeError, ValueError: Python has no value for what is asked for.
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
    """Instantiates a module and calls its exports; one that we do not run is left alone."""
    try:
        module = pywasm3.Module(data)
    except pywasm3.UnsupportedError:
        return
    _limit()
    # An alarm may come when its call has just ended.
    with contextlib.suppress(_Enough):
        _run(module)
