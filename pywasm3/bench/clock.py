# SPDX-License-Identifier: MIT
"""Times one statement: checks its result, finds the number of loops, warms up, and takes values.

It takes the same care as pyperf, but its process stays alive between values. So the peers can take
turns, while pyperf measures one benchmark to its end before it begins the next.
"""

from __future__ import annotations

import dataclasses
import gc
import time
import timeit
from collections.abc import Callable, Mapping
from typing import Any

SLOW_SECONDS = 0.5  # If one execution takes longer, its time is a value and nothing is calibrated.


@dataclasses.dataclass(frozen=True)
class Work:
    """A statement and the names in it.

    If something other than time is measured, `figure` returns the value, and nothing is timed.
    """

    statement: str
    names: Mapping[str, Any]
    figure: Callable[[], float] | None = None

    def function(self) -> Callable[[], Any]:
        """Returns a function without parameters that evaluates the statement, an expression."""
        function: Callable[[], Any] = eval(f"lambda: {self.statement}", dict(self.names))
        return function

    def execute(self) -> Any:
        """Runs the statement once and returns its result, or None if it is not an expression."""
        try:
            code = compile(self.statement, "<row>", "eval")
        except SyntaxError:
            exec(self.statement, dict(self.names))
            return None
        return eval(code, dict(self.names))


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """The number of executions for one value, and the seconds that they take.

    If one execution was slow, its time is already a value: `first`.
    """

    loops: int
    seconds: float
    first: float | None = None


class Clock:
    """Times the work of one row.

    Args:
        work: The statement to time.
        check: A function that raises an exception if the result of the statement is wrong.
        per: How many operations one execution does; a value is the time of one of them.
        most: The largest number of loops for one value; with 0, as many as fill the time.
    """

    def __init__(
        self, work: Work, check: Callable[[Any], None], per: int = 1, most: int = 0
    ) -> None:
        self._most = most
        self._work = work
        self._check = check
        self._per = per
        # The names become local variables of the timed function, because those are the fastest.
        setup = "; ".join(f"{name} = given_{name}" for name in work.names) or "pass"
        given = {f"given_{name}": value for name, value in work.names.items()}
        self._timer = timeit.Timer(work.statement, setup, globals=given)

    def calibrate(self, seconds: float, warmup: float) -> Calibrated:
        """Checks the result, finds how many loops take the given seconds, and warms up."""
        if self._work.figure is not None:
            return Calibrated(1, 0.0)
        before = time.perf_counter()
        result = self._work.execute()
        once = time.perf_counter() - before
        self._check(result)
        if once > SLOW_SECONDS:
            return Calibrated(1, once, self._nanoseconds(once))
        loops, took = 1, self._timer.timeit(1)
        while took < seconds and loops != self._most:
            # The number grows at most tenfold, because the first loops say little about later ones.
            estimate = int(1.1 * loops * seconds / took) if took > 0 else 10 * loops
            loops = max(loops + 1, min(10 * loops, estimate))
            loops = min(loops, self._most or loops)
            took = self._timer.timeit(loops)
        end = time.perf_counter() + (0 if self._most else warmup)
        while time.perf_counter() < end:
            took = self._timer.timeit(loops)
        return Calibrated(loops, took)

    def value(self, loops: int) -> float:
        """Takes one value, in the unit of the row."""
        gc.collect()
        if self._work.figure is not None:
            return self._work.figure()
        return self._nanoseconds(self._timer.timeit(loops) / loops)

    def _nanoseconds(self, seconds: float) -> float:
        return seconds * 1e9 / self._per
