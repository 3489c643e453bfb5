# SPDX-License-Identifier: MIT
"""Valid modules that wasm3 0.5.0 gets wrong give the right answer here.

There is one small module for each bug. docs/internals/wasm3-bugs.md explains the bugs and numbers
them B1, B2 and so on. Each docstring says what wasm3 does wrong. Where a module computes a result,
the test compares it with wasmtime's.
"""

from __future__ import annotations

from typing import Any

import pytest

import pywasm3
from helpers import SANITIZED, Oracle, child, load, wat


def check(text: str, *arguments: Any) -> Any:
    """Calls the export f, asserts that wasmtime gives the same result, and returns it."""
    data = wat(text)
    result = pywasm3.load(data).exports.f(*arguments)
    assert result == Oracle(data).call("f", *arguments)
    return result


def test_a_branch_carries_a_float_past_other_operands() -> None:
    """wasm3 bug B1: the branch writes a value 240 kB above the stack."""
    assert (
        check(
            """(module (func (export "f") (result f64)
            (block (result f64) i32.const 1 f64.const 2 br 0)))"""
        )
        == 2
    )


def test_a_branch_with_a_float_writes_nothing_beyond_the_end_of_the_stack() -> None:
    """wasm3 bug B1: in the last frame before a stack overflow, that write would crash.

    A page that cannot be accessed lies above the stack.
    """
    snippet = """
    exports = pywasm3.load(DATA).exports
    try:
        exports.f()
    except pywasm3.StackExhausted:
        raise SystemExit(0)
    """
    data = wat(
        """(module (func $f (export "f") (result f64) (local i64 i64 i64 i64 i64 i64 i64 i64)
        (drop (block (result i32 f64) i32.const 1 i32.const 1 f64.const 2 br 0))
        drop
        call $f))"""
    )
    child(snippet, DATA=data)


def test_a_branch_with_a_float_leaves_the_frame_small() -> None:
    """wasm3 bug B1: the slot number that is wrong would make the frame 240 kB large.

    The stack of this store has 4 kB.
    """
    text = """(module (func (export "f") (result i32)
        (drop (block (result i32 f64) i32.const 1 i32.const 2 f64.const 3 br 0))))"""
    assert load(text, store=pywasm3.Store(stack=4096)).exports.f() == 2


def test_a_branch_keeps_the_order_of_results_that_end_in_a_float() -> None:
    """wasm3 bug B1: the results come in another order."""
    assert check(
        """(module (func (export "f") (result i32 i64 f64)
        (block (result i32 i64 f64) i32.const 7 i32.const 1 i64.const 2 f64.const 3 br 0)))"""
    ) == (1, 2, 3.0)


def test_an_i64_local_that_is_set_while_it_is_an_operand_twice_keeps_both() -> None:
    """wasm3 bug B2: the second half of the saved value is freed after its first use."""
    assert (
        check(
            """(module (func (export "f") (param i64) (result i64)
            (block (result i64) local.get 0 local.get 0 local.set 0)))""",
            77,
        )
        == 77
    )


def test_a_conditional_branch_not_taken_leaves_the_float_in_its_register() -> None:
    """wasm3 bug B3: the code that moves the float runs only if the branch is taken."""
    assert (
        check(
            """(module (func (export "f") (param f64 f64 f64 i32) (result f64)
            (block (result f64)
              (f64.mul (local.get 0) (local.get 1)) local.get 2 local.get 3 br_if 0 f64.add)))""",
            *(2.0, 5.0, 3.0, 0),
        )
        == 13
    )


def test_calls_that_feed_each_other_need_no_more_room_with_each() -> None:
    """wasm3 bug B4: after 2,000 calls the compiler writes past its table of slots."""
    calls = "call $same " * 20_000
    assert (
        check(
            f"""(module (func $same (param i64) (result i64) local.get 0)
            (func (export "f") (result i64) i64.const 1 {calls}))"""
        )
        == 1
    )


def test_a_branch_to_a_loop_passes_its_parameters() -> None:
    """wasm3 bug B5: the parameters keep their old values, so the loop never ends."""
    assert (
        check(
            """(module (func (export "f") (result i32) (local i32)
            i32.const 0
            (loop (param i32) (result i32)
              local.set 0
              (if (i32.lt_s (local.get 0) (i32.const 10))
                (then (i32.add (local.get 0) (i32.const 1)) br 1))
              local.get 0)))"""
        )
        == 10
    )


@pytest.mark.parametrize(
    "values",
    [
        "local.get 0 local.get 0",
        "i32.const 1 i32.const 1",
        "local.get 0 local.get 0 (local.set 0 (i32.const 9))",
    ],
)
def test_loop_parameters_that_begin_equal_have_slots_of_their_own(values: str) -> None:
    """wasm3 bug B6: a branch back writes both parameters to the same slot."""
    assert (
        check(
            f"""(module (func (export "f") (param i32) (result i32) (local i32 i32)
            {values}
            (loop (param i32 i32) (result i32)
              local.set 2
              local.set 1
              (if (i32.lt_s (local.get 2) (i32.const 50))
                (then local.get 1 (i32.mul (local.get 2) (i32.const 3)) br 1))
              (i32.sub (local.get 2) (local.get 1)))))""",
            1,
        )
        == 80
    )


def test_results_that_swap_their_slots_are_all_kept() -> None:
    """wasm3 bug B7: only the first value that would be overwritten is saved."""
    assert check(
        """(module (func (export "f") (param i64 i32 i32) (result i32 i64 i32)
        local.get 0 local.get 1 local.get 2
        (block (param i64 i32 i32) (result i32 i64 i32)
          (local.set 1) (local.set 2) (local.set 0)
          local.get 1 local.get 0 local.get 2)))""",
        *(7, 42, 43),
    ) == (43, 7, 42)


def test_values_that_go_round_in_a_circle_with_one_waiting_outside_all_arrive() -> None:
    """This is not a bug of wasm3: the fuzzer found it in our own moves of values."""
    assert (
        check(
            """(module (func $same (param f64) (result f64) local.get 0)
            (func (export "f") (result f32)
              f64.const 0 f32.const 0
              (loop (param f64 f32) (result f32 i32 f64 f32)
                drop drop
                f32.const 5
                (i32.trunc_sat_f64_s (f64.const 0))
                (call $same (f64.const 0))
                (f32.convert_i64_s (i64.extend16_s (i64.const -1))))
              drop drop drop))"""
        )
        == 5
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_values_that_change_places_leave_alone_what_lies_above_them(count: int) -> None:
    """The result of call_indirect lies above slots that its arguments no longer use."""
    text = f"""(module (type $t (func (param {"i32 " * count}) (result i32)))
        (table funcref (elem $f)) (global $zero i32 (i32.const 0)) (global $one i32 (i32.const 1))
        (func $f (type $t) (i32.const 77))
        (func (export "f") (param i32) (result i32 i32 i32)
          {"(global.get $zero)" * count} (call_indirect (type $t) (global.get $zero))
          (block (result i32 i32)
            (i32.add (local.get 0) (local.get 0))
            (global.get $one)
            (drop (i32.eqz (local.get 0))))))"""
    assert check(text, 4) == (77, 8, 1)


def test_many_values_that_move_down_by_one_all_arrive() -> None:
    many = range(20)
    text = f"""(module {"".join(f"(global i32 (i32.const {i}))" for i in many)}
        (func (export "f") (result {"i32 " * 20}) (block (result {"i32 " * 20})
          (global.get 7) {"".join(f"(global.get {i})" for i in many)} (br 0))))"""
    assert check(text) == tuple(many)


def test_a_float_on_top_is_read_before_its_slot_takes_another_result() -> None:
    """wasm3 bug B7: the first result goes to the slot in which the last one still lies."""
    assert check(
        """(module (func (export "f") (param f32) (result i32 f32)
        (block (result i32 f32)
          i32.const 5
          (f32.add (local.get 0) (local.get 0))
          (f32.add (local.get 0) (f32.const 1))
          drop)))""",
        3.0,
    ) == (5, 6.0)


def test_a_block_parameter_that_shares_its_slot_stays_shared() -> None:
    """wasm3 bug B8: the parameter is pushed back as if no other operand used its slot."""
    assert (
        check(
            """(module (func (export "f") (param i32) (result i32)
            local.get 0 local.get 0 (local.set 0 (i32.const 9))
            (block (param i32) drop)
            (i32.mul (i32.const 3) (i32.const 4)) drop
            i32.const 2 i32.mul))""",
            21,
        )
        == 42
    )


def test_more_operands_than_a_function_can_have_are_refused() -> None:
    """wasm3 bug B9: the error is ignored, and the compiler writes beyond its table."""
    operands = 14_000
    data = wat(
        f"""(module (func (export "f") (param i32) (result i32)
        {"local.get 0 " * operands} {"i32.add " * (operands - 1)}))"""
    )
    function = pywasm3.load(data).exports.f
    for _ in range(2):
        with pytest.raises(pywasm3.UnsupportedError):
            function(1)


def test_growth_in_a_nested_call_keeps_the_check_of_the_stack() -> None:
    """wasm3 bug B10: the growth turns the check off, so recursion runs past the end."""
    data = wat(
        """(module (import "env" "host" (func $host)) (memory 1)
        (func (export "grow") (result i32) (memory.grow (i32.const 1)))
        (func $endless (export "endless") call $endless)
        (func (export "f") call $host))"""
    )
    exports: Any = None

    def host() -> None:
        assert exports.grow() >= 1
        with pytest.raises(pywasm3.StackExhausted):
            exports.endless()

    exports = pywasm3.load(data, {"env": {"host": host}}).exports
    exports.f()
    with pytest.raises(pywasm3.StackExhausted):
        exports.endless()


def test_a_function_that_cannot_be_compiled_is_refused_each_time_it_is_called() -> None:
    """wasm3 bug B11: the second call runs data as if it were code."""
    operands = 14_000
    data = wat(
        f"""(module (func $big (param i32) (result i32)
        {"local.get 0 " * operands} {"i32.add " * (operands - 1)})
        (func (export "f") (param i32) (result i32) local.get 0 call $big))"""
    )
    function = pywasm3.load(data).exports.f
    for _ in range(3):
        with pytest.raises(pywasm3.UnsupportedError):
            function(1)


@pytest.mark.parametrize("count", [100, 990])
def test_the_arguments_of_a_callee_count_in_the_frame_of_the_caller(count: int) -> None:
    """wasm3 bug B12: 990 arguments are written past the end of a small stack."""
    params = " ".join(["i64"] * count)
    values = "i64.const 1 " * count
    data = wat(
        f"""(module (func $many (param {params}))
        (func $f (export "f") {values} call $many call $f))"""
    )
    for stack in (1, 20_000, 1 << 20):
        instance = pywasm3.Instance(pywasm3.Module(data), store=pywasm3.Store(stack=stack))
        with pytest.raises(pywasm3.StackExhausted):
            instance.exports.f()


def test_operands_dropped_before_a_call_without_values_count_in_the_frame() -> None:
    text = f"""(module (global $g i64 (i64.const 1)) (func $empty)
        (func (export "f") {"global.get $g " * 4000} {"drop " * 4000} call $empty))"""
    with pytest.raises(pywasm3.StackExhausted):
        load(text, store=pywasm3.Store(stack=4096)).exports.f()


def test_calls_without_values_end_before_the_native_stack_does() -> None:
    """wasm3 bug B13: a call takes 8 bytes of the value stack, but 80 of the native one."""
    snippet = """
    store = pywasm3.Store(stack=1 << 24)
    exports = pywasm3.Instance(pywasm3.Module(DATA), store=store).exports
    for function in (exports.f, exports.through_loops):
        try:
            function()
        except pywasm3.StackExhausted:
            continue
        raise SystemExit(1)
    """
    data = wat(
        """(module (func $f (export "f") call $f)
        (func $g (export "through_loops") (loop (loop (loop)) call $g)))"""
    )
    child(snippet, DATA=data)


def test_loops_in_a_row_take_no_native_stack() -> None:
    """wasm3 bug B13: the code after a loop runs in the loop's native frame.

    300,000 loops in a row are too many for the native stack.
    """
    snippet = """
    from large import LOOP, END, one, get
    assert pywasm3.load(one((LOOP + END) * 300_000 + get(0))).exports.f(7) == 7
    """
    child(snippet)


def test_growing_by_minus_one_fails() -> None:
    """wasm3 bug B14: the memory shrinks."""
    text = '(module (memory 2) (func (export "f") (result i32) (memory.grow (i32.const -1))))'
    assert check(text) == -1


def test_many_locals_keep_their_values() -> None:
    """wasm3 bug B15: the size of the locals in bytes wraps around at 65,536."""
    assert check(_with_locals(3999)) == 7
    assert check(_with_locals(9000)) == 7


def _with_locals(count: int) -> str:
    locals_ = " ".join(["i64"] * count)
    return f"""(module (func (export "f") (result i64) (local {locals_})
        (local.set {count - 1} (i64.const 7))
        (i64.add (local.get 0) (local.get {count - 1}))))"""


def test_a_local_may_be_an_operand_many_times_when_it_is_set() -> None:
    """wasm3 bug B16: more than 255 uses are refused."""
    assert (
        check(
            f"""(module (func (export "f") (param i32) (result i32)
            {"local.get 0 " * 600} (local.set 0 (i32.const 5)) {"i32.add " * 599}))""",
            1,
        )
        == 600
    )


BITS = "(f32.reinterpret_i32 (local.get 0))"  # in the register; a parameter is in a slot


@pytest.mark.parametrize("value", ["(local.get 1)", BITS])
@pytest.mark.parametrize(
    "body",
    [
        "VALUE",
        "(f32.neg (f32.neg VALUE))",
        "(f32.abs VALUE)",
        "(f32.copysign VALUE (f32.const 1))",
        "(f32.copysign VALUE (f32.load (i32.const 8)))",
        "(f32.reinterpret_i32 (i32.reinterpret_f32 VALUE))",
        "(select VALUE (f32.const 1) (i32.const 1))",
        "(select (f32.const 1) VALUE (i32.const 0))",
        "(select VALUE (f32.const 1) (i32.load (i32.const 4)))",
        "(select (f32.const 1) VALUE (i32.load (i32.const 12)))",
        "(f32.store (i32.const 0) VALUE) (f32.load (i32.const 0))",
        "(f32.store (i32.load (i32.const 12)) VALUE) (f32.load (i32.load (i32.const 12)))",
        "(local.set 2 VALUE) (local.get 2)",
        "(local.get 2) (local.set 2 VALUE) (drop) (local.get 2)",
        "(global.set 0 VALUE) (global.get 0)",
        "(call $same VALUE)",
        "(block (result f32) VALUE (br 0))",
        "(block (result f32) VALUE (br_if 0 (i32.const 1)))",
        "(loop (result f32) VALUE)",
        "(if (result f32) (i32.const 1) (then VALUE) (else (f32.const 1)))",
        "(return VALUE)",
    ],
)
def test_a_signalling_nan_of_f32_keeps_its_bits(body: str, value: str) -> None:
    """wasm3 bug B17: the NaN becomes quiet, because it is kept as an f64."""
    body = body.replace("VALUE", value)
    data = wat(
        f"""(module (memory 1) (global (mut f32) (f32.const 0))
        (data (i32.const 4) "\\01\\00\\00\\00\\00\\00\\80\\3f")
        (func $same (param f32) (result f32) local.get 0)
        (func (export "f") (param i32 f32) (result f32) (local f32) {body}))"""
    )
    assert pywasm3.load(data).exports.f.raw(0x7FA00001, 0x7FA00001) == 0x7FA00001


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory back")
def test_failed_compilations_leave_no_memory_behind() -> None:
    """wasm3 bug B18: a failure in an else arm or at a target of a br_table loses a page of code."""
    snippet = """
    import pathlib, resource
    PAGE = resource.getpagesize()
    statm = pathlib.Path("/proc/self/statm")
    if not statm.exists():
        raise SystemExit(0)

    def try_often(function):
        for _ in range(3000):
            try:
                function(1)
            except pywasm3.UnsupportedError:
                continue
            raise SystemExit(1)

    exports = pywasm3.load(DATA).exports
    for function in (exports.in_else, exports.in_table):
        try_often(function)
        before = int(statm.read_text().split()[1])
        try_often(function)
        assert (int(statm.read_text().split()[1]) - before) * PAGE < 2 << 20
    """
    types = "i64 " * 400
    table = "(block (type $same) (br_table 0 1 2 3 4 5 6 (local.get 0)))"
    data = wat(
        f"""(module (type $many (func (result {types})))
        (type $same (func (param {types}) (result {types})))
        (func (export "in_else") (param i32)
          (if (local.get 0) (then) (else {"local.get 0 " * 14_000} {"drop " * 14_000})))
        (func (export "in_table") (param i32)
          {"(block (type $many) " * 6} {"i64.const 1 " * 400} {table * 1000}
          {") unreachable " * 6}))"""
    )
    child(snippet, DATA=data)


def test_code_that_cannot_be_reached_is_not_compiled() -> None:
    """wasm3 finds no operation for operands without a type, which such code may have."""
    assert (
        check(
            """(module (func (export "f") (result i32) (block (result i32)
            i32.const 4 br 0 i32.add drop (block) (if (result i64)
            (then unreachable) (else i64.const 1)) drop
            (br_table 0 0 (i32.const 1) (i32.const 0)))))"""
        )
        == 4
    )


@pytest.mark.parametrize(
    "dead",
    [
        "i32.const 11 drop",
        "i64.const 11 drop",
        "f32.const 0x1.161616p-105 drop",
        "f64.const 0x1.b0b0b0b0b0b0bp-847 drop",
        "local.get 11 drop",
        "local.set 11",
        "global.get 11 drop",
        "call 11",
        "ref.func 11 drop",
        "call_indirect (type 11)",
        "call_indirect 11 (type 0)",
        "i32.load offset=11 drop",
        "i64.store offset=11 align=1",
        "memory.size drop",
        "memory.grow drop",
        "memory.copy",
        "memory.fill",
        "memory.init 11",
        "data.drop 11",
        "table.get 11 drop",
        "table.set 11",
        "table.init 11 11",
        "elem.drop 11",
        "table.copy 11 11",
        "table.grow 11 drop",
        "table.size 11 drop",
        "table.fill 11",
        "select (result i32) drop",
        "select (result (ref null 11)) drop",
        "ref.null func drop",
        "ref.is_null drop",
        "i32.trunc_sat_f64_u drop",
        "block (type 11) end",
        "loop (result i64) unreachable end drop",
        "if nop else nop end",
        "block br 0 end",
        "block i32.const 0 br_if 0 end",
        f"{'block ' * 12} i32.const 0 br_table 11 11 11 11 {'end ' * 12}",
        "return",
        "unreachable",
    ],
)
def test_immediates_that_look_like_an_end_are_skipped_in_code_that_cannot_be_reached(
    dead: str,
) -> None:
    """Many of the immediates are the number 11, which is also the opcode of `end`."""
    many = range(12)
    text = f"""(module
        {"(type (func))" * 12}
        {"".join(f"(global (mut i32) (i32.const {i}))" for i in many)}
        {"(table 1 funcref)" * 12} (memory 1)
        {"(func)" * 12} {"(elem func 11)" * 12} {'(data "")' * 12}
        (func (export "f") (result i32) (local {"i32 " * 12})
          (block (result i32) i32.const 4 br 0 {dead} unreachable)
          i32.const 1 i32.add))"""
    assert check(text) == 5


def test_blocks_nest_until_the_native_stack_is_used_up() -> None:
    """The compiler is recursive, so blocks that are too deep for the native stack are refused."""
    snippet = """
    import threading
    from large import BLOCK, END, one, get
    def run():
        for depth in (100, 1_000_000):
            try:
                assert pywasm3.load(one(BLOCK * depth + END * depth + get(0))).exports.f(7) == 7
            except pywasm3.UnsupportedError:
                assert depth > 100
            done.append(depth)
    done = []
    threading.stack_size(1 << 20)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert done == [100, 1_000_000]
    """
    child(snippet)


def test_a_host_function_that_fails_leaves_the_stack_where_it_was() -> None:
    """wasm3 bug B19: leaving a host call other than by returning shifts the stack for good."""
    data = wat(
        """(module (import "env" "host" (func $host (param i32)))
        (func (export "f") (param i32) local.get 0 call $host))"""
    )

    def host(value: int) -> None:
        raise KeyError(value)

    store = pywasm3.Store(stack=4096)
    function = pywasm3.Instance(
        pywasm3.Module(data), {"env": {"host": host}}, store=store
    ).exports.f
    for _ in range(2000):
        with pytest.raises(KeyError):
            function(1)
