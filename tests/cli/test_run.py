# SPDX-License-Identifier: MIT
"""`pywasm3 run` runs programs and functions; it is tested as a process.

The expected outputs and exit codes are written by hand.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_helpers import environment, failure, run, start
from helpers import GUESTS, SANITIZED

Write = Callable[..., Path]

PROGRAM = GUESTS / "wasi" / "program.wasm"
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")


def exits_with(code: int) -> str:
    return f"""(module
        (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
        (memory (export "memory") 1)
        (func (export "_start") (call $exit (i32.const {code})))
        (func (export "leave") (call $exit (i32.const {code}))))"""


# ---- programs ----


def test_the_exit_code_is_that_of_the_guest(module: Write) -> None:
    assert run("run", module(exits_with(7))).code == 7


def test_an_exit_code_beyond_eight_bits_is_cut_as_the_system_does(module: Write) -> None:
    assert run("run", module(exits_with(0x1FE))).code == (0xFE if os.name == "posix" else 0x1FE)


THREADED = """(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (func (export "wasi_thread_start") (param i32 i32) (call $exit (i32.const 9)))
  (func (export "_start")
    (if (i32.gt_s (call $spawn (i32.const 0)) (i32.const 0)) (then
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))))"""


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--threads", "1"], 9)])
def test_threads_must_be_allowed(module: Write, options: list[str], code: int) -> None:
    assert run("run", *options, module(THREADED)).code == code


def test_a_program_that_returns_ends_with_0(module: Write) -> None:
    done = run("run", module('(module (func (export "_start")))'))
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("name", ["guest.wasm", "guest.wat"])
def test_a_file_in_place_of_a_command_is_run(module: Write, name: str) -> None:
    text = exits_with(7)
    path = module(text.encode() if name.endswith("wat") else text, name)
    assert run(path).code == 7


def test_all_words_after_a_file_in_place_of_a_command_are_for_the_guest(cat: Path) -> None:
    """The exit code of the guest is the number of its arguments, its name included."""
    assert run(cat, "--env", "x", "--").code == 4


def test_a_module_whose_start_function_is_all_there_is_runs_it(module: Write) -> None:
    assert run("run", module("(module (func $f) (start $f))")).code == 0


def test_arguments_environment_directories_and_streams_reach_the_guest(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("inside")
    done = run(
        "run",
        "--env",
        "NAME=value=2",
        "--dir",
        f"{tmp_path}::/data",
        PROGRAM,
        "--help",
        "--",
        "-5",
        "two words",
        given=b"a line\n",
    )
    lines = done.out.splitlines()
    assert lines[:6] == [
        "argument: program.wasm",  # and not where it lies on the host
        "argument: --help",
        "argument: --",
        "argument: -5",
        "argument: two words",
        "variable: value=2",
    ], done
    assert "a line" in done.out


def test_a_double_dash_right_after_the_file_is_for_the_guest(cat: Path) -> None:
    """The exit code of the guest is the number of its arguments, its name included."""
    assert run("run", cat, "--", "x").code == 3
    assert run("run", cat, "--").code == 2
    assert run("run", "--", cat, "x").code == 2
    assert run("run", cat, "--", "--").code == 3


def test_a_variable_without_value_is_taken_from_the_process(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("")
    options = ["--env", "NAME", "--dir", f"{tmp_path}::/data"]
    done = run("run", *options, PROGRAM, env=environment(NAME="given"))
    assert "variable: given" in done.out
    message = failure("run", "--env", "NO_SUCH_VARIABLE", PROGRAM, code=2)
    assert message.startswith("argument --env: this process has no variable 'NO_SUCH_VARIABLE';")


@pytest.mark.parametrize("option", ["--dir", "--read-only-dir"])
def test_directories_that_are_not_there_are_wrong_usage(
    library: Path, tmp_path: Path, option: str
) -> None:
    """That holds also for a module that would not use them."""
    for given, message in (
        (f"{tmp_path}/none::/x", "none' is not a directory"),
        (f"{tmp_path}::", "is not HOST::GUEST"),
    ):
        assert message in failure("run", option, given, "--invoke", "nothing", library, code=2)


def test_two_directories_of_one_name_are_wrong_usage(cat: Path, tmp_path: Path) -> None:
    options = ["--dir", f"{tmp_path}::/x", "--read-only-dir", f"{tmp_path}::/x"]
    message = failure("run", *options, cat, code=2)
    assert message == "two directories are given under the name '/x'"


# Makes the directory /data/new; the exit code is the error number.
MAKES_DIRECTORY = """(module
    (import "wasi_snapshot_preview1" "path_create_directory"
        (func $make (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (data (i32.const 8) "new")
    (func (export "_start")
        (call $exit (call $make (i32.const 3) (i32.const 8) (i32.const 3)))))"""


def test_a_read_only_directory_cannot_be_changed(module: Write, tmp_path: Path) -> None:
    path = module(MAKES_DIRECTORY)
    folder = tmp_path / "data"
    folder.mkdir()
    assert run("run", "--read-only-dir", f"{folder}::/data", path).code == 69  # EROFS
    assert not (folder / "new").exists()
    assert run("run", "--dir", f"{folder}::/data", path).code == 0
    assert (folder / "new").is_dir()


def test_input_is_streamed(cat: Path) -> None:
    with start("run", cat) as process:
        assert process.stdin and process.stdout
        for line in (b"first\n", b"second\n"):
            process.stdin.write(line)
            process.stdin.flush()
            assert process.stdout.readline() == line  # while the input is still open
        process.stdin.close()
        assert process.wait(120) == 1


def test_the_module_itself_can_come_from_standard_input(module: Write) -> None:
    assert run("run", "-", given=module(exits_with(5)).read_bytes()).code == 5


@POSIX
def test_a_guest_whose_reader_is_gone_ends_quietly(cat: Path) -> None:
    with start("run", cat) as process:
        assert process.stdout and process.stdin and process.stderr
        process.stdout.close()
        process.stdin.write(b"x" * 4096)
        process.stdin.close()
        assert process.wait(120) == -signal.SIGPIPE
        assert process.stderr.read() == b""


@POSIX
def test_closed_streams_do_not_become_files_of_the_guest(cat: Path, tmp_path: Path) -> None:
    script = f"exec '{sys.executable}' -m pywasm3 run --dir '{tmp_path}::/x' '{cat}' >&-"
    import subprocess

    done = subprocess.run(["sh", "-c", script], input=b"text", stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (1, b"")


# ---- functions ----


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["add", "2", "3"], "5"),
        (["add", "0xffffffff", "0"], "-1"),
        (["add", "4294967295", "-2147483648"], "2147483647"),
        (["add", "-0x1", "+1"], "0"),
        (["mix", "18446744073709551615", "0.1", "1e300"], "1e+300\n0.1\n-1"),
        (["mix", "-9223372036854775808", "nan", "-inf"], "-inf\nnan\n-9223372036854775808"),
        (["mix", "0", "0x1.8p1", "5"], "5.0\n3.0\n0"),
        (
            ["lanes", "0x00000004000000030000000200000001", "0"],
            "1\n0x00000004000000030000000200000001",
        ),
        (["lanes", "-1", "4"], "255\n0x" + "fffffff0" * 4),
        (["lanes", str(2**128 - 1), "0"], "255\n0x" + "f" * 32),
        (["lanes", "5", "0"], "5\n0x" + "5".zfill(32)),
        (["nothing"], ""),
    ],
)
def test_arguments_are_typed_and_results_printed_one_a_line(
    library: Path, words: list[str], printed: str
) -> None:
    name, *arguments = words
    done = run("run", "--invoke", name, library, *arguments)
    assert (done.code, done.out.rstrip("\n"), done.err) == (0, printed, ""), done


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["add", "1"], "add takes 2 arguments (i32, i32), but got 1"),
        (["add", "4294967296", "0"], "add: argument 0: '4294967296' is out of the range of i32"),
        (["add", "0", "-2147483649"], "add: argument 1: '-2147483649' is out of the range of i32"),
        (["add", "1.5", "0"], "add: argument 0: '1.5' is not an i32"),
        (["add", "", "0"], "add: argument 0: '' is not an i32"),
        (["mix", "0", "1e39", "0"], "mix: argument 1: '1e39' is out of the range of f32"),
        (["mix", "0", "one", "0"], "mix: argument 1: 'one' is not an f32"),
        (["lanes", "1.5", "0"], "lanes: argument 0: '1.5' is not a v128"),
        (
            ["lanes", str(2**128), "0"],
            f"lanes: argument 0: '{2**128}' is out of the range of v128",
        ),
        (
            ["size of", "0"],
            "size of: argument 0: values of type externref cannot be given on the command line",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_named(library: Path, words: list[str], message: str) -> None:
    name, *arguments = words
    assert failure("run", "--invoke", name, library, *arguments, code=2) == message


def test_a_name_of_no_function_is_answered_with_the_names_of_functions(library: Path) -> None:
    message = failure("run", "--invoke", "memory", library, code=2)
    assert message.startswith('there is no function "memory"; its functions are: add, mix,')


def test_a_misspelt_function_is_answered_with_the_one_that_is_meant(library: Path) -> None:
    message = failure("run", "--invoke", "ad", library, code=2)
    assert message == 'there is no function "ad"; did you mean "add"?'


def test_a_library_is_told_how_to_be_run(library: Path) -> None:
    message = failure("run", library)
    assert "does not export _start; call a function with --invoke" in message


def test_nothing_runs_before_the_arguments_are_known_to_fit(module: Write) -> None:
    path = module('(module (func $trap unreachable) (start $trap) (func (export "f")))')
    message = failure("run", "--invoke", "f", path, "1", code=2)
    assert message == "f takes 0 arguments, but got 1"
    assert run("run", "--invoke", "f", path).code == 134


def test_an_invoked_function_may_end_the_program(module: Write) -> None:
    assert run("run", "--invoke", "leave", module(exits_with(9))).code == 9


# ---- traps, limits ----


def test_a_trap_ends_with_exit_code_134_and_prints_the_frames(library: Path) -> None:
    done = run("run", "--invoke", "divide", library, "0")
    first, *frames = done.err.splitlines()
    assert done.code == 134
    assert first == "pywasm3: error: [trap] integer divide by zero"
    assert [frame.split(",")[0] for frame in frames] == [
        "  at inner (function 4",
        "  at divide (function 5",
    ]


def test_an_uncaught_exception_ends_like_a_trap(module: Write) -> None:
    path = module("""(module (tag $t (param i32))
        (func (export "f") (param i32) (throw $t (local.get 0))))""")
    done = run("run", "--invoke", "f", path, "7")
    assert done.code == 134
    first, frame = done.err.splitlines()
    assert first == "pywasm3: error: uncaught exception (i32): 7"
    assert frame.startswith("  at f (function 0")


@pytest.mark.parametrize(
    ("options", "words", "reason"),
    [
        (["--fuel", "1000"], ["spin"], "fuel"),
        (["--timeout", "0.2"], ["spin"], "deadline"),
        (["--stack", "8K"], ["deep", "100000"], "stack"),
    ],
)
def test_a_limit_that_is_reached_is_a_trap(
    library: Path, options: list[str], words: list[str], reason: str
) -> None:
    name, *arguments = words
    done = run("run", *options, "--invoke", name, library, *arguments)
    assert done.code == 134, done
    assert reason in done.err.splitlines()[0]
    assert "at " in done.err


def test_memory_is_limited(library: Path) -> None:
    words = ["--invoke", "grow", library, "1"]
    assert run("run", *words).out == "1\n"
    assert run("run", "--max-memory", "64KiB", *words).out == "-1\n"
    assert "memory" in failure("run", "--max-memory", "1", *words)


@POSIX
def test_the_timeout_ends_a_guest_that_waits_for_input(cat: Path) -> None:
    with start("run", "--timeout", "1", cat) as process:
        assert process.wait(120) == 134
        assert process.stderr
        text = process.stderr.read().decode()
    assert text.startswith("pywasm3: error: [trap] deadline exceeded")
    assert "_start" in text


@pytest.mark.parametrize(
    "option",
    [
        ["--fuel", "-1"],
        ["--fuel", "many"],
        ["--timeout", "-1"],
        ["--timeout", "nan"],
        ["--max-memory", "64X"],
        ["--stack", "1.5M"],
    ],
)
def test_options_that_need_a_number_refuse_anything_else(library: Path, option: list[str]) -> None:
    message = failure("run", *option, library, code=2)
    assert message.startswith(f"argument {option[0]}")


@pytest.mark.parametrize("size", ["0", "2G"])
def test_a_stack_of_an_impossible_size_is_wrong_usage(library: Path, size: str) -> None:
    message = failure("run", "--stack", size, "--invoke", "nothing", library, code=2)
    assert message.startswith("stack")


# ---- Ctrl-C ----


SLEEPER = """(module
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "\\10\\00\\00\\00\\01\\00\\00\\00")
    (data (i32.const 16) "\\n")
    (func $ready (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
    (func (export "_start")
        (call $ready)
        (i32.store (i32.const 80) (i32.const 1)) ;; the monotonic clock
        (i64.store (i32.const 88) (i64.const 600_000_000_000))
        (drop (call $poll (i32.const 64) (i32.const 256) (i32.const 1) (i32.const 8))))
    (func (export "spin") (call $ready) (loop (br 0))))"""


@POSIX
@pytest.mark.parametrize("where", ["a loop", "a wait"])
def test_ctrl_c_ends_with_130_and_no_traceback(module: Write, where: str) -> None:
    invoke = ["--invoke", "spin"] if where == "a loop" else []
    with start("run", *invoke, module(SLEEPER)) as process:
        assert process.stdout and process.stderr
        assert process.stdout.readline() == b"\n"
        time.sleep(0.5 if SANITIZED else 0.1)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
        assert process.stderr.read() == b""


# ---- what cannot be run ----


def test_missing_imports_are_one_line() -> None:
    message = failure("run", "--invoke", "sum", GUESTS / "host.wasm", "4")
    assert message == (
        "1 import does not fit: env.callback: expected function (i32) -> i32, given nothing"
    )


def test_a_module_of_later_features_is_refused_with_the_feature(module: Write) -> None:
    path = module('(module (memory 1 1 (pagesize 1)) (func (export "_start")))')
    message = failure("run", path)
    assert message.startswith(f"{path}: not supported: custom page sizes")
