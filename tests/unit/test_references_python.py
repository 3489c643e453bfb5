# SPDX-License-Identifier: MIT
"""References as Python values: in calls, host functions, globals and tables.

An externref is any Python object and keeps its identity; a funcref is a Function or None.
"""

from __future__ import annotations

import gc
import inspect
import time
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import let_pypy_free, load, on_thread
from pywasm3 import Function, FuncType, RefType, ValType, _ffi, externref, funcref, i32
from pywasm3._types import BY_CODE

PASS = """
(module
  (type $unary (func (param i32) (result i32)))
  (func (export "extern") (param externref) (result externref) local.get 0)
  (func (export "func") (param funcref) (result funcref) local.get 0)
  (func (export "mixed") (param i32 externref f64 funcref externref)
    (result externref f64 funcref i32 externref)
    local.get 4 local.get 2 local.get 3 local.get 0 local.get 1)
  (func (export "is_null") (param externref) (result i32) local.get 0 ref.is_null)
  (func (export "null") (result externref) ref.null extern)
  (func (export "null_func") (result funcref) ref.null func)
  (func $double (export "double") (param i32) (result i32) local.get 0 i32.const 2 i32.mul)
  (func $triple (param i32) (result i32) local.get 0 i32.const 3 i32.mul)
  (func (export "hidden") (result funcref) ref.func $triple)
  (elem declare func $triple)
  (table $functions (export "functions") 3 6 funcref)
  (table $objects (export "objects") 3 6 externref)
  (global $object (export "object") (mut externref) (ref.null extern))
  (global (export "function") (mut funcref) (ref.null func))
  (global (export "constant") externref (ref.null extern))
  (func (export "put") (param i32 externref) local.get 0 local.get 1 table.set $objects)
  (func (export "take") (param i32) (result externref) local.get 0 table.get $objects)
  (func (export "keep") (param externref) local.get 0 global.set $object)
  (func (export "kept") (result externref) global.get $object)
  (func (export "call") (param i32 i32) (result i32)
    local.get 1 local.get 0 call_indirect $functions (type $unary)))
"""

CALLBACK = """
(module
  (import "env" "f" (func $f (param externref i32 funcref) (result externref)))
  (import "env" "pair" (func $pair (result funcref externref)))
  (import "env" "unary" (func $unary (param externref) (result i32)))
  (func $local (export "local"))
  (elem declare func $local)
  (func (export "f") (param externref i32 funcref) (result externref)
    local.get 0 local.get 1 local.get 2 call $f)
  (func (export "pair") (result funcref externref) call $pair)
  (func (export "give") (param externref) (result i32)
    local.get 0 i32.const 7 ref.func $local call $f call $unary))
"""

ANYTHING = [object(), 0, 1 << 70, 1.5, "text", b"", (), [], {}, print, int, ..., NotImplemented]


class Thing:
    """An object that can be referred to weakly."""


@pytest.fixture
def exports() -> pywasm3.Exports:
    return load(PASS).exports


# ---- calls ----


@pytest.mark.parametrize("value", ANYTHING, ids=lambda v: type(v).__name__)
def test_an_object_keeps_its_identity_through_wasm(exports: pywasm3.Exports, value: object) -> None:
    assert exports.extern(value) is value


def test_none_is_the_null_reference(exports: pywasm3.Exports) -> None:
    assert exports.extern(None) is None
    assert exports.null() is None
    assert exports.func(None) is None
    assert exports.null_func() is None
    assert exports.is_null(None) == 1
    assert exports.is_null(0) == 0


def test_a_function_comes_back_equal(exports: pywasm3.Exports) -> None:
    back = exports.func(exports.double)
    assert back == exports.double
    assert back(21) == 42
    assert back.type == FuncType([i32], [i32])


def test_a_function_that_is_not_exported_can_be_handed_out(exports: pywasm3.Exports) -> None:
    assert exports.hidden()(3) == 9
    assert exports.func(exports.hidden()) == exports.hidden()


def test_references_and_numbers_can_be_mixed(exports: pywasm3.Exports) -> None:
    a, b = object(), object()
    assert exports.mixed(1, a, 1.5, exports.double, b) == (b, 1.5, exports.double, 1, a)


def test_wasm_itself_can_be_an_external_reference(exports: pywasm3.Exports) -> None:
    for value in (exports, exports.double, exports.object, exports.objects):
        assert exports.extern(value) is value


@pytest.mark.parametrize("value", [0, 1, 0x7F0000000000, "double", print, object(), 1.5])
def test_nothing_but_a_function_is_a_function_reference(
    exports: pywasm3.Exports, value: object
) -> None:
    expected = r"func: parameter 0 \(funcref\): a pywasm3.Function or None is expected, not "
    with pytest.raises(TypeError, match=expected + type(value).__name__):
        exports.func(value)


def test_a_function_of_another_store_is_refused(exports: pywasm3.Exports) -> None:
    other = load(PASS).exports.double
    with pytest.raises(TypeError, match=r"func: parameter 0 \(funcref\): .*double.*another store"):
        exports.func(other)
    with pytest.raises(TypeError, match=r"mixed: parameter 3"):
        exports.mixed(1, None, 1.5, other, None)


def test_a_function_of_a_closed_store_is_refused(exports: pywasm3.Exports) -> None:
    other = load(PASS)
    double = other.exports.double
    other.close()
    with pytest.raises(TypeError, match="another store"):
        exports.func(double)
    exports.double.store.close()
    with pytest.raises(pywasm3.WasmError, match="closed"):
        exports.func(None)


def test_a_number_beside_a_reference_is_checked(exports: pywasm3.Exports) -> None:
    with pytest.raises(TypeError, match="mixed: parameter 2"):
        exports.mixed(1, None, "x", None, None)
    with pytest.raises(OverflowError, match="mixed: parameter 0"):
        exports.mixed(1 << 32, None, 1.0, None, None)
    with pytest.raises(TypeError, match="takes 5 arguments but 1 was given"):
        exports.mixed(1)
    with pytest.raises(TypeError, match="keyword"):
        exports.extern(value=1)


def test_more_references_than_the_native_stack_takes() -> None:
    count = 40
    names = " ".join(["externref"] * count)
    gets = " ".join([f"local.get {i}" for i in reversed(range(count))])
    f = load(f'(module (func (export "f") (param {names}) (result {names}) {gets}))').exports.f
    given = [object() for _ in range(count)]
    assert f(*given) == tuple(reversed(given))


# ---- raw ----


def test_raw_is_about_numbers_only(exports: pywasm3.Exports) -> None:
    value = object()
    assert exports.extern.raw(value) is value
    assert exports.func.raw(exports.double) == exports.double
    bits = 0x3FF8000000000000
    assert exports.mixed.raw(1, value, bits, None, None) == (None, bits, None, 1, value)


def test_raw_cannot_make_a_reference_from_a_number(exports: pywasm3.Exports) -> None:
    address = exports.double._address
    with pytest.raises(TypeError, match="Function"):
        exports.func.raw(address)
    assert exports.extern.raw(address) is address


def test_call_argv_refuses_functions_with_references(exports: pywasm3.Exports) -> None:
    with pytest.raises(pywasm3.WasmError, match="externref cannot be given as text"):
        exports.extern.call_argv("1")


# ---- how functions describe themselves ----


def test_a_signature_has_references(exports: pywasm3.Exports) -> None:
    signature = inspect.signature(exports.mixed)
    annotations = [p.annotation for p in signature.parameters.values()]
    assert annotations == [int, object, float, Function | None, object]
    assert signature.return_annotation == tuple[object, float, Function | None, int, object]


def test_the_type_numbers_of_the_wasm3_package_are_zero_for_references(
    exports: pywasm3.Exports,
) -> None:
    assert exports.mixed.arg_types == (1, 0, 4, 0, 0)
    assert exports.mixed.ret_types == (0, 4, 0, 1, 0)


# ---- host functions ----


def give(f: Any = None, pair: Any = None, unary: Any = None) -> pywasm3.Exports:
    imports = {"env": {"f": f or print, "pair": pair or print, "unary": unary or print}}
    return load(CALLBACK, imports).exports


def test_a_host_function_gets_and_gives_the_same_objects() -> None:
    seen: list[Any] = []

    def f(*arguments: Any) -> Any:
        seen.append(arguments)
        return arguments[0]

    exports = give(f)
    value = Thing()
    assert exports.f(value, 1, exports.local) is value
    assert seen[0][0] is value
    assert seen == [(value, 1, exports.local)]
    assert exports.f(None, 1, None) is None


@pytest.mark.parametrize("value", ANYTHING, ids=lambda v: type(v).__name__)
def test_the_only_result_of_a_host_function_keeps_its_identity(value: object) -> None:
    exports = give(lambda *_: value)
    assert exports.f(Thing(), 1, exports.local) is value


def test_a_host_function_can_give_a_new_object_to_another() -> None:
    seen: list[Any] = []
    exports = give(lambda *_: [1, 2], unary=lambda x: seen.append(x) or 5)  # type: ignore[func-returns-value]
    assert exports.give(None) == 5
    assert seen == [[1, 2]]


@pytest.mark.parametrize("sequence", [tuple, list])
def test_a_host_function_gives_several_references(sequence: Any) -> None:
    value = Thing()
    exports = give(pair=lambda: sequence([exports.local, value]))
    assert exports.pair() == (exports.local, value)


@pytest.mark.parametrize("type_", ["funcref", "v128"])
@pytest.mark.parametrize("value", [3, 1.5, "x"])
def test_a_number_or_a_text_is_no_function_and_no_vector(type_: str, value: object) -> None:
    exports = load(
        f"""(module (import "env" "f" (func $f (result {type_})))
        (func (export "f") (result {type_}) call $f))""",
        {"env": {"f": lambda: value}},
    ).exports
    expected = rf"env.f: result \({type_}\): .* not {type(value).__name__}"
    with pytest.raises(TypeError, match=expected):
        exports.f()


@pytest.mark.parametrize("value", [3, 1.5, "x", print])
def test_a_host_function_that_returns_something_else_for_a_function_is_named(value: object) -> None:
    exports = give(pair=lambda: (value, None))
    expected = rf"env.pair: result 0 \(funcref\): .* not {type(value).__name__}"
    with pytest.raises(TypeError, match=expected):
        exports.pair()


def test_a_host_function_cannot_give_a_function_of_another_store() -> None:
    other = give().local
    exports = give(pair=lambda: (other, None))
    with pytest.raises(TypeError, match=r"env.pair: result 0 .*another store"):
        exports.pair()


def test_a_nested_call_may_pass_references() -> None:
    def f(value: Any, depth: int, function: Any) -> Any:
        if depth == 0:
            return [value]
        return exports.f([value], depth - 1, function)

    exports = give(f)
    value: Any = exports.f("core", 50, None)
    for _ in range(51):
        (value,) = value
    assert value == "core"


# ---- globals ----


def test_a_global_holds_any_object(exports: pywasm3.Exports) -> None:
    for value in ANYTHING:
        exports.object.value = value
        assert exports.object.value is value
        assert exports.kept() is value
    exports.object.value = None
    assert exports.kept() is None


def test_a_global_holds_a_function(exports: pywasm3.Exports) -> None:
    exports.function.value = exports.double
    assert exports.function.value == exports.double
    with pytest.raises(TypeError, match=r"global: value \(funcref\): .*not int"):
        exports.function.value = 4096
    assert exports.function.value == exports.double


def test_an_immutable_reference_stays(exports: pywasm3.Exports) -> None:
    with pytest.raises(AttributeError, match="immutable"):
        exports.constant.value = object()
    assert exports.constant.value is None


# ---- tables ----


def test_a_table_holds_any_object(exports: pywasm3.Exports) -> None:
    for value in ANYTHING:
        exports.objects[1] = value
        assert exports.objects[1] is value
        assert exports.take(1) is value
    exports.put(2, exports)
    assert list(exports.objects) == [None, ANYTHING[-1], exports]


def test_a_table_grows_with_an_object(exports: pywasm3.Exports) -> None:
    value = Thing()
    assert exports.objects.grow(3, value) == 3
    assert list(exports.objects) == [None, None, None, value, value, value]
    with pytest.raises(pywasm3.WasmError, match="cannot grow"):
        exports.objects.grow(1, value)


def test_a_table_can_be_filled(exports: pywasm3.Exports) -> None:
    value = Thing()
    exports.objects.fill(value, 1)
    assert list(exports.objects) == [None, value, value]
    exports.objects.fill(None, 1, 1)
    assert list(exports.objects) == [None, None, value]
    exports.functions.fill(exports.double)
    assert exports.call(2, 21) == 42
    exports.objects.fill(value, 3, 0)


@pytest.mark.parametrize("where", [(4,), (-1,), (0, 4), (1, 3), (0, -1), (1 << 70,), (0, 1 << 70)])
def test_a_range_beyond_the_table_changes_nothing(
    exports: pywasm3.Exports, where: tuple[int, ...]
) -> None:
    with pytest.raises(IndexError, match="the size is 3"):
        exports.objects.fill("x", *where)
    assert list(exports.objects) == [None] * 3


def test_a_range_beyond_the_table_is_named(exports: pywasm3.Exports) -> None:
    with pytest.raises(
        IndexError, match=r"^out of range: all elements from 4 on, but the size is 3$"
    ):
        exports.objects.fill("x", 4)
    with pytest.raises(IndexError, match=r"^out of range: 1 element from 3 on, but the size is 3$"):
        exports.objects.fill("x", 3, 1)


def test_a_table_of_functions_takes_nothing_else(exports: pywasm3.Exports) -> None:
    for action in (
        lambda: exports.functions.__setitem__(0, 1),
        lambda: exports.functions.grow(1, 1),
        lambda: exports.functions.fill(1),
    ):
        with pytest.raises(TypeError, match=r"table: element \(funcref\): .* not int"):
            action()
    assert list(exports.functions) == [None] * 3


# ---- typed references: the entrance that calls, globals and tables share ----


def encode(exports: pywasm3.Exports, value: object, type_: RefType) -> int:
    instance = load(PASS, store=exports.double.store)
    store, module = instance.store, instance.module
    address = _ffi.address(module._pointer)
    return store._call_entered(store._encode, value, type_.code, address, "here", "value")


def test_a_typed_reference_is_a_function_of_the_type(exports: pywasm3.Exports) -> None:
    """RefType(0) is the type with index 0 in the module, which is the type of `double`."""
    assert encode(exports, exports.double, RefType(0)) == exports.double._address
    assert encode(exports, None, RefType(0, True)) == 0
    with pytest.raises(TypeError, match=r"here: value \(ref 0\): .*null.* is not of type 0"):
        encode(exports, exports.null, RefType(0))
    with pytest.raises(TypeError, match=r"\(ref null 0\).*Function or None is expected, not int"):
        encode(exports, 3, RefType(0, True))


@pytest.mark.parametrize("heap", [0, "func", "extern", "any"])
def test_none_is_refused_for_a_type_without_null(exports: pywasm3.Exports, heap: Any) -> None:
    with pytest.raises(TypeError, match="null, which the type excludes"):
        encode(exports, None, RefType(heap))


@pytest.mark.parametrize("heap", ["none", "nofunc", "noextern"])
def test_types_without_values_take_only_null(exports: pywasm3.Exports, heap: Any) -> None:
    for value in (exports.double, 3, object()):
        with pytest.raises(TypeError, match="can only be None"):
            encode(exports, value, RefType(heap))


@pytest.mark.parametrize("heap", ["exn", "noexn"])
def test_references_to_exceptions_stay_within_wasm(exports: pywasm3.Exports, heap: Any) -> None:
    for value in (exports.double, 3, None):
        with pytest.raises(TypeError, match="references to exceptions cannot come from Python"):
            encode(exports, value, RefType(heap))


# ---- lifetime ----


def test_objects_that_wasm_holds_stay_alive(exports: pywasm3.Exports) -> None:
    places: list[Any] = [
        lambda x: exports.keep(x),
        lambda x: exports.put(0, x),
        lambda x: exports.objects.__setitem__(1, x),
        lambda x: exports.objects.grow(1, x),
    ]
    things = [Thing() for _ in places]
    refs = [weakref.ref(thing) for thing in things]
    for place, thing in zip(places, things, strict=True):
        place(thing)
    del things, thing
    churn(exports)
    gc.collect()
    found = [exports.kept(), exports.take(0), exports.take(1), exports.objects[3]]
    assert [ref() for ref in refs] == found
    assert all(isinstance(thing, Thing) for thing in found)


def churn(exports: pywasm3.Exports, count: int = 5000) -> None:
    for _ in range(count):
        exports.extern(object())


def test_objects_that_wasm_no_longer_holds_are_freed(exports: pywasm3.Exports) -> None:
    thing = Thing()
    ref = weakref.ref(thing)
    exports.keep(thing)
    exports.put(0, thing)
    del thing
    exports.keep(None)
    churn(exports)
    assert ref() is not None
    exports.put(0, None)
    churn(exports, 10_000)
    let_pypy_free()
    assert ref() is None


def test_closing_frees_what_wasm_holds() -> None:
    instance = load(PASS)
    thing = Thing()
    ref = weakref.ref(thing)
    instance.exports.keep(thing)
    del thing
    assert ref() is not None
    instance.close()
    let_pypy_free()
    assert ref() is None


def test_objects_that_stay_are_not_looked_at_after_each_call() -> None:
    """A collection of this store examines 200,000 places: with one per call, this takes minutes."""
    instance = load("""
    (module
      (table $kept 200000 externref)
      (func (export "keep") (param i32 externref)
        (table.set $kept (local.get 0) (local.get 1))))
    """)
    begin = time.monotonic()
    for index in range(100_000):
        instance.exports.keep(index, [index])
    assert time.monotonic() - begin < 20


def test_a_cycle_through_a_reference_is_collected() -> None:
    instance = load(PASS)
    thing: Any = Thing()
    thing.instance = instance
    instance.exports.keep(thing)
    instance.exports.put(1, thing)
    ref = weakref.ref(thing)
    del thing, instance
    gc.collect()
    assert ref() is None


def test_another_threads_objects_are_its_own(exports: pywasm3.Exports) -> None:
    value = Thing()
    assert on_thread(lambda: exports.extern(value)) is value


# ---- host-made functions ----


def unary(function: Any = lambda x: x + 1, **options: Any) -> Function:
    return pywasm3.host_function(FuncType([i32], [i32]), function, **options)


def test_a_callable_can_be_called_through_a_table(exports: pywasm3.Exports) -> None:
    exports.functions[1] = unary(store=exports.double.store)
    assert exports.call(1, 41) == 42


def test_a_callable_as_a_function_tells_its_name_and_type() -> None:
    def successor(x: int) -> int:
        return x + 1

    function = unary(successor)
    assert repr(function) == "<pywasm3.Function successor: (i32) -> i32>"
    assert function(1) == 2
    with pytest.raises(TypeError, match="successor: parameter 0"):
        function("1")


def test_an_exception_of_a_callable_arrives(exports: pywasm3.Exports) -> None:
    def fail(x: int) -> int:
        raise KeyError(x)

    exports.functions[0] = unary(fail, store=exports.double.store)
    with pytest.raises(KeyError):
        exports.call(0, 1)


def test_a_callable_of_another_type_traps_when_called_indirectly(exports: pywasm3.Exports) -> None:
    exports.functions[0] = pywasm3.host_function(FuncType(), print, store=exports.double.store)
    with pytest.raises(pywasm3.Trap, match="indirect call type mismatch"):
        exports.call(0, 1)


def test_a_callable_takes_and_gives_references() -> None:
    function = pywasm3.host_function(
        FuncType([externref], [externref, funcref]), lambda x: (x, None)
    )
    value = Thing()
    assert function(value) == (value, None)


@pytest.mark.parametrize(
    ("type_", "callable_", "error"),
    [
        ("i(i)", print, TypeError),
        (FuncType(), 3, pywasm3.LinkError),
        (FuncType([RefType(0)]), print, ValueError),
        (FuncType(), pywasm3.host(pass_instance=True)(lambda i: None), TypeError),
    ],
)
def test_a_wrong_type_or_callable_of_a_host_function_is_refused(
    type_: Any, callable_: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        pywasm3.host_function(type_, callable_)


# ---- types ----


REFERENCE_TYPES = [
    ("(ref null 3)", 0xA0000003, RefType(3, True)),
    ("(ref 3)", 0xE0000003, RefType(3)),
    ("(ref func)", 0xC0000070, RefType("func")),
    ("(ref extern)", 0xC000006F, RefType("extern")),
    ("funcref", 0x70, ValType.FUNCREF),
    ("exnref", 0x69, ValType.EXNREF),
]


@pytest.mark.parametrize(("text", "code", "type_"), REFERENCE_TYPES)
def test_a_reference_type_has_a_text_and_a_code(text: str, code: int, type_: Any) -> None:
    assert str(type_) == text
    assert type_.code == code
    assert BY_CODE[code] == type_
    assert FuncType([text]) == FuncType([type_]) == FuncType._of((type_,), ())
    assert eval(repr(FuncType([type_])), vars(pywasm3)) == FuncType([type_])


def test_a_nullable_abstract_type_has_its_short_name_only() -> None:
    assert FuncType(["(ref null func)"]) == FuncType(["funcref"])
    with pytest.raises(ValueError, match=r"pywasm3.ValType\('funcref'\)"):
        RefType("func", True)


@pytest.mark.parametrize(
    "text", ["(ref )", "(ref x)", "(ref null)", "(ref 1 2)", "(ref -1)", "ref"]
)
def test_a_text_that_is_not_a_reference_type_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"[tT]ype"):
        FuncType([text])


def test_an_index_that_is_none_is_refused() -> None:
    for index in (-1, 1 << 29):
        with pytest.raises(ValueError, match="not a type index"):
            RefType(index)


def test_a_module_shows_its_reference_types() -> None:
    exports = {e.name: str(e.type) for e in load(PASS).module.exports}
    assert exports["extern"] == "(externref) -> externref"
    assert exports["objects"] == "3 to 6 elements of externref"
    assert exports["object"] == "mut externref"
