# SPDX-License-Identifier: MIT
"""Translates legacy exception instructions to try_table and throw_ref, which wasmtime runs.

A `try` becomes a try_table whose clauses also take the reference. Each clause gets a block around
the try_table, behind which stands the clause's code. `rethrow` throws the reference that the clause
has put into a local. `delegate` becomes a clause that catches every exception and takes it to the
body of the `try` that the label stands in, where throw_ref throws it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from fuzz.ops import EXNREF
from fuzz.shrink import depths, with_depths
from fuzz.tree import LEGACY, Body, Function, Instruction, Module, bodies, walk, with_bodies


def has_legacy(function: Function) -> bool:
    """Tells whether a function has legacy instructions."""
    return any(i[0] in LEGACY for i in walk(function.body))


def modern(module: Module) -> Module:
    """Returns a module that does the same without legacy instructions."""
    if not any(map(has_legacy, module.functions)):
        return module
    functions = [
        _Translator(function).translated() if has_legacy(function) else function
        for function in module.functions
    ]
    return replace(module, functions=functions)


@dataclass
class _Landing:
    """Where exceptions that a `delegate` hands on are thrown again."""

    level: int  # of the label of the block that a delegate leaves


@dataclass
class _Label:
    """A label of the legacy code."""

    level: int  # of the same label in the new code, counted from outside
    landing: _Landing  # for exceptions that are delegated to this label
    saved: int = -1  # the local with the exception that a clause has caught


@dataclass
class _Translator:
    function: Function
    locals: list[int] = field(default_factory=list)

    def translated(self) -> Function:
        """Returns the function without legacy instructions."""
        type_ = self.function.type
        self.locals = list(self.function.locals)
        landing = _Landing(1)  # the label of the function itself has level 0
        body = self.body(self.function.body, [_Label(0, landing)], landing, 1)
        body = [("block", (), (EXNREF,), [*body, ("return",)]), ("throw_ref",)]
        return Function(type_, self.locals, body)

    def body(self, body: Body, labels: list[_Label], landing: _Landing, level: int) -> Body:
        """Translates a body. `level` is that of the innermost label around the new code."""
        found: Body = []
        for instruction in body:
            found += self.instruction(instruction, labels, landing, level)
        return found

    def instruction(
        self, instruction: Instruction, labels: list[_Label], landing: _Landing, level: int
    ) -> Body:
        """Translates an instruction."""
        name = instruction[0]
        if name == "rethrow":
            return [("local.get", labels[-1 - instruction[1]].saved), ("throw_ref",)]
        if name == "try":
            return self.try_(instruction, labels, landing, level)
        if name == "try_delegate":
            return self.delegate(instruction, labels, level)
        if bodies(instruction):
            inside = [*labels, _Label(level + 1, landing)]
            inner = [self.body(b, inside, landing, level + 1) for b in bodies(instruction)]
            instruction = with_bodies(instruction, inner)
        levels = [labels[-1 - depth].level for depth in depths(instruction)]
        return [with_depths(instruction, [level - target for target in levels])]

    def try_(
        self, instruction: Instruction, labels: list[_Label], landing: _Landing, level: int
    ) -> Body:
        """Translates a try with clauses.

        The blocks are, from outside: one that is the label of the `try`, one for each clause, the
        last clause outside, the try_table, and the landing.
        """
        _, params, results, tried, clauses, *catches = instruction
        out, count = level + 1, len(clauses)
        inner_landing = _Landing(out + count + 2)
        inside = [*labels, _Label(out, inner_landing)]
        body = self.body(tried, inside, inner_landing, out + count + 2)
        body = [
            ("block", params, (EXNREF,), [*body, ("br", count + 2)]),
            ("throw_ref",),
        ]
        table = tuple([(tag, True, i) for i, (tag, _) in enumerate(clauses)])
        code: Body = [("try_table", params, results, body, table), ("br", count)]
        for i, ((_, types), catch) in enumerate(zip(clauses, catches, strict=True)):
            saved = len(self.function.type.params) + len(self.locals)
            self.locals.append(EXNREF)
            around = out + count - i - 1  # the level around the code of this clause
            outer = [*labels, _Label(out, landing, saved)]
            code = [("block", params, (*types, EXNREF), code), ("local.set", saved)]
            code += self.body(catch, outer, landing, around)
            if around > out:
                code.append(("br", around - out))
        return [("block", params, results, code)]

    def delegate(self, instruction: Instruction, labels: list[_Label], level: int) -> Body:
        """Translates a try that ends with delegate."""
        _, params, results, tried, depth = instruction
        target = labels[-1 - depth].landing
        inside = [*labels, _Label(level + 1, target)]
        body = self.body(tried, inside, target, level + 1)
        return [("try_table", params, results, body, ((None, True, level - target.level),))]
