# SPDX-License-Identifier: MIT
"""Splits JavaScript into tokens (ECMA-262, chapter 12), as far as generated glue needs it."""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class GlueError(ValueError):
    """The JavaScript of a package has something that the reader of the glue does not know.

    Attributes:
        line: The line of the JavaScript, from 1. 0 if it is not known.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line} of the glue: {message}" if line else message)
        self.line = line


class Token:
    """A token.

    Attributes:
        kind: "name", "number", "bigint", "string", "template", "regex", "punctuator" or "end".
        value: The name, the number, the text, or a template's pair of texts and expressions.
        newline: Whether a line ends before the token, where a semicolon may be left out.
        line: The line of the token, from 1.
    """

    __slots__ = ("kind", "line", "newline", "value")

    def __init__(self, kind: str, value: Any, newline: bool, line: int) -> None:
        self.kind = kind
        self.value = value
        self.newline = newline
        self.line = line


_BLANK = re.compile(r"(?:[\s\ufeff]|//[^\n]*|/\*[\s\S]*?\*/|^#![^\n]*)+")
_NAME = re.compile(r"#?[^\W\d][\w$]*|#?\$[\w$]*")
_NUMBER = re.compile(
    r"(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(n?)"
)
_STRING = re.compile(r""""(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'""")
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SIMPLE |= {"\n": "", "\r\n": "", "\u2028": "", "\u2029": ""}
_PUNCTUATORS = re.compile(
    r">>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?"
    r"|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|\*\*|[{}()\[\];,<>+\-*/%&|^!~?:=.@]"
)
# A slash after one of these names begins a regular expression and does not divide.
_BEFORE_REGEX = frozenset(
    (
        "return",
        "typeof",
        "instanceof",
        "in",
        "of",
        "new",
        "delete",
        "void",
        "throw",
        "case",
        "do",
        "else",
        "yield",
        "await",
    )
)


def unescaped(text: str) -> str:
    """Returns what a text between quotes means."""

    def meaning(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        if code is not None:
            number = int(code, 16)
            return chr(number) if number < 0x110000 else "\ufffd"
        return _SIMPLE.get(match[4], match[4])

    return _ESCAPE.sub(meaning, text) if "\\" in text else text


def number(text: str) -> int | float:
    """Returns what a numeric literal means."""
    text = text.replace("_", "")
    if text[:2].lower() in ("0x", "0b", "0o"):
        return int(text, 0)
    return int(text) if text.isdigit() else float(text)


def _template_end(source: str, start: int, line: int) -> tuple[list[str], list[str], int]:
    """Reads a template from behind its first backtick.

    Returns:
        The texts, the sources of the expressions between them, and where the template ends.
    """
    texts: list[str] = []
    expressions: list[str] = []
    at = piece = start
    while at < len(source):
        char = source[at]
        if char == "\\":
            at += 2
        elif char == "`":
            texts.append(unescaped(source[piece:at]))
            return texts, expressions, at + 1
        elif source.startswith("${", at):
            texts.append(unescaped(source[piece:at]))
            end = _braces_end(source, at + 2, line)
            expressions.append(source[at + 2 : end])
            at = piece = end + 1
        else:
            at += 1
    raise GlueError("a template has no end", line)


def _braces_end(source: str, at: int, line: int) -> int:
    """Returns where the closing brace of an expression in a template is."""
    depth = 0
    while at < len(source):
        char = source[at]
        if char == "}" and depth == 0:
            return at
        depth += (char == "{") - (char == "}")
        quoted = _STRING.match(source, at)
        if quoted:
            at = quoted.end()
        elif char == "`":
            at = _template_end(source, at + 1, line)[2]
        else:
            at += 1
    raise GlueError("an expression in a template has no end", line)


def _divides(previous: Token | None) -> bool:
    """Returns whether a slash behind a token divides."""
    if previous is None:
        return False
    if previous.kind == "name":
        return previous.value not in _BEFORE_REGEX
    return previous.kind != "punctuator" or previous.value in (")", "]", "}")


def tokens(source: str) -> list[Token]:
    """Splits JavaScript into tokens, of which the last is the end.

    Raises:
        GlueError: Characters begin no token.
    """
    found: list[Token] = []
    at, line, size = 0, 1, len(source)
    while True:
        blank = _BLANK.match(source, at)
        lines = source.count("\n", at, blank.end()) if blank else 0
        at = blank.end() if blank else at
        line += lines
        if at >= size:
            found.append(Token("end", "", True, line))
            return found
        kind, value, end = _token(source, at, line, found[-1] if found else None)
        found.append(Token(kind, value, lines > 0, line))
        line += source.count("\n", at, end)
        at = end


def _token(source: str, at: int, line: int, previous: Token | None) -> tuple[str, Any, int]:
    """Returns the kind and the value of the token at a place, and where it ends."""
    if match := _NAME.match(source, at):
        return "name", match[0], match.end()
    if match := _NUMBER.match(source, at):
        if match[1]:
            return "bigint", number(match[0][:-1]), match.end()
        return "number", number(match[0]), match.end()
    if match := _STRING.match(source, at):
        return "string", unescaped(match[0][1:-1]), match.end()
    if source[at] == "`":
        texts, expressions, end = _template_end(source, at + 1, line)
        return "template", (texts, expressions), end
    if source[at] == "/" and not _divides(previous) and (match := _REGEX.match(source, at)):
        return "regex", match[0], match.end()
    if match := _PUNCTUATORS.match(source, at):
        return "punctuator", match[0], match.end()
    raise GlueError(f"{source[at]!r} begins no token", line)
