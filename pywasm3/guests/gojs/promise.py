# SPDX-License-Identifier: MIT
"""Promises of JavaScript."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._exposed import exposes
from .budget import SLOT, Budget
from .undefined import UNDEFINED
from .values import JSError, thrown, type_error

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@exposes("then", "catch", **{"finally": "finally_"})
class Promise:
    """A value that will be known later. A guest makes promises, and so do async host functions.

    ``program.wait(promise)`` runs the program until the value is known, and returns it. A coroutine
    that runs while the program runs can await the promise.
    """

    def __init__(self, post: Callable[[Callable[[], None]], None], budget: Budget) -> None:
        """Makes a promise whose handlers are run by `post`, after what is ready now."""
        self._post = post
        self._budget = budget
        self._settled = False
        self._taken = False  # it is settled, or follows another promise
        self._value: Any = UNDEFINED
        self._error: BaseException | None = None
        self._handlers: list[Callable[[], None]] = []

    @property
    def done(self) -> bool:
        """Whether the value or the error is known."""
        return self._settled

    def result(self) -> Any:
        """Returns the value.

        Raises:
            BaseException: The promise was rejected with this exception; with a JSError if the guest
                gave something else.
            RuntimeError: The promise is not settled yet.
        """
        if not self._settled:
            raise RuntimeError("the promise is not settled yet: program.wait(promise) waits for it")
        if self._error is not None:
            raise self._error
        return self._value

    def resolve(self, value: Any = UNDEFINED) -> None:
        """Settles the promise with a value, or lets it follow another promise."""
        if self._taken:
            return
        self._taken = True
        if value is self:
            self._settle(UNDEFINED, type_error("a promise cannot follow itself"))
        elif isinstance(value, Promise):
            value.when_settled(lambda: self._settle(value._value, value._error))
        else:
            self._settle(value, None)

    def reject(self, reason: Any = UNDEFINED) -> None:
        """Settles the promise with an error."""
        if not self._taken:
            self._taken = True
            self._settle(UNDEFINED, thrown(reason))

    def _settle(self, value: Any, error: BaseException | None) -> None:
        self._value, self._error, self._settled = value, error, True
        handlers, self._handlers = self._handlers, []
        for handler in handlers:
            self._budget.give(SLOT)
            self._post(handler)

    def when_settled(self, handler: Callable[[], None]) -> None:
        """Runs a handler when the promise is settled, or soon if it is."""
        if self._settled:
            self._post(handler)
        else:
            self._budget.take(SLOT)
            self._handlers.append(handler)

    def then(self, fulfilled: Any = None, rejected: Any = None, *_: Any) -> Promise:
        """Returns the promise of what one of the two functions will return."""
        following = Promise(self._post, self._budget)

        def run() -> None:
            function = fulfilled if self._error is None else rejected
            if not callable(function):
                following._follow(self)
                return
            argument = self._value if self._error is None else reason(self._error)
            following.settle_by(lambda: function(argument))

        self.when_settled(run)
        return following

    def catch(self, rejected: Any = None, *_: Any) -> Promise:
        """Returns the promise of this value, or of what the function makes of the error."""
        return self.then(None, rejected)

    def finally_(self, function: Any = None, *_: Any) -> Promise:
        """Returns the promise of the same value, after the function has run."""
        following = Promise(self._post, self._budget)

        def run() -> None:
            try:
                if callable(function):
                    function()
            except Exception as error:
                following.reject(error)
            else:
                following._follow(self)

        self.when_settled(run)
        return following

    def _follow(self, other: Promise) -> None:
        self.resolve(other)

    def settle_by(self, function: Callable[[], Any]) -> None:
        """Settles the promise with what a function returns or raises."""
        from ..._errors import WasmError

        try:
            value = function()
        except WasmError:  # the program has ended, or must stop
            raise
        except Exception as error:
            self.reject(error)
        else:
            self.resolve(value)

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        loop = asyncio.get_running_loop()
        known: asyncio.Future[None] = loop.create_future()

        def tell() -> None:
            if not known.done():
                known.set_result(None)

        if not self._settled:
            self.when_settled(lambda: _call_soon(loop, tell))
            yield from known
        return self.result()

    def __repr__(self) -> str:
        """Shows whether the promise is settled."""
        state = "pending" if not self._settled else "rejected" if self._error else "fulfilled"
        return f"<gojs.Promise: {state}>"


def _call_soon(loop: Any, function: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function)


def reason(error: BaseException) -> Any:
    """Returns what handlers of a rejected promise get: the value that was thrown."""
    if isinstance(error, JSError) and error.value is not UNDEFINED:
        return error.value
    return error
