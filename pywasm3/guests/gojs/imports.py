# SPDX-License-Identifier: MIT
"""The functions that the Go compiler's modules import: those of the runtime and of syscall/js.

Each is called with Go's stack pointer, and finds its arguments and the place of its results above
it. While a function runs host functions, these may call the guest back, and Go may move its stack
then: so results go where the stack pointer is afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._errors import WasiExit, WasmError
from ..._wait import check as stop_if_due
from ...wasi.abi import FAILURES, WasiError
from ...wasi.process import random_get
from ...wasi.sources import MONOTONIC, REALTIME, time_of
from . import values
from .operations import answer, calling, calling_method, copied, load_string, prepared
from .values import byte_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from .program import Program
    from .references import Frame

# The names that the module of the imports has had: "go" before Go 1.21.
MODULES = ("gojs", "go")
# How often Go is told of a timer whose time has passed. It needs to be told once, or rarely twice.
_MAX_TRIES = 100


class Imports:
    """The imports of one program.

    Attributes:
        frame: What reads and writes the guest's memory; the program sets it before it runs.
    """

    frame: Frame

    def __init__(self, program: Program) -> None:
        self._program = program

    def functions(self) -> dict[str, Callable[[int], None]]:
        """Returns the functions by the names that Go has for them."""
        methods = {name: self._guarded(method) for name, method in _METHODS.items()}
        return {**methods, "debug": lambda value: None}

    def _guarded(self, function: Callable[[Imports, int], None]) -> Callable[[int], None]:
        """Wraps a function: it does not run in a program that has ended, or must stop."""
        program = self._program

        def call(sp: int) -> None:
            # A host function may have caught the exception that ends the program.
            if program.exit_code is not None:
                raise WasiExit(program.exit_code, program.wasi)
            try:
                function(self, sp & 0xFFFFFFFF)
            except WasiError:
                stop_if_due()
                raise

        return call

    # ---- the runtime ----

    def _wasm_exit(self, sp: int) -> None:
        self._program._exit(self.frame.i32(sp + 8))

    def _wasm_write(self, sp: int) -> None:
        frame = self.frame
        data = frame.span(frame.i64(sp + 16), frame.i32(sp + 24))
        try:
            self._program._files.write_all(frame.i64(sp + 8), data)
        except FAILURES:  # The runtime writes its own messages so, and cannot handle an error.
            return

    def _reset_memory(self, sp: int) -> None:
        """Does nothing: the memory's size is looked at before each access."""

    def _nanotime(self, sp: int) -> None:
        # Go's runtime takes 0 for a clock that does not work, and a FixedClock begins at 0.
        self.frame.put_i64(sp + 8, time_of(self._program.wasi.clock, MONOTONIC) + 1)

    def _walltime(self, sp: int) -> None:
        seconds, nanoseconds = divmod(time_of(self._program.wasi.clock, REALTIME), 10**9)
        self.frame.put_i64(sp + 8, seconds)
        self.frame.put_i32(sp + 16, nanoseconds)

    def _schedule_timeout(self, sp: int) -> None:
        program = self._program
        loop = program._loop

        def fire() -> None:
            # Go clears the timer when it has noticed the time; it does not always at once.
            for _ in range(_MAX_TRIES):
                program._resume()
                if not loop.has_timer(number):
                    return
                stop_if_due()
            raise WasmError(
                f"the guest was resumed {_MAX_TRIES} times for a timer whose time has passed, and "
                "has not cleared it"
            )

        number = loop.set_timer(self.frame.i64(sp + 8), fire)
        self.frame.put_i32(sp + 16, number)

    def _clear_timeout(self, sp: int) -> None:
        self._program._loop.clear_timer(self.frame.i32(sp + 8))

    def _random_data(self, sp: int) -> None:
        frame = self.frame
        address, size = frame.i64(sp + 8), frame.i64(sp + 16)
        frame.span(address, size)
        random_get(self._program.wasi, address, size)

    # ---- values ----

    def _finalize(self, sp: int) -> None:
        self.frame.references.release(self.frame.u32(sp + 8))

    def _string(self, sp: int) -> None:
        self.frame.put_value(sp + 24, self.frame.string(sp + 8))

    def _get(self, sp: int) -> None:
        frame = self.frame
        resumed = self._program._resumed
        result = values.get(frame.value(sp + 8), frame.string(sp + 16))
        frame.put_value(self._sp(sp, resumed) + 32, result)

    def _set(self, sp: int) -> None:
        frame = self.frame
        budget = self._program._budget
        values.put(frame.value(sp + 8), frame.string(sp + 16), frame.value(sp + 32), budget)

    def _delete(self, sp: int) -> None:
        values.delete(self.frame.value(sp + 8), self.frame.string(sp + 16), self._program._budget)

    def _index(self, sp: int) -> None:
        frame = self.frame
        resumed = self._program._resumed
        result = values.get_index(frame.value(sp + 8), frame.i64(sp + 16))
        frame.put_value(self._sp(sp, resumed) + 24, result)

    def _set_index(self, sp: int) -> None:
        frame = self.frame
        budget = self._program._budget
        values.put_index(frame.value(sp + 8), frame.i64(sp + 16), frame.value(sp + 24), budget)

    def _call(self, sp: int) -> None:
        frame = self.frame
        this, name = frame.value(sp + 8), frame.string(sp + 16)
        arguments = frame.values(sp + 32)
        self._answer(sp, 56, calling_method(this, name, arguments))

    def _invoke(self, sp: int) -> None:
        self._invoked(sp, "function")

    def _new(self, sp: int) -> None:
        self._invoked(sp, "constructor")

    def _invoked(self, sp: int, wanted: str) -> None:
        function, arguments = self.frame.value(sp + 8), self.frame.values(sp + 16)
        self._answer(sp, 40, calling(function, arguments, wanted))

    def _answer(self, sp: int, offset: int, call: Callable[[], Any]) -> None:
        """Writes the result of a call, or the error that Go then panics with, and which it was."""
        resumed = self._program._resumed
        result, succeeded = answer(self._program, call)
        sp = self._sp(sp, resumed)
        self.frame.put_value(sp + offset, result)
        self.frame.put_bool(sp + offset + 8, succeeded)

    def _sp(self, sp: int, resumed: int) -> int:
        """Returns the stack pointer, which differs if the guest ran meanwhile."""
        if self._program._resumed == resumed:
            return sp
        found: int = self._program._getsp()
        return found & 0xFFFFFFFF

    def _length(self, sp: int) -> None:
        self.frame.put_i64(sp + 16, values.length(self.frame.value(sp + 8)))

    def _prepare_string(self, sp: int) -> None:
        data = prepared(self.frame.value(sp + 8))
        self.frame.put_value(sp + 16, data)
        self.frame.put_i64(sp + 24, len(data))

    def _load_string(self, sp: int) -> None:
        load_string(self.frame.value(sp + 8), self.frame.slice(sp + 16))

    def _instance_of(self, sp: int) -> None:
        found = values.is_instance(self.frame.value(sp + 8), self.frame.value(sp + 16))
        self.frame.put_bool(sp + 24, found)

    def _to_go(self, sp: int) -> None:
        self._copied(sp, copied(byte_view(self.frame.value(sp + 32)), self.frame.slice(sp + 8)))

    def _to_js(self, sp: int) -> None:
        self._copied(sp, copied(self.frame.slice(sp + 16), byte_view(self.frame.value(sp + 8))))

    def _copied(self, sp: int, size: int | None) -> None:
        if size is not None:
            self.frame.put_i64(sp + 40, size)
        self.frame.put_bool(sp + 48, size is not None)


_METHODS: dict[str, Callable[[Imports, int], None]] = {
    "runtime.wasmExit": Imports._wasm_exit,
    "runtime.wasmWrite": Imports._wasm_write,
    "runtime.resetMemoryDataView": Imports._reset_memory,
    "runtime.nanotime1": Imports._nanotime,
    "runtime.walltime": Imports._walltime,
    "runtime.scheduleTimeoutEvent": Imports._schedule_timeout,
    "runtime.clearTimeoutEvent": Imports._clear_timeout,
    "runtime.getRandomData": Imports._random_data,
    "syscall/js.finalizeRef": Imports._finalize,
    "syscall/js.stringVal": Imports._string,
    "syscall/js.valueGet": Imports._get,
    "syscall/js.valueSet": Imports._set,
    "syscall/js.valueDelete": Imports._delete,
    "syscall/js.valueIndex": Imports._index,
    "syscall/js.valueSetIndex": Imports._set_index,
    "syscall/js.valueCall": Imports._call,
    "syscall/js.valueInvoke": Imports._invoke,
    "syscall/js.valueNew": Imports._new,
    "syscall/js.valueLength": Imports._length,
    "syscall/js.valuePrepareString": Imports._prepare_string,
    "syscall/js.valueLoadString": Imports._load_string,
    "syscall/js.valueInstanceOf": Imports._instance_of,
    "syscall/js.copyBytesToGo": Imports._to_go,
    "syscall/js.copyBytesToJS": Imports._to_js,
}
