# SPDX-License-Identifier: MIT
"""Finds the messages of the package's exceptions in its sources, for the page that explains them.

A message is found where an exception is made: ``raise ValueError(f"...")`` in Python, and
``PyErr_Format`` or ``pw_fail`` in C. What is filled in at run time stands in it as ``…``.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
BLANK = "…"
_FOREIGN = {"bench", "wasmtime", "wasmer"}

# Functions of Python that make an exception from their text, or that fill the text into one.
_MAKERS = frozenset(["_wrong", "add_note", "complain", "error", "range_error", "type_error"])
# Functions of C that do. The value is the place of the code or class among the arguments.
_C_MAKERS = {
    "pw_fail": 1,
    "pw_store_error": 1,
    "PyErr_Format": 0,
    "PyErr_SetString": 0,
    "PyErr_WarnEx": 0,
    "enter_alone": 0,
    "damaged": None,
    "refuse": None,
}
# What some of them put before the text.
_C_BEGINNINGS = {"damaged": "the snapshot is damaged: "}
_C_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_C_CALL = re.compile(rf"\b({'|'.join(_C_MAKERS)})\(")
_C_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_C_FILLED = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?(?:hh|h|ll|l|z|t|j)?[a-zA-Z]")


# An entry with fewer letters would match messages that it does not mean.
_FEW_LETTERS = 7
# A longer text is a docstring.
_LONG = 200


class Message(NamedTuple):
    """A message as it stands in the sources."""

    place: str
    maker: str
    text: str


def messages() -> list[Message]:
    """Returns the messages of the package.

    Those of its benchmark are not among them, nor those that are another package's: pywasm3.compat
    raises the errors of wasmtime and wasmer.
    """
    return [*_messages_of_python(), *_messages_of_c()]


def _squeezed(text: str) -> str:
    return re.sub(f"{BLANK}+", BLANK, text)


def _messages_of_python() -> Iterator[Message]:
    for path in sorted((ROOT / "pywasm3").rglob("*.py")):
        if _FOREIGN & set(path.relative_to(ROOT).parts):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = dict(_constants(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (maker := _maker(node.func)):
                where = f"{path.relative_to(ROOT)}:{node.lineno}"
                for argument in node.args:
                    for text in _texts(argument, constants):
                        if " " in text:
                            yield Message(where, maker, _squeezed(text))


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            for target in node.targets:
                if isinstance(target, ast.Name) and isinstance(node.value.value, str):
                    yield target.id, node.value.value


def _maker(function: ast.expr) -> str:
    name = ast.unparse(function).rsplit(".", 1)[-1]
    is_class = name[0].isupper() and name.endswith(("Error", "Trap", "Exit", "Exception"))
    return name if is_class or name in _MAKERS else ""


def _texts(node: ast.expr, constants: dict[str, str]) -> list[str]:
    """Returns the texts that an argument may be: none if it is not known to be a text."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        parts = [v.value if isinstance(v, ast.Constant) else BLANK for v in node.values]
        return ["".join(map(str, parts))]
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body, constants), *_texts(node.orelse, constants)]
    if isinstance(node, ast.Name) and node.id in constants:
        return [constants[node.id]]
    return []


def _messages_of_c() -> Iterator[Message]:
    for path in sorted((ROOT / "native").rglob("*")):
        if path.suffix not in (".c", ".h", ".inc"):
            continue
        source = _C_COMMENT.sub(_only_newlines, path.read_text(encoding="utf-8"))
        for found in _C_CALL.finditer(source):
            arguments = _arguments(source, found.end())
            text = next((a for a in arguments if a.startswith('"')), None)
            if text is None or " " not in text:
                continue
            line = source.count("\n", 0, found.start()) + 1
            at = _C_MAKERS[found[1]]
            maker = found[1] if at is None else arguments[at]
            whole = _C_BEGINNINGS.get(maker, "") + _squeezed(_c_text(text))
            yield Message(f"{path.relative_to(ROOT)}:{line}", maker, whole)


def _only_newlines(comment: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", comment[0])


def _arguments(source: str, start: int) -> list[str]:
    """Returns the arguments of a call of C, whose opening parenthesis is before `start`."""
    depth, begin, arguments = 0, start, []
    for token in re.compile(r'"(?:[^"\\]|\\.)*"|[(),]').finditer(source, start):
        if token[0] == "(":
            depth += 1
        elif token[0] in "),":
            if depth == 0:
                arguments.append(source[begin : token.start()].strip())
                begin = token.end()
            if token[0] == ")":
                depth -= 1
                if depth < 0:
                    break
    return arguments


def _c_text(literals: str) -> str:
    """Returns the text of adjacent literals, between which macros such as PRIu64 may stand."""
    text = "".join(_C_STRING.findall(literals)).replace('\\"', '"')
    return _C_FILLED.sub(BLANK, text).replace("%%", "%")


def matches(entry: str, text: str) -> bool:
    """Returns whether an entry of the page, in which ``…`` is anything, is a message's.

    An entry with hardly a word of its own, such as ``…: …``, is only the same message's.
    """
    if len(re.findall("[a-zA-Z]", entry)) < _FEW_LETTERS:
        return entry == text
    return _pattern(entry).fullmatch(text.replace("\n", " ")) is not None


@functools.cache
def _pattern(entry: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, entry.split(BLANK))))


def texts() -> set[str]:
    """Returns the texts of the sources that may be put into a message elsewhere."""
    found: set[str] = set()
    for path in (ROOT / "pywasm3").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr):
                found.update(map(_squeezed, _texts(node, {})))
    for path in (ROOT / "native").rglob("*.*"):
        if path.suffix in (".c", ".h", ".inc", ".def"):
            found.update(_c_text(literal) for literal in _literals(path))
    return {text for text in found if len(text) < _LONG}


def _literals(path: Path) -> list[str]:
    literal = r'"(?:[^"\\\n]|\\.)*"'
    source = _C_COMMENT.sub(_only_newlines, path.read_text(encoding="utf-8"))
    return [found[0] for found in re.finditer(rf"{literal}(?:[\sA-Z_a-z0-9]*{literal})*", source)]
