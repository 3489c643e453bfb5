# SPDX-License-Identifier: MIT
"""The peers, one class each. A class is imported only in the process that measures it."""

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
NATIVE = ("ctypes", "cffi")  # These peers need the library that floors.build() compiles.


def peer_class(name: str) -> type[Peer]:
    """Returns the class of a peer, by its name in PEERS, or as ``module:Class`` for another one.

    Raises:
        ValueError: There is no such peer, or it is not a subclass of Peer.
    """
    module, colon, attribute = PEERS.get(name, name).partition(":")
    if not colon:
        raise ValueError(
            f"no peer is called {name!r}: choose from {', '.join(PEERS)}, or give module:Class"
        )
    try:
        found = getattr(importlib.import_module(module, __name__), attribute)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"the peer {name!r} cannot be loaded: {error}") from None
    if not isinstance(found, type) or not issubclass(found, Peer):
        raise ValueError(f"the peer {name!r} is not a subclass of {Peer.__module__}.Peer")
    return found
