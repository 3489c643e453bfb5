# SPDX-License-Identifier: MIT
"""Runs of the benchmarks become tables, figures, pictures and comparisons.

Most runs are made up here (`made`), so the expected figures are computed by hand.
"""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread
from rich.console import Console

from pywasm3.bench import compare, figures, first, report, terminal
from pywasm3.bench.plot import plot
from pywasm3.bench.rows import GROUPS, REAL

Run = dict[str, Any]
TITLES = [title for group, title in GROUPS.items() if not group.startswith(REAL)]


def made(**rows: dict[str, Any]) -> Run:
    """A made-up run. For each row it is given the cells by peer; a list holds measured values."""
    names = list(dict.fromkeys(name for cells in rows.values() for name in cells))
    return {
        "schema": 1,
        "machine": {"processor": "one", "system": "two", "python": "three"},
        "load_average": 0.0,
        "settings": {"rounds": 3, "fresh_rounds": 1, "seconds": 0.01},
        "peers": [
            {
                "name": name,
                "title": name,
                "floor": name == "python",
                "note": "",
                "installed": True,
                "version": "1",
            }
            for name in names
        ],
        "rows": [
            {
                "id": id.replace("_", "/"),
                "group": id.partition("_")[0],
                "title": f"the row {id}",
                "unit": "ns",
                "plotted": True,
                "cells": {
                    name: {"loops": 1, "values": cell} if isinstance(cell, list) else cell
                    for name, cell in cells.items()
                },
            }
            for id, cells in rows.items()
        ],
    }


@pytest.mark.parametrize(
    ("figure", "unit", "text"),
    [
        (36.94, "ns", "36.9 ns"),
        (1234.0, "ns", "1.23 us"),
        (2.5e9, "ns", "2.50 s"),
        (0.5, "ns", "0.50 ns"),
        (999.4, "ns", "999 ns"),
        (999.6, "ns", "1.00 us"),
        (99.96, "ns", "100 ns"),
        (9.996, "ns", "10.0 ns"),
        (999_600.0, "ns", "1.00 ms"),
        (-62_500.0, "B", "-62.5 KB"),
        (0.0, "B", "0.00 B"),
        (62_500.0, "B", "62.5 KB"),
        (1.5, "x", "1.50 x"),
        (None, "ns", ""),
    ],
)
def test_figures_have_three_digits_and_a_unit(figure: float, unit: str, text: str) -> None:
    assert figures.figure_text(figure, unit) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [(28.5, "35.1M/s"), (1000.4, "1.00M/s"), (0.5, "2.00G/s"), (2e9, "0.50/s")],
)
def test_rates_have_three_digits_and_a_unit(nanoseconds: float, text: str) -> None:
    assert figures.rate_text(nanoseconds) == text


def test_a_time_is_the_least_and_its_range_ends_at_the_lower_quartile() -> None:
    found = figures.summary([110, 105, 100, 95, 90], "ns")
    assert (found.figure, found.low, found.high) == (90, 90, 95)
    assert found.spread == pytest.approx(5 / 90)
    assert figures.summary([7], "ns") == figures.Summary(7, 7, 7)


def test_a_ratio_is_the_median_between_the_quartiles() -> None:
    found = figures.summary([1.0, 1.5, 2.0, 2.5, 3.0], "x")
    assert (found.figure, found.low, found.high) == (2.0, 1.5, 2.5)


def test_a_table_has_figures_with_their_spread_failures_and_gaps() -> None:
    run = made(
        calls_none={
            "pywasm3": [100, 110, 120, 120, 120],
            "a": {"failed": "x"},
            "b": {"cannot": "y"},
        }
    )
    text = report.markdown(run)
    assert "100 ns +10%" in text
    assert "**failed**" in text
    assert "- a: x (calls/none)" in text
    assert "- b: y (calls/none)" in text


def test_the_report_says_machine_versions_and_what_it_does_not_show(measured: Run) -> None:
    text = report.markdown(measured)
    for part in (
        measured["machine"]["processor"],
        f"Python {measured['machine']['python'].split()[1]}",
        "wasmtime" if any(p["name"] == "wasmtime" for p in measured["peers"]) else "pywasm3",
        "Left out: absent (nobody has it).",
        "odd_peers:Crashing: crashed: SIGABRT (",
        "### What this does not show",
        *TITLES,
    ):
        assert part in text


def test_the_terminal_shows_the_same_tables(measured: Run) -> None:
    for width in (200, 80):
        text = shown(measured, width)
        for title in TITLES:
            assert title in text
        assert "(i32, i32) -> i32" in text
        for peer in measured["peers"]:
            assert f" {peer['title']} " in text or not peer["installed"]
        assert "…" not in text


def shown(run: Run, width: int) -> str:
    out = io.StringIO()
    # The environment of the tests may say that its own terminal is a dumb one.
    console = Console(
        file=out, width=width, force_terminal=True, color_system=None, _environ={"TERM": "xterm"}
    )
    terminal.show(run, console)
    assert max(map(len, out.getvalue().splitlines())) <= width
    return out.getvalue()


@pytest.mark.parametrize("width", [1, 10, 30])
def test_a_narrow_terminal_shows_one_peer_beside_the_other(measured: Run, width: int) -> None:
    assert len(shown(measured, width).splitlines()) > 100


def test_a_pipe_gets_markdown(measured: Run) -> None:
    out = io.StringIO()
    terminal.show(measured, Console(file=out))
    assert out.getvalue() == report.markdown(measured) + "\n"


def test_losses_name_the_best_other_engine() -> None:
    """A row that another engine wins is listed with the best one; floors do not count."""
    run = made(
        calls_none={"pywasm3": [10], "slower": [20], "python": [5]},
        compute_fib={"pywasm3": [100], "fast": [20], "faster": [10]},
    )
    ((row, peer, ratio),) = report.losses(run)
    assert (row["id"], peer, ratio) == ("compute/fib", "faster", 10)


def test_a_compiler_pays_when_the_gain_of_its_calls_is_what_it_took_to_start() -> None:
    start, call = {"pywasm3": [1000], "jit": [9000]}, {"pywasm3": [1000], "jit": [200]}
    run = made(start_fib=start, compute_fib=call)
    found = report.break_even(run, "fib", "jit")
    assert found is not None
    # 1000 + 10 * 1000 == 9000 + 10 * 200
    assert (found.calls, found.after, found.faster) == (11, 11_000, 5)
    assert "11 calls (11.0 us)" in report.markdown(run)
    assert report.break_even(made(start_fib=start), "fib", "jit") is None
    assert report.break_even(made(start_fib=start, compute_fib=start), "fib", "jit") is None


def test_a_faster_engine_that_starts_sooner_is_ahead_from_the_first_call() -> None:
    run = made(
        **{
            "real-start_quickjs": {"pywasm3": [1000], "jit": [900]},
            "real-compute_quickjs": {"pywasm3": [1000], "jit": [500]},
        }
    )
    found = report.break_even(run, "quickjs", "jit")
    assert found is not None
    assert (found.calls, found.after) == (1, 1000)
    assert "the first call" in report.markdown(run)


def real_run() -> Run:
    """A run of two real programs and a small one."""
    return made(
        **{
            "start_tiny": {"pywasm3": [5_000], "jit": [500_000]},
            "real-start_ruby": {"pywasm3": [5e8], "jit": [14e9]},
            "real-compute_ruby": {"pywasm3": [15e6], "jit": [1.5e6]},
            "real-start_quickjs": {"pywasm3": [20e6], "jit": [400e6]},
            "real-compute_quickjs": {"pywasm3": [8e6], "jit": [8e5]},
        }
    )


def test_the_picture_of_first_results_has_programs_by_size_and_who_is_ahead(tmp_path: Path) -> None:
    assert list(first.points(real_run())) == ["tiny", "quickjs", "ruby"]
    for name in ("a.svg", "b.svg"):
        first.draw(real_run(), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    text = "".join(ElementTree.parse(tmp_path / "a.svg").getroot().itertext())
    assert "CRuby" in text
    assert "15.5 s, then 10.0 x" in text  # 0.5 s + 13.5 s / 0.9
    assert "442 ms, then 10.0 x" in text  # 20 ms + 380 ms / 0.9


def test_the_picture_of_first_results_needs_one(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no row of a start was measured: try --rows"):
        first.draw(made(calls_none={"pywasm3": [1]}), tmp_path / "a.svg")
    first.draw(made(start_tiny={"pywasm3": [1]}), tmp_path / "a.png")
    assert imread(tmp_path / "a.png").size


@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_the_plot_is_a_picture(measured: Run, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"figure.{suffix}"
    plot(measured, path)
    if suffix == "png":
        height, width = imread(path).shape[:2]
        assert min(height, width) > 500
    else:
        text = "".join(ElementTree.parse(path).getroot().itertext())
        assert "(i32, i32) -> i32" in text
        assert "/s" in text


def test_the_same_run_gives_the_same_picture(tmp_path: Path) -> None:
    run = made(calls_none={"pywasm3": [10], "other": [20]})
    for name in ("a.svg", "b.svg"):
        plot(run, tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()


def test_a_plot_of_nothing_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    run = made(calls_none={"pywasm3": {"cannot": "x"}})
    with pytest.raises(ValueError, match="nothing was measured"):
        plot(run, tmp_path / "a.svg")
    with pytest.raises(ValueError, match="must end with"):
        plot(run, tmp_path / "a.gif")


def test_comparing_tells_change_from_noise() -> None:
    first = made(
        calls_a={"p": [100, 101, 102, 103]},
        calls_b={"p": [100, 101, 102, 103]},
        calls_c={"p": [100, 150, 200, 250]},  # its range is from 100 to 138
        calls_d={"p": {"failed": "x"}},
    )
    second = made(
        calls_a={"p": [50, 51, 52, 53]},
        calls_b={"p": [200, 201, 202, 203]},
        calls_c={"p": [110, 160, 210, 260]},
        calls_d={"p": [1]},
    )
    verdicts = {line[0]: line[-1] for line in compare.lines(first, second)}
    assert verdicts == {
        "calls/a": "better",
        "calls/b": "worse",
        "calls/c": "same",
        "calls/d": "better",
    }


def test_comparing_tells_what_else_differs() -> None:
    first = made(calls_a={"p": [1]}, calls_b={"p": [1]})
    second = made(calls_a={"p": [1], "q": [1]}, calls_c={"p": [1], "q": [1]})
    second["machine"]["system"] = "four"
    second["peers"][0]["version"] = "2"
    text = compare.markdown(first, second)
    assert text.endswith(
        "\n\nWhat else differs:\n"
        "- system: two, then four\n- p: 1, then 2\n- q: none, then 1\n"
        "- only in the first: calls/b\n- only in the second: calls/c"
    )


def test_memory_that_does_not_grow_is_not_divided_by() -> None:
    run = made(process_memory={"pywasm3": [0], "other": [-5]})
    run["rows"][0]["unit"] = "B"
    assert list(report.losses(run)) == []
    assert [line[-1] for line in compare.lines(run, run)] == ["same", "same"]
    assert "0.00 B" in report.markdown(run)


def test_a_document_keeps_what_is_not_between_the_marks() -> None:
    document = "before\n<!-- bench: begin -->\nold\n<!-- bench: end -->\nafter\n"
    text = report.put_between(document, "bench", "new")
    assert text == "before\n<!-- bench: begin -->\nnew\n<!-- bench: end -->\nafter\n"
    with pytest.raises(ValueError, match="the document has no <!-- bench: begin -->"):
        report.put_between("no marks", "bench", "new")
