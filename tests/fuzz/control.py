# SPDX-License-Identifier: MIT
"""Makes the parts of a function's body that steer: blocks, exceptions, branches and calls.

maker.py makes the rest. A block contains any actions, so maker.py also makes what is inside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from fuzz.heaptypes import is_subtype
from fuzz.operands import Label, Operands
from fuzz.ops import EXNREF, I32, PLAIN, Types
from fuzz.tree import Body, Signature
from fuzz.world import AGAIN_NAMES, FOREIGN, MAX_DEPTH, MAX_ROUNDS


class Control(Operands, ABC):
    """Makes the instructions of one function's body that steer."""

    @abstractmethod
    def inner(self, params: Types, results: Types, label: Label) -> Body:
        """Makes a body inside the current one; Maker does it.

        The block's parameters are on the stack before the call, and its results after it.
        """

    # ---- blocks ----

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
            if len(types) == len(label.types) and all(map(self.fits, types, label.types)):
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
        zeros = [i for type_ in self.function.type.results for i in self.default(type_)]
        return [*zeros, ("return",)]

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
        if self.world.values is not None and label.types:
            self.stack[-len(label.types) :] = label.types

    def action_br_table(self) -> None:
        """Emits a branch to one of several labels with the same types."""
        if self.too_early():
            return
        labels = self.labels[::-1]
        wanted = [t & PLAIN for t in self.dice.pick(labels).types]
        depths = [d for d, x in enumerate(labels) if [t & PLAIN for t in x.types] == wanted]
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
        return len(results) == len(ours) and all(map(self.fits, results, ours))

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
        params = tuple([t & PLAIN for t in type_.params])
        results = tuple([self.as_temporary(t & PLAIN) for t in type_.results])
        if type_.defined is not None:
            results = type_.results
        if tail and not self.are_ours(results):
            return
        right = [
            position
            for position, index in enumerate(table)
            if index is not None and self.may_be_called(self.module.signature(index), type_)
        ]
        wrong = not right or self.dice.chance(self.mood.traps)
        if wrong and not self.dice.chance(self.mood.traps * 2):
            return
        self.need(params)
        self.push_i32(self.dice.below(len(table) + 1) if wrong else self.dice.pick(right))
        variant = self.dice.below(2) if type_.defined is None else -1 - type_.defined
        self.emit((name, params, results, variant))
        self.pop(len(params) + 1)
        self.leave() if tail else self.stack.extend(results)

    def may_be_called(self, one: Signature, other: Signature) -> bool:
        """Tells whether a call with the second type reaches a function of the first one."""
        if one.defined is None or other.defined is None:
            return one.defined == other.defined and self.same(one, other)
        return is_subtype(one.defined, other.defined, self.module.types)

    @staticmethod
    def same(one: Signature, other: Signature) -> bool:
        """Tells whether two function types are equal when dirty types count as clean ones."""
        return [t & PLAIN for t in (*one.params, 0, *one.results)] == [
            t & PLAIN for t in (*other.params, 0, *other.results)
        ]
