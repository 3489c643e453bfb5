# SPDX-License-Identifier: MIT
"""What becomes of a guest and a host that call each other until Python's own limit is reached."""

from __future__ import annotations

from .._errors import StackExhausted, Trap, TrapKind


def as_exhausted(error: RecursionError) -> RecursionError:
    """Returns the error of a guest for which Python has raised one, or a trap as it is."""
    if isinstance(error, Trap):
        return error
    detail = "the guest and Python call each other more deeply than sys.getrecursionlimit() allows"
    return StackExhausted(TrapKind.STACK_EXHAUSTED, detail=detail)
