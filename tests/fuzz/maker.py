# SPDX-License-Identifier: MIT
"""Makes the body of one function: actions at random, each of which fits the stack.

What is on the stack below stays there, so branches leave operands behind and blocks take what
others made.
"""

from __future__ import annotations

from collections.abc import Callable

from fuzz.operands import BINARY, FOLDING, RISKY, STORES, UNARY, Label, Operands
from fuzz.ops import CAN_DIVIDE_BY_ZERO, DIRTY, FLOATS, I32, NUMERIC, Types
from fuzz.tree import Body, Signature, const, zero
from fuzz.world import ACTIONS, FUEL_GLOBAL, MAX_DEPTH, MAX_ROUNDS, fits


class Maker(Operands):
    """Makes the body of one function."""

    # ---- actions: each is one step of a body ----

    def action_push(self) -> None:
        """Pushes anything."""
        self.push(self.world.maybe_dirty(self.world.type()))

    def action_numeric(self) -> None:
        """Computes with what is on top."""
        if not self.own():
            self.action_push()
        top = self.stack[-1] & 0xFF
        if self.own() > 1 and self.stack[-2] & 0xFF == top and self.dice.chance(0.8):
            self.apply(self.dice.pick(BINARY[top]))
        else:
            self.apply(self.dice.pick(UNARY[top]))

    def action_risky(self) -> None:
        """An instruction that can trap; most often its operand is made harmless."""
        if not self.own():
            self.action_push()
        op = self.dice.pick(RISKY[self.stack[-1] & 0xFF])
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
        """A local takes the top of the stack."""
        self.write_local("local.set")

    def action_tee(self) -> None:
        """A local takes the top of the stack, which stays."""
        self.write_local("local.tee")

    def write_local(self, name: str) -> None:
        """local.set or local.tee."""
        if not self.own():
            self.action_push()
        top = self.stack[-1]
        found = self.writable[top]
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
            self.stack[-1] = top

    def action_drop(self) -> None:
        """Drops the top."""
        if self.own():
            self.emit(("drop",))
            self.stack.pop()

    def action_select(self) -> None:
        """Selects from the two on top."""
        if self.own() < 2 or (self.stack[-1] ^ self.stack[-2]) & 0xFF:
            if not self.own():
                self.action_push()
            self.push(self.stack[-1])
        self.push_condition()
        self.emit(("select",))
        first, second, _ = self.stack[-3:]
        self.pop(3)
        self.stack.append(first | second & DIRTY)

    def action_load(self) -> None:
        """Loads."""
        if self.module.memory is not None:
            self.push_loaded(self.world.type())

    def action_store(self) -> None:
        """Stores, most often what was just computed."""
        if self.module.memory is None:
            return
        if not self.own() or self.dice.chance(0.3):
            type_ = self.world.type()
            self.push_address()
            self.push(type_)
        else:
            type_ = self.stack.pop() & 0xFF
            saved = self.temporary.setdefault(type_, -1)
            if saved < 0:
                saved = self.temporary[type_] = self.new_local(self.as_temporary(type_))
            self.emit(("local.set", saved))
            self.push_address()
            self.emit(("local.get", saved))
            self.stack.append(self.as_temporary(type_))
        self.clean_if_dirty()
        self.emit(self.access(self.dice.pick(STORES[type_])))
        self.pop(2)

    def action_global_set(self) -> None:
        """A global takes the top of the stack."""
        if not self.own():
            self.action_push()
        found = self.world.mutable_of[self.stack[-1] & 0xFF]
        if found:
            self.clean_if_dirty()
            self.emit(("global.set", self.dice.pick(found)))
            self.stack.pop()

    def action_memory(self) -> None:
        """memory.size, grow, copy, fill."""
        if self.module.memory is None:
            return
        kind = self.dice.below(4)
        if kind == 0:
            self.emit(("memory.size",))
            self.stack.append(I32)
        elif kind == 1:
            self.push_i32(self.dice.pick((0, 0, 1, 1, 2, -1, 0x10000)))
            self.emit(("memory.grow",))
        else:
            self.push_address()
            self.push(I32) if kind == 2 else self.push_address()
            self.push_i32(self.dice.below(64) if self.dice.chance(0.9) else 0x8000)
            self.emit(("memory.fill",) if kind == 2 else ("memory.copy",))
            self.pop(3)

    def action_same(self) -> None:
        """One local many times on the stack, then set while it is there."""
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
        """Sets a local, at times inside a block."""
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
        """Many operands, folded at once or left to others."""
        type_ = self.world.type()
        times = self.mood.deep // 2 + self.dice.below(self.mood.deep)
        for _ in range(times):
            if self.dice.chance(0.5):
                self.push_local(type_)
            else:
                self.push_const(type_)
        if self.dice.chance(0.7):
            for _ in range(times - 1):
                self.apply(self.dice.pick(FOLDING[type_]))

    # ---- blocks ----

    def inner(self, params: Types, results: Types, label: Label) -> Body:
        """A body inside the current one. Its parameters are on the stack, then its results."""
        outer, self.out = self.out, []
        self.labels.append(label)
        share = self.dice.below(self.budget // 2 + 2)
        self.budget -= share
        self.steps(share)
        self.finish(results)
        self.labels.pop()
        body, self.out = self.out, outer
        del self.stack[label.base :]
        self.stack += results
        return body

    def operands(self) -> Types:
        """Some operands from the top, to be the parameters of a block."""
        number = self.dice.below(min(self.mood.params, self.own()) + 1)
        return tuple(self.stack[len(self.stack) - number :]) if number else ()

    def results(self) -> Types:
        """Results for a block."""
        most = 12 if self.dice.chance(0.02) else self.mood.results
        return self.world.types(most)

    def too_deep(self) -> bool:
        """Whether no more blocks should be opened."""
        return len(self.labels) > MAX_DEPTH or self.budget <= 0

    def action_block(self) -> None:
        """A block."""
        if self.too_deep():
            return
        params, results = self.operands(), self.results()
        label = Label(len(self.stack) - len(params), results)
        self.emit(("block", params, results, self.inner(params, results, label)))

    def action_loop(self) -> None:
        """A loop with a counter."""
        if self.too_deep():
            return
        counter = self.new_local(I32)
        self.readable[I32].append(counter)
        self.emit(("i32.const", 1 + self.dice.below(MAX_ROUNDS)), ("local.set", counter))
        if self.dice.chance(self.mood.reuse / 2) and not self.own():
            self.need(self.world.types(self.mood.params))
        params, results = self.operands(), self.results()
        label = Label(len(self.stack) - len(params), params, counter)
        self.emit(("loop", params, results, self.inner(params, results, label)))

    def action_if_(self) -> None:
        """An if, with or without else."""
        if self.too_deep():
            return
        self.push_condition()
        self.stack.pop()
        params = self.operands()
        alone = self.dice.chance(0.3)
        results = params if alone else self.results()
        base = len(self.stack) - len(params)
        then = self.inner(params, results, Label(base, results))
        otherwise = None
        if not alone:
            self.stack[base:] = params
            otherwise = self.inner(params, results, Label(base, results))
        self.emit(("if", params, results, then, otherwise))

    # ---- branches ----

    def leave(self) -> None:
        """What follows in this block cannot be reached."""
        label = self.labels[-1]
        label.dead = True
        del self.stack[label.base :]

    def give_up(self) -> Body:
        """Leaves the function with zeros."""
        return [*map(zero, self.function.type.results), ("return",)]

    def count_down(self, label: Label) -> None:
        """Before an unconditional branch to a loop: leaves the function when it ran enough."""
        if label.counter is not None:
            self.emit(*self.counted(label.counter), ("i32.eqz",))
            self.emit(("if", (), (), self.give_up(), None))

    @staticmethod
    def counted(counter: int) -> Body:
        """Counts down, and pushes whether the loop may run again."""
        return [
            ("local.get", counter),
            ("i32.const", 1),
            ("i32.sub",),
            ("local.tee", counter),
            ("i32.const", 0),
            ("i32.gt_s",),
        ]

    def any_depth(self) -> int:
        """The depth of a label, inner ones more often."""
        return int(self.dice.roll() ** 2 * len(self.labels))

    def too_early(self) -> bool:
        """Whether to leave the function's own body would waste it."""
        return len(self.labels) == 1 and self.dice.chance(0.9)

    def action_br(self) -> None:
        """A branch to any label."""
        if self.too_early():
            return
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        self.count_down(label)
        self.need(label.types)
        self.emit(("br", depth))
        self.leave()

    def action_br_if(self) -> None:
        """A conditional branch to any label; to a loop only while it counts."""
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        self.need(label.types)
        self.push_condition()
        self.stack.pop()
        if label.counter is not None:
            self.emit(*self.counted(label.counter), ("i32.and",))
        self.emit(("br_if", depth))

    def action_br_table(self) -> None:
        """A branch to one of several labels of the same types."""
        if self.too_early():
            return
        labels = self.labels[::-1]
        wanted = [t & 0xFF for t in self.dice.pick(labels).types]
        depths = [d for d, x in enumerate(labels) if [t & 0xFF for t in x.types] == wanted]
        number = 300 if self.dice.chance(0.01) else self.dice.below(6)
        targets = tuple([self.dice.pick(depths) for _ in range(number)])
        default = self.dice.pick(depths)
        used = [labels[d] for d in {*targets, default}]
        for label in used:
            self.count_down(label)
        # Dirty only if it is dirty in all of them.
        self.need(tuple([min(column) for column in zip(*[x.types for x in used], strict=True)]))
        self.push(I32)
        if self.dice.chance(0.8):
            self.emit(("i32.const", 7), ("i32.and",))
        self.emit(("br_table", targets, default))
        self.leave()

    def action_return_(self) -> None:
        """A return, with whatever is below."""
        if self.too_early() or self.dice.chance(0.5):
            return
        self.need(self.function.type.results)
        self.emit(("return",))
        self.leave()

    def action_unreachable(self) -> None:
        """A trap, now and then."""
        if self.dice.chance(self.mood.traps) and not self.too_early():
            self.emit(("unreachable",))
            self.leave()

    # ---- calls ----

    def call_to(self, index: int) -> None:
        """Calls a function with what is there or pushed for it."""
        self.need(self.module.signature(index).params)
        self.call(index)

    def any_function(self) -> int:
        """An index, imports counted."""
        return self.dice.below(len(self.module.imports) + len(self.module.functions))

    def action_call(self) -> None:
        """Calls anything."""
        index = self.any_function()
        if self.may_call(index):
            self.call_to(index)

    def action_chain(self) -> None:
        """Calls that feed each other: f(f(f(x)))."""
        type_ = self.world.type()
        self.push(type_)
        found = [f for f in self.world.giving.get(type_, ()) if self.may_call(f)]
        if not found:
            return
        times = self.dice.pick((2, 3, 5, 10, 2200 if self.dice.chance(0.1) else 3))
        for _ in range(times):
            index = self.dice.pick(found)
            params = self.module.signature(index).params
            if len(params) == 1 or times < 10:
                self.call_to(index)

    def action_call_indirect(self) -> None:
        """Calls through the table; the type may be wrong, the entry null or out of range."""
        table = self.module.table
        if table is None or self.is_leaf:
            return
        type_ = self.module.signature(self.any_function())
        params = tuple([t & 0xFF for t in type_.params])
        results = tuple([self.as_temporary(t & 0xFF) for t in type_.results])
        right = [
            position
            for position, index in enumerate(table)
            if index is not None and self.same(self.module.signature(index), type_)
        ]
        wrong = not right or self.dice.chance(self.mood.traps)
        if wrong and not self.dice.chance(self.mood.traps * 2):
            return
        self.need(params)
        self.push_i32(self.dice.below(len(table) + 1) if wrong else self.dice.pick(right))
        self.emit(("call_indirect", params, results, self.dice.below(2)))
        self.pop(len(params) + 1)
        self.stack += results

    @staticmethod
    def same(one: Signature, other: Signature) -> bool:
        """Whether two types are one for wasm."""
        return [t & 0xFF for t in (*one.params, 0, *one.results)] == [
            t & 0xFF for t in (*other.params, 0, *other.results)
        ]

    # ---- the whole ----

    def steps(self, number: int) -> None:
        """Some actions, and some more that nobody reaches."""
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
        """An instruction with operands that nobody pushed."""
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
        else:
            self.emit(("i32.add",))
            self.stack.append(I32)

    def sink(self) -> None:
        """Gets rid of the top, most often so that it stays visible."""
        kind = self.dice.roll()
        top = self.stack[-1] & 0xFF
        if kind < 0.5 and self.own() > 1 and self.stack[-2] & 0xFF == top:
            self.apply(self.dice.pick(FOLDING[top]))
        elif kind < 0.7:
            self.write_local("local.set")
        elif kind < 0.8 and self.module.memory is not None:
            self.action_store()
        elif kind < 0.93 and self.world.mutable_of[top]:
            self.action_global_set()
        else:
            self.action_drop()

    def finish(self, results: Types) -> None:
        """Leaves exactly the results on the stack of the innermost block."""
        label = self.labels[-1]
        if label.dead and self.dice.chance(0.5):
            while self.own() and not self.is_tail(results):
                self.action_drop()
            return
        if self.own() and label.counter is None and self.dice.chance(0.3):
            self.need(results)
            self.emit(("br", 0))  # what lies below is left behind
            self.leave()
            return
        while self.own() and not self.is_head(results):
            self.sink()
        for type_ in results[self.own() :]:
            self.push(type_)

    def is_head(self, types: Types) -> bool:
        """Whether the block's operands are the first of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(fits, own, types))

    def is_tail(self, types: Types) -> bool:
        """Whether the block's operands are the last of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(fits, own, types[len(types) - len(own) :]))

    def make(self) -> None:
        """Fills the function."""
        if not self.is_leaf:
            self.emit(("global.get", FUEL_GLOBAL), ("i32.eqz",))
            self.emit(("if", (), (), self.give_up(), None))
            self.emit(("global.get", FUEL_GLOBAL), ("i32.const", 1), ("i32.sub",))
            self.emit(("global.set", FUEL_GLOBAL))
        self.steps(self.budget)
        self.finish(self.function.type.results)
        self.function.body = self.out


_METHODS: dict[str, Callable[[Maker], None]] = {
    name: getattr(Maker, f"action_{name}") for name in ACTIONS
}
