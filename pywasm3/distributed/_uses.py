# SPDX-License-Identifier: MIT
"""Gives the work on a partition its instances, one after the other, within the limits."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, ExitStack, nullcontext
from threading import Lock
from time import monotonic

from .._errors import DeadlineExceeded, OutOfFuel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any, Literal, TypeAlias

    from typing_extensions import Self

    from .._instance import Instance
    from ._guest import Guest

    Per: TypeAlias = Literal["partition", "record"]

PER = ("partition", "record")


class Stop:
    """Lets another thread end the work on a partition.

    Attributes:
        error: What the work ends with, or None while it may go on.
    """

    def __init__(self) -> None:
        self.error: Exception | None = None
        self._instance: Instance[Any] | None = None
        # Another task may use the instance next, and its calls must not be stopped.
        self._lock = Lock()

    def begin(self, instance: Instance[Any] | None) -> None:
        """Notes the instance that works from now on, if any."""
        with self._lock:
            self._instance = instance

    def check(self) -> None:
        """Raises the error, if there is one."""
        if self.error is not None:
            raise self.error

    def request(self, error: Exception) -> None:
        """Stops the call that is running, if any.

        A call that is about to begin is missed, so this is called until the work has ended.
        """
        self.error = error
        with self._lock:
            if self._instance is not None:
                self._instance.interrupt()


def stoppable() -> AbstractContextManager[Stop]:
    """Returns a context whose work ends when the task of Dask in which it runs is cancelled."""
    if "distributed" not in sys.modules:
        return nullcontext(Stop())
    from ._cancelling import watched

    return watched(Stop())


class Uses:
    """Uses a guest's pool for the records of one partition.

    With ``per="partition"``, an instance serves all records until one fails: then a new instance
    goes on with the fuel and the time that are left. With ``per="record"``, each record begins with
    a new state, all the fuel and all the time.

    Attributes:
        exhausted: The error with which the partition's fuel or time ended; None if some is left.
    """

    def __init__(self, guest: Guest, per: Per, stop: Stop) -> None:
        self._guest = guest
        self._per_record = per == "record"
        self._stop = stop
        self._fuel: int | None = None
        self._end: float | None = None
        self._context: ExitStack | None = None
        self._instance: Instance[Any] | None = None
        self.exhausted: Exception | None = None

    def instance(self) -> Instance[Any]:
        """Returns the instance for the next call.

        What this raises is not the fault of a record: an instance could not be made, or the work
        is to stop.
        """
        self._stop.check()
        return self._begin() if self._instance is None else self._instance

    def _begin(self) -> Instance[Any]:
        context = ExitStack()
        with context:
            instance = context.enter_context(self._guest.instance())
            self._limit(instance, context)
            self._stop.begin(instance)
            self._instance = instance
            self._context = context.pop_all()
        return instance

    def _limit(self, instance: Instance[Any], context: ExitStack) -> None:
        """Gives an instance the fuel and the time that its partition has left."""
        if self._per_record:
            return
        if self._fuel is not None:
            instance.fuel = self._fuel
        limits = self._guest.limits
        if limits is not None and limits.timeout is not None:
            if self._end is None:
                self._end = monotonic() + limits.timeout
            context.enter_context(instance.deadline(max(0.0, self._end - monotonic())))

    def _finish(self, error: BaseException | None) -> None:
        context, self._context = self._context, None
        instance, self._instance = self._instance, None
        if context is None or instance is None:
            return
        if not instance.closed:  # a host function may have closed it
            self._fuel = instance.fuel
        self._stop.begin(None)
        context.__exit__(type(error) if error else None, error, None)

    def done(self) -> None:
        """Says that a record is finished."""
        if self._per_record:
            self._finish(None)

    def failed(self, error: Exception) -> None:
        """Says that a record has failed: the next one gets an instance without its traces."""
        self._finish(error)
        self._stop.check()
        if not self._per_record and isinstance(error, (OutOfFuel, DeadlineExceeded)):
            self.exhausted = error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._finish(exc)
