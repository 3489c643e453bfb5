# SPDX-License-Identifier: MIT
"""Chooses the types that a module defines, and makes values of reference types.

Types come in groups, in which they refer to each other, and in chains of subtypes. Every reference
type without null that is chosen has values: an object of each defined type can be made of few other
objects, and each defined function type is the type of a function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fuzz.gc_ops import ZERO
from fuzz.heaptypes import (
    ANY,
    ARRAY,
    DEFINED,
    EQ,
    EXN,
    EXTERN,
    FUNC,
    HEAP_BITS,
    I8,
    I16,
    I31,
    NOEXN,
    NOEXTERN,
    NOFUNC,
    NONE,
    STRUCT,
    Defined,
    Field,
    bottom_of,
    defined_of,
    has_default,
    heap_of,
    is_nullable,
    is_subtype,
    not_null,
    nullable,
    reference,
    reference_fits,
    to,
)
from fuzz.ops import I32, Types, is_reference
from fuzz.tree import Body, Instruction, Module, const
from fuzz.world import Dice

MAX_CHAIN = 8  # types above each other
MAX_FIELDS = 6
MAX_OBJECTS = 10  # that an object needs because its fields cannot be null
_ABSTRACT = (ANY, ANY, EQ, I31, STRUCT, ARRAY, FUNC, EXTERN)
BOTTOMS = (NONE, NOFUNC, NOEXTERN)


class TypeMaker:
    """Chooses the types of one module."""

    def __init__(self, dice: Dice, every: Types, exceptions: bool) -> None:
        self.dice = dice
        self.every = every  # the number types of the module
        self.exceptions = exceptions  # whether references to exceptions may occur
        self.types: list[Defined] = []
        self.groups: list[int] = []
        self.objects: list[int] = []  # for each type, how many objects one of it needs
        self.depths: list[int] = []  # for each type, how many types are above it
        self.likes_chains = dice.chance(0.4)
        self.end = 0  # the index behind the group that is being made

    def make(self) -> None:
        """Makes some groups."""
        # One of each kind whose objects need no others.
        for kind, count in (("struct", 3), ("array", 1)):
            fields = [Field(self.dice.pick((*self.every, I8, I16)), True) for _ in range(count)]
            self.add(Defined(kind, tuple(fields), is_final=False))
            self.groups.append(1)
        self.end = 2
        wanted = self.dice.pick((2, 4, 8, 12, 16))
        while len(self.types) < wanted:
            if self.groups and self.dice.chance(0.1):
                self.repeat()
            else:
                self.group(self.dice.pick((1, 1, 1, 2, 3, 5)))

    def add(self, type_: Defined) -> None:
        """Adds a type."""
        above = type_.supertype
        self.depths.append(0 if above is None else self.depths[above] + 1)
        needed = [defined_of(f.storage) for f in type_.fields if not has_default(f)]
        fields = type_.kind == "struct"
        self.objects.append(1 + sum(1 if i is None else self.objects[i] for i in needed) * fields)
        self.types.append(type_)

    def group(self, size: int) -> None:
        """Makes a group of types."""
        self.end = len(self.types) + size
        self.groups.append(size)
        for _ in range(size):
            self.add(self.defined())

    def repeat(self) -> None:
        """Defines the last group once more; its types are the same as before."""
        size = self.groups[-1]
        first = len(self.types) - size
        for type_ in self.types[first:]:
            self.add(_shifted(type_, first, size))
        self.groups.append(size)

    def defined(self) -> Defined:
        """Returns a type, which may have a supertype."""
        kind = self.dice.pick(("struct",) * 5 + ("array",) * 3 + ("func",) * 2)
        final = self.dice.chance(0.15 if self.likes_chains else 0.4)
        if self.dice.chance(0.8 if self.likes_chains else 0.4):
            above = [
                index
                for index, other in enumerate(self.types)
                if not other.is_final and self.depths[index] < MAX_CHAIN - 1
            ]
            if above:
                return self.below(
                    above[-1] if self.dice.chance(0.6) else self.dice.pick(above), final
                )
        if kind == "func":
            params = tuple([self.value() for _ in range(self.dice.below(4))])
            results = tuple([self.value() for _ in range(self.dice.below(3))])
            return Defined(kind, (), params, results, None, final)
        count = self.dice.below(MAX_FIELDS) if kind == "struct" else 1
        return Defined(kind, self.fields((), count), supertype=None, is_final=final)

    def below(self, above: int, final: bool) -> Defined:
        """Returns a subtype of a type."""
        other = self.types[above]
        if other.kind == "func":
            params = tuple([self.wider(type_) for type_ in other.params])
            results = tuple([self.narrower(type_) for type_ in other.results])
            return Defined("func", (), params, results, above, final)
        kept: list[Field] = []
        for field in other.fields:
            if field.mutable or field.is_packed or not is_reference(field.storage):
                kept.append(field)
            else:
                kept.append(replace(field, storage=self.narrower(field.storage)))
        more = self.dice.below(3) if other.kind == "struct" else 0
        more = min(more, max(0, MAX_FIELDS - len(kept)))
        return Defined(other.kind, self.fields(kept, more), supertype=above, is_final=final)

    def fields(self, before: Sequence[Field], count: int) -> tuple[Field, ...]:
        """Returns some fields and as many more as `count`, of which few cannot be null."""
        found = list(before)
        for _ in range(count):
            storage = self.dice.pick((I8, I16)) if self.dice.chance(0.2) else self.value()
            found.append(Field(storage, self.dice.chance(0.7)))
        return tuple(found)

    def value(self) -> int:
        """Returns a value type for a field, a parameter or a result."""
        if self.dice.chance(0.45):
            return self.dice.pick(self.every)
        if self.dice.chance(0.6) and self.end:
            index = self.dice.below(self.end)
            can = index < len(self.types) and self.objects[index] <= MAX_OBJECTS
            return to(index, nullable=not can or self.dice.chance(0.7))
        if self.exceptions and self.dice.chance(0.1):
            return EXN
        if self.dice.chance(0.05):
            return self.dice.pick(BOTTOMS)
        heap = self.dice.pick(_ABSTRACT)
        if self.dice.chance(0.7):
            return heap
        return reference(heap, nullable=False)

    def narrower(self, type_: int) -> int:
        """Returns a subtype of a type, or the type itself."""
        if not is_reference(type_) or self.dice.chance(0.4):
            return type_
        found = [
            to(index, nullable=is_nullable(type_))
            for index, objects in enumerate(self.objects)
            if objects <= MAX_OBJECTS and self.fits(to(index, nullable=False), type_)
        ]
        if heap_of(type_) in (ANY, EQ):
            found.append(reference(I31, nullable=is_nullable(type_)))
        chosen = self.dice.pick(found) if found else type_
        if heap_of(chosen) == EXN or self.dice.chance(0.6):
            return chosen
        index = defined_of(chosen)
        can = index is None or (index < len(self.types) and self.objects[index] <= MAX_OBJECTS)
        return not_null(chosen) if can and heap_of(chosen) not in BOTTOMS else chosen

    def wider(self, type_: int) -> int:
        """Returns a supertype of a type, or the type itself."""
        if not is_reference(type_) or self.dice.chance(0.4):
            return type_
        index = defined_of(type_)
        if index is None or index >= len(self.types):
            return nullable(type_)
        above = self.types[index].supertype
        kind = {"struct": STRUCT, "array": ARRAY, "func": FUNC}[self.types[index].kind]
        heap = kind if above is None else DEFINED + above
        return reference(heap, nullable=is_nullable(type_))

    def fits(self, have: int, want: int) -> bool:
        """Tells whether a reference type is below another one, which may not be made yet."""
        index = defined_of(want)
        if index is not None and index >= len(self.types):
            return False
        return reference_fits(have, want, self.types)


def _shifted(type_: Defined, first: int, size: int) -> Defined:
    """Returns a type that refers to the types of the next group as another one to those of its."""

    def shift(value: int) -> int:
        index = defined_of(value) if is_reference(value) else None
        return value + (size << HEAP_BITS) if index is not None and index >= first else value

    def shift_all(types: Types) -> Types:
        return tuple(map(shift, types))

    above = type_.supertype
    if above is not None and above >= first:
        above += size
    fields = tuple([replace(f, storage=shift(f.storage)) for f in type_.fields])
    params, results = shift_all(type_.params), shift_all(type_.results)
    return replace(type_, fields=fields, params=params, results=results, supertype=above)


def _flat(bodies: Sequence[Body]) -> Body:
    return [instruction for body in bodies for instruction in body]


class Values:
    """Makes constant expressions of reference types, for one module."""

    def __init__(self, module: Module, dice: Dice) -> None:
        self.module = module
        self.dice = dice
        self.constants: dict[int, list[int]] = {}  # immutable globals by type

    def of(self, type_: int, depth: int = 0) -> Body:
        """Returns a constant expression for a value of a type."""
        if not is_reference(type_):
            return [const(type_, self.dice.bits(type_))]
        heap = heap_of(type_)
        if is_nullable(type_) and (
            depth > 2 or heap in (EXN, NOEXN, *BOTTOMS) or self.dice.chance(0.3)
        ):
            bottom = bottom_of(heap, self.module.types)
            return [("ref.null", bottom if self.dice.chance(0.2) else nullable(type_))]
        if heap in (EXN, NOEXN, *BOTTOMS):
            return [(ZERO, type_)]
        constants = [i for t, found in self.constants.items() for i in found if self.fits(t, type_)]
        if constants and self.dice.chance(0.15):
            return [("global.get", self.dice.pick(constants))]
        if heap == FUNC:
            return [self.function(None)]
        if heap == EXTERN:
            return [*self.of(reference(ANY, nullable=False), depth), ("extern.convert_any",)]
        if heap == ANY and self.dice.chance(0.1):
            return [
                *self.of(reference(EXTERN, nullable=False), depth + 1),
                ("any.convert_extern",),
            ]
        index = self.object_below(heap, depth)
        if index is not None:
            return self.object(index, depth)
        return [("i32.const", self.dice.bits(I32)), ("ref.i31",)]

    def fits(self, have: int, want: int) -> bool:
        """Tells whether a reference type is below another one."""
        return reference_fits(have, want, self.module.types)

    def object_below(self, heap: int, depth: int) -> int | None:
        """Chooses a defined type below a heap type; None is i31."""
        kinds = {STRUCT: ("struct",), ARRAY: ("array",), EQ: ("struct", "array")}
        kinds[ANY] = kinds[EQ]
        types = self.module.types
        if heap >= DEFINED:
            own = heap - DEFINED
            if depth > 2 or self.dice.chance(0.5):
                return own
            found = [i for i in range(own, len(types)) if is_subtype(i, own, types)]
            return self.dice.pick(found)
        if heap in (ANY, EQ) and (depth > 2 or self.dice.chance(0.3)):
            return None
        if depth > 2 and heap in kinds:
            return 0 if heap == STRUCT else 1  # see TypeMaker.make
        found = [i for i, type_ in enumerate(types) if type_.kind in kinds.get(heap, ())]
        return self.dice.pick(found) if found else None

    def object(self, index: int, depth: int) -> Body:
        """Returns an expression for a new object of a defined type, or for a function."""
        type_ = self.module.types[index]
        if type_.kind == "func":
            return [self.function(index)]
        default = all(map(has_default, type_.fields)) and self.dice.chance(0.3)
        if type_.kind == "struct":
            if default:
                return [("struct.new_default", index)]
            values = [self.of(field.value, depth + 1) for field in type_.fields]
            return [*_flat(values), ("struct.new", index)]
        length = self.dice.below(5)
        if default:
            return [("i32.const", length), ("array.new_default", index)]
        element = type_.fields[0].value
        if self.dice.chance(0.3):
            size: Instruction = ("i32.const", length)
            return [*self.of(element, depth + 1), size, ("array.new", index)]
        values = [self.of(element, depth + 1) for _ in range(length if depth < 2 else 0)]
        return [*_flat(values), ("array.new_fixed", index, len(values))]

    def function(self, index: int | None) -> Instruction:
        """Returns a reference to a function whose type is a defined one or below it."""
        module = self.module
        first = len(module.imports)  # imported functions are not exported, so code cannot name them
        found = [
            first + place
            for place, function in enumerate(module.functions)
            if index is None
            or (
                function.type.defined is not None
                and is_subtype(function.type.defined, index, module.types)
            )
        ]
        return ("ref.func", self.dice.pick(found))
