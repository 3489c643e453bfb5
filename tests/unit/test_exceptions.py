# SPDX-License-Identifier: MIT
"""Exceptions cross the border between Python and WebAssembly, in both directions.

The rules are those of the JavaScript API ("Exceptions"), where JavaScript stands for Python; which
exceptions of Python a guest never catches is said in the docstring of WasmException.
"""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import traceback
from collections.abc import Callable
from typing import Any

import pytest

import pywasm3
from helpers import load, wat
from pywasm3 import FuncType, Limits, Store, Tag, Trap, WasmException, externref, funcref, i32

# A guest that throws, and that calls a host function in each kind of clause. The second half has
# the same in the legacy form.
GUEST = """
(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (tag $t (export "t") (param i32 i64))
  (tag $empty (export "empty"))
  (global $held (mut exnref) (ref.null exn))
  (func (export "throw") (param i32 i64) local.get 0 local.get 1 throw $t)
  (func (export "throw_empty") throw $empty)
  (func $pass (export "pass") (param i32) (result i32) local.get 0 call $f)
  (func (export "by_tag") (param i32) (result i32 i64)
    (block $caught (result i32 i64)
      (try_table (catch $t $caught) (drop (call $pass (local.get 0))))
      (i32.const -1) (i64.const -1)))
  (func (export "by_any") (param i32) (result i32)
    (block $caught
      (try_table (catch_all $caught) (return (call $pass (local.get 0)))))
    (i32.const 42))
  (func (export "again") (param i32) (result i32)
    (block $caught (result exnref)
      (try_table (result i32) (catch_all_ref $caught) (call $pass (local.get 0)))
      return)
    throw_ref)
  (func (export "hold") (param i32)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (drop (call $pass (local.get 0))))
      return)
    global.set $held)
  (func (export "release") global.get $held (global.set $held (ref.null exn)) throw_ref)
  (func (export "forget") (global.set $held (ref.null exn)))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))

  (func (export "legacy_by_tag") (param i32) (result i32 i64)
    try (result i32 i64)
      local.get 0 call $pass drop i32.const -1 i64.const -1
    catch $t
    end)
  (func (export "legacy_by_any") (param i32) (result i32)
    try (result i32) local.get 0 call $pass catch_all i32.const 42 end)
  (func (export "legacy_again") (param i32) (result i32)
    try (result i32) local.get 0 call $pass catch_all rethrow 0 end))
"""
BY_TAG = ["by_tag", "legacy_by_tag"]
BY_ANY = ["by_any", "legacy_by_any"]
AGAIN = ["again", "legacy_again"]
CLAUSES = BY_TAG + BY_ANY + AGAIN


def guest(function: Callable[[int], Any] = lambda x: x, **options: Any) -> pywasm3.Instance:
    return load(GUEST, {"env": {"f": function}}, **options)


def raising(error: BaseException) -> Callable[[int], Any]:
    def f(x: int) -> int:
        raise error

    return f


# ---- from wasm to Python ----


def test_an_uncaught_exception_has_its_tag_its_values_and_its_frames() -> None:
    instance = guest()
    with pytest.raises(WasmException) as caught:
        instance.exports.throw(7, -1)
    error = caught.value
    assert error.tag == instance.exports.t
    assert hash(error.tag) == hash(instance.exports.t)
    assert error.tag.store is instance.store
    assert error.tag.type == instance.exports.t.type
    assert error.payload == (7, -1)
    assert [frame.function for frame in error.frames] == [1]
    assert error.frames[0].offset is not None
    assert isinstance(error, pywasm3.WasmError)
    assert not isinstance(error, Trap)
    assert str(error).startswith("exception (i32, i64): 7, -1\n  at ")
    assert repr(error) == "WasmException(<pywasm3.Tag (i32, i64) -> ()>, 7, -1)"
    assert instance.exports["pass"](3) == 3


def test_an_exception_without_values_arrives() -> None:
    with pytest.raises(WasmException, match=r"exception \(\)") as caught:
        guest().exports.throw_empty()
    assert caught.value.payload == ()


ALL_TYPES = """
(module
  (type $f (func (result i32)))
  (tag $t (export "t") (param f32 f64 v128 externref funcref (ref $f)))
  (tag $exn (export "exn") (param i32 exnref))
  (func $one (export "one") (type $f) i32.const 1)
  (elem declare func $one)
  (func (export "throw") (param externref)
    f32.const 1.5 f64.const 2.5 v128.const i32x4 1 0 0 0 local.get 0 ref.null func ref.func $one
    throw $t)
  (func (export "throw_exn") i32.const 1 ref.null exn throw $exn))
"""


def test_values_of_all_types_arrive() -> None:
    instance, thing = load(ALL_TYPES), object()
    with pytest.raises(WasmException) as caught:
        instance.exports.throw(thing)
    single, double, vector, thing_again, null, one = caught.value.payload
    assert (single, double, null) == (1.5, 2.5, None)
    assert vector == bytes([1] + [0] * 15)
    assert thing_again is thing
    assert one == instance.exports.one
    assert one() == 1
    assert caught.value.tag == instance.exports.t


def test_a_reference_to_an_exception_among_the_values_is_not_given_to_python() -> None:
    instance = load(ALL_TYPES)
    with pytest.raises(WasmException) as caught:
        instance.exports.throw_exn()
    assert caught.value.tag == instance.exports.exn
    assert "exnref" in str(caught.value)
    repr(caught.value)
    with pytest.raises(TypeError, match="exnref"):
        _ = caught.value.payload


def test_the_frames_before_a_caught_exception_are_forgotten() -> None:
    """A later trap has its own frames only, whether or not its operation is one of wasm3's."""
    instance = load("""(module (tag $t) (func $throw throw $t)
        (table $t 1 funcref)
        (func $catch (block $caught (try_table (catch_all $caught) (call $throw))))
        (func (export "a") call $catch unreachable)
        (func (export "b") call $catch (drop (i32.div_u (i32.const 1) (i32.const 0))))
        (func (export "c") call $catch (call_indirect (i32.const 0)))
        (func (export "d") call $catch (call_indirect (i32.const 9))))""")
    for name, function in instance.exports.items():
        with pytest.raises(Trap) as caught:
            function()
        assert [frame.name for frame in caught.value.frames] == [name], name


def test_map_says_at_which_element_the_guest_threw() -> None:
    instance = load("""(module (tag $t (param i32)) (func (export "f") (param i32) (result i32)
        (if (i32.eq (local.get 0) (i32.const 3)) (then (throw $t (local.get 0)))) local.get 0))""")
    with pytest.raises(WasmException, match="at element 2") as caught:
        instance.exports.f.map(memoryview(b"\1\2\3\4"))
    assert caught.value.element == 2
    assert caught.value.payload == (3,)


def test_map_notes_at_which_element_a_host_function_raised() -> None:
    instance = guest(raising(KeyError("x")))
    with pytest.raises(KeyError) as caught:
        instance.exports["pass"].map(memoryview(b"\1\2"))
    assert any("at element 0 of map()" in note for note in caught.value.__notes__)


def test_an_exception_does_not_count_as_a_trap() -> None:
    instance = guest()
    with pytest.raises(WasmException):
        instance.exports.throw(1, 1)
    assert not instance.store._take_trapped()


def test_an_async_call_raises_it() -> None:
    instance = guest()

    async def main() -> None:
        await instance.exports.throw.aio(1, 2)

    with pytest.raises(WasmException) as caught:
        asyncio.run(main())
    assert caught.value.payload == (1, 2)


def test_call_argv_and_bound_functions_raise_it() -> None:
    instance = guest()
    exports = instance.exports
    for call in (lambda: exports.throw.call_argv("1", "2"), exports.throw.bind(1, 2)):
        with pytest.raises(WasmException) as caught:
            call()
        assert caught.value.payload == (1, 2)


# ---- from Python to wasm, with a tag ----


@pytest.mark.parametrize("name", BY_TAG)
def test_a_host_function_raises_what_the_guest_catches_by_its_tag(name: str) -> None:
    instance = guest(lambda x: fail(x))

    def fail(x: int) -> int:
        tag = instance.exports.t
        raise tag(x, -5) if x else WasmException(tag, 0, 2**63)

    assert instance.exports[name](3) == (3, -5)
    assert instance.exports[name](0) == (0, -(2**63))


def test_a_tag_of_the_host_is_caught_by_its_import() -> None:
    tag = Tag(FuncType((i32, externref)))
    thing = object()
    instance = load(
        """(module (import "env" "t" (tag $t (param i32 externref))) (import "env" "f" (func $f))
          (func (export "g") (result i32 externref)
            (block $caught (result i32 externref)
              (try_table (catch $t $caught) (call $f)) unreachable))
          (func (export "throw") (param externref) i32.const 1 local.get 0 throw $t))""",
        {"env": {"t": tag, "f": lambda: raising(tag(9, thing))(0)}},
    )
    assert instance.exports.g() == (9, thing)
    with pytest.raises(WasmException) as caught:
        instance.exports.throw(thing)
    assert caught.value.tag == tag


def test_another_tag_of_the_same_type_is_not_caught_by_it() -> None:
    store = Store()
    instance = guest(raising(Tag(FuncType(("i32", "i64")), store=store)(1, 2)), store=store)
    for name in BY_TAG:
        with pytest.raises(WasmException):
            instance.exports[name](0)
    for name in BY_ANY:
        assert instance.exports[name](0) == 42


@pytest.mark.parametrize("name", CLAUSES)
def test_a_tag_of_another_store_is_foreign(name: str) -> None:
    error = Tag(FuncType(("i32", "i64")))(1, 2)
    instance = guest(raising(error))
    if name in BY_ANY:
        assert instance.exports[name](0) == 42
    else:
        with pytest.raises(WasmException) as caught:
            instance.exports[name](0)
        assert caught.value is error


@pytest.mark.parametrize("name", ["pass", *AGAIN])
def test_an_uncaught_exception_of_a_host_function_stays_the_same_object(name: str) -> None:
    instance = guest(lambda x: raising(error)(x))
    error = instance.exports.t(1, 2)
    with pytest.raises(WasmException) as caught:
        instance.exports[name](0)
    assert caught.value is error
    assert any("wasm frames, innermost first" in note for note in error.__notes__)
    assert traceback.extract_tb(error.__traceback__)[-1].name == "f"


@pytest.mark.parametrize(
    ("payload", "error", "message"),
    [
        (("x", 1), TypeError, r"parameter 0 \(i32\)"),
        ((1, 2.5), TypeError, r"parameter 1 \(i64\)"),
        ((2**32, 1), OverflowError, r"parameter 0 \(i32\)"),
    ],
)
def test_values_that_cannot_be_converted_raise_an_error_in_their_place(
    payload: tuple[Any, ...], error: type[Exception], message: str
) -> None:
    instance = guest(lambda x: raising(instance.exports.t(*payload))(x))
    for name in ("pass", *BY_TAG, *AGAIN):
        with pytest.raises(error, match=message) as caught:
            instance.exports[name](0)
        assert isinstance(caught.value.__context__, WasmException)
    for name in BY_ANY:
        assert instance.exports[name](0) == 42


def test_references_among_the_values_are_checked() -> None:
    instance = load(
        """(module (type $f (func (result i32)))
          (import "env" "f" (func $f))
          (tag $t (export "t") (param (ref null $f)))
          (func (export "one") (type $f) i32.const 1) (func (export "other"))
          (func (export "g") (result (ref null $f))
            (block $caught (result (ref null $f)) (try_table (catch $t $caught) (call $f))
              unreachable)))""",
        {"env": {"f": lambda: raising(instance.exports.t(given[0]))(0)}},
    )
    given: list[Any] = [instance.exports.one]
    assert instance.exports.g()() == 1
    given[0] = None
    assert instance.exports.g() is None
    for wrong in (instance.exports.other, 3, load('(module (func (export "f")))').exports.f):
        given[0] = wrong
        with pytest.raises(TypeError, match="tag: parameter 0"):
            instance.exports.g()


@pytest.mark.parametrize("payload", [(), (1,), (1, 2, 3)])
def test_a_wrong_number_of_values_is_refused_at_once(payload: tuple[Any, ...]) -> None:
    tag = guest().exports.t
    with pytest.raises(TypeError, match="takes 2 values but"):
        tag(*payload)
    with pytest.raises(TypeError, match="takes 2 values but"):
        WasmException(tag, *payload)


def test_a_wasm_exception_needs_a_tag() -> None:
    with pytest.raises(TypeError, match=r"tag must be a pywasm3\.Tag, not int"):
        WasmException(1)  # type: ignore[arg-type]


def test_it_cannot_be_copied() -> None:
    error = guest().exports.t(1, 2)
    for action in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot copy or pickle WasmException"):
            action(error)


def test_subclasses_are_caught_by_the_tag_too() -> None:
    class Mine(WasmException):
        pass

    instance = guest(lambda x: raising(Mine(instance.exports.t, 1, 2))(x))
    assert instance.exports.by_tag(0) == (1, 2)


# ---- from Python to wasm, without a tag ----


@pytest.mark.parametrize(
    "error", [KeyError("x"), OSError(2, "no"), StopIteration(), TimeoutError()]
)
def test_an_exception_of_python_is_caught_by_a_clause_for_any(error: Exception) -> None:
    instance = guest(raising(error))
    for name in BY_ANY:
        assert instance.exports[name](0) == 42
    for name in ("pass", *BY_TAG, *AGAIN):
        with pytest.raises(type(error)) as caught:
            instance.exports[name](0)
        assert caught.value is error
    assert instance.exports.divide(1) == 1


def test_a_held_exception_of_python_is_raised_by_a_later_call() -> None:
    error = KeyError("x")
    instance = guest(raising(error))
    instance.exports.hold(0)
    assert not hasattr(error, "__notes__")
    with pytest.raises(KeyError) as caught:
        instance.exports.release()
    assert caught.value is error
    assert "release" in error.__notes__[-1]
    with pytest.raises(Trap, match="null reference"):
        instance.exports.release()


NEVER = [
    KeyboardInterrupt(),
    SystemExit(1),
    GeneratorExit(),
    asyncio.CancelledError(),
    MemoryError(),
    RecursionError(),
    pywasm3.LinkError("x"),
    pywasm3.WasmError("the store is closed"),
    pywasm3.WasiExit(3),
    Trap(pywasm3.TrapKind.UNREACHABLE),
    pywasm3.OutOfFuel(pywasm3.TrapKind.OUT_OF_FUEL),
    pywasm3.DeadlineExceeded(pywasm3.TrapKind.DEADLINE),
    pywasm3.Interrupted(pywasm3.TrapKind.INTERRUPTED),
]


@pytest.mark.parametrize("error", NEVER, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("name", CLAUSES)
def test_what_a_guest_never_catches(name: str, error: BaseException) -> None:
    instance = guest(raising(error))
    with pytest.raises(type(error)) as caught:
        instance.exports[name](0)
    assert caught.value is error
    assert instance.exports.divide(1) == 1


@pytest.mark.parametrize("name", CLAUSES)
def test_a_trap_of_a_nested_call_is_not_caught(name: str) -> None:
    instance = guest(lambda x: instance.exports.divide(0))
    with pytest.raises(Trap, match="divide by zero"):
        instance.exports[name](0)


@pytest.mark.parametrize("name", BY_ANY)
def test_errors_about_results_are_caught_like_others(name: str) -> None:
    assert guest(lambda x: "text").exports[name](0) == 42


@pytest.mark.parametrize("name", CLAUSES)
def test_nothing_is_caught_once_the_call_must_stop(name: str) -> None:
    def interrupt(x: int) -> int:
        instance.store.interrupt()
        raise KeyError(x)

    instance = guest(interrupt)
    with pytest.raises(KeyError):
        instance.exports[name](0)
    assert instance.exports.divide(1) == 1


def test_nothing_is_caught_after_a_deadline() -> None:
    def wait(x: int) -> int:
        while pywasm3._ffi.stop_code() == 0:
            pass
        raise KeyError(x)

    instance = guest(wait)
    with pytest.raises(KeyError), instance.deadline(0.05):
        instance.exports.by_any(0)


def test_a_guest_that_catches_everything_runs_out_of_fuel() -> None:
    text = """(module (import "env" "f" (func $f)) (func (export "g")
        (loop $again (block $caught (try_table (catch_all $caught) (call $f))) (br $again))))"""
    instance = load(text, {"env": {"f": lambda: raising(KeyError())(0)}}, limits=Limits(fuel=1000))
    with pytest.raises(pywasm3.OutOfFuel):
        instance.exports.g()


def test_finalizers_may_call_the_guest_while_an_exception_is_caught() -> None:
    calls: list[int] = []

    class Thing(Exception):
        def __del__(self) -> None:
            calls.append(instance.exports.pass2(20 + len(calls)))

    def f(x: int) -> int:
        raise Thing

    instance = load(
        """(module (import "env" "f" (func $f (param i32) (result i32)))
          (func (export "pass2") (param i32) (result i32) local.get 0)
          (func (export "g") (param i32 i64) (result i32 i64 i32)
            (local i32) (local.set 2 (i32.const 77))
            (block $caught
              (try_table (catch_all $caught) (drop (call $f (local.get 0)))))
            local.get 0 local.get 1 local.get 2))""",
        {"env": {"f": f}},
    )
    assert instance.exports.g(1, 2) == (1, 2, 77)
    assert calls == [20]


# ---- nested calls ----


@pytest.mark.parametrize("name", BY_TAG)
def test_an_exception_passes_a_host_function_and_is_caught_outside(name: str) -> None:
    instance = guest(lambda x: instance.exports.throw(x, 4))
    assert instance.exports[name](3) == (3, 4)


@pytest.mark.parametrize("name", ["pass", *AGAIN])
def test_an_exception_that_passes_stays_the_same_object(name: str) -> None:
    seen: list[BaseException] = []

    def f(x: int) -> int:
        try:
            instance.exports.throw(x, 4)
        except WasmException as error:
            seen.append(error)
            raise
        return 0

    instance = guest(f)
    with pytest.raises(WasmException) as caught:
        instance.exports[name](3)
    assert [caught.value] == seen
    assert [frame.name for frame in caught.value.frames] == ["throw"]
    assert caught.value.payload == (3, 4)


# The guest throws an exception that refers to another one, which carries its argument.
ENCLOSING = """
(module
  (import "env" "f" (func $f (param i32)))
  (tag $inner (param i32))
  (tag $t (export "t") (param i64 exnref))
  (func (export "throw") (param i32) (local exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (throw $inner (local.get 0)))
      unreachable)
    local.set 1
    (throw $t (i64.const 7) (local.get 1)))
  (func (export "catch") (param i32) (result i32)
    (block $inside (result i32)
      (try_table (catch $inner $inside)
        (block $caught (result i64 exnref)
          (try_table (catch $t $caught) (call $f (local.get 0)))
          unreachable)
        throw_ref)
      unreachable)))
"""


def test_an_exception_that_refers_to_another_passes_python_with_it() -> None:
    instance = load(ENCLOSING, {"env": {"f": lambda x: instance.exports.throw(x)}})
    assert instance.exports.catch(42) == 42


def test_python_raises_an_exception_that_refers_to_another_when_it_likes() -> None:
    """Until then, collections of the store must leave both exceptions alone."""
    held: list[WasmException] = []

    def f(x: int) -> None:
        if held:
            raise held.pop()
        with pytest.raises(WasmException) as caught:
            instance.exports.throw(x)
        held.append(caught.value)

    instance = load(ENCLOSING, {"env": {"f": f}})
    with pytest.raises(Trap, match="unreachable"):
        instance.exports.catch(42)
    churn(instance.store)
    for x in range(3000):
        with pytest.raises(WasmException):
            instance.exports.throw(x)
    assert instance.exports.catch(0) == 42


@pytest.mark.parametrize("kept", ["t", "throw", None, 5])
def test_a_kept_exception_cannot_be_forged(kept: str | int | None) -> None:
    """The exception has lost what it kept, so its values cannot be converted."""

    def f(x: int) -> None:
        try:
            instance.exports.throw(x)
        except WasmException as error:
            value: Any = instance.exports[kept] if isinstance(kept, str) else kept
            error._kept = getattr(value, "_anchor", value)
            raise

    instance = load(ENCLOSING, {"env": {"f": f}})
    with pytest.raises(TypeError):
        instance.exports.catch(42)


def test_python_may_catch_it_in_between() -> None:
    def f(x: int) -> int:
        with pytest.raises(WasmException):
            instance.exports.throw(x, 4)
        return 5

    instance = guest(f)
    assert instance.exports.by_any(0) == 5


def test_it_passes_through_another_store_as_the_same_object() -> None:
    inner = guest()

    def f(x: int) -> int:
        inner.exports.throw(1, 2)
        return 0

    outer = guest(f)
    assert outer.exports.by_any(0) == 42
    with pytest.raises(WasmException) as caught:
        outer.exports.again(0)
    assert caught.value.tag == inner.exports.t


def test_an_exported_function_with_exnref_works_between_instances() -> None:
    owner = load("""(module (tag $t (export "t") (param i32))
        (func (export "make") (param i32) (result exnref) (local exnref)
          (block $caught (result i32 exnref)
            (try_table (catch_ref $t $caught) (throw $t (local.get 0))) unreachable)
          local.set 1 drop local.get 1))""")
    user = load(
        """(module (import "o" "make" (func $make (param i32) (result exnref)))
          (func (export "g") (param i32) (throw_ref (call $make (local.get 0)))))""",
        {"o": owner},
    )
    with pytest.raises(WasmException) as caught:
        user.exports.g(8)
    assert caught.value.payload == (8,)
    assert caught.value.tag == owner.exports.t


# ---- references to exceptions at the border ----

EXNREF = """
(module
  (import "env" "f" (func $f (param exnref) (result i32)))
  (tag $t)
  (global $g (export "g") (mut exnref) (ref.null exn))
  (table $table (export "table") 2 exnref)
  (func $make (export "make") (result exnref)
    (block $caught (result exnref) (try_table (catch_all_ref $caught) (throw $t)) unreachable))
  (func (export "take") (param i32 exnref))
  (func (export "call") (result i32) (call $f (call $make)))
  (func (export "set") (global.set $g (call $make)))
  (func (export "clear") (global.set $g (ref.null exn))
    (table.set $table (i32.const 1) (ref.null exn)))
  (func (export "set_table") (table.set $table (i32.const 1) (call $make)))
  (func (export "rethrow") (throw_ref (global.get $g))))
"""


def exnref_guest() -> pywasm3.Instance:
    return load(EXNREF, {"env": {"f": lambda e: 1}})


def test_functions_with_exnref_cannot_be_called_from_python() -> None:
    exports = exnref_guest().exports
    for call in (
        exports.make,
        lambda: exports.take(1, None),
        lambda: exports.take(),
        lambda: exports.make.call_argv(),
        lambda: exports.make.bind()(),
        lambda: exports.take.map([1], None),
    ):
        with pytest.raises(TypeError, match="reference"):
            call()


def test_a_host_function_with_exnref_cannot_be_called_from_wasm() -> None:
    with pytest.raises(TypeError, match="a reference to an exception is"):
        exnref_guest().exports.call()


def test_globals_and_tables_of_exnref_are_for_wasm_alone() -> None:
    instance = exnref_guest()
    for _ in range(2):
        with pytest.raises(TypeError):
            _ = instance.exports.g.value
        with pytest.raises(TypeError):
            instance.exports.g.value = None
        with pytest.raises(TypeError):
            _ = instance.exports.table[1]
        with pytest.raises(TypeError):
            instance.exports.table[0] = None
        with pytest.raises(TypeError):
            instance.exports.table.fill(None)
        assert len(instance.exports.table) == 2
        instance.exports.set()
        instance.exports.set_table()
    with pytest.raises(WasmException):
        instance.exports.rethrow()


def test_the_host_makes_globals_and_tables_of_exnref() -> None:
    table = pywasm3.Table("exnref", 3)
    place = pywasm3.Global("exnref", None, mutable=True, store=table.store)
    with pytest.raises(TypeError):
        pywasm3.Table("exnref", 3, init=KeyError())
    instance = load(
        """(module (import "o" "t" (table $t 3 exnref)) (import "o" "g" (global $g (mut exnref)))
          (func (export "f") (result i32 i32)
            (ref.is_null (table.get $t (i32.const 2))) (ref.is_null (global.get $g))))""",
        {"o": {"t": table, "g": place}},
    )
    assert instance.exports.f() == (1, 1)


def test_a_table_of_exnref_grows_with_null() -> None:
    """None is what a new element contains, and no reference that Python gives."""
    table = pywasm3.Table("exnref", 3)
    assert table.grow(1) == 3
    assert table.grow(2, None) == 4
    with pytest.raises(TypeError, match="exception"):
        table.grow(1, KeyError())
    with pytest.raises(TypeError, match="exception"):
        table.fill(None)
    instance = load(
        """(module (import "o" "t" (table $t 3 exnref)) (table $u (export "u") 1 exnref)
          (func (export "f") (param i32) (result i32)
            (ref.is_null (table.get $t (local.get 0))))
          (func (export "g") (param i32) (result i32)
            (ref.is_null (table.get $u (local.get 0)))))""",
        {"o": {"t": table}},
    )
    assert instance.exports.u.grow(4) == 1
    assert [instance.exports.f(i) for i in range(6)] == [1] * 6
    assert [instance.exports.g(i) for i in range(5)] == [1] * 5


def test_what_excludes_null_does_not_begin_with_null() -> None:
    with pytest.raises(TypeError):
        pywasm3.Table("(ref exn)", 1)
    with pytest.raises(TypeError):
        pywasm3.Global("(ref exn)", None)
    table = load('(module (table (export "t") 1 (ref func) (ref.func $f)) (func $f))').exports.t
    with pytest.raises(TypeError, match="None stands for null"):
        table.grow(1)
    assert len(table) == 1


def test_a_snapshot_has_no_references_to_exceptions() -> None:
    instance = exnref_guest()
    empty = instance.snapshot()
    for fill in (instance.exports.set, instance.exports.set_table):
        fill()
        with pytest.raises(pywasm3.SnapshotError, match="refers to an exception"):
            instance.snapshot()
        instance.exports.clear()
        assert instance.snapshot() == empty
    instance.exports.set()
    instance.restore(empty)
    with pytest.raises(Trap, match="null reference"):
        instance.exports.rethrow()


# ---- what exceptions keep ----


def test_a_function_in_a_held_exception_keeps_its_instance() -> None:
    store = Store()
    holder = load(
        """(module (tag $t (export "t") (param funcref externref))
          (table $e 1 exnref)
          (func $store (param funcref externref exnref)
            (table.set $e (i32.const 0) (local.get 2)))
          (func (export "hold") (param funcref externref)
            (block $caught (result funcref externref exnref)
              (try_table (catch_ref $t $caught) (throw $t (local.get 0) (local.get 1))) unreachable)
            call $store)
          (func (export "throw") (throw_ref (table.get $e (i32.const 0)))))""",
        store=store,
    )

    def fill() -> None:
        lender = load('(module (func (export "f") (result i32) i32.const 5))', store=store)
        holder.exports.hold(lender.exports.f, ["thing"])

    fill()
    churn(store)
    with pytest.raises(WasmException) as caught:
        holder.exports.throw()
    function, thing = caught.value.payload
    assert function() == 5
    assert thing == ["thing"]


def churn(store: Store) -> None:
    """Makes the store collect what nobody reaches: instances, and objects of externrefs."""
    keep = load(
        '(module (func (export "f") (param externref)))',
        store=store,
    )
    for _ in range(5000):
        keep.exports.f(object())
    for _ in range(50):
        load('(module (func (export "f")))', store=store)
    gc.collect()
    keep.exports.f(None)


def test_a_held_exception_of_python_survives_collections() -> None:
    error = KeyError("x")
    instance = guest(raising(error))
    instance.exports.hold(0)
    del error
    churn(instance.store)
    with pytest.raises(KeyError):
        instance.exports.release()


def test_threads_throw_and_catch_in_their_own_stores() -> None:
    wrong: list[Any] = []

    def work(number: int) -> None:
        instance = guest(lambda x: raising(instance.exports.t(x, number))(x))
        for i in range(500):
            if instance.exports.by_tag(i) != (i, number):
                wrong.append(i)
            try:
                instance.exports.throw(i, number)
            except WasmException as error:
                if error.payload != (i, number):
                    wrong.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_pool_uses_the_instance_again() -> None:
    module = pywasm3.Module(wat(GUEST))
    with pywasm3.InstancePool(module, {"env": {"f": lambda x: x}}, size=1) as pool:
        with pytest.raises(WasmException), pool.instance() as instance:
            first = instance
            instance.exports.throw(1, 2)
        with pool.instance() as instance:
            assert instance is first


def test_funcref_is_a_type_of_values() -> None:
    assert Tag(FuncType((funcref,)))(None).payload == (None,)


def test_an_exception_of_the_host_goes_on_if_there_is_no_memory_for_a_reference_to_it() -> None:
    """Afterwards, the guest catches its own exceptions as before."""
    text = """(module (import "" "f" (func $f)) (tag $t) (table $kept 1 100000 exnref)
        (func (export "keep") (result i32)
          (block $caught (result exnref)
            (try_table (catch_all_ref $caught) (call $f)) unreachable)
          (table.grow $kept (i32.const 1)))
        (func (export "clear") (table.fill $kept (i32.const 0) (ref.null exn) (table.size $kept)))
        (func (export "own") (result i32)
          (block $caught (try_table (catch $t $caught) (throw $t)) unreachable)
          i32.const 7))"""
    error = KeyError("host")

    def fail() -> None:
        raise error

    instance = load(text, {"": {"f": fail}}, limits=Limits(heap=1 << 18))
    with pytest.raises(KeyError) as caught:
        while instance.exports.keep() >= 0:
            pass
    assert caught.value is error
    instance.exports.clear()
    assert instance.exports.own() == 7
    assert instance.exports.keep() > 0


def test_memory_for_exceptions_is_limited() -> None:
    text = """(module (tag $t (param i64)) (table $kept 1 100000 exnref)
        (func (export "f") (result i32) (local exnref)
          (block $caught (result i64 exnref)
            (try_table (catch_ref $t $caught) (throw $t (i64.const 1))) unreachable)
          local.set 0 drop (table.grow $kept (local.get 0) (i32.const 1)))
        (func (export "clear") (table.fill $kept (i32.const 0) (ref.null exn) (table.size $kept)))
        (func (export "throw") (throw $t (i64.const 5))))"""
    instance = load(text, limits=Limits(total=1 << 20))
    with pytest.raises(Trap, match="heap exhausted"):
        while instance.exports.f() >= 0:
            pass
    instance.exports.clear()
    with pytest.raises(WasmException) as caught:
        instance.exports.throw()
    assert caught.value.payload == (5,)


def test_a_changed_tag_is_no_tag() -> None:
    instance = guest(lambda x: raising(error)(x))
    error = instance.exports.t(1, 2)
    for wrong in (None, 3, instance, instance.exports):
        error.tag = wrong  # type: ignore[assignment]
        assert instance.exports.by_any(0) == 42
        with pytest.raises(WasmException):
            instance.exports.by_tag(0)
    error.tag = instance.exports.t
    error._payload = [1, 2]  # type: ignore[assignment]
    with pytest.raises(TypeError, match="payload must be a tuple of 2 values"):
        instance.exports.by_tag(0)


def test_an_import_of_a_function_is_not_a_tag() -> None:
    with pytest.raises(pywasm3.LinkError):
        load('(module (import "env" "f" (func)))', {"env": {"f": Tag(FuncType())}})
