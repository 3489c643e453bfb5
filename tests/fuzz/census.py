# SPDX-License-Identifier: MIT
"""Counts what generated modules are made of.

For each thing, such as "br_if with a float", it prints in how many modules the thing occurs and
how often it occurs in all of them. This shows whether the generator still makes what the fuzzer
is there to test; test_fuzz.py asserts it for the shapes that wasm3 compiles wrongly.

    python tests/fuzz/census.py [--seed 1] [--count 1000]
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from fuzz import gc_ops
from fuzz.generate import generate
from fuzz.heaptypes import ANY
from fuzz.ops import ATOMICS, NAMES, V128, Types
from fuzz.shrink import expressions
from fuzz.tree import (
    BLOCKS,
    LEAVES,
    Body,
    Function,
    Instruction,
    Module,
    effect,
    entry,
    is_float,
    slots,
)
from fuzz.world import THROW
from simd_ops import LANES

DEEP = 50  # operands on the stack of a function that counts as deep
MANY = 100  # locals of a function that counts as large

# An entry for each operand of the function's stack, the bottom first: the index of the local that
# the operand was copied from, or -1.
Origins: TypeAlias = "list[int]"


class Census:
    """Counts, in `found`, how often each thing occurs in one module."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.found: Counter[str] = Counter()
        self.locals: list[int] = []
        self.labels: list[tuple[str, Types]] = []
        self.found["imported tags"] += module.host_tags > 0
        self.found["two instances"] += module.is_linked
        for memory in module.memories:
            self.found["an imported memory"] += memory.is_imported
            self.found["a shared memory"] += memory.is_shared
            self.found["a shared imported memory"] += memory.is_shared and memory.is_imported
            self.found["a shared 64-bit memory"] += memory.is_shared and memory.is64
        for type_ in module.types:
            self.found[f"a defined {type_.kind}"] += 1
            self.found[f"a defined {type_.kind} with a supertype"] += type_.supertype is not None
        for body in expressions(module):
            self.found.update([f"constant {instruction[0]}" for instruction in body])
        for function in module.functions:
            self.count_function(function)

    def count_function(self, function: Function) -> None:
        """Counts a function and its body."""
        self.locals = [*function.type.params, *function.locals]
        self.labels = [("function", function.type.results)]
        self.found["a function with several results"] += len(function.type.results) > 1
        self.found[f"a function of {MANY} locals"] += len(self.locals) >= MANY
        self.found[f"a function of {MANY} vectors"] += self.locals.count(V128) >= MANY
        self.count_body(function.body, [])

    def count_body(self, body: Body, stack: Origins) -> None:
        """Counts the instructions of a body that begins with the operands `stack`."""
        for position, instruction in enumerate(body):
            self.count_instruction(instruction, stack)
            if instruction[0] in LEAVES:
                self.found["dead code"] += position + 1 < len(body)
                return
            stack = self.after(instruction, stack)
            self.found[f"{DEEP} operands"] += len(stack) == DEEP

    def after(self, instruction: Instruction, stack: Origins) -> Origins:
        """Returns the stack after an instruction."""
        name = instruction[0]
        if name == "local.get":
            return [*stack, instruction[1]]
        if name == "ref.is_null":
            return [*stack[:-1], -1]
        if name in ("drop", "select", "select_typed"):
            return stack[: -1 if name == "drop" else -2]
        left = gc_ops.on_top(instruction, ANY)
        if left is not None:
            return [*stack[:-1], *[-1] * len(left)]
        found = effect(instruction, self.module, self.locals)
        assert found is not None
        return stack[: len(stack) - len(found[0])] + [-1] * len(found[1])

    def count_instruction(self, instruction: Instruction, stack: Origins) -> None:
        """Counts an instruction and the instructions inside it."""
        name = instruction[0]
        self.found[name] += 1
        kind = name.split(".")[0]
        if kind in NAMES.values() or kind in LANES:
            self.found[f"{'v128' if kind in LANES else kind} instruction"] += 1
        if name == "call" and instruction[1] < len(self.module.imports):
            host = self.module.imports[instruction[1]].name
            self.found[f"call of {THROW if host.startswith(THROW) else host}"] += 1
        if name in ("local.set", "local.tee") and instruction[1] in stack[:-1]:
            self.found[f"{name} of a local on the stack"] += 1
        if name in ("br", "br_if", "br_table", "return"):
            self.count_branch(instruction)
        self.found[f"{name} with a vector"] += self.has_vector(instruction)
        if name in ATOMICS:
            is_shared = self.module.memories[instruction[3]].is_shared
            self.found[f"{name} in a {'' if is_shared else 'not '}shared memory"] += 1
        if name in BLOCKS:
            self.count_block(instruction, stack)

    def has_vector(self, instruction: Instruction) -> bool:
        """Tells whether an instruction takes a vector or gives one; of a branch, to its label."""
        name = instruction[0]
        if name in ("br", "br_if", "br_table", "return"):
            return V128 in self.labels[0 if name == "return" else -1 - instruction[-1]][1]
        if name == "select_typed":
            return bool(instruction[1] == V128)
        if name == "throw":
            return V128 in self.module.tags[instruction[1]]
        if name in BLOCKS:
            return V128 in instruction[1]
        found = None if name in LEAVES else effect(instruction, self.module, self.locals)
        return found is not None and V128 in (*found[0], *found[1])

    def count_branch(self, instruction: Instruction) -> None:
        """Counts the values that a branch carries; of a br_table, those to its default label."""
        name = instruction[0]
        kind, types = self.labels[0 if name == "return" else -1 - instruction[-1]]
        self.found[f"{name} with a float"] += any(map(is_float, types))
        self.found[f"{name} with several values"] += len(types) > 1
        self.found[f"{name} to a loop with parameters"] += kind == "loop" and bool(types)

    def count_block(self, instruction: Instruction, stack: Origins) -> None:
        """Counts a block and the instructions of its bodies."""
        name, params, results = instruction[:3]
        self.found[f"{name} with parameters"] += bool(params)
        self.found[f"{name} with several results"] += len(results) > 1
        self.labels.append((name, params if name == "loop" else results))
        below = stack[: len(stack) - len(params) - (name == "if")]
        taken = stack[len(below) : len(below) + len(params)]
        for slot in slots(instruction):
            caught = [-1] * len(entry(instruction, slot))
            self.count_body(instruction[slot], below + (taken if slot < 5 else caught))
        self.labels.pop()
        if name in ("try_table", "try"):
            self.count_clauses(instruction)

    def count_clauses(self, instruction: Instruction) -> None:
        """Counts the clauses of a try_table or of a legacy try."""
        name = instruction[0]
        for tag, second, *depth in instruction[4]:
            clause = "catch_all" if tag is None else "catch"
            self.found[f"{name} {clause}{'_ref' if second is True else ''}"] += 1
            if depth:
                kind = self.labels[-1 - depth[0]][0]
                self.found[f"{name} with a clause to a {kind}"] += 1


def census(seeds: Iterable[int], *, types: bool | None = None) -> dict[str, tuple[int, int]]:
    """Returns, for each thing, how many modules of the seeds have it and how often in all.

    Args:
        seeds: Those of the modules.
        types: Whether the modules define types, as `generate` takes it.
    """
    modules: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for seed in seeds:
        found = +Census(generate(seed, types=types)).found
        modules.update(found.keys())
        times.update(found)
    return {name: (modules[name], times[name]) for name in sorted(times)}


def main() -> None:
    """Prints one line for each thing that occurs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1000)
    given = parser.parse_args()
    for name, (modules, times) in census(range(given.seed, given.seed + given.count)).items():
        print(f"{name:40} in {modules:5} modules, {times:7} times")


if __name__ == "__main__":
    main()
