# SPDX-License-Identifier: MIT
"""How the host of a guest does all that one call from Python needs within one call of the store."""

from __future__ import annotations

from contextlib import contextmanager

from .._host_function import host_function
from .._types import FuncType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .._ffi import Store


def _nothing() -> None:
    """Is what there is to do before the first call."""


class OneCall:
    """A function of the host in a guest's store, which does other work each time.

    Limits, deadlines and interrupt() hold for the work as a whole, also while the host waits or
    calls the guest again.
    """

    __slots__ = ("_function", "_work")

    def __init__(self, store: Store) -> None:
        """Makes the function in the store."""
        self._work: Callable[[], object] = _nothing
        self._function = host_function(FuncType(), lambda: self._do(), store=store)

    def _do(self) -> None:
        self._work()

    @contextmanager
    def _doing(self, work: Callable[[], object]) -> Iterator[None]:
        self._work = work
        try:
            yield
        finally:
            self._work = _nothing

    def run(self, work: Callable[[], object]) -> None:
        """Does some work in a call. Its errors, and the traps of the call, are raised."""
        with self._doing(work):
            self._function()

    async def run_async(self, work: Callable[[], object]) -> None:
        """Does some work in a call on another thread, where host functions may be async."""
        with self._doing(work):
            await self._function.aio()
