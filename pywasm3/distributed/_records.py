# SPDX-License-Identifier: MIT
"""Calls a function of the guest once for each record of a partition."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

from .._errors import WasmError
from ._uses import Uses, stoppable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, Literal, TypeAlias

    from .._instance import Instance
    from ._guest import Guest
    from ._uses import Per

    Errors: TypeAlias = Literal["raise", "collect", "drop"]

ERRORS = ("raise", "collect", "drop")


class RecordError(WasmError):
    """A record that the guest did not finish.

    What to do: https://pywasm3.github.io/pywasm3-cffi/errors/#recorderror

    Attributes:
        partition: The index of the partition.
        record: The index of the record in its partition.
        error: What happened: a Trap, a WasmException, what a host function raised, or what Python
            raises for a record that does not fit the function. If that cannot be pickled, it is a
            WasmError with the same text.
    """

    def __init__(self, partition: int, record: int, error: Exception) -> None:
        """Takes the place of the record, and the error, which becomes the ``__cause__``."""
        super().__init__(partition, record, error)
        self.partition = partition
        self.record = record
        self.error = error
        self.__cause__ = error

    def __str__(self) -> str:
        """Returns the place, and the text of the error after its class."""
        name = type(self.error).__name__
        return f"partition {self.partition:,}, record {self.record:,}: {name}: {self.error}"

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the place and the error, in a form that every process can read."""
        return type(self), (self.partition, self.record, _portable(self.error))


def _portable(error: Exception) -> Exception:
    """Returns the error itself, or a WasmError with its text if it does not survive a pickle."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return WasmError(f"{type(error).__name__}: {error}")
    return error


class Failures:
    """The records of a partition that have failed.

    Attributes:
        by_record: The error of each record that failed.
    """

    def __init__(self, partition: int, errors: Errors) -> None:
        self._partition = partition
        self._errors = errors
        self.by_record: dict[int, RecordError] = {}

    def add(self, record: int, error: Exception) -> None:
        """Notes the error of a record, or raises it, as was chosen."""
        failure = RecordError(self._partition, record, error)
        if self._errors == "raise":
            raise failure
        self.by_record[record] = failure


def each(
    guest: Guest,
    partition: Iterable[Any],
    number: int,
    *,
    per: Per,
    errors: Errors,
    do: Callable[[Instance[Any], Any], Any],
) -> list[Any]:
    """Does the work of each record of a partition, and returns the results in their order.

    Args:
        guest: Whose instances do it.
        partition: The records.
        number: The index of the partition.
        per: What the limits hold for.
        errors: What happens to records that fail.
        do: Does the work of a record with an instance, and returns the result.
    """
    failures = Failures(number, errors)
    results = []
    with stoppable() as stop, Uses(guest, per, stop) as uses:
        for index, record in enumerate(partition):
            error = uses.exhausted
            if error is None:
                instance = uses.instance()
                try:
                    results.append(do(instance, record))
                except Exception as raised:
                    uses.failed(raised)
                    error = raised
                else:
                    uses.done()
                    continue
            failures.add(index, error)
            if errors == "collect":
                results.append(failures.by_record[index])
    return results


@dataclass(frozen=True)
class Records:
    """The work of ``Guest.map``: a call for each record.

    Attributes:
        function: The name of the export that is called.
        per: What the limits hold for.
        errors: What happens to records that fail.
    """

    function: str
    per: Per
    errors: Errors

    @property
    def __name__(self) -> str:
        """The name of the export, with which Dask begins the names of tasks."""
        return self.function

    def __call__(self, guest: Guest, partition: Iterable[Any], number: int) -> list[Any]:
        """Returns the results of a partition's records, in their order."""
        return each(guest, partition, number, per=self.per, errors=self.errors, do=self._call)

    def _call(self, instance: Instance[Any], record: Any) -> Any:
        arguments = record if isinstance(record, tuple) else (record,)
        return instance.exports[self.function](*arguments)
