# SPDX-License-Identifier: MIT
"""The heap of a store: what collections keep, what they free, and its limit."""

from __future__ import annotations

import signal
import sys
import threading
import time
from typing import Any

import pytest

import pywasm3
from helpers import let_pypy_free, wat
from pywasm3 import Limits, Store, Trap, TrapKind
from pywasm3._ffi import lib, store_pointer


def load(text: str, imports: Any = None, **limits: Any) -> pywasm3.Instance:
    store = Store(limits=Limits(**limits)) if limits else Store()
    return pywasm3.Instance(pywasm3.Module(wat(text)), imports, store=store)


def heap_bytes(instance: pywasm3.Instance) -> int:
    """Returns the bytes of what lives in the heap."""
    store = instance.store
    store._call_entered(lambda: lib.pw_store_collect_heap(store_pointer(store)))
    bytes_ = store._call_entered(lambda: lib.pw_store_heap_bytes(store_pointer(store)))
    return int(bytes_)


# A list of nodes, of which a function makes any number and others change the head.
LIST = """
(module
  (type $node (struct (field $value i32) (field $next (mut (ref null $node)))))
  (global $head (mut (ref null $node)) (ref.null $node))
  (func (export "push") (param $n i32)
    (loop $again
      (global.set $head (struct.new $node (local.get $n) (global.get $head)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "drop") (global.set $head (ref.null $node)))
  (func (export "circle") (local $last (ref null $node))
    (local.set $last (global.get $head))
    (block $end (loop $next
      (br_if $end (ref.is_null (struct.get $node $next (local.get $last))))
      (local.set $last (struct.get $node $next (local.get $last)))
      (br $next)))
    (struct.set $node $next (local.get $last) (global.get $head)))
  (func (export "sum") (result i64) (local $node (ref null $node)) (local $sum i64)
    (local.set $node (global.get $head))
    (block $end (loop $next
      (br_on_null $end (local.get $node))
      (local.set $sum (i64.add (local.get $sum)
        (i64.extend_i32_u (struct.get $node $value (local.get $node)))))
      (local.set $node (struct.get $node $next))
      (br $next)))
    (local.get $sum))
  (func (export "churn") (param $n i32)
    (loop $again
      (drop (struct.new $node (local.get $n) (ref.null $node)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
"""


@pytest.mark.parametrize("count", [1, 1000, 100_000, 1_000_000])
def test_a_list_survives_collections_and_is_freed_at_last(count: int) -> None:
    instance = load(LIST)
    instance.exports.push(count)
    instance.exports.churn(200_000)
    assert instance.exports.sum() == count * (count + 1) // 2
    assert heap_bytes(instance) >= 24 * count
    instance.exports.drop()
    assert heap_bytes(instance) == 0


def test_a_circle_that_nothing_refers_to_is_freed() -> None:
    instance = load(LIST)
    instance.exports.push(1000)
    instance.exports.circle()
    instance.exports.drop()
    assert heap_bytes(instance) == 0


def test_garbage_takes_no_more_than_a_little_memory() -> None:
    instance = load(LIST, heap=4 << 20)
    instance.exports.churn(3_000_000)
    assert heap_bytes(instance) == 0


def test_over_its_limit_a_guest_traps_and_goes_on_when_it_has_dropped_its_objects() -> None:
    instance = load(LIST, heap=1 << 20)
    with pytest.raises(Trap) as caught:
        instance.exports.push(1_000_000)
    assert caught.value.kind is TrapKind.HEAP_EXHAUSTED
    instance.exports.drop()
    instance.exports.push(1000)
    assert instance.exports.sum() == 500_500


def test_the_limit_on_everything_holds_for_the_heap() -> None:
    instance = load(LIST, total=2 << 20)
    with pytest.raises(Trap) as caught:
        instance.exports.push(1_000_000)
    assert caught.value.kind is TrapKind.HEAP_EXHAUSTED


def test_a_deadline_ends_a_call_that_only_collects() -> None:
    instance = load(LIST)
    instance.exports.push(1_000_000)
    begin = time.monotonic()
    with instance.deadline(0.05), pytest.raises(pywasm3.DeadlineExceeded):
        instance.exports.churn(0)
    assert time.monotonic() - begin < 10
    assert instance.exports.sum() == 500_000_500_000


SIZES = [1, 3, 4, 8, 15, 16, 17, 100, 255, 256, 1000, 4079, 4080, 4081, 5000, 70_000, 3_000_000]


@pytest.mark.parametrize("size", SIZES)
def test_arrays_of_all_sizes_keep_their_elements(size: int) -> None:
    """Up to 4,096 bytes an object lives in a cell of a block, and beyond that on its own."""
    instance = load(
        """(module (type $a (array (mut i8))) (type $all (array (mut (ref null $a))))
          (func $make (param $n i32) (param $fill i32) (result (ref $a))
            (array.new $a (local.get $fill) (local.get $n)))
          (func (export "run") (param $n i32) (param $count i32) (result i32)
            (local $all (ref null $all)) (local $i i32) (local $bad i32) (local $a (ref null $a))
            (local.set $all (array.new_default $all (local.get $count)))
            (loop $make
              (array.set $all (local.get $all) (local.get $i)
                (call $make (local.get $n) (local.get $i)))
              (drop (call $make (local.get $n) (i32.const 255)))
              (br_if $make
                (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1)))
                          (local.get $count))))
            (loop $check
              (local.set $i (i32.sub (local.get $i) (i32.const 1)))
              (local.set $a (array.get $all (local.get $all) (local.get $i)))
              (local.set $bad (i32.or (local.get $bad) (i32.or
                (i32.ne (array.get_u $a (local.get $a) (i32.const 0)) (local.get $i))
                (i32.ne (array.get_u $a (local.get $a) (i32.sub (local.get $n) (i32.const 1)))
                        (local.get $i)))))
              (br_if $check (local.get $i)))
            (local.get $bad)))"""
    )
    count = max(2, min(200, 20_000_000 // size))
    assert instance.exports.run(size, count) == 0
    assert heap_bytes(instance) == 0


def test_an_array_that_is_too_large_traps() -> None:
    instance = load(
        """(module (type $a (array (mut v128)))
          (func (export "run") (param i32) (result i32)
            (array.len (array.new_default $a (local.get 0)))))""",
        heap=1 << 20,
    )
    for length in (1 << 20, 0xFFFFFFFF):
        with pytest.raises(Trap) as caught:
            instance.exports.run(length)
        assert caught.value.kind is TrapKind.HEAP_EXHAUSTED
    assert instance.exports.run(1000) == 1000


# Each of these instructions leaves a value that is dropped, or nothing. $s is a structure and $a an
# array; the other names say what their types have.
RUNS = {
    "struct.new": "(drop (struct.new $s (i32.const 1) (f64.const 2) (v128.const i64x2 3 4)))",
    "struct.new_default": "(drop (struct.new_default $s))",
    "struct.get": "(drop (struct.get $s 0 (local.get $s)))",
    "struct.get of a float": "(drop (struct.get $s 1 (local.get $s)))",
    "struct.get of a vector": "(drop (struct.get $s 2 (local.get $s)))",
    "struct.set": "(struct.set $s 0 (local.get $s) (local.get $n))",
    "struct.set of a vector": "(struct.set $s 2 (local.get $s) (v128.const i64x2 3 4))",
    "array.new": "(drop (array.new $a (i32.const 1) (i32.const 3)))",
    "array.new of vectors": "(drop (array.new $v (v128.const i64x2 3 4) (i32.const 3)))",
    "array.new_default": "(drop (array.new_default $a (i32.const 3)))",
    "array.new_fixed": "(drop (array.new_fixed $a 2 (i32.const 1) (local.get $n)))",
    "array.new_data": "(drop (array.new_data $a $d (i32.const 0) (i32.const 3)))",
    "array.new_elem": "(drop (array.new_elem $r $e (i32.const 0) (i32.const 2)))",
    "array.get": "(drop (array.get_s $a (local.get $a) (i32.const 1)))",
    "array.set": "(array.set $a (local.get $a) (i32.const 1) (local.get $n))",
    "array.len": "(drop (array.len (local.get $a)))",
    "array.fill": "(array.fill $a (local.get $a) (i32.const 0) (i32.const 7) (i32.const 2))",
    "array.copy": "(array.copy $a $a (local.get $a) (i32.const 0) (local.get $a) (i32.const 1)"
    " (i32.const 2))",
    "array.init_data": "(array.init_data $a $d (local.get $a) (i32.const 0) (i32.const 0)"
    " (i32.const 2))",
    "array.init_elem": "(array.init_elem $r $e (array.new_default $r (i32.const 2)) (i32.const 0)"
    " (i32.const 0) (i32.const 2))",
    "ref.test": "(drop (ref.test (ref $s) (local.get $s)))",
    "ref.cast": "(drop (ref.cast (ref $s) (local.get $s)))",
    "ref.i31": "(drop (i31.get_s (ref.i31 (local.get $n))))",
    "ref.eq": "(drop (ref.eq (local.get $s) (local.get $a)))",
    "br_on_cast": "(drop (block $b (result anyref)"
    " (br_on_cast $b anyref (ref $s) (local.get $s))))",
}


@pytest.mark.parametrize("instruction", RUNS)
def test_an_instruction_takes_no_native_stack_each_time_it_runs(instruction: str) -> None:
    """An operation ends with a jump to the next one. If it were a call, the stack would grow."""
    instance = load(
        f"""(module
          (type $s (struct (field (mut i32)) (field (mut f64)) (field (mut v128))))
          (type $a (array (mut i8))) (type $v (array (mut v128)))
          (type $r (array (mut (ref null $s))))
          (data $d "abcdef")
          (elem $e (ref null $s) (struct.new_default $s) (ref.null $s))
          (func (export "run") (param $n i32)
            (local $s (ref null $s)) (local $a (ref null $a))
            (local.set $s (struct.new_default $s))
            (local.set $a (array.new_default $a (i32.const 3)))
            (loop $again {RUNS[instruction]}
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))"""
    )
    instance.exports.run(400_000)


# ---- references that only a frame has ------------------------------------------------------------


def test_operands_live_although_no_local_has_them() -> None:
    """A reference stays on the operand stack while calls make garbage."""
    instance = load(
        """(module (type $p (struct (field i32)))
          (func $churn (param $n i32)
            (loop $again (drop (struct.new $p (i32.const 0)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func $get (param (ref $p) i32) (result i32)
            (i32.add (struct.get $p 0 (local.get 0)) (local.get 1)))
          (func (export "run") (result i32)
            (struct.new $p (i32.const 40)) (call $churn (i32.const 300000))
            (struct.get $p 0 (struct.new $p (i32.const 2))) (call $churn (i32.const 300000))
            (call $get)))"""
    )
    assert instance.exports.run() == 42


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no interval timers")
def test_a_reference_lives_while_a_signal_handler_collects() -> None:
    """Code that is long without calls has checkpoints, where a signal handler can run.

    A structure is all that the integer register has, while a long calculation with floats goes on.
    """
    floats = "(local.set $f (f64.add (local.get $f) (f64.const 1)))" * 300
    instance = load(
        f"""(module (type $p (struct (field i32)))
          (func (export "churn") (param $n i32)
            (loop $again (drop (struct.new $p (i32.const 0)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "run") (param $n i32) (result i32) (local $sum i32) (local $f f64)
            (loop $again
              (struct.new $p (i32.const 1)) {floats} (struct.get $p 0)
              (local.set $sum (i32.add (local.get $sum)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum)))"""
    )
    collections = 0

    def handler(*_: object) -> None:
        nonlocal collections
        collections += 1
        instance.exports.churn(300_000)
        signal.setitimer(signal.ITIMER_REAL, 0.01)  # only now, so that handlers do not nest

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    try:
        deadline = time.monotonic() + 60
        while collections < 5 and time.monotonic() < deadline:
            assert instance.exports.run(200_000) == 200_000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert collections >= 5


def test_spilled_locals_keep_their_objects() -> None:
    """Locals beyond those that fit the frame lie on a stack of their own."""
    locals_ = "(local (ref null $p)) " * 5000
    instance = load(
        f"""(module (type $p (struct (field i32)))
          (func $churn (param $n i32)
            (loop $again (drop (struct.new $p (i32.const 0)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "run") (result i32) {locals_}
            (local.set 4990 (struct.new $p (i32.const 42)))
            (call $churn (i32.const 300000))
            (struct.get $p 0 (local.get 4990))))"""
    )
    assert instance.exports.run() == 42


def test_the_values_of_an_exception_live_while_it_is_on_its_way() -> None:
    instance = load(
        """(module (type $p (struct (field i32))) (tag $e (param (ref $p)))
          (func $churn (param $n i32)
            (loop $again (drop (struct.new $p (i32.const 0)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func $throw (throw $e (struct.new $p (i32.const 42))))
          (func (export "run") (result i32) (local $x exnref)
            (local.set $x (block $h (result (ref $p) exnref)
              (try_table (catch_ref $e $h) (call $throw)) unreachable))
            (drop)
            (call $churn (i32.const 300000))
            (struct.get $p 0 (block $h (result (ref $p))
              (try_table (catch $e $h) (throw_ref (local.get $x))) unreachable))))"""
    )
    assert instance.exports.run() == 42


def test_arguments_of_a_host_function_live_while_it_collects() -> None:
    """The host function makes the guest allocate, and uses its own argument afterwards."""
    got: list[Any] = []

    def host(value: Any) -> Any:
        instance.exports.churn(300_000)
        got.append(value)
        return value

    instance = load(
        """(module (type $p (struct (field i32)))
          (import "env" "host" (func $host (param anyref) (result anyref)))
          (func (export "churn") (param $n i32)
            (loop $again (drop (struct.new $p (i32.const 0)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "run") (result i32)
            (struct.get $p 0 (ref.cast (ref $p)
              (call $host (struct.new $p (i32.const 42)))))))""",
        {"env": {"host": host}},
    )
    assert instance.exports.run() == 42
    assert len(got) == 1
    assert heap_bytes(instance) > 0
    got.clear()
    let_pypy_free()
    assert heap_bytes(instance) == 0


# ---- roots of the store --------------------------------------------------------------------------


def test_constant_expressions_make_objects_once() -> None:
    """The items of a segment are the same objects however often they are copied."""
    instance = load(
        """(module (type $p (struct (field (mut i32)))) (type $all (array (mut (ref null $p))))
          (global $g (ref $p) (struct.new $p (i32.const 7)))
          (table $t 4 (ref null $p))
          (elem $e (ref null $p) (struct.new $p (i32.const 1)) (global.get $g) (ref.null $p))
          (func $churn (param $n i32)
            (loop $again (drop (struct.new $p (i32.const 0)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "run") (result i32)
            (call $churn (i32.const 300000))
            (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 3))
            (table.init $t $e (i32.const 3) (i32.const 0) (i32.const 1))
            (i32.and
              (ref.eq (table.get $t (i32.const 0)) (table.get $t (i32.const 3)))
              (i32.and
                (ref.eq (table.get $t (i32.const 1)) (global.get $g))
                (ref.eq (table.get $t (i32.const 0))
                  (array.get $all (array.new_elem $all $e (i32.const 0) (i32.const 3))
                    (i32.const 0)))))))"""
    )
    assert instance.exports.run() == 1


def test_a_long_constant_expression_is_evaluated() -> None:
    values = " ".join(f"(i32.const {i})" for i in range(9_999))
    instance = load(
        f"""(module (type $a (array i32))
          (global $g (ref $a) (array.new_fixed $a 9999 {values}))
          (func (export "at") (param i32) (result i32)
            (array.get $a (global.get $g) (local.get 0))))"""
    )
    assert [instance.exports.at(i) for i in (0, 1, 5000, 9_998)] == [0, 1, 5000, 9_998]


@pytest.mark.parametrize("locals_", [0, 3_000, 50_000])
def test_an_array_is_made_of_10000_operands_whatever_locals_there_are(locals_: int) -> None:
    """That is how many operands V8 allows, so compilers keep to it."""
    values = " ".join(f"(i64.const {i})" for i in range(9_999))
    locals_ -= 1 if locals_ > 49_000 else 0  # the parameter counts, too
    instance = load(
        f"""(module (type $a (array i64))
          (func (export "at") (param i32) (result i64) (local {"i64 " * locals_})
            (array.get $a
              (array.new_fixed $a 10000 {values} (i64.extend_i32_u (local.get 0)))
              (local.get 0))))"""
    )
    assert [instance.exports.at(i) for i in (0, 1, 5000, 9_999)] == [0, 1, 5000, 9_999]


def test_constant_expressions_over_the_limit_are_refused() -> None:
    text = """(module (type $a (array (mut i64)))
      (global (ref $a) (array.new_default $a (i32.const 1000000))))"""
    with pytest.raises(pywasm3.UnsupportedError, match="structures and arrays"):
        load(text, heap=1 << 20)


def test_stores_have_heaps_of_their_own_on_any_thread() -> None:
    instances = [load(LIST) for _ in range(4)]

    def use(instance: pywasm3.Instance) -> None:
        instance.exports.push(50_000)
        instance.exports.churn(300_000)

    threads = [threading.Thread(target=use, args=(instance,)) for instance in instances]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {instance.exports.sum() for instance in instances} == {50_000 * 50_001 // 2}


# ---- objects of the host -------------------------------------------------------------------------


def test_objects_of_the_host_are_released_in_the_middle_of_a_call() -> None:
    """A guest makes strings by a host function, and forgets them, all in one call."""
    alive = peak = 0

    class Made:
        def __init__(self) -> None:
            nonlocal alive, peak
            alive += 1
            peak = max(alive, peak)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    instance = load(
        """(module (import "env" "make" (func $make (result externref)))
          (type $p (struct (field externref)))
          (global $kept (mut (ref null $p)) (ref.null $p))
          (func (export "run") (param $n i32)
            (global.set $kept (struct.new $p (call $make)))
            (loop $again (drop (call $make))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "kept") (result externref) (struct.get $p 0 (global.get $kept))))""",
        {"env": {"make": Made}},
    )
    instance.exports.run(50_000)
    assert peak < 10_000
    assert isinstance(instance.exports.kept(), Made)


def test_the_bytes_of_strings_count() -> None:
    instance = load(
        """(module (import "env" "double" (func $double (param externref) (result externref)))
          (func (export "run") (param $s externref) (param $n i32)
            (loop $again (local.set $s (call $double (local.get $s)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))""",
        {"env": {"double": lambda text: text + text}},
        total=1 << 20,
    )
    with pytest.raises(pywasm3.WasmError, match="as many externrefs as its limits allow"):
        instance.exports.run("x" * 64, 30)


def test_threads_let_go_of_objects_while_others_make_some() -> None:
    exports = load("""(module (type $s (struct (field i32)))
        (func (export "f") (param i32) (result (ref $s) (ref $s))
            (struct.new $s (local.get 0))
            (struct.new $s (i32.add (local.get 0) (i32.const 1)))))""").exports
    wrong: list[int] = []

    def use() -> None:
        for i in range(1000):
            first, second = exports.f(i)
            if (first[0], second[0]) != (i, i + 1):
                wrong.append(i)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
