# SPDX-License-Identifier: MIT
"""Gives a module more and wider tables, and instructions on them.

The functions are made as if the table had 32-bit indices, and `widen` changes the calls through a
table with 64-bit ones. One more function returns which elements of the tables are null at the end.
"""

from __future__ import annotations

from fuzz.ops import I64
from fuzz.tree import (
    Body,
    Call,
    Function,
    Instruction,
    Module,
    Signature,
    bodies,
    const,
    index_type,
)
from fuzz.world import Dice, World


def add_tables(world: World, dice: Dice) -> None:
    """Chooses the widths of the tables, and how often a module has instructions on tables.

    Args:
        world: The module, whose first table is made.
        dice: Other choices than `world.dice`, so that modules without such tables stay the same.
    """
    module = world.module
    if module.table is None or dice.chance(0.4):
        return
    module.wide = dice.pick(((True,), (True, True), (True, False), (False, True), (False, False)))
    total = len(module.imports) + len(module.functions)
    module.items = [dice.below(total) for _ in range(dice.below(5))]
    world.mood.actions += ["table"] * dice.pick((3, 10, 30))


def widen(world: World, dice: Dice) -> None:
    """Makes the indices of calls through the first table, which are constants, 64-bit."""
    if world.module.table is not None and world.module.wide[0]:
        for function in world.module.functions:
            _widen(function.body, world.mood.traps, dice)


def _widen(body: Body, traps: float, dice: Dice) -> None:
    for place in range(len(body) - 1, -1, -1):
        instruction = body[place]
        for inner in bodies(instruction):
            _widen(inner, traps, dice)
        if instruction[0] not in ("call_indirect", "return_call_indirect"):
            continue
        name, index = body[place - 1]
        assert name == "i32.const"
        if dice.chance(traps):
            body[place - 1] = ("i64.const", dice.pick((1 << 32, 1 << 63, 0xFFFFFFFF << 32)) | index)
        elif dice.chance(0.5):
            body[place - 1] = ("i64.const", index)
        else:
            body.insert(place, ("i64.extend_i32_u",))


def add_observer(module: Module) -> None:
    """Adds a function, and a call of it, that tells which elements of each table are null."""
    if module.table is None or (module.wide == (False,) and not module.items):
        return
    tables = range(len(module.wide))
    type_ = Signature((), (I64,) * len(module.wide))
    function = Function(type_, [*(index_type(module, t) for t in tables), *(I64 for _ in tables)])
    for table in tables:
        function.body += _observe(module, table, index=table, found=len(module.wide) + table)
    module.functions.append(function)
    module.calls.append(Call(len(module.functions) - 1))


def _observe(module: Module, table: int, index: int, found: int) -> Body:
    """Returns code that pushes a bit for each element, with a 1 before the first one."""
    word = "i64" if module.wide[table] else "i32"
    add_bit: Body = [
        *(("local.get", found), ("i64.const", 1), ("i64.shl",)),
        *(("local.get", index), ("table.get", table), ("ref.is_null",), ("i64.extend_i32_u",)),
        *(("i64.or",), ("local.set", found)),
        *(("local.get", index), (f"{word}.const", 1), (f"{word}.add",), ("local.set", index)),
        ("br", 1),
    ]
    more: Body = [
        *(("local.get", index), ("table.size", table), (f"{word}.lt_u",)),
        ("if", (), (), add_bit, None),
    ]
    return [
        *(("i64.const", 1), ("local.set", found)),
        ("loop", (), (), more),
        ("local.get", found),
    ]


def index_const(module: Module, table: int, value: int) -> Instruction:
    """Returns the instruction that pushes an index of a table."""
    type_ = index_type(module, table)
    return const(type_, value & ((1 << 64) - 1 if type_ == I64 else 0xFFFFFFFF))
