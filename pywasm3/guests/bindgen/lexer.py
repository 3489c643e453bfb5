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
        partner: For an opening bracket, the index of the closing one.
    """

    __slots__ = ("kind", "line", "newline", "partner", "value")

    def __init__(self, kind: str, value: Any, newline: bool, line: int) -> None:
        self.kind = kind
        self.value = value
        self.newline = newline
        self.line = line
        self.partner = 0


_BLANK = r"(?:[\s\ufeff]|//[^\n]*|/\*[\s\S]*?\*/)*"
_NUMBER = (
    r"0[xX][0-9a-fA-F_]+n?|0[bB][01_]+n?|0[oO][0-7_]+n?"
    r"|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?n?"
)
_QUOTED = r""""(?:[^"\\\n]|\\[\s\S])*"|'(?:[^'\\\n]|\\[\s\S])*'"""
_STRING = re.compile(_QUOTED)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_SIMPLE |= {"\n": "", "\r\n": "", "\u2028": "", "\u2029": ""}
_PUNCTUATOR = (
    r">>>=|\.\.\.|===|!==|\*\*=|<<=|>>=|>>>|&&=|\|\|=|\?\?=|=>|==|!=|<=|>=|&&|\|\||\?\?"
    r"|\?\.(?!\d)|\+\+|--|\+=|-=|\*=|/=|%=|&=|\|=|\^=|<<|>>|\*\*|[{}()\[\];,<>+\-*/%&|^!~?:=.@]"
)
# Blanks and what comes behind them. A slash that may begin a regular expression is a punctuator
# here, and a template only begins.
_TOKEN = re.compile(
    rf"({_BLANK})(?:(#?[^\W\d][\w$]*|#?\$[\w$]*)|({_PUNCTUATOR})|({_QUOTED})|({_NUMBER})|(`)|(\Z))"
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
    previous: Token | None = None
    at, line = 0, 1
    while True:
        match = _TOKEN.match(source, at)
        if match is None:
            raise GlueError(f"{source[at : at + 20]!r} begins no token", line)
        blank = match[1]
        lines = blank.count("\n") if blank else 0
        line += lines
        kind = _KINDS[match.lastindex or 0]
        value: Any = match[match.lastindex or 0]
        at = match.end()
        if kind == "end":
            found.append(Token("end", "", True, line))
            _find_partners(found)
            return found
        start_line = line
        if kind == "string":
            line += value.count("\n")
            value = unescaped(value[1:-1])
        elif kind == "number":
            kind = "bigint" if value.endswith("n") else kind
            value = number(value.removesuffix("n"))
        elif kind == "template":
            texts, expressions, at = _template_end(source, at, line)
            value = texts, expressions
            line += source.count("\n", match.end(), at)
        elif value[0] == "/" and not _divides(previous):
            regex = _REGEX.match(source, match.start(3))
            if regex is not None:
                kind, value, at = "regex", regex[0], regex.end()
        previous = Token(kind, value, lines > 0, start_line)
        found.append(previous)


_CLOSING = {"(": ")", "[": "]", "{": "}"}


def _find_partners(found: list[Token]) -> None:
    """Notes the closing bracket of each opening one.

    Raises:
        GlueError: A bracket is not closed, or closes nothing.
    """
    opened: list[Token] = []
    for index, token in enumerate(found):
        if token.kind == "punctuator":
            if token.value in _CLOSING:
                opened.append(token)
            elif token.value in (")", "]", "}"):
                if not opened or _CLOSING[opened[-1].value] != token.value:
                    raise GlueError(f"{token.value!r} closes nothing", token.line)
                opened.pop().partner = index
    if opened:
        raise GlueError(f"{opened[-1].value!r} is not closed", opened[-1].line)


# By the number of the group of _TOKEN.
_KINDS = ("", "", "name", "punctuator", "string", "number", "template", "end")
