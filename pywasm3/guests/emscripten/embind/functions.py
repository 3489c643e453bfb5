# SPDX-License-Identifier: MIT
"""C++ functions that a guest binds, as functions of Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MethodType
from typing import TYPE_CHECKING, Any

from ...._text import counted, printable
from ...._types import i32
from .budget import OBJECT, cost
from .converters import Destructors
from .errors import BindingError

if TYPE_CHECKING:
    from ...._ffi import Function
    from .converters import Converter
    from .registry import Registry


class Invoker:
    """One C++ function, with the function of the guest that calls it with converted arguments.

    Attributes:
        label: What messages call the function.
        count: How many arguments it takes. The object of a method is the first one.
        hidden: How many of them messages do not count, which is 1 for a method.
    """

    def __init__(
        self,
        registry: Registry,
        label: str,
        ids: tuple[int, ...],
        invoker: int,
        target: int,
        *,
        hidden: int = 0,
    ) -> None:
        """Notes a function.

        Args:
            registry: The registry of the guest.
            label: What messages call the function.
            ids: The types of its result and of its parameters.
            invoker: The function pointer of the function that calls it.
            target: What that function gets to know which function is meant.
            hidden: How many arguments messages do not count.

        Raises:
            BindingError: The function pointer points to nothing.
            WasmError: The host keeps too much for the guest.
        """
        registry.budget.take(OBJECT + 8 * len(ids) + cost(label))
        self._registry = registry
        self.label = label
        self._ids = ids
        self._invoker = registry.heap.function(invoker, label)
        self._target = target
        self.count = len(ids) - 1
        self.hidden = hidden
        self._types: list[Converter] | None = None

    @property
    def types(self) -> list[Converter]:
        """The types of the result and of the parameters.

        Raises:
            UnboundTypeError: The guest has not bound one of them.
            BindingError: The function of the guest takes another number of arguments.
        """
        if self._types is None:
            types = self._registry.converters(self._ids, self.label)
            check_type(self._invoker, 1, types[1:], types[0], self.label)
            self._types = types
        return self._types

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function; there are `count` arguments, or fewer if the last are optional."""
        types = self.types
        self._registry.release_dropped()
        destructors = Destructors()
        try:
            wires = self._wires(types, arguments, destructors)
            result = self._invoker(*wires)
        except BaseException:
            destructors.run_after_error()
            raise
        destructors.run()
        return types[0].from_wire(result)

    def _wires(
        self, types: list[Converter], arguments: tuple[Any, ...], destructors: Destructors
    ) -> list[Any]:
        wires = [self._target]
        given = arguments + (None,) * (self.count - len(arguments))
        try:
            for type, value in zip(types[1:], given, strict=True):
                wires.append(type.to_wire(value, destructors))
        except BindingError as error:
            position = len(wires) - self.hidden
            which = f"argument {position} of {self.label}()" if position else f"{self.label}()"
            raise BindingError(f"{which}: {error}") from None
        return wires

    def takes(self, count: int) -> bool:
        """Says whether it can be called with so many arguments, as the others are optional."""
        return count < self.count and all(each.optional for each in self.types[count + 1 :])


def check_type(
    function: Function,
    addresses: int,
    parameters: Sequence[Converter],
    result: Converter | None,
    label: str,
) -> None:
    """Checks the type of a function of the guest.

    Args:
        function: The function.
        addresses: How many of its parameters are addresses, before the others.
        parameters: The C++ types of the others.
        result: The C++ type of the result. None, and a type without wires, is any.
        label: What messages call the function.

    Raises:
        BindingError: It has another type.
    """
    type = function.type
    count = addresses + len(parameters)
    if len(type.params) != count:
        has = counted(len(type.params), "parameter")
        raise BindingError(f"{label} is bound with a function that has {has}, not {count}")
    wanted = [(i32,)] * addresses + [each.wires for each in parameters]
    fits = all(each in wires for each, wires in zip(type.params, wanted, strict=True))
    if result is not None and result.wires:
        fits = fits and len(type.results) == 1 and type.results[0] in result.wires
    if not fits:
        raise BindingError(
            f"{label} is bound with a function of the type {type}, which does not fit its C++ types"
        )


class Overloads:
    """C++ functions that have the same name, and different numbers of arguments.

    Attributes:
        label: What messages call them.
    """

    def __init__(self, label: str, hidden: Callable[[], list[Overloads]] = list) -> None:
        """Begins without functions.

        Args:
            label: What messages call them.
            hidden: Returns the functions of the same name of base classes.
        """
        self.label = printable(label)
        self._hidden = hidden
        self._by_count: dict[int, Invoker] = {}
        self.__name__ = self.label.rpartition(".")[2]
        self.__qualname__ = self.label

    @property
    def counts(self) -> list[int]:
        """The numbers of arguments that there are functions for."""
        return list(self._by_count)

    def add(self, invoker: Invoker) -> None:
        """Adds a function.

        Raises:
            BindingError: There is one with as many arguments.
        """
        if invoker.count in self._by_count:
            given = counted(invoker.count, "argument")
            raise BindingError(f"{self.label}() is bound twice with {given}")
        self._by_count[invoker.count] = invoker

    def pick(self, count: int) -> Invoker:
        """Returns the function for a number of arguments.

        Raises:
            BindingError: There is none.
        """
        found = self._by_count.get(count)
        if found is not None:
            return found
        invokers = list(self._by_count.values())
        for other in self._hidden():
            if count in other._by_count:
                return other._by_count[count]
            invokers.extend(other._by_count.values())
        for invoker in invokers:
            if invoker.takes(count):
                return invoker
        numbers = sorted({invoker.count - invoker.hidden for invoker in invokers})
        counts = " or ".join(map(str, numbers))
        given = count - max((invoker.hidden for invoker in invokers), default=0)
        plural = "" if counts == "1" else "s"
        raise BindingError(
            f"{self.label}() takes {counts} argument{plural}, but {given} "
            f"{'was' if given == 1 else 'were'} given"
        )


class BoundFunction(Overloads):
    """A function that is not a method."""

    def __call__(self, *arguments: Any) -> Any:
        """Calls the function that takes so many arguments.

        Raises:
            BindingError: None does, or an argument does not fit.
        """
        return self.pick(len(arguments))(*arguments)

    def __repr__(self) -> str:
        """Shows the name."""
        return f"<C++ function {self.label}>"


class Method(Overloads):
    """A method of a class."""

    def __call__(self, owner: Any, *arguments: Any) -> Any:
        """Calls the method of an object that takes so many arguments.

        Raises:
            BindingError: None does, or an argument does not fit.
        """
        return self.pick(len(arguments) + 1)(owner, *arguments)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        """Returns the method of an object."""
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        """Shows the name."""
        return f"<C++ method {self.label}>"
