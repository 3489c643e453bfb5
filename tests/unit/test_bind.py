# SPDX-License-Identifier: MIT
"""Function.bind makes a callable that already has its first arguments.

The expected results are those of calling the function itself with all arguments.
"""

from __future__ import annotations

import copy as copy_module
import gc
import inspect
import pickle
import weakref
from array import array
from typing import Any

import numpy as np
import pytest

import pywasm3
from helpers import let_pypy_free, load

TEXT = """
(module
  (table (export "table") 2 externref)
  (func (export "sub") (param i32 i32) (result i32) local.get 0 local.get 1 i32.sub)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "mix") (param i32 i64 f32 f64) (result f64)
    local.get 0 f64.convert_i32_s local.get 1 f64.convert_i64_s f64.add
    local.get 2 f64.promote_f32 f64.add local.get 3 f64.add)
  (func (export "two") (param i32 i32) (result i32 i32) local.get 1 local.get 0)
  (func (export "nothing"))
  (func (export "pick") (param externref i32 externref) (result externref)
    local.get 0 local.get 2 local.get 1 select (result externref))
  (func $call (export "call") (param funcref i32) (result i32)
    i32.const 0 local.get 0 table.set $f
    local.get 1 i32.const 1 i32.const 0 call_indirect $f (param i32 i32) (result i32))
  (table $f 1 funcref)
  (func (export "many")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)
    (result i32) local.get 0 i32.const 100 i32.mul local.get 17 i32.add))
"""


@pytest.fixture
def exports() -> pywasm3.Exports:
    return load(TEXT).exports


def test_the_leading_arguments_are_given(exports: pywasm3.Exports) -> None:
    assert exports.sub.bind(10)(3) == 7
    assert exports.sub.bind(10, 4)() == 6
    assert exports.sub.bind()(10, 5) == 5
    assert exports.nothing.bind()() is None
    assert exports.two.bind(1)(2) == (2, 1)


@pytest.mark.parametrize("bound", range(5))
def test_numbers_of_all_types_can_be_bound(exports: pywasm3.Exports, bound: int) -> None:
    arguments = (-1, 2**40, 0.5, 0.25)
    expected = exports.mix(*arguments)
    assert exports.mix.bind(*arguments[:bound])(*arguments[bound:]) == expected


def test_more_arguments_than_fit_the_native_stack_can_be_bound(exports: pywasm3.Exports) -> None:
    arguments = list(range(1, 19))
    for bound in (0, 1, 17, 18):
        assert exports.many.bind(*arguments[:bound])(*arguments[bound:]) == 118


def test_raw_functions_are_bound_to_patterns(exports: pywasm3.Exports) -> None:
    raw = exports.mix.raw
    assert raw.bind(0, 0)(0x3F000000, 0) == raw(0, 0, 0x3F000000, 0)


def test_wrong_arguments_are_refused_when_they_are_bound(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"^sub: parameter 0 \(i32\): 'str'"):
        exports.sub.bind("1")
    with pytest.raises(OverflowError, match=r"^sub: parameter 1 \(i32\)"):
        exports.sub.bind(1, 2**32)
    with pytest.raises(TypeError, match=r"sub\(\) takes 2 arguments, so 3 cannot be bound"):
        exports.sub.bind(1, 2, 3)
    with pytest.raises(TypeError, match="keyword"):
        exports.sub.bind(p0=1)


def test_the_rest_is_checked_with_its_place_in_the_function(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match=r"^sub: parameter 1 \(i32\): 'str'"):
        exports.sub.bind(1)("1")
    with pytest.raises(TypeError, match="takes 1 argument after those that are bound, but 2 were"):
        exports.sub.bind(1)(1, 2)
    with pytest.raises(TypeError, match="takes 0 arguments after those that are bound, but 1 was"):
        exports.sub.bind(1, 2)(1)
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        exports.sub.bind(1)(p1=1)
    with pytest.raises(TypeError, match="takes 2 arguments after"):
        exports.pick.bind(None)(1)
    with pytest.raises(TypeError, match="takes no keyword arguments"):
        exports.pick.bind(None)(1, p1=1)


def test_traps_are_those_of_the_function(exports: pywasm3.Exports) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        exports.div.bind(1)(0)
    assert [frame.name for frame in caught.value.frames] == ["div"]


# ---- references ----


def test_external_references_are_the_same_object(exports: pywasm3.Exports) -> None:
    first, second = object(), object()
    bound = exports.pick.bind(first)
    for _ in range(3):
        assert bound(1, second) is first
        assert bound(0, second) is second
        gc.collect()
    assert exports.pick.bind(first, 0, second)() is second


def test_a_bound_reference_outlives_collections_of_the_store(exports: pywasm3.Exports) -> None:
    """A collection of the store frees what no table refers to, but not the bound object."""

    class Thing:
        pass

    bound = exports.pick.bind(Thing(), 1)
    for _ in range(3):
        for _ in range(2000):
            exports.pick(Thing(), 1, None)
        assert type(bound(None)) is Thing


def test_a_bound_reference_is_freed_with_the_bound_function(exports: pywasm3.Exports) -> None:
    class Thing:
        pass

    thing = Thing()
    watched = weakref.ref(thing)
    bound = exports.pick.bind(thing)
    del thing
    assert watched() is not None
    del bound
    let_pypy_free()
    assert watched() is None


def test_functions_of_the_same_store_can_be_bound(exports: pywasm3.Exports) -> None:
    assert exports.call.bind(exports.sub)(5) == 4
    with pytest.raises(TypeError, match="another store"):
        exports.call.bind(load(TEXT).exports.sub)


def test_a_cycle_through_a_bound_object_is_collected(exports: pywasm3.Exports) -> None:
    class Thing:
        bound: Any

    thing = Thing()
    thing.bound = exports.pick.bind(thing)
    assert "..." in repr([thing.bound]) or "Thing" in repr(thing.bound)
    watched = weakref.ref(thing)
    del thing
    gc.collect()
    assert watched() is None


def test_repr_of_a_cycle_ends(exports: pywasm3.Exports) -> None:
    items: list[Any] = []
    bound = exports.pick.bind(items)
    items.append(bound)
    assert repr(bound) == (
        "<pywasm3.BoundFunction pick: (externref, i32, externref) -> externref,"
        " bound ([<pywasm3.BoundFunction ...>],)>"
    )
    items.clear()


def test_a_bound_function_of_a_closed_store_is_refused(exports: pywasm3.Exports) -> None:
    instance = load(TEXT)
    numbers, references = instance.exports.sub.bind(1), instance.exports.pick.bind(None, 1)
    bind = instance.exports.sub.bind
    pick = instance.exports.pick.bind
    instance.close()
    for call in (lambda: numbers(1), lambda: references(None), lambda: numbers.map(b"a")):
        with pytest.raises(pywasm3.WasmError, match="closed"):
            call()
    assert repr(numbers)
    assert bind(1)
    with pytest.raises(pywasm3.WasmError, match="closed"):
        pick(None)


# ---- how it describes itself ----


def test_numbers_stay_as_they_were_converted(exports: pywasm3.Exports) -> None:
    """A number is converted once, even if it is also a buffer that map() would read."""

    class Both(np.ndarray[Any, Any]):
        def __index__(self) -> int:
            return int(self.sum())

    class Once:
        def __index__(self) -> int:
            return next(numbers)

    numbers = iter([10])
    zero_dimensions, several = np.array(10), np.array([4, 6]).view(Both)
    made = [exports.sub.bind(value) for value in (zero_dimensions, several, Once())]
    zero_dimensions[()] = several[:] = 0
    for bound in made:
        assert bound.args == (10,)
        assert (bound(3), bound.bind(4)(), bound.map(b"\1\2").tolist()) == (7, 6, [9, 8])
    numbers = iter([1])
    picked = exports.pick.bind(None, Once())
    assert [picked("x") for _ in range(2)] == [None, None]


def test_a_bound_function_cannot_be_copied(exports: pywasm3.Exports) -> None:
    """It cannot be pickled either, because it belongs to a store."""
    bound = exports.sub.bind(1)
    for copy in (copy_module.copy, copy_module.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot pickle"):
            copy(bound)


@pytest.mark.c_types
def test_a_bound_function_cannot_be_made_empty() -> None:
    with pytest.raises(TypeError, match="not safe"):
        object.__new__(pywasm3.BoundFunction)


def test_a_bound_function_describes_itself(exports: pywasm3.Exports) -> None:
    bound = exports.sub.bind(10)
    assert type(bound) is pywasm3.BoundFunction
    assert repr(bound) == "<pywasm3.BoundFunction sub: (i32, i32) -> i32, bound (10,)>"
    assert repr(exports.sub.raw.bind()) == (
        "<pywasm3.BoundFunction sub.raw: (i32, i32) -> i32, bound ()>"
    )
    assert bound.function is exports.sub
    assert bound.args == (10,)
    assert bound.name == bound.__name__ == bound.__qualname__ == "sub"
    assert callable(bound)


def test_the_signature_has_the_parameters_that_are_left(exports: pywasm3.Exports) -> None:
    assert str(inspect.signature(exports.mix.bind(1, 2))) == "(p2: float, p3: float, /) -> float"
    assert str(inspect.signature(exports.mix.bind(1, 2, 3, 4))) == "() -> float"
    assert str(inspect.signature(exports.mix.raw.bind(1, 2, 3))) == "(p3: int, /) -> int"


def test_a_bound_function_is_made_by_bind_only() -> None:
    with pytest.raises(TypeError):
        pywasm3.BoundFunction()
    with pytest.raises(TypeError):
        type("Sub", (pywasm3.BoundFunction,), {})


def test_a_bound_function_can_be_bound_again(exports: pywasm3.Exports) -> None:
    assert exports.mix.bind(1).bind(2).bind(0.5, 0.25)() == 3.75
    assert exports.mix.bind(1).bind(2).args == (1, 2)
    with pytest.raises(TypeError, match="cannot be bound"):
        exports.sub.bind(1).bind(2, 3)
    assert exports.pick.bind(None).bind(1).bind("x")() is None


def test_bound_arguments_are_the_same_for_all_elements(exports: pywasm3.Exports) -> None:
    assert exports.sub.bind(10).map(b"\1\2\3").tolist() == [9, 8, 7]
    out = array("i", [0, 0])
    assert exports.sub.bind(10).map(b"\1\2", out=out) is out
    with pytest.raises(TypeError, match="unexpected keyword"):
        exports.sub.bind(10).map(b"a", into=1)


def test_a_bound_function_can_be_a_host_function(exports: pywasm3.Exports) -> None:
    other = load(
        """(module (import "env" "f" (func $f (param i32) (result i32)))
        (func (export "g") (param i32) (result i32) local.get 0 call $f))""",
        {"env": {"f": exports.sub.bind(100)}},
    )
    assert other.exports.g(1) == 99
