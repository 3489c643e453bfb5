# SPDX-License-Identifier: MIT
"""Tail calls and calls by reference: return_call, return_call_indirect, call_ref, return_call_ref.

Random modules are compared with wasmtime; a loop of tail calls must not exhaust the stack.
"""

from __future__ import annotations

import random
import time

import pytest

import pywasm3
from helpers import SANITIZED, TYPES, Oracle, child, load, on_thread, wat
from pywasm3 import TrapKind

MANY = 1_000_000 if SANITIZED else 10_000_000

COUNT = """
(module
  (type $step (func (param i64 i64) (result i64)))
  (table funcref (elem $indirect))
  (elem declare func $by_reference)
  (func $direct (export "direct") (type $step)
    (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call $direct
      (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1))))
  (func $indirect (export "indirect") (type $step)
    (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call_indirect (type $step)
      (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1)) (i32.const 0)))
  (func $by_reference (export "by_reference") (type $step)
    (if (i64.eqz (local.get 0)) (then (return (local.get 1))))
    (return_call_ref $step
      (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1))
      (ref.func $by_reference)))
  (func $from_loops (export "from_loops") (type $step)
    (loop
      (br_if 0 (i64.eqz (i64.const 1)))
      (loop
        (block
          (br_if 0 (i64.eqz (local.get 0)))
          (return_call $from_loops
            (i64.sub (local.get 0) (i64.const 1)) (i64.add (local.get 1) (i64.const 1))))))
    local.get 1))
"""


@pytest.mark.parametrize("name", ["direct", "indirect", "by_reference", "from_loops"])
def test_ten_million_tail_calls_need_the_stack_of_one(name: str) -> None:
    instance = pywasm3.Instance(pywasm3.Module(wat(COUNT)), store=pywasm3.Store(stack=1))
    before = time.perf_counter()
    assert on_thread(lambda: instance.exports[name](MANY, 0), stack=256 << 10) == MANY
    assert SANITIZED or time.perf_counter() - before < 2


PING = """
(module
  (type $t (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table (export "table") 1 funcref)
  (func $ping (export "ping") (type $t)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (if (i32.eqz (local.get 0)) (then (return (i32.load (i32.const 0)))))
    (return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)))
  (func (export "ping_and_load") (param i32) (result i32 i32)
    (call $ping (local.get 0)) (i32.load (i32.const 0))))
"""
PONG = """
(module
  (type $t (func (param i32) (result i32)))
  (import "a" "table" (table 1 funcref))
  (import "a" "ping" (func $ping (type $t)))
  (memory (export "memory") 1)
  (elem (i32.const 0) $pong)
  (func $pong (type $t)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (if (i32.eqz (local.get 0)) (then (return (i32.const -1))))
    (return_call $ping (i32.sub (local.get 0) (i32.const 1)))))
"""


def test_instances_that_tail_call_each_other_run_on_their_own_memories() -> None:
    store = pywasm3.Store()
    ping = pywasm3.Instance(pywasm3.Module(wat(PING)), store=store)
    pong = pywasm3.Instance(pywasm3.Module(wat(PONG)), {"a": ping}, store=store)
    assert ping.exports.ping_and_load(1_000_000) == (500_001, 500_001)
    assert int.from_bytes(pong.exports.memory[0:4], "little") == 500_000
    assert ping.exports.ping_and_load(1) == (-1, 500_002)


def test_a_host_function_is_tail_called() -> None:
    text = """(module
        (import "env" "f" (func $f (param i64 f32 i32) (result i32 f64)))
        (func (export "f") (param i32) (result i32 f64)
          (loop (return_call $f (i64.const 7) (f32.const 1.5) (local.get 0))) unreachable)
        (func (export "twice") (param i32) (result i32)
          (call 1 (local.get 0)) drop (call 1 (local.get 0)) drop i32.add))"""
    exports = load(text, {"env": {"f": lambda a, b, c: (int(a) * c, b * 2)}}).exports
    assert exports.f(6) == (42, 3.0)
    assert exports.twice(6) == 84


def test_an_exception_of_a_tail_called_host_function_comes_through() -> None:
    def fail() -> None:
        raise KeyError("mine")

    text = """(module (import "env" "f" (func $f)) (func $caller (export "f") (return_call $f))
        (func (export "g") (call $caller)))"""
    exports = load(text, {"env": {"f": fail}}).exports
    with pytest.raises(KeyError, match="mine") as caught:
        exports.g()
    (note,) = caught.value.__notes__  # type: ignore[attr-defined,unused-ignore]
    assert note.splitlines()[1:] == ["  at g (function 2, offset 0x33)"]


@pytest.mark.parametrize("count", [17, 999])
@pytest.mark.parametrize("type_", ["i32", "i64", "f32", "f64"])
def test_the_callee_may_have_many_more_arguments(count: int, type_: str) -> None:
    values = " ".join(f"({type_}.const {i % 100})" for i in range(count))
    total = "(local.get 0)" + "".join(f"(local.get {i}) {type_}.add " for i in range(1, count))
    data = wat(
        f"""(module
        (func $sum (param {f"{type_} " * count}) (result {type_}) {total})
        (func (export "f") (result {type_}) (return_call $sum {values})))"""
    )
    expected = sum(i % 100 for i in range(count))
    for stack in (1, 1 << 20):
        instance = pywasm3.Instance(pywasm3.Module(data), store=pywasm3.Store(stack=stack))
        assert instance.exports.f() == expected


def test_a_callee_that_does_not_fit_the_stack_is_refused_on_entry() -> None:
    locals_ = "i64 " * 3900
    instance = pywasm3.Instance(
        pywasm3.Module(
            wat(
                f"""(module (func $large (export "large") (local {locals_}))
                (func (export "f") (return_call $large)))"""
            )
        ),
        store=pywasm3.Store(stack=1),
    )
    with pytest.raises(pywasm3.StackExhausted) as caught:
        instance.exports.f()
    assert [frame.name for frame in caught.value.frames] == ["large"]


def random_module(seed: int) -> str:
    """A module whose f passes on its parameters in another order, beside constants and sums."""
    rng = random.Random(seed)
    params = [rng.choice(TYPES) for _ in range(rng.randint(1, 20))]
    results = [rng.choice(TYPES) for _ in range(rng.randint(0, 4))]
    chosen, values = [], []
    for _ in range(rng.randint(0, 24)):
        index = rng.randrange(len(params))
        type_ = params[index]
        chosen.append(type_)
        values.append(
            rng.choice(
                [
                    f"(local.get {index})",
                    f"({type_}.const {rng.randint(0, 99)})",
                    f"({type_}.add (local.get {index}) ({type_}.const 3))",
                    f"(block (result {type_}) (local.get {index}))",
                ]
            )
        )
    # Every argument of the callee changes every result.
    folds = ["(f64.const 1)"]
    for i, type_ in enumerate(chosen):
        cast = {"f64": "", "f32": "f64.promote_f32"}.get(type_, f"f64.convert_{type_}_s")
        folds.append(f"(f64.const 3) f64.mul (local.get {i}) {cast} f64.add")
    out = {
        "f64": "",
        "f32": "f32.demote_f64",
        "i32": "i32.trunc_sat_f64_s",
        "i64": "i64.trunc_sat_f64_s",
    }
    body = " ".join(f"{' '.join(folds)} {out[type_]}" for type_ in results)
    signature = f"(param {' '.join(chosen)}) (result {' '.join(results)})"
    call = rng.choice(
        [
            f"(return_call $g {' '.join(values)})",
            f"(return_call_indirect (type $t) {' '.join(values)} (i32.const 1))",
            f"(return_call_indirect (type $t) {' '.join(values)} (local.get $index))",
            f"(return_call_ref $t {' '.join(values)} (ref.func $g))",
        ]
    )
    wrap = rng.choice(["{}", "(block {}) unreachable", "(loop {}) unreachable",
                       "(if (local.get $index) (then {})) unreachable"])  # fmt: skip
    calls = f"(call $f {' '.join(f'(local.get {i})' for i in range(len(params)))} (i32.const 1))"
    return f"""(module
      (type $t (func {signature}))
      (table funcref (elem $f $g))
      (func $f (param {" ".join(params)}) (param $index i32) (result {" ".join(results)})
        {wrap.format(call)})
      (func $g (type $t) {body})
      (func (export "f") (param {" ".join(params)}) (result {" ".join(results)}) {calls}))"""


@pytest.mark.parametrize("seed", range(60))
def test_arguments_arrive_whatever_their_order(seed: int) -> None:
    data = wat(random_module(seed))
    function = pywasm3.load(data).exports.f
    arguments = [
        float(i + 2) if str(type_).startswith("f") else i + 2
        for i, type_ in enumerate(function.type.params)
    ]
    assert function(*arguments) == Oracle(data).call("f", *arguments)


TRAPS = """
(module
  (type $t (func (param i32) (result i32)))
  (type $other (func))
  (table 3 funcref)
  (elem (i32.const 0) $trap $unlike)
  (func $trap (export "trap") (type $t) unreachable)
  (func $unlike (type $other))
  (func $middle (export "middle") (type $t) (return_call $trap (local.get 0)))
  (func $table (export "table") (type $t)
    (return_call_indirect (type $t) (i32.const 7) (local.get 0)))
  (func $outer (export "outer") (type $t) (call $middle (local.get 0)))
  (func $through (export "through") (type $t) (call $table (local.get 0))))
"""


def frames(name: str, argument: int) -> tuple[TrapKind, list[tuple[str | None, bool]]]:
    data = wat(TRAPS)
    with pytest.raises(pywasm3.Trap) as caught:
        pywasm3.load(data).exports[name](argument)
    return caught.value.kind, [
        (frame.name, data[frame.offset or 0]) for frame in caught.value.frames
    ]


def test_the_frame_of_a_trap_is_the_tail_called_function() -> None:
    assert frames("outer", 0) == (TrapKind.UNREACHABLE, [("trap", 0x00), ("outer", 0x10)])
    assert frames("through", 0) == (TrapKind.UNREACHABLE, [("trap", 0x00), ("through", 0x10)])


@pytest.mark.parametrize(
    ("element", "kind"),
    [
        (1, TrapKind.INDIRECT_CALL_TYPE),
        (2, TrapKind.UNINITIALIZED_ELEMENT),
        (3, TrapKind.UNDEFINED_ELEMENT),
        (-1, TrapKind.UNDEFINED_ELEMENT),
    ],
)
def test_if_no_callee_is_found_the_frame_is_the_caller(element: int, kind: TrapKind) -> None:
    assert frames("through", element) == (kind, [("table", 0x13), ("through", 0x10)])


REFERENCES = """
(module
  (type $t (func (param i32 f64) (result f64 i32)))
  (elem declare func $swap)
  (func $swap (type $t) (local.get 1) (local.get 0))
  (func (export "call") (param i32 f64) (result f64 i32)
    (call_ref $t (local.get 0) (local.get 1) (ref.func $swap)))
  (func (export "operands") (param i32 f64) (result i32 f64 i32)
    (i32.add (local.get 0) (i32.const 1))
    (call_ref $t (i32.mul (local.get 0) (i32.const 2)) (f64.neg (local.get 1)) (ref.func $swap)))
  (func (export "null") (result f64 i32)
    (call_ref $t (i32.const 0) (f64.const 0) (ref.null $t)))
  (func (export "return_null") (result f64 i32)
    (return_call_ref $t (i32.const 0) (f64.const 0) (ref.null $t))))
"""


def test_a_function_is_called_by_reference() -> None:
    exports = load(REFERENCES).exports
    assert exports.call(3, 1.5) == (1.5, 3)
    assert exports.operands(3, 1.5) == (4, -1.5, 6)


@pytest.mark.parametrize(("name", "opcode"), [("null", 0x14), ("return_null", 0x15)])
def test_calling_a_null_reference_traps(name: str, opcode: int) -> None:
    data = wat(REFERENCES)
    with pytest.raises(pywasm3.Trap) as caught:
        pywasm3.load(data).exports[name]()
    assert caught.value.kind is TrapKind.NULL_FUNCTION_REFERENCE
    (frame,) = caught.value.frames
    assert frame.name == name
    assert data[frame.offset or 0] == opcode


def test_what_follows_a_tail_call_is_not_compiled() -> None:
    text = """(module (type $t (func (result i32))) (table funcref (elem $one))
        (elem declare func $one)
        (func $one (type $t) (i32.const 1))
        (func (export "f") (param i32) (result i32)
          (block (return_call $one) (i32.add) (drop)
            (return_call_ref $t) (call_ref $t) (drop))
          (if (result i32) (local.get 0)
            (then (return_call_indirect (type $t) (i32.const 0)) (i64.eqz) (drop))
            (else (return_call_ref $t (ref.func $one)) (f64.neg) (drop) (return_call $one)))))"""
    assert load(text).exports.f(0) == 1


def test_a_function_of_mutual_recursion_may_tail_call() -> None:
    text = """(module
        (func $f (export "f") (param i32) (result i32)
          (if (i32.lt_s (local.get 0) (i32.const 2)) (then (return (local.get 0))))
          (return_call $sum (local.get 0)
            (call $f (i32.sub (local.get 0) (i32.const 1)))))
        (func $sum (param i32 i32) (result i32)
          (i32.add (local.get 1) (call $f (i32.sub (local.get 0) (i32.const 2))))))"""
    assert load(text).exports.f(20) == 6765


ENDLESS = """
(module (type $t (func)) (table funcref (elem $indirect)) (elem declare func $by_reference)
  (func $direct (export "direct") nop (return_call $direct))
  (func $indirect (export "indirect") nop (return_call_indirect (type $t) (i32.const 0)))
  (func $by_reference (export "by_reference") nop (return_call_ref $t (ref.func $by_reference))))
"""


@pytest.mark.parametrize(
    ("name", "opcode"), [("direct", 0x12), ("indirect", 0x13), ("by_reference", 0x15)]
)
def test_an_endless_tail_call_is_interrupted_where_it_calls(name: str, opcode: int) -> None:
    child(
        """
        import re, signal
        signal.signal(signal.SIGALRM, lambda *_: 1 / 0)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        place = hex(WASM.rindex(OPCODE))
        try:
            pywasm3.load(WASM).exports[NAME.decode()]()
        except ZeroDivisionError as error:
            notes = str(getattr(error, "__notes__", "offset " + place))  # from Python 3.11 on
            assert re.findall("offset (0x[0-9a-f]+)", notes) == [place], notes
        else:
            raise AssertionError
        """,
        WASM=wat(ENDLESS),
        NAME=name.encode(),
        OPCODE=bytes([opcode]),
    )


def test_a_callee_that_cannot_be_compiled_is_named() -> None:
    text = f"""(module
        (func $large (export "large") {"i32.const 1 " * 13_313} {"drop " * 13_313})
        (func (export "f") (return_call $large))
        (func (export "g") (call $large)))"""
    exports = load(text).exports
    for name in ("f", "f", "g", "g", "large"):
        with pytest.raises(pywasm3.UnsupportedError, match="large") as caught:
            exports[name]()
        assert caught.value.function == 0


def test_frames_begin_with_the_function_that_cannot_be_compiled() -> None:
    text = f"""(module (func $large {"i32.const 1 " * 13_313} {"drop " * 13_313})
        (func $f (export "f") (return_call $large)) (func (export "g") (call $f)))"""
    with pytest.raises(pywasm3.UnsupportedError) as caught:
        load(text).exports.g()
    names = [line.split()[1] for line in str(caught.value).splitlines()[1:]]
    assert names == ["large", "g"]  # a tail call ends the frame of f


CALLED = """
(module
  (type $t (func (param i32) (result i32)))
  (table (ref null $t) (elem (ref.func $halve)))
  (func $halve (type $t) (i32.div_s (i32.const 100) (local.get 0)))
  (func (export "f") (param i32) (result i32)
    (call_ref $t (local.get 0) (table.get 0 (i32.const 0)))))
"""


def test_a_reference_is_called_as_it_comes_from_a_table() -> None:
    assert load(CALLED).exports.f(4) == 25


def test_the_frame_of_the_caller_by_reference_points_at_the_call() -> None:
    data = wat(CALLED)
    with pytest.raises(pywasm3.Trap) as caught:
        pywasm3.load(data).exports.f(0)
    opcodes = [data[frame.offset or 0] for frame in caught.value.frames]
    assert opcodes == [0x6D, 0x14]  # i32.div_s, call_ref
