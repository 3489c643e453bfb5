# SPDX-License-Identifier: MIT
"""Makes a failing module small, so that a person can see what is wrong.

The reducer tries changes of shrink.py and keeps each one that leaves the module smaller, valid
and failing, until no change helps. The main change is a cut: the types on the stack before and
after any stretch of a body are known, so drops and zeros with the same effect can replace it.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from fuzz.compare import Difference, Subject, check
from fuzz.encode import encode
from fuzz.isolate import CRASH, HANG, Child
from fuzz.legacy import modern
from fuzz.ops import PLAIN
from fuzz.oracle import validate
from fuzz.shrink import (
    Path,
    body_at,
    glue,
    lower,
    paths,
    simpler_forms,
    types_at,
    weigh,
    with_body,
    with_function,
    without_all_results,
    without_first_param,
    without_function,
    without_global,
    without_last_result,
    without_local,
    without_param,
    without_value,
)
from fuzz.tree import BLOCKS, Body, Call, Function, Module, Signature, bodies, stacks, walk, zero
from fuzz.world import AGAIN, AGAIN_NAMES

Test: TypeAlias = Callable[[Module], bool]


def bug_class(difference: Difference) -> str:
    """Returns the class of a difference, which must stay the same while a module is reduced."""
    if difference.kind in (CRASH, HANG):
        return difference.kind
    if difference.kind == "refused":
        return "refused: " + re.sub(r"[0-9]+", "", difference.text.split("pywasm3 ")[-1])[:60]
    return "differs"


class Examiner:
    """Finds the first difference of a module, in a child process that may crash."""

    def __init__(
        self,
        subject_class: type[Subject] = Subject,
        seconds: float = 10,
        oracle: str = "wasmtime",
    ) -> None:
        self.child = Child(lambda module: check(module, subject_class, oracle).difference, seconds)

    def __call__(self, module: Module) -> Difference | None:
        """Returns the first difference of a module, or None."""
        answer: Difference | str | None = self.child.ask(module)
        if isinstance(answer, str):  # CRASH or HANG
            return Difference(answer, f"the process that ran pywasm3 came to a {answer}")
        return answer

    def close(self) -> None:
        """Ends the child process."""
        self.child.close()


def _is_valid(module: Module) -> bool:
    """Tells whether wasmtime accepts a module, whose legacy instructions are translated first.

    Host functions must still find a function f0 of the right type.
    """
    if any(entry.name in AGAIN_NAMES for entry in module.imports) and (
        not module.functions or module.functions[0].type != AGAIN[0].type
    ):
        return False
    try:
        return validate(encode(modern(module))) is None
    except IndexError:  # a label or a local that is not there
        return False


class Reducer:
    """Holds the smallest failing module so far and tries to make it smaller."""

    def __init__(self, module: Module, fails: Test, seconds: float | None) -> None:
        self.module = module
        self.fails = fails
        self.weight = weigh(module)
        self.deadline = math.inf if seconds is None else time.monotonic() + seconds
        self.tried: set[bytes] = set()

    def out_of_time(self) -> bool:
        """Tells whether to stop because the time is used up."""
        return time.monotonic() > self.deadline

    def offer(self, module: Module) -> bool:
        """Keeps a module if it is smaller, valid and still failing; tells whether it was kept."""
        weight = weigh(module)
        if weight >= self.weight or self.out_of_time():
            return False
        data = encode(module) + repr(module.calls).encode()
        if data in self.tried:
            return False
        self.tried.add(data)
        if not _is_valid(module) or not self.fails(module):
            return False
        self.module, self.weight = module, weight
        return True

    def reduce(self) -> Module:
        """Tries all changes until none helps, and returns the module."""
        before = -1
        while before != self.weight and not self.out_of_time():
            before = self.weight
            self.calls()
            self.stubs()
            self.parts()
            self.each_body(self.cuts)
            self.each_body(self.dropped)
            self.each_body(self.unwraps)
            self.each_body(self.simpler)
            self.signatures()
            self.unused_locals()
        return self.module

    def calls(self) -> None:
        """Tries a single call, then fewer calls, then simpler arguments."""
        for call in self.module.calls:
            if self.offer(replace(self.module, calls=[call])):
                break
        for position in reversed(range(len(self.module.calls))):
            calls = self.module.calls
            self.offer(replace(self.module, calls=calls[:position] + calls[position + 1 :]))
        for position, call in enumerate(self.module.calls):
            for place in range(len(call.args)):
                self.simpler_argument(position, place)

    def simpler_argument(self, position: int, place: int) -> None:
        """Tries zero or one in place of an argument."""
        calls = self.module.calls
        call = calls[position]
        for bits in (0, 1):
            args = (*call.args[:place], bits, *call.args[place + 1 :])
            new = Call(call.function, args)
            if self.offer(
                replace(self.module, calls=[*calls[:position], new, *calls[position + 1 :]])
            ):
                return

    def stubs(self) -> None:
        """Tries functions that only return zeros."""
        for index, function in enumerate(self.module.functions):
            body = list(map(zero, function.type.results))
            self.offer(with_function(self.module, index, Function(function.type, [], body)))

    # ---- parts of the module ----

    def parts(self) -> None:
        """Tries to remove the parts of the module: start, table, memory, functions, globals."""
        self.offer(replace(self.module, start=None))
        self.offer(replace(self.module, table=None))
        for index in reversed(range(len(self.module.memories))):
            self.offer(replace(self.module, memories=self.module.memories[:index]))
        self.kinds_of_memories()
        self.offer(replace(self.module, passive=b""))
        self.offer(replace(self.module, is_linked=False))
        self.data_and_table()
        self.types_and_references()
        for index in reversed(range(len(self.module.imports) + len(self.module.functions))):
            if index < len(self.module.imports) + len(self.module.functions):
                self.offer(without_function(self.module, index))
        while self.module.host_tags and self.offer(
            replace(self.module, host_tags=self.module.host_tags - 1)
        ):
            pass
        for index in reversed(range(1, len(self.module.globals))):  # g0 is the fuel
            self.offer(without_global(self.module, index))
        for index, entry in enumerate(self.module.globals):
            if entry.bits and index:
                entries = list(self.module.globals)
                entries[index] = replace(entry, bits=0)
                self.offer(replace(self.module, globals=entries))

    def kinds_of_memories(self) -> None:
        """Tries memories that are not shared, and defined ones for imported ones."""
        for index in reversed(range(len(self.module.memories))):
            before, others = self.module.memories[:index], self.module.memories[index:]
            # Imported memories come first, so those behind this one become defined ones with it.
            defined = [replace(memory, is_imported=False) for memory in others]
            self.offer(replace(self.module, memories=[*before, *defined]))
            before, others = self.module.memories[:index], self.module.memories[index:]
            alone = [replace(memory, is_shared=False) for memory in others[:1]]
            self.offer(replace(self.module, memories=[*before, *alone, *others[1:]]))

    def types_and_references(self) -> None:
        """Tries to remove types from the end, and what holds references at the start."""
        for index in reversed(range(len(self.module.tables))):
            self.offer(replace(self.module, tables=self.module.tables[:index]))
        for index in reversed(range(len(self.module.elements))):
            self.offer(replace(self.module, elements=self.module.elements[:index]))
        for index, entry in enumerate(self.module.globals):
            if entry.init and entry.init != [zero(entry.type)]:
                entries = list(self.module.globals)
                entries[index] = replace(entry, init=[zero(entry.type)])
                self.offer(replace(self.module, globals=entries))
        while self.module.groups:
            types = self.module.types[: -self.module.groups[-1]]
            if not self.offer(replace(self.module, types=types, groups=self.module.groups[:-1])):
                break

    def data_and_table(self) -> None:
        """Tries to remove data segments and entries of the table."""
        for index in range(len(self.module.memories)):
            for segment in list(self.module.memories[index].data):
                memories = list(self.module.memories)
                rest = [other for other in memories[index].data if other is not segment]
                memories[index] = replace(memories[index], data=rest)
                self.offer(replace(self.module, memories=memories))
        for position in range(len(self.module.table or ())):
            entries = list(self.module.table or ())
            entries[position] = None
            self.offer(replace(self.module, table=entries))

    # ---- bodies ----

    def each_body(self, change: Callable[[int, Path], None]) -> None:
        """Applies a change to each body, outer ones first.

        The paths are looked up anew after each change, because the change may have removed some.
        """
        for index in range(len(self.module.functions)):
            seen: set[Path] = set()
            while True:
                body = self.module.functions[index].body
                path = next((p for p in paths(body) if p not in seen), None)
                if path is None or self.out_of_time():
                    break
                seen.add(path)
                change(index, path)

    def locals_of(self, index: int) -> list[int]:
        """Returns the types of a function's parameters and locals."""
        function = self.module.functions[index]
        return [*function.type.params, *function.locals]

    def cuts(self, index: int, path: Path) -> None:
        """Tries to cut stretches out of a body, long ones first."""
        length = len(body_at(self.module.functions[index].body, path))
        while length:
            position = 0
            while position < len(body_at(self.module.functions[index].body, path)):
                if not self.cut(index, path, position, length):
                    position += max(1, length // 2)
            length = length // 2 if length > 4 else length - 1

    def cut(self, index: int, path: Path, start: int, length: int) -> bool:
        """Tries to replace a stretch of a body by drops and zeros."""
        function = self.module.functions[index]
        body = body_at(function.body, path)
        entry, results = types_at(function, path)
        found = stacks(body, entry, self.module, self.locals_of(index))
        end = min(start + length, len(body))
        before = found[start]
        if before is None:  # the stretch cannot be reached
            return self.offer(with_body(self.module, index, path, body[:start]))
        after = found[end]
        rest = body[end:]
        if after is None:
            after, rest = [t & PLAIN for t in results], []
        new = [*body[:start], *glue(before, after), *rest]
        return self.offer(with_body(self.module, index, path, new))

    def dropped(self, index: int, path: Path) -> None:
        """Tries to remove unused values: the instruction that pushes one, and its drop."""
        position = 0
        while position < len(body_at(self.module.functions[index].body, path)):
            function = self.module.functions[index]
            body = body_at(function.body, path)
            entry, _ = types_at(function, path)
            found = stacks(body, entry, self.module, self.locals_of(index))
            new = without_value(body, found, position)
            if new is None or not self.offer(with_body(self.module, index, path, new)):
                position += 1

    def unwraps(self, index: int, path: Path) -> None:
        """Tries the body of a block in place of the block."""
        position = 0
        while position < len(body_at(self.module.functions[index].body, path)):
            body = body_at(self.module.functions[index].body, path)
            instruction = body[position]
            done = False
            for inner in bodies(instruction):
                opened = lower(inner)
                if opened is None or done:
                    continue
                head: Body = [("drop",)] if instruction[0] == "if" else []
                new = [*body[:position], *head, *opened, *body[position + 1 :]]
                done = self.offer(with_body(self.module, index, path, new))
            position += not done

    def simpler(self, index: int, path: Path) -> None:
        """Tries simpler forms of each instruction."""
        position = 0
        while position < len(body_at(self.module.functions[index].body, path)):
            body = body_at(self.module.functions[index].body, path)
            for new in simpler_forms(body[position]):
                changed = [*body[:position], *new, *body[position + 1 :]]
                if self.offer(with_body(self.module, index, path, changed)):
                    break
            position += 1

    # ---- types ----

    def signatures(self) -> None:
        """Tries functions and blocks with fewer parameters and results."""
        for index in range(len(self.module.functions)):
            number = len(self.module.functions[index].type.results)
            while number:
                while self.fewer_results(index, number):
                    pass
                number //= 2
            for place in reversed(range(len(self.module.functions[index].type.params))):
                self.offer(without_param(self.module, index, place))
        self.each_body(self.block_types)

    def fewer_results(self, index: int, number: int) -> bool:
        """Tries a function without its first or its last results; tells whether one was kept."""
        function = self.module.functions[index]
        params, results = function.type.params, function.type.results
        if number > len(results):
            return False
        type_ = Signature(params, results[number:])
        for new in (function.body[number:], function.body):
            changed = replace(function, type=type_, body=new)
            if self.offer(with_function(self.module, index, changed)):
                return True
        body, drops = function.body, [("drop",)] * number
        shorter = [body[:-number], [*body, *drops]]
        if body and body[-1] in (("br", 0), ("return",)):
            shorter += [[*body[:-1], *drops], [*body[:-1], *drops, body[-1]]]
        type_ = Signature(params, results[:-number])
        return any(
            self.offer(with_function(self.module, index, replace(function, type=type_, body=new)))
            for new in shorter
        )

    def block_types(self, index: int, path: Path) -> None:
        """Tries blocks without their first parameter, their last result, or all results."""
        for position in range(len(body_at(self.module.functions[index].body, path))):
            for change in (without_first_param, without_last_result, without_all_results):
                body = body_at(self.module.functions[index].body, path)
                if position >= len(body) or body[position][0] not in BLOCKS:
                    break
                new = change(body[position])
                if new is not None:
                    changed = [*body[:position], *new, *body[position + 1 :]]
                    self.offer(with_body(self.module, index, path, changed))

    def unused_locals(self) -> None:
        """Tries to remove locals that no instruction uses."""
        for index in range(len(self.module.functions)):
            first = len(self.module.functions[index].type.params)
            used = {
                i[1] for i in walk(self.module.functions[index].body) if i[0].startswith("local.")
            }
            for place in reversed(range(len(self.module.functions[index].locals))):
                if first + place not in used:
                    self.offer(without_local(self.module, index, place))


def reduce(
    module: Module,
    difference: Difference,
    *,
    subject_class: type[Subject] = Subject,
    oracle: str = "wasmtime",
    seconds: float | None = None,
    timeout: float = 10,
) -> Module:
    """Returns the smallest module found that has a difference of the same class.

    Args:
        module: A module that has the difference.
        difference: The difference whose class must stay.
        subject_class: The class that runs modules in pywasm3. Tests give a subclass with a
            planted bug.
        oracle: The engine that gives the expected answers: one of compare.ORACLES.
        seconds: How long to try. None: until no change helps, so that the result does not depend on
            how fast the machine is.
        timeout: After how many seconds a module counts as hanging.
    """
    wanted = bug_class(difference)
    examine = Examiner(subject_class, timeout, oracle)

    def fails(candidate: Module) -> bool:
        found = examine(candidate)
        return found is not None and bug_class(found) == wanted

    try:
        return Reducer(module, fails, seconds).reduce()
    finally:
        examine.close()
