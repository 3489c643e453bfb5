# SPDX-License-Identifier: MIT
"""Brings guests to other processes, where each is decoded once however often it arrives."""

from __future__ import annotations

import os
import pickle
import tempfile
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._guest import Guest, Parts

# How many guests a process keeps, with their instances, when no task uses them.
_MAX_RESIDENTS = 8
_residents: OrderedDict[bytes, Guest] = OrderedDict()
_lock = Lock()


def _after_fork() -> None:
    global _lock
    # Another thread may have held a lock, and that thread does not exist here.
    _lock = Lock()
    for guest in _residents.values():
        guest._lock = Lock()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_after_fork)


def resident(digest: bytes, payload: bytes | None = None) -> Guest | None:
    """Returns this process's guest with a digest, which is made of the payload if it is new."""
    from ._guest import Guest

    with _lock:
        guest = _residents.get(digest)
        if guest is None:
            if payload is None:
                return None
            guest = _residents[digest] = Guest._of(digest, payload)
            while len(_residents) > _MAX_RESIDENTS:
                _residents.popitem(last=False)
        _residents.move_to_end(digest)
        return guest


def _dumps(value: Any) -> bytes:
    try:
        import cloudpickle  # which Dask brings; it also pickles lambdas, and functions of a script
    except ImportError:
        return pickle.dumps(value)
    data: bytes = cloudpickle.dumps(value)
    return data


def packed(parts: Parts) -> bytes:
    """Pickles the parts of a guest.

    Raises:
        TypeError: A part cannot be pickled; the message names it.
    """
    try:
        return _dumps(tuple(parts))
    except Exception:
        for name, value in _named(parts):
            try:
                _dumps(value)
            except Exception as error:
                raise TypeError(f"{name} cannot travel to another process: {error}") from error
        raise


def _named(parts: Parts) -> list[tuple[str, Any]]:
    """Returns what a guest consists of, with names for messages."""
    named: list[tuple[str, Any]] = [("the snapshot", parts.snapshot)]
    if isinstance(parts.imports, Mapping):
        for key, value in parts.imports.items():
            if isinstance(value, Mapping):
                named += [(f"the import {key}.{name}", one) for name, one in value.items()]
            else:
                named.append(
                    (f"the import {'.'.join(key) if isinstance(key, tuple) else key}", value)
                )
    named.append(("the function that makes the imports", parts.imports))
    if parts.wasi is not None:
        named += [(f"wasi: {name}", value) for name, value in parts.wasi._options().items()]
    return named


class LocalCopy:
    """A guest in a file, for the processes of this machine: their tasks only carry its path.

    The file lasts as long as this object, which the tasks that wait in this process refer to.
    """

    def __init__(self, guest: Guest) -> None:
        """Writes the guest to a temporary file that only this user can read."""
        self._digest = guest.digest
        handle, self._path = tempfile.mkstemp(prefix="pywasm3-", suffix=".guest")
        weakref.finalize(self, os.unlink, self._path)
        with open(handle, "wb") as file:
            file.write(guest.payload)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the digest and the path. It becomes the Guest where it is unpickled."""
        return _from_file, (self._digest, self._path)


def _from_file(digest: bytes, path: str) -> Guest:
    guest = resident(digest)
    if guest is None:
        with open(path, "rb") as file:
            guest = resident(digest, file.read())
    assert guest is not None
    return guest
