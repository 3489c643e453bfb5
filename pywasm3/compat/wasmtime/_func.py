# SPDX-License-Identifier: MIT
"""Functions of guests and of the host, and the caller that a host function can ask for."""

from __future__ import annotations

from ..._host import host
from ..._host_function import host_function
from ..._lookup import Typed
from ._errors import HostError, WasmtimeError
from ._store import Store
from ._types import FuncType, func_type
from ._value import from_own, to_own

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..._ffi import Function
    from ..._instance import Instance as OwnInstance
    from ..._types import FuncType as OwnFuncType
    from ._externs import AsExtern
    from ._store import Storelike


class Func:
    """A function of a store."""

    _func: Function
    _imported: Any  # what an instance is given that imports the function

    def __init__(
        self,
        store: Storelike,
        ty: FuncType,
        func: Callable[..., Any],
        access_caller: bool = False,
    ) -> None:
        """Makes a function of a Python callable.

        Args:
            store: The store.
            ty: The type.
            func: The callable. It gets numbers and references, and returns None, a value, or a list
                or tuple of values.
            access_caller: Whether the callable gets a Caller as its first argument.

        Raises:
            TypeError: `store` is not a Store, or `ty` is not a FuncType.
        """
        if not isinstance(store, Store):
            raise TypeError(f"expected a Store, not {type(store).__name__}")
        if not isinstance(ty, FuncType):
            raise TypeError(f"expected a FuncType, not {type(ty).__name__}")
        called = _Called(store._context(), ty._own(), func, access_caller)
        with store._making() as inner:
            self._func = host_function(called.type, called.without_instance, store=inner)
        self._imported = called.as_import() if access_caller else self._func

    @classmethod
    def _of(cls, function: Function) -> Func:
        self = object.__new__(cls)
        self._func = self._imported = function
        return self

    def type(self, store: Storelike) -> FuncType:
        """Returns the type."""
        store._context()
        return func_type(self._func.type)

    def __call__(self, store: Storelike, *params: Any) -> Any:
        """Calls the function.

        Args:
            store: The store of the function.
            *params: The arguments: Val objects, or Python values.

        Returns:
            None, the result, or a list of several results.

        Raises:
            WasmtimeError: The number of arguments is wrong, or the store is another one.
            TypeError: An argument has the wrong type.
            Trap: The code was stopped.
            ExitTrap: The program ended itself.
        """
        context = check_owner(store, self._func)
        types = self._func.type.params
        if len(params) != len(types):
            few = "many" if len(params) > len(types) else "few"
            raise WasmtimeError(
                f"too {few} parameters provided: given {len(params)}, expected {len(types)}"
            )
        arguments = [to_own(*pair) for pair in zip(types, params, strict=True)]
        result = context._run(None, self._func, *arguments)
        if len(self._func.type.results) > 1:
            return [from_own(value) for value in result]
        return from_own(result)


def check_owner(store: Storelike, thing: Any) -> Store:
    """Returns the store, if it is the one that an object of pywasm3 lives in."""
    context = store._context()
    if not context._owns(thing.store):
        raise WasmtimeError("the object belongs to another store")
    return context


class Caller:
    """The instance that calls a host function, and the store, while the call lasts."""

    def __init__(self, store: Store, instance: OwnInstance | None) -> None:
        """Takes the store and the instance. None: the host calls, or a table."""
        self._store: Store | None = store
        self._instance = instance

    def __getitem__(self, name: str) -> AsExtern:
        """Returns an export of the calling instance.

        Raises:
            KeyError: There is no such export, or the call is over.
        """
        found = self.get(name)
        if found is None:
            raise KeyError(f"failed to find export {name}")
        return found

    def get(self, name: str) -> AsExtern | None:
        """Returns an export of the calling instance; None if there is none, or the call is over."""
        from ._externs import extern_of

        name.encode()
        if self._instance is None or name not in self._instance.exports:
            return None
        return extern_of(self._instance.exports[name])

    def _context(self) -> Store:
        if self._store is None:
            raise ValueError("the caller is no longer valid: its call is over")
        return self._store

    def _invalidate(self) -> None:
        self._store = self._instance = None


class _Called:
    """A callable of the program, as pywasm3 calls it."""

    def __init__(
        self, store: Store, type: OwnFuncType, function: Callable[..., Any], access_caller: bool
    ) -> None:
        self.type = type
        self._store = store
        self._function = function
        self._access_caller = access_caller

    def as_import(self) -> Typed:
        """Returns what an instance is given, which passes itself."""
        return Typed(host(pass_instance=True)(self.with_instance), self.type)

    def without_instance(self, *arguments: Any) -> Any:
        return self.with_instance(None, *arguments)

    def with_instance(self, instance: OwnInstance | None, *arguments: Any) -> Any:
        try:
            return self._call(instance, arguments)
        except Exception as error:
            raise HostError(error) from None

    def _call(self, instance: OwnInstance | None, arguments: tuple[Any, ...]) -> Any:
        given = [from_own(argument) for argument in arguments]
        if not self._access_caller:
            return self._results(self._function(*given))
        caller = Caller(self._store, instance)
        try:
            return self._results(self._function(caller, *given))
        finally:
            caller._invalidate()

    def _results(self, returned: Any) -> Any:
        types = self.type.results
        if not types:
            if returned is not None:
                raise WasmtimeError("callback produced results when it shouldn't")
            return None
        if len(types) == 1:
            return to_own(types[0], returned)
        if len(returned) != len(types):
            raise WasmtimeError("callback produced wrong number of results")
        return tuple([to_own(*pair) for pair in zip(types, returned, strict=True)])
