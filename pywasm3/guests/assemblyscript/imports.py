# SPDX-License-Identifier: MIT
"""What guests import from ``env``: errors, traces, time, random numbers, the console and Math."""

from __future__ import annotations

from contextlib import suppress

from ..._errors import WasiExit, WasmError
from ..._host import host
from ..._lookup import Typed, namespace
from ..._text import brief
from ..._types import FuncType, GlobalType, f32, f64, i32
from ...wasi.abi import WasiError
from ...wasi.sources import MONOTONIC, REALTIME, random_bytes, time_of
from .. import _javascript
from .mathematics import CONSTANTS, FUNCTIONS, OF_TWO
from .objects import ObjectError, TypedArray

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..._instance import Instance
    from ..._module import Module
    from ...wasi import Wasi
    from .guest import Guest

_STDOUT, _STDERR = 1, 2
# So many random bytes does a call of crypto.getRandomValues give in JavaScript.
_MAX_RANDOM = 65536
# Of timers that console.time has started, the host keeps so many, with names of this length.
_MAX_TIMERS = 1000
_MAX_LABEL = 1000


class Abort(WasmError):
    """The guest called ``abort``: it threw an error, or an assertion failed.

    ``str()`` shows the first 256 characters of the message.

    Attributes:
        message: What the guest says, all of it, or None if it says nothing.
        file: The name of the source file, or None.
        line: The line in the file; the first one is 1. 0 if it is not known.
        column: The column; the first one is 1. 0 if it is not known.
    """

    def __init__(
        self, message: str | None = None, file: str | None = None, line: int = 0, column: int = 0
    ) -> None:
        """Takes the message and the place."""
        super().__init__(message, file, line, column)
        self.message = message
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Returns the message and the place: short, and without control characters."""
        message = "abort" if self.message is None else brief(self.message)
        if self.file is None:
            return message
        return f"{message} ({brief(self.file)}:{self.line}:{self.column})"


def provide(module: Module, given: dict[Any, Any], guest: Guest) -> None:
    """Adds the imports from ``env`` that a module has, that the user did not give and that exist.

    Args:
        module: The module.
        given: The imports of the user, to which others are added.
        guest: The guest, whose instance the first call of a function sets.
    """
    named = namespace("env", given["env"]) if "env" in given else {}
    environment = Environment(guest)
    for wanted in module.imports:
        key = (wanted.module, wanted.name)
        if wanted.module != "env" or wanted.name in named or key in given:
            continue
        if isinstance(wanted.type, GlobalType):
            value: Any = CONSTANTS.get(wanted.name)
        elif isinstance(wanted.type, FuncType):
            value = environment.function(wanted.name)
        else:
            continue
        if value is not None:
            given[key] = value


class Environment:
    """The functions of ``env`` for one guest.

    Attributes:
        timers: When each timer of ``console.time`` began, in nanoseconds.
    """

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self._began: int | None = None
        self.timers: dict[str, int] = {}

    def function(self, name: str) -> Typed | None:
        """Returns the host function with a name and its type, or None if there is none."""
        if name in FUNCTIONS:
            result = f32 if name == "Math.fround" else f64
            return Typed(FUNCTIONS[name], FuncType([f64] * (1 + (name in OF_TWO)), [result]))
        if name not in _METHODS:
            return None
        method, type_ = _METHODS[name]

        @host(pass_instance=True)
        def call(instance: Instance, *arguments: Any) -> Any:
            self._guest._instance = instance
            return method(self, *arguments)

        return Typed(call, type_)

    # ---- errors ----

    def abort(self, message: int, file: int, line: int, column: int) -> None:
        """Raises the error that the guest has thrown."""
        unsigned = 0xFFFFFFFF
        raise Abort(self._said(message), self._said(file), line & unsigned, column & unsigned)

    def _said(self, address: int) -> str | None:
        """Returns a text for an error, also when there is none where it should be."""
        try:
            return self._guest.read_string(address)
        except WasmError as error:
            return f"({error})"

    def exit(self, code: int) -> None:
        """Ends the program."""
        raise WasiExit(code & 0xFFFFFFFF, self._wasi)

    # ---- time and random numbers ----

    @property
    def _wasi(self) -> Wasi:
        return self._guest.instance.wasi

    def _now(self, clock: int) -> int:
        return time_of(self._wasi.clock, clock)

    def date_now(self) -> float:
        """Returns the milliseconds since 1970."""
        return float(self._now(REALTIME) // 1_000_000)

    def performance_now(self) -> float:
        """Returns the milliseconds since the first call."""
        now = self._now(MONOTONIC)
        if self._began is None:
            self._began = now
        return (now - self._began) / 1e6

    def seed(self) -> float:
        """Returns a random whole number of 53 bits."""
        return float(_javascript.random_53(self._wasi.random))

    def math_random(self) -> float:
        """Returns a random number from 0 up to 1."""
        return self.seed() / (1 << 53)

    def random_values(self, count: int) -> int:
        """Returns a new Uint8Array of random bytes."""
        size = count & 0xFFFFFFFF
        if size > _MAX_RANDOM:
            raise ObjectError(
                f"crypto.getRandomValues gives {_MAX_RANDOM:,} bytes at most, not {size:,}"
            )
        return self._guest.new(TypedArray("u8", random_bytes(self._wasi.random, size)))

    # ---- output ----

    def _write(self, fd: int, *words: str) -> None:
        """Writes a line. As in JavaScript, the guest does not learn that the output is full."""
        data = memoryview((" ".join(words) + "\n").encode("utf-8", "replace"))
        with suppress(WasiError):
            self._wasi.descriptors.file(fd).write([data])

    def _text(self, address: int) -> str:
        text = self._guest.read_string(address)
        return "null" if text is None else text

    def log(self, text: int) -> None:
        """Writes a line to the standard output."""
        self._write(_STDOUT, self._text(text))

    def warn(self, text: int) -> None:
        """Writes a line to the standard error."""
        self._write(_STDERR, self._text(text))

    def check(self, condition: int, text: int) -> None:
        """Writes a line to the standard error unless the condition holds."""
        if not condition:
            self._write(_STDERR, "Assertion failed:", self._text(text))

    def trace(self, message: int, count: int, *numbers: float) -> None:
        """Writes a text and the first numbers to the standard output."""
        words = [number_text(number) for number in numbers[: max(0, count)]]
        self._write(_STDOUT, self._text(message), *words)

    def time(self, label: int) -> None:
        """Starts a timer."""
        name = self._text(label)
        if len(self.timers) < _MAX_TIMERS and len(name) <= _MAX_LABEL:
            self.timers.setdefault(name, self._now(MONOTONIC))

    def time_log(self, label: int) -> None:
        """Writes how long a timer has been running."""
        name = self._text(label)
        began = self.timers.get(name)
        if began is not None:
            self._write(_STDOUT, f"{name}: {(self._now(MONOTONIC) - began) / 1e6:.3f}ms")

    def time_end(self, label: int) -> None:
        """Writes how long a timer has been running, and ends it."""
        self.time_log(label)
        self.timers.pop(self._text(label), None)


_LINE = FuncType([i32])
_NUMBER = FuncType([], [f64])
_METHODS: dict[str, tuple[Callable[..., Any], FuncType]] = {
    "abort": (Environment.abort, FuncType([i32] * 4)),
    "trace": (Environment.trace, FuncType([i32, i32, *[f64] * 5])),
    "seed": (Environment.seed, _NUMBER),
    "process.exit": (Environment.exit, FuncType([i32])),
    "Date.now": (Environment.date_now, _NUMBER),
    "performance.now": (Environment.performance_now, _NUMBER),
    "Math.random": (Environment.math_random, _NUMBER),
    "crypto.getRandomValuesN": (Environment.random_values, FuncType([i32], [i32])),
    "console.assert": (Environment.check, FuncType([i32, i32])),
    "console.log": (Environment.log, _LINE),
    "console.debug": (Environment.log, _LINE),
    "console.info": (Environment.log, _LINE),
    "console.warn": (Environment.warn, _LINE),
    "console.error": (Environment.warn, _LINE),
    "console.time": (Environment.time, _LINE),
    "console.timeLog": (Environment.time_log, _LINE),
    "console.timeEnd": (Environment.time_end, _LINE),
}


def number_text(number: float) -> str:
    """Returns a number as a console in JavaScript writes it, which shows the sign of zero."""
    return "-0" if str(number) == "-0.0" else _javascript.number_text(number)
