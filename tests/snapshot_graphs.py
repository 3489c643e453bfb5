# SPDX-License-Identifier: MIT
"""A guest with graphs of structures and arrays, and a model of these graphs in Python.

A `Plan` says which objects there are, what they contain and which roots refer to them. `build`
makes them in an instance, and `seen` reads from the roots of an instance what is there. Both sides
give objects their numbers in the order in which they are first met, so that they are compared as
lists.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pywasm3
from helpers import wat

GRAPH = """
(module
  (type $unary (func (param i32) (result i32)))
  (rec
    (type $node (sub (struct (field (mut i32)) (field (mut (ref null $node)))
      (field (mut anyref)))))
    (type $wide (sub $node (struct (field (mut i32)) (field (mut (ref null $node)))
      (field (mut anyref)) (field (mut i8)) (field (mut i16)) (field (mut i64)) (field (mut f32))
      (field (mut f64)) (field (mut v128)) (field (mut externref)) (field (mut funcref))
      (field (mut (ref $unary))) (field (mut eqref)) (field (mut (ref null i31)))))))
  (type $nodes (array (mut (ref null $node))))
  (type $anys (array (mut anyref)))
  (type $bytes (array (mut i8)))
  (type $shorts (array (mut i16)))
  (type $longs (array (mut i64)))
  (type $vectors (array (mut v128)))
  (type $empty (struct))
  (global $root (export "root") (mut (ref null $node)) (ref.null $node))
  (global $any (export "any") (mut anyref) (ref.null any))
  (global $extern (export "extern") (mut externref) (ref.null extern))
  (global $fixed (export "fixed") (ref $nodes) (array.new_default $nodes (i32.const 3)))
  (global $again (export "again") anyref (global.get $fixed))
  (global (export "constant") i31ref (ref.i31 (i32.const 7)))
  (table $table (export "table") 4 16 anyref)
  (table $typed (export "typed") 1 4 (ref $node)
    (struct.new $node (i32.const 5) (ref.null $node) (ref.null any)))
  (elem $passive (ref null $node)
    (item (struct.new $node (i32.const 6) (ref.null $node) (global.get $fixed)))
    (item (ref.null $node)))
  (elem declare func $double $negate)
  (func $double (export "double") (type $unary) (i32.mul (local.get 0) (i32.const 2)))
  (func $negate (export "negate") (type $unary) (i32.sub (i32.const 0) (local.get 0)))
  (func $new (param $id i32) (result (ref $node))
    (struct.new $wide (local.get $id) (ref.null $node) (ref.null any) (i32.const -1) (i32.const -1)
      (i64.const -1) (f32.const -1) (f64.const -1) (v128.const i64x2 -1 -1) (ref.null extern)
      (ref.null func) (ref.func $negate) (ref.null eq) (ref.null i31)))
  (func $wreck (param $node (ref null $node)) (param $depth i32)
    (if (ref.is_null (local.get $node)) (then (return)))
    (struct.set $node 0 (local.get $node)
      (i32.add (i32.const 1000) (struct.get $node 0 (local.get $node))))
    (if (local.get $depth) (then
      (call $wreck (struct.get $node 1 (local.get $node))
        (i32.sub (local.get $depth) (i32.const 1)))))
    (struct.set $node 1 (local.get $node) (call $new (i32.const 77)))
    (struct.set $node 2 (local.get $node) (local.get $node)))
  (func (export "wreck")
    (call $wreck (global.get $root) (i32.const 5))
    (array.fill $nodes (global.get $fixed) (i32.const 0) (call $new (i32.const 78)) (i32.const 3))
    (global.set $root (call $new (i32.const 79)))
    (global.set $any (global.get $root))
    (global.set $extern (ref.null extern))
    (table.fill $table (i32.const 0) (global.get $root) (table.size $table))
    (drop (table.grow $table (global.get $root) (i32.const 1)))
    (struct.set $node 0 (table.get $typed (i32.const 0)) (i32.const 80))
    (table.set $typed (i32.const 0) (call $new (i32.const 81)))
    (call $wreck (call $item (i32.const 0)) (i32.const 1)))
  (func $item (export "item") (param i32) (result (ref null $node))
    (local $kept anyref)
    (local.set $kept (table.get $table (i32.const 0)))
    (table.init $table $passive (i32.const 0) (local.get 0) (i32.const 1))
    (ref.cast (ref null $node) (table.get $table (i32.const 0)))
    (table.set $table (i32.const 0) (local.get $kept)))
  (func (export "drop") (elem.drop $passive))
  (func (export "churn") (param i32)
    (loop $again
      (drop (call $new (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))))
"""
MODULE = pywasm3.Module(wat(GRAPH))
# The types of the module by their index.
NAMES = [
    "unary",
    "node",
    "wide",
    "nodes",
    "anys",
    "bytes",
    "shorts",
    "longs",
    "vectors",
    "empty",
]
TYPES = {MODULE.types[index]: name for index, name in enumerate(NAMES)}
KINDS = NAMES[1:]
NUMBERS = {"bytes": 8, "shorts": 16, "longs": 63}


def new() -> pywasm3.Instance:
    """Returns a new instance of the guest."""
    return pywasm3.Instance(MODULE)


@dataclass(frozen=True)
class Ref:
    """A reference to an object of a plan, by the place of the object."""

    place: int


@dataclass
class Plan:
    """Objects, each with its type and values, and what the roots contain."""

    objects: list[tuple[str, list[Any]]] = field(default_factory=list)
    roots: dict[str, list[Any]] = field(default_factory=dict)

    def of(self, *types: str) -> list[Any]:
        """References to the objects of some types, and null."""
        return [None, *(Ref(i) for i, (name, _) in enumerate(self.objects) if name in types)]


def anything(plan: Plan, rng: random.Random, host: bool = True) -> Any:
    """A value below `any`."""
    values = [rng.choice(plan.of(*KINDS)), rng.randrange(-(1 << 30), 1 << 30)]
    if host:
        values.append(rng.choice(["a host's object", b"another"]))
    return rng.choice(values)


def fields(plan: Plan, rng: random.Random, name: str) -> list[Any]:
    """Random values for an object of a type."""
    node = plan.of("node", "wide")
    count = rng.randrange(20)
    if name in ("node", "wide"):
        values = [rng.randrange(100), rng.choice(node), anything(plan, rng)]
        if name == "wide":
            values += [rng.randrange(256), rng.randrange(1 << 16), rng.randrange(1 << 62)]
            values += [rng.randrange(99) / 4, rng.random(), rng.randbytes(16), anything(plan, rng)]
            values += [rng.choice([None, "double", "negate"]), rng.choice(["double", "negate"])]
            values += [anything(plan, rng, False), rng.choice([None, -1, 5])]
        return values
    if name == "nodes":
        return [rng.choice(node) for _ in range(count)]
    if name == "anys":
        return [anything(plan, rng) for _ in range(count)]
    if name == "vectors":
        return [rng.randbytes(16) for _ in range(count)]
    return [rng.getrandbits(NUMBERS[name]) for _ in range(count)] if name in NUMBERS else []


def random_plan(seed: int, count: int = 30) -> Plan:
    """A random graph. Its objects refer to each other in any order, and to themselves."""
    rng = random.Random(seed)
    plan = Plan([(rng.choice(KINDS), []) for _ in range(count)])
    plan.objects = [(name, fields(plan, rng, name)) for name, _ in plan.objects]
    node = plan.of("node", "wide")
    plan.roots = {
        "root": [rng.choice(node)],
        "any": [anything(plan, rng)],
        "extern": [anything(plan, rng)],
        "fixed": [rng.choice(node) for _ in range(3)],
        "table": [anything(plan, rng) for _ in range(4)],
    }
    return plan


def build(plan: Plan, instance: pywasm3.Instance) -> list[Any]:
    """Makes the objects of a plan in an instance, and returns them."""
    default = {"wide": [0, None, None, 0, 0, 0, 0, 0, bytes(16), None, None]}
    made: list[Any] = []

    def value(of: Any) -> Any:
        if isinstance(of, Ref):
            return made[of.place]
        return instance.exports[of] if of in ("double", "negate") else of

    for name, values in plan.objects:
        if name in ("node", "empty"):
            made.append(pywasm3.Struct(instance, NAMES.index(name)))
        elif name == "wide":
            given = [*default["wide"], instance.exports.negate]
            made.append(pywasm3.Struct(instance, NAMES.index(name), given))
        else:
            made.append(pywasm3.Array(instance, NAMES.index(name), length=len(values)))
    for target, (_, values) in zip(made, plan.objects, strict=True):
        for i, item in enumerate(values):
            target[i] = value(item)
    exports = instance.exports
    for name in ("root", "any", "extern"):
        exports[name].value = value(plan.roots[name][0])
    for i, item in enumerate(plan.roots["fixed"]):
        exports.fixed.value[i] = value(item)
    for i, item in enumerate(plan.roots["table"]):
        exports.table[i] = value(item)
    return made


def described(
    roots: list[Any], follow: Callable[[Any], tuple[str, list[Any]] | None]
) -> list[tuple[str, list[Any]]]:
    """Describes what roots reach: each object with its type and values, in the order of meeting.

    Args:
        roots: Values.
        follow: Returns the type and the values of an object, or None for another value.
    """
    numbers: dict[Any, int] = {}
    waiting: list[tuple[str, list[Any]]] = [("roots", roots)]
    found: list[tuple[str, list[Any]]] = []
    for name, values in waiting:
        shown: list[Any] = []
        for value in values:
            parts = follow(value)
            if parts is None:
                shown.append(value)
                continue
            if value not in numbers:
                numbers[value] = len(waiting)
                waiting.append(parts)
            shown.append(Ref(numbers[value]))
        found.append((name, shown))
    return found


def planned(plan: Plan) -> list[tuple[str, list[Any]]]:
    """What `seen` must return for an instance with the objects of a plan."""
    fixed = Ref(len(plan.objects))
    objects = [*plan.objects, ("nodes", plan.roots["fixed"])]
    roots = [plan.roots[name][0] for name in ("root", "any", "extern")]
    return described(
        [*roots, fixed, fixed, *plan.roots["table"]],
        lambda value: objects[value.place] if isinstance(value, Ref) else None,
    )


def seen(instance: pywasm3.Instance) -> list[tuple[str, list[Any]]]:
    """Describes what the roots of an instance reach."""

    def shown(value: Any) -> Any:
        return value.name if isinstance(value, pywasm3.Function) else value

    def follow(value: Any) -> tuple[str, list[Any]] | None:
        if not isinstance(value, (pywasm3.Struct, pywasm3.Array)):
            return None
        return TYPES[value.type], [shown(item) for item in value]

    exports = instance.exports
    roots = [exports[name].value for name in ("root", "any", "extern", "fixed", "again")]
    return described([*roots, *exports.table], follow)
