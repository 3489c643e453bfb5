# SPDX-License-Identifier: MIT
"""WASI programs and libraries start and end as they should, and mix with host functions.

The expected exit codes and errnos are written by hand from the specification of WASI preview 1.
"""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import pytest

import pywasm3
from helpers import let_pypy_free, load, wat
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig
from pywasm3.wasi.abi import EFAULT
from pywasm3.wasi.preview1 import FUNCTIONS
from wasi_helpers import Calls, guest_module

EXIT = """(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start") (call $exit (i32.const CODE)) unreachable))"""


def library(**config: Any) -> pywasm3.Instance:
    imports = {"env": {"back": lambda n: n}}
    return pywasm3.Instance(guest_module("library"), imports, wasi=WasiConfig(**config))


def test_there_are_45_functions_and_sock_accept() -> None:
    """All 45 functions of preview 1 exist, and sock_accept, which was added later."""
    assert len(set(FUNCTIONS) - {"sock_accept"}) == 45


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (7, 7), (255, 255), (-1, 0xFFFFFFFF)])
def test_run_returns_the_exit_code(code: int, expected: int) -> None:
    assert load(EXIT.replace("CODE", str(code)), wasi=WasiConfig()).run() == expected


def test_run_returns_0_when_the_program_returns() -> None:
    text = '(module (memory (export "memory") 1) (func (export "_start")))'
    assert load(text, wasi=WasiConfig()).run() == 0


def notes_of(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", ()))


def for_c_program() -> WasiConfig:
    folder = VirtualDir({"in.txt": "first\nsecond\n"})
    return WasiConfig(args=["program"], preopens={"/data": folder})


def c_program() -> pywasm3.Instance:
    return pywasm3.Instance(guest_module("program"), wasi=for_c_program())


def test_a_trap_of_a_second_run_says_why_and_what_to_do() -> None:
    """WASI's C library executes `unreachable` when `_start` is called again."""
    instance = c_program()
    instance.run()
    with pytest.raises(pywasm3.Trap, match="unreachable") as caught:
        instance.run()
    assert "make a new instance for each run" in "".join(notes_of(caught.value))


def test_a_trap_of_a_first_run_has_no_note() -> None:
    instance = load('(module (func (export "_start") unreachable))')
    with pytest.raises(pywasm3.Trap, match="unreachable") as caught:
        instance.run()
    assert notes_of(caught.value) == []


def test_a_program_runs_again_after_its_state_was_restored() -> None:
    instance = c_program()
    before = instance.snapshot()
    first = instance.run()
    instance.restore(before)
    assert instance.run() == first
    instance.restore(before)
    with pytest.raises(pywasm3.Trap) as caught:
        instance.run()
        instance.run()
    assert notes_of(caught.value) != []


def test_a_pool_runs_a_program_again_and_again() -> None:
    pool = pywasm3.InstancePool(guest_module("program"), wasi=for_c_program(), size=1)
    codes = []
    for _ in range(3):
        with pool.instance() as instance:
            codes.append(instance.run())
    assert codes == codes[:1] * 3


def test_a_program_that_can_run_twice_may() -> None:
    instance = load(EXIT.replace("CODE", "3"), wasi=WasiConfig())
    assert [instance.run(), instance.run()] == [3, 3]


def test_run_needs_a_start() -> None:
    with pytest.raises(pywasm3.WasmError, match="does not export a function _start"):
        library().run()
    with pytest.raises(pywasm3.WasmError, match="does not export a function _start"):
        load('(module (func (export "_start") (param i32)))').run()


def test_a_library_is_initialized_once_before_its_first_export() -> None:
    instance = library()
    assert instance.exports.count() == 1
    assert instance.exports.count() == 1


def test_an_exit_outside_of_run_is_an_exception_with_the_code() -> None:
    with pytest.raises(pywasm3.WasiExit, match="exit code 9") as caught:
        library().exports.leave(9)
    assert caught.value.code == 9
    assert pickle.loads(pickle.dumps(caught.value)).code == 9


def test_an_exit_unwinds_nested_calls() -> None:
    instance: pywasm3.Instance

    def back(n: int) -> int:
        return instance.exports.leave(5) if n == 0 else instance.exports.deep(n - 1)

    imports = {"env": {"back": back}}
    instance = pywasm3.Instance(guest_module("library"), imports, wasi=WasiConfig())
    with pytest.raises(pywasm3.WasiExit) as caught:
        instance.exports.deep(20)
    assert caught.value.code == 5
    assert instance.exports.count() == 1  # the instance can still be used


def test_run_lets_the_exit_of_another_program_pass() -> None:
    """`run` does not take the WasiExit of another instance for its own."""
    outer = library()
    inner = load(
        """(module (import "outer" "leave" (func $leave (param i32) (result i32)))
          (func (export "_start") (drop (call $leave (i32.const 3)))))""",
        {"outer": {"leave": lambda code: outer.exports.leave(code)}},
        wasi=WasiConfig(),
    )
    with pytest.raises(pywasm3.WasiExit):
        inner.run()


def test_a_host_may_run_a_program_inside_of_another() -> None:
    inner = load(EXIT.replace("CODE", "4"), wasi=WasiConfig())
    imports = {"env": {"back": lambda n: inner.run()}}
    outer = pywasm3.Instance(guest_module("library"), imports, wasi=WasiConfig())
    assert outer.exports.deep(0) == 5


@pytest.mark.parametrize("signal", [1, 2, 6, 9, 15, 30])
def test_a_signal_that_ends_programs_is_an_exit(signal: int) -> None:
    with pytest.raises(pywasm3.WasiExit) as caught:
        library().exports.signal(signal)
    assert caught.value.code == 128 + signal


def test_other_signals_have_an_errno() -> None:
    calls = Calls()
    assert [calls.proc_raise(n) for n in (0, 16, 18, 31, -1)] == [
        "OK", "OK", "ENOTSUP", "EINVAL", "EINVAL",
    ]  # fmt: skip


def test_own_functions_come_before_those_of_wasi() -> None:
    written = []

    def fd_write(fd: int, iovecs: int, count: int, result: int) -> int:
        written.append(fd)
        return 0

    imports = {"env": {"back": abs}, "wasi_snapshot_preview1": {"fd_write": fd_write}}
    instance = pywasm3.Instance(guest_module("library"), imports, wasi=WasiConfig())
    assert instance.exports.say(1, 0, 0) == 0
    assert written == [1]


def test_without_wasi_its_imports_are_missing() -> None:
    with pytest.raises(pywasm3.LinkError, match=r"wasi_snapshot_preview1\.proc_exit"):
        load(EXIT.replace("CODE", "0"))


def test_a_function_that_wasi_has_not_is_missing() -> None:
    text = '(module (import "wasi_snapshot_preview1" "sock_open" (func (result i32))))'
    with pytest.raises(pywasm3.LinkError, match="given nothing"):
        load(text, wasi=WasiConfig())
    text = '(module (import "wasi_unstable" "sock_accept" (func (param i32 i32 i32) (result i32))))'
    with pytest.raises(pywasm3.LinkError, match="given nothing"):
        load(text, wasi=WasiConfig())


def test_an_import_of_another_type_does_not_link() -> None:
    text = '(module (import "wasi_snapshot_preview1" "fd_close" (func (param i64) (result i32))))'
    with pytest.raises(pywasm3.LinkError, match=r"given function \(i32\) -> i32"):
        load(text, wasi=WasiConfig())


def test_a_guest_that_imports_its_memory_need_not_export_it() -> None:
    text = """(module
      (import "env" "memory" (memory 1))
      (import "wasi_snapshot_preview1" "args_sizes_get" (func $get (param i32 i32) (result i32)))
      (func (export "f") (result i32) (call $get (i32.const 0) (i32.const 4))))"""
    memory = pywasm3.Memory(1)
    instance = load(text, {"env": {"memory": memory}}, wasi=WasiConfig(args=["ab", "c"]))
    assert instance.exports.f() == 0
    assert (memory.read_u32(0), memory.read_u32(4)) == (2, 5)


def test_a_guest_without_memory_gets_efault() -> None:
    text = """(module
      (import "wasi_snapshot_preview1" "random_get" (func $get (param i32 i32) (result i32)))
      (func (export "run") (result i32) (call $get (i32.const 0) (i32.const 1))))"""
    assert load(text, wasi=WasiConfig()).exports.run() == 21


def test_wasi_must_be_a_configuration() -> None:
    with pytest.raises(TypeError, match=r"must be a pywasm3\.wasi\.WasiConfig, not dict"):
        load("(module)", wasi={})


def test_an_instance_without_wasi_says_so() -> None:
    with pytest.raises(pywasm3.WasmError, match="without wasi="):
        _ = load("(module)").wasi


def test_a_start_function_may_use_wasi() -> None:
    text = """(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\\08\\00\\00\\00\\02\\00\\00\\00hi")
      (func $start (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16))))
      (start $start))"""
    assert load(text, wasi=WasiConfig(stdout=CAPTURE)).wasi.stdout == b"hi"


def test_closing_the_instance_closes_its_descriptors_and_keeps_what_was_captured() -> None:
    calls = Calls(stdout=CAPTURE)
    calls.write(1, b"text")
    functions = calls.instance.wasi.function("wasi_snapshot_preview1", "fd_close")
    calls.instance.close()
    assert calls.instance.wasi.stdout == b"text"
    assert functions is not None
    assert functions[0](1) == 8


def test_an_instance_with_wasi_is_freed() -> None:
    instance = library(stdout=CAPTURE)
    instance.exports.say(1, 0, 4)
    gone = weakref.ref(instance.wasi)
    del instance
    gc.collect()
    let_pypy_free()
    assert gone() is None


def test_addresses_in_the_upper_half_are_unsigned() -> None:
    """WASI functions take addresses as unsigned, although Python gets i32 arguments as signed."""
    text = """(module
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (memory (export "memory") 32769)
      (func (export "run") (result i32)
        (i32.store (i32.const 0x80000000) (i32.const 0x80000010))
        (i32.store (i32.const 0x80000004) (i32.const 3))
        (i32.store (i32.const 0x80000010) (i32.const 0x636261))
        (i32.or
          (call $random (i32.const 0x80000020) (i32.const 8))
          (call $write (i32.const 1) (i32.const 0x80000000) (i32.const 1)
            (i32.const 0x80000100)))))"""
    instance = pywasm3.Instance(
        pywasm3.Module(wat(text)), wasi=WasiConfig(stdout=CAPTURE, random=lambda n: b"r" * n)
    )
    assert instance.exports.run() == 0
    assert instance.exports.run() == 0  # takes the fast path of fd_write
    assert instance.wasi.stdout == b"abcabc"
    assert instance.memory.read(0x80000020, 9) == b"rrrrrrrr\0"
    assert instance.memory.read_u32(0x80000100) == 3


def test_a_memory_that_another_instance_made_smaller_is_seen_so() -> None:
    """WASI functions notice that a memory has shrunk, which restoring a snapshot does.

    Nothing may be written beyond the end, because pages must be zero when the memory grows again.
    """
    owner = pywasm3.Instance(
        pywasm3.Module(
            wat(
                '(module (memory (export "memory") 1 9) (func (export "grow") (param i32)'
                " (result i32) (memory.grow (local.get 0))))"
            )
        )
    )
    text = """(module
      (import "wasi_snapshot_preview1" "random_get" (func $fill (param i32 i32) (result i32)))
      (import "owner" "memory" (memory 1 9))
      (export "fill" (func $fill)) (export "memory" (memory 0)))"""
    guest = pywasm3.Instance(
        pywasm3.Module(wat(text)), {"owner": {"memory": owner.memory}}, wasi=WasiConfig()
    )
    snapshot = owner.snapshot()
    owner.exports.grow(4)
    assert guest.exports.fill(0x20000, 16) == 0
    owner.restore(snapshot)
    assert guest.exports.fill(0x20000, 16) == EFAULT
    owner.exports.grow(4)
    assert owner.memory.read(0x20000, 16) == bytes(16)
