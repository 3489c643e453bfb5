# SPDX-License-Identifier: MIT
"""Holds the changes that make a module smaller, for the reducer (reduce.py).

Not every result is a valid module; the reducer asks wasmtime which ones are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from fuzz import gc_ops
from fuzz.ops import ATOMICS, CODES, F32, F64, FUNCREF, PLAIN, Types, is_reference
from fuzz.tree import (
    BLOCKS,
    Body,
    Call,
    Function,
    Instruction,
    Module,
    References,
    Signature,
    Stack,
    bodies,
    const,
    entry,
    slots,
    walk,
    with_bodies,
    zero,
)

# Leads from a function's body to a body inside it. Each step goes into one instruction: it is the
# position of the instruction in its body, and the position of the inner body in the instruction.
Path: TypeAlias = "tuple[tuple[int, int], ...]"


# ---- how large a module is -----------------------------------------------------------------------


def _weigh(instruction: Instruction) -> int:
    name = instruction[0]
    if name.endswith(".const"):
        return 2 if instruction[1] == 0 else 3
    if name in ("drop", "nop"):
        return 2
    if name in ("local.get", "unreachable"):
        return 4
    if name == "br_table":
        return 6 + len(instruction[1])
    if name in ("throw", "throw_ref", "rethrow"):
        return 5
    if name in BLOCKS:
        size = 7 + 5 * len(instruction[1] + instruction[2]) + (len(bodies(instruction)) > 1)
        if name in ("try_table", "try"):
            return size + 1 + 7 * len(instruction[4])
        return size + 1 + instruction[4] if name == "try_delegate" else size
    return 6 + sum(1 for immediate in instruction[1:] if immediate not in (0, ()))


def weigh(module: Module) -> int:
    """Returns the size of a module, for the reducer. Every change that is kept makes it less."""
    code = sum(_weigh(i) for function in module.functions for i in walk(function.body))
    locals_ = sum(len(function.locals) for function in module.functions)
    types = 3 * sum(len(f.type.params) + len(f.type.results) for f in module.functions)
    parts = len(module.functions) + len(module.globals) + len(module.imports)
    parts += module.host_tags + module.is_linked
    memory = sum(5 + 5 * len(memory.data) for memory in module.memories) + len(module.passive)
    memory += sum(memory.is_shared + memory.is_imported for memory in module.memories)
    table = 0 if module.table is None else 5 + len(module.table) - module.table.count(None)
    kinds = sum(5 + 2 * len(t.fields + t.params + t.results) for t in module.types)
    kept = [*module.tables, *module.elements]
    kinds += sum(5 + entry.size + 3 * len(entry.items) for entry in kept)
    kinds += sum(map(len, expressions(module)))
    rest = sum(1 + sum(1 for bits in call.args if bits) for call in module.calls)
    return (
        code
        + locals_
        + types
        + 10 * parts
        + memory
        + table
        + kinds
        + rest
        + (module.start is not None)
    )


# ---- bodies by path ------------------------------------------------------------------------------


def body_at(body: Body, path: Path) -> Body:
    """Returns the body that a path leads to."""
    for position, slot in path:
        body = body[position][slot]
    return body


def put_body(body: Body, path: Path, new: Body) -> Body:
    """Returns a copy with another body at a path."""
    if not path:
        return new
    position, slot = path[0]
    instruction = body[position]
    inner = put_body(instruction[slot], path[1:], new)
    changed = (*instruction[:slot], inner, *instruction[slot + 1 :])
    return [*body[:position], changed, *body[position + 1 :]]


def paths(body: Body, path: Path = ()) -> Iterator[Path]:
    """Yields the paths of all bodies, outer ones first."""
    yield path
    for position, instruction in enumerate(body):
        for slot in slots(instruction):
            yield from paths(instruction[slot], (*path, (position, slot)))


def types_at(function: Function, path: Path) -> tuple[Types, Types]:
    """Returns the types on the stack where a body starts and where it ends."""
    if not path:
        return (), function.type.results
    *outer, (position, slot) = path
    block = body_at(function.body, tuple(outer))[position]
    return entry(block, slot), block[2]


def with_function(module: Module, index: int, function: Function) -> Module:
    """Returns a copy of a module with another function at an index."""
    functions = [*module.functions[:index], function, *module.functions[index + 1 :]]
    return replace(module, functions=functions)


def with_body(module: Module, index: int, path: Path, new: Body) -> Module:
    """Returns a copy of a module with another body at a path of a function."""
    function = module.functions[index]
    return with_function(module, index, replace(function, body=put_body(function.body, path, new)))


# ---- stretches and instructions -----------------------------------------------------------------


def glue(before: list[int], after: list[int]) -> Body:
    """Returns drops and zeros that turn one stack into another."""
    common = 0
    while common < min(len(before), len(after)) and before[common] == after[common]:
        common += 1
    return [("drop",)] * (len(before) - common) + list(map(zero, after[common:]))


def without_value(body: Body, found: list[Stack], position: int) -> Body | None:
    """Returns a body without an instruction that pushes, and without the drop of its value.

    Returns None if the instruction does not push exactly one value or the value is used.
    """
    before, after = found[position], found[position + 1]
    if before is None or after is None or len(after) != len(before) + 1:
        return None
    rest = [*body[:position], *body[position + 1 :]]
    for end in range(position + 1, len(body)):
        stack = found[end + 1]
        if stack is None:
            return rest  # a branch leaves the value behind
        if len(stack) <= len(before):
            if body[end] != ("drop",):
                return None
            return [*body[:position], *body[position + 1 : end], *body[end + 1 :]]
    return None


def simpler_forms(instruction: Instruction) -> Iterator[Body]:
    """Yields simpler code to try in the place of an instruction."""
    name = instruction[0]
    if name.endswith(".const") and instruction[1]:
        type_ = CODES[name.split(".")[0]]
        one = {F32: 0x3F800000, F64: 0x3FF0000000000000}.get(type_, 1)
        yield [zero(type_)]
        if instruction[1] != one:
            yield [const(type_, one)]
    elif name == "br_table":
        yield [("drop",), ("br", instruction[2])]
        yield [("br_table", (), instruction[2])]
        for half in (instruction[1][: len(instruction[1]) // 2], instruction[1][:-1]):
            yield [("br_table", half, instruction[2])]
    elif name in ATOMICS:  # which have one valid alignment
        yield [(*instruction[:2], 0, instruction[3])]
        yield [(*instruction[:3], 0)]
    elif ".load" in name or ".store" in name:
        yield [(name, 0, 0, *instruction[3:])]
        yield [(name, instruction[1], 0, *instruction[3:])]
        yield [(*instruction[:3], 0, *instruction[4:])]
    elif name.startswith("memory."):
        yield [(name, *[0] * (len(instruction) - 1))]
    elif name == "select_typed" and not is_reference(instruction[1]):
        yield [("select",)]
    elif name == "return_call":
        yield [("call", instruction[1]), ("return",)]
    elif name == "return_call_indirect":
        yield [("call_indirect", *instruction[1:]), ("return",)]
    elif name == "call_indirect" and instruction[3]:
        yield [(*instruction[:3], 0)]
    elif name == "return_call_ref":
        yield [("call_ref", instruction[1]), ("return",)]
    elif name == "array.new":
        yield [("array.new_fixed", instruction[1], 0)]
    elif name == "if":
        yield [("drop",), ("block", *instruction[1:4])]
    elif name == "loop":
        yield [("block", *instruction[1:])]
    elif name == "throw_ref":
        yield [("unreachable",)]
    else:
        yield from _simpler_tries(instruction)


def _simpler_tries(instruction: Instruction) -> Iterator[Body]:
    name = instruction[0]
    if name in ("try_table", "try", "try_delegate"):
        yield [("block", *instruction[1:4])]
    if name == "try_delegate" and instruction[4]:
        yield [(*instruction[:4], instruction[4] - 1)]
    if name in ("try_table", "try"):
        clauses = instruction[4]
        for gone in range(len(clauses)):
            rest = (*clauses[:gone], *clauses[gone + 1 :])
            catches = [body for i, body in enumerate(instruction[5:]) if i != gone]
            yield [(*instruction[:4], rest, *catches)]


def _blocks_with(instruction: Instruction, params: Types, results: Types) -> Body:
    return [(instruction[0], params, results, *instruction[3:])]


def without_first_param(instruction: Instruction) -> Body | None:
    """Returns a block without its first parameter and its first result, if they have one type.

    This fits if the block's body never takes the parameter, so that it becomes the result.
    """
    params, results = instruction[1], instruction[2]
    if not params or instruction[0] in ("loop", "try"):
        return None
    if results and results[0] & PLAIN == params[0] & PLAIN:
        return _blocks_with(instruction, params[1:], results[1:])
    return None


def without_last_result(instruction: Instruction) -> Body | None:
    """Returns a block that drops its last result, and a zero in its place."""
    results = instruction[2]
    if not results:
        return None
    changed = with_bodies(instruction, [[*body, ("drop",)] for body in bodies(instruction)])
    return [*_blocks_with(changed, changed[1], results[:-1]), zero(results[-1])]


def without_all_results(instruction: Instruction) -> Body | None:
    """Returns a block that drops its results, and zeros in their place."""
    results = instruction[2]
    if not results:
        return None
    drops: Body = [("drop",)] * len(results)
    changed = with_bodies(instruction, [[*body, *drops] for body in bodies(instruction)])
    return [*_blocks_with(changed, changed[1], ()), *map(zero, results)]


# ---- renumbering ---------------------------------------------------------------------------------


def map_body(body: Body, change: Callable[[Instruction], Instruction]) -> Body:
    """Returns a copy with every instruction changed, inner ones first."""
    found = []
    for instruction in body:
        if instruction[0] in BLOCKS:
            inner = [map_body(part, change) for part in bodies(instruction)]
            instruction = with_bodies(instruction, inner)
        found.append(change(instruction))
    return found


def _in_all(module: Module, change: Callable[[Instruction], Instruction]) -> list[Function]:
    return [replace(f, body=map_body(f.body, change)) for f in module.functions]


def lower(body: Body, depth: int = 0) -> Body | None:
    """Returns a body without the label around it, or None if something branches to the label."""
    found: Body = []
    for instruction in body:
        name = instruction[0]
        if name in BLOCKS:
            inner = [lower(part, depth + 1) for part in bodies(instruction)]
            opened = [part for part in inner if part is not None]
            if len(opened) < len(inner):
                return None
            instruction = with_bodies(instruction, opened)
        targets = depths(instruction)
        if depth in targets:
            return None
        found.append(with_depths(instruction, [t - (t > depth) for t in targets]))
    return found


_WITH_A_DEPTH = ("br", "br_if", "rethrow", *gc_ops.BRANCHES)


def depths(instruction: Instruction) -> list[int]:
    """Returns the depths of the labels that an instruction names."""
    name = instruction[0]
    if name in _WITH_A_DEPTH:
        return [instruction[1]]
    if name == "br_table":
        return [*instruction[1], instruction[2]]
    if name == "try_table":
        return [clause[2] for clause in instruction[4]]
    return [instruction[4]] if name == "try_delegate" else []


def with_depths(instruction: Instruction, new: list[int]) -> Instruction:
    """Returns an instruction that names labels at other depths."""
    name = instruction[0]
    if name in _WITH_A_DEPTH:
        return (name, *new, *instruction[2:])
    if name == "br_table":
        return (name, tuple(new[:-1]), new[-1])
    if name == "try_table":
        clauses = [(*clause[:2], t) for clause, t in zip(instruction[4], new, strict=True)]
        return (*instruction[:4], tuple(clauses))
    return (*instruction[:4], *new) if name == "try_delegate" else instruction


def expressions(module: Module) -> list[Body]:
    """Returns the constant expressions of globals, tables and element segments."""
    kept = [item for entry in (*module.tables, *module.elements) for item in entry.items]
    return [*(entry.init for entry in module.globals if entry.init), *kept]


def _in_expressions(module: Module, change: Callable[[Instruction], Instruction]) -> Module:
    """Returns a module with every instruction of its constant expressions changed."""

    def all_of(entries: list[References]) -> list[References]:
        return [
            replace(entry, items=[map_body(item, change) for item in entry.items])
            for entry in entries
        ]

    return replace(
        module,
        globals=[replace(g, init=map_body(g.init, change)) for g in module.globals],
        tables=all_of(module.tables),
        elements=all_of(module.elements),
    )


def _used(module: Module, name: str, index: int) -> bool:
    code = [*(function.body for function in module.functions), *expressions(module)]
    return any(i[0].startswith(name) and i[1] == index for body in code for i in walk(body))


def without_function(module: Module, index: int) -> Module:
    """Returns a module without a function, whose index counts imports.

    Calls to the function become drops of its arguments and zeros for its results.
    """
    type_ = module.signature(index)
    gone: Body = [("drop",)] * len(type_.params) + list(map(zero, type_.results))
    functions = [replace(f, body=_without_call(f.body, index, gone)) for f in module.functions]
    imports = list(module.imports)
    defined = index - len(imports)
    if defined < 0:
        del imports[index]
        calls = module.calls
    else:
        del functions[defined]
        calls = [
            Call(c.function - (c.function > defined), c.args)
            for c in module.calls
            if c.function != defined
        ]
    table = module.table and [
        None if f is None or f == index else f - (f > index) for f in module.table
    ]
    items = [f - (f > index) for f in module.items if f != index]
    start = None if module.start in (None, index) else module.start - (module.start > index)
    module = _in_expressions(module, partial(_without_reference, index))
    changed = replace(module, imports=imports, functions=functions, calls=calls)
    return replace(changed, table=table, items=items, start=start)


def _without_reference(index: int, instruction: Instruction) -> Instruction:
    """Returns an instruction; a reference to a function that is gone becomes a null."""
    if instruction[0] != "ref.func":
        return instruction
    target = instruction[1]
    return zero(FUNCREF) if target == index else ("ref.func", target - (target > index))


def _without_call(body: Body, index: int, gone: Body) -> Body:
    found: Body = []
    for instruction in body:
        if instruction[0] in BLOCKS:
            inner = [_without_call(part, index, gone) for part in bodies(instruction)]
            found.append(with_bodies(instruction, inner))
        elif instruction[0] == "ref.func":
            found.append(_without_reference(index, instruction))
        elif instruction[0] not in ("call", "return_call"):
            found.append(instruction)
        elif instruction[1] == index:
            found += gone if instruction[0] == "call" else [*gone, ("return",)]
        else:
            found.append((instruction[0], instruction[1] - (instruction[1] > index)))
    return found


def _renumbered(prefix: str, index: int) -> Callable[[Instruction], Instruction]:
    def change(instruction: Instruction) -> Instruction:
        if instruction[0].startswith(prefix) and instruction[1] > index:
            return (instruction[0], instruction[1] - 1)
        return instruction

    return change


def without_global(module: Module, index: int) -> Module:
    """Returns a module without a global, or the module itself if code uses the global."""
    if _used(module, "global.", index):
        return module
    module = _in_expressions(module, _renumbered("global.", index))
    entries = module.globals[:index] + module.globals[index + 1 :]
    return replace(
        module, globals=entries, functions=_in_all(module, _renumbered("global.", index))
    )


def without_local(module: Module, index: int, place: int) -> Module:
    """Returns a module without a local of a function. No instruction may use the local."""
    function = module.functions[index]
    number = len(function.type.params) + place
    locals_ = function.locals[:place] + function.locals[place + 1 :]
    body = map_body(function.body, _renumbered("local.", number))
    return with_function(module, index, replace(function, locals=locals_, body=body))


def without_param(module: Module, index: int, place: int) -> Module:
    """Returns a module in which a parameter of a function became a local.

    Returns the module itself if code calls the function, or if there is a table.
    """
    number = index + len(module.imports)
    if _used(module, "call", number) or _used(module, "return_call", number) or module.table:
        return module
    function = module.functions[index]
    params = function.type.params
    last = len(params) - 1

    def change(instruction: Instruction) -> Instruction:
        if not instruction[0].startswith("local.") or not place <= instruction[1] <= last:
            return instruction
        moved = last if instruction[1] == place else instruction[1] - 1
        return (instruction[0], moved)

    type_ = Signature(params[:place] + params[place + 1 :], function.type.results)
    changed = Function(type_, [params[place], *function.locals], map_body(function.body, change))
    calls = [
        Call(c.function, c.args[:place] + c.args[place + 1 :]) if c.function == index else c
        for c in module.calls
    ]
    return replace(with_function(module, index, changed), calls=calls)
