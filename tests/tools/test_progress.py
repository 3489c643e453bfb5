# SPDX-License-Identifier: MIT
"""Long commands say on a terminal what they do and how far they are, and nothing in a pipe."""

from __future__ import annotations

import io
import re
import sys

import pytest

from helpers import TESTS
from progress import Progress

ROOT = TESTS.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
ANNOUNCED = re.findall(r"^([\w-]+):[^\n]*\n\t\$\(SAY\)$", MAKEFILE, re.M)
# The rows of the table of targets: what each does, and how long that takes.
ROWS = dict(
    re.findall(
        r"^\|[^|]*\| `make ([\w-]+)` \| [^|]+ \| ([^|]+) \|$",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        re.M,
    )
)


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Screen:
    """Makes stderr a terminal. It is no fixture, because pytest sets stderr again after those."""
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    return screen


def test_a_terminal_shows_how_many_are_done_of_how_many(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Progress(3000, "modules") as progress:
        progress.at(1234)
    assert "1,234 of 3,000 modules, 0 s" in screen.getvalue()


def test_the_number_of_all_may_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Progress(None, "modules") as progress:
        progress.at(5)
    assert "5 modules, 0 s" in screen.getvalue()


def test_the_line_is_gone_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = terminal(monkeypatch)
    with Progress(2, "scripts") as progress:
        progress.at(1)
    assert screen.getvalue().endswith("\r\x1b[K")


def test_the_line_is_not_written_more_often_than_it_can_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    screen = terminal(monkeypatch)
    with Progress(1000, "modules") as progress:
        for done in range(1000):
            progress.at(done)
    assert screen.getvalue().count("modules") < 100


def test_a_pipe_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    with Progress(2, "scripts") as progress:
        progress.at(1)
    assert pipe.getvalue() == ""


def test_every_announced_target_has_a_row_with_its_time() -> None:
    assert ANNOUNCED
    assert [target for target in ANNOUNCED if target not in ROWS] == []


def test_every_target_that_takes_a_minute_is_announced() -> None:
    long = {target for target, time in ROWS.items() if "min" in time}
    assert long - {*ANNOUNCED} == set()
