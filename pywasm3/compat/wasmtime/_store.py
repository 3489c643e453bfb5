# SPDX-License-Identifier: MIT
"""Stores, which everything but modules lives in."""

from __future__ import annotations

from contextlib import contextmanager
from threading import get_ident
from time import sleep

from ..._ffi import Store as OwnStore
from ..._limits import Limits
from .._missing import missing_feature
from ._config import Engine
from ._errors import ExitTrap, HostError, Trap, TrapCode, WasmtimeError, translated
from ._managed import Managed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias, TypeVar

    from ..._module import Module
    from ...wasi import WasiConfig as OwnWasi
    from ._func import Caller
    from ._wasi import WasiConfig

    R = TypeVar("R")

_NO_WASI = (
    "set_wasi() of the store must be called before a module that imports WASI is instantiated"
)


class Store(Managed):
    """What instances, functions, memories, tables and globals live in.

    Attributes:
        engine: The engine.
    """

    engine: Engine

    def __init__(self, engine: Engine | None = None, data: Any = None) -> None:
        """Takes the engine, or makes one, and an object that ``data()`` returns.

        Raises:
            TypeError: `engine` is not an Engine.
        """
        if engine is not None and not isinstance(engine, Engine):
            raise TypeError(f"expected an Engine, not {type(engine).__name__}")
        self.engine = Engine() if engine is None else engine
        self._data = data
        self._limits: dict[str, int] = {}
        self._fuel = 0  # until pywasm3's store is made, which has it then
        self._made: OwnStore | None = None
        self._modules: list[Module] = []
        self._wasi: WasiConfig | None = None
        self._deadline = 0
        self._callers: list[int] = []  # the threads whose calls have begun
        self.engine._stores.add(self)

    # ---- what the other classes use ----

    def _context(self) -> Store:
        """Returns the store. A Caller has this method, too, and returns its store."""
        self._alive()
        return self

    def _inner(self) -> OwnStore:
        """Returns pywasm3's store, which is made when something is put into it."""
        if self._made is None:
            given = {"fuel": self._fuel} if self.engine._option("consume_fuel") else {}
            if stack := self.engine._option("max_wasm_stack"):
                given["stack"] = stack
            with translated(also=(ValueError,)):
                self._made = OwnStore(limits=Limits(**given, **self._limits))
        return self._made

    def _owns(self, store: OwnStore) -> bool:
        return store is self._made

    @contextmanager
    def _making(self, module: Module | None = None) -> Iterator[OwnStore]:
        """Gives pywasm3's store for something that is made in it.

        If this is the first thing and it cannot be made, the store is dropped, so that
        ``set_limits`` can be called again.

        Args:
            module: The module that frames of traps belong to, if one is instantiated.
        """
        first = self._made is None
        store = self._inner()
        try:
            with translated(module, (MemoryError, OverflowError, ValueError, OSError)):
                yield store
        except WasmtimeError as error:
            if first and not isinstance(error, ExitTrap):
                self._made = None
            raise

    def _run(self, new: Module | None, function: Callable[..., R], *arguments: Any) -> R:
        """Calls what runs code of the guest: checks the epoch, and translates errors.

        An exception of a host function arrives as the same object.

        Args:
            new: The module that is instantiated by the call, if it is for that.
            function: The callable.
            *arguments: Its arguments.
        """
        if new is not None and len(self._modules) < 2 and new not in self._modules:
            self._modules.append(new)
        # If there is only one module, the frames of a trap belong to it. Frames do not tell.
        module = self._modules[0] if len(self._modules) == 1 else None
        self._callers.append(get_ident())
        try:
            if self._is_late():
                raise Trap._of("wasm trap: interrupt", (), None, TrapCode.INTERRUPT)
            with translated(module):
                return function(*arguments)
        except HostError as carrier:
            error = carrier.error
        finally:
            self._callers.pop()
        raise error

    def _is_late(self) -> bool:
        return bool(
            self.engine._option("epoch_interruption") and self.engine._epoch >= self._deadline
        )

    def _stop_if_late(self) -> None:
        """Stops the running call if the epoch of its deadline has begun.

        A call of another thread may be about to begin: then this waits until it runs or has ended.
        """
        this = get_ident()
        while self._made is not None and self._is_late():
            if self._made.interrupt() or all(caller == this for caller in self._callers):
                return
            sleep(0)

    def _wasi_config(self) -> OwnWasi:
        if self._wasi is None:
            raise WasmtimeError(_NO_WASI)
        with translated(also=(TypeError, ValueError)):
            return self._wasi._own()

    # ---- the API ----

    def close(self) -> None:
        """Frees everything in the store. Does nothing if it is closed already."""
        super().close()
        if self._made is not None:
            with translated():
                self._made.close()

    def data(self) -> Any:
        """Returns the object that the store was made with."""
        return self._context()._data

    def gc(self) -> None:
        """Does nothing: pywasm3 drops unused references when it has seen enough new ones.

        So an object that a guest got as externref may live longer than in wasmtime.
        """
        self._context()

    def set_fuel(self, fuel: int) -> None:
        """Sets the fuel, whose unit is a call or an iteration of a loop.

        Raises:
            WasmtimeError: The engine's configuration has not set ``consume_fuel``.
        """
        self._check_fuel()
        if self._made is None:
            self._fuel = fuel
        else:
            self._made.fuel = fuel

    def get_fuel(self) -> int:
        """Returns the fuel that is left.

        Raises:
            WasmtimeError: The engine's configuration has not set ``consume_fuel``.
        """
        self._check_fuel()
        return self._fuel if self._made is None else self._made.fuel or 0

    def _check_fuel(self) -> None:
        if not self._context().engine._option("consume_fuel"):
            raise WasmtimeError("fuel is not configured in this store")

    def set_wasi(self, wasi: WasiConfig) -> None:
        """Takes what programs for WASI in the store are given. It cannot be used again."""
        self._context()._wasi = wasi._consume()

    def set_epoch_deadline(self, ticks_after_current: int) -> None:
        """Sets how many epochs from now code of the store is stopped."""
        self._context()._deadline = self.engine._epoch + ticks_after_current

    def set_limits(
        self,
        memory_size: int = -1,
        table_elements: int = -1,
        instances: int = -1,
        tables: int = -1,
        memories: int = -1,
    ) -> None:
        """Limits what the store may have. A negative number sets no limit.

        Args:
            memory_size: How many bytes all memories together may have; in wasmtime, each of them.
            table_elements: How many elements all tables together may have; in wasmtime, each.
            instances: Cannot be limited.
            tables: Cannot be limited.
            memories: Cannot be limited.

        Raises:
            NotImplementedError: Something lives in the store already, or one of the last three
                limits is given.
        """
        if max(instances, tables, memories) >= 0:
            raise missing_feature(
                "wasmtime",
                "limit on the number of instances, tables or memories",
                "limit memory_size and table_elements",
            )
        if self._context()._made is not None:
            raise missing_feature(
                "wasmtime",
                "set_limits() for a store in use",
                "call it before anything is made in the store",
            )
        given = {"memory": memory_size, "table": table_elements}
        self._limits |= {name: limit for name, limit in given.items() if limit >= 0}


if TYPE_CHECKING:
    Storelike: TypeAlias = Store | Caller
