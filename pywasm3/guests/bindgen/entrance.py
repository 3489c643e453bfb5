# SPDX-License-Identifier: MIT
"""How Python calls functions of JavaScript, or of a guest that has values of JavaScript."""

from __future__ import annotations

from threading import RLock

from .._nesting import as_exhausted
from .._one_call import OneCall
from .convert import to_js, to_python, write_back
from .finalization import finalize
from .values import JsError, TypedArray, undefined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..._instance import Instance
    from .realm import Realm


class Entrance:
    """Lets one thread at a time in, and turns arguments and results into those of the other side.

    Attributes:
        realm: The objects of JavaScript.
        instance: The instance of the guest, once there is one.
    """

    def __init__(self, realm: Realm) -> None:
        self.realm = realm
        self.instance: Instance | None = None
        self._lock = RLock()
        self._depth = 0
        self._one_call: OneCall | None = None
        realm.export = lambda value: to_python(self, value)

    def entered(self, function: Callable[[], Any]) -> Any:
        """Calls a function while no other thread uses the JavaScript.

        An error of JavaScript that leaves it gets the attribute `details`.
        """
        with self._lock:
            self._depth += 1
            try:
                return self._in_one_call(function) if self._depth == 1 else function()
            except JsError as error:
                if self._depth == 1:
                    self._describe(error)
                raise
            except RecursionError as error:
                raise as_exhausted(error) from None
            finally:
                self._depth -= 1
                if self._depth == 0:
                    self.realm.drop_tasks()

    def _in_one_call(self, function: Callable[[], Any]) -> Any:
        """Calls a function within one call of the guest's store.

        Limits, deadlines and interrupt() hold for all that it does, also for the tasks that run
        after the guest has returned. Otherwise each task of the guest would have time of its own.
        """
        if self.instance is None or self.instance.closed:
            return function()
        if self._one_call is None:
            self._one_call = OneCall(self.instance.store)
        results: list[Any] = []
        self._one_call.run(lambda: results.append(function()))
        return results[0]

    def _describe(self, error: JsError) -> None:
        named = {key: value for key, value in error.properties.items() if isinstance(key, str)}
        error.details = {key: to_python(self, value) for key, value in named.items()}

    def run(self, function: Callable[[list[Any]], Any], arguments: tuple[Any, ...]) -> Any:
        """Calls a function with arguments of Python, and returns its result as Python has it.

        A promise is waited for: the result is its value. What the guest writes into an argument
        that is a bytearray, or another buffer that can be written, is written there, too.
        """

        def body() -> Any:
            if self._depth == 1:
                finalize(self.realm)
            given = [undefined if a is None else to_js(self, a) for a in arguments]
            result = self.realm.settled(function(given))
            for argument, passed in zip(arguments, given, strict=True):
                if isinstance(passed, TypedArray):
                    write_back(argument, passed)
            if self._depth == 1:
                self.realm.run_tasks()
            return to_python(self, result)

        return self.entered(body)
