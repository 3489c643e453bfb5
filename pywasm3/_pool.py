# SPDX-License-Identifier: MIT
"""Pools: instances that are used again, each time as if they were new. Imported when needed."""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from operator import index as _index

from ._errors import Trap, WasmError
from ._ffi import Store
from ._instance import Instance
from ._module import check_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable
    from threading import Condition
    from types import TracebackType

    from typing_extensions import Self

    from ._aliases import Compile, Imports
    from ._limits import Limits
    from ._module import Module
    from ._snapshot import Snapshot
    from .wasi import WasiConfig


class _Member:
    """An instance of a pool, and the state that it begins each use with."""

    __slots__ = ("fuel", "generation", "instance", "snapshot")

    def __init__(self, instance: Instance, fuel: int | None, generation: int) -> None:
        self.instance = instance
        self.generation = generation
        self.fuel = fuel
        self.snapshot: Snapshot = instance.snapshot(imported=True)

    def share(self, snapshot: Snapshot) -> None:
        """Uses an equal snapshot instead of its own, if it does not matter which."""
        if not snapshot._externs and not snapshot._functions and snapshot == self.snapshot:
            self.snapshot = snapshot

    def begin(self) -> None:
        """Gives it what each use has anew."""
        if self.instance._wasi is not None:
            self.instance._wasi._begin_again()
        self.instance.fuel = self.fuel

    def reset(self, error: BaseException | None) -> bool:
        """Undoes a use, which ended with an error or not. False: it must not be used again."""
        trapped = self.instance.store._take_trapped()
        unexpected = isinstance(error, Trap) or not isinstance(error, (Exception, type(None)))
        if self.instance.closed or trapped or unexpected:
            return False
        if self.instance._wasi is not None:
            self.instance._wasi.close()
        self.instance.restore(self.snapshot)
        return True

    def close(self) -> None:
        """Closes it, unless a call of this thread still runs in it."""
        with suppress(WasmError):
            self.instance.close()


class _Use:
    """The context of a use, plain or async."""

    __slots__ = ("_member", "_pool", "_timeout")
    _member: _Member

    def __init__(self, pool: InstancePool, timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout

    def __enter__(self) -> Instance:
        return self._begin(self._pool._take(self._timeout))

    async def __aenter__(self) -> Instance:
        return self._begin(await self._pool._take_later(self._timeout))

    def _begin(self, member: _Member) -> Instance:
        try:
            member.begin()
        except BaseException as error:
            self._pool._give_back(member, error)
            raise
        self._member = member
        return member.instance

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool._give_back(self._member, exc)

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pool._give_back(self._member, exc)


def _wake(future: Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _condition() -> Condition:
    from threading import Condition  # "from pywasm3 import *" imports this module, too

    return Condition()


class InstancePool:
    """Instances of one module for many threads: each use begins with the state after the start.

    ::

        with pywasm3.InstancePool(module, size=8) as pool:
            ...
            with pool.instance() as instance:
                instance.exports.handle(request)

    What an instance has changed of itself is undone when it is given back: memory, mutable
    globals, tables, also imported ones. One that trapped is dropped, and a new one is made when it
    is needed. ``len(pool)`` is how many there are now.
    """

    def __init__(
        self,
        module: Module,
        imports: Imports | Callable[[Store], Imports] | None = None,
        *,
        size: int | None = None,
        limits: Limits | None = None,
        wasi: WasiConfig | None = None,
        compile: Compile = "lazy",
        prepare: Callable[[Instance], object] | None = None,
    ) -> None:
        """Makes the first instance; the others are made when they are needed.

        Args:
            module: What to instantiate.
            imports: As for Instance, and the same for all: callables must bear to be called on
                several threads at once. Or a function that is called for each new instance with
                the Store it will live in, and returns what it imports: memories, tables, mutable
                globals and functions of other instances must be made in that store.
            size: How many instances there may be. None: as many as the machine has processors.
            limits: Of each instance. It has its fuel anew for each use; a timeout holds for each
                call.
            wasi: Of each instance, and each use begins with it anew.
            compile: As for Instance.
            prepare: Called with each new instance. What it does is done before all uses.

        Raises:
            ValueError: The size is below 1.
            Exception: What Instance or `prepare` raises for the first one.
        """
        check_module(module)
        self._size = _index((os.cpu_count() or 1) if size is None else size)
        if self._size < 1:
            raise ValueError(f"size must be at least 1, not {self._size}")
        self._module = module
        self._imports = imports
        self._limits = limits
        self._wasi = wasi
        self._compile: Compile = compile
        self._prepare = prepare
        self._closed = False
        self._generation = 0  # counts forks
        self._changed = _condition()
        self._tasks: deque[Future[None]] = deque()  # that wait, each for its future
        self._idle: list[_Member] = []
        self._count = 1  # of instances, idle or out or being made
        first = self._make()
        self._snapshot = first.snapshot
        self._idle.append(first)
        _pools.add(self)

    def _make(self) -> _Member:
        store = Store(limits=self._limits)
        imports = self._imports
        if callable(imports) and not isinstance(imports, Mapping):
            imports = imports(store)
        instance = None
        try:
            instance = Instance(
                self._module, imports, store=store, compile=self._compile, wasi=self._wasi
            )
            if self._prepare is not None:
                self._prepare(instance)
            instance.store._take_trapped()
            fuel = None if self._limits is None else self._limits.fuel
            return _Member(instance, fuel, self._generation)
        except BaseException:
            (instance or store).close()
            raise

    def instance(self, timeout: float | None = None) -> _Use:
        """``with pool.instance() as instance:`` has an instance for itself, as has ``async with``.

        It waits while all are in use, the second form without holding up the event loop. The
        instance, its exports, and views of its memory must not be used after the context: they may
        be somebody else's.

        Args:
            timeout: Seconds to wait at most. None: as long as it takes.

        Raises:
            TimeoutError: All instances are still in use after this time.
            WasmError: The pool is closed.
            Exception: What Instance or `prepare` raises, when a new one is made.
        """
        return _Use(self, timeout)

    # With the lock held.

    def _ready(self) -> bool:
        if self._closed:
            raise WasmError("the pool is closed")
        return bool(self._idle) or self._count < self._size

    def _claim(self) -> _Member | None:
        """One that is ready; None: there is room for a new one, and it is counted already."""
        if self._idle:
            return self._idle.pop()  # the last one used: the caches know it
        self._count += 1
        return None

    def _notify(self) -> None:
        """Something is ready, for the thread or the task that comes first."""
        self._changed.notify()
        while self._tasks:
            with suppress(RuntimeError):  # the loop is closed
                self._tasks[0].get_loop().call_soon_threadsafe(_wake, self._tasks.popleft())
                return

    # Without.

    def _take(self, timeout: float | None) -> _Member:
        with self._changed:
            if not self._changed.wait_for(self._ready, timeout):
                raise self._busy()
            member = self._claim()
        return member or self._replace()

    async def _take_later(self, timeout: float | None) -> _Member:
        import asyncio

        with self._changed:
            ready = self._ready()
            member = self._claim() if ready else None
        if ready:
            return member or self._replace()
        with suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(self._take_turn(), timeout)
        raise self._busy()

    async def _take_turn(self) -> _Member:
        from asyncio import get_running_loop

        while True:
            with self._changed:
                if self._ready():
                    member = self._claim()
                    break
                woken = get_running_loop().create_future()
                self._tasks.append(woken)
            try:
                await woken
            except BaseException:
                self._give_up(woken)
                raise
        return member or self._replace()

    def _give_up(self, woken: Future[None]) -> None:
        """The task was cancelled; if it had been woken, another one is."""
        with self._changed:
            if woken in self._tasks:
                self._tasks.remove(woken)
            else:
                self._notify()

    def _busy(self) -> TimeoutError:
        return TimeoutError(f"all {self._size} instances are in use")

    def _replace(self) -> _Member:
        """A new one, which is counted already."""
        generation = self._generation
        try:
            member = self._make()
        except BaseException:
            self._forget(generation)
            raise
        member.share(self._snapshot)
        return member

    def _give_back(self, member: _Member, error: BaseException | None) -> None:
        usable = False
        try:
            usable = member.reset(error)
        finally:
            with self._changed:
                known = member.generation == self._generation
                kept = usable and known and not self._closed
                if kept:
                    self._idle.append(member)
                    self._notify()
            if not kept:
                self._forget(member.generation)
                member.close()

    def _forget(self, generation: int) -> None:
        """One of the instances is no more."""
        with self._changed:
            if generation == self._generation:
                self._count -= 1
                self._notify()

    def _after_fork(self) -> None:
        """In the child process: threads that use instances, or wait for them, are not there."""
        self._generation += 1
        self._changed = _condition()
        self._tasks.clear()
        for member in self._idle:
            member.generation = self._generation
        self._count = len(self._idle)

    @property
    def module(self) -> Module:
        """What they are instances of."""
        return self._module

    @property
    def size(self) -> int:
        """How many instances there may be."""
        return self._size

    @property
    def closed(self) -> bool:
        """Whether it is closed."""
        return self._closed

    def close(self) -> None:
        """Closes all instances: those in use when they are given back.

        Who waits for one gets a WasmError. Closing again does nothing.
        """
        with self._changed:
            self._closed = True
            idle, self._idle = self._idle, []
            self._count -= len(idle)
            self._changed.notify_all()
            while self._tasks:
                self._notify()
        for member in idle:
            member.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Closes it."""
        self.close()

    def __len__(self) -> int:
        """How many instances there are now, in use or not."""
        return self._count

    def __bool__(self) -> bool:
        """True, however many there are."""
        return True

    def __repr__(self) -> str:
        """The module's name, the number of instances."""
        name = f" of {self._module.name!r}" if self._module.name else ""
        used = self._count - len(self._idle)
        state = f"{self._count} of {self._size} instances, {used} in use"
        return f"<pywasm3.InstancePool{name}: {'closed' if self._closed else state}>"


InstancePool.__module__ = "pywasm3"

# Only for the child of a fork.
_pools: weakref.WeakSet[InstancePool] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in list(_pools):
        pool._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
