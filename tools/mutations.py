# SPDX-License-Identifier: MIT
"""Derives mutations from C source text: small changes that a test-suite should notice.

Nothing here runs a compiler. Comments, literals and directives are blanked, function bodies are
found by their braces, and each operator is a regular expression that is applied to the bodies.
The operators:

    compare    a comparison becomes the opposite one, or includes or excludes the equal case
    negate     the condition of an if or a while is negated, unless `compare` does the same to it
    logic      && becomes ||, and || becomes &&
    constant   an integer constant becomes one more, or one less
    drop       a statement disappears: a count, an assignment with an operator or of a constant,
               or a call whose result is not used
"""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

COMPARISONS = {
    "==": ("!=",),
    "!=": ("==",),
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
}
LOGIC = {"&&": "||", "||": "&&"}

_BLANKED = re.compile(
    r"""
      /\*.*?\*/ | //[^\n]*                              # comments
    | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])+'         # literals
    | ^[ \t]*\#(?:\\\n|[^\n])*                         # directives
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)", re.DOTALL)
_LVALUE = r"\*?[A-Za-z_]\w*(?:(?:->|\.)\w+|\[[^][;{}]*\])*"
_CONSTANT = r"(?:-?\d\w*|[A-Z][A-Z0-9_]*|true|false)"
_NO_CALL = r"(?!(?:if|for|while|switch|return|sizeof|case|else|do|goto)\b)"
_STATEMENT = re.compile(
    rf"""
    (?<=[;{{}}):])(?P<gap>\s*(?:else\b\s*)?)
    (?P<statement>
      (?: (?:\+\+|--){_LVALUE} | {_LVALUE}(?:\+\+|--)
        | {_LVALUE}\s*(?:[-+*/%&|^]|<<|>>)=[^;{{}}]*
        | {_LVALUE}\s*=\s*{_CONSTANT}
        | (?:\(void\)\s*)?{_NO_CALL}[A-Za-z_]\w*\([^;{{}}]*\)
      )\s*;)
    """,
    re.VERBOSE,
)
_COMPARISON = re.compile(r"(?<![<>=!-])(?:==|!=|<=|>=|<|>)(?![<>=])")
_INTEGER = re.compile(r"(?<![\w.])(0[xX][0-9a-fA-F]+|0|[1-9]\d*)([uUlL]*)(?![\w.])")
_CONDITION = re.compile(r"\b(if|while)\s*\(")


@dataclasses.dataclass(frozen=True, order=True)
class Mutation:
    """One change of one place in one file."""

    path: str
    start: int
    end: int
    new: str
    old: str
    operator: str
    function: str
    line: int

    def apply(self, text: str) -> str:
        """The text of the file with the change.

        Raises:
            ValueError: The text is not the one that the mutation was derived from.
        """
        if text[self.start : self.end] != self.old:
            raise ValueError(f"{self.path} has changed since the mutation was derived")
        return text[: self.start] + self.new + text[self.end :]

    @property
    def change(self) -> str:
        """The change on one line, as Markdown."""
        old, new = (" ".join(part.split()) for part in (self.old, self.new))
        return f"{self.operator}: `{old}` -> `{new}`"


class Body(NamedTuple):
    """The name of a function, and where its body begins and ends in the text."""

    function: str
    start: int
    end: int


def blank(text: str) -> str:
    """The text with comments, literals and directives replaced by spaces, at the same offsets."""
    return _BLANKED.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def bodies(code: str) -> Iterator[Body]:
    """The bodies of the functions in code that was blanked."""
    depth, begin, heading_begin = 0, 0, 0
    for match in re.finditer(r"[{};]", code):
        at, sign = match.start(), match[0]
        if sign == "{":
            if depth == 0:
                begin, heading = at, code[heading_begin:at]
            depth += 1
            continue
        if sign == "}":
            depth -= 1
            if depth == 0 and (name := _function_name(heading)):
                yield Body(name, begin, at + 1)
        if depth == 0:
            heading_begin = at + 1


def _function_name(heading: str) -> str:
    """The name of the function that has this heading; empty for what is not a function.

    A heading that is nothing but a macro with arguments, such as `d_m3Op(Loop)`, is its own name.
    """
    heading = " ".join(_ATTRIBUTE.sub(" ", heading).split())
    match = re.search(r"(\w+) ?\((?:[^()]|\([^()]*\))*\)$", heading)
    if match is None or "=" in heading:
        return ""
    return heading if match.start() == 0 else match[1]


def _closing(code: str, opening: int) -> int:
    """The offset of the parenthesis that closes the one at `opening`; -1 if there is none."""
    depth = 0
    for match in re.compile(r"[()]").finditer(code, opening):
        depth += 1 if match[0] == "(" else -1
        if depth == 0:
            return match.start()
    return -1


def _changes(text: str, code: str, body: Body) -> Iterator[tuple[str, int, int, str]]:
    """Operator, start, end and new text of each change in a body; `code` is the blanked text."""
    _, begin, end = body
    for match in _COMPARISON.finditer(code, begin, end):
        for new in COMPARISONS[match[0]]:
            yield "compare", *match.span(), new
    for match in re.compile(r"&&|\|\|").finditer(code, begin, end):
        yield "logic", *match.span(), LOGIC[match[0]]
    for match in _CONDITION.finditer(code, begin, end):
        start = match.end() - 1
        stop = _closing(code, start) + 1
        condition = code[start:stop]
        alone = len(_COMPARISON.findall(condition)) == 1 and not re.search(r"&&|\|\|", condition)
        if stop and not alone:
            yield "negate", start, stop, f"(!{text[start:stop]})"
    for match in _INTEGER.finditer(code, begin, end):
        digits, suffix = match.groups()
        value, form = int(digits, 0), "#x" if digits[:2].lower() == "0x" else "d"
        for other in (value + 1, value - 1):
            if other >= 0:
                yield "constant", *match.span(), f"{other:{form}}{suffix}"
    for match in _STATEMENT.finditer(code, begin, end):
        yield "drop", *match.span("statement"), "(void)0;"


def derive(path: str, text: str) -> list[Mutation]:
    """All mutations of a C file, in the order of their places.

    Args:
        path: What the mutations are to say where they are.
        text: The contents of the file.
    """
    code = blank(text)
    found = []
    for body in bodies(code):
        for operator, start, end, new in _changes(text, code, body):
            line = text.count("\n", 0, start) + 1
            old = text[start:end]
            found.append(Mutation(path, start, end, new, old, operator, body.function, line))
    return sorted(found)


def named(mutations: Iterable[Mutation], names: Collection[str]) -> list[Mutation]:
    """The mutations in files, folders or functions that are named.

    A file or a folder is named by its path or by the end of its path. A function that a macro
    defines is named by the macro's argument, too: `Loop` for `d_m3Op(Loop)`.

    Raises:
        LookupError: A name fits nothing.
    """
    mutations = list(mutations)
    chosen: set[Mutation] = set()
    for name in names:
        part = f"/{name.strip('/')}/"
        fits = {
            m
            for m in mutations
            if name == m.function or m.function.endswith(f"({name})") or part in f"/{m.path}/"
        }
        if not fits:
            raise LookupError(f"no function, file or folder of native/ is called {name!r}")
        chosen |= fits
    return sorted(chosen)


def changed(mutations: Iterable[Mutation], lines: dict[str, set[int]]) -> list[Mutation]:
    """The mutations that begin on one of the lines, which are given by path."""
    return [m for m in mutations if m.line in lines.get(m.path, ())]


def changed_lines(diff: str) -> dict[str, set[int]]:
    """The numbers of the lines that a unified diff without context adds, by path."""
    found: dict[str, set[int]] = {}
    lines: set[int] = set()
    for row in diff.splitlines():
        if row.startswith("+++ "):
            lines = found.setdefault(row[4:].removeprefix("b/"), set())
        elif match := re.match(r"@@ -\S+ \+(\d+)(?:,(\d+))? @@", row):
            first, count = int(match[1]), int(match[2] or 1)
            lines.update(range(first, first + count))
    return found


def sample(mutations: Iterable[Mutation], count: int, seed: int) -> list[Mutation]:
    """At most `count` of the mutations, always the same ones for the same seed.

    They are spread over the functions: no function has a second mutation before every other one
    has its first.
    """
    shuffled = sorted(mutations)
    random.Random(seed).shuffle(shuffled)
    turns: dict[tuple[str, str], int] = {}
    ranked = []
    for mutation in shuffled:
        turn = turns.setdefault((mutation.path, mutation.function), 0)
        turns[mutation.path, mutation.function] += 1
        ranked.append((turn, mutation))
    ranked.sort(key=lambda pair: pair[0])
    return [mutation for _, mutation in ranked[:count]]
