# SPDX-License-Identifier: MIT
"""Makes a failing module small: changes that keep it valid and failing, as long as any helps.

The main change is a cut: the types on the stack before and after any stretch of a body are known,
so the stretch can give way to drops and zeros of the same effect.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeAlias

from fuzz.compare import Difference, Subject, check
from fuzz.encode import encode
from fuzz.isolate import CRASH, HANG, isolated
from fuzz.ops import Types
from fuzz.oracle import validate
from fuzz.tree import (
    BLOCKS,
    Body,
    Call,
    Function,
    Instruction,
    Module,
    Signature,
    bodies,
    const,
    is_float,
    stacks,
    walk,
    zero,
)

Test: TypeAlias = Callable[[Module], bool]
# From a body into one of its instructions' bodies: (instruction, position in its tuple).
Path: TypeAlias = "tuple[tuple[int, int], ...]"


def bug_class(difference: Difference) -> str:
    """What must stay the same while a module is reduced."""
    if difference.kind in (CRASH, HANG):
        return difference.kind
    if difference.kind == "refused":
        return "refused: " + re.sub(r"[0-9]+", "", difference.text.split("pywasm3 ")[-1])[:60]
    return "differs"


def examine(
    module: Module, subject_class: type[Subject] = Subject, seconds: float = 10
) -> Difference | None:
    """The first difference of a module, found in a child process."""

    def run() -> str:
        difference = check(module, subject_class).difference
        return f"{difference.kind}\n{difference.text}" if difference else ""

    answer = isolated(run, seconds)
    if answer in (CRASH, HANG):
        return Difference(answer, f"the process that ran pywasm3 came to a {answer}")
    return Difference(*answer.split("\n", 1)) if answer else None


# ---- how large a module is -----------------------------------------------------------------------


def _weigh(instruction: Instruction) -> int:
    name = instruction[0]
    if name.endswith(".const"):
        return 2 if instruction[1] == 0 else 3
    if name in ("drop", "nop"):
        return 2
    if name in ("local.get", "unreachable"):
        return 4
    if name == "br_table":
        return 6 + len(instruction[1])
    if name in BLOCKS:
        return 7 + len(instruction[1]) + len(instruction[2]) + (len(bodies(instruction)) > 1)
    return 6 + sum(1 for immediate in instruction[1:] if immediate not in (0, ()))


def weigh(module: Module) -> int:
    """Falls with every change that is kept."""
    code = sum(_weigh(i) for function in module.functions for i in walk(function.body))
    locals_ = sum(len(function.locals) for function in module.functions)
    types = sum(len(f.type.params) + len(f.type.results) for f in module.functions)
    parts = len(module.functions) + len(module.globals) + len(module.imports)
    memory = 0 if module.memory is None else 5 + 5 * len(module.memory.data)
    table = 0 if module.table is None else 5 + len(module.table) - module.table.count(None)
    rest = sum(1 + sum(1 for bits in call.args if bits) for call in module.calls)
    return code + locals_ + types + 10 * parts + memory + table + rest + (module.start is not None)


# ---- bodies by path ------------------------------------------------------------------------------


def _at(body: Body, path: Path) -> Body:
    for position, slot in path:
        body = body[position][slot]
    return body


def _put(body: Body, path: Path, new: Body) -> Body:
    """A copy with another body at a path."""
    if not path:
        return new
    position, slot = path[0]
    instruction = body[position]
    inner = _put(instruction[slot], path[1:], new)
    changed = (*instruction[:slot], inner, *instruction[slot + 1 :])
    return [*body[:position], changed, *body[position + 1 :]]


def _paths(body: Body, path: Path = ()) -> Iterator[Path]:
    yield path
    for position, instruction in enumerate(body):
        if instruction[0] in BLOCKS:
            for slot in range(3, len(instruction)):
                if instruction[slot] is not None:
                    yield from _paths(instruction[slot], (*path, (position, slot)))


def _types_at(function: Function, path: Path) -> tuple[Types, Types]:
    """What is on the stack when a body starts, and when it ends."""
    if not path:
        return (), function.type.results
    *outer, (position, _) = path
    block = _at(function.body, tuple(outer))[position]
    return block[1], block[2]


def _with_function(module: Module, index: int, function: Function) -> Module:
    functions = [*module.functions[:index], function, *module.functions[index + 1 :]]
    return replace(module, functions=functions)


def _with_body(module: Module, index: int, path: Path, new: Body) -> Module:
    function = module.functions[index]
    return _with_function(module, index, replace(function, body=_put(function.body, path, new)))


# ---- the reducer ---------------------------------------------------------------------------------


class Reducer:
    """Holds the smallest failing module so far."""

    def __init__(self, module: Module, fails: Test, seconds: float) -> None:
        self.module = module
        self.fails = fails
        self.weight = weigh(module)
        self.deadline = time.monotonic() + seconds
        self.tried: set[bytes] = set()

    def out_of_time(self) -> bool:
        """Whether to stop."""
        return time.monotonic() > self.deadline

    def offer(self, module: Module) -> bool:
        """Keeps a module if it is smaller, valid and still failing."""
        weight = weigh(module)
        if weight >= self.weight or self.out_of_time():
            return False
        data = encode(module) + repr(module.calls).encode()
        if data in self.tried:
            return False
        self.tried.add(data)
        if validate(encode(module)) is not None or not self.fails(module):
            return False
        self.module, self.weight = module, weight
        return True

    def reduce(self) -> Module:
        """Until nothing helps."""
        before = -1
        while before != self.weight and not self.out_of_time():
            before = self.weight
            self.calls()
            self.stubs()
            self.parts()
            self.each_body(self.cuts)
            self.each_body(self.unwraps)
            self.each_body(self.simpler)
            self.signatures()
            self.unused_locals()
        return self.module

    def calls(self) -> None:
        """One call, or fewer; then zeros for arguments."""
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
        """Zero or one instead of an argument."""
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
        """Functions that return zeros."""
        for index, function in enumerate(self.module.functions):
            body = list(map(zero, function.type.results))
            self.offer(_with_function(self.module, index, Function(function.type, [], body)))

    # ---- parts of the module ----

    def parts(self) -> None:
        """Whatever is not needed."""
        self.offer(replace(self.module, start=None))
        self.offer(replace(self.module, table=None))
        self.offer(replace(self.module, memory=None))
        self.data_and_table()
        for index in reversed(range(len(self.module.imports) + len(self.module.functions))):
            if index < len(self.module.imports) + len(self.module.functions):
                self.offer(without_function(self.module, index))
        for index in reversed(range(1, len(self.module.globals))):  # g0 is the fuel
            self.offer(without_global(self.module, index))
        for index, entry in enumerate(self.module.globals):
            if entry.bits and index:
                entries = list(self.module.globals)
                entries[index] = replace(entry, bits=0)
                self.offer(replace(self.module, globals=entries))

    def data_and_table(self) -> None:
        """Segments and entries."""
        memory, table = self.module.memory, self.module.table
        if memory is not None:
            for segment in memory.data:
                rest = [other for other in self.module.memory.data if other is not segment]
                self.offer(replace(self.module, memory=replace(self.module.memory, data=rest)))
        for position in range(len(table or ())):
            entries = list(self.module.table)
            entries[position] = None
            self.offer(replace(self.module, table=entries))

    # ---- bodies ----

    def each_body(self, change: Callable[[int, Path], None]) -> None:
        """Outer bodies first; paths are looked up anew after each change."""
        for index in range(len(self.module.functions)):
            seen: set[Path] = set()
            while True:
                body = self.module.functions[index].body
                path = next((p for p in _paths(body) if p not in seen), None)
                if path is None or self.out_of_time():
                    break
                seen.add(path)
                change(index, path)

    def locals_of(self, index: int) -> list[int]:
        """Types of parameters and locals."""
        function = self.module.functions[index]
        return [*function.type.params, *function.locals]

    def cuts(self, index: int, path: Path) -> None:
        """Long stretches first."""
        length = len(_at(self.module.functions[index].body, path))
        while length:
            position = 0
            while position < len(_at(self.module.functions[index].body, path)):
                if not self.cut(index, path, position, length):
                    position += max(1, length // 2)
            length = length // 2 if length > 4 else length - 1

    def cut(self, index: int, path: Path, start: int, length: int) -> bool:
        """Replaces a stretch by drops and zeros."""
        function = self.module.functions[index]
        body = _at(function.body, path)
        entry, results = _types_at(function, path)
        found = stacks(body, entry, self.module, self.locals_of(index))
        end = min(start + length, len(body))
        before = found[start]
        if before is None:  # nobody comes here
            return self.offer(_with_body(self.module, index, path, body[:start]))
        after = found[end]
        rest = body[end:]
        if after is None:
            after, rest = [t & 0xFF for t in results], []
        for glue in _glues(before, after):
            new = [*body[:start], *glue, *rest]
            if self.offer(_with_body(self.module, index, path, new)):
                return True
        return False

    def unwraps(self, index: int, path: Path) -> None:
        """The inside of a block instead of the block."""
        position = 0
        while position < len(_at(self.module.functions[index].body, path)):
            body = _at(self.module.functions[index].body, path)
            instruction = body[position]
            done = False
            for inner in bodies(instruction):
                opened = lower(inner)
                if opened is None or done:
                    continue
                head: Body = [("drop",)] if instruction[0] == "if" else []
                new = [*body[:position], *head, *opened, *body[position + 1 :]]
                done = self.offer(_with_body(self.module, index, path, new))
            position += not done

    def simpler(self, index: int, path: Path) -> None:
        """Plainer instructions, one for one."""
        position = 0
        while position < len(_at(self.module.functions[index].body, path)):
            body = _at(self.module.functions[index].body, path)
            for new in _simpler(body[position]):
                changed = [*body[:position], *new, *body[position + 1 :]]
                if self.offer(_with_body(self.module, index, path, changed)):
                    break
            position += 1

    # ---- types ----

    def signatures(self) -> None:
        """Functions and blocks with fewer parameters and results."""
        for index in range(len(self.module.functions)):
            for place in reversed(range(len(self.module.functions[index].type.results))):
                self.without_result(index, place)
            for place in reversed(range(len(self.module.functions[index].type.params))):
                self.offer(without_param(self.module, index, place))
        self.each_body(self.block_types)

    def without_result(self, index: int, place: int) -> None:
        """A function without its first or last result."""
        function = self.module.functions[index]
        results = function.type.results
        type_ = Signature(function.type.params, results[:place] + results[place + 1 :])
        if place == len(results) - 1:
            body = [*function.body, ("drop",)]
        else:
            body = function.body
        self.offer(_with_function(self.module, index, replace(function, type=type_, body=body)))
        if place == len(results) - 1:
            changed = replace(function, type=type_, body=function.body[:-1])
            self.offer(_with_function(self.module, index, changed))

    def block_types(self, index: int, path: Path) -> None:
        """Blocks that leave their first parameters alone, or give fewer results."""
        for position in range(len(_at(self.module.functions[index].body, path))):
            for change in (_without_first_param, _without_last_result, _without_all_results):
                body = _at(self.module.functions[index].body, path)
                if position >= len(body) or body[position][0] not in BLOCKS:
                    break
                new = change(body[position])
                if new is not None:
                    changed = [*body[:position], *new, *body[position + 1 :]]
                    self.offer(_with_body(self.module, index, path, changed))

    def unused_locals(self) -> None:
        """Locals that no instruction names."""
        for index in range(len(self.module.functions)):
            first = len(self.module.functions[index].type.params)
            used = {
                i[1] for i in walk(self.module.functions[index].body) if i[0].startswith("local.")
            }
            for place in reversed(range(len(self.module.functions[index].locals))):
                if first + place not in used:
                    self.offer(without_local(self.module, index, place))


def _glues(before: list[int], after: list[int]) -> Iterator[Body]:
    """Ways from one stack to another: the plainest, then one that drops nothing below."""
    common = 0
    while common < min(len(before), len(after)) and before[common] == after[common]:
        common += 1
    yield [("drop",)] * (len(before) - common) + list(map(zero, after[common:]))


def _simpler(instruction: Instruction) -> Iterator[Body]:
    name = instruction[0]
    if name.endswith(".const") and instruction[1]:
        type_ = {"i32": 0x7F, "i64": 0x7E, "f32": 0x7D, "f64": 0x7C}[name[:3]]
        one = {0x7D: 0x3F800000, 0x7C: 0x3FF0000000000000}[type_] if is_float(type_) else 1
        yield [zero(type_)]
        if instruction[1] != one:
            yield [const(type_, one)]
    elif name == "br_table":
        yield [("drop",), ("br", instruction[2])]
        yield [("br_table", (), instruction[2])]
        for half in (instruction[1][: len(instruction[1]) // 2], instruction[1][:-1]):
            yield [("br_table", half, instruction[2])]
    elif ".load" in name or ".store" in name:
        yield [(name, 0, 0)]
        yield [(name, instruction[1], 0)]
    elif name == "call_indirect" and instruction[3]:
        yield [(*instruction[:3], 0)]
    elif name == "if":
        yield [("drop",), ("block", *instruction[1:4])]
    elif name == "loop":
        yield [("block", *instruction[1:])]


def _blocks_with(instruction: Instruction, params: Types, results: Types) -> Body:
    return [(instruction[0], params, results, *instruction[3:])]


def _without_first_param(instruction: Instruction) -> Body | None:
    """If the body never takes it, it comes out as the first result."""
    params, results = instruction[1], instruction[2]
    if not params or instruction[0] == "loop":
        return None
    if results and results[0] & 0xFF == params[0] & 0xFF:
        return _blocks_with(instruction, params[1:], results[1:])
    return None


def _without_last_result(instruction: Instruction) -> Body | None:
    results = instruction[2]
    if not results:
        return None
    inner = [[*body, ("drop",)] for body in bodies(instruction)]
    head = (instruction[0], instruction[1], results[:-1])
    return [(*head, *inner, *instruction[3 + len(inner) :]), zero(results[-1])]


def _without_all_results(instruction: Instruction) -> Body | None:
    results = instruction[2]
    if not results:
        return None
    drops: Body = [("drop",)] * len(results)
    inner = [[*body, *drops] for body in bodies(instruction)]
    head = (instruction[0], instruction[1], ())
    return [(*head, *inner, *instruction[3 + len(inner) :]), *map(zero, results)]


# ---- renumbering ---------------------------------------------------------------------------------


def _map(body: Body, change: Callable[[Instruction], Instruction]) -> Body:
    """A copy with every instruction changed, inner ones first."""
    found = []
    for instruction in body:
        if instruction[0] in BLOCKS:
            inner = [None if part is None else _map(part, change) for part in instruction[3:]]
            instruction = (*instruction[:3], *inner)
        found.append(change(instruction))
    return found


def _in_all(module: Module, change: Callable[[Instruction], Instruction]) -> list[Function]:
    return [replace(f, body=_map(f.body, change)) for f in module.functions]


def lower(body: Body, depth: int = 0) -> Body | None:
    """A body without the label around it; None if something branches there."""
    found: Body = []
    for instruction in body:
        name = instruction[0]
        if name in BLOCKS:
            inner = [None if part is None else lower(part, depth + 1) for part in instruction[3:]]
            if any(new is None and old is not None for new, old in zip(inner, instruction[3:], strict=True)):
                return None
            instruction = (*instruction[:3], *inner)
        elif name in ("br", "br_if", "br_table"):
            targets = (*instruction[1], instruction[2]) if name == "br_table" else (instruction[1],)
            if depth in targets:
                return None
            lowered = tuple([t - (t > depth) for t in targets])
            instruction = (name, lowered[:-1], lowered[-1]) if name == "br_table" else (name, *lowered)
        found.append(instruction)
    return found


def _used(module: Module, name: str, index: int) -> bool:
    return any(
        i[0].startswith(name) and i[1] == index for f in module.functions for i in walk(f.body)
    )


def without_function(module: Module, index: int) -> Module:
    """A module without a function, imports counted; calls to it become zeros of its type."""
    type_ = module.signature(index)
    gone: Body = [("drop",)] * len(type_.params) + list(map(zero, type_.results))
    functions = [replace(f, body=_without_call(f.body, index, gone)) for f in module.functions]
    imports = list(module.imports)
    defined = index - len(imports)
    if defined < 0:
        del imports[index]
        calls = module.calls
    else:
        del functions[defined]
        calls = [
            Call(c.function - (c.function > defined), c.args)
            for c in module.calls
            if c.function != defined
        ]
    table = module.table and [
        None if f is None or f == index else f - (f > index) for f in module.table
    ]
    start = None if module.start in (None, index) else module.start - (module.start > index)
    return replace(
        module, imports=imports, functions=functions, calls=calls, table=table, start=start
    )


def _without_call(body: Body, index: int, gone: Body) -> Body:
    found: Body = []
    for instruction in body:
        if instruction[0] in BLOCKS:
            inner = [
                None if part is None else _without_call(part, index, gone)
                for part in instruction[3:]
            ]
            found.append((*instruction[:3], *inner))
        elif instruction[0] != "call":
            found.append(instruction)
        elif instruction[1] == index:
            found += gone
        else:
            found.append(("call", instruction[1] - (instruction[1] > index)))
    return found


def _renumbered(prefix: str, index: int) -> Callable[[Instruction], Instruction]:
    def change(instruction: Instruction) -> Instruction:
        if instruction[0].startswith(prefix) and instruction[1] > index:
            return (instruction[0], instruction[1] - 1)
        return instruction

    return change


def without_global(module: Module, index: int) -> Module:
    """A module without a global; unchanged if it is used."""
    if _used(module, "global.", index):
        return module
    entries = module.globals[:index] + module.globals[index + 1 :]
    return replace(module, globals=entries, functions=_in_all(module, _renumbered("global.", index)))


def without_local(module: Module, index: int, place: int) -> Module:
    """A module without a local of a function that nothing names."""
    function = module.functions[index]
    number = len(function.type.params) + place
    locals_ = function.locals[:place] + function.locals[place + 1 :]
    body = _map(function.body, _renumbered("local.", number))
    return _with_function(module, index, replace(function, locals=locals_, body=body))


def without_param(module: Module, index: int, place: int) -> Module:
    """A module in which a parameter became a local; unchanged if anything else calls it."""
    if _used(module, "call", index + len(module.imports)) or module.table:
        return module
    function = module.functions[index]
    params = function.type.params
    last = len(params) - 1

    def change(instruction: Instruction) -> Instruction:
        if not instruction[0].startswith("local.") or not place <= instruction[1] <= last:
            return instruction
        moved = last if instruction[1] == place else instruction[1] - 1
        return (instruction[0], moved)

    type_ = Signature(params[:place] + params[place + 1 :], function.type.results)
    changed = Function(type_, [params[place], *function.locals], _map(function.body, change))
    calls = [
        Call(c.function, c.args[:place] + c.args[place + 1 :]) if c.function == index else c
        for c in module.calls
    ]
    return replace(_with_function(module, index, changed), calls=calls)


def reduce(
    module: Module,
    difference: Difference,
    *,
    subject_class: type[Subject] = Subject,
    seconds: float = 60,
    timeout: float = 10,
) -> Module:
    """The smallest module that was found to have a difference of the same class.

    Args:
        module: What has it.
        difference: What to keep.
        subject_class: Stands for pywasm3.
        seconds: For how long to try.
        timeout: What counts as a hang, in seconds.
    """
    wanted = bug_class(difference)

    def fails(candidate: Module) -> bool:
        found = examine(candidate, subject_class, timeout)
        return found is not None and bug_class(found) == wanted

    return Reducer(module, fails, seconds).reduce()
