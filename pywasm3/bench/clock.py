# SPDX-License-Identifier: MIT
"""How one statement is timed: checked, calibrated, warmed up, then one value at a time.

With the care of pyperf, in a process that stays: so the peers can take turns, which processes that
each measure one benchmark to its end cannot.
"""

from __future__ import annotations

import dataclasses
import gc
import time
import timeit
from collections.abc import Callable, Mapping
from typing import Any

SLOW_SECONDS = 0.5  # for one execution: then that is a value, and nothing is calibrated


@dataclasses.dataclass(frozen=True)
class Work:
    """A statement, and the names in it; `figure` instead, where time is not what is asked for."""

    statement: str
    names: Mapping[str, Any]
    figure: Callable[[], float] | None = None

    def function(self) -> Callable[[], Any]:
        """The statement, an expression, as a function without parameters."""
        function: Callable[[], Any] = eval(f"lambda: {self.statement}", dict(self.names))
        return function

    def execute(self) -> Any:
        """Runs the statement once; its result, None if it is no expression."""
        try:
            code = compile(self.statement, "<row>", "eval")
        except SyntaxError:
            exec(self.statement, dict(self.names))
            return None
        return eval(code, dict(self.names))


@dataclasses.dataclass(frozen=True)
class Calibrated:
    """How often a statement runs under one reading of the clock; `first`: a value already had."""

    loops: int
    seconds: float
    first: float | None = None


class Clock:
    """Times the work of one row.

    Args:
        work: What is executed.
        check: Raises when its result is wrong.
        per: What one execution counts for.
        most: Loops under one reading of the clock, at most; 0: as many as fill the time.
    """

    def __init__(
        self, work: Work, check: Callable[[Any], None], per: int = 1, most: int = 0
    ) -> None:
        self._most = most
        self._work = work
        self._check = check
        self._per = per
        # The names become local variables of the loop: the cheapest there are.
        setup = "; ".join(f"{name} = given_{name}" for name in work.names) or "pass"
        given = {f"given_{name}": value for name, value in work.names.items()}
        self._timer = timeit.Timer(work.statement, setup, globals=given)

    def calibrate(self, seconds: float, warmup: float) -> Calibrated:
        """Checks the result, finds a number of loops that takes so long, and warms up."""
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
            # Not more than tenfold: the first turns say little about the later ones.
            estimate = int(1.1 * loops * seconds / took) if took > 0 else 10 * loops
            loops = max(loops + 1, min(10 * loops, estimate))
            loops = min(loops, self._most or loops)
            took = self._timer.timeit(loops)
        end = time.perf_counter() + (0 if self._most else warmup)
        while time.perf_counter() < end:
            took = self._timer.timeit(loops)
        return Calibrated(loops, took)

    def value(self, loops: int) -> float:
        """One value, in the unit of the row."""
        gc.collect()
        if self._work.figure is not None:
            return self._work.figure()
        return self._nanoseconds(self._timer.timeit(loops) / loops)

    def _nanoseconds(self, seconds: float) -> float:
        return seconds * 1e9 / self._per
