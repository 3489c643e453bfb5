# SPDX-License-Identifier: MIT
"""Modules of wasm-bindgen whose exports are declared, and whose imports are known by name."""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import let_pypy_free, wat
from pywasm3.guests import bindgen
from pywasm3.guests.bindgen import Boolean, Borrowed, Bytes, Nothing, Number, Option, Text, function

# The guest gives its parameters back. A pointer as the first parameter is where results go.
GUEST = r"""
(module
  (import "wbg" "__wbindgen_string_new" (func $string_new (param i32 i32) (result i32)))
  (import "wbg" "__wbindgen_object_drop_ref" (func $drop (param i32)))
  (import "wbg" "__wbg_get_0123456789abcdef" (func $get (param i32 i32) (result i32)))
  (import "wbg" "__wbindgen_number_get" (func $number_get (param i32 i32)))
  (import "wbg" "__wbindgen_string_get" (func $string_get (param i32 i32)))
  (import "wbg" "__wbindgen_boolean_get" (func $boolean_get (param i32) (result i32)))
  (import "wbg" "__wbindgen_is_undefined" (func $is_undefined (param i32) (result i32)))
  (import "wbg" "__wbg_new_0123456789abcdef" (func $new (result i32)))
  (import "wbg" "__wbindgen_throw" (func $throw (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "failed")
  (data (i32.const 16) "key")
  (global $next (mut i32) (i32.const 1024))
  (global $stack (mut i32) (i32.const 512))
  (global $stored (mut i32) (i32.const 0))
  (global $freed (export "freed") (mut i32) (i32.const 0))
  (func (export "__wbindgen_add_to_stack_pointer") (param i32) (result i32)
    (global.set $stack (i32.add (global.get $stack) (local.get 0)))
    (global.get $stack))
  (func $malloc (export "__wbindgen_export_0") (param i32 i32) (result i32)
    (global.get $next)
    (global.set $next (i32.add (global.get $next) (local.get 0))))
  (func (export "__wbindgen_export_1") (param i32 i32 i32)
    (global.set $freed (i32.add (global.get $freed) (i32.const 1))))
  (func (export "__wbindgen_exn_store") (param i32) (global.set $stored (local.get 0)))
  (func $pair (export "echo") (param i32 i32 i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.store offset=4 (local.get 0) (local.get 2)))
  (func (export "pair") (param i32 i32) (result i32 i32) (local.get 0) (local.get 1))
  (func (export "sum") (param f64 f64) (result f64) (f64.add (local.get 0) (local.get 1)))
  (func (export "not") (param i32) (result i32) (i32.eqz (local.get 0)))
  (func (export "same") (param i32) (result i32) (local.get 0))
  (func (export "forget") (param i32) (call $drop (local.get 0)))
  (func (export "key_of") (param i32) (result i32)
    (call $get (local.get 0) (call $string_new (i32.const 16) (i32.const 3))))
  (func (export "stored") (result i32) (global.get $stored))
  (func (export "number_of") (param i32) (result f64)
    (call $number_get (i32.const 256) (local.get 0))
    (if (i32.eqz (i32.load (i32.const 256))) (then (return (f64.const -1))))
    (f64.load (i32.const 264)))
  (func (export "text_of") (param i32 i32)
    (call $string_get (local.get 0) (local.get 1)))
  (func (export "boolean_of") (param i32) (result i32) (call $boolean_get (local.get 0)))
  (func (export "is_undefined") (param i32) (result i32) (call $is_undefined (local.get 0)))
  (func (export "unknown") (drop (call $new)))
  (func (export "throw") (call $throw (i32.const 0) (i32.const 6)))
  (func (export "checked") (param i32 i32)
    (i32.store (local.get 0) (local.get 1))
    (i32.store offset=4 (local.get 0) (call $string_new (i32.const 0) (i32.const 6)))
    (i32.store offset=8 (local.get 0) (i32.eq (local.get 1) (i32.const 131))))
)"""


def loaded(**exports: bindgen.Declared) -> bindgen.Bindgen:
    return bindgen.load(wat(GUEST), exports=exports)


def test_a_text_comes_back_by_pointer_and_by_two_values() -> None:
    package = loaded(echo=function([Text], Text), pair=function([Text], Text))
    assert package.exports.echo("ü🙂") == "ü🙂"
    assert package.exports.pair("ü🙂") == "ü🙂"
    assert package.instance.exports.freed.value == 2


def test_bytes_come_back() -> None:
    package = loaded(echo=function([Bytes], Bytes))
    assert package.exports.echo(bytearray(b"\x00\xff")) == b"\x00\xff"


def test_an_option_is_none() -> None:
    package = loaded(echo=function([Option(Text)], Option(Text)))
    assert package.exports.echo(None) is None
    assert package.exports.echo("x") == "x"


def test_numbers_and_booleans() -> None:
    declared = {"sum": function([Number, Number], Number), "not": function([Boolean], Boolean)}
    with pytest.raises(ValueError, match="exports no function named 'missing'"):
        loaded(missing=function([]))
    with pytest.raises(ValueError, match="named 'summ'; did you mean 'sum'"):
        loaded(summ=declared["sum"])
    package = loaded(sum=declared["sum"])
    assert package.exports.sum(1, 0.5) == 1.5


@pytest.mark.parametrize("value", [None, True, 1.5, "text", [1], {"a": [None]}])
def test_an_object_comes_back(value: Any) -> None:
    package = loaded(same=function([bindgen.Any], bindgen.Any))
    assert package.exports.same(value) == value


def test_a_borrowed_object_is_not_kept() -> None:
    package = loaded(is_undefined=function([Borrowed], Boolean))
    assert package.exports.is_undefined(None)
    let_pypy_free()
    before = package.host_bytes
    assert not package.exports.is_undefined("a text")
    let_pypy_free()
    assert package.host_bytes == before


def test_an_object_that_the_guest_drops_is_not_kept() -> None:
    package = loaded(forget=function([bindgen.Any]))
    package.exports.forget("a text")
    let_pypy_free()
    before = package.host_bytes
    for _ in range(10):
        package.exports.forget("a text")
    let_pypy_free()
    assert package.host_bytes == before


def test_imports_are_known_by_their_names() -> None:
    package = loaded(
        key_of=function([bindgen.Any], bindgen.Any),
        number_of=function([bindgen.Any], Number),
        text_of=function([bindgen.Any], Option(Text)),
        boolean_of=function([bindgen.Any], Number),
    )
    exports = package.exports
    assert exports.key_of({"key": "value"}) == "value"
    assert [exports.number_of(v) for v in (2.5, "2")] == [2.5, -1]
    assert [exports.text_of(v) for v in ("ü", 2)] == ["ü", None]
    assert [exports.boolean_of(v) for v in (True, False, 1)] == [1, 0, 2]


def test_an_error_is_handed_to_the_guest_that_handles_it() -> None:
    package = loaded(key_of=function([bindgen.Any], Number), stored=function([], bindgen.Any))
    assert package.exports.key_of(5) == 0
    assert isinstance(package.exports.stored(), bindgen.JsError)


def test_a_result_is_a_value_or_raises() -> None:
    package = loaded(checked=function([bindgen.Any], bindgen.Any, fails=True))
    assert package.exports.checked({"a": 1}) == {"a": 1}


def test_the_guest_throws() -> None:
    with pytest.raises(bindgen.JsError, match="failed"):
        loaded(throw=function([], Nothing)).exports.throw()


def test_an_import_that_is_not_known_by_its_name_says_so_when_it_is_called() -> None:
    package = loaded(unknown=function([]), sum=function([Number, Number], Number))
    assert package.exports.sum(1, 2) == 3
    with pytest.raises(bindgen.JsError, match=r"__wbg_new_0123456789abcdef .*: give the glue"):
        package.exports.unknown()


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("echo", function([Number], Text)),
        ("pair", function([Text], bindgen.Any)),
        ("sum", function([Number], Number)),
        ("same", function([bindgen.Any], bindgen.Any, fails=True)),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(name: str, declared: bindgen.Declared) -> None:
    with pytest.raises(ValueError, match=f"the declaration of {name} does not fit"):
        loaded(**{name: declared})


def test_declarations_are_checked() -> None:
    with pytest.raises(TypeError, match=r"expected a type such as bindgen\.Text"):
        function([str])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="Option"):
        Option(Number)
    with pytest.raises(TypeError, match="either glue= or exports="):
        bindgen.load(wat(GUEST))
    with pytest.raises(TypeError, match=r"declare sum by bindgen\.function"):
        loaded(sum=len)  # type: ignore[arg-type]


def test_an_import_that_is_not_wasm_bindgens_is_refused() -> None:
    module = wat('(module (import "env" "a b" (func)))')
    with pytest.raises(ValueError, match="'a b' is not one of wasm-bindgen"):
        bindgen.load(module, exports={})
    assert issubclass(bindgen.JsError, Exception) and not issubclass(
        bindgen.JsError, pywasm3.WasmError
    )
