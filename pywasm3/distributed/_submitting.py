# SPDX-License-Identifier: MIT
"""Hands work to whatever does it: collections and futures of Dask, or executors."""

from __future__ import annotations

from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ._columns import Columns
    from ._guest import Guest

    class Work(Protocol):
        """The work on a partition. Dask begins the names of tasks with its name."""

        @property
        def __name__(self) -> str: ...
        def __call__(self, guest: Guest, partition: Any, number: int, /) -> Any: ...


def over_partitions(
    guest: Guest, work: Work, source: Any, executor: Any, options: dict[str, Any]
) -> Any:
    """Does the work of each partition of a Bag, a Delayed, a future, a list, or an iterable."""
    if executor is not None:
        return _by_executor(guest, work, source, executor, options)
    if _is_of_dask(source, "Bag"):
        _refuse(options)
        return _over_bag(guest, work, source)
    if isinstance(source, (list, tuple)):
        return [_over_one(guest, work, one, number, options) for number, one in enumerate(source)]
    return _over_one(guest, work, source, 0, options)


@dataclass(frozen=True)
class _Single:
    """The work on a partition that is a single record; the result is that of the record."""

    work: Work

    @property
    def __name__(self) -> str:
        return self.work.__name__

    def __call__(self, guest: Guest, record: Any, number: int) -> Any:
        results = self.work(guest, (record,), number)
        return results[0] if results else None


def over_records(
    guest: Guest, work: Work, source: Any, executor: Any, options: dict[str, Any]
) -> Any:
    """Does the same if each value is a record. A Bag has partitions of them."""
    if executor is not None or not _is_of_dask(source, "Bag"):
        work = _Single(work)
    return over_partitions(guest, work, source, executor, options)


def over_frames(
    guest: Guest, work: Columns, source: Any, executor: Any, options: dict[str, Any]
) -> Any:
    """Does the work of each partition of a dataframe, or of each dataframe of an iterable."""
    if executor is not None:
        return _by_executor(guest, work, source, executor, options)
    _refuse(options)
    if not _is_of_dask(source, "DataFrame"):
        return work(guest, source, 0)
    meta = work.meta(source._meta)
    return source.map_partitions(_on_frame, work, _delayed(guest), meta=meta)


# ---- collections and futures of Dask ----


def _is_of_dask(value: object, name: str) -> bool:
    """Returns whether a value is of a class of Dask with this name, without importing Dask."""
    return any(
        one.__name__ == name and one.__module__.partition(".")[0] in ("dask", "distributed")
        for one in type(value).__mro__
    )


def _delayed(guest: Guest) -> Any:
    """Returns the guest as a task of its own, on which all tasks that need it depend."""
    from dask.delayed import delayed

    return delayed(guest, name=f"pywasm3-guest-{guest.digest.hex()}", traverse=False)


def _over_bag(guest: Guest, work: Work, source: Any) -> Any:
    from dask import bag

    count = source.npartitions
    numbers = bag.from_sequence(range(count), npartitions=count)
    return source.map_partitions(_on_bag, numbers, guest=_delayed(guest), work=work)


def _on_bag(partition: Any, numbers: Any, *, guest: Guest, work: Work) -> Any:
    (number,) = numbers
    return work(guest, partition, number)


def _on_frame(
    frame: Any, work: Columns, guest: Guest, *, partition_info: dict[str, Any] | None = None
) -> Any:
    """Does the work of a partition, whose index Dask gives by the name of the parameter."""
    return work(guest, frame, partition_info["number"] if partition_info else 0)


def _over_one(guest: Guest, work: Work, source: Any, number: int, options: dict[str, Any]) -> Any:
    """Does the work of one Delayed or future."""
    if _is_of_dask(source, "Future"):
        client = source.client
        return client.submit(work, guest._for_client(client), source, number, **options)
    if _is_of_dask(source, "Delayed"):
        from dask.delayed import delayed

        _refuse(options)
        return delayed(work)(_delayed(guest), source, number)
    raise TypeError(
        f"expected a Bag, Delayed objects or futures of Dask, not {type(source).__name__}; "
        "for an iterable, give executor="
    )


# ---- executors ----


def _by_executor(
    guest: Guest, work: Work, source: Any, executor: Any, options: dict[str, Any]
) -> list[Any]:
    """Submits the work of each partition, and returns the futures in the same order."""
    if _is_of_dask(executor, "Client"):
        sent = guest._for_client(executor)
    elif not isinstance(executor, Executor):
        name = type(executor).__name__
        raise TypeError(f"executor must be a concurrent.futures.Executor or a Client, not {name}")
    else:
        _refuse(options)
        of_processes = isinstance(executor, ProcessPoolExecutor)
        sent = guest._for_processes() if of_processes else guest
    return [
        executor.submit(work, sent, partition, number, **options)
        for number, partition in enumerate(source)
    ]


def _refuse(options: dict[str, Any]) -> None:
    if options:
        names = ", ".join(sorted(options))
        raise TypeError(f"{names}: only futures and a Client of Dask take options")
