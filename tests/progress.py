# SPDX-License-Identifier: MIT
"""Shows on a terminal how far a long run of a command is. In pipes and files it writes nothing."""

from __future__ import annotations

import sys
import time

from typing_extensions import Self

_SECONDS = 0.2  # between two changes of the line
_CLEAR = "\r\x1b[K"


class Progress:
    """A line on stderr that changes: ``with Progress(3000, "modules") as progress:``."""

    def __init__(self, total: int | None, noun: str) -> None:
        """Takes how many there will be, or None if that is not known, and what they are."""
        self._of = "" if total is None else f" of {total:,}"
        self._noun = noun
        self._shows = sys.stderr.isatty()
        self._begun = time.monotonic()
        self._next = self._begun

    def at(self, done: int) -> None:
        """Shows how many are done."""
        now = time.monotonic()
        if self._shows and now >= self._next:
            self._next = now + _SECONDS
            seconds = now - self._begun
            line = f"{done:,}{self._of} {self._noun}, {seconds:.0f} s"
            print(_CLEAR + line, end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Takes the line away, so that another one can be printed."""
        if self._shows:
            print(_CLEAR, end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()
