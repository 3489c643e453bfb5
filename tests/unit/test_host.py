# SPDX-License-Identifier: MIT
"""Host functions: what wasm passes to Python, takes back, and does with exceptions.

The expected values are those that the guest's text passes on.
"""

from __future__ import annotations

import functools
import gc
import math
import operator
import struct
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import child, guest, load, wat
from host_helpers import GUEST

UNARY = """
(module (import "env" "f" (func $f (param i32) (result i32)))
  (func (export "g") (param i32) (result i32) local.get 0 call $f))
"""

VOID = """
(module (import "env" "f" (func $f))
  (global $after (export "after") (mut i32) (i32.const 0))
  (func (export "g") call $f i32.const 1 global.set $after))
"""

PAIR = """
(module (import "env" "f" (func $f (result i32 f64)))
  (func (export "g") (result i32 f64) call $f))
"""

FOUR = """
(module (import "env" "f" (func $f (param i32 i64 f32 f64)))
  (func (export "g") (param i32 i64 f32 f64)
    local.get 0 local.get 1 local.get 2 local.get 3 call $f))
"""


def calling(text: str, function: Callable[..., Any]) -> pywasm3.Function:
    """The export g of an instance of the text, which imports the function as env.f."""
    return load(text, {"env": {"f": function}}).exports.g


# ---- arguments and results ----


def test_the_host_function_gets_the_arguments_and_its_result_is_used() -> None:
    assert calling(UNARY, lambda x: x * 2)(21) == 42


def test_arguments_arrive_signed_and_with_their_python_types() -> None:
    seen: list[Any] = []
    calling(FOUR, lambda *args: seen.extend(args))(0xFFFFFFFF, 1 << 63, 1.5, math.pi)
    assert seen == [-1, -(1 << 63), 1.5, math.pi]
    assert [type(value) for value in seen] == [int, int, float, float]


def test_a_float_argument_is_that_of_the_guest() -> None:
    seen: list[float] = []
    calling(FOUR, lambda a, b, c, d: seen.append(c))(0, 0, math.pi, 0)
    assert seen == [struct.unpack("<f", struct.pack("<f", math.pi))[0]]


def test_an_unsigned_result_is_taken() -> None:
    assert calling(UNARY, lambda x: 0xFFFFFFFF)(0) == -1


@pytest.mark.parametrize("values", [(7, 2.5), [7, 2.5]])
def test_several_results_are_a_tuple_or_a_list(values: Any) -> None:
    assert calling(PAIR, lambda: values)() == (7, 2.5)


class Doubler:
    def __call__(self, x: int) -> int:
        return 2 * x

    def method(self, x: int) -> int:
        return 2 * x


@pytest.mark.parametrize(
    "function",
    [
        functools.partial(operator.mul, 2),
        Doubler(),
        Doubler().method,
        (2).__mul__,
        lambda *args: args[0] * 2,
        lambda x, factor=2: x * factor,
    ],
    ids=["partial", "object", "method", "wrapper", "star", "default"],
)
def test_any_callable_will_do(function: Callable[..., Any]) -> None:
    assert calling(UNARY, function)(21) == 42


def test_a_class_is_a_callable_as_others_are() -> None:
    assert calling(UNARY, int)(5) == 5


@pytest.mark.parametrize("count", [13, 14, 15, 16, 17, 500])
def test_every_argument_and_result_crosses(count: int) -> None:
    types = "i32 " * count
    gets = " ".join(f"local.get {i}" for i in range(count))
    function = calling(
        f"""(module (import "env" "f" (func $f (param {types}) (result {types})))
        (func (export "g") (param {types}) (result {types}) {gets} call $f))""",
        lambda *args: tuple(reversed(args)),
    )
    assert function(*range(count)) == tuple(reversed(range(count)))


def test_the_same_callable_can_be_several_imports() -> None:
    seen: list[Any] = []
    exports = load(
        """(module (import "a" "f" (func $a (param i32))) (import "b" "f" (func $b (param f64)))
        (func (export "g") i32.const 1 call $a f64.const 2 call $b))""",
        {"a": {"f": seen.append}, "b": {"f": seen.append}},
    ).exports
    exports.g()
    assert seen == [1, 2.0]


def test_an_imported_function_that_is_exported_again_can_be_called() -> None:
    instance = load(
        """(module (import "env" "f" (func $f (param i32) (result i32)))
        (export "f" (func $f)))""",
        {"env": {"f": lambda x: x + 1}},
    )
    assert instance.exports.f(1) == 2


def test_an_imported_function_is_called_through_a_table() -> None:
    instance = load(
        """(module (import "env" "f" (func $f (param i32) (result i32)))
        (table (export "table") 1 funcref) (elem (i32.const 0) $f)
        (type $t (func (param i32) (result i32)))
        (func (export "g") (param i32) (result i32)
          local.get 0 i32.const 0 call_indirect (type $t)))""",
        {"env": {"f": lambda x: x + 1}},
    )
    assert instance.exports.g(1) == 2
    assert instance.exports.table[0](1) == 2


def test_a_host_function_can_be_the_start_function() -> None:
    calls: list[None] = []
    load(
        '(module (import "env" "f" (func $f)) (start $f))',
        {"env": {"f": lambda: calls.append(None)}},
    )
    assert len(calls) == 1


def test_the_guest_asks_back_for_each_element() -> None:
    host = guest("host", {"env": {"callback": lambda x: x * x}})
    assert host.exports.sum(100) == sum(x * x for x in range(100))
    at = host.exports.array()
    host.memory.pack("8i", at, *range(8))
    host.exports.map(at, 8)
    assert host.memory.unpack("8i", at) == tuple(x * x for x in range(8))


# ---- results that do not fit ----


@pytest.mark.parametrize("value", [None, "1", 1.5, (1,), [1], b"1", object()])
def test_a_result_of_a_wrong_type_names_the_import(value: Any) -> None:
    with pytest.raises(TypeError, match=r"env\.f"):
        calling(UNARY, lambda x: value)(1)


def test_a_result_out_of_range_names_the_import() -> None:
    with pytest.raises(OverflowError, match=r"env\.f"):
        calling(UNARY, lambda x: 1 << 32)(1)


@pytest.mark.parametrize("value", [0, (), "text", False])
def test_a_result_where_none_is_expected_names_the_import(value: Any) -> None:
    with pytest.raises(TypeError, match=r"env\.f"):
        calling(VOID, lambda: value)()


@pytest.mark.parametrize(
    "value", [None, 1, (), (1,), (1, 2.0, 3), "ab", {1: 2, 3: 4}, (1, "2"), (None, 2.0)]
)
def test_results_of_a_wrong_count_or_type_name_the_import(value: Any) -> None:
    with pytest.raises(TypeError, match=r"env\.f"):
        calling(PAIR, lambda: value)()


def test_a_wrong_result_stops_the_guest() -> None:
    instance = load(VOID, {"env": {"f": lambda: 1}})
    with pytest.raises(TypeError):
        instance.exports.g()
    assert instance.exports.after.value == 0


def with_three(function: Callable[..., Any]) -> pywasm3.Instance:
    """An instance of GUEST whose three imports are all the same host function."""
    return load(GUEST, {"env": {"f": function, "pair": function, "none": function}})


@pytest.mark.parametrize("value", [None, "text", (1,), [], 1.5, object(), type])
def test_a_result_of_a_wrong_type_stops_the_guest_and_leaves_it_usable(value: Any) -> None:
    exports = with_three(lambda *_: value).exports
    with pytest.raises(TypeError, match=r"env\.f"):
        exports.call(1)
    assert exports.after.value == 0
    assert exports.add(1, 2) == 3


@pytest.mark.parametrize(
    "value", [None, 1, (), (1,), (1, 2.0, 3), (None, 2.0), (1, "x"), {1, 2}, "ab"]
)
def test_a_wrong_tuple_leaves_the_guest_usable(value: Any) -> None:
    exports = with_three(lambda *_: value).exports
    with pytest.raises(TypeError, match=r"env\.pair"):
        exports.call_pair()
    assert exports.add(1, 2) == 3


@pytest.mark.parametrize("value", [0, "", (), False])
def test_a_result_where_none_is_expected_leaves_the_guest_usable(value: Any) -> None:
    exports = with_three(lambda *_: value).exports
    with pytest.raises(TypeError):
        exports.call_none()
    assert exports.add(1, 2) == 3


def test_a_coroutine_is_a_wrong_result() -> None:
    async def host(x: int) -> int:
        return x

    exports = with_three(lambda x: host(x)).exports
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the coroutine is never awaited
        with pytest.raises(TypeError):
            exports.call(1)
        gc.collect()
    assert exports.add(1, 2) == 3


def test_a_callable_of_another_arity_raises_as_python_does() -> None:
    with pytest.raises(TypeError, match="positional argument"):
        calling(UNARY, lambda: 1)(1)


# ---- exceptions ----


class OwnError(Exception):
    pass


@pytest.mark.parametrize(
    "error",
    [OwnError("mine"), KeyboardInterrupt(), SystemExit(3), GeneratorExit(), StopIteration(1)],
    ids=lambda error: type(error).__name__,
)
def test_an_exception_arrives_as_the_same_object(error: BaseException) -> None:
    def function(x: int) -> int:
        raise error

    with pytest.raises(type(error)) as caught:
        calling(UNARY, function)(1)
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [BaseException(), SystemExit(7), KeyboardInterrupt(), GeneratorExit(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_any_exception_arrives_as_it_is_however_often(error: BaseException) -> None:
    def fail(*_: Any) -> None:
        raise error

    exports = with_three(fail).exports
    for _ in range(100):
        for function, *arguments in (
            (exports.call, 1),
            (exports.call_pair,),
            (exports.call_none,),
        ):
            with pytest.raises(type(error)) as caught:
                function(*arguments)
            assert caught.value is error
    assert exports.add(1, 2) == 3


def test_system_exit_ends_the_process_with_its_code() -> None:
    child(
        """
        import sys
        pywasm3.load(WASM, {"env": {"f": sys.exit}}).exports.g(7)
        print("unreachable")
        """,
        result=7,
        WASM=wat(UNARY),
    )


def test_the_traceback_of_an_exception_leads_to_the_host_function() -> None:
    def culprit(x: int) -> int:
        raise OwnError

    with pytest.raises(OwnError) as caught:
        calling(UNARY, culprit)(1)
    assert caught.traceback[-1].name == "culprit"


def test_an_exception_stops_the_guest() -> None:
    def function() -> None:
        raise OwnError

    instance = load(VOID, {"env": {"f": function}})
    with pytest.raises(OwnError):
        instance.exports.g()
    assert instance.exports.after.value == 0


def test_an_exception_has_the_wasm_frames_in_a_note() -> None:
    def function(x: int) -> int:
        raise OwnError

    with pytest.raises(OwnError) as caught:
        calling(UNARY, function)(1)
    (note,) = caught.value.__notes__
    assert "g (function 1" in note


def test_an_exception_that_is_raised_again_collects_notes() -> None:
    error = OwnError()

    def function(x: int) -> int:
        raise error

    g = calling(UNARY, function)
    for count in (1, 2):
        with pytest.raises(OwnError):
            g(1)
        assert len(error.__notes__) == count


@pytest.mark.c_types
def test_the_text_of_a_note_is_made_once_for_each_place() -> None:
    """Making it in Python takes longer than everything else that such an exception needs."""

    def function(x: int) -> int:
        raise OwnError

    g = calling(UNARY, function)
    with pytest.raises(OwnError):
        g(1)
    error, calls = None, []
    before = sys.getprofile()
    sys.setprofile(lambda frame, event, arg: calls.append(frame) if event == "call" else None)
    try:
        g(1)
    except OwnError as caught:
        error = caught
    finally:
        sys.setprofile(before)
    adding = ["add_note"] if sys.version_info < (3, 11) else []
    assert [frame.f_code.co_name for frame in calls] == ["function", *adding]
    assert error is not None
    assert "g (function 1" in error.__notes__[0]


def note_of(guest: str) -> str:
    """Calls the export `g`, which calls the import `f`, and returns the note of its exception."""

    def function() -> None:
        raise OwnError

    with pytest.raises(OwnError) as caught:
        load(guest, {"env": {"f": function}}).exports.g()
    (text,) = caught.value.__notes__
    return str(text)


def test_functions_with_other_names_at_the_same_place_have_other_notes() -> None:
    def note(name: str) -> str:
        return note_of(f'(module (import "env" "f" (func $f)) (func ${name} (export "g") call $f))')

    assert "first (function 1" in note("first")
    assert "other (function 1" in note("other")


def test_exceptions_from_different_places_have_different_notes() -> None:
    """The texts of the last places are kept: each exception must get that of its own place."""

    def note(index: int, pad: str) -> str:
        return note_of(
            f"""(module (import "env" "f" (func $f)) {"(func)" * index}
              (func $h call $f) (func (export "g") {pad} call $h))"""
        )

    cases = [(index, pad) for index in range(12) for pad in ("", "nop nop")]
    notes = [note(*case) for case in cases]
    assert len(set(notes)) == len(cases)
    assert [note(*case) for case in cases] == notes
    for (index, _), text in zip(cases, notes, strict=True):
        assert f"h (function {index + 1}, offset" in text
        assert f"g (function {index + 2}, offset" in text


def test_an_exception_that_takes_no_note_arrives_all_the_same() -> None:
    class Closed(Exception):
        def add_note(self, note: str) -> None:
            raise ZeroDivisionError

    error = Closed()

    def function(x: int) -> int:
        raise error

    with pytest.raises(Closed) as caught:
        calling(UNARY, function)(1)
    assert caught.value is error


def test_the_instance_works_after_an_exception() -> None:
    def function(x: int) -> int:
        if x == 0:
            raise OwnError
        return x

    g = calling(UNARY, function)
    for _ in range(100):
        with pytest.raises(OwnError):
            g(0)
        assert g(5) == 5


def test_a_call_while_an_exception_is_handled_keeps_it() -> None:
    g = calling(UNARY, lambda x: x)
    try:
        raise OwnError
    except OwnError:
        assert g(1) == 1
        with pytest.raises(OwnError):
            raise


# ---- nested calls ----


def test_a_host_function_may_call_the_same_instance() -> None:
    def function(x: int) -> int:
        return x if x == 0 else x + instance.exports.g(x - 1)

    instance = load(UNARY, {"env": {"f": function}})
    assert instance.exports.g(10) == 55


def test_a_host_function_may_grow_the_memory() -> None:
    def grow(x: int) -> int:
        assert instance.memory.grow(1) >= 1
        return x

    instance = with_three(grow)
    for _ in range(10):
        assert instance.exports.poke(1) == 42
    assert instance.memory.pages == 11


def test_a_host_function_may_grow_a_table_and_call_its_elements() -> None:
    def grow(x: int) -> Any:
        exports.table.grow(1, exports.add)
        return exports.table[len(exports.table) - 1](x, 1)

    exports = with_three(grow).exports
    assert [exports.call(i) for i in range(5)] == [1, 2, 3, 4, 5]


def test_a_nested_call_leaves_the_values_of_the_outer_one_alone() -> None:
    def function() -> int:
        return instance.exports.inner(*range(100, 108))

    instance = load(
        """(module (import "env" "f" (func $f (result i32)))
        (func (export "inner") (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
          (local i64 i64 i64 i64) i64.const -1 local.tee 8 local.tee 9 local.tee 10 local.set 11
          local.get 7)
        (func (export "outer") (param i32 i32 i32 i32) (result i32)
          local.get 0 local.get 1 local.get 2 local.get 3 call $f
          i32.add i32.add i32.add i32.add))""",
        {"env": {"f": function}},
    )
    assert instance.exports.outer(1, 2, 3, 4) == 107 + 10


def test_an_exception_passes_through_every_level_as_the_same_object() -> None:
    error = OwnError()

    def function(x: int) -> int:
        if x == 0:
            raise error
        return instance.exports.g(x - 1)

    instance = load(UNARY, {"env": {"f": function}})
    with pytest.raises(OwnError) as caught:
        instance.exports.g(5)
    assert caught.value is error
    assert len(error.__notes__) == 6


def test_a_host_function_can_catch_what_a_nested_call_raises() -> None:
    def function(x: int) -> int:
        if x == 0:
            raise OwnError
        try:
            return instance.exports.g(x - 1)
        except OwnError:
            return 99

    instance = load(UNARY, {"env": {"f": function}})
    assert instance.exports.g(1) == 99


# ---- pass_instance ----


def test_pass_instance_hands_over_the_calling_instance() -> None:
    @pywasm3.host(pass_instance=True)
    def function(instance: pywasm3.Instance, address: int) -> int:
        return len(instance.memory.read_cstring(address))

    instance = load(
        """(module (import "env" "f" (func $f (param i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 16) "hello\\00")
        (func (export "g") (result i32) i32.const 16 call $f))""",
        {"env": {"f": function}},
    )
    assert instance.exports.g() == 5


def test_pass_instance_tells_instances_apart() -> None:
    seen: list[pywasm3.Instance] = []

    @pywasm3.host(pass_instance=True)
    def function(instance: pywasm3.Instance, x: int) -> int:
        seen.append(instance)
        return x

    module = pywasm3.Module(load(UNARY, {"env": {"f": function}}).module.bytes)
    first = pywasm3.Instance(module, {"env": {"f": function}})
    second = pywasm3.Instance(module, {"env": {"f": function}})
    first.exports.g(1)
    second.exports.g(1)
    assert seen[0] is first
    assert seen[1] is second


def test_pass_instance_works_in_the_start_function() -> None:
    seen: list[pywasm3.Instance] = []
    instance = load(
        '(module (import "env" "f" (func $f)) (start $f))',
        {"env": {"f": pywasm3.host(pass_instance=True)(seen.append)}},
    )
    assert seen == [instance]


def test_the_host_decorator_returns_the_function_itself() -> None:
    def function(x: int) -> int:
        return x

    assert pywasm3.host()(function) is function
    assert pywasm3.host(pass_instance=True)(function) is function


def test_the_host_decorator_wraps_what_takes_no_mark() -> None:
    marked = pywasm3.host(pass_instance=True)(print)
    assert callable(marked)
    assert not hasattr(print, "_pywasm3_pass_instance")


def test_the_host_decorator_wants_a_callable_and_keywords() -> None:
    with pytest.raises(TypeError):
        pywasm3.host()(3)  # type: ignore[type-var]
    with pytest.raises(TypeError):
        pywasm3.host(True)  # type: ignore[misc]
    with pytest.raises(TypeError):
        pywasm3.host(print)  # type: ignore[misc]
