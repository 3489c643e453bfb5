# SPDX-License-Identifier: MIT
"""Stores, which everything lives in."""

from __future__ import annotations

from ..._ffi import Store as OwnStore
from .engine import Universal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..._limits import Limits


class Store:
    """What modules, instances, functions, memories, tables and globals live in.

    Attributes:
        engine_name: The name of the engine.
        compiler_name: "pywasm3", which compiles for its interpreter.
    """

    engine_name = "universal"
    compiler_name = "pywasm3"

    def __init__(self, engine: Universal | None = None, *, limits: Limits | None = None) -> None:
        """Takes an engine, which changes nothing here.

        Args:
            engine: An engine.Universal.
            limits: pywasm3's limits of the store. wasmer has no such argument.

        Raises:
            TypeError: It is not an engine.
        """
        if engine is not None and not isinstance(engine, Universal):
            raise TypeError(f"Unknown engine: {type(engine).__name__}")
        self._store = OwnStore() if limits is None else OwnStore(limits=limits)
