# SPDX-License-Identifier: MIT
"""The decorator `host`, and what the linker asks about a callable that is given as an import."""

from __future__ import annotations

from functools import partial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

_MARK = "_pywasm3_pass_instance"
_COROUTINE = 0x80  # inspect.CO_COROUTINE


def host(*, pass_instance: bool = False) -> Callable[[F], F]:
    """Decorates a host function, which is one that will be given as an import.

    Only functions that need an option have to be decorated: any callable can be an import.

    Args:
        pass_instance: Whether the function gets the calling Instance as its first argument.

    Returns:
        The decorator. It marks the function and returns it. A callable that cannot have attributes,
        like a built-in function, is returned in a wrapper.

    Raises:
        TypeError: The decorator is given an object that is not callable.
    """

    def mark(function: F) -> F:
        if not callable(function):
            raise TypeError(f"a host function must be callable, not {type(function).__name__}")
        if not pass_instance:
            return function
        try:
            setattr(function, _MARK, True)
        except (AttributeError, TypeError):
            marked = _Marked(function)
            return marked  # type: ignore[return-value]
        return function

    return mark


class _Marked:
    """A wrapper that carries the mark for a callable that cannot have attributes."""

    __slots__ = ("__wrapped__",)
    _pywasm3_pass_instance = True

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function

    def __call__(self, *arguments: Any) -> Any:
        return self.__wrapped__(*arguments)


def is_async(function: object) -> bool:
    """Returns whether a callable returns a coroutine when it is called.

    It may be an async function or method, a partial of one, or an object with such a ``__call__``.
    inspect.iscoroutinefunction says nearly the same, but importing inspect takes milliseconds.
    """
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is None and callable(function):
        code = getattr(type(function).__call__, "__code__", None)
    flags: int = getattr(code, "co_flags", 0)
    return flags & _COROUTINE != 0


def wants_instance(function: object) -> bool:
    """Returns whether the callable is marked with pass_instance."""
    return getattr(function, _MARK, False) is True
