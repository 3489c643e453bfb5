# SPDX-License-Identifier: MIT
"""Makes a random module from a seed: always valid, always ending, and always the same one.

The maker (maker.py) follows a function's operand stack while it writes the code. It knows the
types on the stack, picks an instruction that fits them, and pushes what is missing. Operands of
earlier instructions stay below, so branches leave values behind and blocks take values that
other instructions made. The weights of the instructions differ from module to module, so that
each module has much of something.

Every call ends. Each loop counts down in a local. A function that calls others returns at once
if the global "fuel" (g0) is used up; the runner fills it before each call.
"""

from __future__ import annotations

from fuzz.gc_digest import add_digest
from fuzz.gc_digest import add_observer as add_digests
from fuzz.gc_parts import (
    SHARE_OF_TYPES,
    add_functions_of_types,
    add_imports_of_types,
    add_references,
    add_types,
    signature_of_types,
)
from fuzz.maker import Maker
from fuzz.ops import DIRTY, FLOATS, FUNCREF, I32, V128, is_reference
from fuzz.tables import add_observer, add_tables, widen
from fuzz.tree import Call, Function, Global, Memory, Module, Signature
from fuzz.world import AGAIN, FOREIGN, FUEL, HOST, Dice, World, thrower


def _add_globals(world: World) -> None:
    module, dice = world.module, world.dice
    module.globals.append(Global(I32, True, FUEL))
    for _ in range(dice.below(6)):
        type_ = world.any_type()
        bits = 0 if is_reference(type_) else dice.bits(type_)
        entry = Global(type_, dice.chance(0.7), bits)
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
    memory = Memory(least, most)
    world.module.memories.append(memory)
    _add_data(memory, dice)


def _add_data(memory: Memory, dice: Dice) -> None:
    if not memory.min:
        return
    for _ in range(dice.below(3)):
        data = bytes([dice.below(256) for _ in range(dice.below(40))])
        memory.data.append((dice.pick((0, 8, 100, 0x10000 - 40)), data))


def _add_memories(world: World, dice: Dice) -> None:
    """Makes the first memory 64-bit, or adds others.

    Args:
        world: The module, whose first memory is made.
        dice: Other choices than `world.dice`, so that modules without such memories stay the same.
    """
    module = world.module
    if not module.memories or dice.chance(0.5):
        return
    widths = dice.pick(((1,), (0, 0), (0, 1), (1, 0), (1, 1), (0, 1, 0), (1, 0, 1)))
    module.memories[0].is64 = bool(widths[0])
    for width in widths[1:]:
        least = dice.pick((0, 1, 1, 1, 2))
        memory = Memory(least, dice.pick((least, least + 1, 4)), bool(width))
        module.memories.append(memory)
        _add_data(memory, dice)
    if dice.chance(0.5):
        module.passive = bytes([dice.below(256) for _ in range(1 + dice.below(40))])
    world.mood.actions += ["load", "store", "memory"] * dice.pick((1, 3, 8))


def _change_kinds(world: World, dice: Dice) -> None:
    """Makes memories shared, and imports some from the host.

    Args:
        world: The module, whose memories are made.
        dice: Other choices than `world.dice`, as for `_add_memories`.
    """
    memories = world.module.memories
    if dice.chance(0.6 if world.mood.atomics else 0.08):
        for memory in memories:
            memory.is_shared = dice.chance(0.7)
    if dice.chance(0.15):
        for memory in memories[: 1 + dice.below(len(memories))]:
            memory.is_imported = True


def _add_imports(world: World) -> None:
    if world.dice.chance(0.3):
        some = [entry for entry in HOST if world.dice.chance(0.5)]
        if not world.mood.simd:
            some = [e for e in some if V128 not in (*e.type.params, *e.type.results)]
        world.module.imports += some
    elif world.mood.exceptions and world.dice.chance(0.2):
        world.module.imports += [entry for entry in HOST if entry.name == "again"]


def _signature(world: World) -> Signature:
    dice = world.dice
    params, results = 6, 3
    if dice.chance(0.03):
        params, results = dice.pick(((40, 2), (3, 40), (20, 20), (300, 1), (2, 300)))
    if world.values is not None and dice.chance(0.7):
        return signature_of_types(world)
    if dice.chance(0.3):
        type_ = world.maybe_dirty(world.any_type())
        return Signature((type_,), (type_,))  # can be chained: f(f(x))
    return Signature(world.types(params), world.types(results))


def _locals(world: World) -> list[int]:
    dice = world.dice
    number = dice.below(6)
    if dice.chance(0.02):
        number = dice.pick((100, 300, 700, 1400))
    if world.mood.simd and dice.chance(0.02 if world.mood.exceptions else 0.004):
        # Each vector takes four slots, and these locals take more than 4,000.
        return [V128 if dice.chance(0.9) else world.type() for _ in range(dice.pick((1150, 1700)))]
    return [world.maybe_dirty(world.any_type()) for _ in range(number)]


def _add_tags(world: World) -> None:
    if world.mood.exceptions:
        for _ in range(world.dice.pick((1, 2, 2, 4))):
            world.module.tags.append(world.types(world.dice.pick((0, 1, 2, 6))))


def _add_host_exceptions(world: World) -> None:
    """Makes the host take part: it owns tags, throws, catches, and makes two instances."""
    module, dice = world.module, world.dice
    if not world.mood.exceptions or dice.chance(0.5):
        return
    module.host_tags = dice.below(len(module.tags) + 1)
    for tag in range(module.host_tags):
        module.tags[tag] = types = tuple(
            [
                t | DIRTY if t in FLOATS else t
                for t in module.tags[tag]
                if t == FUNCREF or not is_reference(t)
            ]
        )
        if dice.chance(0.8):
            world.throwers[tag] = len(module.imports)
            module.imports.append(thrower(tag, types))
    if dice.chance(0.3):
        module.imports.append(FOREIGN)
    names = {entry.name for entry in module.imports}
    module.imports += [e for e in AGAIN if e.name not in names and dice.chance(0.3)]
    module.is_linked = AGAIN[0] in module.imports and dice.chance(0.4)


def _add_functions(world: World) -> None:
    module, dice = world.module, world.dice
    for index in range(1 + dice.below(5)):
        type_ = _signature(world)
        if index == 0 and world.host_calls_f0():
            type_ = Signature((I32,), (I32,))
        module.functions.append(Function(type_, _locals(world)))
    if world.values is not None:
        add_functions_of_types(world)
        add_digest(world)
    first = len(module.imports)
    total = first + len(module.functions)
    if world.mood.exceptions == "legacy":
        world.legacy |= set(range(first, total))
    elif world.mood.exceptions == "both":
        world.legacy |= {index for index in range(first, total) if dice.chance(0.5)}
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
    """Adds a function that only calls itself: both engines exhaust the stack in the same state."""
    module, dice = world.module, world.dice
    type_ = Signature(world.types(6), world.types(3))
    index = len(module.imports) + len(module.functions)
    function = Function(type_, _locals(world))
    maker = Maker(world, index, function, 0)
    maker.set_locals()
    for param in type_.params:
        maker.push_local(param) if dice.chance(0.7) else maker.push_const(param)
    maker.emit(("call", index))
    function.body = maker.out
    module.functions.append(function)


def _add_calls(world: World, times: int) -> None:
    module, dice = world.module, world.dice
    for index, function in enumerate(module.functions):
        type_ = function.type
        if any(is_reference(t) for t in (*type_.params, *type_.results)):
            continue
        for _ in range(times if function.type.params else 1):
            args = tuple([dice.bits(type_) for type_ in function.type.params])
            module.calls.append(Call(index, args))


def generate(
    seed: int,
    size: int = 40,
    *,
    times: int = 4,
    dirty: bool | None = None,
    types: bool | None = None,
) -> Module:
    """Makes the module of a seed.

    Args:
        seed: Any number.
        size: How large functions may become, in steps; a step is one or a few instructions.
        times: How often the runner calls each function that has parameters.
        dirty: Whether a NaN whose bits the specification leaves open may stay on the stack
            (True) or is made canonical after each instruction that may make one (False). None
            lets the seed decide.
        types: Whether the module defines structs, arrays and other types, and has instructions on
            references. None lets the seed decide.
    """
    world = World(Dice(seed), size, dirty)
    choices = Dice(f"types {seed}")
    if choices.chance(SHARE_OF_TYPES) if types is None else types:
        add_types(world, choices)
    _add_globals(world)
    _add_memory(world)
    _add_memories(world, Dice(f"memories {seed}"))
    _change_kinds(world, Dice(f"kinds of memories {seed}"))
    _add_imports(world)
    add_imports_of_types(world, choices)
    _add_tags(world)
    _add_host_exceptions(world)
    _add_functions(world)
    _add_table(world)
    tables = Dice(f"tables {seed}")
    add_tables(world, tables)
    add_references(world, choices)
    first = len(world.module.imports)
    for index, function in enumerate(world.module.functions):
        if function.body:
            continue  # the one that computes digests
        Maker(world, first + index, function, 1 + world.dice.below(world.mood.steps * 2)).make()
    if world.dice.chance(0.04) and not world.host_calls_f0():  # that needs complete instances
        starts = [f for f in range(first) if world.module.imports[f].name == "nothing"]
        starts += [first + i for i, f in enumerate(world.module.functions) if f.type == Signature()]
        world.module.start = world.dice.pick(starts) if starts else None
    if world.dice.chance(0.01):
        _add_endless(world)
    _add_calls(world, times)
    widen(world, tables)
    add_observer(world.module)
    if world.values is not None:
        add_digests(world)
    return world.module
