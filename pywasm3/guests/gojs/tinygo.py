# SPDX-License-Identifier: MIT
"""The functions that TinyGo's modules for JavaScript import, besides those of WASI.

They have the names of Go's, but take their arguments as WebAssembly's: a value as the 64 bits that
name it, a string as an address and a size, a slice as an address, a length and a capacity. A result
of several values goes to an address that is the first argument.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..._types import FuncType, i32
from ..._wait import check as stop_if_due
from ...wasi.abi import WasiError
from ...wasi.process import random_get
from ...wasi.sources import MONOTONIC, time_of
from . import values
from .operations import answer, calling, calling_method, copied, load_string, prepared
from .values import byte_view

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..._module import Module
    from .program import Program
    from .references import Frame

# The names that the module of the imports has had: "env" before TinyGo 0.28.
MODULES = ("gojs", "env")
# What runs first: main() of a program, or the initialization of a library (-buildmode=c-shared).
PROGRAM, LIBRARY = "_start", "_initialize"
_MASK = 0xFFFFFFFFFFFFFFFF
# All functions that Go's modules import have this type: they get the stack pointer.
_OF_GO = FuncType([i32], [])


def is_made_by_tinygo(module: Module) -> bool:
    """Returns whether a module imports functions of Go's, but not as Go's modules do."""
    return any(
        wanted.module in MODULES
        and wanted.name.startswith(("runtime.", "syscall/js."))
        and wanted.type != _OF_GO
        for wanted in module.imports
    )


def entry_of(module: Module) -> str:
    """Returns the name of the export that runs first, which need not be there."""
    names = {item.name for item in module.exports}
    return LIBRARY if LIBRARY in names and PROGRAM not in names else PROGRAM


class TinyGoImports:
    """The imports of one program that TinyGo compiled.

    Attributes:
        frame: What reads and writes the guest's memory; the program sets it before it runs.
    """

    frame: Frame

    def __init__(self, program: Program) -> None:
        self._program = program
        self._wakeup: tuple[int, int] | None = None  # the time and the timer of the next one

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Returns the functions by the names that TinyGo has for them."""
        runtime: dict[str, Callable[..., Any]] = {
            "ticks": self._ticks,
            "sleepTicks": self._sleep,
            "getRandomData": self._random,
        }
        js: dict[str, Callable[..., Any]] = {
            "finalizeRef": self._finalize,
            "stringVal": self._string,
            "valueGet": self._get,
            "valueSet": self._set,
            "valueDelete": self._delete,
            "valueIndex": self._index,
            "valueSetIndex": self._set_index,
            "valueCall": self._call,
            "valueInvoke": self._invoke,
            "valueNew": self._new,
            "valueLength": self._length,
            "valuePrepareString": self._prepare_string,
            "valueLoadString": self._load_string,
            "valueInstanceOf": self._instance_of,
            "copyBytesToGo": self._to_go,
            "copyBytesToJS": self._to_js,
        }
        return {
            **{f"runtime.{name}": _guarded(function) for name, function in runtime.items()},
            **{f"syscall/js.{name}": _guarded(function) for name, function in js.items()},
        }

    # ---- the runtime ----

    def _ticks(self) -> int:
        return time_of(self._program.wasi.clock, MONOTONIC) & (_MASK >> 1)

    def _sleep(self, nanoseconds: int) -> None:
        """Lets the scheduler run again after a time, unless it does so before anyway."""
        program, loop = self._program, self._program._loop
        time = self._ticks() + max(nanoseconds, 0)
        scheduler = program._exported("go_scheduler")
        if self._wakeup is not None:
            if self._wakeup[0] <= time:
                return
            loop.clear_timer(self._wakeup[1])

        def fire() -> None:
            self._wakeup = None
            loop.clear_timer(number)
            program._nested(scheduler)

        number = loop.set_timer(nanoseconds / 1e6, fire)
        self._wakeup = time, number

    def _random(self, address: int, size: int, _: int) -> None:
        self._span(address, size)
        random_get(self._program.wasi, address & 0xFFFFFFFF, size & 0xFFFFFFFF)

    # ---- values ----

    def _value(self, bits: int) -> Any:
        return self.frame.references.value(bits & _MASK)

    def _bits(self, value: Any) -> int:
        bits = self.frame.references.bits(value)
        return bits - (1 << 64) if bits >> 63 else bits

    def _text(self, address: int, size: int) -> str:
        return str(self._span(address, size), "utf-8", "replace")

    def _span(self, address: int, size: int) -> memoryview:
        return self.frame.span(address & 0xFFFFFFFF, size & 0xFFFFFFFF)

    def _finalize(self, bits: int) -> None:
        self.frame.references.release(bits & _MASK)

    def _string(self, address: int, size: int) -> int:
        return self._bits(self._text(address, size))

    def _get(self, bits: int, address: int, size: int) -> int:
        return self._bits(values.get(self._value(bits), self._text(address, size)))

    def _set(self, bits: int, address: int, size: int, new: int) -> None:
        name, budget = self._text(address, size), self._program._budget
        values.put(self._value(bits), name, self._value(new), budget)

    def _delete(self, bits: int, address: int, size: int) -> None:
        values.delete(self._value(bits), self._text(address, size), self._program._budget)

    def _index(self, bits: int, index: int) -> int:
        return self._bits(values.get_index(self._value(bits), index))

    def _set_index(self, bits: int, index: int, new: int) -> None:
        values.put_index(self._value(bits), index, self._value(new), self._program._budget)

    def _arguments(self, address: int, count: int) -> list[Any]:
        return self.frame.values_at(address & 0xFFFFFFFF, count & 0xFFFFFFFF)

    def _call(
        self, result: int, bits: int, name: int, size: int, first: int, count: int, _: int
    ) -> None:
        arguments = self._arguments(first, count)
        call = calling_method(self._value(bits), self._text(name, size), arguments)
        self._answer(result, call)

    def _invoke(self, result: int, bits: int, first: int, count: int, _: int) -> None:
        arguments = self._arguments(first, count)
        self._answer(result, calling(self._value(bits), arguments, "function"))

    def _new(self, result: int, bits: int, first: int, count: int, _: int) -> None:
        arguments = self._arguments(first, count)
        self._answer(result, calling(self._value(bits), arguments, "constructor"))

    def _answer(self, address: int, call: Callable[[], Any]) -> None:
        result, succeeded = answer(self._program, call)
        address &= 0xFFFFFFFF
        self.frame.put_value(address, result)
        self.frame.put_bool(address + 8, succeeded)

    def _length(self, bits: int) -> int:
        return min(values.length(self._value(bits)), 0x7FFFFFFF)

    def _prepare_string(self, result: int, bits: int) -> None:
        data = prepared(self._value(bits))
        self.frame.put_value(result & 0xFFFFFFFF, data)
        self.frame.put_i32((result & 0xFFFFFFFF) + 8, len(data))

    def _load_string(self, bits: int, address: int, size: int, _: int) -> None:
        load_string(self._value(bits), self._span(address, size))

    def _instance_of(self, bits: int, constructor: int) -> int:
        return int(values.is_instance(self._value(bits), self._value(constructor)))

    def _to_go(self, result: int, address: int, size: int, _: int, bits: int) -> None:
        source = byte_view(self._value(bits))
        self._copied(result, copied(source, self._span(address, size)))

    def _to_js(self, result: int, bits: int, address: int, size: int, _: int) -> None:
        target = byte_view(self._value(bits))
        self._copied(result, copied(self._span(address, size), target))

    def _copied(self, result: int, size: int | None) -> None:
        address = result & 0xFFFFFFFF
        if size is not None:
            self.frame.put_i32(address, size)
        self.frame.put_bool(address + 4, size is not None)


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: int) -> Any:
        try:
            return function(*arguments)
        except WasiError:
            stop_if_due()
            raise

    return call
