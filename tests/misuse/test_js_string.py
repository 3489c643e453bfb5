# SPDX-License-Identifier: MIT
"""Guests that use wasm:js-string in ways that no compiler does get errors, and nothing breaks."""

from __future__ import annotations

import contextlib
import itertools
from typing import Any

import pytest

import pywasm3
from helpers import load
from js_string_guest import PLAIN, guest, imported
from pywasm3.guests import js_string
from pywasm3.guests._utf16 import _STRINGS, _TOGETHER, Units

SENSELESS = [None, 0, -1, 2**31 - 1, 1.5, "", "\ud800", "a\U0001f600", b"ab", [], object()]


def test_no_argument_does_more_than_raise_an_error() -> None:
    strings = guest()
    for name, (params, _) in PLAIN.items():
        for arguments in itertools.product(SENSELESS, repeat=len(params.split())):
            with contextlib.suppress(pywasm3.Trap, TypeError, OverflowError):
                strings[name](*arguments)
    assert strings.length("abc") == 3


def test_a_string_that_doubles_ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(js_string, "LONGEST", 1000)
    monkeypatch.setattr(js_string, "_FITS", 500)
    text = f"""
    (module {imported("concat", "externref externref", "(ref extern)")}
      (func (export "run") (param $text externref)
        (loop $again
          (local.set $text (call $concat (local.get $text) (local.get $text)))
          (br $again))))
    """
    instance = load(text, js_string.builtins())
    for given in ("a", "\xe9", "\U0001f600"):
        with pytest.raises(pywasm3.Trap, match="at most 1000 code units, not 1") as caught:
            instance.exports.run(given)
        assert caught.value.kind is pywasm3.TrapKind.HEAP_EXHAUSTED


def test_code_units_of_many_strings_are_not_kept() -> None:
    """A guest that asks for the lengths of many strings fills no memory with their code units."""
    units = Units()
    for i in range(1000):
        assert len(units[f"\U0001f600{i}"] or ()) == 2 + len(str(i))
        assert len(units) <= _STRINGS
    big = "\U0001f600" * (_TOGETHER // 4 + 1)
    for i in range(9):
        assert len(units[f"{big}{i}"] or ()) > _TOGETHER // 2
        assert sum(len(each or ()) for each in units.values()) <= _TOGETHER
    assert units["\xe9" * (_TOGETHER + 1)] is None
    assert not units


def test_a_string_with_methods_of_its_own_is_taken_as_it_is() -> None:
    class Liar(str):
        __slots__ = ()

        def isascii(self) -> bool:
            return True

        def __len__(self) -> int:
            return 1 << 40

        def __getitem__(self, index: Any) -> str:
            raise AssertionError

        def encode(self, *_: Any) -> bytes:
            return b"x"

    strings = guest()
    text = Liar("a\U0001f600")
    assert (strings.length(text), strings.charCodeAt(text, 2)) == (3, 0xDE00)
    assert strings.concat(text, text) == "a\U0001f600a\U0001f600"
    assert strings.equals(text, Liar("a\U0001f600")) == 1
