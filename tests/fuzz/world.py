# SPDX-License-Identifier: MIT
"""Holds what the makers of a module's functions share.

`Dice` makes the random choices, `Mood` says what the module has much of, and `World` holds the
module so far with lists of its globals and functions by type.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from fuzz.heaptypes import ANY, EXTERN, FUNC, reference_fits
from fuzz.ops import (
    BITS,
    DIRTY,
    EXNREF,
    F32,
    F32D,
    F64,
    F64D,
    FLOATS,
    FUNCREF,
    I32,
    I64,
    PLAIN,
    SCALARS,
    TYPES,
    V128,
    Types,
    is_reference,
)
from fuzz.tree import Import, Module, Signature
from simd_edges import edges

if TYPE_CHECKING:
    from fuzz.gc_types import Values

_T = TypeVar("_T")

FUEL = 40  # value of the fuel global before each call: how many functions may call others
FUEL_GLOBAL = 0  # index of the fuel global
MAX_DEPTH = 6  # of blocks inside each other
# A loop runs at most so often; the rounds of nested loops multiply.
MAX_ROUNDS = 4

# compare.py, oracle.py and v8.js define these host functions. Floats go through Python on the way
# to those of pywasm3, so a NaN may come back with other bits.
#
# Those of AGAIN call f0, which has the type (i32) -> (i32) in modules that import one of them. If
# f0 throws, "again" lets the exception pass. "again_anew" throws a new one with the same tag and
# values if it is a tag of the host, and lets others pass. "again_caught" returns -1.
#
# A linked module has two instances, of which the second one imports f0 of the first one as "again".
# All other host functions of AGAIN, and "again" in the first instance, call f0 of the second one.
AGAIN = tuple(
    [Import(name, Signature((I32,), (I32,))) for name in ("again", "again_anew", "again_caught")]
)
AGAIN_NAMES = tuple([entry.name for entry in AGAIN])
# Throws an exception of the host's own language, which is none of WebAssembly's and has no tag.
FOREIGN = Import("foreign", Signature())
HOST = (
    Import("same_i32", Signature((I32,), (I32,))),
    Import("same_i64", Signature((I64,), (I64,))),
    Import("same_f32", Signature((F32D,), (F32D,))),
    Import("same_f64", Signature((F64D,), (F64D,))),
    Import("same_v128", Signature((V128,), (V128,))),
    Import("swap", Signature((I32, F64D, I64), (I64, F64D, I32))),
    Import("swap_around", Signature((I32, V128, I64), (I64, V128, I32))),
    Import("nothing", Signature()),
    AGAIN[0],
)


# Host functions of modules that define types.
HOST_OF_REFERENCES = (
    Import("same_any", Signature((ANY,), (ANY,))),
    Import("same_extern", Signature((EXTERN,), (EXTERN,))),
    Import("same_func", Signature((FUNC,), (FUNC,))),
)


def thrower(tag: int, types: Types) -> Import:
    """Returns the host function that throws an exception with a tag of the host.

    The types of the values must not have clean floats, because the host may change a NaN's bits.
    """
    return Import(f"{THROW}{tag}", Signature(types))


THROW = "throw_"  # the name of a thrower begins with this

# fmt: off
EDGES: dict[int, list[int]] = {
    I32: [0, 1, 2, 7, 31, 32, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF],
    I64: [0, 1, 2, 63, 64, 0xFFFFFFFF, 0x80000000, 1 << 32, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1],
    F32: [
        0, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000,  # 0 -0 1 -1 0.5
        0x40490FDB, 0x4F000000, 0x4F800000, 0x5F000000, 0xDF000000,  # pi 2^31 2^32 2^63 -2^63
        1, 0x7F7FFFFF, 0x7F800000, 0xFF800000,  # least and largest number, infinities
        0x7FC00000, 0x7F800001, 0xFFA12345,  # NaNs: the canonical one and two signalling ones
    ],
    F64: [
        0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x3FE0000000000000,
        0x400921FB54442D18, 0x41E0000000000000, 0x41F0000000000000,
        0x43E0000000000000, 0xC3E0000000000000,
        1, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000,
        0x7FF8000000000000, 0x7FF0000000000001, 0xFFF4123456789ABC,
    ],
}
# fmt: on


class Dice:
    """Random choices. They use one random number each, because random.Random's choices are slow."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)
        self.roll = self.random.random

    def below(self, limit: int) -> int:
        """Returns a number from 0 to limit - 1."""
        return int(self.roll() * limit)

    def pick(self, items: Sequence[_T]) -> _T:
        """Returns one of the items."""
        return items[int(self.roll() * len(items))]

    def chance(self, probability: float) -> bool:
        """Returns True with this probability."""
        return self.roll() < probability

    def bits(self, type_: int) -> int:
        """Returns a bit pattern: an edge of the type's range, a small number, or anything."""
        type_ &= PLAIN
        if type_ == V128:
            return self.vector()
        kind = self.roll()
        if kind < 0.5:
            return self.pick(EDGES[type_])
        if kind < 0.8 and type_ not in FLOATS:
            return self.below(100)
        return int(self.random.getrandbits(BITS[type_]))

    def vector(self) -> int:
        """Returns the bits of a vector: edges of one kind of lane, one edge repeated, or any."""
        kind = self.roll()
        if kind < 0.1:
            return self.pick((0, 1, (1 << 128) - 1, 1 << 127))
        if kind < 0.3:
            return int(self.random.getrandbits(128))
        lane = self.pick(tuple(_EDGES_OF_LANES))
        width, found = int(lane[1:]), _EDGES_OF_LANES[lane]
        lanes = [self.pick(found) for _ in range(128 // width)]
        if kind < 0.45:
            lanes = lanes[:1] * len(lanes)
        return sum(bits << width * place for place, bits in enumerate(lanes))


_EDGES_OF_LANES = {lane: edges(lane) for lane in ("i8", "i16", "i32", "i64", "f32", "f64")}


class Mood:
    """What a module has much of: probabilities, largest sizes, and weights of the actions."""

    def __init__(self, dice: Dice, size: int, dirty: bool | None) -> None:
        self.steps = 2 + dice.below(size)
        # Whether a NaN with open bits may stay on the stack (see ops.py) or is cleaned at once.
        self.dirty = dice.chance(0.7) if dirty is None else dirty
        self.traps = dice.pick((0.0, 0.01, 0.2))
        self.reuse = dice.pick((0.2, 0.6, 0.95))  # of operands that are on the stack already
        self.params = dice.pick((0, 1, 3, 6))  # most parameters of a block
        self.results = dice.pick((0, 1, 1, 3, 6))  # most results of a block
        self.simd = dice.chance(0.5)
        self.relaxed = self.simd and dice.chance(0.3)
        self.atomics = dice.chance(0.25)
        self.tails = dice.chance(0.25)  # which wasmtime's fast compiler does not know
        self.every: Types = TYPES if self.simd else SCALARS
        choices: tuple[Types, ...] = (*[self.every] * 3, (I32, I64), FLOATS, (I64, F64))
        if self.simd:
            choices += ((V128,), (V128, V128, I32), (V128, F32, F64), (V128, I64))
        self.types = dice.pick(choices)
        # Which instructions catch exceptions: none, those of WebAssembly 3.0, the legacy ones, or
        # in each function one of both kinds.
        self.exceptions = dice.pick(("", "", "", "modern", "modern", "legacy", "both"))
        self.references: Types = ()
        self.share = 0.15  # of the references among the types
        if self.exceptions and dice.chance(0.7):
            self.references = (FUNCREF,) if self.exceptions == "legacy" else (FUNCREF, EXNREF)
        self.dead = dice.pick((0.0, 0.3, 0.7))
        self.deep = dice.pick((4, 12, 12, 30, 120))
        self.choose(dice)

    def choose(self, dice: Dice) -> None:
        """Draws the weight of each action, as a list to pick from."""
        self.actions: list[str] = []
        for action, weight in ACTIONS.items():
            self.actions += [action] * int(weight * dice.pick((0, 0.5, 1, 1, 3)))
        self.actions += ["push", "numeric"]
        if self.simd:
            self.actions += ["vector", "shuffle", *["vector"] * dice.below(20)]
        if self.exceptions:
            often = dice.pick((1, 2, 4))
            self.actions += [*["try_"] * 5, "throw", "throw_if", "throw_again"] * often
            self.actions += ["again", "again", "foreign"] * often
        if self.atomics:
            self.actions += ["atomic"] * 12
        if self.tails:
            self.actions += ["return_call", "return_call_indirect"] * 6


# The weight of each action, which is the method `action_NAME` of Maker.
ACTIONS = {
    "push": 12,
    "numeric": 14,
    "risky": 2,
    "set": 5,
    "tee": 3,
    "drop": 2,
    "select": 4,
    "load": 3,
    "store": 4,
    "global_set": 2,
    "memory": 2,
    "block": 5,
    "loop": 3,
    "if_": 4,
    "br": 2,
    "br_if": 6,
    "br_table": 3,
    "return_": 1,
    "unreachable": 1,
    "call": 5,
    "call_indirect": 3,
    "chain": 1,
    "same": 4,
    "deep": 1,
}


# Actions that only some modules have.
SOMETIMES = (
    *("vector", "shuffle", "return_call", "return_call_indirect", "table", "atomic"),
    *("try_", "throw", "throw_if", "throw_again", "again", "foreign"),
    *("struct", "array", "new", "cast", "null", "equal", "i31", "churn", "elements"),
    *("call_ref", "return_call_ref"),
)


class World:
    """The module that is being made, and what its functions may use."""

    def __init__(self, dice: Dice, size: int, dirty: bool | None) -> None:
        self.dice = dice
        self.mood = Mood(dice, size, dirty)
        self.module = Module()
        self.globals_of: dict[int, list[int]] = defaultdict(list)
        self.mutable_of: dict[int, list[int]] = defaultdict(list)
        self.throwers: dict[int, int] = {}  # host functions that throw, by their tag
        self.legacy: set[int] = set()  # functions that have the legacy instructions
        self.leaves: set[int] = set()  # functions that call nothing
        self.giving: dict[int, list[int]] = {}  # functions by the type of their one result
        self.values: Values | None = None  # makes references if the module defines types
        self.digest = -1  # the function that computes digests of references; see gc_digest.py

    def fits(self, have: int, want: int) -> bool:
        """Tells whether a value of type `have` may stand where `want` is wanted.

        A clean float may stand for a dirty one, but not the other way round.
        """
        if have == want or have | DIRTY == want:
            return True
        return (
            is_reference(have)
            and is_reference(want)
            and reference_fits(have, want, self.module.types)
        )

    def places(self, by_type: dict[int, list[int]], type_: int) -> list[int]:
        """Returns the variables, of some by their type, that may take a value of a type."""
        if self.values is None or not is_reference(type_):
            return by_type[type_]
        return [i for t, found in by_type.items() if self.fits(type_, t) for i in found]

    def host_calls_f0(self) -> bool:
        """Tells whether a host function of the module calls f0."""
        return any(entry.name in AGAIN_NAMES for entry in self.module.imports)

    def type(self) -> int:
        """Returns a clean type; the module's mood says which ones are likely."""
        return self.dice.pick(self.mood.types if self.dice.chance(0.8) else self.mood.every)

    def any_type(self) -> int:
        """Returns a clean type, which may be a reference if the module has references."""
        if self.mood.references and self.dice.chance(self.mood.share):
            return self.dice.pick(self.mood.references)
        return self.type()

    def maybe_dirty(self, type_: int) -> int:
        """Returns the type, at random made dirty if it is a float and the mood allows it."""
        if type_ in FLOATS and self.mood.dirty and self.dice.chance(0.6):
            return type_ | DIRTY
        return type_

    def types(self, most: int) -> Types:
        """Returns up to `most` types; floats among them may be dirty."""
        number = self.dice.below(most + 1)
        return tuple([self.maybe_dirty(self.any_type()) for _ in range(number)])
