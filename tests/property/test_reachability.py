# SPDX-License-Identifier: MIT
"""What lives in a store lives as long as somebody can reach it, and no longer.

A random program makes instances that import from each other, share tables and are part of cycles of
Python objects, and drops its references to them. A model of the same graph says which of them must
live: each has a host function of its own, which Python's garbage collector lists while it lives.
"""

from __future__ import annotations

import gc
import random
from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, wat
from pywasm3 import Instance, Module, Store, Table

SLOTS = 4
# A guest that can call its own function, the one that it imports, and those in the table. It can
# also put its own function into the table.
GUEST = Module(
    wat("""
(module
  (import "env" "name" (func $name (result i32)))
  (import "env" "other" (func $other (result i32)))
  (import "env" "table" (table $table 4 funcref))
  (elem declare func $self)
  (func $self (export "self") (result i32) call $name)
  (func (export "other") (result i32) call $other)
  (func (export "at") (param i32) (result i32) local.get 0 call_indirect $table (result i32))
  (func (export "put") (param i32) local.get 0 ref.func $self table.set $table)
  (export "table" (table $table)))
""")
)


class Name:
    """The host function of an instance: returns a number that no other instance has."""

    def __init__(self, number: int, program: Program) -> None:
        self.number, self.program = number, program
        self.cycle: object = None

    def __call__(self) -> int:
        return self.number


class Node:
    """An instance as the model sees it.

    Attributes:
        number: What its function `self` returns.
        other: The instance whose function it imports, or None.
        table: The index of the table that it imports.
        held: What Python has of the instance.
    """

    def __init__(self, number: int, other: Node | None, table: int) -> None:
        self.number, self.other, self.table = number, other, table
        self.held: Any = None


class Program:
    """Random steps in one store, and the model of what they have made."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.store = Store()
        self.tables: list[Any] = [Table("funcref", SLOTS, store=self.store) for _ in range(3)]
        self.slots: list[list[Node | None]] = [[None] * SLOTS for _ in self.tables]
        self.nodes: list[Node] = []

    def make(self) -> None:
        """Makes an instance, which is or is not part of a cycle of Python objects."""
        table = self.random.randrange(len(self.tables))
        if self.tables[table] is None:
            return
        other = self.random.choice([None, *(n for n in self.nodes if n.held is not None)])
        node = Node(len(self.nodes), other, table)
        name = Name(node.number, self)
        given = (lambda: -1) if other is None else self.function(other)
        imports = {"name": name, "other": given, "table": self.tables[table]}
        instance = Instance(GUEST, {"env": imports}, store=self.store)
        if self.random.random() < 0.5:
            name.cycle = self.random.choice([instance, instance.exports, instance.exports.at])
        node.held = self.random.choice([instance, instance.exports, instance.exports.self])
        self.nodes.append(node)

    def function(self, node: Node) -> pywasm3.Function:
        held = node.held.exports if isinstance(node.held, Instance) else node.held
        function: pywasm3.Function = held.self if isinstance(held, pywasm3.Exports) else held
        return function

    def put(self) -> None:
        """The host, or the guest itself, writes a function into a table."""
        held = [node for node in self.nodes if node.held is not None]
        if not held:
            return
        node, slot = self.random.choice(held), self.random.randrange(SLOTS)
        table = self.random.randrange(len(self.tables))
        if isinstance(node.held, Instance) and self.random.random() < 0.5:
            table = node.table
            node.held.exports.put(slot)
        elif self.tables[table] is not None:
            self.tables[table][slot] = self.function(node)
        else:
            return
        self.slots[table][slot] = node

    def clear(self) -> None:
        table, slot = self.random.randrange(len(self.tables)), self.random.randrange(SLOTS)
        if self.tables[table] is not None:
            self.tables[table][slot] = None
            self.slots[table][slot] = None

    def drop(self) -> None:
        node = self.random.choice(self.nodes)
        node.held = None

    def drop_table(self) -> None:
        if self.random.random() < 0.1:
            self.tables[self.random.randrange(len(self.tables))] = None

    def read(self) -> None:
        """Python gets a function from a table, and keeps it or not."""
        table, slot = self.random.randrange(len(self.tables)), self.random.randrange(SLOTS)
        node = self.slots[table][slot]
        if self.tables[table] is not None and node is not None and self.random.random() < 0.5:
            node.held = self.tables[table][slot]

    def step(self) -> None:
        steps = [self.make, self.make, self.put, self.clear, self.read, self.drop_table]
        self.random.choice(steps + [self.drop, self.drop] * bool(self.nodes))()
        if self.random.random() < 0.1:
            gc.collect()

    # ---- the model ----

    def reachable(self) -> set[int]:
        """Returns the numbers of the instances that Python reaches, also through wasm."""
        pending = [node for node in self.nodes if node.held is not None]
        tables = [i for i, table in enumerate(self.tables) if table is not None]
        found: set[int] = set()
        seen: set[int] = set()
        while pending or tables:
            if tables:
                table = tables.pop()
                if table not in seen:
                    seen.add(table)
                    pending += [node for node in self.slots[table] if node is not None]
                continue
            node = pending.pop()
            if node.number in found:
                continue
            found.add(node.number)
            tables.append(node.table)
            if node.other is not None:
                pending.append(node.other)
        return found

    def check_calls(self) -> None:
        """Everything that Python reaches works."""
        for node in self.nodes:
            if node.held is None:
                continue
            assert self.function(node)() == node.number
            if isinstance(node.held, Instance):
                expected = -1 if node.other is None else node.other.number
                assert node.held.exports.other() == expected
                for slot, target in enumerate(self.slots[node.table]):
                    if target is not None:
                        assert node.held.exports.at(slot) == target.number

    def living(self) -> set[int]:
        """Returns the numbers of the instances that have not been freed.

        Weak references do not tell: Python's garbage collector clears those to objects of a cycle
        even if a finalizer keeps the cycle.
        """
        names = [one for one in gc.get_objects() if type(one) is Name]
        return {name.number for name in names if name.program is self}

    def check_lives(self) -> None:
        """Exactly what can be reached lives.

        If instances that are parts of cycles refer to each other in a chain, each collection frees
        the first of them only.
        """
        for _ in range(len(self.nodes) + 1):
            gc.collect()
            Table("funcref", 0, store=self.store)  # the store looks for what nobody can reach
            if self.living() == self.reachable():
                break
        assert self.living() == self.reachable()


@pytest.mark.parametrize("seed", range(10 if SANITIZED else 60))
def test_what_lives_in_a_store_is_what_can_be_reached(seed: int) -> None:
    program = Program(seed)
    for _ in range(60):
        program.step()
        program.check_calls()
        if program.random.random() < 0.2:
            program.check_lives()
    for node in program.nodes:
        node.held = None
    program.tables[:] = [None] * len(program.tables)
    program.check_lives()
