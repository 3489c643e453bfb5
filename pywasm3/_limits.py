# SPDX-License-Identifier: MIT
"""Limits on what a guest can use, and the deadline of a ``with`` statement.

docs/control.md gives the reasons for the default limits.
"""

from __future__ import annotations

from operator import index as _index

from ._immutable import Immutable, begin_init, set_field
from ._text import brief_repr, counted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from ._cpython import Store

# These values tell the engine that there is no limit. Its own, lower limits still apply.
_NONE = 0xFFFFFFFFFFFFFFFF
_NO_FUEL = -1
_NEVER = 0x7FFFFFFFFFFFFFFF
_STACK = 16 << 20
# Twice what 32-bit addresses reach: a module that compilers emit today needs less.
_TOTAL = 8 << 30


def _size(name: str, value: Any, least: int) -> int:
    try:
        number = _index(value)
    except TypeError:
        raise TypeError(f"{name} must be an int, not {type(value).__name__}") from None
    if number < least:
        raise ValueError(f"{name} must be at least {_amount(name, least)}, not {number}")
    return number


def _amount(name: str, number: int) -> str:
    unit = "element" if name == "table" else "byte"
    return str(number) if name == "fuel" else counted(number, unit)


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"timeout must be a number, not {brief_repr(value)}") from None
    if not seconds >= 0:
        raise ValueError(f"timeout must be a number of seconds that is not negative, not {value!r}")
    return seconds


class Limits(Immutable):
    """Limits what a store, and every instance in it, may use. Immutable, and equal by value.

    Attributes:
        memory: How many bytes all linear memories of the store together may have. None sets no
            limit but the 4 GiB that 32-bit addresses reach in each memory, and `total`. A memory
            with 64-bit addresses never has more than 1 TiB.
        table: How many elements all tables of the store together may have. None allows 10 million,
            the most that this package allows.
        heap: How many bytes the structures, arrays and exceptions of the store together may have.
            A guest whose objects need more traps. None sets no limit but `total`.
        total: How many bytes the store may allocate for its guests in all: memories, tables, the
            heap, compiled code, what instances consist of, and externrefs that are held, with the
            characters of strings among them. The stack is not part of it, because the guest does
            not choose its size.
        stack: The size of the stack that holds the values of running functions, in bytes.
        fuel: How many calls and loop iterations all calls together may run until fuel is refilled.
            None does not count them.
        timeout: How many seconds each call from outside may take, including the calls that are
            nested in it. Making an instance, taking a snapshot and restoring one count as calls.
            None sets no time limit.
    """

    __slots__ = __match_args__ = ("memory", "table", "heap", "total", "stack", "fuel", "timeout")
    memory: int | None
    table: int | None
    heap: int | None
    total: int
    stack: int
    fuel: int | None
    timeout: float | None

    def __init__(
        self,
        *,
        memory: int | None = None,
        table: int | None = None,
        heap: int | None = None,
        total: int = _TOTAL,
        stack: int = _STACK,
        fuel: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Takes each limit by its name: ``Limits(memory=64 << 20, fuel=1_000_000)``.

        Raises:
            ValueError: A limit is negative, or the stack is 0 or more than 1 GiB.
            TypeError: A limit is not a number.
        """
        begin_init(self)
        set_field(self, "memory", None if memory is None else _size("memory", memory, 0))
        set_field(self, "table", None if table is None else _size("table", table, 0))
        set_field(self, "heap", None if heap is None else _size("heap", heap, 0))
        set_field(self, "total", _size("total", total, 0))
        set_field(self, "stack", _size("stack", stack, 1))
        if self.stack > 1 << 30:
            raise ValueError(f"stack must be at most {1 << 30:,} bytes (1 GiB), not {self.stack:,}")
        set_field(self, "fuel", None if fuel is None else _size("fuel", fuel, 0))
        set_field(self, "timeout", None if timeout is None else _seconds(timeout))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the limits by name, because the constructor takes no positional arguments."""
        return _unpickled, (type(self), dict(zip(self.__match_args__, self._fields(), strict=True)))


def _unpickled(cls: type[Limits], fields: dict[str, Any]) -> Limits:
    return cls(**fields)


def engine_limits(limits: object) -> tuple[int, int, int, int, int, int, int]:
    """Returns the seven limits as the engine takes them. The extension module calls this.

    The units are bytes (memory), elements (table), bytes (heap, total, stack), units of fuel, and
    nanoseconds (timeout).

    Raises:
        TypeError: `limits` is not a Limits.
    """
    if not isinstance(limits, Limits):
        raise TypeError(f"limits must be a pywasm3.Limits, not {type(limits).__name__}")
    timeout = limits.timeout
    return (
        _NONE if limits.memory is None else min(limits.memory, _NONE),
        _NONE if limits.table is None else min(limits.table, _NONE),
        _NONE if limits.heap is None else min(limits.heap, _NONE),
        min(limits.total, _NONE),
        limits.stack,
        _NO_FUEL if limits.fuel is None else min(limits.fuel, _NEVER),
        _NEVER if timeout is None or timeout > 1e9 else int(timeout * 1e9),
    )


class Deadline:
    """The context that ``with instance.deadline(seconds):`` enters.

    It stops the calls that this thread makes within it when the time is over, at most 20 ms late.
    """

    __slots__ = ("_deadlines", "_seconds", "_store")

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._deadlines: list[int] = []

    # KeyboardInterrupt and other exceptions can arrive between two bytecodes, but not while C code
    # runs. So `extend` and `map` do in one step what must not be split: a deadline that begins is
    # noted, and one that is no longer noted has ended. If an exception arrives between __enter__
    # and the `with` block, or before __exit__ ends the deadline, __del__ ends it.

    def __enter__(self) -> Self:
        self._deadlines.extend(map(self._store._begin_deadline, (self._seconds,)))
        return self

    def __exit__(self, *_: object) -> None:
        self._end(1)

    def _end(self, count: int) -> None:
        """Ends the deadlines that began last."""
        pop = self._deadlines.pop
        tuple(map(self._store._end_deadline, map(pop, (-1,) * count)))

    def __del__(self) -> None:
        if getattr(self, "_deadlines", None):  # absent if __init__ was not called
            self._end(len(self._deadlines))
