# SPDX-License-Identifier: MIT
"""Calls a function of the guest over the columns of dataframes, with the loop in C."""

from __future__ import annotations

from dataclasses import dataclass

from .._errors import add_note, element_of
from .._text import counted
from .._types import f32, f64, i32, i64
from ._records import Failures
from ._uses import Uses, stoppable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .._types import FuncType, ValueType
    from ._guest import Guest
    from ._records import Errors, RecordError
    from ._uses import Per, Stop

ERROR = "error"  # the column that `errors="collect"` adds
# A number's dtype in numpy, and the one in pandas that also has a missing value.
_DTYPES: dict[ValueType, tuple[str, str]] = {
    i32: ("int32", "Int32"),
    i64: ("int64", "Int64"),
    f32: ("float32", "Float32"),
    f64: ("float64", "Float64"),
}


def check_type(function: str, type: FuncType, columns: Sequence[str], out: Sequence[str]) -> None:
    """Checks that a function takes so many numbers and returns so many.

    Raises:
        TypeError: It does not.
    """
    if not type.results or any(one not in _DTYPES for one in (*type.params, *type.results)):
        raise TypeError(f"{function}: {type} has no result, or a value that is not a number")
    if (len(columns), len(out)) != (len(type.params), len(type.results)):
        raise TypeError(
            f"{function}: {type} does not fit {counted(len(columns), 'column')} and "
            f"{counted(len(out), 'result')}"
        )


@dataclass(frozen=True)
class Columns:
    """The work of ``Guest.map_partitions``: a bulk call for each partition.

    Attributes:
        function: The name of the export that is called.
        columns: The names of the columns that are its arguments.
        out: The names of the columns that get its results.
        results: The types of the results.
        per: What the limits hold for.
        errors: What happens to records that fail.
    """

    function: str
    columns: tuple[str, ...]
    out: tuple[str, ...]
    results: tuple[ValueType, ...]
    per: Per
    errors: Errors

    @property
    def __name__(self) -> str:
        """The name of the export, with which Dask begins the names of tasks."""
        return self.function

    def __call__(self, guest: Guest, frame: Any, number: int) -> Any:
        """Returns a partition with the columns of the results."""
        with stoppable() as stop:
            call = _Call(self, guest, frame, number)
            call.run(stop)
        return self._with_results(frame, call.outs, call.failures.by_record)

    def meta(self, frame: Any) -> Any:
        """Returns an empty frame with the columns of the result."""
        import numpy

        empty = [numpy.empty(0, _DTYPES[one][0]) for one in self.results]
        return self._with_results(frame.iloc[:0], empty, {})

    def _with_results(self, frame: Any, outs: Sequence[Any], errors: dict[int, RecordError]) -> Any:
        import numpy
        import pandas

        failed = list(errors)
        if self.errors != "collect":
            frame = frame.assign(**dict(zip(self.out, outs, strict=True)))
            return frame.take(numpy.delete(numpy.arange(len(frame)), failed)) if failed else frame
        if ERROR in frame.columns:
            raise ValueError(f'the dataframe has a column {ERROR!r}, which errors="collect" adds')
        added = {}
        for name, values, type in zip(self.out, outs, self.results, strict=True):
            added[name] = pandas.array(values, dtype=_DTYPES[type][1])
            added[name][failed] = pandas.NA
        added[ERROR] = pandas.array([None] * len(frame), dtype="string")
        added[ERROR][failed] = [str(error) for error in errors.values()]
        return frame.assign(**added)


class _Call:
    """The bulk call over one partition, which goes on behind a record that fails."""

    def __init__(self, work: Columns, guest: Guest, frame: Any, number: int) -> None:
        import numpy

        self._work = work
        self._guest = guest
        self._number = number
        self._size = len(frame)
        self._arrays = [frame[name].to_numpy() for name in work.columns]
        self.outs = [numpy.zeros(self._size, _DTYPES[one][0]) for one in work.results]
        self.failures = Failures(number, work.errors)

    def run(self, stop: Stop) -> None:
        """Makes the calls for all records."""
        step = 1 if self._work.per == "record" else self._size
        with Uses(self._guest, self._work.per, stop) as uses:
            start = 0
            while start < self._size:
                start = self._some(uses, start, min(start + step, self._size))

    def _some(self, uses: Uses, start: int, end: int) -> int:
        """Makes the calls from one record to another, and returns the first that has none yet."""
        if uses.exhausted is not None:
            self.failures.add(start, uses.exhausted)
            return start + 1
        function = uses.instance().exports[self._work.function]
        outs = tuple([out[start:end] for out in self.outs])
        arrays = [array[start:end] for array in self._arrays]
        try:
            function.map(*arrays, out=outs[0] if len(outs) == 1 else outs)
        except Exception as error:
            element = element_of(error)
            uses.failed(error)
            if element is None:  # the columns do not fit the function
                add_note(error, f"in partition {self._number:,}, columns {self._work.columns}")
                raise
            self.failures.add(start + element, error)
            return start + element + 1
        uses.done()
        return end
