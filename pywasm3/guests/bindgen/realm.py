# SPDX-License-Identifier: MIT
"""What a program in JavaScript can reach: its global objects, its promises, and its budget."""

from __future__ import annotations

from collections import deque

from ..._errors import WasmError
from ..._wait import check
from .._javascript import MAX_SAFE
from .lexer import GlueError
from .methods import METHODS, RECEIVERS
from .operators import (
    Remaining,
    to_bigint,
    to_int32,
    to_number,
    to_text,
    type_error,
    type_of,
)
from .properties import call, get_property
from .values import (
    SLOT_BYTES,
    Array,
    BigInt,
    Budget,
    Charged,
    Function,
    JsError,
    MapObject,
    Object,
    Promise,
    Thrown,
    TypedArray,
    text,
    undefined,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ...wasi.sources import Clock
    from .values import Invoke, Text

_MAX_TASKS = 1 << 16  # How many tasks can wait at a time.
_ERROR_BYTES = 4096  # what an exception is charged with that the guest or the glue holds
_MAX_RUNS = 1 << 17  # How many tasks can run before one call from Python has ended.


class Realm:
    """The global objects of a program, and all that its objects share.

    Attributes:
        budget: What the objects are charged to.
        globals: Maps names to global objects.
        clock: The source of time.
        random: The source of random bytes.
        console: Is called with the name of a method of `console` and a line of text.
        exported: Maps the names that the program exports to functions that return the values.
        top: The places of the names that the program declares, and their frame.
        checkpoint: Raises the error of the running call if it must stop.
        imported: Returns the object for what the program imports from a file.
        export: Returns a value as Python has it.
        gone: The functions of registries and their arguments, for objects that are gone.
    """

    def __init__(
        self,
        budget: Budget,
        clock: Clock,
        random: Callable[[int], bytes],
        console: Callable[[str, str], None] | None,
    ) -> None:
        from .standard import globals_of

        self.budget = budget
        self.clock = clock
        self.random = random
        self.console = console
        self.checkpoint = check
        self.exported: dict[str, Callable[[], Any]] = {}
        self.top: tuple[dict[str, int], list[Any]] = ({}, [])
        self.imported: Callable[[str], Any] = _imports_nothing
        self.export: Callable[[Any], Any] = lambda value: value
        self._methods: dict[tuple[str, str], Function] = {}
        self._tasks: deque[Callable[[], Any]] = deque()
        self._runs = 0
        self.gone: deque[tuple[Any, Any]] = deque()
        self.globals: dict[str, Any] = globals_of(self)
        self.globals["globalThis"] = self.global_object()

    def global_object(self) -> Object:
        """Returns an object whose properties are the global objects."""
        made = self.object()
        made.properties = self.globals
        return made

    # ---- making values ----

    def text(self, value: str) -> Text:
        """Returns a text that is charged."""
        return text(value, self.budget)

    def array(self, items: list[Any]) -> Array:
        """Returns an array with elements, which it takes over."""
        return Array(self.budget, items)

    def object(self, properties: dict[str, Any] | None = None) -> Object:
        """Returns a plain object with properties."""
        made = Object(self.budget)
        if properties:
            made.charge(64 * len(properties))
            made.properties = properties
        return made

    def native(self, function: Callable[..., Any], name: str) -> Function:
        """Returns a Function for a function of Python.

        It is called with the realm, `this`, and as many arguments as it has parameters.
        """
        return Function(self.budget, self.adapted(function), name)

    def adapted(self, function: Callable[..., Any]) -> Invoke:
        """Returns the Invoke for such a function."""
        code = function.__code__
        count = code.co_argcount - 2
        if code.co_flags & 4:  # *arguments
            return lambda this, arguments: function(self, this, *arguments)
        if count == 0:
            return lambda this, arguments: function(self, this)
        blank = [undefined] * count

        def invoke(this: Any, arguments: list[Any]) -> Any:
            return function(self, this, *(arguments + blank)[:count])

        return invoke

    def method(self, kind: str, key: Any) -> Any:
        """Returns a method that all values of a kind have, or undefined."""
        found = self._methods.get((kind, key))
        if found is not None:
            return found
        function = METHODS[kind].get(key) if kind in METHODS else None
        if function is None:
            return undefined if kind == "Object" else self.method("Object", key)
        name = key if isinstance(key, str) else key.description
        invoke, receiver = self.adapted(function), RECEIVERS.get(kind, object)

        def checked(this: Any, arguments: list[Any]) -> Any:
            if not isinstance(this, receiver):
                raise type_error(f"{kind}.prototype.{name} called on an incompatible receiver")
            return invoke(this, arguments)

        made = self._methods[kind, key] = Function(self.budget, checked, str(name))
        return made

    # ---- elements of typed arrays ----

    @staticmethod
    def element(kind: str, element: Any) -> Any:
        """Returns an element of a typed array as JavaScript has it."""
        return BigInt(element) if kind.startswith("Big") else element

    @staticmethod
    def to_element(kind: str, value: Any) -> Any:
        """Returns a value as an element of a typed array."""
        if kind == "Uint8Array":
            return to_int32(value) & 0xFF
        if kind == "Uint8ClampedArray":
            number = to_number(value)
            return 0 if number != number else round(min(255, max(0, number)))
        if kind == "Float64Array":
            return float(to_number(value))
        if kind == "Float32Array":
            return _single(float(to_number(value)))
        if kind.startswith("Big"):
            signed, bits = kind == "BigInt64Array", 64
            number = int(to_bigint(value))
        else:
            signed, bits = kind.startswith("Int"), 8 if kind == "Int8Array" else int(kind[-7:-5])
            number = to_int32(value)
        number &= (1 << bits) - 1
        return number - (1 << bits) if signed and number >> (bits - 1) else number

    # ---- keys ----

    def keys_of(self, value: Any) -> list[str]:
        """Returns the names of a value's own properties.

        Raises:
            HostMemoryExceeded: The names of elements would take too many bytes.
        """
        if isinstance(value, Object):
            keys = [key for key in value.properties if isinstance(key, str)]
            numbers = sorted((k for k in keys if k.isascii() and k.isdigit()), key=_as_number)
            return numbers + [k for k in keys if not (k.isascii() and k.isdigit())]
        if isinstance(value, (Array, TypedArray, str)):
            if isinstance(value, Array):
                count = len(value.items)
            else:
                count = value.length if isinstance(value, TypedArray) else len(value)
            self.budget.check(2 * SLOT_BYTES * count)
            return list(map(str, range(count)))
        if isinstance(value, (Function, JsError)):
            return [key for key in value.properties if isinstance(key, str)]
        return []

    # ---- errors ----

    @staticmethod
    def catchable(error: Exception) -> bool:
        """Returns whether `catch` gets an exception.

        A guest does not go on after a trap, a limit, or something that the glue cannot do.
        """
        return not isinstance(error, (WasmError, GlueError, MemoryError, RecursionError))

    def thrown_value(self, error: Exception) -> Any:
        """Returns what `catch` gets of an exception, which is charged while it lives."""
        if isinstance(error, Thrown):
            return error.raw
        if isinstance(error, JsError):
            error.__traceback__ = None  # It would keep the values of all functions that ran.
        if not hasattr(error, "_pywasm3_charged"):
            error._pywasm3_charged = Charged(self.budget, _ERROR_BYTES)  # type: ignore[attr-defined]
        return error

    def to_exception(self, value: Any) -> BaseException:
        """Returns the exception for a value that is thrown."""
        if isinstance(value, Exception):
            return value
        kind = type_of(value)
        shown = to_text(value) if kind not in ("symbol", "object") else ""
        if isinstance(value, Object):
            message = get_property(self, value, "message")
            shown = str(message) if isinstance(message, str) else to_text(value)
        thrown = Thrown(self.export(value), str(shown))
        thrown.raw = value
        return thrown

    # ---- promises ----

    def later(self, task: Callable[[], Any]) -> None:
        """Runs a task when the running call has ended, after those that came before it."""
        if len(self._tasks) >= _MAX_TASKS:
            raise JsError("RangeError", "too many tasks are waiting")
        self._tasks.append(task)

    def run_tasks(self, until: Promise | None = None) -> None:
        """Runs the tasks that wait, until there are none or a promise is settled."""
        while self._tasks and (until is None or until.state == "pending"):
            self.checkpoint()
            self._runs += 1
            if self._runs > _MAX_RUNS:
                raise JsError("RangeError", f"one call ran more than {_MAX_RUNS:,} tasks")
            self._tasks.popleft()()

    def drop_tasks(self) -> None:
        """Forgets the tasks that wait, when a call from Python has ended."""
        self._tasks.clear()
        self._runs = 0

    def settle(self, promise: Promise, state: str, value: Any) -> None:
        """Settles a promise, unless it is settled already."""
        if promise.state != "pending":
            return
        if state == "fulfilled":
            if isinstance(value, Promise):
                self.when_settled(value, lambda p: self.settle(promise, p.state, p.value))
                return
            then = get_property(self, value, "then") if isinstance(value, Object) else undefined
            if isinstance(then, Function):
                self.later(lambda: self.attempt(promise, then, value))
                return
        promise.state, promise.value = state, value
        waiting, promise.waiting = promise.waiting, []
        for task in waiting:
            self.later(lambda task=task: task(promise))  # type: ignore[misc]

    def attempt(self, promise: Promise, executor: Any, this: Any = undefined) -> None:
        """Calls a function with what settles a promise; an exception rejects the promise."""

        def settler(state: str) -> Function:
            return self.native(lambda realm, this, value: realm.settle(promise, state, value), "")

        try:
            call(executor, this, [settler("fulfilled"), settler("rejected")])
        except Exception as error:
            if not self.catchable(error):
                raise
            self.settle(promise, "rejected", self.thrown_value(error))

    def when_settled(self, promise: Promise, task: Callable[[Promise], Any]) -> None:
        """Runs a task when a promise is settled."""
        if promise.state == "pending":
            promise.charge(64)
            promise.waiting.append(task)
        else:
            self.later(lambda: task(promise))

    def then(self, promise: Promise, fulfilled: Any, rejected: Any) -> Promise:
        """Returns the promise for what a function makes of a promise's value."""
        result = Promise(self.budget)

        def run(settled: Promise) -> None:
            function = fulfilled if settled.state == "fulfilled" else rejected
            if not isinstance(function, Function):
                self.settle(result, settled.state, settled.value)
                return
            try:
                self.settle(result, "fulfilled", function.invoke(undefined, [settled.value]))
            except Exception as error:
                if not self.catchable(error):
                    raise
                self.settle(result, "rejected", self.thrown_value(error))

        self.when_settled(promise, run)
        return result

    def settled(self, value: Any) -> Any:
        """Returns the value of a promise, after running tasks until it has one.

        Raises:
            JsError: The promise is rejected, or stays without a value.
        """
        if not isinstance(value, Promise):
            return value
        self.run_tasks(until=value)
        if value.state == "pending":
            raise JsError(
                "Error", "the promise has no value, and nothing that is left can give it one"
            )
        if value.state == "rejected":
            raise self.to_exception(value.value)
        return value.value

    def as_async(self, invoke: Invoke) -> Invoke:
        """Returns what calls a function and returns a promise for its result."""

        def run(this: Any, arguments: list[Any]) -> Promise:
            promise = Promise(self.budget)
            try:
                self.settle(promise, "fulfilled", invoke(this, arguments))
            except Exception as error:
                if not self.catchable(error):
                    raise
                self.settle(promise, "rejected", self.thrown_value(error))
            return promise

        return run

    # ---- JSON ----

    def to_json(self, value: Any) -> Any:
        """Returns a value as the json module of Python takes it; undefined if JSON has no such.

        Raises:
            JsError: The value contains itself, or would be too long; or it contains a bigint.
        """
        return self._to_json(value, (), Remaining())

    def _to_json(self, value: Any, inside: tuple[int, ...], remaining: Remaining) -> Any:
        remaining.take(len(value) if isinstance(value, str) else 1)
        if isinstance(value, (Object, Array)):
            self.checkpoint()
            remaining.container()
            if id(value) in inside:
                raise type_error("Converting circular structure to JSON")
            inside = (*inside, id(value))
        if isinstance(value, Array):
            parts = [self._to_json(item, inside, remaining) for item in value.items]
            return [None if part is undefined else part for part in parts]
        if isinstance(value, Object):
            pairs = {}
            for key in self.keys_of(value):
                part = self._to_json(get_property(self, value, key), inside, remaining)
                if part is not undefined:
                    pairs[str(key)] = part
            return pairs
        if isinstance(value, BigInt):
            raise type_error("Do not know how to serialize a BigInt")
        if isinstance(value, float):
            whole = value.is_integer() and abs(value) <= MAX_SAFE
            return int(value) if whole else value if abs(value) < float("inf") else None
        if isinstance(value, TypedArray):
            remaining.take(value.length)
            return {str(i): element for i, element in enumerate(value.view[: value.length])}
        if isinstance(value, (MapObject, Promise)) or type_of(value) == "object":
            return None if value is None else {}
        return value if value is None or isinstance(value, (bool, int, str)) else undefined

    def from_json(self, value: Any) -> Any:
        """Returns the value of JavaScript for what the json module of Python returns."""
        if isinstance(value, list):
            return self.array([self.from_json(item) for item in value])
        if isinstance(value, dict):
            return self.object({key: self.from_json(item) for key, item in value.items()})
        return self.text(value) if isinstance(value, str) else value


def _as_number(key: str) -> tuple[int, str]:
    return len(key.lstrip("0")), key


def _single(value: float) -> float:
    """Returns a number that fits 32 bits; one that is too large becomes infinite."""
    if abs(value) > 3.4028235677973366e38 and value == value:
        return float("inf") if value > 0 else float("-inf")
    return value


def _imports_nothing(source: str) -> Any:
    raise GlueError(f"the glue imports {source!r}, which is not known")
