# SPDX-License-Identifier: MIT
"""Describes how a call ends, in either engine, and when two ends count as the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from fuzz.ops import DIRTY, FLOATS, PLAIN, Types, is_nan
from fuzz.text import number


class Returned(NamedTuple):
    """The call returned results with these bit patterns."""

    bits: tuple[int, ...]


class Trapped(NamedTuple):
    """The call trapped; the kind of trap is named by the official test-suite's phrase.

    `others` are further phrases, if the engine's message does not tell which of them it is.
    """

    phrase: str
    others: tuple[str, ...] = ()


class Threw(NamedTuple):
    """The call ended with an exception that nothing caught.

    The tags of a linked module's first instance count behind those of the second one (see
    world.AGAIN); an imported tag is one of the second one's.
    `bits` are the values; of a reference, only whether it is null (0) or not (1). None says that
    the engine does not give the values.
    """

    tag: int
    bits: tuple[int, ...] | None


class Failed(NamedTuple):
    """The call ended with an error of the embedding that is not a trap."""

    reason: str


Outcome: TypeAlias = "Returned | Trapped | Threw | Failed"
# The start function threw, so there is no instance whose exports tell the tag.
THROWN_AT_START = Threw(-1, None)
# The exception has no tag, because the host function "foreign" has thrown it.
FOREIGN_THROWN = Threw(-2, ())
EXHAUSTED = Trapped("call stack exhausted")


def thrown_types(outcome: Threw, tags: Sequence[Types]) -> Types:
    """Returns the types of the values of an exception, from those of a module's tags."""
    return () if outcome.tag < 0 else tags[outcome.tag % len(tags)]


def same(one: Outcome, other: Outcome, types: Types) -> bool:
    """Tells whether two outcomes agree.

    Results must have the same bits, but two NaNs agree where the specification leaves their bits
    open. Two failures never agree.
    """
    if one == other:
        return not isinstance(one, Failed)
    if isinstance(one, Threw) and isinstance(other, Threw):
        if one.tag != other.tag or one.bits is None or other.bits is None:
            return one.tag == other.tag
        # The values went through Python's floats on the way, so a NaN may have other bits.
        pairs = zip(one.bits, other.bits, types, strict=True)
        return all(
            a == b or (t & PLAIN in FLOATS and is_nan(a, t) and is_nan(b, t)) for a, b, t in pairs
        )
    if isinstance(one, Trapped) and isinstance(other, Trapped):
        return not {one.phrase, *one.others}.isdisjoint((other.phrase, *other.others))
    if not isinstance(one, Returned) or not isinstance(other, Returned):
        return False
    return all(
        a == b or (t & DIRTY and is_nan(a, t) and is_nan(b, t))
        for a, b, t in zip(one.bits, other.bits, types, strict=True)
    )


def show(outcome: Outcome, types: Types) -> str:
    """Returns the text of an outcome, for messages."""
    if isinstance(outcome, Returned):
        values = [number(t, bits) for t, bits in zip(types, outcome.bits, strict=True)]
        return f"({', '.join(values)})" if len(values) != 1 else values[0]
    if isinstance(outcome, Threw):
        carried = "unknown" if outcome.bits is None else ", ".join(map(hex, outcome.bits))
        return f"exception of tag {outcome.tag}: ({carried})"
    if isinstance(outcome, Trapped):
        return f"trap: {' or '.join((outcome.phrase, *outcome.others))}"
    return f"error: {outcome.reason}"
