# SPDX-License-Identifier: MIT
"""The contestants, one class each; each is imported only in the process that measures it."""

from __future__ import annotations

import importlib

from .base import Peer

PEERS = {
    "pywasm3": ".ours:Pywasm3",
    "wasm3": ".wasm3:Wasm3",
    "wasmtime": ".wasmtime:Wasmtime",
    "wasmer": ".wasmer:Wasmer",
    "extism": ".extism:Extism",
    "pywasm": ".pywasm:Pywasm",
    "python": ".python:Python",
    "builtin": ".builtin:Builtin",
    "ctypes": ".native:Ctypes",
    "cffi": ".native:Cffi",
}
NATIVE = ("ctypes", "cffi")  # which need the library that floors.build() makes


def peer_class(name: str) -> type[Peer]:
    """The class of a peer: by its name, or by ``module:Class`` for one that is not of ours.

    Raises:
        ValueError: There is no such peer.
    """
    module, colon, attribute = PEERS.get(name, name).partition(":")
    if not colon:
        raise ValueError(f"no peer {name!r}: there are {', '.join(PEERS)}, and module:Class")
    try:
        found = getattr(importlib.import_module(module, __name__), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"no peer {name!r}: {error}") from None
    if not isinstance(found, type) or not issubclass(found, Peer):
        raise ValueError(f"no peer {name!r}: it is no subclass of {Peer.__module__}.Peer")
    return found
