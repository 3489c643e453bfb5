# SPDX-License-Identifier: MIT
"""`Clock` times one statement of the benchmarks: loops, warm-up, checks of the result.

The statement is often a sleep of known length, so that lower bounds can be asserted.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from pywasm3.bench import clock
from pywasm3.bench.clock import Clock, Work

SECONDS = 0.01


def fine(result: Any) -> None:
    """Accepts any result."""


def sleeping() -> Work:
    return Work("f(s)", {"f": time.sleep, "s": SECONDS / 5})


def test_a_loop_is_as_long_as_asked() -> None:
    found = Clock(sleeping(), fine).calibrate(SECONDS, warmup=0)
    assert found.seconds >= SECONDS
    assert found.first is None


def test_a_value_is_the_time_of_one_turn() -> None:
    """A value is the time of one execution, divided by the turns that the statement makes."""
    per = 10
    assert Clock(sleeping(), fine, per).value(3) >= SECONDS / 5 * 1e9 / per


def test_loops_are_limited_where_they_must_be() -> None:
    found = Clock(Work("None", {}), fine, most=7).calibrate(1000.0, warmup=1000.0)
    assert found.loops == 7


def test_a_slow_statement_runs_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "SLOW_SECONDS", 0.0)
    calls: list[None] = []
    found = Clock(Work("f(None)", {"f": calls.append}), fine).calibrate(SECONDS, warmup=0)
    assert len(calls) == found.loops == 1
    assert found.first == pytest.approx(found.seconds * 1e9)


def test_the_result_is_checked_before_anything_is_timed() -> None:
    def wrong(result: Any) -> None:
        raise ValueError(result)

    calls: list[int] = []

    def once() -> int:
        calls.append(1)
        return 5

    with pytest.raises(ValueError, match="5"):
        Clock(Work("f()", {"f": once}), wrong).calibrate(SECONDS, warmup=0)
    assert calls == [1]


def test_a_statement_that_is_no_expression_has_no_result() -> None:
    array = bytearray(2)
    assert Work("a[0:2] = d", {"a": array, "d": b"xy"}).execute() is None
    assert array == b"xy"


def test_a_statement_with_a_figure_of_its_own_is_not_timed() -> None:
    measure = Clock(Work("", {}, lambda: 1.5), fine)
    assert measure.calibrate(SECONDS, warmup=0).loops == 1
    assert measure.value(1) == 1.5
