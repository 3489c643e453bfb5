# SPDX-License-Identifier: MIT
"""Times contestants that take turns in one process, and reports bars. Several benchmarks use it."""

import math
import time
from collections.abc import Callable, Sequence

Run = Callable[[int], object]  # A function that does its work as often as is asked for.

SECONDS = 2e-3  # About how long a contestant runs in each round.


def once(work: Callable[[], object]) -> float:
    """Returns how long a work takes when it is done once, in seconds."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def seconds(run: Run, times: int) -> float:
    """Returns how long a contestant takes for its work, done once, if it does it several times."""
    begin = time.perf_counter()
    run(times)
    return (time.perf_counter() - begin) / times


def times_for(run: Run) -> int:
    """Returns how often a contestant does its work in each round."""
    return max(1, round(SECONDS / min(seconds(run, 10) for _ in range(5))))


def race(runs: Sequence[Run], times: Sequence[int], rounds: int) -> list[float]:
    """Returns the least time of each contestant for doing its work once, in seconds.

    Each round visits all contestants, so that each sees the good and bad moments of the whole run.
    """
    least = [math.inf] * len(runs)
    for _ in range(rounds):
        for i, run in enumerate(runs):
            least[i] = min(least[i], seconds(run, times[i]))
    return least


def judge(bars: Sequence[tuple[bool, str]]) -> int:
    """Prints a line for each bar: whether it is met, and a text. Returns 1 if one is missed."""
    for passed, text in bars:
        print(f"{'pass' if passed else 'FAIL'}: {text}")
    return int(not all(passed for passed, _ in bars))
