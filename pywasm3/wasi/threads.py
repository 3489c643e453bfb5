# SPDX-License-Identifier: MIT
"""The threads of a program that was compiled for ``wasm32-wasi-threads``.

The proposal wasi-threads gives a program one function, ``thread-spawn``. Each call makes one more
instance of the program's module, which shares the program's memory, and runs its export
``wasi_thread_start`` on a new thread. The instance lives in a store of its own, because only one
thread at a time can use a store.

The module is imported when a program imports ``thread-spawn`` and may have threads.
"""

from __future__ import annotations

import atexit
import os
from _thread import _local, allocate_lock
from _weakref import ref
from threading import Condition, Thread
from time import monotonic
from weakref import WeakSet

from .._errors import Trap, UnsupportedError, WasmError, add_note
from .._ffi import stop_code
from .._instance import Instance
from .._memory import Memory
from .._types import FuncType, MemoryType, i32
from .._wait import STEP_SECONDS
from .abi import EAGAIN, ENOTSUP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from .._aliases import Missing
    from .._cpython import Store
    from .._types import ImportType

START = "wasi_thread_start"
_START_TYPE = FuncType([i32, i32], [])
# The proposal lets a host give numbers from 1 to 2^29 - 1.
_LAST_NUMBER = (1 << 29) - 1
# How long the start of a thread waits for the end of another one if there are as many as allowed.
_ROOM_SECONDS = 0.1
# How long the end of the process waits for threads that are still in functions of the host.
_LAST_WAIT_SECONDS = 1.0

_ORPHANED = "the instance of a program with threads must be kept as long as the program is used"

_programs: WeakSet[Threads] = WeakSet()
# Guards the attributes of all Threads objects, and is notified when a thread has ended.
_changed = Condition()


class _Here(_local):
    """Which program's thread this is."""

    program: Threads | None = None


_here = _Here()


class Threads:
    """The threads of one program, besides the one that runs the program itself.

    They end together: when one of them or the program traps, raises an exception or exits, when the
    program's ``_start`` returns, and when its instance is closed or no longer exists.
    """

    def __init__(
        self, instance: Instance[Any], lookup: Callable[[ImportType], Any], missing: Missing
    ) -> None:
        """Prepares an instance for threads.

        Args:
            instance: The instance of the program.
            lookup: Returns the value for an import, or ABSENT.
            missing: What happens if there is no value for an import, as for Instance.
        """
        module = instance.module
        self._module = module
        self._store = instance.store
        self._wasi = instance.wasi
        self._missing = missing
        self._values = {wanted: lookup(wanted) for wanted in module.imports}
        self._values.update(_shared_memories(instance))
        self._can_start = any(
            export.name == START and export.type == _START_TYPE for export in module.exports
        )
        # The stores of the threads by their numbers; None while a thread is being made.
        self._stores: dict[int, Store | None] = {}
        self._last_number = 0
        self._ended = False
        # The exception with which a thread has ended the program.
        self._failure: BaseException | None = None
        self._traceback: TracebackType | None = None
        self._program = ref(instance, lambda _: self._orphan())
        self._store._call_entered(self._store._on_failure, self._failed)
        _programs.add(self)

    def begin_again(self) -> None:
        """Allows threads again, after `end`, for another use of the instance."""
        with _changed:
            self._ended, self._failure = False, None

    # ---- starting a thread ----

    def spawn(self, argument: int) -> int:
        """Starts a thread. A call of the program, or of one of its threads, must be running.

        Returns:
            The number of the thread, or a negative errno: EAGAIN if there can be no more threads,
            ENOTSUP if the module has no function for them.

        Raises:
            LinkError: The module imports something that only instances of one store can share.
            Trap: A segment does not fit into its memory or table.
            WasmError: The instance of the program no longer exists.
        """
        if self._program() is None:
            raise WasmError(_ORPHANED)
        if not self._can_start:
            return -ENOTSUP
        number = self._reserve()
        if number is None:
            return -EAGAIN
        try:
            store = self._store._beside()
            instance = Instance._of_thread(
                self._module, self._values.__getitem__, store, self._wasi, self._missing
            )
            self._start(instance, number, argument)
        except BaseException as error:
            self._release(number)
            # UnsupportedError: a limit does not allow the instance's own memories and tables.
            # RuntimeError itself: the system gives no thread.
            no_room = isinstance(error, (MemoryError, UnsupportedError))
            # The call of the guest, which must stop, raises a trap of its own after this function.
            stopped = isinstance(error, Trap) and stop_code()
            if no_room or stopped or type(error) is RuntimeError:
                return -EAGAIN
            raise
        return number

    def _reserve(self) -> int | None:
        """Returns a number for one more thread, or None if there can be no more threads.

        A program that has joined a thread may start another one before the thread has ended here.
        """
        until = monotonic() + _ROOM_SECONDS
        with _changed:
            while not self._ended and len(self._stores) >= self._wasi.config.threads:
                if stop_code() or monotonic() >= until:
                    return None
                _changed.wait(STEP_SECONDS)
            if self._ended:
                return None
            number = self._last_number
            while number == self._last_number or number in self._stores:
                number = number % _LAST_NUMBER + 1
            self._last_number = number
            self._stores[number] = None
            return number

    def _release(self, number: int) -> None:
        with _changed:
            self._stores.pop(number, None)
            _changed.notify_all()

    def _start(self, instance: Instance[Any], number: int, argument: int) -> None:
        thread = Thread(
            target=self._run,
            args=(instance, number, argument),
            name=f"wasi-thread-{number}",
            daemon=True,
        )
        with _changed:
            self._stores[number] = instance.store
            if self._ended:
                instance.store._stop()
        thread.start()

    def _run(self, instance: Instance[Any], number: int, argument: int) -> None:
        _here.program = self
        try:
            instance._start()
            instance.exports[START](number, argument)
        except BaseException as error:
            if not self._ended:
                add_note(error, f"in thread {number} of the program")
            self.fail(error)
        finally:
            instance.store.close()
            self._release(number)

    # ---- ending ----

    def fail(self, failure: BaseException) -> None:
        """Ends the program with an exception that one of its threads raises, unless it has ended.

        A call of the program that runs, or that begins later, raises the exception, too.
        """
        with _changed:
            if not self._ended:
                self._ended = True
                self._failure, self._traceback = failure, failure.__traceback__
        self.stop()

    def stop(self) -> None:
        """Stops all threads, without waiting for their ends; also this one, if it is one of them.

        A thread may get here in a function of the host, which may have closed the instance, or in
        which Python has found that the instance no longer exists.
        """
        with _changed:
            self._ended = True
            stores = list(self._stores.values())
            if self._failure is not None and self._is_here():
                stores.append(self._store)
            for store in stores:
                if store is not None:
                    store._stop()

    def end(self) -> None:
        """Stops all threads, and waits for their ends, unless they may wait for this thread.

        They may if this is one of them. They also may if the program has called a function of the
        host that is running here, because this thread has the program's store until that function
        returns, and a function of the host on another thread may want the store.

        A thread that is in a function of the host ends when that function returns.
        """
        self.stop()
        in_program = stop_code() is not None and self._store.running
        if not (self._is_here() or in_program):
            self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        with _changed:
            _changed.wait_for(lambda: not self._stores, seconds)

    def _is_here(self) -> bool:
        """Whether this is one of the program's threads."""
        return _here.program is self

    def _orphan(self) -> None:
        """Ends the threads, because nobody can close the instance any more.

        Functions of the program may live on. They raise an exception rather than wait for threads
        that have ended.
        """
        if self._stores:
            self.fail(WasmError(_ORPHANED))

    def _failed(self, error: BaseException) -> BaseException:
        """Ends the program if its call has trapped, and returns what the failed call raises.

        The trap may come from another guest that a function of the host has called, because a
        deadline or an interruption stops both.
        """
        if not isinstance(error, Trap):
            return error
        self.end()
        failure = self._failure
        # Each time the exception is raised, its traceback becomes longer.
        return error if failure is None else failure.with_traceback(self._traceback)

    def forget(self) -> None:
        """Forgets the threads, which do not exist in the child of a fork; one may hold the lock."""
        self._wasi.lock = allocate_lock()
        self._ended = True
        self._stores.clear()


def _shared_memories(instance: Instance[Any]) -> dict[ImportType, Memory]:
    """Returns the shared memories that an instance imports, for its threads to import them, too."""
    imports = instance.module.imports
    memories = [wanted for wanted in imports if isinstance(wanted.type, MemoryType)]
    return {
        wanted: Memory._of(instance.store, instance._anchor, index)
        for index, wanted in enumerate(memories)
        if isinstance(wanted.type, MemoryType) and wanted.type.shared
    }


def _end_all() -> None:
    """Ends all programs at the end of the process, whose threads would go on without Python."""
    for program in list(_programs):
        program.stop()
    for program in list(_programs):
        program._wait(_LAST_WAIT_SECONDS)


def _forget_all() -> None:
    global _changed
    _changed = Condition()
    for program in list(_programs):
        program.forget()


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
