# SPDX-License-Identifier: MIT
"""Defines the tree of a module: plain data that the generator makes and the reducer changes.

An instruction is a tuple of its name and its immediates:

    ("i32.const", bits)              a number is an unsigned bit pattern
    ("local.get", index)             also local.set, local.tee, global.get, global.set, call
    ("br", depth)                    also br_if
    ("i32.load", align, offset, memory)           align is an exponent of two, as in the bytes
    ("v128.load8_lane", align, offset, memory, lane)   also the others that access a lane
    ("i32.atomic.load", align, offset, memory)    also the other atomic accesses, waits and notify
    ("memory.size", memory)          also memory.grow, memory.fill, memory.init
    ("memory.copy", to, from)        two memories
    ("data.drop", 0)                 it drops the segment that memory.init copies from
    ("i8x16.extract_lane_s", lane)                also the other instructions on a lane
    ("i8x16.shuffle", lanes)
    ("select_typed", type)           select with the type of its operands
    ("br_table", depths, default)
    ("call_indirect", params, results, variant)   variant tells equal types apart (encode.py); a
                                     negative one is -1 - the index of the type in Module.types
    ("return_call", index)           also ("return_call_indirect", params, results, variant)
    ("block", params, results, body)              also loop
    ("if", params, results, then, otherwise)      otherwise is a body or None
    ("throw", tag)                   a tag counts from 0; the imported ones come first
    ("try_table", params, results, body, clauses)
    ("try", params, results, body, clauses, *catches)     legacy: a body for each clause
    ("try_delegate", params, results, body, depth)        legacy: a try that ends with delegate
    ("rethrow", depth)               legacy
    ("ref.null", type)               also ("ref.func", index)
    ("table.get", table)             also table.set, table.size, table.grow, table.fill
    ("table.copy", to, from)         also ("table.init", segment, table), ("elem.drop", segment)
    ("struct.get", type, field)      gc_ops.py lists these instructions with their immediates
    ("ref.cast", type)               a reference type of heaptypes.py; also ref.test
    ("br_on_cast", depth, from, to)  two such types; also br_on_cast_fail
    ("array.new_elem", type, segment)    an index of Module.elements; also array.init_elem
    ("i32.add",)                     an instruction without immediates

A clause of a try_table is a triple of a tag, whether the label also gets a reference, and the depth
of the label, which counts from outside. A clause of a try is a pair of a tag and the types of its
values. Without a tag (None), a clause catches every exception.


A body is a list of instructions without its "end".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fuzz import gc_ops
from fuzz.heaptypes import FUNC, Defined, is_nullable, reference, to
from fuzz.ops import (
    ACCESSES,
    ATOMICS,
    CODES,
    FENCE,
    FLOATS,
    FUNCREF,
    I32,
    I64,
    NAMES,
    NUMERIC,
    PLAIN,
    V128,
    Types,
    is_reference,
)

Instruction: TypeAlias = tuple[Any, ...]
Body: TypeAlias = list[Instruction]
Stack: TypeAlias = "list[int] | None"  # None where the code cannot be reached

BLOCKS = ("block", "loop", "if", "try_table", "try", "try_delegate")
# Control never goes on behind these.
LEAVES = (
    *("br", "br_table", "return", "unreachable", "return_call", "return_call_indirect"),
    *("throw", "throw_ref", "rethrow", "return_call_ref"),
)
LEGACY = ("try", "try_delegate", "rethrow")


@dataclass
class Signature:
    """A function type."""

    params: Types = ()
    results: Types = ()
    defined: int | None = None  # its index in Module.types if it is one of these


@dataclass
class Import:
    """A host function. compare.py and oracle.py define it under this name."""

    name: str
    type: Signature


@dataclass
class Function:
    """A defined function. `locals` are those beyond the parameters."""

    type: Signature
    locals: list[int] = field(default_factory=list)
    body: Body = field(default_factory=list)


@dataclass
class Global:
    """A defined global with the bits of its initial value, or a constant expression for it."""

    type: int
    mutable: bool
    bits: int
    init: Body = field(default_factory=list)


@dataclass
class References:
    """A table or a passive element segment of references, with a constant expression for each.

    A table begins with `size` elements with the value of the first expression.
    """

    type: int
    items: list[Body] = field(default_factory=list)
    size: int = 0


@dataclass
class Memory:
    """A memory: its limits in pages, and its data segments as pairs of offset and bytes.

    Imported memories come before the others. The instances of a linked module share them.
    """

    min: int
    max: int
    is64: bool = False
    data: list[tuple[int, bytes]] = field(default_factory=list)
    is_shared: bool = False
    is_imported: bool = False


@dataclass
class Call:
    """A call that the runner makes.

    `function` counts the defined functions from 0; `args` are bit patterns.
    """

    function: int
    args: tuple[int, ...] = ()


@dataclass
class Module:
    """A module with the calls to make.

    All defined functions, globals, memories and tags are exported as f0, f1, …, g0, g1, …,
    m0, m1, … and t0, t1, … Imported tags and memories are exported, too.
    """

    imports: list[Import] = field(default_factory=list)
    functions: list[Function] = field(default_factory=list)
    globals: list[Global] = field(default_factory=list)
    tags: list[Types] = field(default_factory=list)  # the types of their values
    host_tags: int = 0  # how many of the tags, the first ones, are imported from the host
    is_linked: bool = False  # whether there are two instances; see world.AGAIN
    memories: list[Memory] = field(default_factory=list)
    passive: bytes = b""  # of data segment 0, which is passive; empty: there is no such segment
    table: list[int | None] | None = None  # function indices, which count the imports
    # Whether the indices of each table are 64-bit. `table` has the elements of the first one; if
    # there is a second one, it begins with SECOND_TABLE nulls. No table has more elements than
    # MOST_ELEMENTS.
    wide: tuple[bool, ...] = (False,)
    items: list[int] = field(default_factory=list)  # of element segment 0, which is passive
    # Types that stand before those of functions and blocks; `groups` are the sizes of their groups,
    # in which they may refer to each other. Tables and element segments count behind the others.
    types: list[Defined] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    tables: list[References] = field(default_factory=list)
    elements: list[References] = field(default_factory=list)
    start: int | None = None  # a function index, which counts the imports
    calls: list[Call] = field(default_factory=list)

    def signature(self, index: int) -> Signature:
        """Returns the type of a function, whose index counts the imports."""
        if index < len(self.imports):
            return self.imports[index].type
        return self.functions[index - len(self.imports)].type


def reference_to(module: Module, function: int) -> int:
    """Returns the type of a reference to a function, as precisely as heaptypes.py can write it."""
    defined = module.signature(function).defined
    return reference(FUNC, nullable=False) if defined is None else to(defined)


SECOND_TABLE = 4
MOST_ELEMENTS = 24


def index_type(module: Module, table: int) -> int:
    """Returns the type of the indices of a table."""
    return I64 if table < len(module.wide) and module.wide[table] else I32


def element_type(module: Module, table: int) -> int:
    """Returns the type of the elements of a table."""
    others = len(module.wide)
    return FUNCREF if table < others else module.tables[table - others].type


def slots(instruction: Instruction) -> list[int]:
    """Returns the places in an instruction where bodies are."""
    name = instruction[0]
    if name not in BLOCKS:
        return []
    if name == "try":
        return [3, *range(5, len(instruction))]
    return [3, 4] if name == "if" and instruction[4] is not None else [3]


def bodies(instruction: Instruction) -> list[Body]:
    """Returns the bodies inside an instruction."""
    return [instruction[slot] for slot in slots(instruction)]


def with_bodies(instruction: Instruction, new: Sequence[Body]) -> Instruction:
    """Returns a block with other bodies."""
    changed = list(instruction)
    for slot, body in zip(slots(instruction), new, strict=True):
        changed[slot] = body
    return tuple(changed)


def entry(instruction: Instruction, slot: int) -> Types:
    """Returns the types on the stack where the body in a slot of a block begins."""
    types: Types = instruction[1] if slot < 5 else instruction[4][slot - 5][1]
    return types


def walk(body: Body) -> Iterator[Instruction]:
    """Yields every instruction of a body, outer ones first."""
    for instruction in body:
        yield instruction
        for inner in bodies(instruction):
            yield from walk(inner)


def all_bodies(body: Body) -> Iterator[Body]:
    """Yields a body and the bodies inside it, outer ones first."""
    yield body
    for instruction in body:
        for inner in bodies(instruction):
            yield from all_bodies(inner)


def count(module: Module) -> int:
    """Counts the instructions of a module."""
    return sum(1 for function in module.functions for _ in walk(function.body))


_FIXED: dict[str, tuple[Types, Types]] = {
    "nop": ((), ()),
    "elem.drop": ((), ()),
    "data.drop": ((), ()),
    FENCE: ((), ()),
    **{f"{name}.const": ((), (type_,)) for name, type_ in CODES.items()},
    **{op.name: (op.params, (op.result,)) for op in NUMERIC.values()},
    "i8x16.shuffle": ((V128, V128), (V128,)),
    "ref.func": ((), (FUNCREF,)),
}


def _plain(types: Types) -> Types:
    return tuple(t & PLAIN for t in types)


def effect(
    instruction: Instruction, module: Module, locals_: list[int]
) -> tuple[Types, Types] | None:
    """Returns the types that an instruction takes and gives.

    Returns None if they depend on the stack (drop, select, select_typed, ref.is_null) or if control
    never goes on behind it.
    """
    name = instruction[0]
    if name in BLOCKS:
        params = _plain(instruction[1])
        return params + ((I32,) if name == "if" else ()), _plain(instruction[2])
    if name == "ref.func" and module.types:
        return (), (reference_to(module, instruction[1]),)
    if name in _FIXED:
        return _FIXED[name]
    if gc_ops.is_known(name):
        return gc_ops.effect(instruction, module.types)
    if name == "call":
        type_ = module.signature(instruction[1])
        return _plain(type_.params), _plain(type_.results)
    if name == "call_indirect":
        return (*_plain(instruction[1]), index_type(module, 0)), _plain(instruction[2])
    if name in ACCESSES:
        access = ACCESSES[name]
        return access.params(address_type(module, instruction[3])), access.results
    if name in ATOMICS:
        atomic = ATOMICS[name]
        return atomic.params(address_type(module, instruction[3])), atomic.results
    if name.startswith("memory."):
        return _on_memory(name, [address_type(module, memory) for memory in instruction[1:]])
    if name.startswith("table."):
        table = instruction[1]
        types = [index_type(module, table) for table in instruction[1:]]
        return _on_table(name, types, element_type(module, table))
    if name == "br_if":
        return (I32,), ()
    if name == "ref.null":
        return (), (instruction[1],)
    return _variable(instruction, module, locals_)


def address_type(module: Module, memory: int) -> int:
    """Returns the type of a memory's addresses."""
    return I64 if module.memories[memory].is64 else I32


def _on_memory(name: str, types: list[int]) -> tuple[Types, Types]:
    """Returns what an instruction takes and gives; `types` are those of its memories' addresses."""
    address = types[0]
    effects: dict[str, tuple[Types, Types]] = {
        "memory.size": ((), (address,)),
        "memory.grow": ((address,), (address,)),
        "memory.fill": ((address, I32, address), ()),
        "memory.init": ((address, I32, I32), ()),
        "memory.copy": ((address, types[-1], I64 if types == [I64, I64] else I32), ()),
    }
    return effects[name]


def _on_table(name: str, types: list[int], element: int) -> tuple[Types, Types]:
    """Returns what an instruction takes and gives; `types` are those of its tables' indices."""
    index = types[-1]
    effects: dict[str, tuple[Types, Types]] = {
        "table.get": ((index,), (element,)),
        "table.set": ((index, element), ()),
        "table.size": ((), (index,)),
        "table.grow": ((element, index), (index,)),
        "table.fill": ((index, element, index), ()),
        "table.copy": ((types[0], index, I64 if types == [I64, I64] else I32), ()),
        "table.init": ((index, I32, I32), ()),
    }
    return effects[name]


def _variable(
    instruction: Instruction, module: Module, locals_: list[int]
) -> tuple[Types, Types] | None:
    name = instruction[0]
    if name.startswith("local."):
        type_ = locals_[instruction[1]] & PLAIN
    elif name.startswith("global."):
        type_ = module.globals[instruction[1]].type & PLAIN
    else:
        return None
    kind = name.split(".")[1]
    return (() if kind == "get" else (type_,)), (() if kind == "set" else (type_,))


def step(stack: Stack, instruction: Instruction, module: Module, locals_: list[int]) -> Stack:
    """Returns the stack after an instruction. In unreachable code it is always None."""
    name = instruction[0]
    if stack is None or name in LEAVES:
        return None
    if name == "drop":
        return stack[:-1]
    if name in ("select", "select_typed"):
        return stack[:-2]
    if name == "ref.is_null":
        return [*stack[:-1], I32]
    left = gc_ops.on_top(instruction, stack[-1]) if stack else None
    if left is not None:
        return [*stack[:-1], *left]
    found = effect(instruction, module, locals_)
    assert found is not None, instruction
    params, results = found
    return stack[: len(stack) - len(params)] + list(results)


def stacks(body: Body, entry: Types, module: Module, locals_: list[int]) -> list[Stack]:
    """Returns the stacks before each instruction of a body and after the last one.

    Each stack holds only the operands of this body.
    """
    found: list[Stack] = [list(_plain(entry))]
    for instruction in body:
        found.append(step(found[-1], instruction, module, locals_))
    return found


def zero(type_: int) -> Instruction:
    """Returns the instruction that pushes a zero or a null of a type."""
    if is_reference(type_):
        return ("ref.null", type_) if is_nullable(type_) else (gc_ops.ZERO, type_)
    return (_CONSTS[type_ & PLAIN], 0)


_CONSTS = {type_: f"{NAMES[type_]}.const" for type_ in CODES.values()}


def const(type_: int, bits: int) -> Instruction:
    """Returns the instruction that pushes a bit pattern."""
    return (_CONSTS[type_ & PLAIN], bits)


def is_float(type_: int) -> bool:
    """Tells whether a type is f32 or f64, clean or dirty."""
    return type_ & PLAIN in FLOATS
