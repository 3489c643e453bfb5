# SPDX-License-Identifier: MIT
"""Engines with errors, which the fuzzer must find: each is pywasm3 with one thing done wrong."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pywasm3
from fuzz.compare import Difference, ForeignError, Subject, check
from fuzz.encode import encode
from fuzz.generate import generate
from fuzz.heaptypes import defined_of, is_nullable, to
from fuzz.ops import ACCESSES, I64, NOTIFY, is_reference
from fuzz.outcome import Outcome, Threw
from fuzz.shrink import map_body
from fuzz.text import text
from fuzz.tree import Body, Instruction, Module, bodies, index_type, walk, with_bodies
from pywasm3 import ValType


def find(
    word: str,
    subject: type[Subject],
    oracle: str = "wasmtime",
    seeds: int = 1000,
    *,
    types: bool | None = None,
) -> tuple[Module, Difference]:
    """Returns the first module with a word in its text that an engine runs wrongly.

    Raises:
        AssertionError: None of the modules is.
    """
    for seed in range(seeds):
        module = generate(seed, types=types)
        if word in text(module):
            found = check(module, subject, oracle).difference
            if found is not None:
                return module, found
    raise AssertionError(f"not found in {seeds} modules")


# ---- other instructions --------------------------------------------------------------------------


def with_other_instructions(change: Callable[[Instruction], Instruction]) -> type[Subject]:
    """Returns an engine that runs some instructions as others."""

    class Wrong(Subject):
        def __init__(self, module: Module, data: bytes) -> None:
            functions = [replace(f, body=map_body(f.body, change)) for f in module.functions]
            wrong = replace(module, functions=functions)
            super().__init__(wrong, encode(wrong))

    return Wrong


def xor_is_or(instruction: Instruction) -> Instruction:
    """Returns i32.or for i32.xor."""
    return ("i32.or",) if instruction[0] == "i32.xor" else instruction


def other_lanes(instruction: Instruction) -> Instruction:
    """Returns an addition of lanes of 8 bits for one of 16 bits."""
    return ("i8x16.add",) if instruction[0] == "i16x8.add" else instruction


def without_catch_all(instruction: Instruction) -> Instruction:
    """Returns an instruction; if it is a try_table, without its clauses for every exception."""
    if instruction[0] != "try_table":
        return instruction
    clauses = tuple([clause for clause in instruction[4] if clause[0] is not None])
    return (*instruction[:4], clauses)


def delegate_outwards(instruction: Instruction) -> Instruction:
    """Returns an instruction; if it is a delegate, with a try for every exception."""
    if instruction[0] != "try_delegate":
        return instruction
    _, params, results, body, _ = instruction
    return ("try", params, results, body, ((None, ()),), [("unreachable",)])


def rethrow_traps(instruction: Instruction) -> Instruction:
    """Returns unreachable for rethrow."""
    return ("unreachable",) if instruction[0] == "rethrow" else instruction


def notify_wakes(instruction: Instruction) -> Instruction:
    """Returns an access whose result is seldom 0 for a notify, which returns 0 if nobody waits."""
    if instruction[0] == NOTIFY.name:
        return ("i32.atomic.rmw.add", *instruction[1:])
    return instruction


def reads_without_sign(instruction: Instruction) -> Instruction:
    """Returns an instruction that reads a packed field without its sign for one that does."""
    name = instruction[0]
    return ("struct.get_u", *instruction[1:]) if name == "struct.get_s" else instruction


def never_branches_on_null(instruction: Instruction) -> Instruction:
    """Returns an instruction that traps for one that branches if a reference is null."""
    return ("ref.as_non_null",) if instruction[0] == "br_on_null" else instruction


class TestsSupertypes(Subject):
    """Tests references for the supertype of a type."""

    def __init__(self, module: Module, data: bytes) -> None:
        def change(instruction: Instruction) -> Instruction:
            if instruction[0] != "ref.test":
                return instruction
            index = defined_of(instruction[1])
            above = None if index is None else module.types[index].supertype
            return instruction if above is None else ("ref.test", to(above))

        functions = [replace(f, body=map_body(f.body, change)) for f in module.functions]
        wrong = replace(module, functions=functions)
        super().__init__(wrong, encode(wrong))


class ForgetsGlobals(Subject):
    """Loses the references in globals between two calls, as if a collection took no notice."""

    def call(self, function: int, args: tuple[int, ...]) -> Outcome:
        """Calls a function when the globals that may be null are null."""
        for entry, place in zip(self.module.globals, self.globals, strict=False):
            if entry.mutable and is_reference(entry.type) and is_nullable(entry.type):
                place.value = None
        return super().call(function, args)


class CutsIndices(Subject):
    """Reads 32 bits of an index of a table with 64-bit indices."""

    def __init__(self, module: Module, data: bytes) -> None:
        functions = [replace(f, body=_cut(f.body, module)) for f in module.functions]
        wrong = replace(module, functions=functions)
        super().__init__(wrong, encode(wrong))


def _cut(body: Body, module: Module) -> Body:
    """Returns a body in which indices that are on top of the stack lose their upper halves."""
    found: Body = []
    for instruction in body:
        tables = {"call_indirect": (0,), "table.get": instruction[1:]}.get(instruction[0], ())
        if any(index_type(module, table) == I64 for table in tables):
            found += [("i32.wrap_i64",), ("i64.extend_i32_u",)]
        found.append(with_bodies(instruction, [_cut(b, module) for b in bodies(instruction)]))
    return found


def cut_offsets(instruction: Instruction) -> Instruction:
    """Returns an access whose offset has lost its upper half."""
    if instruction[0] in ACCESSES and instruction[2] >> 32:
        return (*instruction[:2], instruction[2] & 0xFFFFFFFF, *instruction[3:])
    return instruction


class ReadsTheFirstMemory(Subject):
    """Loads from the first memory what code loads from another one of the same width."""

    def __init__(self, module: Module, data: bytes) -> None:
        same = {i for i, m in enumerate(module.memories) if m.is64 == module.memories[0].is64}

        def change(instruction: Instruction) -> Instruction:
            if ".load" in instruction[0] and instruction[3] in same:
                return (*instruction[:3], 0, *instruction[4:])
            return instruction

        functions = [replace(f, body=map_body(f.body, change)) for f in module.functions]
        wrong = replace(module, functions=functions)
        super().__init__(wrong, encode(wrong))


class SharesNothing(Subject):
    """Makes memories of a thread's own where a module has shared ones."""

    def __init__(self, module: Module, data: bytes) -> None:
        memories = [replace(memory, is_shared=False) for memory in module.memories]
        wrong = replace(module, memories=memories)
        super().__init__(wrong, encode(wrong))


# ---- other ways ----------------------------------------------------------------------------------


class CrashesAtPopcnt(Subject):
    """Ends the process when it compiles an i64.popcnt."""

    def __init__(self, module: Module, data: bytes) -> None:
        if any(i[0] == "i64.popcnt" for f in module.functions for i in walk(f.body)):
            os.abort()
        super().__init__(module, data)


class LosesValues(Subject):
    """Gives the host other values than those of the exception."""

    def again_anew(self, value: int) -> Any:
        """Calls f0; exceptions with a tag of the host carry zeros then."""
        try:
            return self.exports.f0(value)
        except pywasm3.WasmException as error:
            if error.tag not in self.host_tags:
                raise
            zeros: dict[Any, Any] = {ValType.V128: bytes(16), ValType.FUNCREF: None}
            values = [zeros.get(type_, 0) for type_ in error.tag.type.type.params]
            raise error.tag(*values) from None


class ThrowsCopies(Subject):
    """Throws another object than the host function has raised."""

    def raise_foreign(self) -> None:
        """Raises an exception without noting which."""
        raise ForeignError


class KeepsTheFirstInstance(Subject):
    """Lets two instances share the tags that their module defines."""

    def thrown(self, error: Exception) -> Outcome | None:
        """Returns the outcome, as if the tags were those of the second instance."""
        outcome = super().thrown(error)
        if isinstance(outcome, Threw) and outcome.tag >= len(self.module.tags):
            return outcome._replace(tag=outcome.tag - len(self.module.tags))
        return outcome


class GivesEachInstanceItsMemories(Subject):
    """Gives the second instance other memories of the host than the first one."""

    def instantiate(self, module: pywasm3.Module) -> list[pywasm3.Instance]:
        """Makes the instances, of which the second one has new memories."""
        found = super().instantiate(module)
        if self.module.is_linked:
            self.host_memories = self.new_memories()
            host = self.host() | {"again": found[0].exports["f0"]}
            found[1] = pywasm3.Instance(module, {"host": host}, store=self.store)
        return found


# Each with a word in the text of the modules that it runs wrongly.
AT_THE_BORDER = [
    (LosesValues, "again_anew"),
    (ThrowsCopies, "foreign"),
    (KeepsTheFirstInstance, "two instances"),
]
