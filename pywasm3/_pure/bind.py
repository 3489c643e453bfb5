# SPDX-License-Identifier: MIT
"""BoundFunction: a Function whose first arguments are given once, and checked."""

from __future__ import annotations

from reprlib import recursive_repr

from .hooks import hooks
from .numbers import V128, blame, decode_plain, encode_plain, kind_of
from .references import encode_reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .function import Function


class BoundFunction:
    """A Function whose first arguments are given: see Function.bind."""

    __slots__ = ("__weakref__", "_args", "_function")

    _args: tuple[Any, ...]
    _function: Function

    def __new__(cls, *args: object, **kwargs: object) -> BoundFunction:
        """Refuses: only Function.bind makes them."""
        raise TypeError("cannot create 'pywasm3.BoundFunction' instances")

    def __init_subclass__(cls) -> None:
        """Refuses subclasses."""
        raise TypeError("type 'pywasm3.BoundFunction' is not an acceptable base type")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        function = self._function
        wanted = len(function._known.params) - len(self._args)
        if kwargs:
            raise TypeError(f"{function._label}() takes no keyword arguments")
        if len(args) != wanted:
            plural, given = "" if wanted == 1 else "s", len(args)
            raise TypeError(
                f"{function._label}() takes {wanted} argument{plural} after those that are bound, "
                f"but {given} {'was' if given == 1 else 'were'} given"
            )
        return function(*self._args, *args)

    @property
    def function(self) -> Function:
        """The Function that is called."""
        return self._function

    @property
    def args(self) -> tuple[Any, ...]:
        """The bound arguments, a tuple."""
        return self._args

    @property
    def name(self) -> str:
        """The name of the function."""
        return self._function.name

    __name__ = name

    def __getattr__(self, name: str) -> Any:
        # A class cannot define __qualname__ for its instances.
        if name == "__qualname__":
            return self._function.name
        raise AttributeError(f"'pywasm3.BoundFunction' object has no attribute '{name}'")

    @property
    def __signature__(self) -> Any:
        return hooks.signature(self._function, len(self._args))

    def map(self, /, *arrays: Any, out: Any = None) -> Any:
        """Calls the function once for each element of arrays: see Function.map.

        The bound arguments are the same for all elements, and not among `arrays`.
        """
        return self._function.map(*self._args, *arrays, out=out)

    def bind(self, /, *leading: Any) -> BoundFunction:
        """Returns a callable with more arguments given: see Function.bind.

        They come after those that are bound already.
        """
        return bind_function(self._function, self._args + leading)

    @recursive_repr("<pywasm3.BoundFunction ...>")
    def __repr__(self) -> str:
        """Returns the function's name and type, and the bound arguments."""
        function = self._function
        raw = ".raw" if function._raw else ""
        return (
            f"<pywasm3.BoundFunction {function._label}{raw}: {function.type}, bound {self._args!r}>"
        )

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuses to copy and to pickle the object."""
        raise TypeError("cannot pickle 'pywasm3.BoundFunction' object")


def _frozen(function: Function, value: Any, place: int) -> Any:
    """Checks an argument, and returns what stands for it from now on.

    A vector, or a number that is not exactly an int or a float, is replaced by the value that it
    was converted to: it may be mutable, or map() may take it for an array.
    """
    known, raw = function._known, function._raw
    valtype = known.params[place]
    kind = kind_of(valtype)
    try:
        if kind >= V128:
            cells = encode_plain(value, kind, raw)
            exact = kind != V128 and type(value) in (int, float)
            return value if exact else decode_plain(cells, 0, kind, raw)
        encode_reference(function._store, known.module_address, value, valtype)
    except (TypeError, OverflowError) as error:
        blame(error, known.label, "parameter", place, valtype)
    return value


def bind_function(function: Function, leading: tuple[Any, ...]) -> BoundFunction:
    """Makes a BoundFunction."""
    count = len(function._known.params)
    if len(leading) > count:
        raise TypeError(
            f"{function._label}() takes {count} argument{'' if count == 1 else 's'}, so "
            f"{len(leading)} cannot be bound"
        )
    self: BoundFunction = object.__new__(BoundFunction)
    self._function = function
    self._args = tuple([_frozen(function, each, i) for i, each in enumerate(leading)])
    return self


BoundFunction.__module__ = "pywasm3"
