# SPDX-License-Identifier: MIT
"""How programs for Go's wasm_exec.js start, wait, end and are stopped; and what they wait for."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from typing import Any

import pytest

from gojs_helpers import GLOBAL, Script
from helpers import wat
from pywasm3 import DeadlineExceeded, Limits, Module, WasiExit, WasmError
from pywasm3.guests import gojs
from pywasm3.guests.gojs.filesystem import FileSystem
from pywasm3.wasi import CAPTURE, FixedClock, HostDir, VirtualDir, WasiConfig
from pywasm3.wasi.abi import FAILURES, WasiError

NEVER = "nothing can happen any more"


def empty(**options: Any) -> gojs.Program:
    """Returns a program that does nothing, so that only its host does something."""
    return Script().program(**options)


# ---- beginning and end ----


def test_run_returns_the_exit_code() -> None:
    script = Script()
    script.exit(300)
    program = script.program()
    assert (program.run(), program.exit_code, program.deadlocked) == (300, 300, False)
    assert repr(program) == "<gojs.Program: ended with exit code 300>"


def test_a_negative_exit_code_is_what_wasi_makes_of_it() -> None:
    script = Script()
    script.exit(-1)
    assert script.program().run() == 2**32 - 1


def test_start_raises_the_exit() -> None:
    script = Script()
    script.exit(3)
    with pytest.raises(WasiExit) as caught:
        script.program().start()
    assert caught.value.code == 3


def test_a_program_that_has_ended_cannot_run() -> None:
    script = Script()
    script.exit(0)
    program = script.program()
    program.run()
    with pytest.raises(WasmError, match="already ended with exit code 0"):
        program.run()


def test_a_program_starts_once() -> None:
    program = empty()
    program.start()
    with pytest.raises(WasmError, match="has been started before"):
        program.start()


def test_a_closed_program_cannot_run() -> None:
    with empty() as program:
        pass
    program.close()
    with pytest.raises(WasmError, match="closed"):
        program.run()


def test_an_exit_that_a_host_function_swallows_still_ends_the_program() -> None:
    script = Script()

    def swallow() -> None:
        try:
            program.globals["process"].exit(5)
        except WasiExit:
            return

    script.globals = {"swallow": swallow, "tell": lambda: pytest.fail("it runs on")}
    script.invoke(script.get(GLOBAL, "swallow"))
    script.tell()
    program = script.program()
    assert program.run() == 5


def test_the_arguments_are_where_go_looks_for_them() -> None:
    """Go's runtime gets their number and an address, which begins a list of addresses."""
    config = WasiConfig(args=["name", "ü"], env={"B": "2", "A": "1"})
    program = Script().program(config)
    program.start()
    memory = program.instance.memory
    argv = program._argv
    pointers = [memory.read_u64(argv + 8 * index) for index in range(6)]
    texts = [memory.read_str(pointer) if pointer else None for pointer in pointers]
    assert (program._argc, texts) == (2, ["name", "ü", None, "A=1", "B=2", None])


def test_arguments_that_go_has_no_room_for_are_refused() -> None:
    with pytest.raises(ValueError, match="take 9024 bytes"):
        Script().program(WasiConfig(args=["x" * 8999]))


def test_a_module_of_another_kind_is_refused() -> None:
    with pytest.raises(WasmError, match="GOOS=js GOARCH=wasm"):
        gojs.Program(Module(wat("(module)")))


def test_run_takes_a_path_and_options(tmp_path: Any) -> None:
    script = Script()
    script.call("runtime.wasmWrite", 1, *script.text("hello"))
    script.exit(4)
    path = tmp_path / "program.wasm"
    path.write_bytes(bytes(script.module().bytes))
    assert gojs.run(path, stdout=str(tmp_path / "out")) == 4
    assert (tmp_path / "out").read_text() == "hello"


# ---- the runtime's functions ----


def test_the_runtime_writes_reads_clocks_and_gets_random_bytes() -> None:
    script = Script()
    script.call("runtime.wasmWrite", 2, *script.text("oops"))
    mono = script.call("runtime.nanotime1", result=8)
    wall = script.call("runtime.walltime", result=8)
    random, size = script.text(bytes(4))
    script.call("runtime.getRandomData", random, size, size)
    config = WasiConfig(stderr=CAPTURE, clock=5_000_000_123, random=lambda size: b"R" * size)
    program = script.program(config)
    program.start()
    memory = program.instance.memory
    assert program.stderr == b"oops"
    assert memory.read_i64(mono.address) == 1  # a FixedClock's first reading is 0
    assert memory.read_i64(wall.address) == 5
    assert memory[random : random + size] == b"RRRR"


# ---- waiting ----


def test_timers_run_in_the_order_of_their_times() -> None:
    program = empty(config=WasiConfig(clock=0))
    order: list[Any] = []
    set_timer, clear = program.globals["setTimeout"], program.globals["clearTimeout"]
    for delay in (30, 10, 20):
        set_timer(order.append, delay, delay)
    clear(set_timer(order.append, 15, "cleared"))
    with pytest.raises(WasmError, match=NEVER):
        program.run()
    assert order == [10, 20, 30]


def test_an_interval_repeats_until_it_is_cleared() -> None:
    program = empty(config=WasiConfig(clock=0))
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(len(ticks))
        if len(ticks) == 5:
            program.globals["clearInterval"](number)

    number = program.globals["setInterval"](tick, 10)
    with pytest.raises(WasmError, match=NEVER):
        program.run()
    assert ticks == [0, 1, 2, 3, 4]


def test_a_clock_of_the_user_passes_the_time() -> None:
    clock = FixedClock()
    program = empty(config=WasiConfig(clock=clock))
    program.globals["setTimeout"](lambda: None, 3_600_000)
    with pytest.raises(WasmError, match=NEVER):
        program.run()
    assert clock.now_ns(1) >= 3600 * 10**9


def test_a_limit_of_time_holds_while_a_program_waits() -> None:
    program = empty(limits=Limits(timeout=0.2))
    program.globals["setTimeout"](lambda: None, 3_600_000)
    begin = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        program.run()
    assert time.monotonic() - begin < 60


def test_a_timer_that_the_guest_does_not_clear_resumes_it_again() -> None:
    script = Script()
    script.call("runtime.scheduleTimeoutEvent", 1)
    script.resume = "(i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))"
    program = script.program(WasiConfig(clock=0))
    with pytest.raises(WasmError, match="has not cleared it"):
        program.run()
    assert program.instance.memory.read_i32(8) == 100


def test_a_read_of_a_pipe_lets_timers_run_meanwhile() -> None:
    reader, writer = os.pipe()
    with open(reader, "rb", buffering=0) as stdin:
        program = empty(config=WasiConfig(preopens={}, stdin=stdin))
        # What is inherited, or a path, is a descriptor that is waited for.
        from pywasm3.wasi.files_host import HostFile

        program.wasi.descriptors._set(
            0, HostFile(reader, owned=False, read=True, write=False, read_only=True)
        )
        events: list[Any] = []
        buffer = bytearray(10)
        arguments = (0, buffer, 0, 10, None, lambda *answer: events.append(answer))
        program.globals["fs"]["read"](*arguments)
        program.globals["setTimeout"](lambda: events.append(os.write(writer, b"data")), 5)
        with pytest.raises(WasmError, match=NEVER):
            program.run()
    os.close(writer)
    assert events == [4, (None, 4)]
    assert buffer[:4] == b"data"


def test_a_call_of_another_thread_is_not_lost_when_the_program_stops() -> None:
    """The thread of the program leaves it before it has seen the call."""
    script = Script()
    program = script.program()
    program.start()
    function = gojs.GoFunction(program, 1)
    results: list[Any] = []
    caller = threading.Thread(target=lambda: results.append(function("text")))
    left = threading.Event()

    def leave() -> None:
        caller.start()
        left.wait(0.2)
        raise KeyboardInterrupt

    program.globals["setTimeout"](leave, 1)
    with pytest.raises(KeyboardInterrupt):
        program.run()
    caller.join(60)
    assert results == [gojs.UNDEFINED]


# ---- promises ----


def test_promises_are_settled_and_chained() -> None:
    program = empty()
    made = program.globals["Promise"]
    promise = made(lambda resolve, reject: resolve(3))
    assert program.wait(promise) == 3
    assert program.wait(promise.then(lambda value: value * 2)) == 6
    assert program.wait(promise.then(lambda value: made.statics["resolve"](value + 1))) == 4
    assert program.wait(promise.finally_(lambda: 99)) == 3
    refused = made.statics["reject"]("reason")
    with pytest.raises(gojs.JSError, match="reason"):
        program.wait(refused.then(lambda value: value))
    assert program.wait(refused.catch(lambda reason: [reason])) == ["reason"]


def test_an_error_of_a_handler_rejects_the_following_promise() -> None:
    program = empty()
    promise = program.globals["Promise"].statics["resolve"](0)
    with pytest.raises(ZeroDivisionError):
        program.wait(promise.then(lambda value: 1 / value))


def test_a_promise_is_settled_once_and_cannot_follow_itself() -> None:
    program = empty()
    settle: list[Any] = []
    promise = program.globals["Promise"](lambda resolve, reject: settle.extend([resolve, reject]))
    assert (promise.done, repr(promise)) == (False, "<gojs.Promise: pending>")
    with pytest.raises(RuntimeError, match="not settled yet"):
        promise.result()
    settle[0](promise)
    settle[1]("late")
    with pytest.raises(gojs.JSError, match="cannot follow itself"):
        program.wait(promise)


def test_a_promise_that_nothing_can_settle_is_an_error() -> None:
    program = empty()
    with pytest.raises(WasmError, match="never settled"):
        program.wait(program.globals["Promise"](lambda resolve, reject: None))


def test_wait_returns_what_is_not_a_promise() -> None:
    assert empty().wait(5) == 5


def test_a_coroutine_awaits_a_promise_of_the_guest() -> None:
    """The guest hands a promise to an async host function, and waits for its result."""
    program = empty()
    slow = program.globals["Promise"](
        lambda resolve, reject: program.globals["setTimeout"](resolve, 5, "slow")
    )

    async def use(promise: gojs.Promise) -> str:
        return "used " + str(await promise)

    async def run() -> Any:
        program._loop.asyncio = asyncio.get_running_loop()
        return await program.wait_async(program._given(use(slow)))

    assert asyncio.run(run()) == "used slow"


# ---- paths and files ----


@pytest.fixture
def files() -> FileSystem:
    inner = VirtualDir({"file": b"data", "folder": {"deep": b""}})
    config = WasiConfig(preopens={"/work/project": inner, "/work/other": VirtualDir({})})
    return Script().program(config)._files


def failure(call: Any, *arguments: Any) -> str:
    with pytest.raises(FAILURES) as caught:
        call(*arguments)
    assert isinstance(caught.value, WasiError)
    return str(caught.value)


def test_paths_are_relative_to_the_first_directory(files: FileSystem) -> None:
    assert files.cwd == "/work/project"
    assert files.resolve("a", "../b/.", "c") == "/work/project/b/c"
    assert files.resolve("/x", "", "../../y") == "/y"
    assert files.stat("file").size == files.stat("/work/project/folder/../file").size == 4


@pytest.mark.parametrize("cwd", ["/work/other", None])
def test_the_directory_to_begin_in_can_be_chosen(cwd: str | None) -> None:
    config = WasiConfig(env={"PWD": "/from/env"})
    assert Script().program(config, cwd=cwd)._files.cwd == (cwd or "/from/env")


def test_directories_above_can_be_listed_but_not_changed(files: FileSystem) -> None:
    assert files.readdir("/") == ["work"]
    assert files.readdir("/work/") == ["other", "project"]
    assert files.readdir(".") == ["file", "folder"]
    assert files.stat("/work").is_directory()
    assert files.lstat("/").is_directory()
    assert files.fstat(files.open("/work")).is_directory()
    assert failure(files.mkdir, "/work") == "EEXIST"
    assert failure(files.rmdir, "/work") == "EROFS"
    assert failure(files.rename, "file", "/work") == "EROFS"
    assert failure(files.open, "/work", 1) == "EISDIR"
    assert failure(files.readlink, "/work") == "EINVAL"


def test_what_is_elsewhere_is_not_there(files: FileSystem) -> None:
    for path in ("/etc/passwd", "../../../etc/passwd", "/workshop", "/work/projects", "nothing"):
        assert failure(files.stat, path) == "ENOENT"


@pytest.mark.parametrize(
    ("path", "error"),
    [("", "ENOENT"), ("a\0b", "EINVAL"), ("x" * 5000, "ENAMETOOLONG"), ("\ud800", "EINVAL")],
)
def test_paths_that_are_none_are_refused(files: FileSystem, path: str, error: str) -> None:
    assert failure(files.stat, path) == error


def test_a_slash_at_the_end_wants_a_directory(files: FileSystem) -> None:
    assert files.stat("folder/").is_directory()
    assert failure(files.stat, "file/") == "ENOTDIR"


def test_files_are_written_and_read_at_positions(files: FileSystem) -> None:
    fd = files.open("new", 0o102, 0o644)
    assert files.write(fd, b"0123456789") == 10
    assert files.write(fd, b"__", 0, 2, 4) == 2
    buffer = bytearray(8)
    assert files.read(fd, buffer, 2, 5, 3) == 5
    assert buffer == b"\0\x003__67\0"
    files.ftruncate(fd, 3)
    assert files.fstat(fd).size == 3
    files.fsync(fd)
    files.close(fd)
    files.truncate("new", 1)
    assert files.stat("new").size == 1
    files.utimes("new", 1, 2)
    assert (files.stat("new").atimeMs, files.stat("new").mtimeMs) == (1000, 2000)


def test_a_host_directory_that_is_read_only_stays_as_it_is(tmp_path: Any) -> None:
    config = WasiConfig(preopens={"/": HostDir(tmp_path, read_only=True)})
    files = Script().program(config)._files
    assert failure(files.mkdir, "a") == "EROFS"
    assert failure(files.open, "b", 0o101) == "EROFS"


def test_functions_of_fs_call_back_with_an_error_or_a_result() -> None:
    program = empty(config=WasiConfig(preopens={"/": VirtualDir({"a": b""})}))
    answers: list[Any] = []
    fs = program.globals["fs"]
    fs["readdir"]("/", lambda *answer: answers.append(answer))
    fs["stat"]("/missing", lambda *answer: answers.append(answer))
    fs["mkdir"]("/b", 0o755, lambda *answer: answers.append(answer))
    assert answers == []
    program.start()
    assert answers[0] == (None, ["a"])
    assert (answers[1][0].code, answers[1][0].message) == ("ENOENT", "ENOENT: stat failed")
    assert answers[2] == (None,)


def test_console_writes_to_the_standard_streams() -> None:
    program = empty()
    program.globals["console"]["log"]("text", 1, 2.5, None, gojs.UNDEFINED, True)
    program.globals["console"]["error"](gojs.JSError("bad"))
    assert program.stdout == b"text 1 2.5 null undefined true\n"
    assert program.stderr == b"Error: bad\n"
