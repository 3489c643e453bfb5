# SPDX-License-Identifier: MIT
"""Turns the symbols of Rust, and simple ones of C++, into the names that their sources have.

The names of functions come from untrusted modules, and a short symbol can stand for an endless
name, because it can refer back to its own parts. So a symbol has a budget, and one that exceeds it
is shown as it is. RATIONALE.md says why this is code of the package.
"""

from __future__ import annotations

import re
from itertools import takewhile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# Characters and steps of one name, and the depth of its types in each other.
_MAX_WORK = 4096
_MAX_DEPTH = 64


class _Refused(Exception):
    """The symbol does not follow the rules, needs too much work, or has parts that are not read."""


def demangled(symbol: str) -> str:
    """Returns the name that a symbol stands for, or the symbol itself if it is not known.

    Hashes, the parameters of functions of C++, and lifetimes are left out.
    """
    try:
        if symbol.startswith("_ZN") and (name := _legacy_rust(symbol)):
            return name
        if symbol.startswith("_Z"):
            return _simple_cpp(symbol)
        if symbol.startswith("_R"):
            return _RustSymbol(symbol).name()
    except (_Refused, UnicodeError, IndexError):
        pass
    return symbol


# ---- components with their lengths ---------------------------------------------------------------


def _component(symbol: str, at: int) -> tuple[str, int]:
    """Returns the name after a decimal length, and the position behind it."""
    digits = "".join(takewhile("0123456789".__contains__, symbol[at : at + 5]))
    begin = at + len(digits)
    if not digits or len(symbol) - begin < int(digits):
        raise _Refused
    end = begin + int(digits)
    return symbol[begin:end], end


# ---- Rust until 2025 -----------------------------------------------------------------------------

_ESCAPES = {
    **{"$SP$": "@", "$BP$": "*", "$RF$": "&", "$LT$": "<", "$GT$": ">", "$LP$": "("},
    **{"$RP$": ")", "$C$": ",", "..": "::"},
}
_ESCAPE = re.compile(r"\$(?:SP|BP|RF|LT|GT|LP|RP|C|u[0-9a-f]{1,5})\$|\.\.")


def _unescaped(match: re.Match[str]) -> str:
    found = match[0]
    return _ESCAPES.get(found) or chr(int(found[2:-1], 16))


def _legacy_rust(symbol: str) -> str | None:
    """Returns the path of a symbol whose last component is a hash, which tells it from C++."""
    parts, at = [], 3
    while at < len(symbol) and symbol[at] != "E":
        part, at = _component(symbol, at) if symbol[at].isdigit() else ("", len(symbol))
        parts.append(part)
    if at == len(symbol) or len(parts) < 2 or not re.fullmatch("h[0-9a-f]{16}", parts[-1]):
        return None
    cleaned = [part[part.startswith("_$") :] for part in parts[:-1]]
    return "::".join([_ESCAPE.sub(_unescaped, part) for part in cleaned])


# ---- C++ -----------------------------------------------------------------------------------------


def _simple_cpp(symbol: str) -> str:
    """Returns the name of a function or variable in namespaces and classes without templates."""
    at = 2
    nested = symbol[at] == "N"
    if nested:
        at += 1
        while symbol[at] in "rVKRO":
            at += 1
    parts: list[str] = []
    while True:
        if symbol.startswith("St", at) and not parts:
            parts, at = ["std"], at + 2
        elif symbol[at] == "L":  # internal linkage
            at += 1
        elif symbol[at] in "CD" and symbol[at + 1].isdigit() and parts:
            parts.append("~" * (symbol[at] == "D") + parts[-1])
            at += 2
        elif symbol[at].isdigit():
            part, at = _component(symbol, at)
            parts.append("(anonymous namespace)" if part.startswith("_GLOBAL__N_") else part)
            if not nested:
                break
        elif symbol[at] == "E" and nested and parts:
            break
        else:
            raise _Refused
    if not nested and symbol[at : at + 1] == "I":  # a template
        raise _Refused
    return "::".join(parts)


# ---- Rust since 2025 (RFC 2603, "v0") ------------------------------------------------------------

_BASIC = {
    **{"a": "i8", "b": "bool", "c": "char", "d": "f64", "e": "str", "f": "f32", "h": "u8"},
    **{"i": "isize", "j": "usize", "l": "i32", "m": "u32", "n": "i128", "o": "u128", "p": "_"},
    **{"s": "i16", "t": "u16", "u": "()", "v": "...", "x": "i64", "y": "u64", "z": "!"},
}
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


class _RustSymbol:
    """A parser of one symbol. Each method reads what it is named after, and returns its text."""

    def __init__(self, symbol: str) -> None:
        if not symbol.isascii():
            raise _Refused
        self._symbol = symbol
        self._at = 2
        self._work = 0
        self._depth = 0

    def name(self) -> str:
        if self._symbol[self._at].isdigit():
            raise _Refused  # a version that did not exist yet
        return self._path(in_value=True)

    # ---- reading ----

    def _take(self) -> str:
        self._spend(1)
        character = self._symbol[self._at]
        self._at += 1
        return character

    def _skip(self, character: str) -> bool:
        found = self._symbol[self._at] == character
        self._at += found
        return found

    def _spend(self, work: int) -> None:
        self._work += work
        if self._work > _MAX_WORK:
            raise _Refused

    def _nested(self, read: Callable[[], str]) -> str:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise _Refused
        text = read()
        self._depth -= 1
        self._spend(len(text))
        return text

    def _base62(self) -> int:
        value, digits = 0, ""
        while (digit := self._take()) != "_":
            digits += digit
        for digit in digits:
            value = value * 62 + _DIGITS.index(digit) if digit in _DIGITS else self._refuse()
        return value + 1 if digits else 0

    def _refuse(self) -> int:
        raise _Refused

    def _back(self, read: Callable[[], str]) -> str:
        """Reads something once more that stands earlier in the symbol."""
        start = self._at - 1
        target = self._base62() + 2
        if target >= start:
            raise _Refused
        here, self._at = self._at, target
        text = self._nested(read)
        self._at = here
        return text

    def _list(self, read: Callable[[], str]) -> list[str]:
        items = []
        while not self._skip("E"):
            items.append(read())
        return items

    # ---- the grammar ----

    def _disambiguator(self) -> int:
        return self._base62() + 1 if self._skip("s") else 0

    def _identifier(self) -> str:
        is_punycode = self._skip("u")
        at = self._at
        digits = "".join(takewhile("0123456789".__contains__, self._symbol[at : at + 5]))
        if not digits:
            raise _Refused
        self._at += len(digits)
        if int(digits) and self._symbol[self._at : self._at + 1] == "_":
            self._at += 1
        end = self._at + int(digits)
        if end > len(self._symbol):
            raise _Refused
        text = self._symbol[self._at : end]
        self._at = end
        self._spend(len(text))
        if is_punycode:
            base, _, rest = text.rpartition("_")
            text = (f"{base}-{rest}" if base else rest).encode().decode("punycode")
        return text

    def _path(self, in_value: bool = False) -> str:
        return self._nested(lambda: self._path_of(self._take(), in_value))

    def _path_of(self, tag: str, in_value: bool) -> str:
        if tag == "C":
            self._disambiguator()
            return self._identifier()
        if tag == "N":
            return self._member(self._take(), in_value)
        if tag in "MX":
            self._disambiguator()
            self._path()  # where the impl stands
            return self._implementation(tag == "X")
        if tag == "Y":
            return self._implementation(True)
        if tag == "I":
            path = self._path(in_value)
            return f"{path}{'::' * in_value}<{', '.join(filter(None, self._list(self._argument)))}>"
        if tag == "B":
            return self._back(lambda: self._path(in_value))
        raise _Refused

    def _implementation(self, of_trait: bool) -> str:
        type_ = self._type()
        return f"<{type_} as {self._path()}>" if of_trait else f"<{type_}>"

    def _member(self, namespace: str, in_value: bool) -> str:
        path = self._path(in_value)
        number = self._disambiguator()
        name = self._identifier()
        if namespace.isupper():
            kind = {"C": "closure", "S": "shim"}.get(namespace, namespace)
            name = f"{{{kind}{':' * bool(name)}{name}#{number}}}"
        return f"{path}::{name}" if name else path

    def _argument(self) -> str:
        if self._skip("L"):
            self._base62()
            return ""
        return self._constant() if self._skip("K") else self._type()

    def _constant(self) -> str:
        tag = self._take()
        if tag == "B":
            return self._back(self._constant)
        if tag == "p":
            return "_"
        if tag not in "ahilmnosjtxybc":
            raise _Refused
        sign = "-" if self._skip("n") else ""
        digits = ""
        while (digit := self._take()) != "_":
            digits += digit
        if not re.fullmatch("[0-9a-f]{0,32}", digits):
            raise _Refused
        value = int(digits or "0", 16)
        if tag == "b":
            return "true" if value else "false"
        return repr(chr(value)) if tag == "c" and value < 0x110000 else f"{sign}{value}"

    def _type(self) -> str:
        return self._nested(self._any_type)

    def _any_type(self) -> str:
        tag = self._take()
        if tag in _BASIC:
            return _BASIC[tag]
        if tag in "RQ" and self._skip("L"):
            self._base62()
        if tag in _PREFIXES:
            return _PREFIXES[tag] + self._type()
        if tag == "A":
            return f"[{self._type()}; {self._constant()}]"
        if tag == "S":
            return f"[{self._type()}]"
        if tag == "T":
            items = self._list(self._type)
            return f"({', '.join(items)}{',' * (len(items) == 1)})"
        if tag == "F":
            return self._function()
        if tag == "D":
            return self._dynamic()
        return self._back(self._type) if tag == "B" else self._path_of(tag, False)

    def _binder(self) -> None:
        if self._skip("G"):
            self._base62()

    def _function(self) -> str:
        self._binder()
        unsafe = "unsafe " if self._skip("U") else ""
        if self._skip("K"):
            abi = "C" if self._skip("C") else self._identifier().replace("_", "-")
            unsafe += f'extern "{abi}" '
        parameters = ", ".join(self._list(self._type))
        result = self._type()
        return f"{unsafe}fn({parameters}){'' if result == '()' else f' -> {result}'}"

    def _dynamic(self) -> str:
        self._binder()
        traits = self._list(self._trait)
        if not self._skip("L"):
            raise _Refused
        self._base62()
        return f"dyn {' + '.join(traits)}"

    def _trait(self) -> str:
        path = self._path()
        bindings = []
        while self._skip("p"):
            name = self._identifier()
            bindings.append(f"{name} = {self._type()}")
        if not bindings:
            return path
        inner = path[:-1] + ", " if path.endswith(">") else f"{path}<"
        return f"{inner}{', '.join(bindings)}>"


_PREFIXES = {"R": "&", "Q": "&mut ", "P": "*const ", "O": "*mut "}
