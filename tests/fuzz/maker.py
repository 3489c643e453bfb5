# SPDX-License-Identifier: MIT
"""Makes the body of one function from random actions, each of which fits the operand stack.

operands.py holds the smaller steps that the actions are made of, and control.py the actions that
make blocks, exceptions, branches and calls. An action takes only the operands that it needs, so
branches leave values behind and blocks take values of other actions.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.gc_maker import References
from fuzz.heaptypes import is_nullable
from fuzz.operands import STORES, Label
from fuzz.ops import (
    ATOMIC_ACCESSES,
    BITS,
    CAN_DIVIDE_BY_ZERO,
    DIRTY,
    FENCE,
    FLOATS,
    FUNCREF,
    I32,
    I64,
    NAMES,
    NOTIFY,
    NUMERIC,
    PLAIN,
    V128,
    WAITS,
    Atomic,
    Types,
    is_reference,
)
from fuzz.tables import index_const
from fuzz.tree import SECOND_TABLE, Body, address_type, const, index_type
from fuzz.world import (
    ACTIONS,
    FUEL_GLOBAL,
    SOMETIMES,
)


class Maker(References):
    """Makes the body of one function.

    `world.ACTIONS` has the weight of each method `action_NAME`.
    """

    # ---- actions: each is one step of a body ----

    def action_push(self) -> None:
        """Pushes a value of a random type."""
        self.push(self.world.maybe_dirty(self.world.any_type()))

    def has_reference(self) -> bool:
        """Tells whether a reference is on top of the stack."""
        return self.own() > 0 and is_reference(self.stack[-1])

    def make_number(self) -> None:
        """Pushes a number unless one is on top of the stack; a reference there becomes one."""
        if not self.own():
            self.push(self.world.maybe_dirty(self.world.type()))
        elif self.has_reference():
            if self.world.values is not None:
                self.reduce_reference()
                return
            self.emit(("ref.is_null",))
            self.stack[-1] = I32

    def action_numeric(self) -> None:
        """Applies a numeric instruction to the values on top of the stack."""
        self.make_number()
        top = self.stack[-1] & PLAIN
        if self.own() > 1 and self.stack[-2] & PLAIN == top and self.dice.chance(0.8):
            self.apply(self.dice.pick(self.choices.binary[top]))
        else:
            self.apply(self.dice.pick(self.choices.unary[top]))

    def action_vector(self) -> None:
        """Applies a vector instruction to its operands, of which some may be on the stack."""
        op = self.dice.pick(self.choices.vector)
        self.need(op.params)
        self.apply(op)
        if self.stack[-1] == V128 and self.module.memories and self.dice.chance(0.3):
            self.store_copy()

    def store_copy(self) -> None:
        """Stores the vector on top of the stack, which stays, to where few other stores go."""
        local = self.temporary_vector(dirty=False)
        memory = self.any_memory()
        address = const(address_type(self.module, memory), self.dice.below(0xF000))
        self.emit(("local.tee", local), address)
        self.emit(("local.get", local), ("v128.store", 0, 0, memory))

    def action_shuffle(self) -> None:
        """Emits a shuffle of random lanes, or of lanes that follow each other."""
        self.need((V128, V128))
        first = self.dice.below(17)
        lanes = [first + place for place in range(16)]
        if self.dice.chance(0.8):
            lanes = [self.dice.below(32) for _ in lanes]
        self.emit(("i8x16.shuffle", tuple(lanes)))
        self.stack.pop()

    def action_risky(self) -> None:
        """Applies an instruction that can trap; most often it gets operands that do not trap."""
        self.make_number()
        found = self.choices.risky[self.stack[-1] & PLAIN]
        if not found:
            return
        op = self.dice.pick(found)
        risk = self.dice.chance(self.mood.traps)
        if op.name in CAN_DIVIDE_BY_ZERO:
            divisor = op.params[0]
            self.need((divisor, divisor))
            if not risk:
                self.emit(const(divisor, 1), ("i32.or",) if divisor == I32 else ("i64.or",))
        elif not risk and self.dice.chance(0.85):
            op = NUMERIC[op.name.replace("trunc_", "trunc_sat_")]
        self.apply(op)

    def action_set(self) -> None:
        """Pops the top of the stack into a local."""
        self.write_local("local.set")

    def action_tee(self) -> None:
        """Copies the top of the stack into a local."""
        self.write_local("local.tee")

    def write_local(self, name: str) -> None:
        """Emits a local.set or a local.tee, or a drop if no local fits."""
        if not self.own():
            self.action_push()
        top = self.stack[-1]
        found = self.world.places(self.writable, top)
        if not found or self.dice.chance(0.3):
            found = self.writable[top | DIRTY] if top in FLOATS else found
        if not found:
            self.emit(("drop",))
            self.stack.pop()
            return
        local = self.dice.pick(found)
        self.emit((name, local))
        if name == "local.set":
            self.stack.pop()
        else:
            self.stack[-1] = self.locals[local] if is_reference(top) else top

    def action_drop(self) -> None:
        """Drops the top of the stack."""
        if self.own():
            self.emit(("drop",))
            self.stack.pop()

    def action_select(self) -> None:
        """Selects one of the two values on top of the stack."""
        if self.own() < 2 or (self.stack[-1] ^ self.stack[-2]) & PLAIN:
            if not self.own():
                self.action_push()
            self.push(self.stack[-1])
        self.push_condition()
        first, second, _ = self.stack[-3:]
        typed = is_reference(first) or self.dice.chance(0.2)
        self.emit(("select_typed", first & PLAIN) if typed else ("select",))
        self.pop(3)
        self.stack.append(first | second & DIRTY)

    def action_load(self) -> None:
        """Loads a value from memory."""
        if self.module.memories:
            self.push_loaded(self.world.type())

    def action_store(self) -> None:
        """Stores a value to memory, most often the one that was just computed."""
        if not self.module.memories:
            return
        memory = self.any_memory()
        if not self.own() or self.has_reference() or self.dice.chance(0.3):
            type_ = self.world.type()
            self.push_address(memory)
            self.push(type_)
        else:
            type_ = self.stack.pop() & PLAIN
            saved = self.temporary_number(type_)
            self.emit(("local.set", saved))
            self.push_address(memory)
            self.emit(("local.get", saved))
            self.stack.append(self.as_temporary(type_))
        self.clean_if_dirty()
        self.emit(self.access(self.dice.pick(STORES[type_]), memory))
        self.pop(2)

    def action_atomic(self) -> None:
        """Applies an atomic instruction, most often to a number that is aligned."""
        if not self.module.memories:
            return
        memory = self.any_memory()
        if self.dice.chance(0.2):
            self.synchronize(memory)
            return
        atomic = self.dice.pick(ATOMIC_ACCESSES)
        self.push_aligned_address(memory, atomic)
        for type_ in atomic.operands:
            self.push(type_, 2)
        self.apply_atomic(memory, atomic, self.atomic_offset(atomic, 0xFFFFFFFF))

    def synchronize(self, memory: int) -> None:
        """Emits a fence, a notify, which wakes nobody, or a wait, which ends without a notify."""
        atomic = self.dice.pick((None, NOTIFY, *WAITS))
        if atomic is None:
            self.emit((FENCE,))
            return
        if atomic in WAITS and not self.module.memories[memory].is_shared:
            atomic = atomic if self.dice.chance(self.mood.traps) else NOTIFY  # a wait traps
        self.push_aligned_address(memory, atomic)
        # If an address that is not aligned is also too large for its type, wasmtime traps for
        # the other reason than pywasm3. No offset here makes such an address.
        offset = self.atomic_offset(atomic, 0xFFFFFFF8)
        if atomic is NOTIFY:
            self.push(I32, 2)
        else:
            self.push_short_wait(memory, atomic, offset)
        self.apply_atomic(memory, atomic, offset)

    def push_short_wait(self, memory: int, wait: Atomic, offset: int) -> None:
        """Pushes an expected number and a timeout with which a wait ends soon.

        Args:
            memory: The memory in which it waits.
            wait: One of WAITS, whose address is on top of the stack.
            offset: The offset of the wait.
        """
        expected = wait.operands[0]
        if self.dice.chance(0.5):
            self.push_number(expected, 0) if self.dice.chance(0.5) else self.push(expected, 2)
            self.push_number(I64, self.dice.pick((0, 0, 1, 1000)))
            return
        # The number in memory is not the expected one, so the timeout does not matter.
        word = NAMES[expected]
        address = self.temporary_number(address_type(self.module, memory))
        self.emit(("local.tee", address), ("local.get", address))
        self.emit((f"{word}.atomic.load", wait.align, offset, memory))
        self.emit(const(expected, 1 << self.dice.below(BITS[expected])), (f"{word}.xor",))
        self.stack.append(expected)
        self.push(I64, 2)

    def atomic_offset(self, atomic: Atomic, largest: int) -> int:
        """Returns an offset, seldom one that leads to a trap; none is larger than `largest`."""
        if self.dice.chance(self.mood.traps / 8):
            return self.dice.pick((1, 2, 4, 0xFFF0, 0x10000, largest))
        return self.dice.below(4) << atomic.align

    def apply_atomic(self, memory: int, atomic: Atomic, offset: int) -> None:
        """Emits an atomic instruction whose operands are on top of the stack."""
        self.emit((atomic.name, atomic.align, offset, memory))
        self.pop(1 + len(atomic.operands))
        self.stack += atomic.results

    def push_aligned_address(self, memory: int, atomic: Atomic) -> None:
        """Pushes an address that is aligned as an atomic instruction wants it."""
        self.push_address(memory)
        self.emit(*self.aligned(memory, 1 << atomic.align))

    def aligned(self, memory: int, size: int) -> Body:
        """Returns what makes an address a multiple of a size."""
        type_ = address_type(self.module, memory)
        mask = const(type_, (1 << BITS[type_]) - size)
        return [mask, ("i32.and",) if type_ == I32 else ("i64.and",)]

    def action_global_set(self) -> None:
        """Pops the top of the stack into a global."""
        if not self.own():
            self.action_push()
        found = self.world.places(self.world.mutable_of, self.stack[-1] & PLAIN)
        if found:
            self.clean_if_dirty()
            self.emit(("global.set", self.dice.pick(found)))
            self.stack.pop()

    def action_memory(self) -> None:
        """Emits an instruction on a whole memory, or on two, or drops the data segment."""
        if not self.module.memories:
            return
        memory = self.any_memory()
        type_ = address_type(self.module, memory)
        kind = self.dice.below(6 if self.module.passive else 4)
        if kind == 0:
            self.emit(("memory.size", memory))
            self.stack.append(type_)
        elif kind == 1:
            self.push_number(type_, self.dice.pick((0, 0, 1, 1, 2, -1, 0x10000)))
            self.emit(("memory.grow", memory))
        elif kind == 4:
            self.init_memory(memory)
        elif kind == 5:
            if self.dice.chance(0.1):
                self.emit(("data.drop", 0))
        else:
            other = self.any_memory() if kind == 3 else memory
            both = type_ if type_ == address_type(self.module, other) else I32
            self.push_address(memory)
            self.push(I32) if kind == 2 else self.push_address(other)
            count = self.dice.below(64) if self.dice.chance(0.9) else 0x8000
            self.push_number(both, count)
            self.emit(("memory.fill", memory) if kind == 2 else ("memory.copy", memory, other))
            self.pop(3)

    def init_memory(self, memory: int) -> None:
        """Copies a part of the passive data segment to a memory."""
        size = len(self.module.passive)
        start = self.dice.below(size + 1)
        self.push_address(memory)
        self.push_i32(start)
        self.push_i32(self.dice.below(size - start + 1 + self.dice.chance(self.mood.traps)))
        self.emit(("memory.init", memory))
        self.pop(3)

    def action_table(self) -> None:
        """Emits an instruction on a table; it traps as seldom as the module's mood says."""
        module = self.module
        if module.table is None:
            return
        table, other = self.dice.below(len(module.wide)), self.dice.below(len(module.wide))
        name = self.dice.pick(_ON_TABLES)
        if name == "table.size":
            self.emit((name, table))
            self.stack.append(index_type(module, table))
        elif name == "table.grow":
            self.push(FUNCREF)
            self.push_index(table, self.dice.pick((0, 0, 1, 1, 2, -1, 1 << 32 | 1)))
            self.emit((name, table))
            self.stack[-2:] = [index_type(module, table)]
        elif name == "table.get":
            self.get_element(table)
        elif name == "table.init":
            self.init_table(table)
        else:
            self.write_table(name, table, other)

    def push_index(self, table: int, value: int) -> None:
        """Pushes an index of a table: this one, or seldom any index."""
        type_ = index_type(self.module, table)
        if self.dice.chance(self.mood.traps / 2):
            self.push(type_)
        elif self.dice.chance(self.mood.traps):
            self.emit(index_const(self.module, table, self.dice.pick((1 << 32, -1)) | value))
            self.stack.append(type_)
        elif self.dice.chance(0.5) or self.dice.chance(0.5):
            self.emit(index_const(self.module, table, value))
            self.stack.append(type_)
        else:
            self.push(type_)
            word = "i64" if type_ == I64 else "i32"
            self.emit(index_const(self.module, table, 0), (f"{word}.and",))
            self.emit(index_const(self.module, table, value), (f"{word}.or",))

    def least_elements(self, table: int) -> int:
        """Returns the size of a table at the start. A table never becomes smaller."""
        return SECOND_TABLE if table else len(self.module.table or ())

    def get_element(self, table: int) -> None:
        """Pushes an element, or whether it is null."""
        least = self.least_elements(table)
        if not least:
            return
        self.push_index(table, self.dice.below(least))
        self.emit(("table.get", table))
        self.stack[-1] = FUNCREF
        if not self.mood.references or self.dice.chance(0.5):
            self.emit(("ref.is_null",))
            self.stack[-1] = I32

    def init_table(self, table: int) -> None:
        """Copies items of the passive segment, or seldom drops it."""
        items = len(self.module.items)
        if not items:
            return
        if self.dice.chance(0.05):
            self.emit(("elem.drop", 0))
            return
        source = self.dice.below(items + 1)
        number = self.dice.below(min(items - source, self.least_elements(table)) + 1)
        self.push_index(table, self.dice.below(self.least_elements(table) - number + 1))
        self.push_i32(source)
        self.push_i32(number)
        self.emit(("table.init", 0, table))
        self.pop(3)

    def write_table(self, name: str, table: int, other: int) -> None:
        """Emits a table.set, a table.fill, or a table.copy from the other table."""
        least = self.least_elements(table)
        if not least:
            return
        if name == "table.copy":
            least = min(least, self.least_elements(other))
        number = self.dice.below(least + 1)
        self.push_index(
            table, self.dice.below(least if name == "table.set" else least - number + 1)
        )
        if name == "table.copy":
            self.push_index(other, self.dice.below(least - number + 1))
        else:
            self.push(FUNCREF)
        if name != "table.set":
            narrow = other if name == "table.copy" and not self.module.wide[other] else table
            self.push_index(narrow, number)
        self.emit((name, table, other) if name == "table.copy" else (name, table))
        self.pop(2 if name == "table.set" else 3)

    def action_same(self) -> None:
        """Pushes one local several times and sets it while the copies are on the stack."""
        type_ = self.world.maybe_dirty(self.world.type())
        found = self.writable[type_]
        if not found:
            return
        local = self.dice.pick(found)
        times = self.dice.pick((1, 2, 2, 3, 5, 8))
        if self.dice.chance(0.01):
            times = 300
        for _ in range(times):
            self.emit(("local.get", local))
            self.stack.append(type_)
            if self.dice.chance(0.15):
                self.action_push()
        self.set_inside(local, type_)

    def set_inside(self, local: int, type_: int) -> None:
        """Sets a local, sometimes inside a block."""
        kind = self.dice.roll()
        outer, self.out = self.out, []
        self.labels.append(Label(len(self.stack), ()))
        self.push(type_)
        self.labels.pop()
        self.emit(("local.set", local))
        self.stack.pop()
        inner, self.out = self.out, outer
        if kind < 0.6:
            self.out += inner
        elif kind < 0.8:
            self.emit((self.dice.pick(("block", "loop")), (), (), inner))
        else:
            self.push_condition()
            self.stack.pop()
            self.emit(("if", (), (), inner, None))

    def action_deep(self) -> None:
        """Pushes many operands and folds them to one, or leaves them to later actions."""
        type_ = self.world.type()
        times = self.mood.deep // 2 + self.dice.below(self.mood.deep)
        for _ in range(times):
            if self.dice.chance(0.5):
                self.push_local(type_)
            else:
                self.push_const(type_)
        if self.dice.chance(0.7):
            for _ in range(times - 1):
                self.apply(self.dice.pick(self.choices.folding[type_]))

    # ---- the whole ----

    def inner(self, params: Types, results: Types, label: Label) -> Body:
        """Makes a body inside the current one.

        The block's parameters are on the stack before the call, and its results after it.
        """
        outer, self.out = self.out, []
        self.labels.append(label)
        share = self.dice.below(self.budget // 2 + 2)
        self.budget -= share
        self.steps(share)
        is_try = label.tried is not None
        if not label.dead and (is_try or label.caught) and self.dice.chance(0.8):
            self.throw_at_end(label)
        self.finish(results)
        self.labels.pop()
        body, self.out = self.out, outer
        del self.stack[label.base :]
        self.stack += results
        return body

    def steps(self, number: int) -> None:
        """Makes actions; behind a branch it stops, or goes on with code that cannot be reached."""
        actions, label = self.mood.actions, self.labels[-1]
        for _ in range(number):
            if label.dead and not self.dice.chance(self.mood.dead):
                return
            if label.dead and not self.own():
                self.dead_step()
            elif self.own() > self.mood.deep:
                self.action_numeric() if self.dice.chance(0.7) else self.sink()
            else:
                _METHODS[self.dice.pick(actions)](self)

    def dead_step(self) -> None:
        """Emits, in unreachable code, an instruction whose operands were never pushed."""
        kind = self.dice.below(6)
        if kind == 0:
            self.emit(("drop",))
        elif kind == 1:
            self.emit(("select",), ("drop",))
        elif kind == 2:
            self.emit(("unreachable",))
        elif kind == 3:
            depth = self.dice.below(len(self.labels))
            self.emit(("br_if", depth))
            self.stack += self.labels[-1 - depth].types
        elif kind == 4 and self.mood.simd:
            self.emit(self.dice.pick((("i32x4.add",), ("i8x16.splat",), ("v128.bitselect",))))
            self.stack.append(V128)
        else:
            self.emit(("i32.add",))
            self.stack.append(I32)

    def sink(self) -> None:
        """Takes a value off the stack, most often to where the comparison can see it."""
        kind = self.dice.roll()
        top = self.stack[-1] & PLAIN
        if is_reference(top) and kind < 0.5:
            self.make_number()
        elif kind < 0.5 and self.own() > 1 and self.stack[-2] & PLAIN == top:
            self.apply(self.dice.pick(self.choices.folding[top]))
        elif kind < 0.7:
            self.write_local("local.set")
        elif kind < 0.8 and self.module.memories and not is_reference(top):
            self.action_store()
        elif kind < 0.93 and self.world.places(self.world.mutable_of, top):
            self.action_global_set()
        else:
            self.action_drop()

    def finish(self, results: Types) -> None:
        """Ends the innermost block with exactly its results on the stack."""
        label = self.labels[-1]
        if label.dead and self.dice.chance(0.5):
            while self.own() and not self.is_tail(results):
                self.action_drop()
            return
        if self.own() and label.counter is None and self.dice.chance(0.3):
            self.need(results)
            self.emit(("br", 0))  # operands below the results are left behind
            self.leave()
            return
        while self.own() and not self.is_head(results):
            self.sink()
        for type_ in results[self.own() :]:
            self.push(type_)

    def is_head(self, types: Types) -> bool:
        """Tells whether the block's operands fit the first of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(self.fits, own, types))

    def is_tail(self, types: Types) -> bool:
        """Tells whether the block's operands fit the last of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(self.fits, own, types[len(types) - len(own) :]))

    def set_locals(self) -> None:
        """Gives a value to the locals that have no default value."""
        first = len(self.function.type.params)
        for place, type_ in enumerate(self.function.locals, start=first):
            if is_reference(type_) and not is_nullable(type_):
                self.emit(*self.default(type_), ("local.set", place))

    def make(self) -> None:
        """Makes the whole body and puts it into the function."""
        self.set_locals()
        if not self.is_leaf:
            self.emit(("global.get", FUEL_GLOBAL), ("i32.eqz",))
            self.emit(("if", (), (), self.give_up(), None))
            self.emit(("global.get", FUEL_GLOBAL), ("i32.const", 1), ("i32.sub",))
            self.emit(("global.set", FUEL_GLOBAL))
        if self.mood.exceptions and self.dice.chance(0.6 if self.is_called_by_host else 0.2):
            self.throw_if()
        self.steps(self.budget)
        self.finish(self.function.type.results)
        self.function.body = self.out


_ON_TABLES = (
    *("table.get", "table.get", "table.set", "table.size", "table.grow"),
    *("table.fill", "table.copy", "table.copy", "table.init"),
)
_METHODS: dict[str, Callable[[Maker], None]] = {
    name: getattr(Maker, f"action_{name}") for name in (*ACTIONS, *SOMETIMES)
}
