# SPDX-License-Identifier: MIT
"""`pywasm3 run --stats` and `--trace` say on stderr what a guest did.

The expected figures are counted in the texts of the guests.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cli_helpers import Done, run, start

Write = Callable[..., Path]


def figures(done: Done) -> dict[str, str]:
    """The lines of the report, which are the last ones, without times."""
    lines = [line for line in done.err.splitlines() if re.match(r"(time|fuel|memory|WASI) ", line)]
    assert done.err.endswith("\n".join(lines) + "\n"), done
    found = dict(line.split(maxsplit=1) for line in lines)
    assert re.fullmatch(r"\d+\.\d{3} s(, of which loading took \d+\.\d{3} s)?", found.pop("time"))
    return found


def test_the_report_has_fuel_memory_and_calls(cat: Path) -> None:
    """Two rounds of the loop, the first of which writes, and five calls."""
    done = run("run", "--stats", cat, given=b"text")
    assert (done.code, done.out) == (1, "text")
    assert figures(done) == {
        "fuel": "7 (calls and iterations of loops)",
        "memory": "1 page, 0.06 MiB",
        "WASI": "5 calls: fd_read 2, args_sizes_get 1, fd_write 1, proc_exit 1",
    }


def test_a_function_that_needs_no_wasi_has_no_calls_of_it(library: Path) -> None:
    done = run("run", "--stats", "--invoke", "grow", library, "2")
    assert (done.code, done.out) == (0, "1\n")
    assert figures(done) == {
        "fuel": "0 (calls and iterations of loops)",
        "memory": "3 pages, 0.19 MiB",
    }


def test_all_memories_count_also_those_that_are_not_exported(module: Write) -> None:
    path = module('(module (memory 1) (memory 2) (func (export "_start")))')
    assert figures(run("run", "--stats", path))["memory"] == "3 pages, 0.19 MiB"


def test_the_report_comes_after_the_message_of_a_trap(library: Path) -> None:
    done = run("run", "--stats", "--invoke", "divide", library, "0")
    assert done.code == 134
    assert done.err.startswith("pywasm3: error: [trap] integer divide by zero\n")
    assert figures(done)["fuel"] == "1 (calls and iterations of loops)"


def test_the_fuel_of_a_limit_is_reported_when_it_is_used_up(library: Path) -> None:
    done = run("run", "--stats", "--fuel", "1234", "--invoke", "spin", library)
    assert done.code == 134
    assert figures(done)["fuel"] == "1,234 (calls and iterations of loops)"


def test_a_start_function_that_traps_is_reported(module: Write) -> None:
    path = module('(module (func $f (unreachable)) (start $f) (func (export "_start")))')
    done = run("run", "--stats", path)
    assert (done.code, figures(done)) == (134, {"fuel": "0 (calls and iterations of loops)"})


def test_a_module_that_cannot_be_loaded_has_only_a_time(module: Write) -> None:
    done = run("run", "--stats", module(b"no module"))
    assert (done.code, figures(done)) == (1, {})


@pytest.mark.skipif(os.name != "posix", reason="needs the signals of POSIX")
def test_a_run_that_ctrl_c_ends_is_reported(cat: Path) -> None:
    with start("run", "--stats", cat) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x")
        process.stdin.flush()
        assert process.stdout.read(1) == b"x"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert figures(Done(130, out, err))["memory"] == "1 page, 0.06 MiB"


def test_what_threads_do_counts(module: Write) -> None:
    """Two calls of functions and one of WASI in the thread; one start of a thread."""
    path = module("""(module
        (import "env" "memory" (memory 1 1 shared))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
        (func $nothing)
        (func (export "wasi_thread_start") (param i32 i32)
            (call $nothing) (call $nothing) (drop (call $yield))
            (i32.atomic.store (i32.const 0) (i32.const 1))
            (drop (memory.atomic.notify (i32.const 0) (i32.const 1))))
        (func (export "_start")
            (drop (call $spawn (i32.const 0)))
            (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))""")
    done = run("run", "--stats", "--threads", "1", path)
    assert done.code == 0
    assert figures(done) == {
        "fuel": "4 (calls and iterations of loops)",
        "memory": "1 page, 0.06 MiB",
        "WASI": "2 calls: sched_yield 1, thread-spawn 1",
    }


def test_without_the_option_nothing_is_reported(library: Path) -> None:
    assert run("run", "--invoke", "nothing", library).err == ""


def test_the_trace_has_each_call_with_its_result(cat: Path) -> None:
    done = run("run", "--trace", cat, given=b"text")
    assert (done.code, done.out) == (1, "text")
    assert done.err.splitlines() == [
        "args_sizes_get(32, 36) = 0",
        "fd_read(0, 0, 1, 8) = 0",
        "fd_write(1, 0, 1, 8) = 0",
        "fd_read(0, 0, 1, 8) = 0",
        "proc_exit(1)",
    ]


def test_the_trace_names_errors(module: Write) -> None:
    path = module(
        """(module (import "wasi_snapshot_preview1" "fd_close"
              (func $close (param i32) (result i32)))
            (memory (export "memory") 1)
            (func (export "_start") (drop (call $close (i32.const 99)))))"""
    )
    assert run("run", "--trace", path).err == "fd_close(99) = 8 EBADF\n"


def test_trace_and_stats_can_be_combined(cat: Path) -> None:
    done = run("run", "--stats", "--trace", cat)
    assert done.err.startswith("args_sizes_get(32, 36) = 0\n")
    assert figures(done)["WASI"] == "3 calls: args_sizes_get 1, fd_read 1, proc_exit 1"
