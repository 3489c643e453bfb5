# SPDX-License-Identifier: MIT
"""Makes the parts of a function's body that work on structs, arrays, i31 and other references.

gc_operands.py pushes the references that the actions here need.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Sequence

from fuzz.gc_operands import ReferenceOperands
from fuzz.gc_ops import DROP, INIT
from fuzz.gc_types import BOTTOMS
from fuzz.heaptypes import (
    ANY,
    ARRAY,
    EQ,
    EXN,
    EXTERN,
    I31,
    NOEXN,
    Field,
    heap_of,
    is_nullable,
    not_null,
    nullable,
    reference,
    to,
    top_of,
    without,
)
from fuzz.ops import I32, I64, is_reference
from fuzz.tree import MOST_ELEMENTS, Body, element_type


class References(ReferenceOperands, ABC):
    """Makes the instructions of one function's body that work on references."""

    def take_reference(self) -> int:
        """Makes sure that a reference is on top of the stack; returns its type."""
        if not (self.own() and is_reference(self.stack[-1])):
            self.push(self.dice.pick(self.mood.references))
        return self.stack[-1]

    def related(self, type_: int) -> int:
        """Chooses any type of the hierarchy of a type."""
        top = top_of(heap_of(type_), self.module.types)
        types = self.module.types
        found = [t for t in self.mood.references if top_of(heap_of(t), types) == top]
        return self.dice.pick(found) if found else type_

    def action_cast(self) -> None:
        """Tests or casts a reference, or branches on its type."""
        top, kind = self.take_reference(), self.dice.roll()
        if heap_of(top) in (EXN, NOEXN):
            return  # wasmtime has no casts of references to exceptions
        if kind < 0.3:
            self.emit(("ref.test", self.related(top)))
            self.stack[-1] = I32
        elif kind < 0.5:
            wide = self.wider(top)
            target = self.related(top) if self.is_risky() else nullable(wide)
            self.emit(("ref.cast", target))
            self.stack[-1] = target
        else:
            self.branch_on_cast()

    def branch_on_cast(self) -> None:
        """Branches to a label around if a reference has a type, or if it has not."""
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        if label.counter is not None or not label.types or not is_reference(label.types[-1]):
            return
        last = label.types[-1]
        if heap_of(last) in (EXN, NOEXN, *BOTTOMS):
            return
        fails = self.dice.chance(0.5)
        source = self.wider(last)
        target = self.narrower(source if fails else last)
        if fails and not self.fits(without(source, target), last):
            return
        if not self.fits(target, source):
            return
        self.need(label.types[:-1])
        self.push(source)
        name = "br_on_cast_fail" if fails else "br_on_cast"
        self.emit((name, depth, source, target))
        self.stack.pop()
        self.retype(label.types[:-1])
        self.stack.append(target if fails else without(source, target))

    def retype(self, types: Sequence[int]) -> None:
        """Notes that a conditional branch leaves its operands with the types of its label."""
        if types:
            self.stack[-len(types) :] = types

    def action_null(self) -> None:
        """Branches on whether a reference is null."""
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        if label.counter is not None:
            return
        if self.dice.chance(0.5):
            self.need(label.types)
            self.push(self.dice.pick(self.mood.references))
            self.emit(("br_on_null", depth))
            found = not_null(self.stack.pop())
            self.retype(label.types)
            self.stack.append(found)
        elif label.types and is_reference(label.types[-1]):
            self.need(label.types[:-1])
            self.push(nullable(label.types[-1]))
            self.emit(("br_on_non_null", depth))
            self.stack.pop()
            self.retype(label.types[:-1])

    def action_equal(self) -> None:
        """Compares two references, of which one may be there twice."""
        self.need((EQ,))
        if self.dice.chance(0.4):
            local = self.temporary_reference(EQ)
            self.emit(("local.tee", local), ("local.get", local))
        else:
            self.push(EQ)
            self.stack.pop()
        self.emit(("ref.eq",))
        self.stack[-1] = I32

    def action_i31(self) -> None:
        """Makes an i31, or reads one."""
        if self.dice.chance(0.3):
            self.need((I32,))
            self.emit(("ref.i31",))
            self.stack[-1] = reference(I31, nullable=False)
        else:
            self.need((reference(I31, nullable=self.is_risky()),))
            self.emit((self.dice.pick(("i31.get_s", "i31.get_u")),))
            self.stack[-1] = I32

    # ---- structs and arrays ----

    def action_struct(self) -> None:
        """Reads or writes a field of a struct."""
        index = self.pick_type("struct")
        if index is None or not self.module.types[index].fields:
            return
        fields = self.module.types[index].fields
        place = self.dice.below(len(fields))
        target = to(index, nullable=self.is_risky())
        if fields[place].mutable and self.dice.chance(0.5):
            self.need((target, fields[place].value))
            self.emit(("struct.set", index, place))
            self.pop(2)
        else:
            self.need((target,))
            self.emit((self.getter("struct.get", fields[place]), index, place))
            self.stack[-1] = fields[place].value

    def action_new(self) -> None:
        """Makes a struct or an array."""
        index = self.pick_type("struct", "array")
        if index is not None:
            self.new_object(index, 0)

    def action_array(self) -> None:
        """Applies an instruction to an array."""
        index, kind = self.pick_type("array"), self.dice.roll()
        if index is None:
            return
        if kind < 0.15:
            self.need((reference(ARRAY, nullable=self.is_risky()),))
            self.emit(("array.len",))
            self.stack[-1] = I32
            return
        self.need((to(index, nullable=self.is_risky()),))
        if kind < 0.5 or not self.module.types[index].fields[0].mutable:
            self.get_element_of(index)
        else:
            self.write_array(index)

    def write_array(self, index: int) -> None:
        """Writes to the array on top of the stack, most often only if it is long enough."""
        field = self.module.types[index].fields[0]
        place, number = self.dice.below(4), self.dice.below(4)
        names = ["array.set", "array.fill", "array.copy", "array.init"]
        name = self.dice.pick(names)
        local = self.temporary_reference(to(index))
        self.emit(("local.set", local))
        self.stack.pop()
        if name == "array.copy":
            self.copy_array(index, local, place, number)
            return

        def write() -> None:
            self.emit(("local.get", local), ("i32.const", place))
            self.stack += [to(index, nullable=True), I32]
            if name == "array.init":
                if self.push_range(field, number):
                    kind = "array.init_elem" if is_reference(field.storage) else "array.init_data"
                    self.emit((kind, index, self.segment))
                else:
                    self.emit(("drop",), ("drop",))
                return
            self.push(field.value, 1)
            if name == "array.set":
                self.emit(("array.set", index))
            else:
                self.emit(("i32.const", number), ("array.fill", index))

        self.guarded([(local, place + max(number, 1))], write)

    def guarded(self, lengths: Sequence[tuple[int, int]], write: Callable[[], None]) -> None:
        """Emits code that runs if the arrays in some locals have some lengths, or at any rate."""
        body = self.inside((), write)
        if self.is_risky():
            self.emit(*body)
            return
        for place, (local, length) in enumerate(lengths):
            self.emit(("local.get", local), ("array.len",), ("i32.const", length), ("i32.ge_u",))
            self.emit(*[("i32.and",)] * bool(place))
        self.emit(("if", (), (), body, None))

    def copy_array(self, index: int, local: int, place: int, number: int) -> None:
        """Copies elements to the array in a local, from itself or from one that fits."""
        types = self.module.types
        wanted = types[index].fields[0].storage
        found = [
            other
            for other, type_ in enumerate(types)
            if type_.kind == "array" and self.may_hold(type_.fields[0].storage, wanted)
        ]
        other, source = index, local
        if self.dice.chance(0.7):
            other = self.dice.pick(found)
            self.push(to(other), 1)
            source = self.new_local(to(other, nullable=True))
            self.emit(("local.set", source))
            self.stack.pop()
        start = self.dice.below(4)

        def write() -> None:
            self.emit(("local.get", local), ("i32.const", place), ("local.get", source))
            self.emit(("i32.const", start), ("i32.const", number), ("array.copy", index, other))

        self.guarded([(local, place + number), (source, start + number)], write)

    def may_hold(self, have: int, want: int) -> bool:
        """Tells whether elements of one storage type may be copied to another."""
        return have == want or (is_reference(have) and is_reference(want) and self.fits(have, want))

    def action_churn(self) -> None:
        """Makes many objects in a loop, of which each may refer to the one before."""
        index = self.pick_type("struct", "array")
        if index is None or len(self.labels) > 2:
            return
        type_, local = self.module.types[index], self.temporary_reference(to(index))
        counter, type_of = self.new_local(I32), to(index, nullable=True)
        body: Body = []
        if type_.kind == "struct":
            for field in type_.fields:
                is_chain = is_reference(field.storage) and self.fits(type_of, field.storage)
                body += [("local.get", local)] if is_chain else self.values.of(field.value, 2)
            body.append(("struct.new", index))
        else:
            body += self.values.object(index, 2)
        # A module that makes many objects takes long if every allocation collects.
        times = self.dice.pick((3, 3, 30, 300 if len(self.labels) == 1 and self.is_leaf else 3))
        self.emit(("i32.const", times), ("local.set", counter))
        body += [("local.set", local), ("local.get", counter), ("i32.const", 1), ("i32.sub",)]
        self.emit(("loop", (), (), [*body, ("local.tee", counter), ("br_if", 0)]))
        for place, field in enumerate(type_.fields if type_.kind == "struct" else ()):
            may_refer = is_reference(field.storage) and self.fits(type_of, field.storage)
            if may_refer and field.mutable and self.dice.chance(0.5):  # to itself
                self.emit(("local.get", local), ("local.get", local), ("struct.set", index, place))
        self.emit(("local.get", local))
        self.stack.append(type_of)

    # ---- calls and tables ----

    def action_call_ref(self) -> None:
        """Calls a function through a reference to it."""
        index = self.pick_type("func")
        if index is not None and not self.is_leaf:
            self.call_reference("call_ref", index)
            self.stack += self.module.types[index].results

    def action_return_call_ref(self) -> None:
        """Emits a tail call through a reference."""
        types = enumerate(self.module.types)
        found = [i for i, t in types if t.kind == "func" and self.are_ours(t.results)]
        if found and not self.is_leaf and not self.too_early():
            self.call_reference("return_call_ref", self.dice.pick(found))
            self.leave()

    def call_reference(self, name: str, index: int) -> None:
        """Emits a call through a reference; the caller notes the results."""
        params = self.module.types[index].params
        self.need(params)
        self.push(to(index, nullable=self.is_risky()))
        self.emit((name, index))
        self.pop(len(params) + 1)

    def action_elements(self) -> None:
        """Emits an instruction on a table of references."""
        if not self.module.tables:
            return
        place = self.dice.below(len(self.module.tables))
        table, size = len(self.module.wide) + place, self.module.tables[place].size
        type_, kind = element_type(self.module, table), self.dice.below(6)
        number = self.dice.below(size + 1)
        at = self.dice.below(size - number + 1 + self.is_risky())
        if kind == 0:
            self.push_element(type_)
        elif kind == 1 and size:
            self.push_i32(self.dice.below(size + self.is_risky()))
            self.push(type_)
            self.emit(("table.set", table))
            self.pop(2)
        elif kind == 2:
            self.push(type_)
            self.push_i32(self.dice.pick((0, 1, 2, MOST_ELEMENTS)))
            self.emit(("table.grow", table))
            self.pop(1)
            self.stack[-1] = I32
        elif kind == 3:
            self.push_i32(at)
            self.push(type_)
            self.push_i32(number)
            self.emit(("table.fill", table))
            self.pop(3)
        elif kind == 4:
            self.use_segment(table, size, type_)
        else:
            self.emit(("i32.const", self.dice.below(size - number + 1)), ("i32.const", at))
            self.emit(("i32.const", number), ("table.copy", table, table))

    def use_segment(self, table: int, size: int, type_: int) -> None:
        """Copies items of an element segment to a table, or seldom drops a segment."""
        if self.module.elements and self.dice.chance(0.1):
            self.emit((DROP, self.dice.below(len(self.module.elements))))
            return
        self.push_i32(0)
        if self.push_range(Field(type_, True), size):
            self.emit((INIT, self.segment, table))
            self.pop(3)
        else:
            self.action_drop()

    # ---- numbers ----

    def reduce_reference(self) -> None:
        """Makes a number of the reference on top of the stack."""
        top, kind = self.stack[-1], self.dice.roll()
        hierarchy = top_of(heap_of(top), self.module.types)
        if kind < 0.3 and hierarchy in (ANY, EXTERN):
            self.emit(*[("any.convert_extern",)] * (hierarchy == EXTERN))
            self.emit(("i32.const", 1 + self.dice.below(3)), ("call", self.world.digest))
            self.stack[-1] = I64
            return
        if kind < 0.6 and hierarchy != EXN:
            self.emit(("ref.test", self.related(top)))
        elif kind < 0.8 and heap_of(top) == I31 and not is_nullable(top):
            self.emit((self.dice.pick(("i31.get_s", "i31.get_u")),))
        else:
            self.emit(("ref.is_null",))
        self.stack[-1] = I32
