# SPDX-License-Identifier: MIT
"""A seed to a module: always valid, always ending, the same for the same seed and size.

Code is made like a stack machine runs: the maker knows the types on the stack and picks what fits
them, pushing what is missing. What is on the stack below stays there, so branches leave operands
behind and blocks take what others made. Weights differ from module to module, so that each has
much of something.

Everything ends: each loop has a counter in a local, and functions that call others stop at once
when the global "fuel" (g0) is used up, which the runner fills before each call.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from fuzz.ops import (
    ACCESSES,
    BITS,
    CAN_DIVIDE_BY_ZERO,
    CAN_TRAP,
    CANONICAL_NAN,
    DIRTY,
    F32,
    F32D,
    F64,
    F64D,
    FLOATS,
    I32,
    I64,
    MAKES_NAN,
    NUMERIC,
    SHOWS_BITS,
    TYPES,
    Access,
    Op,
    Types,
)
from fuzz.tree import (
    Body,
    Call,
    Function,
    Global,
    Import,
    Instruction,
    Memory,
    Module,
    Signature,
    const,
    zero,
)

_T = TypeVar("_T")

FUEL = 40  # of g0, for each call that the runner makes
FUEL_GLOBAL = 0
MAX_DEPTH = 6
# How often a loop runs at most; loops in loops multiply.
MAX_ROUNDS = 4

# What compare.py offers. Floats may come back with other NaN bits: they go through Python.
HOST = (
    Import("same_i32", Signature((I32,), (I32,))),
    Import("same_i64", Signature((I64,), (I64,))),
    Import("same_f32", Signature((F32D,), (F32D,))),
    Import("same_f64", Signature((F64D,), (F64D,))),
    Import("swap", Signature((I32, F64D, I64), (I64, F64D, I32))),
    Import("nothing", Signature()),
    # Calls f0, which is a (i32) -> (i32) in modules that have this import.
    Import("again", Signature((I32,), (I32,))),
)

EDGES: dict[int, list[int]] = {
    I32: [0, 1, 2, 7, 31, 32, 0x7F, 0x80, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF],
    I64: [0, 1, 2, 63, 64, 0xFFFFFFFF, 0x80000000, 1 << 32, 2**63 - 1, 2**63, 2**64 - 2, 2**64 - 1],
    # 0 -0 1 -1 0.5 pi 2^31 2^32 2^63 -2^63 denormal max inf -inf, NaN: canonical, signalling, own
    F32: [0, 1 << 31, 0x3F800000, 0xBF800000, 0x3F000000, 0x40490FDB, 0x4F000000, 0x4F800000]
    + [0x5F000000, 0xDF000000, 1, 0x7F7FFFFF, 0x7F800000, 0xFF800000]
    + [0x7FC00000, 0x7F800001, 0xFFA12345],
    F64: [0, 1 << 63, 0x3FF0000000000000, 0xBFF0000000000000, 0x3FE0000000000000]
    + [0x400921FB54442D18, 0x41E0000000000000, 0x41F0000000000000, 0x43E0000000000000]
    + [0xC3E0000000000000, 1, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0xFFF0000000000000]
    + [0x7FF8000000000000, 0x7FF0000000000001, 0xFFF4123456789ABC],
}  # fmt: skip


def _by(ops: Sequence[Op], key: Callable[[Op], int]) -> dict[int, list[Op]]:
    """Ops by a type of theirs; never without an entry."""
    found: dict[int, list[Op]] = {t: [] for t in TYPES}
    for op in ops:
        found[key(op)].append(op)
    return found


_SAFE = [op for op in NUMERIC.values() if op.name not in CAN_TRAP]
_RISKY = [op for op in NUMERIC.values() if op.name in CAN_TRAP]
UNARY = _by([op for op in _SAFE if len(op.params) == 1], lambda op: op.params[0])
BINARY = _by([op for op in _SAFE if len(op.params) == 2], lambda op: op.params[0])
# Keep the type: what folds a deep stack.
FOLDING = _by([op for op in _SAFE if op.params == (op.result,) * 2], lambda op: op.result)
RISKY = _by(_RISKY, lambda op: op.params[0])
GIVING = _by(_SAFE, lambda op: op.result)
LOADS = {t: [a for a in ACCESSES.values() if a.type == t and not a.is_store] for t in TYPES}
STORES = {t: [a for a in ACCESSES.values() if a.type == t and a.is_store] for t in TYPES}


def fits(have: int, want: int) -> bool:
    """Whether a value may be where a type is wanted: clean ones are everywhere."""
    return have == want or have | DIRTY == want


class Dice:
    """Random choices; random.Random's own are slow."""

    def __init__(self, seed: int | str) -> None:
        self.random = random.Random(seed)
        self.roll = self.random.random

    def below(self, limit: int) -> int:
        """0 to limit - 1."""
        return int(self.roll() * limit)

    def pick(self, items: Sequence[_T]) -> _T:
        """One of them."""
        return items[int(self.roll() * len(items))]

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return self.roll() < probability

    def bits(self, type_: int) -> int:
        """A pattern: an edge, a small number, or anything."""
        type_ &= 0xFF
        kind = self.roll()
        if kind < 0.5:
            return self.pick(EDGES[type_])
        if kind < 0.8 and type_ not in FLOATS:
            return self.below(100)
        return int(self.random.getrandbits(BITS[type_]))


class Mood:
    """What a module has much of."""

    def __init__(self, dice: Dice, size: int, dirty: bool | None) -> None:
        self.steps = 2 + dice.below(size)
        # Whether NaNs of open bits may stay on the stack, or are made canonical at once.
        self.dirty = dice.chance(0.7) if dirty is None else dirty
        self.traps = dice.pick((0.0, 0.01, 0.2))
        self.reuse = dice.pick((0.2, 0.6, 0.95))  # of operands already there
        self.params = dice.pick((0, 1, 3, 6))  # most parameters of a block
        self.results = dice.pick((0, 1, 1, 3, 6))  # most results of a block
        self.types = dice.pick((TYPES, TYPES, TYPES, (I32, I64), FLOATS, (I64, F64)))
        self.dead = dice.pick((0.0, 0.3, 0.7))
        self.deep = dice.pick((4, 12, 12, 30, 120))
        self.choose(dice)

    def choose(self, dice: Dice) -> None:
        """Draws the weight of each action, as a list to pick from."""
        self.actions: list[str] = []
        for action, weight in ACTIONS.items():
            self.actions += [action] * int(weight * dice.pick((0, 0.5, 1, 1, 3)))
        self.actions += ["push", "numeric"]


# Weights; a method of Maker each.
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


class Label:
    """What a branch to a block needs."""

    __slots__ = ("base", "counter", "dead", "types")

    def __init__(self, base: int, types: Types, counter: int | None = None) -> None:
        self.base = base  # height of the stack below the block's own operands
        self.types = types
        self.counter = counter  # loops: the local that counts down
        self.dead = False  # control cannot come here


class World:
    """What the functions of a module share."""

    def __init__(self, dice: Dice, size: int, dirty: bool | None) -> None:
        self.dice = dice
        self.mood = Mood(dice, size, dirty)
        self.module = Module()
        self.globals_of: dict[int, list[int]] = {t: [] for t in TYPES}
        self.mutable_of: dict[int, list[int]] = {t: [] for t in TYPES}
        self.leaves: set[int] = set()  # functions that call nothing
        self.giving: dict[int, list[int]] = {}  # result type to functions with that one result

    def type(self) -> int:
        """A clean type, by the module's mood."""
        return self.dice.pick(self.mood.types if self.dice.chance(0.8) else TYPES)

    def maybe_dirty(self, type_: int) -> int:
        """A type that may take dirty floats, if the module has them."""
        if type_ in FLOATS and self.mood.dirty and self.dice.chance(0.6):
            return type_ | DIRTY
        return type_

    def types(self, most: int) -> Types:
        """Up to some number of types; floats may be dirty."""
        number = self.dice.below(most + 1)
        return tuple([self.maybe_dirty(self.type()) for _ in range(number)])


class Maker:
    """Makes the body of one function."""

    def __init__(self, world: World, index: int, function: Function, steps: int) -> None:
        self.world = world
        self.dice = world.dice
        self.mood = world.mood
        self.module = world.module
        self.function = function
        self.is_leaf = index in world.leaves
        self.budget = steps
        self.out: Body = []
        self.stack: list[int] = []
        self.labels = [Label(0, function.type.results)]
        self.locals = [*function.type.params, *function.locals]
        self.readable: dict[int, list[int]] = {t: [] for t in (*TYPES, F32D, F64D)}
        for position, type_ in enumerate(self.locals):
            self.readable[type_].append(position)
        self.writable = {t: list(found) for t, found in self.readable.items()}
        self.temporary: dict[int, int] = {}

    # ---- small steps ----

    def new_local(self, type_: int) -> int:
        """A local that only the maker's own patterns write."""
        self.locals.append(type_)
        self.function.locals.append(type_)
        return len(self.locals) - 1

    def own(self) -> int:
        """How many operands the innermost block has."""
        return len(self.stack) - self.labels[-1].base

    def emit(self, *instructions: Instruction) -> None:
        """Appends instructions; the stack is the caller's business."""
        self.out.extend(instructions)

    def push_const(self, type_: int) -> None:
        """Pushes an edge value or another."""
        self.emit(const(type_, self.dice.bits(type_)))
        self.stack.append(type_ & 0xFF)

    def push_i32(self, value: int) -> None:
        """Pushes a number."""
        self.emit(("i32.const", value & 0xFFFFFFFF))
        self.stack.append(I32)

    def clean(self) -> None:
        """Makes the NaN on top, if it is one, canonical."""
        type_ = self.stack[-1] & 0xFF
        if type_ not in self.temporary:
            self.temporary[type_] = self.new_local(type_ | DIRTY)
        local = self.temporary[type_]
        self.emit(
            ("local.tee", local),
            const(type_, CANONICAL_NAN[type_]),
            ("local.get", local),
            ("local.get", local),
            ("f32.eq",) if type_ == F32 else ("f64.eq",),
            ("select",),
        )
        self.stack[-1] = type_

    def clean_if_dirty(self) -> None:
        """For what makes bits visible."""
        if self.stack[-1] & DIRTY:
            self.clean()

    def apply(self, op: Op) -> None:
        """Emits a numeric instruction whose operands are on top of the stack."""
        if op.name in SHOWS_BITS:
            self.clean_if_dirty()
        taken = self.stack[-len(op.params) :]
        del self.stack[-len(op.params) :]
        self.emit((op.name,))
        dirty = op.name in MAKES_NAN or (
            op.result in FLOATS and op.params[0] in FLOATS and any(t & DIRTY for t in taken)
        )
        self.stack.append(op.result | DIRTY if dirty else op.result)
        if dirty and not self.mood.dirty:
            self.clean()

    def push(self, want: int, depth: int = 0) -> None:
        """Pushes something that fits a type."""
        kind = self.dice.roll()
        if kind < 0.3 and depth < 3:
            self.push_computed(want, depth)
        elif kind < 0.7:
            self.push_local(want)
        elif kind < 0.78:
            self.push_global(want)
        elif kind < 0.83 and depth < 2 and self.module.memory is not None:
            self.push_loaded(want)
        elif kind < 0.86 and depth < 2:
            self.push_called(want)
        else:
            self.push_const(want)

    def push_computed(self, want: int, depth: int) -> None:
        """Pushes what an instruction makes of other pushes."""
        op = self.dice.pick(GIVING[want & 0xFF])
        for type_ in op.params:
            dirty = type_ in FLOATS and self.mood.dirty and op.name not in SHOWS_BITS
            self.push(type_ | DIRTY if dirty else type_, depth + 1)
        self.apply(op)
        if not fits(self.stack[-1], want):
            self.clean()

    def push_local(self, want: int) -> None:
        """Pushes a local of a type, or a constant if there is none."""
        found = self.readable[want]
        if want & DIRTY and (not found or self.dice.chance(0.5)):
            found = self.readable[want & 0xFF] or found
        if not found:
            self.push_const(want)
            return
        index = self.dice.pick(found)
        self.emit(("local.get", index))
        self.stack.append(self.locals[index])

    def push_global(self, want: int) -> None:
        """Pushes a global of a type, or a constant if there is none."""
        found = self.world.globals_of[want & 0xFF]
        if not found:
            self.push_const(want)
            return
        self.emit(("global.get", self.dice.pick(found)))
        self.stack.append(want & 0xFF)

    def push_loaded(self, want: int) -> None:
        """Pushes what is in memory."""
        access = self.dice.pick(LOADS[want & 0xFF])
        self.push_address()
        self.emit(self.access(access))
        self.stack[-1] = want & 0xFF

    def push_called(self, want: int) -> None:
        """Pushes the result of a call, or a constant if no function fits."""
        found = [f for f in self.world.giving.get(want, ()) if self.may_call(f)]
        if found:
            index = self.dice.pick(found)
            for type_ in self.module.signature(index).params:
                self.push(type_, 2)
            self.call(index)
        else:
            self.push_const(want)

    def need(self, types: Types) -> None:
        """Puts values of some types on top of the stack, with what is there if that fits."""
        kept = 0
        if self.dice.chance(self.mood.reuse):
            kept = min(len(types), self.own())
            while kept and not all(map(fits, self.stack[-kept:], types)):
                kept -= 1
        for type_ in types[kept:]:
            self.push(type_)

    def pop(self, number: int) -> None:
        """Forgets the top of the stack."""
        if number:
            del self.stack[-number:]

    # ---- actions: each is one step of a body ----

    def action_push(self) -> None:
        """Pushes anything."""
        self.push(self.world.maybe_dirty(self.world.type()))

    def action_numeric(self) -> None:
        """Computes with what is on top."""
        if not self.own():
            self.action_push()
        top = self.stack[-1] & 0xFF
        if self.own() > 1 and self.stack[-2] & 0xFF == top and self.dice.chance(0.8):
            self.apply(self.dice.pick(BINARY[top]))
        else:
            self.apply(self.dice.pick(UNARY[top]))

    def action_risky(self) -> None:
        """An instruction that can trap; most often its operand is made harmless."""
        if not self.own():
            self.action_push()
        op = self.dice.pick(RISKY[self.stack[-1] & 0xFF])
        risk = self.dice.chance(self.mood.traps)
        if op.name in CAN_DIVIDE_BY_ZERO:
            divisor = op.params[0]
            self.need((divisor, divisor))
            if not risk:
                self.emit(const(divisor, 1), ("i32.or",) if divisor == I32 else ("i64.or",))
        elif not risk:
            op = NUMERIC[op.name.replace("trunc_", "trunc_sat_")]
        self.apply(op)

    def action_set(self) -> None:
        """A local takes the top of the stack."""
        self.write_local("local.set")

    def action_tee(self) -> None:
        """A local takes the top of the stack, which stays."""
        self.write_local("local.tee")

    def write_local(self, name: str) -> None:
        """local.set or local.tee."""
        if not self.own():
            self.action_push()
        top = self.stack[-1]
        found = self.writable[top]
        if not found or self.dice.chance(0.3):
            found = self.writable[top | DIRTY] if top in FLOATS else found
        if not found:
            self.emit(("drop",))
            self.stack.pop()
            return
        local = self.dice.pick(found)
        self.emit((name, local))
        if name == "local.set":
            self.stack.pop()
        else:
            self.stack[-1] = top

    def action_drop(self) -> None:
        """Drops the top."""
        if self.own():
            self.emit(("drop",))
            self.stack.pop()

    def action_select(self) -> None:
        """Selects from the two on top."""
        if self.own() < 2 or (self.stack[-1] ^ self.stack[-2]) & 0xFF:
            if not self.own():
                self.action_push()
            self.push(self.stack[-1])
        self.push_condition()
        self.emit(("select",))
        first, second, _ = self.stack[-3:]
        self.pop(3)
        self.stack.append(first | second & DIRTY)

    def push_address(self) -> None:
        """Pushes an address that most often is in memory."""
        kind = self.dice.roll()
        if kind < 0.5:
            self.push_i32(self.dice.below(64))
        elif kind < self.mood.traps / 4 + 0.5:
            self.push(I32)
        else:
            self.push(I32)
            self.emit(("i32.const", self.dice.pick((0x3F, 0xFFF, 0xFFF0))), ("i32.and",))

    def access(self, access: Access) -> Instruction:
        """A load or store with its immediates."""
        offset = self.dice.below(16)
        if self.dice.chance(self.mood.traps / 8):
            offset = self.dice.pick((0xFFF0, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF))
        return (access.name, self.dice.below(access.align + 1), offset)

    def action_load(self) -> None:
        """Loads."""
        if self.module.memory is not None:
            self.push_loaded(self.world.type())

    def action_store(self) -> None:
        """Stores, most often what was just computed."""
        if self.module.memory is None:
            return
        if not self.own() or self.dice.chance(0.3):
            type_ = self.world.type()
            self.push_address()
            self.push(type_)
        else:
            type_ = self.stack.pop() & 0xFF
            saved = self.temporary.setdefault(type_, -1)
            if saved < 0:
                saved = self.temporary[type_] = self.new_local(self.as_temporary(type_))
            self.emit(("local.set", saved))
            self.push_address()
            self.emit(("local.get", saved))
            self.stack.append(self.as_temporary(type_))
        self.clean_if_dirty()
        self.emit(self.access(self.dice.pick(STORES[type_])))
        self.pop(2)

    @staticmethod
    def as_temporary(type_: int) -> int:
        """The type that a temporary of a type has."""
        return type_ | DIRTY if type_ in FLOATS else type_

    def action_global_set(self) -> None:
        """A global takes the top of the stack."""
        if not self.own():
            self.action_push()
        found = self.world.mutable_of[self.stack[-1] & 0xFF]
        if found:
            self.clean_if_dirty()
            self.emit(("global.set", self.dice.pick(found)))
            self.stack.pop()

    def action_memory(self) -> None:
        """memory.size, grow, copy, fill."""
        if self.module.memory is None:
            return
        kind = self.dice.below(4)
        if kind == 0:
            self.emit(("memory.size",))
            self.stack.append(I32)
        elif kind == 1:
            self.push_i32(self.dice.pick((0, 0, 1, 1, 2, -1, 0x10000)))
            self.emit(("memory.grow",))
        else:
            self.push_address()
            self.push(I32) if kind == 2 else self.push_address()
            self.push_i32(self.dice.below(64) if self.dice.chance(0.9) else 0x8000)
            self.emit(("memory.fill",) if kind == 2 else ("memory.copy",))
            self.pop(3)

    def action_same(self) -> None:
        """One local many times on the stack, then set while it is there."""
        type_ = self.world.maybe_dirty(self.world.type())
        found = self.writable[type_]
        if not found:
            return
        local = self.dice.pick(found)
        times = self.dice.pick((1, 2, 2, 3, 5, 8))
        if self.dice.chance(0.01):
            times = 300
        for _ in range(times):
            self.emit(("local.get", local))
            self.stack.append(type_)
            if self.dice.chance(0.15):
                self.action_push()
        self.set_inside(local, type_)

    def set_inside(self, local: int, type_: int) -> None:
        """Sets a local, at times inside a block."""
        kind = self.dice.roll()
        outer, self.out = self.out, []
        self.labels.append(Label(len(self.stack), ()))
        self.push(type_)
        self.labels.pop()
        self.emit(("local.set", local))
        self.stack.pop()
        inner, self.out = self.out, outer
        if kind < 0.6:
            self.out += inner
        elif kind < 0.8:
            self.emit((self.dice.pick(("block", "loop")), (), (), inner))
        else:
            self.push_condition()
            self.stack.pop()
            self.emit(("if", (), (), inner, None))

    def action_deep(self) -> None:
        """Many operands, folded at once or left to others."""
        type_ = self.world.type()
        times = self.mood.deep // 2 + self.dice.below(self.mood.deep)
        for _ in range(times):
            if self.dice.chance(0.5):
                self.push_local(type_)
            else:
                self.push_const(type_)
        if self.dice.chance(0.7):
            for _ in range(times - 1):
                self.apply(self.dice.pick(FOLDING[type_]))

    # ---- blocks ----

    def inner(self, params: Types, results: Types, label: Label) -> Body:
        """A body inside the current one. Its parameters are on the stack, then its results."""
        outer, self.out = self.out, []
        self.labels.append(label)
        share = self.dice.below(self.budget // 2 + 2)
        self.budget -= share
        self.steps(share)
        self.finish(results)
        self.labels.pop()
        body, self.out = self.out, outer
        del self.stack[label.base :]
        self.stack += results
        return body

    def operands(self) -> Types:
        """Some operands from the top, to be the parameters of a block."""
        number = self.dice.below(min(self.mood.params, self.own()) + 1)
        return tuple(self.stack[len(self.stack) - number :]) if number else ()

    def results(self) -> Types:
        """Results for a block."""
        most = 12 if self.dice.chance(0.02) else self.mood.results
        return self.world.types(most)

    def too_deep(self) -> bool:
        """Whether no more blocks should be opened."""
        return len(self.labels) > MAX_DEPTH or self.budget <= 0

    def action_block(self) -> None:
        """A block."""
        if self.too_deep():
            return
        params, results = self.operands(), self.results()
        label = Label(len(self.stack) - len(params), results)
        self.emit(("block", params, results, self.inner(params, results, label)))

    def action_loop(self) -> None:
        """A loop with a counter."""
        if self.too_deep():
            return
        counter = self.new_local(I32)
        self.readable[I32].append(counter)
        self.emit(("i32.const", 1 + self.dice.below(MAX_ROUNDS)), ("local.set", counter))
        if self.dice.chance(self.mood.reuse / 2) and not self.own():
            self.need(self.world.types(self.mood.params))
        params, results = self.operands(), self.results()
        label = Label(len(self.stack) - len(params), params, counter)
        self.emit(("loop", params, results, self.inner(params, results, label)))

    def action_if_(self) -> None:
        """An if, with or without else."""
        if self.too_deep():
            return
        self.push_condition()
        self.stack.pop()
        params = self.operands()
        alone = self.dice.chance(0.3)
        results = params if alone else self.results()
        base = len(self.stack) - len(params)
        then = self.inner(params, results, Label(base, results))
        otherwise = None
        if not alone:
            self.stack[base:] = params
            otherwise = self.inner(params, results, Label(base, results))
        self.emit(("if", params, results, then, otherwise))

    # ---- branches ----

    def leave(self) -> None:
        """What follows in this block cannot be reached."""
        label = self.labels[-1]
        label.dead = True
        del self.stack[label.base :]

    def give_up(self) -> Body:
        """Leaves the function with zeros."""
        return [*map(zero, self.function.type.results), ("return",)]

    def count_down(self, label: Label) -> None:
        """Before an unconditional branch to a loop: leaves the function when it ran enough."""
        if label.counter is not None:
            self.emit(*self.counted(label.counter), ("i32.eqz",))
            self.emit(("if", (), (), self.give_up(), None))

    @staticmethod
    def counted(counter: int) -> Body:
        """Counts down, and pushes whether the loop may run again."""
        return [
            ("local.get", counter),
            ("i32.const", 1),
            ("i32.sub",),
            ("local.tee", counter),
            ("i32.const", 0),
            ("i32.gt_s",),
        ]

    def any_depth(self) -> int:
        """The depth of a label, inner ones more often."""
        return int(self.dice.roll() ** 2 * len(self.labels))

    def too_early(self) -> bool:
        """Whether to leave the function's own body would waste it."""
        return len(self.labels) == 1 and self.dice.chance(0.9)

    def push_condition(self) -> None:
        """Pushes an i32 that is zero about as often as not."""
        kind = self.dice.roll()
        if kind < 0.3:
            self.push_computed(I32, 1)
            return
        self.push(I32)
        if kind < 0.6:
            self.emit(("i32.const", 1 << self.dice.below(4)), ("i32.and",))
        elif kind < 0.8:
            self.emit(("i32.eqz",))

    def action_br(self) -> None:
        """A branch to any label."""
        if self.too_early():
            return
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        self.count_down(label)
        self.need(label.types)
        self.emit(("br", depth))
        self.leave()

    def action_br_if(self) -> None:
        """A conditional branch to any label; to a loop only while it counts."""
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        self.need(label.types)
        self.push_condition()
        self.stack.pop()
        if label.counter is not None:
            self.emit(*self.counted(label.counter), ("i32.and",))
        self.emit(("br_if", depth))

    def action_br_table(self) -> None:
        """A branch to one of several labels of the same types."""
        if self.too_early():
            return
        labels = self.labels[::-1]
        wanted = [t & 0xFF for t in self.dice.pick(labels).types]
        depths = [d for d, x in enumerate(labels) if [t & 0xFF for t in x.types] == wanted]
        number = 300 if self.dice.chance(0.01) else self.dice.below(6)
        targets = tuple([self.dice.pick(depths) for _ in range(number)])
        default = self.dice.pick(depths)
        used = [labels[d] for d in {*targets, default}]
        for label in used:
            self.count_down(label)
        # Dirty only if it is dirty in all of them.
        self.need(tuple([min(column) for column in zip(*[x.types for x in used], strict=True)]))
        self.push(I32)
        if self.dice.chance(0.8):
            self.emit(("i32.const", 7), ("i32.and",))
        self.emit(("br_table", targets, default))
        self.leave()

    def action_return_(self) -> None:
        """A return, with whatever is below."""
        if self.too_early() or self.dice.chance(0.5):
            return
        self.need(self.function.type.results)
        self.emit(("return",))
        self.leave()

    def action_unreachable(self) -> None:
        """A trap, now and then."""
        if self.dice.chance(self.mood.traps) and not self.too_early():
            self.emit(("unreachable",))
            self.leave()

    # ---- calls ----

    def may_call(self, index: int) -> bool:
        """Whether a call to a function may be here: leaves call nothing but the host."""
        if index < len(self.module.imports):
            return not self.is_leaf or self.module.imports[index].name != "again"
        return not self.is_leaf

    def call_to(self, index: int) -> None:
        """Calls a function with what is there or pushed for it."""
        self.need(self.module.signature(index).params)
        self.call(index)

    def call(self, index: int) -> None:
        """Calls a function whose arguments are on top of the stack."""
        type_ = self.module.signature(index)
        self.emit(("call", index))
        self.pop(len(type_.params))
        self.stack += type_.results

    def any_function(self) -> int:
        """An index, imports counted."""
        return self.dice.below(len(self.module.imports) + len(self.module.functions))

    def action_call(self) -> None:
        """Calls anything."""
        index = self.any_function()
        if self.may_call(index):
            self.call_to(index)

    def action_chain(self) -> None:
        """Calls that feed each other: f(f(f(x)))."""
        type_ = self.world.type()
        self.push(type_)
        found = [f for f in self.world.giving.get(type_, ()) if self.may_call(f)]
        if not found:
            return
        for _ in range(self.dice.pick((2, 3, 5, 10, 2200 if self.dice.chance(0.02) else 3))):
            index = self.dice.pick(found)
            if fits(self.stack[-1], (self.module.signature(index).params or (0,))[0]):
                self.call_to(index)

    def action_call_indirect(self) -> None:
        """Calls through the table; the type may be wrong, the entry null or out of range."""
        table = self.module.table
        if table is None or self.is_leaf:
            return
        type_ = self.module.signature(self.any_function())
        params = tuple([t & 0xFF for t in type_.params])
        results = tuple([self.as_temporary(t & 0xFF) for t in type_.results])
        right = [
            position
            for position, index in enumerate(table)
            if index is not None and self.same(self.module.signature(index), type_)
        ]
        wrong = not right or self.dice.chance(self.mood.traps)
        if wrong and not self.dice.chance(self.mood.traps * 2):
            return
        self.need(params)
        self.push_i32(self.dice.below(len(table) + 1) if wrong else self.dice.pick(right))
        self.emit(("call_indirect", params, results, self.dice.below(2)))
        self.pop(len(params) + 1)
        self.stack += results

    @staticmethod
    def same(one: Signature, other: Signature) -> bool:
        """Whether two types are one for wasm."""
        return [t & 0xFF for t in (*one.params, 0, *one.results)] == [
            t & 0xFF for t in (*other.params, 0, *other.results)
        ]

    # ---- the whole ----

    def steps(self, number: int) -> None:
        """Some actions, and some more that nobody reaches."""
        actions, label = self.mood.actions, self.labels[-1]
        for _ in range(number):
            if label.dead and not self.dice.chance(self.mood.dead):
                return
            if label.dead and not self.own():
                self.dead_step()
            elif self.own() > self.mood.deep:
                self.action_numeric() if self.dice.chance(0.7) else self.sink()
            else:
                _METHODS[self.dice.pick(actions)](self)

    def dead_step(self) -> None:
        """An instruction with operands that nobody pushed."""
        kind = self.dice.below(6)
        if kind == 0:
            self.emit(("drop",))
        elif kind == 1:
            self.emit(("select",), ("drop",))
        elif kind == 2:
            self.emit(("unreachable",))
        elif kind == 3:
            depth = self.dice.below(len(self.labels))
            self.emit(("br_if", depth))
            self.stack += self.labels[-1 - depth].types
        else:
            self.emit(("i32.add",))
            self.stack.append(I32)

    def sink(self) -> None:
        """Gets rid of the top, most often so that it stays visible."""
        kind = self.dice.roll()
        top = self.stack[-1] & 0xFF
        if kind < 0.5 and self.own() > 1 and self.stack[-2] & 0xFF == top:
            self.apply(self.dice.pick(FOLDING[top]))
        elif kind < 0.7:
            self.write_local("local.set")
        elif kind < 0.8 and self.module.memory is not None:
            self.action_store()
        elif kind < 0.93 and self.world.mutable_of[top]:
            self.action_global_set()
        else:
            self.action_drop()

    def finish(self, results: Types) -> None:
        """Leaves exactly the results on the stack of the innermost block."""
        label = self.labels[-1]
        if label.dead and self.dice.chance(0.5):
            while self.own() and not self.is_tail(results):
                self.action_drop()
            return
        if self.own() and label.counter is None and self.dice.chance(0.3):
            self.need(results)
            self.emit(("br", 0))  # what lies below is left behind
            self.leave()
            return
        while self.own() and not self.is_head(results):
            self.sink()
        for type_ in results[self.own() :]:
            self.push(type_)

    def is_head(self, types: Types) -> bool:
        """Whether the block's operands are the first of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(fits, own, types))

    def is_tail(self, types: Types) -> bool:
        """Whether the block's operands are the last of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(fits, own, types[len(types) - len(own) :]))

    def make(self) -> None:
        """Fills the function."""
        if not self.is_leaf:
            self.emit(("global.get", FUEL_GLOBAL), ("i32.eqz",))
            self.emit(("if", (), (), self.give_up(), None))
            self.emit(("global.get", FUEL_GLOBAL), ("i32.const", 1), ("i32.sub",))
            self.emit(("global.set", FUEL_GLOBAL))
        self.steps(self.budget)
        self.finish(self.function.type.results)
        self.function.body = self.out


_METHODS: dict[str, Callable[[Maker], None]] = {
    name: getattr(Maker, f"action_{name}") for name in ACTIONS
}


# ---- the parts of a module -----------------------------------------------------------------------


def _add_globals(world: World) -> None:
    module, dice = world.module, world.dice
    module.globals.append(Global(I32, True, FUEL))
    for _ in range(dice.below(6)):
        type_ = world.type()
        entry = Global(type_, dice.chance(0.7), dice.bits(type_))
        index = len(module.globals)
        module.globals.append(entry)
        world.globals_of[type_].append(index)
        if entry.mutable:
            world.mutable_of[type_].append(index)


def _add_memory(world: World) -> None:
    dice = world.dice
    if dice.chance(0.2):
        return
    least = dice.pick((0, 1, 1, 1, 1, 1, 1, 1, 1, 2))
    most = dice.pick((least, least + 1, 3, 4))
    world.module.memory = memory = Memory(least, most)
    if not least:
        return
    for _ in range(dice.below(3)):
        data = bytes([dice.below(256) for _ in range(dice.below(40))])
        memory.data.append((dice.pick((0, 8, 100, 0x10000 - 40)), data))


def _add_imports(world: World) -> None:
    if world.dice.chance(0.3):
        some = [entry for entry in HOST if world.dice.chance(0.5)]
        world.module.imports += some


def _signature(world: World) -> Signature:
    dice = world.dice
    params, results = 6, 3
    if dice.chance(0.03):
        params, results = dice.pick(((40, 2), (3, 40), (20, 20), (300, 1), (2, 300)))
    if dice.chance(0.3):
        type_ = world.maybe_dirty(world.type())
        return Signature((type_,), (type_,))  # for chains
    return Signature(world.types(params), world.types(results))


def _locals(world: World) -> list[int]:
    dice = world.dice
    number = dice.below(6)
    if dice.chance(0.02):
        number = dice.pick((100, 300, 700, 1400))
    return [world.maybe_dirty(world.type()) for _ in range(number)]


def _add_functions(world: World) -> None:
    module, dice = world.module, world.dice
    for index in range(1 + dice.below(5)):
        type_ = _signature(world)
        if index == 0 and any(entry.name == "again" for entry in module.imports):
            type_ = Signature((I32,), (I32,))
        module.functions.append(Function(type_, _locals(world)))
    first = len(module.imports)
    total = first + len(module.functions)
    world.leaves |= {index for index in range(first, total) if dice.chance(0.4)}
    for index in range(total):
        results = module.signature(index).results
        if len(results) == 1:
            world.giving.setdefault(results[0], []).append(index)
            world.giving.setdefault(results[0] | (DIRTY if results[0] in FLOATS else 0), [])
            if results[0] in FLOATS:
                world.giving[results[0] | DIRTY].append(index)


def _add_table(world: World) -> None:
    module, dice = world.module, world.dice
    if dice.chance(0.3):
        return
    total = len(module.imports) + len(module.functions)
    entries = [None if dice.chance(0.2) else dice.below(total) for _ in range(dice.below(9))]
    module.table = list(entries)


def _add_endless(world: World) -> None:
    """A function that only calls itself, so that both engines stop in the same state."""
    module, dice = world.module, world.dice
    type_ = Signature(world.types(6), world.types(3))
    index = len(module.imports) + len(module.functions)
    function = Function(type_, _locals(world))
    maker = Maker(world, index, function, 0)
    for param in type_.params:
        maker.push_local(param) if dice.chance(0.7) else maker.push_const(param)
    maker.emit(("call", index))
    function.body = maker.out
    module.functions.append(function)


def _add_calls(world: World, times: int) -> None:
    module, dice = world.module, world.dice
    for index, function in enumerate(module.functions):
        for _ in range(times if function.type.params else 1):
            args = tuple([dice.bits(type_) for type_ in function.type.params])
            module.calls.append(Call(index, args))


def generate(seed: int, size: int = 40, *, times: int = 4, dirty: bool | None = None) -> Module:
    """The module of a seed.

    Args:
        seed: Any number.
        size: The most steps that a function is made of; a step is one or some instructions.
        times: How often to call each function that has parameters.
        dirty: Whether NaNs of open bits may stay on the stack, instead of being made canonical
            after each instruction that may make one; None lets the seed decide.
    """
    world = World(Dice(seed), size, dirty)
    _add_globals(world)
    _add_memory(world)
    _add_imports(world)
    _add_functions(world)
    _add_table(world)
    first = len(world.module.imports)
    for index, function in enumerate(world.module.functions):
        Maker(world, first + index, function, 1 + world.dice.below(world.mood.steps * 2)).make()
    if world.dice.chance(0.04):
        starts = [f for f in range(first) if world.module.imports[f].name == "nothing"]
        starts += [
            first + i for i, f in enumerate(world.module.functions) if f.type == Signature()
        ]
        world.module.start = world.dice.pick(starts) if starts else None
    if world.dice.chance(0.01):
        _add_endless(world)
    _add_calls(world, times)
    return world.module
