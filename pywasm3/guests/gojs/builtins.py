# SPDX-License-Identifier: MIT
"""The global object of a guest: what of JavaScript's own objects, and of Node's, it finds there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ..._wait import check
from ...wasi.sources import MONOTONIC, REALTIME, random_bytes, time_of
from .._exposed import exposes
from .._javascript import random_53
from . import values
from .filesystem import CONSTANTS, FUNCTIONS
from .promise import Promise
from .undefined import UNDEFINED
from .values import (
    ArrayBuffer,
    Constructor,
    JSArray,
    JSError,
    JSObject,
    is_sequence,
    to_text,
    type_error,
    view,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...wasi import Wasi
    from .budget import Budget
    from .filesystem import FileSystem
    from .loop import Loop

# The typed arrays, with the letters that the module struct has for their elements.
_TYPED_ARRAYS = {
    "Uint8Array": "B",
    "Uint8ClampedArray": "B",
    "Int8Array": "b",
    "Uint16Array": "H",
    "Int16Array": "h",
    "Uint32Array": "I",
    "Int32Array": "i",
    "Float32Array": "f",
    "Float64Array": "d",
}
_SIZES = {"B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4, "f": 4, "d": 8}
_ERRORS = ("Error", "TypeError", "RangeError", "SyntaxError", "ReferenceError")
_MAX_LENGTH = 1 << 32
_RANDOM_PIECE = 1 << 16  # This is the most that crypto.getRandomValues gives at once.
_UMASK = 0o022


# ---- methods of arrays and typed arrays ----------------------------------------------------------

# Each function takes the array, and returns the method that is bound to it.


def _push(array: Any) -> Callable[..., int]:
    def push(*items: Any) -> int:
        budget = getattr(array, "_budget", None)
        for item in items:
            if budget is None:
                raise type_error("only arrays that the guest has made get more elements")
            values.put_index(array, len(array), item, budget)
        return len(array)

    return push


def _join(array: Any) -> Callable[..., str]:
    def join(separator: Any = ",") -> str:
        return to_text(separator).join(
            "" if item is None or item is UNDEFINED else to_text(item) for item in array
        )

    return join


def _index_of(array: Any) -> Callable[..., int]:
    def index_of(wanted: Any = UNDEFINED) -> int:
        for position, item in enumerate(array):
            if item is wanted or (isinstance(item, (str, int, float)) and item == wanted):
                return position
        return -1

    return index_of


def _for_each(array: Any) -> Callable[..., Any]:
    def for_each(function: Any) -> Any:
        if not callable(function):
            raise type_error("forEach takes a function")
        for position, item in enumerate(array):
            check()
            function(item, position, array)
        return UNDEFINED

    return for_each


ARRAY_METHODS: dict[str, Callable[[Any], Callable[..., Any]]] = {
    "push": _push,
    "join": _join,
    "indexOf": _index_of,
    "includes": lambda array: lambda wanted=UNDEFINED: _index_of(array)(wanted) >= 0,
    "forEach": _for_each,
}


def _bound(value: Any, default: int, size: int) -> int:
    """Returns a position in an array of this size; a negative one counts from its end."""
    if not isinstance(value, (int, float)) or value != value:
        return default
    whole = int(max(min(value, size), -size))
    return whole if whole >= 0 else whole + size


def _subarray(buffer: memoryview) -> Callable[..., memoryview]:
    def subarray(begin: Any = 0, end: Any = UNDEFINED) -> memoryview:
        size = len(buffer)
        return buffer[_bound(begin, 0, size) : _bound(end, size, size)]

    return subarray


def _set(buffer: memoryview) -> Callable[..., Any]:
    def set_(source: Any, offset: Any = 0) -> Any:
        begin, given = _bound(offset, 0, len(buffer)), view(source)
        if given is None or given.format != buffer.format:
            raise type_error("a typed array can be set from one of the same type")
        if begin + len(given) > len(buffer):
            raise JSError("the offset is out of bounds", name="RangeError")
        buffer[begin : begin + len(given)] = given
        return UNDEFINED

    return set_


BUFFER_METHODS: dict[str, Callable[[memoryview], Callable[..., Any]]] = {
    "subarray": _subarray,
    "set": _set,
}


# ---- objects -------------------------------------------------------------------------------------


@exposes("getTime", "valueOf", "getTimezoneOffset", "toISOString")
class Date:
    """A point in time. The guest's time zone is UTC, as in WASI."""

    def __init__(self, milliseconds: float) -> None:
        self._milliseconds = milliseconds

    def getTime(self) -> float:
        """Returns the milliseconds since 1970."""
        return self._milliseconds

    valueOf = getTime

    def getTimezoneOffset(self) -> int:
        """Returns by how many minutes the time zone is behind UTC."""
        return 0

    def toISOString(self) -> str:
        """Returns the time as text."""
        from datetime import datetime, timedelta, timezone

        try:
            time = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(
                milliseconds=self._milliseconds
            )
        except (OverflowError, ValueError):
            raise JSError("invalid time value", name="RangeError") from None
        return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@exposes(
    "cwd",
    "chdir",
    "umask",
    "exit",
    "getgroups",
    "hrtime",
    "argv",
    "env",
    "pid",
    "ppid",
    "platform",
    "version",
    getuid="nobody",
    getgid="nobody",
    geteuid="nobody",
    getegid="nobody",
)
class Process:
    """Node's ``process``."""

    pid = ppid = -1
    platform = "wasi"
    version = ""

    def __init__(self, wasi: Wasi, files: FileSystem, exit: Callable[[int], Any]) -> None:
        self._wasi = wasi
        self._files = files
        self._exit = exit
        self.argv = [arg[:-1].decode("utf-8", "replace") for arg in wasi.args]
        lines = [line[:-1].decode("utf-8", "replace") for line in wasi.env]
        self.env = {name: value for name, _, value in (line.partition("=") for line in lines)}

    def cwd(self) -> str:
        """Returns the directory that relative paths begin in."""
        return self._files.cwd

    def chdir(self, path: Any) -> Any:
        """Changes that directory."""
        self._files.chdir(path)
        return UNDEFINED

    def umask(self, *_: Any) -> int:
        """Returns what most systems return; nothing can be changed."""
        return _UMASK

    def exit(self, code: Any = 0) -> None:
        """Ends the program."""
        self._exit(int(code) if isinstance(code, (int, float)) and code == code else 0)

    def getgroups(self) -> Any:
        """Refuses what the sandbox has not."""
        raise JSError("ENOSYS: there are no groups here", code="ENOSYS")

    def nobody(self) -> int:
        """Returns the number that stands for no user."""
        return -1

    def hrtime(self, *_: Any) -> tuple[int, int]:
        """Returns the time of the monotonic clock as seconds and nanoseconds."""
        return divmod(time_of(self._wasi.clock, MONOTONIC), 10**9)


class Console:
    """Writes the lines of ``console.log`` and its relatives to the guest's standard streams."""

    def __init__(self, files: FileSystem) -> None:
        self._files = files

    def write(self, fd: int, *parts: Any) -> Any:
        """Writes a line. As in JavaScript, what cannot be written is lost."""
        from ...wasi.abi import FAILURES

        line = " ".join(to_text(part) for part in parts) + "\n"
        try:
            self._files.write_all(fd, line.encode("utf-8", "replace"))
        except FAILURES:
            return UNDEFINED
        return UNDEFINED

    def functions(self) -> dict[str, Any]:
        """Returns the functions of ``console``."""
        to_output, to_error = partial(self.write, 1), partial(self.write, 2)
        output = dict.fromkeys(("log", "info", "debug"), to_output)
        return {**output, **dict.fromkeys(("error", "warn"), to_error)}


# ---- the global object ---------------------------------------------------------------------------


class Builtins:
    """Makes the global object of one guest."""

    def __init__(
        self,
        wasi: Wasi,
        budget: Budget,
        loop: Loop,
        files: FileSystem,
        exit: Callable[[int], Any],
    ) -> None:
        self._wasi = wasi
        self._budget = budget
        self._loop = loop
        self._files = files
        self._exit = exit

    def globals(self) -> dict[str, Any]:
        """Returns the global object."""
        fs: dict[str, Any] = {name: self._files.function(name) for name in FUNCTIONS}
        fs["constants"] = dict(CONSTANTS)
        fs["writeSync"] = self._files.synchronous("writeSync", self._files.write_all)
        made: dict[str, Any] = {
            "fs": fs,
            "path": {
                "resolve": self._files.synchronous("resolve", self._files.resolve),
                "sep": "/",
            },
            "process": Process(self._wasi, self._files, self._exit),
            "console": Console(self._files).functions(),
            "performance": {"now": lambda: self._monotonic_ms(), "timeOrigin": 0},
            "crypto": {"getRandomValues": self._random_values},
            "Date": Constructor(
                "Date", self._date, lambda v: isinstance(v, Date), {"now": self._now_ms}
            ),
            "Math": _math(self._random),
            "Promise": self._promise_constructor(),
            "setTimeout": partial(self._set_timer, False),
            "setInterval": partial(self._set_timer, True),
            "clearTimeout": self._clear_timer,
            "clearInterval": self._clear_timer,
            "queueMicrotask": self._queue,
            **self._constructors(),
        }
        made["globalThis"] = made
        return made

    def _constructors(self) -> dict[str, Any]:
        budget = self._budget
        made = {
            "Object": Constructor(
                "Object",
                lambda value=None: JSObject(budget) if _is_nothing(value) else value,
                lambda value: not _is_primitive(value),
                {"keys": self._keys},
            ),
            "Array": Constructor("Array", self._array, is_sequence, {"isArray": is_sequence}),
            "Function": Constructor("Function", _no_function, callable),
            "String": Constructor("String", lambda value="": to_text(value), lambda value: False),
            "ArrayBuffer": Constructor(
                "ArrayBuffer",
                lambda size=0: ArrayBuffer(budget, _size(size)),
                lambda value: isinstance(value, bytearray),
            ),
        }
        for name, letter in _TYPED_ARRAYS.items():
            made[name] = Constructor(
                name, partial(self._typed_array, letter), partial(_is_typed_array, letter)
            )
        for name in _ERRORS:
            made[name] = Constructor(name, partial(_error, name), partial(_is_error, name))
        return made

    def _keys(self, value: Any = UNDEFINED) -> JSArray:
        keys = [str(key) for key in value] if isinstance(value, Mapping) else []
        made = JSArray(self._budget, len(keys))
        for index, key in enumerate(keys):
            values.put_index(made, index, key, self._budget)
        return made

    def _array(self, *items: Any) -> JSArray:
        if len(items) == 1 and isinstance(items[0], (int, float)):
            return JSArray(self._budget, _size(items[0]))
        made = JSArray(self._budget, len(items))
        for index, item in enumerate(items):
            values.put_index(made, index, item, self._budget)
        return made

    def _typed_array(
        self, letter: Any, source: Any = 0, begin: Any = 0, count: Any = UNDEFINED
    ) -> Any:
        itemsize = _SIZES[letter]
        if isinstance(source, (int, float)) and not isinstance(source, bool):
            buffer = ArrayBuffer(self._budget, _size(source) * itemsize)
            return memoryview(buffer).cast(letter)
        if isinstance(source, bytearray):  # a view of the same bytes
            start = _bound(begin, 0, len(source))
            size = (len(source) - start) // itemsize if count is UNDEFINED else _size(count)
            if start + size * itemsize > len(source) or start % itemsize:
                raise JSError("the view is beyond its buffer", name="RangeError")
            return memoryview(source)[start : start + size * itemsize].cast(letter)
        given = view(source)
        elements = given if given is not None else source
        if given is None and not is_sequence(source):
            raise type_error("a typed array is made of a length, a buffer or an array")
        made = memoryview(ArrayBuffer(self._budget, len(elements) * itemsize)).cast(letter)
        for index in range(len(elements)):
            values.put_index(made, index, elements[index], self._budget)
        return made

    # ---- time and chance ----

    def _now_ms(self) -> int:
        return time_of(self._wasi.clock, REALTIME) // 1_000_000

    def _monotonic_ms(self) -> float:
        return time_of(self._wasi.clock, MONOTONIC) / 1e6

    def _date(self, milliseconds: Any = UNDEFINED, *_: Any) -> Date:
        given = isinstance(milliseconds, (int, float))
        return Date(milliseconds if given else self._now_ms())

    def _random(self) -> float:
        return random_53(self._wasi.random) / (1 << 53)

    def _random_values(self, array: Any = UNDEFINED) -> Any:
        buffer = view(array)
        if buffer is None or buffer.readonly or not buffer.contiguous:
            raise type_error("crypto.getRandomValues takes a typed array")
        if buffer.nbytes > _RANDOM_PIECE:
            raise JSError("more random bytes than there are at once", name="QuotaExceededError")
        if buffer.nbytes:
            buffer.cast("B")[:] = random_bytes(self._wasi.random, buffer.nbytes)
        return array

    # ---- events ----

    def _queue(self, function: Any = UNDEFINED) -> Any:
        if not callable(function):
            raise type_error("queueMicrotask takes a function")
        self._loop.post(function)
        return UNDEFINED

    def _set_timer(
        self, repeats: bool, function: Any = UNDEFINED, delay: Any = 0, *arguments: Any
    ) -> int:
        if not callable(function):
            raise type_error("a timer takes a function")
        milliseconds = delay if isinstance(delay, (int, float)) and delay == delay else 0
        return _Timer(self._loop, repeats, partial(function, *arguments), milliseconds).number

    def _clear_timer(self, number: Any = UNDEFINED) -> Any:
        if isinstance(number, (int, float)) and abs(number) < 1 << 31:
            self._loop.clear_timer(int(number))
        return UNDEFINED

    def _promise_constructor(self) -> Constructor:
        loop, budget = self._loop, self._budget

        def new() -> Promise:
            return Promise(loop.post, budget)

        def make(executor: Any = UNDEFINED) -> Promise:
            if not callable(executor):
                raise type_error("a promise takes a function")
            promise = new()
            try:
                executor(promise.resolve, promise.reject)
            except JSError as error:
                promise.reject(error)
            return promise

        def resolve(value: Any = UNDEFINED) -> Promise:
            if isinstance(value, Promise):
                return value
            promise = new()
            promise.resolve(value)
            return promise

        def reject(reason: Any = UNDEFINED) -> Promise:
            promise = new()
            promise.reject(reason)
            return promise

        statics = {"resolve": resolve, "reject": reject}
        return Constructor("Promise", make, lambda value: isinstance(value, Promise), statics)


class _Timer:
    """A timer of ``setTimeout``, or one of ``setInterval``, which keeps its number."""

    def __init__(
        self, loop: Loop, repeats: bool, function: Callable[[], Any], milliseconds: float
    ) -> None:
        self._loop = loop
        self._function = function
        self.number = loop.set_timer(milliseconds, self._fire)
        self._every = max(milliseconds, 1) if repeats else None

    def _fire(self) -> None:
        if self._every is None:
            self._loop.clear_timer(self.number)
        else:
            self._loop.repeat_timer(self.number, self._every)
        self._function()


def _size(value: Any) -> int:
    if not isinstance(value, (int, float)) or value != value or not 0 <= value < _MAX_LENGTH:
        raise JSError("invalid length", name="RangeError")
    return int(value)


def _is_nothing(value: Any) -> bool:
    return value is None or value is UNDEFINED


def _is_primitive(value: Any) -> bool:
    return _is_nothing(value) or isinstance(value, (str, int, float))


def _is_typed_array(letter: str, value: Any) -> bool:
    buffer = view(value)
    return buffer is not None and buffer.format == letter


def _error(name: str, message: Any = "", *_: Any) -> JSError:
    return JSError("" if message is UNDEFINED else to_text(message), name=name)


def _is_error(name: str, value: Any) -> bool:
    if not isinstance(value, BaseException):
        return False
    return name == "Error" or values.get(value, "name") == name


def _no_function(*_: Any) -> Any:
    raise JSError("there is no JavaScript engine here to run code", name="EvalError")


def _math(random: Callable[[], float]) -> dict[str, Any]:
    def guarded(function: Callable[..., float], most: int | None = 1) -> Callable[..., float]:
        """Returns a function that ignores further arguments, and is NaN where Python raises."""

        def call(*given: Any) -> float:
            numbers = given[:most]
            if not all(isinstance(number, (int, float)) for number in numbers):
                return math.nan
            try:
                return function(*map(float, numbers))
            except (ValueError, ArithmeticError, TypeError):
                return math.nan

        return call

    one = ("floor", "ceil", "trunc", "sqrt", "sin", "cos", "tan", "atan", "exp", "log", "log2")
    functions = {name: guarded(getattr(math, name)) for name in one}
    functions |= {
        "abs": guarded(abs),
        "pow": guarded(math.pow, 2),
        "atan2": guarded(math.atan2, 2),
        "round": guarded(lambda number: math.floor(number + 0.5)),
        "max": guarded(lambda *numbers: max(numbers, default=-math.inf), None),
        "min": guarded(lambda *numbers: min(numbers, default=math.inf), None),
    }
    return {"PI": math.pi, "E": math.e, "random": random, **functions}
