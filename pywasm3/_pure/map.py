# SPDX-License-Identifier: MIT
"""Function.map: one call per element of arrays. The engine runs the loop over the columns."""

from __future__ import annotations

from .._ffi import ffi, lib
from . import stopping
from .columns import Site, Source, is_array, open_source, overlap, same_places, scalar
from .fail import fail
from .hooks import hooks
from .numbers import F32, I32, I64, V128, kind_of
from .turns import enter, leave, turn_depth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .function import Function

_TYPECODES = {I32: "iI", I64: "qQ", F32: "fI", lib.PW_F64: "dQ"}


class _Mapping:
    """The columns of one map."""

    def __init__(self, function: Function) -> None:
        self.function = function
        self.name = function._label
        self.params = tuple(map(kind_of, function._known.params))
        self.results = tuple(map(kind_of, function._known.results))
        self.inputs: list[Source] = []
        self.outputs: list[Source] = []
        self.count = -1
        self.measured = Site(self.name, "", -1)  # the array whose length is the count

    # ---- checks ----

    def check(self, given: int) -> None:
        """Checks the number of the arguments, and that there are no references."""
        known = self.function._known
        for what, kinds in (("parameter", self.params), ("result", self.results)):
            for index, kind in enumerate(kinds):
                if kind < V128:
                    raise TypeError(
                        f"{self.name}: map() is for numbers and vectors, but {what} {index} is a "
                        f"reference: {known.type}"
                    )
        count = len(self.params)
        if given != count:
            raise TypeError(
                f"{self.name}.map() takes {count} argument{'' if count == 1 else 's'} but {given} "
                f"{'was' if given == 1 else 'were'} given"
            )

    def _take_length(self, source: Source, site: Site) -> None:
        if self.count < 0:
            self.count, self.measured = source.length, site
        if source.length != self.count:
            plural = "" if source.length == 1 else "s"
            raise ValueError(
                f"{self.name}: {site} has {source.length} element{plural}, and {self.measured} has "
                f"{self.count}"
            )

    # ---- columns ----

    def take_input(self, index: int, value: Any) -> None:
        """Opens an argument."""
        kind, site, raw = self.params[index], Site(self.name, "parameter", index), self._raw
        if not is_array(value, kind):
            self.inputs.append(scalar(value, kind, raw, site))
            return
        source = open_source(value, False, kind, raw, site)
        self.inputs.append(source)
        self._take_length(source, site)

    def _take_output(self, index: int, value: Any) -> None:
        site = Site(self.name, "out", -1 if len(self.results) == 1 else index)
        source = open_source(value, True, self.results[index], self._raw, site)
        self.outputs.append(source)
        self._take_length(source, site)

    @property
    def _raw(self) -> bool:
        return self.function._raw

    def take_outputs(self, out: Any) -> None:
        """Opens `out`: one buffer, or a tuple of buffers if the function has several results."""
        count = len(self.results)
        if count == 0:
            raise TypeError(
                f"{self.name}: there are no results for out, because the function returns none"
            )
        if count == 1:
            self._take_output(0, out)
            return
        if not isinstance(out, tuple) or len(out) != count:
            raise TypeError(f"{self.name}: out must be a tuple of {count} buffers")
        for index, value in enumerate(out):
            self._take_output(index, value)

    def new_results(self, arguments: tuple[Any, ...]) -> Any:
        """Makes the arrays for the results, and opens them."""
        made = []
        for index, kind in enumerate(self.results):
            code = "v128" if kind == V128 else _TYPECODES[kind][self._raw]
            array = hooks.array(arguments, code, self.count)
            self._take_output(index, array)
            made.append(array)
        return tuple(made) if len(made) > 1 else made[0] if made else None

    def separate(self) -> None:
        """Makes sure that results overlap neither each other nor inputs still to be read."""
        for i, output in enumerate(self.outputs):
            for j, other in enumerate(self.outputs[:i]):
                if overlap(output, other):
                    raise ValueError(f"{self.name}: out {j} and out {i} overlap")
        for source in self.inputs:
            if source.view is not None and any(
                overlap(source, output) and not same_places(source, output)
                for output in self.outputs
            ):
                source.copy()

    # ---- the calls ----

    def run(self) -> None:
        """Makes the calls."""
        sources = [*self.inputs, *self.outputs]
        columns = ffi.new("pw_column[]", max(len(sources), 1))
        for column, source in zip(columns, sources, strict=False):
            column.start, column.stride = source.start, source.stride
            column.reading, column.conversion = source.reading, source.conversion
        job = ffi.new("pw_map_job *", {"columns": columns, "count": self.count})
        function, store = self.function, self.function._store
        callee = ffi.addressof(function._entry, "callee")
        depth = turn_depth(store._turn)
        trap = 0
        try:
            enter(store)
            if function._entry.freed[0]:
                raise hooks.closed("the instance of the function is freed")
            trap = stopping.run(store, lib.pw_call_map, callee, job)
            if trap:
                of_host = turn_depth(store._turn) in store._raised
                try:
                    fail(function, trap, depth)
                except BaseException as error:
                    hooks.element(error, int(job.done), not of_host)
                    raise
        finally:
            leave(store, depth)

    def close(self) -> None:
        """Releases all buffers."""
        for source in (*self.inputs, *self.outputs):
            source.close()


def map_function(function: Function, arrays: tuple[Any, ...], out: Any) -> Any:
    """Calls a function once for each element of arrays: see Function.map."""
    mapping = _Mapping(function)
    mapping.check(len(arrays))
    results = out
    try:
        for index, value in enumerate(arrays):
            mapping.take_input(index, value)
        if out is not None:
            mapping.take_outputs(out)
        if mapping.count < 0:
            raise TypeError(
                f"{mapping.name}.map() takes at least one array, whose length is the number of "
                "calls"
            )
        if out is None:
            results = mapping.new_results(arrays)
        mapping.separate()
        mapping.run()
    finally:
        mapping.close()
    return results
