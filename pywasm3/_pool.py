# SPDX-License-Identifier: MIT
"""Pools of instances, which are used again and again, each time as if they were new.

The module is imported when InstancePool is first used.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from operator import index as _index

from ._errors import SnapshotError, Trap, WasmError
from ._ffi import Once, Store, instance_pointer, lib
from ._instance import Instance
from ._module import check_module
from ._snapshot import keep, restore_kept
from ._text import counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Callable
    from threading import Condition
    from types import TracebackType

    from typing_extensions import Self

    from ._aliases import Compile, Imports, Missing
    from ._limits import Limits
    from ._module import Module
    from ._snapshot import Snapshot
    from .wasi import WasiConfig


class _Member:
    """An instance of a pool, with the state in which each use begins.

    The instance keeps the structures and arrays of that state, so that what Python or another
    instance has of them stays valid. If it refers to something in the heap that no snapshot can
    have, such as an exception, there is no snapshot, and the instance is used only once.
    """

    __slots__ = ("fuel", "generation", "instance", "snapshot")
    snapshot: Snapshot | None

    def __init__(self, instance: Instance, fuel: int | None, generation: int) -> None:
        self.instance = instance
        self.generation = generation
        self.fuel = fuel
        self.snapshot = self._taken()

    def _taken(self) -> Snapshot | None:
        try:
            return keep(self.instance)
        except SnapshotError:
            if _refers_to_heap(self.instance):
                return None
            raise

    def share(self, snapshot: Snapshot | None) -> None:
        """Replaces its snapshot by an equal one, to save memory.

        A snapshot that refers to objects or functions is not shared.
        """
        if snapshot is None or snapshot._externs or snapshot._functions:
            return
        if snapshot == self.snapshot:
            self.snapshot = snapshot

    def begin(self) -> None:
        """Gives the instance what is new for each use: WASI streams and files, and fuel."""
        if self.instance._wasi is not None:
            self.instance._wasi._begin_again()
        self.instance.fuel = self.fuel

    def reset(self, error: BaseException | None) -> bool:
        """Undoes what a use has changed, and returns whether the instance can be used again.

        Args:
            error: The exception that ended the use, or None.
        """
        trapped = self.instance.store._take_trapped()
        unexpected = isinstance(error, Trap) or not isinstance(error, (Exception, type(None)))
        if self.instance.closed or trapped or unexpected:
            return False
        if self.instance._wasi is not None:
            self.instance._wasi.close()
        if self.snapshot is None:
            return False
        try:
            restore_kept(self.instance, self.snapshot)
        except Trap:  # the timeout of the limits passed meanwhile
            return False
        return True

    def close(self) -> None:
        """Closes the instance, unless a call of this thread still runs in it."""
        with suppress(WasmError):
            self.instance.close()


def _refers_to_heap(instance: Instance) -> bool:
    """Returns whether an instance refers to a structure, an array or an exception."""

    def refers() -> bool:
        return bool(lib.pw_instance_refers_to_heap(instance_pointer(instance._anchor)))

    return instance.store._call_entered(refers)


class _Use:
    """The context in which an instance is used, by ``with`` or ``async with``."""

    __slots__ = ("_member", "_pool", "_timeout")
    _member: _Member

    def __init__(self, pool: InstancePool, timeout: float | None) -> None:
        self._pool = pool
        self._timeout = timeout

    def __enter__(self) -> Instance:
        return self._begin(self._pool._take(self._timeout))

    async def __aenter__(self) -> Instance:
        return self._begin(await self._pool._take_async(self._timeout))

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
    """Ends the wait of a task, on its event loop, unless the task has been cancelled meanwhile."""
    if not future.done():
        future.set_result(None)


def _condition() -> Condition:
    from threading import Condition  # late, so that "from pywasm3 import *" stays quick

    return Condition()


class InstancePool(Once):
    """Hands out instances of one module to threads. Each use begins with the state after the start.

    ::

        with pywasm3.InstancePool(module, size=8) as pool:
            ...
            with pool.instance() as instance:
                instance.exports.handle(request)

    When an instance is given back, its memories, mutable globals and tables are restored, including
    those that it imports. An instance that trapped is dropped, and a new one is made when it is
    needed. ``len(pool)`` is the number of instances that exist now. docs/pool.md describes pools.
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
        missing: Missing = "error",
        prepare: Callable[[Instance], object] | None = None,
    ) -> None:
        """Makes the first instance; the others are made when they are needed.

        Args:
            module: The module.
            imports: The imports of all instances, as Instance takes them; their callables may be
                called by several threads at once. Or a function that is called with the Store of
                each new instance and returns the imports of that instance. Memories, tables,
                mutable globals and functions of other instances must be made in that store.
            size: The largest number of instances. None: the number of the machine's processors.
            limits: The limits of each instance's store. Each use begins with the full fuel; a
                timeout applies to each call.
            wasi: The configuration for WASI. Each use begins with new streams and files.
            compile: ``"lazy"`` compiles each function at its first call, ``"eager"`` compiles all
                functions when an instance is made.
            missing: ``"error"`` or ``"trap"``: what happens if an import has no value, as for
                Instance.
            prepare: A function that is called with each new instance. The state that it leaves is
                the one in which each use begins.

        Raises:
            ValueError: The size is below 1.
            Exception: Whatever Instance or `prepare` raises for the first instance.
            TypeError: An argument has the wrong type, or this is called again for the same object.
        """
        self._begin()
        check_module(module)
        self._size = _index((os.cpu_count() or 1) if size is None else size)
        if self._size < 1:
            raise ValueError(f"size must be at least 1, not {self._size}")
        self._module = module
        self._imports = imports
        self._limits = limits
        self._wasi = wasi
        self._compile: Compile = compile
        self._missing: Missing = missing
        self._prepare = prepare
        self._closed = False
        # The number of forks so far: a member of an older generation was in use when the process
        # was forked, and is not counted by the child process.
        self._generation = 0
        self._changed = _condition()
        self._tasks: deque[Future[None]] = deque()  # a future for each task that waits
        self._idle: list[_Member] = []
        self._count = 1  # instances that are idle, in use, or being made
        first = self._make()
        self._snapshot = first.snapshot
        self._idle.append(first)
        _pools.add(self)

    def _make(self) -> _Member:
        """Makes an instance in a store of its own. If that fails, the store is closed."""
        store = Store(limits=self._limits)
        imports = self._imports
        if callable(imports) and not isinstance(imports, Mapping):
            imports = imports(store)
        instance = None
        try:
            instance = Instance(
                self._module,
                imports,
                store=store,
                compile=self._compile,
                wasi=self._wasi,
                missing=self._missing,
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
        """Gives exclusive use of an instance: ``with pool.instance() as instance:``.

        If all instances are in use, it waits for one. ``async with`` does the same without blocking
        the event loop. The instance, its exports, and views of its memory must not be used after
        the context, because the instance may then be in use by another thread.

        Args:
            timeout: The longest time to wait, in seconds. None: there is no limit.

        Raises:
            TimeoutError: All instances are still in use after this time.
            WasmError: The pool is closed.
            Exception: Whatever Instance or `prepare` raises when a new instance is made.
        """
        return _Use(self, timeout)

    # ---- what needs the lock, self._changed, to be held ----

    def _ready(self) -> bool:
        if self._closed:
            raise WasmError("the pool is closed")
        return bool(self._idle) or self._count < self._size

    def _claim(self) -> _Member | None:
        """Returns an idle member; or counts a new one, which the caller makes, and returns None."""
        if self._idle:
            return self._idle.pop()  # the last one used, whose memory may still be in the caches
        self._count += 1
        return None

    def _notify(self) -> None:
        """Wakes a waiting thread and a waiting task; the first of them gets what is ready."""
        self._changed.notify()
        while self._tasks:
            with suppress(RuntimeError):  # the loop is closed
                self._tasks[0].get_loop().call_soon_threadsafe(_wake, self._tasks.popleft())
                return

    # ---- what takes the lock itself ----

    def _take(self, timeout: float | None) -> _Member:
        with self._changed:
            if not self._changed.wait_for(self._ready, timeout):
                raise self._busy()
            member = self._claim()
        return member or self._replace()

    async def _take_async(self, timeout: float | None) -> _Member:
        import asyncio

        with self._changed:
            ready = self._ready()
            member = self._claim() if ready else None
        if ready:
            return member or self._replace()
        with suppress(asyncio.TimeoutError):
            return await asyncio.wait_for(self._wait_async(), timeout)
        raise self._busy()

    async def _wait_async(self) -> _Member:
        """Waits until there is a member for this task, without blocking the event loop."""
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
        """Ends the wait of a cancelled task; if it has been woken already, wakes another task."""
        with self._changed:
            if woken in self._tasks:
                self._tasks.remove(woken)
            else:
                self._notify()

    def _busy(self) -> TimeoutError:
        return TimeoutError(f"all instances of the pool are in use: its size is {self._size}")

    def _replace(self) -> _Member:
        """Makes a new member, which _claim() has counted."""
        generation = self._generation
        try:
            member = self._make()
        except BaseException:
            self._forget(generation)
            raise
        member.share(self._snapshot)
        return member

    def _give_back(self, member: _Member, error: BaseException | None) -> None:
        """Ends a use. The instance waits for the next one, or is dropped if it cannot be used."""
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
        """Stops counting an instance that is dropped."""
        with self._changed:
            if generation == self._generation:
                self._count -= 1
                self._notify()

    def _after_fork(self) -> None:
        """Forgets the threads that used instances or waited: they do not exist after a fork."""
        self._generation += 1
        self._changed = _condition()
        self._tasks.clear()
        for member in self._idle:
            member.generation = self._generation
        self._count = len(self._idle)

    @property
    def module(self) -> Module:
        """The module of the instances."""
        return self._module

    @property
    def size(self) -> int:
        """The largest number of instances."""
        return self._size

    @property
    def closed(self) -> bool:
        """Whether the pool is closed."""
        return self._closed

    def close(self) -> None:
        """Closes all instances; an instance that is in use is closed when it is given back.

        Threads and tasks that wait for an instance get a WasmError. Closing again does nothing.
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
        """Returns the pool."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes the pool."""
        self.close()

    def __len__(self) -> int:
        """Returns the number of instances that exist now, in use or not."""
        return self._count

    def __bool__(self) -> bool:
        """Returns True, so that a pool without instances is not taken for a missing one."""
        return True

    def __repr__(self) -> str:
        """Returns the module's name and the numbers of instances."""
        name = self._module._shown_name(" of ")
        used = self._count - len(self._idle)
        state = f"{self._count} of {counted(self._size, 'instance')}, {used} in use"
        return f"<pywasm3.InstancePool{name}: {'closed' if self._closed else state}>"


InstancePool.__module__ = "pywasm3"

# All pools, for what the child process does after a fork.
_pools: weakref.WeakSet[InstancePool] = weakref.WeakSet()


def _after_fork() -> None:
    for pool in list(_pools):
        pool._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
