# SPDX-License-Identifier: MIT
"""Marks on Python functions that a guest calls."""

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
    """Decorates a function that will be given as an import. Any callable works without it.

    Args:
        pass_instance: Hand the calling Instance over as first argument.

    Returns:
        The decorator. It returns its argument, marked; a callable that takes no attributes (a
        built-in function) comes back wrapped.
    """

    def mark(function: F) -> F:
        if not callable(function):
            raise TypeError(f"a host function is callable, not {type(function).__name__}")
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
    """A callable with the mark, around one that cannot carry it."""

    __slots__ = ("__wrapped__",)
    _pywasm3_pass_instance = True

    def __init__(self, function: Callable[..., Any]) -> None:
        self.__wrapped__ = function

    def __call__(self, *arguments: Any) -> Any:
        return self.__wrapped__(*arguments)


def is_async(function: object) -> bool:
    """Whether calling it gives a coroutine: a function, method, partial, or object of that kind.

    As inspect has it, whose import would cost milliseconds.
    """
    while isinstance(function, partial):
        function = function.func
    code = getattr(function, "__code__", None)
    if code is None and callable(function):
        code = getattr(type(function).__call__, "__code__", None)
    flags: int = getattr(code, "co_flags", 0)
    return flags & _COROUTINE != 0


def wants_instance(function: object) -> bool:
    """Whether the callable was marked with pass_instance."""
    return getattr(function, _MARK, False) is True
