# SPDX-License-Identifier: MIT
"""Programs that Go compiles with GOOS=js run: what Go's wasm_exec.js would give, Python does.

The expected values follow from the programs, or are what they print under Node.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from go_helpers import compiled, go
from pywasm3 import DeadlineExceeded, Interrupted, Limits, Module, WasiExit, WasmError
from pywasm3.guests import gojs
from pywasm3.wasi import CAPTURE, HostDir, VirtualDir, WasiConfig


@pytest.fixture(scope="module")
def module(tmp_path_factory: pytest.TempPathFactory) -> Module:
    return compiled("js_program", tmp_path_factory.mktemp("go"), "js")


@pytest.fixture(scope="module")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Module:
    return compiled("js_library", tmp_path_factory.mktemp("go"), "js")


def program(
    module: Module,
    *args: str,
    globals: dict[str, Any] | None = None,
    limits: Limits | None = None,
    **options: Any,
) -> gojs.Program:
    config = WasiConfig(args=["program", *args], stdout=CAPTURE, stderr=CAPTURE, **options)
    return gojs.Program(module, wasi=config, globals=globals, limits=limits)


def output(module: Module, *args: str, **options: Any) -> str:
    """Returns what the program prints when it ends well."""
    made = program(module, *args, **options)
    assert made.run() == 0, made.stderr
    return made.stdout.decode()


# ---- programs that run to their end ----


def test_goroutines_exchange_values(module: Module) -> None:
    assert output(module, "goroutines") == f"{sum(i * i for i in range(101))}\n"


def test_timers_fire_in_the_order_of_their_times(module: Module) -> None:
    assert output(module, "timers") == "early\nlate\ntrue Local\n"


def test_a_fixed_clock_makes_waits_take_no_time(module: Module) -> None:
    """The program sleeps for an hour."""
    assert output(module, "sleep", clock=0) == ""


def test_a_program_reads_its_input(module: Module) -> None:
    made = program(module, "input", stdin=b"one\ntwo")
    assert (made.run(), made.stdout, made.stderr) == (0, b"read one\nread two\n", b"end\n")


def test_arguments_and_environment_arrive(module: Module) -> None:
    printed = output(module, "environment", "a b", "ü", env={"NAME": "value", "OTHER": ""})
    assert printed == "[a b ü] value -1 -1\n"


def test_an_exit_code_is_returned(module: Module) -> None:
    made = program(module, "exit")
    assert (made.run(), made.stdout, made.exit_code) == (7, b"leaving\n", 7)


def test_a_panic_ends_the_program_with_2_and_a_report(module: Module) -> None:
    made = program(module, "panic")
    assert made.run() == 2
    assert b"panic: on purpose\n\ngoroutine 1 [running]:\nmain.main()" in made.stderr


def test_a_deadlock_is_reported(module: Module) -> None:
    made = program(module, "deadlock")
    assert (made.run(), made.deadlocked) == (2, True)
    assert b"all goroutines are asleep - deadlock!" in made.stderr
    assert b"goroutine 1 [chan receive]" in made.stderr


def test_random_bytes_come_from_the_configuration(module: Module) -> None:
    first, second = (output(module, "random", random=5) for _ in range(2))
    assert first == second != output(module, "random", random=6)


FILES = """\
/work/data
hello
lo world EOF
moved 4 -rw-r--r--
1000000000
/ d--------- <nil>
/work d--------- <nil>
/work/data d--------- <nil>
/work/data/a d--------- <nil>
/work/data/a/b d--------- <nil>
/work/data/a/link L--------- <nil>
/work/data/a/moved ---------- <nil>
/work/data/a/moved <nil>
true
true
true
open /above: No such file or directory
"""


@pytest.mark.parametrize("virtual", [False, True])
def test_files_are_those_of_the_sandbox(module: Module, virtual: bool, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret").write_text("secret")
    files = VirtualDir({}) if virtual else HostDir(tmp_path / "data")
    assert output(module, "files", preopens={"/work/data": files}) == FILES


def under_node(module: Module, folder: Path, *args: str) -> tuple[int, bytes]:
    """Returns the exit code and the output of a program with Go's own JavaScript."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not there to compare with")
    found = subprocess.run([go(), "env", "GOROOT"], capture_output=True, check=True)
    script = Path(os.fsdecode(found.stdout.strip())) / "lib" / "wasm" / "wasm_exec_node.js"
    path = folder / "program.wasm"
    path.write_bytes(module.bytes)
    command = [node, str(script), str(path), *args]
    # Go has little room for the environment.
    done = subprocess.run(
        command, input=b"one\ntwo", capture_output=True, check=False, env={"NAME": "value"}
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    "what", ["goroutines", "timers", "input", "exit", "panic", "deadlock", "promise"]
)
def test_output_and_exit_code_are_those_under_node(
    module: Module, what: str, tmp_path: Path
) -> None:
    """The promises of the last one need functions that neither host gives."""
    made = program(module, what, stdin=b"one\ntwo", env={"NAME": "value"})
    assert (made.run(), made.stdout) == under_node(module, tmp_path, what)


# ---- the host's values ----


@gojs.exposes("title", "shout", writable=["title"])
class Document:
    def __init__(self) -> None:
        self.title = "Title"
        self.secret = "secret"

    def shout(self) -> str:
        return self.title.upper()


def test_go_reads_and_changes_values_of_python(module: Module) -> None:
    document = Document()
    given: dict[str, Any] = {
        "text": "täxt",
        "number": 1.5,
        "flag": True,
        "none": None,
        "list": [1, "b", 2],
        "data": b"\1\2\3\4",
        "document": document,
        "call": lambda left, right: left * right,
    }
    assert output(module, "values", globals={"given": given}) == (
        "täxt <number: 1.5> <boolean: true> <null>\n"
        "true true\n"
        "3 b true\n"
        "3 [1 2 3]\n"
        "4 4\n"
        "TITLE! true\n"
        "true object function\n"
        "true true\n"
        "42 1\n"
    )
    assert document.title == "Title!"
    assert given["answer"] == {"list": [1, "two", 3.5, True, None]}
    assert bytes(given["bytes"]) == b"\1\2\3\4"
    assert "text" not in given


def fail(text: str) -> None:
    raise ValueError(text)


def test_go_recovers_from_an_exception_of_a_host_function(module: Module) -> None:
    made = program(module, "errors", globals={"fail": fail})
    assert made.run() == 2
    assert made.stdout == b"recovered: JavaScript error: first\n"
    assert b"panic: JavaScript error: second" in made.stderr
    assert isinstance(made.last_error, ValueError)
    assert str(made.last_error) == "second"


async def later(milliseconds: int) -> str:
    await asyncio.sleep(milliseconds / 1000)
    return f"after {milliseconds}"


async def broken() -> None:
    raise ValueError("it broke")


def test_async_host_functions_return_promises(module: Module) -> None:
    made = program(module, "promise", globals={"later": later, "broken": broken})
    assert asyncio.run(made.run_async()) == 0
    assert made.stdout == b"after 1\nafter 20\nit broke\n"


def test_async_host_functions_need_run_async(module: Module) -> None:
    made = program(module, "promise", globals={"later": later, "broken": broken})
    assert made.run() == 2
    assert b"run_async()" in made.stderr


# ---- being stopped ----


def test_a_time_limit_holds_while_the_program_waits(module: Module) -> None:
    with pytest.raises(DeadlineExceeded):
        program(module, "sleep", limits=Limits(timeout=0.5)).run()


def test_interrupt_ends_a_wait(module: Module) -> None:
    made = program(module, "sleep")
    timer = threading.Timer(0.5, made.instance.interrupt)
    timer.start()
    with pytest.raises(Interrupted):
        made.run()
    timer.join()


def test_cancelling_the_task_ends_a_wait(module: Module) -> None:
    made = program(module, "sleep")

    async def run() -> None:
        await asyncio.wait_for(made.run_async(), 0.5)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(run())


# ---- programs that offer functions ----


@pytest.fixture
def started(functions: Module) -> gojs.Program:
    made = program(functions, preopens={"/data": VirtualDir({"file": b"content"})})
    made.start()
    return made


def test_python_calls_go(started: gojs.Program) -> None:
    functions = started.globals
    assert functions["add"](1, 2) == 3
    assert functions["upper"]("zażółć") == "ZAŻÓŁĆ"
    assert functions["sum"](bytes(range(100))) == {"sum": 4950, "size": 100}


def test_calls_nest(started: gojs.Program) -> None:
    """Go calls Python, which calls Go, which calls Python."""
    functions = started.globals
    assert functions["each"]([1, 2], lambda item: functions["add"](item, 10)) == [11, 12]
    assert functions["each"](["a"], functions["upper"]) == ["A"]
    deep = functions["each"]([[1], [2, 3]], lambda part: functions["each"](part, lambda i: -i))
    assert deep == [[-1], [-2, -3]]


def test_go_may_move_its_stack_during_a_call(started: gojs.Program) -> None:
    assert started.globals["deep"](300) == 303


def test_a_promise_of_go_is_waited_for(started: gojs.Program) -> None:
    slowly = started.globals["slowly"]
    assert started.wait(slowly("hello")) == "slowly: hello"
    with pytest.raises(gojs.JSError, match="nothing to say"):
        started.wait(slowly(""))
    assert asyncio.run(started.wait_async(slowly("again"))) == "slowly: again"


def test_a_call_runs_what_becomes_ready(started: gojs.Program) -> None:
    started.globals["file"]("/data/file")
    assert started.globals["content"] == "content"
    started.globals["file"]("missing")
    assert started.globals["content"] == "open missing: No such file or directory"


def test_a_call_can_wait_for_the_file_system(started: gojs.Program) -> None:
    """Under Node, Go's runtime would end the program here, because the files answer later."""
    assert started.globals["size"]("/data/file") == 7
    assert started.globals["size"]("missing") == "open missing: No such file or directory"


def test_a_released_function_says_so(started: gojs.Program) -> None:
    assert started.globals["released"]() is gojs.UNDEFINED
    assert started.stderr == b"call to released function\n"


def test_a_call_during_which_the_program_ends_raises_its_exit(started: gojs.Program) -> None:
    with pytest.raises(WasiExit) as caught:
        started.globals["exit"](3)
    assert (caught.value.code, started.exit_code) == (3, 3)
    with pytest.raises(WasmError, match="already ended with exit code 3"):
        started.globals["add"](1, 2)


def test_a_panic_in_a_call_ends_the_program(started: gojs.Program) -> None:
    with pytest.raises(WasiExit):
        started.globals["add"]("text", 1)
    assert b"panic: syscall/js: call of Value.Int on string" in started.stderr


def test_an_exception_of_a_host_function_is_the_cause_of_the_exit(started: gojs.Program) -> None:
    with pytest.raises(WasiExit) as caught:
        started.globals["each"](["text"], fail)
    assert isinstance(caught.value.__cause__, ValueError)


def test_another_thread_calls_a_program_that_runs(functions: Module) -> None:
    """The call waits for its turn on the thread of the program, which it then ends."""
    made = program(functions)
    made.start()
    results: list[Any] = []

    def call() -> None:
        results.append(made.globals["add"](1, 2))
        with pytest.raises(WasiExit):
            made.globals["exit"](4)

    caller = threading.Thread(target=call)
    made.globals["setTimeout"](caller.start, 1)
    made.globals["setTimeout"](lambda: None, 60_000)
    assert made.run() == 4
    caller.join()
    assert results == [3]


def test_values_that_go_let_go_of_leave_the_table(started: gojs.Program) -> None:
    """Go's collector runs often enough, because Go copies the texts: they are 50 MB in all."""
    for index in range(500):
        text = f"{index}" * 10_000
        assert started.globals["upper"](text) == text
    assert started._budget.used < 25_000_000
