# SPDX-License-Identifier: MIT
"""Makes the body of one function from random actions, each of which fits the operand stack.

operands.py holds the smaller steps that the actions are made of. An action takes only the
operands that it needs, so branches leave values behind and blocks take values of other actions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fuzz.operands import STORES, Label, Operands
from fuzz.ops import (
    CAN_DIVIDE_BY_ZERO,
    DIRTY,
    EXNREF,
    FLOATS,
    I32,
    NUMERIC,
    REFERENCES,
    V128,
    Types,
)
from fuzz.tree import Body, Signature, const, zero
from fuzz.world import (
    ACTIONS,
    AGAIN_NAMES,
    FOREIGN,
    FUEL_GLOBAL,
    MAX_DEPTH,
    MAX_ROUNDS,
    SOMETIMES,
    fits,
)


class Maker(Operands):
    """Makes the body of one function.

    `world.ACTIONS` has the weight of each method `action_NAME`.
    """

    # ---- actions: each is one step of a body ----

    def action_push(self) -> None:
        """Pushes a value of a random type."""
        self.push(self.world.maybe_dirty(self.world.any_type()))

    def has_reference(self) -> bool:
        """Tells whether a reference is on top of the stack."""
        return self.own() > 0 and self.stack[-1] in REFERENCES

    def make_number(self) -> None:
        """Pushes a number unless one is on top of the stack; a reference there becomes one."""
        if not self.own():
            self.push(self.world.maybe_dirty(self.world.type()))
        elif self.has_reference():
            self.emit(("ref.is_null",))
            self.stack[-1] = I32

    def action_numeric(self) -> None:
        """Applies a numeric instruction to the values on top of the stack."""
        self.make_number()
        top = self.stack[-1] & 0xFF
        if self.own() > 1 and self.stack[-2] & 0xFF == top and self.dice.chance(0.8):
            self.apply(self.dice.pick(self.choices.binary[top]))
        else:
            self.apply(self.dice.pick(self.choices.unary[top]))

    def action_vector(self) -> None:
        """Applies a vector instruction to its operands, of which some may be on the stack."""
        op = self.dice.pick(self.choices.vector)
        self.need(op.params)
        self.apply(op)
        if self.stack[-1] == V128 and self.module.memory is not None and self.dice.chance(0.3):
            self.store_copy()

    def store_copy(self) -> None:
        """Stores the vector on top of the stack, which stays, to where few other stores go."""
        local = self.temporary_vector(dirty=False)
        self.emit(("local.tee", local), ("i32.const", self.dice.below(0xF000)))
        self.emit(("local.get", local), ("v128.store", 0, 0))

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
        found = self.choices.risky[self.stack[-1] & 0xFF]
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
        """Drops the top of the stack."""
        if self.own():
            self.emit(("drop",))
            self.stack.pop()

    def action_select(self) -> None:
        """Selects one of the two values on top of the stack."""
        if self.own() < 2 or (self.stack[-1] ^ self.stack[-2]) & 0xFF:
            if not self.own():
                self.action_push()
            self.push(self.stack[-1])
        self.push_condition()
        first, second, _ = self.stack[-3:]
        typed = first in REFERENCES or self.dice.chance(0.2)
        self.emit(("select_typed", first & 0xFF) if typed else ("select",))
        self.pop(3)
        self.stack.append(first | second & DIRTY)

    def action_load(self) -> None:
        """Loads a value from memory."""
        if self.module.memory is not None:
            self.push_loaded(self.world.type())

    def action_store(self) -> None:
        """Stores a value to memory, most often the one that was just computed."""
        if self.module.memory is None:
            return
        if not self.own() or self.has_reference() or self.dice.chance(0.3):
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
        """Pops the top of the stack into a global."""
        if not self.own():
            self.action_push()
        found = self.world.mutable_of[self.stack[-1] & 0xFF]
        if found:
            self.clean_if_dirty()
            self.emit(("global.set", self.dice.pick(found)))
            self.stack.pop()

    def action_memory(self) -> None:
        """Emits a memory.size, memory.grow, memory.copy or memory.fill."""
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

    # ---- blocks ----

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

    def operands(self) -> Types:
        """Chooses how many operands become parameters of a block; returns their types."""
        number = self.dice.below(min(self.mood.params, self.own()) + 1)
        return tuple(self.stack[len(self.stack) - number :]) if number else ()

    def results(self) -> Types:
        """Chooses the result types of a block."""
        most = 12 if self.dice.chance(0.02) else self.mood.results
        return self.world.types(most)

    def too_deep(self) -> bool:
        """Tells whether no more blocks should be opened here."""
        return len(self.labels) > MAX_DEPTH or self.budget <= 0

    def action_block(self) -> None:
        """Emits a block."""
        if self.too_deep():
            return
        params, results = self.operands(), self.results()
        label = Label(len(self.stack) - len(params), results)
        self.emit(("block", params, results, self.inner(params, results, label)))

    def action_loop(self) -> None:
        """Emits a loop, with a local that counts down the rounds it may still run."""
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
        """Emits an if, with or without an else."""
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

    # ---- exceptions ----

    def action_try_(self) -> None:
        """Emits a try_table, or a legacy try in functions that have these."""
        if self.too_deep():
            return
        if self.is_legacy:
            self.legacy_try()
        else:
            self.try_table()

    def try_table(self) -> None:
        """Emits a try_table. Some of its clauses get blocks of their own, with code behind them."""
        params, results = self.operands(), self.results()
        base = len(self.stack) - len(params)
        clauses = self.clauses_to_labels()
        caught = [self.any_clause() for _ in range(self.dice.pick((0, 1, 1, 2, 3)))]
        count = len(caught)
        if count:
            clauses = [(tag, ref, depth + count + 1) for tag, ref, depth in clauses]
            self.labels.append(Label(base, results))
            for _, _, types in reversed(caught):
                self.labels.append(Label(base, types))
            for depth, (tag, ref, _) in enumerate(caught):
                clauses.insert(self.dice.below(len(clauses) + 1), (tag, ref, depth))
        tags = [tag for tag, *_ in clauses if tag is not None]
        body = self.tried(params, results, base, tags)
        code: Body = [("try_table", params, results, body, tuple(clauses))]
        for place, (_, _, types) in enumerate(caught):
            code.append(("br", count - place))
            self.labels.pop()
            self.stack[base:] = types
            handler = self.inner(types, results, Label(base, results))
            code = [("block", params, types, code), ("block", types, results, handler)]
        if count:
            self.labels.pop()
            code = [("block", params, results, code)]
        self.emit(*code)

    def tried(self, params: Types, results: Types, base: int, tags: Sequence[int]) -> Body:
        """Makes the body of a try with clauses for some tags."""
        label = Label(base, results)
        label.tried = tags
        self.tries += 1
        body = self.inner(params, results, label)
        self.tries -= 1
        return body

    def throw_at_end(self, label: Label) -> None:
        """Throws at the end of a try or of a legacy clause, because few other steps do."""
        if label.caught and self.dice.chance(0.5):
            self.rethrow()
        elif label.tried is not None and self.dice.chance(0.5):
            self.throw()
        elif label.tried is not None and self.dice.chance(0.4):
            self.action_again() if self.dice.chance(0.4) else self.action_call()
        else:
            self.throw_if()

    def any_clause(self) -> tuple[int | None, bool, Types]:
        """Chooses a clause: a tag or None, whether it takes the reference, and its types."""
        reference = self.dice.chance(0.4)
        last: Types = (EXNREF,) if reference else ()
        if self.dice.chance(0.3):
            return None, reference, last
        tag, types = self.any_tag()
        return tag, reference, (*types, *last)

    def clauses_to_labels(self) -> list[tuple[int | None, bool, int]]:
        """Chooses clauses whose labels are there already, and take what the clauses give."""
        found = []
        for _ in range(self.dice.pick((0, 0, 1, 2, 6))):
            tag, reference, types = self.any_clause()
            depth = self.any_depth()
            label = self.labels[-1 - depth]
            if len(types) == len(label.types) and all(map(fits, types, label.types)):
                self.count_down(label)
                found.append((tag, reference, depth))
        return found

    def legacy_try(self) -> None:
        """Emits a legacy try with clauses, or one with delegate."""
        params, results = self.operands(), self.results()
        base = len(self.stack) - len(params)
        if self.dice.chance(0.25):
            body = self.tried(params, results, base, ())
            depth = self.any_depth()
            self.emit(("try_delegate", params, results, body, depth))
            return
        clauses: list[tuple[int | None, Types]] = []
        clauses += [self.any_tag() for _ in range(self.dice.pick((0, 1, 1, 2, 3)))]
        if not clauses or self.dice.chance(0.3):
            clauses += [(None, ())] if self.dice.chance(0.9) else []
        tags = [tag for tag, _ in clauses if tag is not None]
        body = self.tried(params, results, base, tags)
        catches = []
        for _, types in clauses:
            self.stack[base:] = types
            label = Label(base, results)
            label.caught = True
            catches.append(self.inner(types, results, label))
        self.stack[base:] = results
        self.emit(("try", params, results, body, tuple(clauses), *catches))

    def is_wanted(self) -> bool:
        """Tells whether code may throw here. Outside of a try it rarely should."""
        return not self.too_early() and self.dice.chance(0.8 if self.tries else 0.2)

    def action_throw(self) -> None:
        """Throws an exception."""
        if self.is_wanted():
            self.throw()

    def throw(self) -> None:
        """Throws an exception with values that are on the stack or are pushed."""
        tag, types = self.any_tag()
        self.need(types)
        self.emit(*self.thrown(tag))
        self.leave()

    def thrown(self, tag: int) -> Body:
        """Returns code that throws an exception whose values are on the stack, or the host does."""
        function = self.world.throwers.get(tag)
        if function is None or self.dice.chance(0.5):
            return [("throw", tag)]
        return [("call", function), ("unreachable",)]

    def action_throw_if(self) -> None:
        """Throws an exception on a condition."""
        if self.is_wanted():
            self.throw_if()

    def throw_if(self) -> None:
        """Throws an exception with new values if a condition holds."""
        self.push_condition()
        self.stack.pop()
        tag, types = self.any_tag()
        outer, self.out = self.out, []
        self.labels.append(Label(len(self.stack), ()))
        for type_ in types:
            self.push(type_)
        self.labels.pop()
        self.pop(len(types))
        self.emit(*self.thrown(tag))
        inner, self.out = self.out, outer
        self.emit(("if", (), (), inner, None))

    def action_throw_again(self) -> None:
        """Throws an exception that was caught, with throw_ref or rethrow."""
        if self.is_legacy:
            self.rethrow()
        elif self.is_wanted():
            self.push(EXNREF)
            self.stack.pop()
            saved = self.temporary.setdefault(EXNREF, -1)
            if saved < 0:
                saved = self.temporary[EXNREF] = self.new_local(EXNREF)
            again: Body = [("local.get", saved), ("throw_ref",)]
            self.emit(("local.tee", saved), ("ref.is_null",))
            nothing = [("unreachable",)] if self.dice.chance(self.mood.traps) else []
            self.emit(("if", (), (), nothing, again))

    def rethrow(self) -> None:
        """Throws the exception of a clause around, always or on a condition."""
        depths = [depth for depth, label in enumerate(self.labels[::-1]) if label.caught]
        if not depths:
            return
        depth = self.dice.pick(depths)
        if self.dice.chance(0.5):
            self.emit(("rethrow", depth))
            self.leave()
        else:
            self.push_condition()
            self.stack.pop()
            self.emit(("if", (), (), [("rethrow", depth + 1)], None))

    # ---- branches ----

    def leave(self) -> None:
        """Notes that the rest of this block cannot be reached."""
        label = self.labels[-1]
        label.dead = True
        del self.stack[label.base :]

    def give_up(self) -> Body:
        """Returns code that leaves the function with zeros as results."""
        return [*map(zero, self.function.type.results), ("return",)]

    def count_down(self, label: Label) -> None:
        """Emits code that leaves the function when a loop has run often enough.

        It stands before an unconditional branch, which could otherwise run the loop forever.
        """
        if label.counter is not None:
            self.emit(*self.counted(label.counter), ("i32.eqz",))
            self.emit(("if", (), (), self.give_up(), None))

    @staticmethod
    def counted(counter: int) -> Body:
        """Returns code that counts down and pushes whether the loop may run again."""
        return [
            ("local.get", counter),
            ("i32.const", 1),
            ("i32.sub",),
            ("local.tee", counter),
            ("i32.const", 0),
            ("i32.gt_s",),
        ]

    def any_depth(self) -> int:
        """Chooses the depth of a label, inner labels more often than outer ones."""
        return int(self.dice.roll() ** 2 * len(self.labels))

    def too_early(self) -> bool:
        """Tells whether a branch here would make the rest of the function unreachable too soon."""
        return len(self.labels) == 1 and self.dice.chance(0.9)

    def action_br(self) -> None:
        """Emits a branch to any label."""
        if self.too_early():
            return
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        self.count_down(label)
        self.need(label.types)
        self.emit(("br", depth))
        self.leave()

    def action_br_if(self) -> None:
        """Emits a conditional branch to any label; a loop also needs a positive counter."""
        depth = self.any_depth()
        label = self.labels[-1 - depth]
        self.need(label.types)
        self.push_condition()
        self.stack.pop()
        if label.counter is not None:
            self.emit(*self.counted(label.counter), ("i32.and",))
        self.emit(("br_if", depth))

    def action_br_table(self) -> None:
        """Emits a branch to one of several labels with the same types."""
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
        # A value may be dirty only if all the labels take a dirty one.
        self.need(tuple([min(column) for column in zip(*[x.types for x in used], strict=True)]))
        self.push(I32)
        if self.dice.chance(0.8):
            self.emit(("i32.const", 7), ("i32.and",))
        self.emit(("br_table", targets, default))
        self.leave()

    def action_return_(self) -> None:
        """Emits a return; operands below the results are left behind."""
        if self.too_early() or self.dice.chance(0.5):
            return
        self.need(self.function.type.results)
        self.emit(("return",))
        self.leave()

    def action_unreachable(self) -> None:
        """Emits an unreachable, if the module's mood wants traps."""
        if self.dice.chance(self.mood.traps) and not self.too_early():
            self.emit(("unreachable",))
            self.leave()

    # ---- calls ----

    def call_to(self, index: int) -> None:
        """Calls a function, with operands that are on the stack or are pushed for it."""
        self.need(self.module.signature(index).params)
        self.call(index)

    def any_function(self) -> int:
        """Chooses the index of a function, imported or defined."""
        return self.dice.below(len(self.module.imports) + len(self.module.functions))

    def action_call(self) -> None:
        """Calls a random function."""
        index = self.any_function()
        if self.may_call(index):
            self.call_to(index)

    def action_again(self) -> None:
        """Calls a host function that calls f0, if the module imports one."""
        self.call_import(*AGAIN_NAMES)

    def action_foreign(self) -> None:
        """Calls the host function that throws an exception of its own, if the module imports it."""
        self.call_import(FOREIGN.name)

    def call_import(self, *names: str) -> None:
        """Calls one of the host functions with these names, if the module imports some."""
        imports = self.module.imports
        found = [i for i, entry in enumerate(imports) if entry.name in names and self.may_call(i)]
        if found:
            self.call_to(self.dice.pick(found))

    def action_chain(self) -> None:
        """Emits calls of which each takes the result of the one before: f(f(f(x)))."""
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

    def action_return_call(self) -> None:
        """Emits a tail call of a function whose results are this function's."""
        index = self.any_function()
        if self.too_early() or not self.may_call(index):
            return
        type_ = self.module.signature(index)
        if self.are_ours(type_.results):
            self.need(type_.params)
            self.emit(("return_call", index))
            self.leave()

    def are_ours(self, results: Types) -> bool:
        """Tells whether a function with these results can end this one with a tail call."""
        ours = self.function.type.results
        return len(results) == len(ours) and all(map(fits, results, ours))

    def action_call_indirect(self) -> None:
        """Calls a function through the table."""
        self.call_through_table("call_indirect")

    def action_return_call_indirect(self) -> None:
        """Emits a tail call through the table."""
        if not self.too_early():
            self.call_through_table("return_call_indirect")

    def call_through_table(self, name: str) -> None:
        """Calls through the table; the type may be wrong, or the entry null or out of range."""
        table = self.module.table
        if table is None or self.is_leaf:
            return
        tail = name == "return_call_indirect"
        type_ = self.module.signature(self.any_function())
        params = tuple([t & 0xFF for t in type_.params])
        results = tuple([self.as_temporary(t & 0xFF) for t in type_.results])
        if tail and not self.are_ours(results):
            return
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
        self.emit((name, params, results, self.dice.below(2)))
        self.pop(len(params) + 1)
        self.leave() if tail else self.stack.extend(results)

    @staticmethod
    def same(one: Signature, other: Signature) -> bool:
        """Tells whether two function types are equal when dirty types count as clean ones."""
        return [t & 0xFF for t in (*one.params, 0, *one.results)] == [
            t & 0xFF for t in (*other.params, 0, *other.results)
        ]

    # ---- the whole ----

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
        top = self.stack[-1] & 0xFF
        if top in REFERENCES and kind < 0.5:
            self.make_number()
        elif kind < 0.5 and self.own() > 1 and self.stack[-2] & 0xFF == top:
            self.apply(self.dice.pick(self.choices.folding[top]))
        elif kind < 0.7:
            self.write_local("local.set")
        elif kind < 0.8 and self.module.memory is not None and top not in REFERENCES:
            self.action_store()
        elif kind < 0.93 and self.world.mutable_of[top]:
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
        return len(own) <= len(types) and all(map(fits, own, types))

    def is_tail(self, types: Types) -> bool:
        """Tells whether the block's operands fit the last of some types."""
        own = self.stack[self.labels[-1].base :]
        return len(own) <= len(types) and all(map(fits, own, types[len(types) - len(own) :]))

    def make(self) -> None:
        """Makes the whole body and puts it into the function."""
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


_METHODS: dict[str, Callable[[Maker], None]] = {
    name: getattr(Maker, f"action_{name}") for name in (*ACTIONS, *SOMETIMES)
}
