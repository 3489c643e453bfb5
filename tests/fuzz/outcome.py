# SPDX-License-Identifier: MIT
"""How a call ends."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from fuzz.ops import Types, is_nan
from fuzz.text import number


class Returned(NamedTuple):
    """Bit patterns of the results."""

    bits: tuple[int, ...]


class Trapped(NamedTuple):
    """The test-suite's phrase for the kind of trap."""

    phrase: str


class Failed(NamedTuple):
    """No trap, but an error of the embedding."""

    reason: str


Outcome: TypeAlias = "Returned | Trapped | Failed"
EXHAUSTED = Trapped("call stack exhausted")


def same(one: Outcome, other: Outcome, types: Types) -> bool:
    """Whether two outcomes agree: bit for bit, but for NaNs of open bits."""
    if one == other:
        return not isinstance(one, Failed)
    if not isinstance(one, Returned) or not isinstance(other, Returned):
        return False
    return all(
        a == b or (t > 0xFF and is_nan(a, t) and is_nan(b, t))
        for a, b, t in zip(one.bits, other.bits, types, strict=True)
    )


def show(outcome: Outcome, types: Types) -> str:
    """An outcome for people."""
    if isinstance(outcome, Returned):
        values = [number(t, bits) for t, bits in zip(types, outcome.bits, strict=True)]
        return f"({', '.join(values)})" if len(values) != 1 else values[0]
    return f"trap: {outcome[0]}" if isinstance(outcome, Trapped) else f"error: {outcome[0]}"
