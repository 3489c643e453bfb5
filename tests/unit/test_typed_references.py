# SPDX-License-Identifier: MIT
"""Typed function references, and references that exclude null, as Python values.

Which values a type takes is defined by the specification, section 3.3 (matching).
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import Function, FuncType, GlobalType, LinkError, RefType, TableType, i32

GIVER = """
(module
  (type $other (func))
  (type $unary (func (param i32) (result i32)))
  (func $double (export "double") (type $unary) local.get 0 i32.const 2 i32.mul)
  (func (export "none") (type $other))
  (func (export "pass") (param (ref null $unary)) (result (ref null $unary)) local.get 0)
  (func (export "sure") (param (ref $unary)) (result (ref $unary)) local.get 0)
  (func (export "object") (param (ref extern)) (result (ref extern)) local.get 0)
  (global (export "global") (mut (ref null $unary)) (ref.null $unary))
  (global (export "constant") (ref null $unary) (ref.func $double))
  (table (export "table") 2 (ref null $unary)))
"""

# The type $unary has another index here than in the module above.
TAKER = """
(module
  (type $unary (func (param i32) (result i32)))
  (import "a" "global" (global $g (mut (ref null $unary))))
  (import "a" "constant" (global (ref null $unary)))
  (import "a" "table" (table $t 1 (ref null $unary)))
  (import "a" "pass" (func $pass (param (ref null $unary)) (result (ref null $unary))))
  (func (export "through") (result (ref null $unary)) global.get $g call $pass))
"""

HOST = """
(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "f" (func $f (param i32) (result (ref $unary))))
  (func (export "f") (param i32) (result (ref $unary)) local.get 0 call $f))
"""


@pytest.fixture
def instance() -> pywasm3.Instance:
    return load(GIVER)


@pytest.fixture
def exports(instance: pywasm3.Instance) -> pywasm3.Exports:
    return instance.exports


def test_a_function_of_the_type_passes(exports: pywasm3.Exports) -> None:
    assert exports["pass"](exports.double) == exports.double
    assert exports.sure(exports.double)(4) == 8
    assert exports["pass"](None) is None
    assert exports.object("text") == "text"


@pytest.mark.parametrize("name", ["pass", "sure"])
def test_a_function_of_another_type_is_refused(exports: pywasm3.Exports, name: str) -> None:
    with pytest.raises(TypeError, match=rf"{name}: parameter 0 \(ref .*1\): .*none.* type 1"):
        exports[name](exports.none)


@pytest.mark.parametrize(("name", "type_"), [("sure", "ref 1"), ("object", "ref extern")])
def test_null_is_refused(exports: pywasm3.Exports, name: str, type_: str) -> None:
    with pytest.raises(TypeError, match=rf"{name}: parameter 0 \({type_}\): None stands for null"):
        exports[name](None)


def test_a_global_checks_the_type(exports: pywasm3.Exports) -> None:
    assert exports["global"].type == GlobalType(RefType(1, True), True)
    exports["global"].value = exports.double
    for value in (exports.none, 3):
        with pytest.raises(TypeError, match=r"global: value \(ref null 1\)"):
            exports["global"].value = value
    assert exports["global"].value == exports.double


def test_a_table_checks_the_type(exports: pywasm3.Exports) -> None:
    table = exports.table
    assert table.type == TableType(RefType(1, True), 2)
    for action in (
        lambda: table.__setitem__(0, exports.none),
        lambda: table.fill(exports.none),
        lambda: table.grow(1, exports.none),
    ):
        with pytest.raises(TypeError, match=r"table: element \(ref null 1\): .*none"):
            action()
    table[0] = exports.double
    assert list(table) == [exports.double, None]


def test_indices_of_two_modules_may_mean_the_same_type(instance: pywasm3.Instance) -> None:
    instance.exports["global"].value = instance.exports.double
    taker = load(TAKER, {"a": instance}).exports
    assert taker.through() == instance.exports.double


def test_an_index_that_means_another_type_does_not_fit(instance: pywasm3.Instance) -> None:
    text = TAKER.replace("i32", "i64")
    with pytest.raises(LinkError, match="a type index means different types") as caught:
        load(text, {"a": instance})
    assert [m.name for m in caught.value.mismatched] == ["global", "constant", "table", "pass"]


def test_a_reference_for_an_immutable_global_is_checked(exports: pywasm3.Exports) -> None:
    given = {name: exports[name] for name in ("global", "table", "pass")}
    for value in (exports.double, None):
        load(TAKER, {"a": {**given, "constant": value}})
    for wrong in (exports.none, 3):
        with pytest.raises(LinkError, match=r"a.constant: expected global \(ref null 0\), given"):
            load(TAKER, {"a": {**given, "constant": wrong}})


def test_an_immutable_global_may_be_of_a_subtype(instance: pywasm3.Instance) -> None:
    load('(module (import "a" "constant" (global funcref)))', {"a": instance})
    for text in ('"global" (global (mut funcref))', '"table" (table 1 funcref)'):
        with pytest.raises(LinkError, match="funcref"):
            load(f'(module (import "a" {text}))', {"a": instance})


@pytest.mark.parametrize("name", ["none", None, 5])
def test_a_host_function_gives_the_type_or_is_named(exports: pywasm3.Exports, name: Any) -> None:
    value = exports[name] if isinstance(name, str) else name
    results = [exports.double, value]
    f = load(HOST, {"host": {"f": results.__getitem__}}, store=exports.double.store).exports.f
    assert f(0) == exports.double
    with pytest.raises(TypeError, match=r"host.f: result \(ref 0\): "):
        f(1)


def test_signatures_say_whether_null_may_come(exports: pywasm3.Exports) -> None:
    signature = inspect.signature(exports.sure)
    assert signature.return_annotation is Function
    assert inspect.signature(exports["pass"]).return_annotation == Function | None


def test_a_callable_of_the_host_may_exclude_null() -> None:
    type_ = FuncType([i32], [RefType("extern")])
    function = pywasm3.host_function(type_, lambda x: None if x else "text")
    assert function(0) == "text"
    with pytest.raises(TypeError, match=r"result \(ref extern\): None stands for null"):
        function(1)
