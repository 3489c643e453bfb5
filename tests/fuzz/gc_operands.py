# SPDX-License-Identifier: MIT
"""Emits code that pushes references: variables, new objects, parts of others, and what casts leave.

Most casts and accesses are guarded, so that few runs end with a trap: a block gives another value
where the reference is null or of another type, or where the array is too short.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence

from fuzz.control import Control
from fuzz.gc_types import BOTTOMS, Values
from fuzz.heaptypes import (
    ANY,
    EQ,
    EXN,
    EXTERN,
    FUNC,
    I31,
    NOEXN,
    STORAGE_BYTES,
    Field,
    defined_of,
    has_default,
    heap_of,
    is_nullable,
    nullable,
    reference,
    to,
    top_of,
    without,
)
from fuzz.operands import Label
from fuzz.ops import I32, is_reference
from fuzz.tree import Body, reference_to


class ReferenceOperands(Control, ABC):
    """Pushes references for one function's body."""

    @property
    def values(self) -> Values:
        """What makes constant expressions. The module defines types."""
        assert self.world.values is not None
        return self.world.values

    def pick_type(self, *kinds: str) -> int | None:
        """Chooses the index of a defined type of some kinds, or None if there is none."""
        types = self.module.types
        found = [index for index, type_ in enumerate(types) if type_.kind in kinds]
        return self.dice.pick(found) if found else None

    def is_risky(self) -> bool:
        """Tells whether the next step may trap."""
        return self.dice.chance(self.mood.traps)

    # ---- pushing a reference ----

    def push_reference(self, want: int, depth: int) -> None:
        """Pushes a reference that fits a type."""
        heap, kind = heap_of(want), self.dice.roll()
        if heap in (EXN, NOEXN, *BOTTOMS):
            self.push_from_variable(want) if kind < 0.5 else self.push_new_reference(want)
        elif kind < 0.45:
            self.push_from_variable(want)
        elif kind < 0.65 and depth < 3:
            self.push_object(want, depth)
        elif kind < 0.75 and depth < 2:
            self.push_part(want, depth)
        elif kind < 0.80 and depth < 2:
            self.push_result(want)
        elif kind < 0.90 and depth < 2:
            self.push_narrowed(want, depth)
        elif kind < 0.94:
            self.push_element(want)
        else:
            self.push_new_reference(want)

    def push_from_variable(self, want: int) -> None:
        """Pushes a local or a global of a type or a subtype."""
        places = [
            ("local.get", index, type_)
            for type_, found in self.readable.items()
            if self.fits(type_, want)
            for index in found
        ]
        if not places or self.dice.chance(0.2):
            places += [
                ("global.get", index, type_)
                for type_, found in self.world.globals_of.items()
                if self.fits(type_, want)
                for index in found
            ]
        if not places:
            self.push_new_reference(want)
            return
        name, index, type_ = self.dice.pick(places)
        self.emit((name, index))
        self.stack.append(type_)

    def push_object(self, want: int, depth: int) -> None:
        """Pushes a new object whose parts are pushed first, an i31, or a function."""
        heap = heap_of(want)
        if heap == EXTERN:
            self.push(reference(ANY, nullable=is_nullable(want)), depth + 1)
            self.emit(("extern.convert_any",))
            self.stack[-1] = reference(EXTERN, nullable=is_nullable(self.stack[-1]))
            return
        if heap == ANY and self.dice.chance(0.1):
            self.push(reference(EXTERN, nullable=is_nullable(want)), depth + 1)
            self.emit(("any.convert_extern",))
            self.stack[-1] = reference(ANY, nullable=is_nullable(self.stack[-1]))
            return
        index = None if heap in (I31, FUNC) else self.values.object_below(heap, depth)
        if heap == FUNC or (index is not None and self.module.types[index].kind == "func"):
            function = self.values.function(index)
            self.emit(function)
            self.stack.append(reference_to(self.module, function[1]))
        elif index is None:
            self.push(I32, depth + 1)
            self.emit(("ref.i31",))
            self.stack[-1] = reference(I31, nullable=False)
        else:
            self.new_object(index, depth)

    def new_object(self, index: int, depth: int) -> None:
        """Pushes a new struct or array."""
        type_ = self.module.types[index]
        can_default = all(map(has_default, type_.fields))
        if type_.kind == "array":
            self.new_array(index, type_.fields[0], can_default, depth)
            return
        if can_default and self.dice.chance(0.25):
            self.emit(("struct.new_default", index))
        else:
            for field in type_.fields:
                self.push(field.value, depth + 1)
            self.emit(("struct.new", index))
            self.pop(len(type_.fields))
        self.stack.append(to(index))

    def new_array(self, index: int, field: Field, can_default: bool, depth: int) -> None:
        """Pushes a new array."""
        kind = self.dice.roll()
        if kind < 0.2 and can_default:
            self.push_length(depth)
            self.emit(("array.new_default", index))
            self.stack.pop()
        elif kind < 0.4:
            self.push(field.value, depth + 1)
            self.push_length(depth)
            self.emit(("array.new", index))
            self.pop(2)
        elif kind < 0.7 and self.push_range(field):
            name = "array.new_elem" if is_reference(field.storage) else "array.new_data"
            self.emit((name, index, self.segment))
            self.pop(2)
        else:
            count = self.dice.below(2 if depth > 1 else 60 if self.dice.chance(0.02) else 6)
            for _ in range(count):
                self.push(field.value, depth + 2)
            self.emit(("array.new_fixed", index, count))
            self.pop(count)
        self.stack.append(to(index))

    def push_length(self, depth: int) -> None:
        """Pushes the length of a new array, which is most often small."""
        if self.dice.chance(0.8):
            self.push_i32(self.dice.below(9))
        else:
            self.push(I32, depth + 1)
            self.emit(("i32.const", self.dice.pick((7, 7, 63, 1023))), ("i32.and",))

    def push_range(self, field: Field, length: int | None = None) -> bool:
        """Pushes where items of a segment begin and how many they are, and notes the segment.

        Returns False, and does nothing, if no segment fits the type of an array's elements.
        """
        if is_reference(field.storage):
            segments = self.module.elements
            found = [i for i, s in enumerate(segments) if self.fits(s.type, field.storage)]
            if not found:
                return False
            self.segment = self.dice.pick(found)
            size, total = 1, len(segments[self.segment].items)
        else:
            self.segment, total = 0, len(self.module.passive)
            size = STORAGE_BYTES[field.storage]
            if not total:
                return False
        most = total // size
        number = min(self.dice.below(most + 1), most if length is None else length)
        start = self.dice.below(total - number * size + 1)
        self.push_i32(start)
        self.push_i32(number + (self.dice.pick((1, 100, 1 << 28)) if self.is_risky() else 0))
        return True

    def push_part(self, want: int, depth: int) -> None:
        """Pushes a field of a struct or an element of an array that has the type."""
        found = [
            (index, place)
            for index, type_ in enumerate(self.module.types)
            for place, field in enumerate(type_.fields)
            if is_reference(field.storage) and self.fits(field.storage, want)
        ]
        if not found:
            self.push_new_reference(want)
            return
        index, place = self.dice.pick(found)
        self.push(to(index, nullable=self.is_risky()), depth + 1)
        if self.module.types[index].kind == "array":
            self.get_element_of(index)
        else:
            self.emit(("struct.get", index, place))
            self.stack[-1] = self.module.types[index].fields[place].storage

    def push_result(self, want: int) -> None:
        """Pushes the result of a call."""
        giving = self.world.giving
        found = [f for t in giving if self.fits(t, want) for f in giving[t] if self.may_call(f)]
        if not found:
            self.push_new_reference(want)
            return
        index = self.dice.pick(found)
        for type_ in self.module.signature(index).params:
            self.push(type_, 2)
        self.call(index)

    def push_element(self, want: int) -> None:
        """Pushes an element of a table."""
        first = len(self.module.wide)
        tables = self.module.tables
        found = [i for i, table in enumerate(tables) if self.fits(table.type, want)]
        if not found:
            self.push_from_variable(want)
            return
        place = self.dice.pick(found)
        self.push_i32(self.dice.below(tables[place].size + self.is_risky()))
        self.emit(("table.get", first + place))
        self.stack[-1] = tables[place].type

    # ---- casts ----

    def wider(self, type_: int) -> int:
        """Chooses a supertype of a type."""
        index = defined_of(type_)
        found = [top_of(heap_of(type_), self.module.types)]
        if top_of(heap_of(type_), self.module.types) == ANY and heap_of(type_) != ANY:
            found.append(EQ)
        while index is not None:
            found.append(to(index, nullable=True))
            index = self.module.types[index].supertype
        return self.dice.pick(found)

    def narrower(self, type_: int) -> int:
        """Chooses a subtype of a type."""
        found = [t for t in self.mood.references if self.fits(t, type_)]
        return self.dice.pick(found) if found else type_

    def inside(self, results: Sequence[int], make: Callable[[], None]) -> Body:
        """Returns the code that a function emits, which stands in a block with some results."""
        outer, self.out = self.out, []
        base = len(self.stack)
        self.labels.append(Label(base, tuple(results)))
        make()
        self.labels.pop()
        del self.stack[base:]
        body, self.out = self.out, outer
        return body

    def push_narrowed(self, want: int, depth: int) -> None:
        """Pushes what a cast leaves of a reference of a supertype."""
        source = self.wider(want)
        if self.dice.chance(0.3):
            source = nullable(want)
        if self.is_risky():
            self.push(source, depth + 1)
            plain = heap_of(source) == heap_of(want) and not is_nullable(want)
            self.emit(("ref.as_non_null",) if plain else ("ref.cast", want))
            self.stack[-1] = want
            return
        default = self.values.of(want)

        def cast() -> None:
            self.push(source, depth + 1)
            self.emit(("br_on_cast", 0, source, want), ("drop",), *default)

        def cast_fails() -> None:
            self.push(source, depth + 1)
            self.emit(("br_on_cast_fail", 0, source, want), ("br", 1))

        def is_there() -> None:
            self.push(source, depth + 1)
            self.emit(("br_on_non_null", 0), *default)

        def is_null() -> None:
            self.push(source, depth + 1)
            self.emit(("br_on_null", 0), ("br", 1))

        same = heap_of(source) == heap_of(want) and not is_nullable(want)
        if self.dice.chance(0.5):
            self.labels.append(Label(len(self.stack), (want,)))
            left = () if same else (without(source, want),)
            body = self.inside(left, is_null if same else cast_fails)
            self.labels.pop()
            drop: Body = [] if same else [("drop",)]
            self.emit(("block", (), (want,), [("block", (), left, body), *drop, *default]))
        else:
            body = self.inside((want,), is_there if same else cast)
            self.emit(("block", (), (want,), body))
        self.stack.append(want)

    # ---- parts ----

    def temporary_reference(self, type_: int) -> int:
        """Returns the local that holds a reference for a moment."""
        type_ = nullable(type_)
        if type_ not in self.temporary:
            self.temporary[type_] = self.new_local(type_)
        return self.temporary[type_]

    def getter(self, name: str, field: Field) -> str:
        """Returns the name of an instruction that reads a field."""
        return name + self.dice.pick(("_s", "_u")) if field.is_packed else name

    def get_element_of(self, index: int) -> None:
        """Reads an element of the array on top of the stack, or makes one if it is too short."""
        field = self.module.types[index].fields[0]
        getter = self.getter("array.get", field)
        place = self.dice.below(4)
        if self.is_risky():
            self.push(I32, 2) if self.dice.chance(0.5) else self.push_i32(place)
            self.emit((getter, index))
            self.pop(2)
        else:
            local = self.temporary_reference(to(index))
            self.emit(("local.tee", local), ("array.len",), ("i32.const", place), ("i32.gt_u",))
            self.stack.pop()
            there: Body = [("local.get", local), ("i32.const", place), (getter, index)]
            short = self.values.of(field.value)
            self.emit(("if", (), (field.value,), there, short))
        self.stack.append(field.value)
