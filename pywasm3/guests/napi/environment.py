# SPDX-License-Identifier: MIT
"""What a guest of Node-API calls its environment: its values, and the calls of its functions."""

from __future__ import annotations

from ..._errors import WasmError
from ..._ffi import Function as WasmFunction
from ..._table import Table
from ..._types import FuncType, i32
from ...wasi.memory import GuestMemory
from .._words import MASK, U32, Words
from ..bindgen.entrance import Entrance
from ..bindgen.operators import type_error
from ..bindgen.values import SLOT_BYTES, Function, Symbol, undefined
from .buffers import Mirrors
from .finalizers import Finalizers
from .handles import Handles, Numbered
from .status import Failed, Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..._exports import Exports
    from ..._memory import Memory
    from ..bindgen.realm import Realm

ENV = 1  # the number by which the guest knows its environment
NOTHING = object()  # stands for no exception
AUTO_LENGTH = MASK  # says that a text ends with NUL
_PART_BYTES = 4096  # how much of a text is searched for its end at a time
_TABLE = "__indirect_function_table"

# The types of the guest's functions that the host calls.
CALLBACK = FuncType([i32, i32], [i32])
FINALIZER = FuncType([i32, i32, i32])
HOOK = FuncType([i32])


class Call:
    """A call of a function of the guest.

    Attributes:
        this: What JavaScript calls `this`.
        arguments: The arguments.
        data: What the guest gave when it made the function.
        new_target: The class, if an object of it is made; otherwise undefined.
    """

    __slots__ = ("arguments", "data", "new_target", "this")

    def __init__(self, this: Any, arguments: list[Any], data: int, new_target: Any) -> None:
        self.this = this
        self.arguments = arguments
        self.data = data
        self.new_target = new_target


class Environment(Entrance):
    """The values of a guest, and what calls its functions.

    Attributes:
        memory: The memory of the guest.
        handles: The values that have handles.
        numbered: References, calls and other things that the guest names by numbers.
        finalizers: What frees what belongs to objects.
        mirrors: The buffers whose bytes are in the guest's memory, too.
        pending: The value that was thrown and not caught yet, or NOTHING.
        status: The status of the last function that the guest called.
        last_error_block: The address of what the guest gets for that status; 0 if it never asked.
        instance_data: The number that the guest has stored, and the function that frees it.
        external_bytes: How much memory the guest says that its objects keep.
        hooks: What is called when the guest is closed, and by what the guest knows it.
        symbols: The symbols that everybody gets by their texts.
        wraps: The addresses that the guest attached to objects, by the identity of the object.
        tags: The type tags that it attached to objects.
    """

    def __init__(self, realm: Realm) -> None:
        super().__init__(realm)
        self.memory = Words(GuestMemory(self._find_memory))
        self.handles = Handles(realm.budget, realm.globals["globalThis"])
        self.numbered: dict[str, Numbered] = {}
        self.finalizers = Finalizers(realm.gone)
        self.mirrors = Mirrors(self)
        self.pending: Any = NOTHING
        self.status = Status.OK
        self.instance_data: tuple[int, Function | None] = (0, None)
        self.external_bytes = 0
        self.hooks: list[tuple[Any, Function]] = []
        self.last_error_block = 0
        self.symbols: dict[str, Symbol] = {}
        self.wraps: dict[int, Any] = {}
        self.tags: dict[int, Any] = {}

    def _find_memory(self) -> Memory | None:
        return None if self.instance is None else self.instance.memory

    @property
    def exports(self) -> Exports:
        """The exports of the guest."""
        if self.instance is None:
            raise WasmError("the guest calls a function of Node-API before it is instantiated")
        return self.instance.exports

    def of_kind(self, kind: str) -> Numbered:
        """Returns what the guest names by numbers, for one kind of things."""
        if kind not in self.numbered:
            self.numbered[kind] = Numbered(self.realm.budget)
        return self.numbered[kind]

    # ---- functions of the guest ----

    def function(self, index: int, type_: FuncType) -> WasmFunction:
        """Returns the function of the guest that a function pointer leads to.

        Raises:
            Failed: INVALID_ARG: there is none, or it has another type.
        """
        table = self.exports.get(_TABLE, None)
        if not isinstance(table, Table) or not 0 < index < len(table):
            raise Failed(Status.INVALID_ARG)
        found = table[index]
        if not isinstance(found, WasmFunction) or found.type != type_:
            raise Failed(Status.INVALID_ARG)
        return found

    def callback(self, index: int, data: int, name: str) -> Function:
        """Returns the function of JavaScript that calls a callback of the guest."""
        found = self.function(index, CALLBACK)

        def invoke(this: Any, arguments: list[Any]) -> Any:
            return self.invoke(found, Call(this, arguments, data, undefined))

        return Function(self.realm.budget, invoke, self.realm.text(name))

    def finalizer(self, index: int, data: int, hint: int) -> Function | None:
        """Returns the function of JavaScript that calls a finalizer; None if there is none."""
        if not index:
            return None
        return self.procedure(self.function(index, FINALIZER), lambda: (ENV, data, hint))

    def procedure(self, found: WasmFunction, give: Callable[[], tuple[int, ...]]) -> Function:
        """Returns the function of JavaScript that calls a function of the guest without a result.

        Args:
            found: The function of the guest.
            give: Returns the arguments. Handles that it makes are in use during the call.
        """

        def invoke(this: Any, arguments: list[Any]) -> Any:
            self.guarded(lambda: found(*give()))
            return undefined

        return Function(self.realm.budget, invoke)

    def invoke(self, found: WasmFunction, call: Call) -> Any:
        """Calls a callback of the guest, and returns its result.

        Raises:
            BaseException: What the guest has thrown, or what a function of the host raised.
        """
        calls = self.of_kind("call")
        number = calls.add(call)
        try:
            return self.guarded(lambda: self.value_of(found(ENV, number)))
        finally:
            calls.remove(number)

    def value_of(self, handle: int) -> Any:
        """Returns the value of a handle that a function of the guest returned.

        Raises:
            JsError: A TypeError: the handle is not in use.
        """
        if not handle:
            return undefined
        try:
            return self.handles.get(handle)
        except Failed:
            message = "a function of the guest returned a handle that is not in use"
            raise type_error(message) from None

    def guarded(self, function: Callable[[], Any]) -> Any:
        """Calls a function that runs the guest, and raises what the guest has thrown."""
        mark = self.handles.enter()
        try:
            self.mirrors.push()
            result = function()
            self.mirrors.pull()
        except BaseException:
            self.pending = NOTHING
            raise
        finally:
            self.handles.leave(mark)
        thrown, self.pending = self.pending, NOTHING
        if thrown is not NOTHING:
            raise self.realm.to_exception(thrown)
        return result

    def call_out(self, function: Callable[[list[Any]], Any], address: int, count: int) -> Any:
        """Calls a function of JavaScript for the guest, with the bytes that both have in step.

        Args:
            function: Gets the arguments, which are charged until it returns.
            address: Where the handles of the arguments are.
            count: How many there are.
        """
        arguments = self.values(address, count)
        size = SLOT_BYTES * count
        self.realm.budget.take(size)
        try:
            self.mirrors.pull()
            return function(arguments)
        finally:
            self.realm.budget.give(size)
            self.mirrors.push()

    # ---- text and lists of the guest ----

    def text(self, address: int, length: int = AUTO_LENGTH) -> str:
        """Reads UTF-8. What is not UTF-8 becomes U+FFFD.

        Args:
            address: Where the text begins.
            length: How many bytes it has. AUTO_LENGTH: it ends with NUL.

        Raises:
            Failed: INVALID_ARG: the address is null, and the length is not 0.
            Trap: The text is not in the memory.
        """
        return str(self.bytes_at(address, length, 1), "utf-8", "replace")

    def bytes_at(self, address: int, length: int, unit: int) -> bytes:
        """Reads a text, whose units have one byte or two, as bytes."""
        if not address:
            if length:
                raise Failed(Status.INVALID_ARG)
            return b""
        if length == AUTO_LENGTH:
            return self._until_nul(address, unit)
        if length > 0x7FFFFFFF:
            raise Failed(Status.INVALID_ARG)
        self.realm.budget.check(4 * unit * length)
        return bytes(self.memory.span(address, unit * length))

    def _until_nul(self, address: int, unit: int) -> bytes:
        assert self.instance is not None
        limit = len(self.instance.memory)
        data = bytearray()
        while True:
            size = min(_PART_BYTES, limit - address - len(data))
            part = bytes(self.memory.span(address + len(data), max(unit, size)))
            place = part.find(bytes(unit))
            while place >= 0 and place % unit:  # the halves of two units
                place = part.find(bytes(unit), place + 1)
            if place >= 0:
                return bytes(data + part[:place])
            data += part
            self.realm.budget.check(4 * len(data))

    def values(self, address: int, count: int) -> list[Any]:
        """Reads handles that follow one another, and returns their values."""
        if not count:
            return []
        if not address:
            raise Failed(Status.INVALID_ARG)
        span = self.memory.span(address, 4 * count)
        self.realm.budget.check(SLOT_BYTES * count)
        return [self.handles.get(handle) for (handle,) in U32.iter_unpack(span)]

    def close(self) -> None:
        """Lets the guest free what it keeps, if it can still run."""
        assert self.instance is not None

        def run() -> None:
            for _, hook in reversed(self.hooks.copy()):
                hook.invoke(undefined, [])
            self.hooks.clear()
            finalizer = self.instance_data[1]
            self.instance_data = 0, None
            if finalizer is not None:
                finalizer.invoke(undefined, [])

        if not self.instance.closed:
            try:
                self.entered(run)
            finally:
                self.instance.close()
