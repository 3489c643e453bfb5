# SPDX-License-Identifier: MIT
"""Keeps the operand stack of a function that is being made, and emits code that pushes operands.

The types on the stack are known after every instruction. Each `push…` method emits code that
adds exactly one value; `need` may use values that are on the stack already.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Sequence

from fuzz.heaptypes import is_nullable
from fuzz.ops import (
    ACCESSES,
    BITS,
    CAN_TRAP,
    CANONICAL_NAN,
    DIRTY,
    EXNREF,
    F32,
    F64,
    FLOATS,
    FUNCREF,
    HIDES_BITS,
    I32,
    MAKES_NAN,
    MAKES_NANS,
    NUMERIC,
    PLAIN,
    SHOWS_BITS,
    TESTS_NANS,
    TYPES,
    V128,
    Access,
    Op,
    Types,
    is_reference,
)
from fuzz.tree import Body, Function, Instruction, address_type, const, zero
from fuzz.world import AGAIN_NAMES, FOREIGN, THROW, World
from simd_ops import RELAXED


def _by(ops: Sequence[Op], key: Callable[[Op], int]) -> dict[int, list[Op]]:
    """Groups instructions by a type, with an entry for every type."""
    found: dict[int, list[Op]] = {t: [] for t in TYPES}
    for op in ops:
        found[key(op)].append(op)
    return found


class Choices:
    """The instructions of which a module may have some, by a type of theirs."""

    def __init__(self, ops: Sequence[Op]) -> None:
        safe = [op for op in ops if op.name not in CAN_TRAP]
        self.unary = _by([op for op in safe if len(op.params) == 1], lambda op: op.params[0])
        # Two operands of one type.
        self.binary = _by(
            [op for op in safe if op.params == op.params[:1] * 2], lambda op: op.params[0]
        )
        # Two operands of the result's type: repeated, they fold a deep stack to one value.
        self.folding = _by(
            [op for op in safe if op.params == (op.result,) * 2], lambda op: op.result
        )
        self.risky = _by([op for op in ops if op.name in CAN_TRAP], lambda op: op.params[0])
        self.giving = _by(safe, lambda op: op.result)
        self.vector = [op for op in safe if V128 in (op.result, *op.params)]
        # There are few relaxed instructions, and few modules have them.
        self.vector += [op for op in safe if op.name in RELAXED] * 4


@functools.cache
def choices(simd: bool, relaxed: bool) -> Choices:
    """Returns the instructions of modules with or without vectors and relaxed instructions."""
    ops = [op for op in NUMERIC.values() if relaxed or op.name not in RELAXED]
    if not simd:
        ops = [op for op in ops if V128 not in (op.result, *op.params)]
    return Choices(ops)


# The float of a NaN in each lane, and the comparison that finds the lanes that are not NaNs.
_CLEAN_LANES = {
    "f32x4": ("f32x4.eq", sum(CANONICAL_NAN[F32] << place for place in range(0, 128, 32))),
    "f64x2": ("f64x2.eq", sum(CANONICAL_NAN[F64] << place for place in range(0, 128, 64))),
}
LOADS = {t: [a for a in ACCESSES.values() if a.type == t and not a.is_store] for t in TYPES}
STORES = {t: [a for a in ACCESSES.values() if a.type == t and a.is_store] for t in TYPES}
LOADS[V128] += [ACCESSES["v128.load"]] * 8
STORES[V128] += [ACCESSES["v128.store"]] * 8


class Label:
    """A block that is being made: what a branch to it needs, and where its operands begin."""

    __slots__ = ("base", "caught", "counter", "dead", "tried", "types")

    def __init__(self, base: int, types: Types, counter: int | None = None) -> None:
        self.base = base  # number of operands below the block's own
        self.types = types  # of the values that a branch carries
        self.counter = counter  # the local that counts down the rounds of a loop
        self.caught = False  # whether it is a clause of a legacy try
        self.tried: Sequence[int] | None = None  # tags with clauses if it is a try, which throws
        self.dead = False  # whether the code after this cannot be reached


class Operands(ABC):
    """The operand stack of a function that is being made, and the steps that change it."""

    def __init__(self, world: World, index: int, function: Function, steps: int) -> None:
        self.world = world
        self.dice = world.dice
        self.mood = world.mood
        self.module = world.module
        self.choices = choices(world.mood.simd, world.mood.relaxed)
        self.function = function
        self.is_leaf = index in world.leaves
        self.is_called_by_host = index == len(self.module.imports) and world.host_calls_f0()
        self.budget = steps
        self.out: Body = []
        self.stack: list[int] = []
        self.labels = [Label(0, function.type.results)]
        self.locals = [*function.type.params, *function.locals]
        self.readable: dict[int, list[int]] = defaultdict(list)
        for position, type_ in enumerate(self.locals):
            self.readable[type_].append(position)
        self.writable: dict[int, list[int]] = defaultdict(list)
        self.writable |= {t: list(found) for t, found in self.readable.items()}
        self.fits = world.fits
        self.segment = 0  # which push_range of gc_maker.py has chosen
        self.temporary: dict[int, int] = {}
        self.is_legacy = index in world.legacy
        self.tries = 0  # how many try blocks are around this place

    @abstractmethod
    def push_reference(self, want: int, depth: int) -> None:
        """Pushes a reference in a module that defines types; References does it."""

    # ---- small steps ----

    def new_local(self, type_: int) -> int:
        """Adds a local that `write_local` never chooses, because code of the maker relies on it."""
        self.locals.append(type_)
        self.function.locals.append(type_)
        return len(self.locals) - 1

    def own(self) -> int:
        """Returns the number of operands that belong to the innermost block."""
        return len(self.stack) - self.labels[-1].base

    def emit(self, *instructions: Instruction) -> None:
        """Appends instructions. The caller updates the stack."""
        self.out.extend(instructions)

    def push_const(self, type_: int) -> None:
        """Pushes a random constant of a type, often one at the edge of its range."""
        if is_reference(type_):
            self.push_new_reference(type_)
            return
        self.emit(const(type_, self.dice.bits(type_)))
        self.stack.append(type_ & PLAIN)

    def push_i32(self, value: int) -> None:
        """Pushes an i32 constant."""
        self.emit(("i32.const", value & 0xFFFFFFFF))
        self.stack.append(I32)

    def temporary_number(self, type_: int) -> int:
        """Returns the local that holds a number of a type for a moment; a float may be dirty."""
        if type_ not in self.temporary:
            self.temporary[type_] = self.new_local(self.as_temporary(type_))
        return self.temporary[type_]

    def clean(self) -> None:
        """Makes the float on top of the stack the canonical NaN if it is a NaN."""
        type_ = self.stack[-1] & PLAIN
        local = self.temporary_number(type_)
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
        """Cleans the top of the stack if it is dirty, before an instruction that shows its bits."""
        if self.stack[-1] & DIRTY:
            self.clean()

    def apply(self, op: Op) -> None:
        """Emits a numeric instruction whose operands are on top of the stack."""
        if op.name in SHOWS_BITS:
            self.clean_if_dirty()
        taken = self.stack[-len(op.params) :]
        del self.stack[-len(op.params) :]
        self.emit(self.with_lane(op))
        dirty = op.name in MAKES_NAN or (
            op.result in FLOATS and op.params[0] in FLOATS and any(t & DIRTY for t in taken)
        )
        self.stack.append(op.result | DIRTY if dirty else op.result)
        if dirty and not self.mood.dirty:
            self.clean()
        if op.name in MAKES_NANS:
            self.clean_lanes(MAKES_NANS[op.name])

    def with_lane(self, op: Op) -> Instruction:
        """Returns a numeric instruction, with the number of a lane if it takes one."""
        return (op.name, self.dice.below(op.lanes)) if op.lanes else (op.name,)

    def temporary_vector(self, dirty: bool) -> int:
        """Returns the local that holds a vector for a moment; the bits of a dirty one are open."""
        key = V128 | DIRTY if dirty else V128
        if key not in self.temporary:
            self.temporary[key] = self.new_local(V128)
        return self.temporary[key]

    def clean_lanes(self, shape: str) -> None:
        """Makes the lanes of the vector on top of the stack canonical NaNs if they are NaNs.

        Before, it may apply instructions to the vector that hide the bits of NaNs.
        """
        while self.mood.dirty and self.dice.chance(0.4):
            op = self.dice.pick(HIDES_BITS[shape])
            if op.name in RELAXED and not self.mood.relaxed:
                continue
            for type_ in op.params[1:]:
                self.push(type_, 2)
            self.pop(len(op.params) - 1)
            self.emit((op.name,))
            if op.name in TESTS_NANS:
                return  # the lanes are integers now
        local = self.temporary_vector(dirty=True)
        equal, nans = _CLEAN_LANES[shape]
        self.emit(("local.tee", local), const(V128, nans), ("local.get", local))
        self.emit(("local.get", local), (equal,), ("v128.bitselect",))

    def push(self, want: int, depth: int = 0) -> None:
        """Pushes a value that fits a type: a constant, a local, a result, whatever the dice say."""
        if self.world.values is not None and is_reference(want):
            self.push_reference(want, depth)
            return
        kind = self.dice.roll()
        if is_reference(want) and (kind < 0.3 or 0.78 <= kind < 0.83):
            self.push_new_reference(want)
        elif kind < 0.3 and depth < 3:
            self.push_computed(want, depth)
        elif kind < 0.7:
            self.push_local(want)
        elif kind < 0.78:
            self.push_global(want)
        elif kind < 0.83 and depth < 2 and self.module.memories:
            self.push_loaded(want)
        elif kind < 0.86 and depth < 2:
            self.push_called(want)
        else:
            self.push_const(want)

    def push_new_reference(self, want: int) -> None:
        """Pushes a null, or a reference to a function or to a new exception."""
        if self.world.values is not None and want != EXNREF:
            self.emit(*self.world.values.of(want))
        elif self.dice.chance(0.3) or (want == EXNREF and self.is_legacy):
            self.emit(("ref.null", want))
        elif want == FUNCREF:
            first = len(self.module.imports)  # imported functions are not exported
            self.emit(("ref.func", first + self.dice.below(len(self.module.functions))))
        else:
            tag, types = self.any_tag()
            thrown: Body = [i for t in types for i in self.constant(t)] + [("throw", tag)]
            tried = ("try_table", (), (), thrown, ((None, True, 0),))
            self.emit(("block", (), (EXNREF,), [tried, ("unreachable",)]))
        self.stack.append(want)

    def constant(self, type_: int) -> Body:
        """Returns code that pushes a random number, or a null if the type has it."""
        return self.default(type_) if is_reference(type_) else [const(type_, self.dice.bits(type_))]

    def default(self, type_: int) -> Body:
        """Returns code that pushes a zero, a null, or a new reference if the type has no null."""
        if self.world.values is not None and is_reference(type_) and not is_nullable(type_):
            return self.world.values.of(type_)
        return [zero(type_)]

    def any_tag(self) -> tuple[int, Types]:
        """Chooses a tag, likely one that a try around catches; returns it with its types."""
        tag = self.dice.below(len(self.module.tags))
        tags = [tag for label in self.labels for tag in label.tried or ()]
        if tags and self.dice.chance(0.7):
            tag = self.dice.pick(tags)
        return tag, self.module.tags[tag]

    def push_computed(self, want: int, depth: int) -> None:
        """Pushes the result of an instruction whose operands are pushed first."""
        op = self.dice.pick(self.choices.giving[want & PLAIN])
        for type_ in op.params:
            dirty = type_ in FLOATS and self.mood.dirty and op.name not in SHOWS_BITS
            self.push(type_ | DIRTY if dirty else type_, depth + 1)
        self.apply(op)
        if not self.fits(self.stack[-1], want):
            self.clean()

    def push_local(self, want: int) -> None:
        """Pushes a local of a type, or a constant if there is none."""
        found = self.readable[want]
        if want & DIRTY and (not found or self.dice.chance(0.5)):
            found = self.readable[want & PLAIN] or found
        if not found:
            self.push_const(want)
            return
        index = self.dice.pick(found)
        self.emit(("local.get", index))
        self.stack.append(self.locals[index])

    def push_global(self, want: int) -> None:
        """Pushes a global of a type, or a constant if there is none."""
        found = self.world.globals_of[want & PLAIN]
        if not found:
            self.push_const(want)
            return
        self.emit(("global.get", self.dice.pick(found)))
        self.stack.append(want & PLAIN)

    def push_loaded(self, want: int) -> None:
        """Pushes a value loaded from memory."""
        access = self.dice.pick(LOADS[want & PLAIN])
        memory = self.any_memory()
        self.push_address(memory)
        if access.lanes:
            self.push(V128, 2)
            self.stack.pop()
        self.emit(self.access(access, memory))
        self.stack[-1] = want & PLAIN

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
        """Makes the top of the stack have these types, with operands there or newly pushed ones."""
        kept = 0
        if self.dice.chance(self.mood.reuse):
            kept = min(len(types), self.own())
            while kept and not all(map(self.fits, self.stack[-kept:], types)):
                kept -= 1
        for type_ in types[kept:]:
            self.push(type_)

    def pop(self, number: int) -> None:
        """Removes operands from the top of the stack that instructions have taken."""
        if number:
            del self.stack[-number:]

    def any_memory(self) -> int:
        """Chooses the index of a memory. The module has one."""
        count = len(self.module.memories)
        return self.dice.below(count) if count > 1 else 0

    def push_number(self, type_: int, value: int) -> None:
        """Pushes a constant that is an i32 or an i64."""
        self.emit(const(type_, value & (1 << BITS[type_]) - 1))
        self.stack.append(type_)

    def push_address(self, memory: int) -> None:
        """Pushes an address that is most often inside a memory."""
        type_ = address_type(self.module, memory)
        kind = self.dice.roll()
        if kind < 0.5:
            self.push_number(type_, self.dice.below(64))
        elif kind < self.mood.traps / 4 + 0.5:
            self.push(type_)
        else:
            self.push(type_)
            self.emit(const(type_, self.dice.pick((0x3F, 0xFFF, 0xFFF0))))
            self.emit(("i32.and",) if type_ == I32 else ("i64.and",))

    def access(self, access: Access, memory: int) -> Instruction:
        """Returns a load or a store in a memory with random immediates."""
        offset = self.dice.below(16)
        if self.dice.chance(self.mood.traps / 8):
            offset = self.dice.pick((0xFFF0, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF))
            if self.module.memories[memory].is64 and self.dice.chance(0.5):
                offset = self.dice.pick((1 << 32, 1 << 63, (1 << 64) - 16, (1 << 64) - 1))
        lane = (self.dice.below(access.lanes),) if access.lanes else ()
        return (access.name, self.dice.below(access.align + 1), offset, memory, *lane)

    @staticmethod
    def as_temporary(type_: int) -> int:
        """Returns the type with which a temporary of a type counts: floats in it may be dirty."""
        return type_ | DIRTY if type_ in FLOATS else type_

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

    def may_call(self, index: int) -> bool:
        """Tells whether this function may call another; leaves may call only host functions."""
        if index >= len(self.module.imports):
            return not self.is_leaf
        name = self.module.imports[index].name
        if name == FOREIGN.name or name.startswith(THROW):
            return self.tries > 0 or self.dice.chance(0.2)
        return not self.is_leaf or name not in AGAIN_NAMES

    def call(self, index: int) -> None:
        """Calls a function whose arguments are on top of the stack."""
        type_ = self.module.signature(index)
        self.emit(("call", index))
        self.pop(len(type_.params))
        self.stack += type_.results
