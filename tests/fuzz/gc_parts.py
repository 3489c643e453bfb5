# SPDX-License-Identifier: MIT
"""Gives a module types, and the functions, globals, tables and segments that hold references."""

from __future__ import annotations

from fuzz.gc_types import TypeMaker, Values
from fuzz.heaptypes import (
    ANY,
    ARRAY,
    EQ,
    EXN,
    EXTERN,
    FUNC,
    I31,
    NOEXTERN,
    NOFUNC,
    NONE,
    STRUCT,
    is_subtype,
    reference,
    to,
)
from fuzz.ops import is_reference
from fuzz.tree import Function, Global, References, Signature
from fuzz.world import HOST_OF_REFERENCES, Dice, World

SHARE_OF_TYPES = 0.35  # of the modules, which define types
_ACTIONS = {
    "struct": 10,
    "array": 10,
    "new": 6,
    "cast": 10,
    "null": 5,
    "equal": 3,
    "i31": 3,
    "churn": 1,
    "elements": 5,
    "call_ref": 6,
}


def add_types(world: World, dice: Dice) -> None:
    """Adds types, and lets the functions have references and instructions on them.

    Args:
        world: The module, which is still empty.
        dice: Other choices than `world.dice`, so that modules without types stay the same.
    """
    module, mood = world.module, world.mood
    maker = TypeMaker(dice, mood.every, mood.exceptions in ("modern", "both"))
    maker.make()
    module.types, module.groups = maker.types, maker.groups
    module.passive = bytes([dice.below(256) for _ in range(dice.pick((0, 8, 24, 40)))])
    world.values = Values(module, dice)
    abstract = (ANY, EQ, I31, STRUCT, ARRAY, FUNC, EXTERN)
    mood.references += (*abstract, *[reference(heap, nullable=False) for heap in abstract])
    mood.references += (NONE, NOFUNC, NOEXTERN)
    for index in range(len(module.types)):
        mood.references += (to(index), to(index, nullable=True), to(index, nullable=True))
    mood.share = dice.pick((0.2, 0.4, 0.7))
    often = dice.pick((1, 1, 2, 4))
    for action, weight in _ACTIONS.items():
        mood.actions += [action] * int(weight * often * dice.pick((0, 0.5, 1, 1, 2)))
    if mood.tails:
        mood.actions += ["return_call_ref"] * 20


def add_imports_of_types(world: World, dice: Dice) -> None:
    """Adds host functions that take and return references."""
    if world.values is not None and dice.chance(0.3):
        world.module.imports += [entry for entry in HOST_OF_REFERENCES if dice.chance(0.5)]


def signature_of_types(world: World) -> Signature:
    """Returns the type of a function: a defined one, or one that the runner can call."""
    dice = world.dice
    found = [i for i, type_ in enumerate(world.module.types) if type_.kind == "func"]
    if found and dice.chance(0.4):
        return _defined(world, dice.pick(found))
    params = [world.maybe_dirty(world.type()) for _ in range(dice.below(4))]
    results = [world.maybe_dirty(world.type()) for _ in range(1 + dice.below(3))]
    return Signature(tuple(params), tuple(results))


def _defined(world: World, index: int) -> Signature:
    type_ = world.module.types[index]
    return Signature(type_.params, type_.results, index)


def add_functions_of_types(world: World) -> None:
    """Adds a function for each defined type that no function has, not even one of a subtype."""
    module = world.module
    for index in reversed(range(len(module.types))):
        there = [f.type.defined for f in module.functions if f.type.defined is not None]
        if module.types[index].kind == "func" and not any(
            is_subtype(defined, index, module.types) for defined in there
        ):
            module.functions.append(Function(_defined(world, index)))


def add_references(world: World, dice: Dice) -> None:
    """Adds tables, globals and element segments of references, with constant expressions.

    Args:
        world: The module, whose functions have their types.
        dice: Other choices than `world.dice`, as for `add_types`.
    """
    module, values = world.module, world.values
    if values is None:
        return
    types = [t for t in world.mood.references if t != EXN]
    for _ in range(dice.below(3)):
        type_ = dice.pick(types)
        module.tables.append(References(type_, [values.of(type_)], dice.below(7)))
    for entry in module.globals:
        if is_reference(entry.type):
            entry.init = values.of(entry.type)
    for _ in range(dice.below(8)):
        type_ = dice.pick(types)
        index, entry = len(module.globals), Global(type_, dice.chance(0.6), 0, values.of(type_))
        module.globals.append(entry)
        world.globals_of[type_].append(index)
        if entry.mutable:
            world.mutable_of[type_].append(index)
        else:
            values.constants.setdefault(type_, []).append(index)
    elements = [t.fields[0].storage for t in module.types if t.kind == "array"]
    elements += [table.type for table in module.tables]
    elements = [t for t in elements if is_reference(t) and t != EXN]
    for _ in range(dice.below(4)):
        type_ = dice.pick(elements if elements and dice.chance(0.85) else types)
        items = [values.of(type_) for _ in range(dice.below(6))]
        module.elements.append(References(type_, items))
