# SPDX-License-Identifier: MIT
"""The classes that describe types: ValType, RefType, FuncType and the others are values.

Their texts are those of WebAssembly's text format.
"""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import pywasm3
from helpers import load
from pywasm3 import (
    CustomSection,
    ExportType,
    Frame,
    FuncType,
    GlobalType,
    ImportType,
    MemoryType,
    TableType,
    ValType,
    f32,
    f64,
    funcref,
    i32,
    i64,
)

EVERY = [
    FuncType((i32, i64), (f32,)),
    GlobalType(i32, True),
    MemoryType(1, 2),
    TableType(funcref, 1, None),
    ImportType("env", "f", FuncType()),
    ExportType("f", FuncType()),
    CustomSection("name", b"\x00"),
    Frame(3, "f", 0x40),
]


def test_each_value_type_is_a_member_and_a_name() -> None:
    for name in ("i32", "i64", "f32", "f64", "v128", "funcref", "externref"):
        member = getattr(pywasm3, name)
        assert member is ValType(name)
        assert member.value == str(member) == name


def test_types_can_be_given_by_name() -> None:
    assert FuncType(["i32", i64], ["f64"]) == FuncType((i32, i64), (f64,))
    assert GlobalType("i64") == GlobalType(i64)
    assert TableType("funcref", 1) == TableType(funcref, 1)


def test_an_unknown_name_of_a_type_is_refused() -> None:
    names = "give i32, i64, f32, f64, v128, funcref, externref or another one of pywasm3.ValType"
    with pytest.raises(ValueError, match=f"^'i31' is not a value type: {names}$"):
        FuncType(["i31"])
    with pytest.raises(ValueError, match=r"^'int' is not a value type: "):
        GlobalType("int")


@pytest.mark.parametrize("value", EVERY, ids=lambda v: type(v).__name__)
def test_values_are_equal_to_their_copies(value: Any) -> None:
    for twin in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert twin == value
        assert hash(twin) == hash(value)


@pytest.mark.parametrize("value", EVERY, ids=lambda v: type(v).__name__)
def test_values_of_different_classes_are_different(value: Any) -> None:
    assert sum(value == other for other in EVERY) == 1
    assert value != "text"


@pytest.mark.parametrize("value", EVERY, ids=lambda v: type(v).__name__)
def test_values_do_not_change(value: Any) -> None:
    field = type(value).__match_args__[0]
    with pytest.raises(AttributeError):
        setattr(value, field, None)
    with pytest.raises(AttributeError):
        delattr(value, field)
    with pytest.raises(AttributeError):
        value.another = 1


@pytest.mark.parametrize("value", EVERY[:6] + EVERY[7:], ids=lambda v: type(v).__name__)
def test_the_repr_is_the_call_that_makes_it(value: Any) -> None:
    assert eval(repr(value), vars(pywasm3)) == value


def test_the_repr_of_a_custom_section_counts_one_byte_in_the_singular() -> None:
    assert repr(CustomSection("one", b"1")) == "<CustomSection 'one': 1 byte>"


def test_the_repr_of_a_custom_section_is_short() -> None:
    assert repr(CustomSection("big", bytes(1 << 20))) == "<CustomSection 'big': 1048576 bytes>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (FuncType(), "() -> ()"),
        (FuncType((i32, i32), (i32,)), "(i32, i32) -> i32"),
        (FuncType((), (i32, f64)), "() -> (i32, f64)"),
        (GlobalType(i32), "i32"),
        (GlobalType(f64, True), "mut f64"),
        (MemoryType(1), "1 page or more"),
        (MemoryType(1, 2), "1 to 2 pages"),
        (MemoryType(0, 1), "0 to 1 page"),
        (MemoryType(1, 1), "exactly 1 page"),
        (MemoryType(3, 3), "exactly 3 pages"),
        (TableType(funcref, 1), "1 element or more of funcref"),
        (TableType(funcref, 0, 10), "0 to 10 elements of funcref"),
        (ImportType("env", "f", FuncType((i32,))), "env.f: function (i32) -> ()"),
        (ExportType("g", GlobalType(i32)), "g: global i32"),
    ],
)
def test_a_type_is_shown_as_text(value: Any, text: str) -> None:
    assert str(value) == text


def test_types_can_be_matched() -> None:
    match FuncType((i32,), (i64,)):
        case FuncType((p,), (r,)):
            assert (p, r) == (i32, i64)
        case _:
            pytest.fail("no match")


def test_a_function_tells_its_type() -> None:
    exports = load(
        """(module (func (export "f") (param i32 i64 f32 f64) (result f64 i32)
        local.get 3 local.get 0))"""
    ).exports
    assert exports.f.type == FuncType((i32, i64, f32, f64), (f64, i32))
    assert exports.f.num_args == 4
    assert exports.f.num_rets == 2
    assert exports.f.arg_types == (1, 2, 3, 4)
    assert exports.f.ret_types == (4, 1)
