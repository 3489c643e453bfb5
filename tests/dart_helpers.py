# SPDX-License-Identifier: MIT
"""The host of a program that Dart compiled to WebAssembly: what its JavaScript does, in Python.

Dart's compiler numbers the functions that it imports from the module "dart2wasm" anew for each
program, and writes a script which says what each of them does. The table of this host is for
@wasm-fmt/dart_fmt 0.4.0. It lacks typed arrays, promises and dates, which that program never uses.
"""

from __future__ import annotations

import math
import random
import re
from array import array
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pywasm3
from pywasm3.guests import js_string

# What Dart takes values of JavaScript for.
_UNDEFINED, _BOOL, _NUMBER, _STRING, _ARRAY, _OTHER = 1, 2, 3, 4, 5, 19

# What JavaScript has for the text of a group that took no part in a match; None stands for null.
UNDEFINED = object()


def _units(text: str) -> str:
    """Returns a text in which each code unit of UTF-16 is a character, as JavaScript counts."""
    if text.isascii():
        return text
    return "".join(map(chr, array("H", text.encode("utf-16", "surrogatepass")[2:])))


def _whole(text: Any) -> Any:
    """Returns a text in which pairs are characters again; another value stays as it is."""
    if not isinstance(text, str) or text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


class DartFunction:
    """A function of Dart that Python can call."""

    def __init__(self, entrance: Callable[..., Any], closure: pywasm3.Struct) -> None:
        self._entrance = entrance
        self.closure = closure

    def __call__(self, *arguments: Any) -> Any:
        return self._entrance(self.closure, len(arguments), *arguments)


class Match(list[Any]):
    """What a regular expression has found: the text, and that of each group."""

    def __init__(self, found: re.Match[str]) -> None:
        super().__init__(map(_whole, [found[0], *found.groups(UNDEFINED)]))
        self.index = found.start()


class RegExp:
    """A regular expression of JavaScript, as far as Dart's formatter uses them."""

    def __init__(self, source: str, flags: str) -> None:
        options = re.IGNORECASE * ("i" in flags) | re.DOTALL * ("s" in flags)
        self.multiline = "m" in flags
        self.flags = flags
        self.lastIndex = 0
        # In Python, "$" is also before the last newline, and names of groups have "P" before them.
        ends = r"(?=\n|\Z)" if self.multiline else r"\Z"
        text = re.sub(
            r"\\.|\[(?:\\.|[^\]])*\]|\$|\(\?<(?![=!])",
            lambda part: {"$": ends, "(?<": "(?P<"}.get(part[0], part[0]),
            source,
            flags=re.DOTALL,
        )
        self._compiled = re.compile(_units(text), options | re.MULTILINE * self.multiline)

    def exec(self, text: str) -> Match | None:
        moves = "g" in self.flags or "y" in self.flags
        search = self._compiled.match if "y" in self.flags else self._compiled.search
        found = search(_units(text), self.lastIndex if moves else 0)
        if moves:
            self.lastIndex = found.end() if found else 0
        return Match(found) if found else None

    def split(self, text: str) -> list[Any]:
        return [_whole(part) for part in self._compiled.split(_units(text))]


def _type_of(value: object) -> int:
    if value is UNDEFINED:
        return _UNDEFINED
    if isinstance(value, bool):
        return _BOOL
    kinds = {int: _NUMBER, float: _NUMBER, str: _STRING, list: _ARRAY}
    return kinds.get(type(value), _OTHER)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)


def _parsed(text: str) -> float:
    """Returns the number that a text is, or NaN."""
    is_number = re.fullmatch(r"\s*[-+]?((\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|Infinity)\s*", text, re.A)
    return float(text) if is_number else math.nan


def _in_base(number: int, base: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    rest, text = abs(number), ""
    while rest or not text:
        rest, digit = divmod(rest, base)
        text = digits[digit] + text
    return f"-{text}" if number < 0 else text


def _find(text: str, part: str, start: float) -> float:
    return _units(text).find(_units(part), int(start))


def _find_last(text: str, part: str, start: float) -> float:
    return _units(text).rfind(_units(part), 0, int(start) + len(_units(part)))


def _split(text: str, at: str | RegExp) -> list[Any]:
    if isinstance(at, RegExp):
        return at.split(text)
    return text.split(at) if at else list(_units(text))


def _same(first: Any, second: Any) -> int:
    """Compares like Object.is."""
    if isinstance(first, str) and isinstance(second, str):
        return first == second
    if isinstance(first, (int, float)) and isinstance(second, (int, float)):
        return first == second and math.copysign(1, first) == math.copysign(1, second)
    return first is second


def _setter(name: str) -> Callable[[Any, Any], None]:
    return lambda target, value: setattr(target, name, value)


def _regexp(source: str, flags: str) -> Any:
    """A text instead of an expression says what is wrong with it."""
    try:
        return RegExp(source, flags)
    except re.error as error:
        return str(error)


# What the functions do that need nothing of the program.
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "_38": len,
    "_40": lambda items, index: items[int(index)],
    "_77": _parsed,
    "_78": lambda: "",  # where an error was made
    "_82": lambda: "file:///",  # the address of the page
    "_83": lambda: False,  # does the program run on Windows?
    "_103": str.lower,
    "_104": str.upper,
    "_105": str.strip,
    "_108": lambda text, times: text * int(times),
    "_109": _find,
    "_110": _find_last,
    "_111": _split,
    "_112": _same,
    "_113": lambda value: type(value) is list,
    "_124": len,
    "_126": lambda items, index: items[index],
    "_181": SimpleNamespace,
    "_182": _setter("success"),
    "_183": _setter("code"),
    "_184": _setter("error"),
    "_205": _regexp,
    "_206": lambda regexp, text: regexp.exec(text),
    "_207": lambda regexp, text: regexp.exec(text) is not None,
    "_210": lambda value: value is UNDEFINED,
    "_215": lambda value: isinstance(value, RegExp),
    "_217": float,
    "_218": lambda number: number,
    "_219": bool,
    "_220": bool,
    "_235": _text,
    "_239": _type_of,
    "_257": lambda match: match.index,
    "_260": lambda regexp: regexp.multiline,
    "_261": lambda regexp: "i" in regexp.flags,
    "_262": lambda regexp: "u" in regexp.flags,
    "_263": lambda regexp: "s" in regexp.flags,
    "_264": lambda regexp, index: setattr(regexp, "lastIndex", int(index)),
    "_269": lambda generator: generator.random(),
    "_272": lambda: random,
    "_273": _in_base,
}


class DartFormatter:
    """Formats programs in Dart, when it has been started in an instance.

    Attributes:
        imports: The imports that the instance needs.
        instance: The instance.
    """

    instance: pywasm3.Instance

    def __init__(self) -> None:
        own = {"_185": self._export_format, "_186": self._wrap}
        self.imports = {
            **js_string.builtins(),
            "S": js_string.constants,
            "dart2wasm": {**_FUNCTIONS, **own},
        }
        self._format: Callable[..., Any]

    @classmethod
    def of(cls, module: pywasm3.Module, limits: pywasm3.Limits | None = None) -> DartFormatter:
        """Starts a formatter in a new instance."""
        self = cls()
        self.start(pywasm3.Instance(module, self.imports, missing="trap", limits=limits))
        return self

    def start(self, instance: pywasm3.Instance) -> None:
        """Runs the main function of Dart, which hands out the function that formats."""
        self.instance = instance
        instance.exports["$invokeMain"]([])

    def _export_format(self, function: DartFunction) -> None:
        self._format = function

    def _wrap(self, closure: pywasm3.Struct) -> DartFunction:
        return DartFunction(self.instance.exports["_186"], closure)

    def __call__(self, source: str, name: str = "main.dart", options: str = "{}") -> str:
        """Returns a source as it should look like.

        Args:
            source: The text.
            name: The name of the file, for messages about errors.
            options: The options as JSON: pageWidth, lineEnding, languageVersion.

        Raises:
            ValueError: The source has errors.
        """
        result = self._format(source, name, options)
        if not result.success:
            raise ValueError(result.error)
        return str(result.code)
