# SPDX-License-Identifier: MIT
"""A guest that exports the functions of wasm:js-string again, and can use them on arrays."""

from __future__ import annotations

from typing import Any

from helpers import load
from pywasm3.guests import js_string

# Names, parameters and results of the functions without arrays, as the proposal has them.
PLAIN = {
    "cast": ("externref", "(ref extern)"),
    "test": ("externref", "i32"),
    "fromCharCode": ("i32", "(ref extern)"),
    "fromCodePoint": ("i32", "(ref extern)"),
    "charCodeAt": ("externref i32", "i32"),
    "codePointAt": ("externref i32", "i32"),
    "length": ("externref", "i32"),
    "concat": ("externref externref", "(ref extern)"),
    "substring": ("externref i32 i32", "(ref extern)"),
    "equals": ("externref externref", "i32"),
    "compare": ("externref externref", "i32"),
}


def imported(name: str, params: str, result: str) -> str:
    """Returns the import of a function, in the text format."""
    return f'(import "wasm:js-string" "{name}" (func ${name} (param {params}) (result {result})))'


def _exported(name: str, params: str, result: str) -> str:
    given = " ".join(f"(local.get {i})" for i in range(len(params.split())))
    return f'(func (export "{name}") (param {params}) (result {result}) (call ${name} {given}))'


GUEST = f"""
(module
  (type $units (array (mut i16)))
  {" ".join(imported(name, *type_) for name, type_ in PLAIN.items())}
  {imported("fromCharCodeArray", "(ref null $units) i32 i32", "(ref extern)")}
  {imported("intoCharCodeArray", "externref (ref null $units) i32", "i32")}
  (global $units (mut (ref null $units)) (ref.null $units))
  {" ".join(_exported(name, *type_) for name, type_ in PLAIN.items())}
  (func (export "make") (param $length i32)
    (global.set $units (array.new_default $units (local.get $length))))
  (func (export "drop") (global.set $units (ref.null $units)))
  (func (export "item") (param i32) (result i32)
    (array.get_u $units (global.get $units) (local.get 0)))
  (func (export "put") (param i32 i32)
    (array.set $units (global.get $units) (local.get 0) (local.get 1)))
  (func (export "from") (param i32 i32) (result (ref extern))
    (call $fromCharCodeArray (global.get $units) (local.get 0) (local.get 1)))
  (func (export "into") (param externref i32) (result i32)
    (call $intoCharCodeArray (local.get 0) (global.get $units) (local.get 1))))
"""


def guest(**options: Any) -> Any:
    """Returns the exports of a new instance."""
    return load(GUEST, js_string.builtins(), **options).exports
