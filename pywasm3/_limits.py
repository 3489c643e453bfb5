# SPDX-License-Identifier: MIT
"""Bounds on what a guest can use. docs/control.md has the reasons for the defaults."""

from __future__ import annotations

from operator import index as _index

from ._types import Value, _set

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

    from typing_extensions import Self

    from ._fastcall import Store

# As the engine has them; its own limits are below.
_NONE = 0xFFFFFFFFFFFFFFFF
_NO_FUEL = -1
_NEVER = 0x7FFFFFFFFFFFFFFF
_STACK = 1 << 20


def _size(name: str, value: Any, least: int) -> int:
    number = _index(value)
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}")
    return number


class Limits(Value):
    """What a store, and all instances in it, may use. Immutable, equal by value.

    Attributes:
        memory: Bytes of each linear memory. None: the 4 GiB that 32-bit addresses reach.
        table: Elements of each table. None: the 10 million that this package allows at most.
        stack: Bytes for the values of running functions.
        fuel: How many calls and loop iterations may run, all calls together, until fuel is
            refilled. None: they are not counted.
        timeout: Seconds for each call from outside, with all that is nested in it. None: any time.
    """

    __slots__ = __match_args__ = ("memory", "table", "stack", "fuel", "timeout")
    memory: int | None
    table: int | None
    stack: int
    fuel: int | None
    timeout: float | None

    def __init__(
        self,
        *,
        memory: int | None = None,
        table: int | None = None,
        stack: int = _STACK,
        fuel: int | None = None,
        timeout: float | None = None,
    ) -> None:
        """Takes each limit by its name: ``Limits(memory=64 << 20, fuel=1_000_000)``.

        Raises:
            ValueError: One is negative, or the stack is 0 or more than 1 GiB.
            TypeError: One is no number.
        """
        _set(self, "memory", None if memory is None else _size("memory", memory, 0))
        _set(self, "table", None if table is None else _size("table", table, 0))
        _set(self, "stack", _size("stack", stack, 1))
        if self.stack > 1 << 30:
            raise ValueError(f"stack must be at most {1 << 30} bytes, not {self.stack}")
        _set(self, "fuel", None if fuel is None else _size("fuel", fuel, 0))
        _set(self, "timeout", None if timeout is None else float(timeout))
        if self.timeout is not None and not self.timeout >= 0:
            raise ValueError(f"timeout must not be negative, nor NaN: {timeout!r}")

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the limits by name, because the constructor takes no positional arguments."""
        return _unpickled, (type(self), dict(zip(self.__match_args__, self._fields(), strict=True)))


def _unpickled(cls: type[Limits], fields: dict[str, Any]) -> Limits:
    return cls(**fields)


def numbers(limits: object) -> tuple[int, int, int, int, int]:
    """A Limits for the engine: bytes, elements, bytes, units, nanoseconds. Hook of fastcall.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(limits, Limits):
        raise TypeError(f"limits must be a pywasm3.Limits, not {type(limits).__name__}")
    timeout = limits.timeout
    return (
        _NONE if limits.memory is None else min(limits.memory, _NONE),
        _NONE if limits.table is None else min(limits.table, _NONE),
        limits.stack,
        _NO_FUEL if limits.fuel is None else min(limits.fuel, _NEVER),
        _NEVER if timeout is None or timeout > 1e9 else int(timeout * 1e9),
    )


class Deadline:
    """``with instance.deadline(seconds):`` stops what this thread calls there."""

    __slots__ = ("_scopes", "_seconds", "_store")

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._scopes: list[int] = []

    def __enter__(self) -> Self:
        self._scopes.append(self._store._begin_deadline(self._seconds))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._store._end_deadline(self._scopes.pop())
