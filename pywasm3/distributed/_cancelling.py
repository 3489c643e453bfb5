# SPDX-License-Identifier: MIT
"""Stops a guest when the task of Dask in which it runs is no longer wanted.

Dask cannot stop a thread: it forgets a task that was cancelled, and lets its function run to the
end. A plugin of the worker hears of that, and interrupts the guest.
"""

from __future__ import annotations

from contextlib import contextmanager

from distributed import Reschedule, get_worker
from distributed.diagnostics.plugin import WorkerPlugin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ._uses import Stop

_NAME = "pywasm3.distributed"
_AGAIN = 0.01  # seconds


class _Cancelling(WorkerPlugin):  # type: ignore[misc]  # distributed has no types
    """Stops the work of tasks that their worker has released."""

    name = _NAME

    def __init__(self, worker: Any) -> None:
        self._worker = worker
        self._stops: dict[Any, Stop] = {}

    def watch(self, key: Any, stop: Stop) -> None:
        """Begins to watch a task, which may have been released already."""
        self._stops[key] = stop
        self._look(key)

    def forget(self, key: Any) -> None:
        """Ends watching a task."""
        self._stops.pop(key, None)

    def _look(self, key: Any) -> None:
        task = self._worker.state.tasks.get(key)
        if task is None or task.state in ("cancelled", "released", "forgotten"):
            self._stop(key)

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Hears from the worker that the state of a task has changed."""
        if finish in ("released", "forgotten") and key in self._stops:
            self._look(key)

    def _stop(self, key: Any) -> None:
        """Stops the work of a task, again and again until it ends.

        Its error asks for the task to be run again. Dask ignores this for a task that is not
        wanted. If somebody has asked for the same task meanwhile, Dask waits for the work that is
        running, which would otherwise fail here for no fault of its own.
        """
        stop = self._stops.get(key)
        if stop is not None:
            stop.request(Reschedule())
            self._worker.loop.call_later(_AGAIN, self._stop, key)


def _watch(worker: Any, key: Any, stop: Stop) -> None:
    if _NAME not in worker.plugins:
        worker.plugins[_NAME] = _Cancelling(worker)
    worker.plugins[_NAME].watch(key, stop)


def _forget(worker: Any, key: Any) -> None:
    if _NAME in worker.plugins:
        worker.plugins[_NAME].forget(key)


@contextmanager
def watched(stop: Stop) -> Iterator[Stop]:
    """Returns a context in which `stop` is requested when the current task is cancelled."""
    try:
        worker = get_worker()
        key = worker.get_current_task()
    except (KeyError, ValueError):  # this thread runs no task of a worker
        yield stop
        return
    # The loop's thread reads the plugins at any time, so it must be the one that adds to them.
    worker.loop.add_callback(_watch, worker, key, stop)
    try:
        yield stop
    finally:
        worker.loop.add_callback(_forget, worker, key)
