# SPDX-License-Identifier: MIT
"""Traps with their kinds and frames, the hierarchy of the exceptions, and their texts.

The phrases are those of the specification and its test-suite. The offsets of frames are checked by
the opcode that stands there, and against wasmtime's.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable
from typing import Any

import pytest
import wasmtime

import pywasm3
from helpers import GUESTS, SANITIZED, Oracle, child, guest, load, wat
from pywasm3 import Frame, StackExhausted, Trap, TrapKind, WasmError

# Opcodes of the instructions that trap or call: the offset of a frame must point at one.
UNREACHABLE, CALL, CALL_INDIRECT = 0x00, 0x10, 0x11
I32_LOAD, I32_STORE, I32_DIV_S, I32_REM_U = 0x28, 0x36, 0x6D, 0x70
I64_DIV_S, I64_REM_S, I32_TRUNC_F64_S = 0x7F, 0x81, 0xAA

TRAPS = """
(module
  (type $v (func)) (type $i (func (result i32)))
  (memory 1) (table 2 funcref) (elem (i32.const 0) $unreachable)
  (func $unreachable (export "unreachable") unreachable)
  (func (export "load") (param i32) (result i32) local.get 0 i32.load)
  (func (export "store") (param i32) local.get 0 i32.const 1 i32.store)
  (func (export "div") (param i32 i32) (result i32) local.get 0 local.get 1 i32.div_s)
  (func (export "rem") (param i32 i32) (result i32) local.get 0 local.get 1 i32.rem_u)
  (func (export "div64") (param i64 i64) (result i64) local.get 0 local.get 1 i64.div_s)
  (func (export "rem64") (param i64 i64) (result i64) local.get 0 local.get 1 i64.rem_s)
  (func (export "trunc") (param f64) (result i32) local.get 0 i32.trunc_f64_s)
  (func (export "indirect") (param i32) local.get 0 call_indirect (type $v))
  (func (export "typed") (param i32) (result i32) local.get 0 call_indirect (type $i)))
"""

MIN32, MIN64 = -(1 << 31), -(1 << 63)

CASES: list[tuple[str, tuple[Any, ...], TrapKind, int]] = [
    ("unreachable", (), TrapKind.UNREACHABLE, UNREACHABLE),
    ("load", (65536,), TrapKind.MEMORY_OUT_OF_BOUNDS, I32_LOAD),
    ("load", (65533,), TrapKind.MEMORY_OUT_OF_BOUNDS, I32_LOAD),
    ("load", (-1,), TrapKind.MEMORY_OUT_OF_BOUNDS, I32_LOAD),
    ("store", (65536,), TrapKind.MEMORY_OUT_OF_BOUNDS, I32_STORE),
    ("store", (-4,), TrapKind.MEMORY_OUT_OF_BOUNDS, I32_STORE),
    ("div", (1, 0), TrapKind.DIVIDE_BY_ZERO, I32_DIV_S),
    ("div", (MIN32, -1), TrapKind.INTEGER_OVERFLOW, I32_DIV_S),
    ("rem", (1, 0), TrapKind.DIVIDE_BY_ZERO, I32_REM_U),
    ("div64", (1, 0), TrapKind.DIVIDE_BY_ZERO, I64_DIV_S),
    ("div64", (MIN64, -1), TrapKind.INTEGER_OVERFLOW, I64_DIV_S),
    ("rem64", (1, 0), TrapKind.DIVIDE_BY_ZERO, I64_REM_S),
    ("trunc", (1e10,), TrapKind.INTEGER_OVERFLOW, I32_TRUNC_F64_S),
    ("trunc", (float("nan"),), TrapKind.INVALID_CONVERSION, I32_TRUNC_F64_S),
    ("indirect", (2,), TrapKind.UNDEFINED_ELEMENT, CALL_INDIRECT),
    ("indirect", (-1,), TrapKind.UNDEFINED_ELEMENT, CALL_INDIRECT),
    ("indirect", (1,), TrapKind.UNINITIALIZED_ELEMENT, CALL_INDIRECT),
    ("typed", (0,), TrapKind.INDIRECT_CALL_TYPE, CALL_INDIRECT),
]


def trap_of(function: Callable[..., Any], *arguments: Any) -> Trap:
    with pytest.raises(Trap) as caught:
        function(*arguments)
    return caught.value


def opcodes(module: pywasm3.Module, frames: tuple[Frame, ...]) -> list[int]:
    """The bytes of the module that the frames point at."""
    assert all(frame.offset is not None for frame in frames)
    return [module.bytes[frame.offset] for frame in frames if frame.offset is not None]


# ---- kinds of traps ----


@pytest.mark.parametrize(("name", "arguments", "kind", "opcode"), CASES)
def test_a_trap_has_a_kind_and_the_phrase_of_the_specification(
    name: str, arguments: tuple[Any, ...], kind: TrapKind, opcode: int
) -> None:
    trap = trap_of(load(TRAPS).exports[name], *arguments)
    assert trap.kind is kind
    assert str(trap).startswith(f"[trap] {kind.value}\n")


@pytest.mark.parametrize(("name", "arguments", "kind", "opcode"), CASES)
def test_a_frame_points_at_the_instruction_that_trapped(
    name: str, arguments: tuple[Any, ...], kind: TrapKind, opcode: int
) -> None:
    instance = load(TRAPS)
    trap = trap_of(instance.exports[name], *arguments)
    (frame,) = trap.frames
    assert frame.name == name
    assert opcodes(instance.module, trap.frames) == [opcode]


@pytest.mark.parametrize(("name", "arguments", "kind", "opcode"), CASES)
def test_wasmtime_traps_where_we_trap(
    name: str, arguments: tuple[Any, ...], kind: TrapKind, opcode: int
) -> None:
    with pytest.raises((wasmtime.Trap, wasmtime.WasmtimeError)):
        Oracle(wat(TRAPS)).call(name, *arguments)


def test_a_trap_of_a_host_function_needs_a_kind() -> None:
    with pytest.raises(TypeError, match="kind must be a TrapKind, not str"):
        Trap("no such table")  # type: ignore[arg-type]


def test_a_call_works_after_every_trap() -> None:
    exports = load(TRAPS).exports
    for name, arguments, _, _ in CASES:
        trap_of(exports[name], *arguments)
        assert exports.div(7, 2) == 3


def test_growing_neither_traps_nor_wraps() -> None:
    exports = load(
        """(module (memory 1 2)
        (func (export "grow") (param i32) (result i32) local.get 0 memory.grow))"""
    ).exports
    assert exports.grow(-1) == -1
    assert exports.grow(1) == 1


# ---- frames ----

NESTED = """
(module
  (import "env" "host" (func (param i32)))
  (func $inner (param i32) (result i32) i32.const 1 local.get 0 i32.div_s)
  (func (param i32) (result i32) local.get 0 call $inner i32.const 1 i32.add)
  (func $outer (export "exported") (param i32) (result i32)
    (local i64) local.get 0 call 2 i32.const 1 i32.add))
"""


def test_frames_lead_from_the_trap_to_the_call() -> None:
    instance = load(NESTED, {"env": {"host": print}})
    trap = trap_of(instance.exports.exported, 0)
    assert [frame.function for frame in trap.frames] == [1, 2, 3]
    assert [frame.name for frame in trap.frames] == ["inner", None, "outer"]
    assert opcodes(instance.module, trap.frames) == [I32_DIV_S, CALL, CALL]


def test_the_text_of_a_trap_shows_every_frame() -> None:
    trap = trap_of(load(NESTED, {"env": {"host": print}}).exports.exported, 0)
    lines = str(trap).splitlines()
    assert lines[0] == "[trap] integer divide by zero"
    assert len(lines) == 4
    for line, frame in zip(lines[1:], trap.frames, strict=True):
        assert str(frame) in line
        assert f"function {frame.function}" in line
        assert f"{frame.offset:#x}" in line
    assert "inner" in lines[1]
    assert "outer" in lines[3]


def text_of(names: str) -> list[str]:
    """The lines of a trap whose frames are functions with names of one letter."""
    trap = Trap(TrapKind.UNREACHABLE, [Frame(ord(name), name) for name in names])
    lines = str(trap).splitlines()[1:]
    return [line.split(" (")[0].removeprefix("  at ").strip() for line in lines]


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        ("aaa", ["a", "a", "a"]),
        ("aaaa", ["a", "a", "... the same 2 times more"]),
        ("abab", ["a", "b", "a", "b"]),
        ("ababab", ["a", "b", "... the same 2 frames 2 times more"]),
        (
            "xabcabcabcaby",
            ["x", "a", "b", "c", "... the same 3 frames 2 times more", "a", "b", "y"],
        ),
        ("aaaababab", ["a", "a", "... the same 2 times more", "b", "a", "b", "a", "b"]),
        ("ab" * 16, ["a", "b", "... the same 2 frames 15 times more"]),
        ("abcdefghij" * 3, [*"abcdefghij", "... the same 10 frames 2 times more"]),
        ("abcabdabe", list("abcabdabe")),
        ("", []),
    ],
)
def test_frames_that_are_repeated_in_rounds_are_counted(names: str, lines: list[str]) -> None:
    assert text_of(names) == lines


def test_alternating_recursion_has_a_short_text() -> None:
    with pytest.raises(StackExhausted) as caught:
        load(
            """(module (func $even (export "f") (call $odd)) (func $odd (call $even)))"""
        ).exports.f()
    lines = str(caught.value).splitlines()
    # How many frames do not belong to whole rounds depends on where the stack ends.
    assert len(lines) <= 10
    assert sum(bool(re.search("the same 2 frames 1[45] times more", line)) for line in lines) == 2
    assert len(caught.value.frames) == 64  # the data has all that were kept


def test_a_function_without_a_name_goes_by_its_export() -> None:
    data = wat('(module (func (export "f") unreachable))')
    trap = trap_of(pywasm3.load(data).exports.f)
    assert trap.frames[0].name == "f"


def test_a_frame_of_an_indirect_call_points_at_it() -> None:
    instance = load(
        """(module (type $v (func)) (table 1 funcref) (elem (i32.const 0) $f)
        (func $f unreachable) (func $g (export "g") i32.const 0 call_indirect (type $v)))"""
    )
    trap = trap_of(instance.exports.g)
    assert [frame.name for frame in trap.frames] == ["f", "g"]
    assert opcodes(instance.module, trap.frames) == [UNREACHABLE, CALL_INDIRECT]


def test_a_null_reference_points_at_what_refused_it() -> None:
    instance = load('(module (func (export "f") nop (drop (ref.as_non_null (ref.null func)))))')
    trap = trap_of(instance.exports.f)
    assert trap.kind is TrapKind.NULL_REFERENCE
    assert opcodes(instance.module, trap.frames) == [0xD4]


def test_a_trap_in_a_loop_points_into_the_loop() -> None:
    instance = load(
        """(module (func $f (export "f") (param i32) (result i32)
        loop (result i32)
          i32.const 10 local.get 0 i32.div_s drop
          local.get 0 i32.const 1 i32.sub local.set 0
          br 0
        end))"""
    )
    trap = trap_of(instance.exports.f, 5)
    assert trap.kind is TrapKind.DIVIDE_BY_ZERO
    assert opcodes(instance.module, trap.frames) == [I32_DIV_S]


def test_a_trap_keeps_its_place_whatever_is_compiled_after_it() -> None:
    """The br_tables fit into the rest of some pages of code, and not into that of others."""
    functions = "".join(
        f'(func (export "f{i}") (param i32) (block (br_table {"0 " * size} 0 (local.get 0))))'
        for i, size in enumerate([600, 450, 300] * 12)
    )
    instance = load(f'(module (func (export "trap") unreachable) {functions})')
    for i in range(36):
        assert opcodes(instance.module, trap_of(instance.exports.trap).frames) == [UNREACHABLE]
        instance.exports[f"f{i}"](i)


def test_a_trap_has_its_place_in_a_store_where_a_compilation_failed() -> None:
    """The failed compilation had filled pages of code, which are given up."""
    store = pywasm3.Store()
    large = f"(func {'i32.const 1 ' * 13_313} {'drop ' * 13_313})"
    failing = wat(f"(module {'(func unreachable)' * 100} {large})")
    with pytest.raises(pywasm3.UnsupportedError):
        pywasm3.Instance(pywasm3.Module(failing), store=store, compile="eager")
    instance = load(TRAPS, store=store)
    for name, arguments, _, opcode in CASES:
        trap = trap_of(instance.exports[name], *arguments)
        assert opcodes(instance.module, trap.frames) == [opcode]


def test_the_frames_of_the_trapping_guest_are_its_functions() -> None:
    exports = guest("trap").exports
    for name, arguments, inner in (
        ("divide", (1, 0), ["quotient", "share", "divide"]),
        ("read_word", (-4,), ["peek", "follow", "read_word"]),
        ("half", (3,), ["expect", "examine", "half"]),
    ):
        trap = trap_of(exports[name], *arguments)
        assert [frame.name for frame in trap.frames] == inner


def test_the_offsets_of_the_trapping_guest_are_those_of_wasmtime() -> None:
    data = (GUESTS / "trap.wasm").read_bytes()
    trap = trap_of(pywasm3.load(data).exports.divide, 1, 0)
    with pytest.raises(wasmtime.Trap) as caught:
        Oracle(data).call("divide", 1, 0)
    assert [(frame.function, frame.offset) for frame in trap.frames] == [
        (frame.func_index, frame.module_offset) for frame in caught.value.frames
    ]


def test_each_trap_has_frames_of_its_own() -> None:
    exports = load(TRAPS).exports
    first = trap_of(exports.div, 1, 0)
    second = trap_of(exports.unreachable)
    assert first.frames[0].name == "div"
    assert second.frames[0].name == "unreachable"


# ---- the end of the stack ----


def test_recursion_without_end_exhausts_the_stack() -> None:
    exports = guest("trap").exports
    with pytest.raises(StackExhausted) as caught:
        exports.recurse(-1)
    trap = caught.value
    assert trap.kind is TrapKind.STACK_EXHAUSTED
    assert str(trap).startswith("[trap] call stack exhausted")
    assert trap.frames[0].name == "descend"
    assert trap.frames[-1].name == "recurse"
    assert exports.recurse(100) == 100


def test_a_deep_trap_keeps_the_ends_and_counts_the_rest() -> None:
    trap = trap_of(
        load(
            """(module (func $f (export "f") (param i32)
            local.get 0 i32.eqz if unreachable end local.get 0 i32.const 1 i32.sub call $f))"""
        ).exports.f,
        999,
    )
    assert len(trap.frames) + trap.omitted == 1000
    assert 10 <= len(trap.frames) <= 100
    assert len(str(trap)) < 5000


@pytest.mark.parametrize("depth", [1, 31, 32, 33, 63, 64, 65, 66])
def test_no_frame_is_lost_or_counted_twice(depth: int) -> None:
    instance = load(
        """(module (func $f (export "f") (param i32)
        local.get 0 i32.eqz if unreachable end local.get 0 i32.const 1 i32.sub call $f))"""
    )
    trap = trap_of(instance.exports.f, depth - 1)
    assert len(trap.frames) + trap.omitted == depth
    assert opcodes(instance.module, trap.frames) == [UNREACHABLE] + [CALL] * (len(trap.frames) - 1)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs far more of the C stack")
def test_a_host_function_has_room_at_the_end_of_the_native_stack() -> None:
    """docs/control.md promises 120 levels to the host function that is called last on 512 KiB."""
    child(
        """
        import threading
        nested = []
        for _ in range(100):
            nested = [nested]
        module, limits = pywasm3.Module(WASM), pywasm3.Limits(stack=64 << 20)
        imports = {"env": {"f": lambda: repr(nested) and None}}
        exports = pywasm3.Instance(module, imports, limits=limits).exports
        ended = []
        def run():
            try:
                exports.f()
            except pywasm3.StackExhausted:
                ended.append(True)
        threading.stack_size(512 << 10)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        assert ended
        """,
        WASM=wat(
            """(module (import "env" "f" (func $f))
            (func $g (export "f") call $f call $g))"""
        ),
    )


def test_mutual_recursion_exhausts_the_stack() -> None:
    exports = load(
        '(module (func $a (export "a") call $b) (func $b call $c) (func $c call $a))'
    ).exports
    for _ in range(3):
        with pytest.raises(StackExhausted):
            exports.a()


def test_recursion_through_a_table_exhausts_the_stack() -> None:
    exports = load(
        """(module (type $v (func)) (table 1 funcref) (elem (i32.const 0) $f)
        (func $f (export "f") i32.const 0 call_indirect (type $v)))"""
    ).exports
    for _ in range(3):
        with pytest.raises(StackExhausted):
            exports.f()


def test_recursion_with_large_frames_exhausts_the_stack() -> None:
    locals_ = "i64 " * 1000
    exports = load(f'(module (func $f (export "f") (local {locals_}) call $f))').exports
    with pytest.raises(StackExhausted):
        exports.f()


def test_recursion_with_many_arguments_exhausts_the_stack() -> None:
    params = "i64 " * 900
    gets = " ".join(f"local.get {i}" for i in range(900))
    exports = load(
        f"""(module (func $f (export "f") (param {params}) {gets} call $f)
        (func (export "ok") (result i32) i32.const 1))"""
    ).exports
    with pytest.raises(StackExhausted):
        exports.f(*range(900))
    assert exports.ok() == 1


# ---- traps and host functions ----


def test_a_trap_of_a_nested_call_arrives_as_the_same_object() -> None:
    seen: list[Trap] = []

    def host(value: int) -> None:
        try:
            instance.exports.fail()
        except Trap as trap:
            seen.append(trap)
            raise

    instance = load(
        """(module (import "env" "host" (func $host (param i32)))
        (func $fail (export "fail") unreachable)
        (func $outer (export "outer") i32.const 1 call $host))""",
        {"env": {"host": host}},
    )
    trap = trap_of(instance.exports.outer)
    assert trap is seen[0]
    assert [frame.name for frame in trap.frames] == ["fail"]
    assert any("outer (function 2" in note for note in trap.__notes__)


def test_a_caught_trap_of_a_nested_call_leaves_the_frames_of_the_outer_one_right() -> None:
    def host() -> None:
        trap_of(instance.exports.fail)

    instance = load(
        """(module (import "env" "host" (func $host))
        (func $fail (export "fail") i32.const 1 i32.const 0 i32.div_s drop)
        (func $outer (export "outer") call $host unreachable))""",
        {"env": {"host": host}},
    )
    trap = trap_of(instance.exports.outer)
    assert trap.kind is TrapKind.UNREACHABLE
    assert [frame.name for frame in trap.frames] == ["outer"]
    assert opcodes(instance.module, trap.frames) == [UNREACHABLE]


# ---- the hierarchy ----


@pytest.mark.parametrize(
    ("error", "bases"),
    [
        (WasmError, (RuntimeError,)),
        (pywasm3.ModuleError, (WasmError, ValueError)),
        (pywasm3.MalformedError, (pywasm3.ModuleError,)),
        (pywasm3.InvalidError, (pywasm3.ModuleError,)),
        (pywasm3.UnsupportedError, (pywasm3.ModuleError,)),
        (pywasm3.LinkError, (WasmError,)),
        (Trap, (WasmError,)),
        (StackExhausted, (Trap, RecursionError)),
    ],
)
def test_errors_derive_from_the_root_and_from_the_fitting_builtin(
    error: type[Exception], bases: tuple[type, ...]
) -> None:
    assert issubclass(error, RuntimeError)
    for base in bases:
        assert issubclass(error, base)


def test_a_module_error_carries_the_place() -> None:
    with pytest.raises(pywasm3.MalformedError) as caught:
        pywasm3.Module(b"\0asm\1\0\0\0\x63\0")
    assert isinstance(caught.value.offset, int)
    assert caught.value.offset >= 8
    assert f"{caught.value.offset:#x}" in str(caught.value)
    assert caught.value.function is None


@pytest.mark.parametrize(
    "error",
    [
        WasmError("text"),
        pywasm3.MalformedError("text", offset=3),
        pywasm3.UnsupportedError("text", features=["SIMD"]),
        pywasm3.LinkError("text"),
        Trap(TrapKind.UNREACHABLE, [Frame(1, "f", 2)]),
        StackExhausted(TrapKind.STACK_EXHAUSTED, [Frame(1, "f", 2)], 1, 1000),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors_can_be_pickled(error: Exception) -> None:
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert vars(twin) == vars(error)


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Frame(3, "f", 0x40), "f (function 3, offset 0x40)"),
        (Frame(3, "f"), "f (function 3)"),
        (Frame(3, None, 0x40), "function 3, offset 0x40"),
    ],
)
def test_a_frame_is_shown_by_name_index_and_offset(frame: Frame, text: str) -> None:
    assert str(frame) == text


def test_each_kind_of_trap_is_its_phrase() -> None:
    assert [kind.value for kind in TrapKind] == [
        "unreachable",
        "out of bounds memory access",
        "out of bounds table access",
        "integer divide by zero",
        "integer overflow",
        "invalid conversion to integer",
        "undefined element",
        "uninitialized element",
        "indirect call type mismatch",
        "null function reference",
        "call stack exhausted",
        "null reference",
        "null structure reference",
        "null array reference",
        "null i31 reference",
        "cast failure",
        "out of bounds array access",
        "heap exhausted",
        "unaligned atomic",
        "expected shared memory",
        "out of fuel",
        "interrupted",
        "deadline exceeded",
    ]


# ---- nothing is printed ----


def test_the_library_never_prints(capfd: pytest.CaptureFixture[str]) -> None:
    exports = load(TRAPS).exports
    for name, arguments, _, _ in CASES:
        trap_of(exports[name], *arguments)
    for data in (b"", b"\0asm\1\0\0\0\x63\0"):
        with pytest.raises(pywasm3.ModuleError):
            pywasm3.Module(data)
    with pytest.raises(pywasm3.LinkError):
        load(NESTED)
    with pytest.raises(TypeError):
        exports.div("1", 2)
    runtime = pywasm3.Environment().new_runtime(1024)
    runtime.load(pywasm3.Environment().parse_module(wat(TRAPS)))
    with pytest.raises(RuntimeError):
        runtime.find_function("missing")
    assert capfd.readouterr() == ("", "")


def test_the_frame_of_a_function_that_has_no_room_is_at_its_beginning() -> None:
    """The frame must not point at the place where an earlier call trapped."""
    text = """(module (func (export "stop") unreachable)
        (func $dive (export "dive") (param i64) (call $dive (local.get 0))))"""
    exports = load(text, store=pywasm3.Store(stack=4096)).exports
    with pytest.raises(Trap):
        exports.stop()
    with pytest.raises(StackExhausted) as caught:
        exports.dive(1)
    entry, call = [frame.offset for frame in caught.value.frames[:2]]
    # The size of the body, the number of its locals and local.get 0 lie between.
    assert call - entry == 4
