# SPDX-License-Identifier: MIT
"""C programs use POSIX threads, which the host runs as threads of Python.

`make toolchains` installs the compiler and runs these tests, each without and with optimization.
The expected values follow from POSIX and from c/threads.c.
"""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from pywasm3 import Limits, TrapKind
from pywasm3.wasi import CAPTURE, WasiConfig
from thread_helpers import threads_guest

# A program that never ends, because a thread is not woken up for example, fails after this time.
SECONDS = 60


@functools.cache
def compiled(optimize: str) -> pywasm3.Module:
    return pywasm3.Module(threads_guest("threads.c", optimize))


class Program:
    """The program threads.c, which runs once.

    Attributes:
        printed: The text that the program has printed.
    """

    def __init__(self, optimize: str) -> None:
        self._module = compiled(optimize)
        self.printed = ""

    def run(
        self, way: str, number: int = 0, threads: int = 20, stack: int = 16 << 20, **streams: Any
    ) -> int:
        """Runs the program, which uses threads in one way, and returns its exit code.

        Args:
            way: The first argument of the program.
            number: The second argument.
            threads: How many threads the program may have, besides the first.
            stack: The bytes of the value stack of each thread.
            streams: Other streams than an empty input, and an output that is captured.
        """
        arguments = ["threads", way, str(number)]
        config = WasiConfig(args=arguments, threads=threads, **{"stdout": CAPTURE, **streams})
        limits = Limits(timeout=SECONDS, stack=stack)
        with pywasm3.Instance(self._module, wasi=config, limits=limits) as instance:
            try:
                return instance.run()
            finally:
                if not streams:
                    self.printed = instance.wasi.stdout.decode()


@pytest.fixture
def program(optimize: str) -> Program:
    return Program(optimize)


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Path]:
    """A pipe with a name, which is open for writing. Nobody has written to it."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    descriptor = os.open(path, os.O_RDWR)
    yield path
    os.close(descriptor)


def test_threads_get_arguments_and_return_results(program: Program) -> None:
    assert program.run("join") == 0
    assert program.printed == "100 121 144 169 \n"


def test_more_threads_run_one_after_the_other_than_may_run_at_a_time(program: Program) -> None:
    """Each is joined before the next is created."""
    assert program.run("one-after-the-other", 100, threads=1) == 0
    assert program.printed == f"{sum(i * i for i in range(100))}\n"


def test_threads_start_threads(program: Program) -> None:
    """A binary tree with 8 leaves has 14 nodes below its root."""
    assert program.run("tree", 3, threads=14) == 0
    assert program.printed == "8\n"


def test_a_mutex_lets_one_thread_at_a_time_count(program: Program) -> None:
    assert program.run("mutual-exclusion", 3000) == 0
    assert program.printed == "12000\n"


def test_a_condition_variable_wakes_up_producers_and_consumers(program: Program) -> None:
    assert program.run("produce", 1000) == 0
    assert program.printed == f"{sum(range(1001))}\n"


def test_a_wait_with_a_timeout_ends(program: Program) -> None:
    assert program.run("wait-in-vain") == 0
    assert program.printed == "timed out\n"


def test_a_barrier_holds_all_threads_back_until_the_last_arrives(program: Program) -> None:
    """One thread of each round is told that it was the last."""
    assert program.run("rounds", 50) == 0
    assert program.printed == "200 arrived, 0 too early, 50 last\n"


def test_each_thread_has_its_own_variables_errno_and_keys(program: Program) -> None:
    """The destructor of a key adds up what the threads have set it to: 0, 1, 2 and 3."""
    assert program.run("storage") == 0
    assert program.printed == "7 8 6\n"


def test_pthread_once_calls_once_and_all_others_wait_for_it(program: Program) -> None:
    assert program.run("at-once") == 0
    assert program.printed == "1\n"


def test_detached_threads_make_room_when_they_end(program: Program) -> None:
    assert program.run("detach", 50, threads=40) == 0
    assert program.printed == "200\n"


def test_threads_allocate_memory_that_grows(program: Program) -> None:
    assert program.run("memory", 1000) == 0
    assert program.printed == "grown\n"


def test_threads_print_whole_lines(program: Program) -> None:
    assert program.run("print", 100) == 0
    lines = program.printed.splitlines()
    for thread in range(4):
        expected = [f"thread {thread} prints line {line}" for line in range(100)]
        assert [line for line in lines if line.startswith(f"thread {thread} ")] == expected
    assert len(lines) == 400


def test_a_program_prints_while_a_thread_of_it_waits_for_input(
    program: Program, silent: Path
) -> None:
    """The host writes the input when it sees the output."""
    printed = bytearray()

    class Output(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            if b"waiting" in bytes(data):
                silent.write_bytes(b"x")
            printed.extend(data)
            return len(data)

    assert program.run("read-later", stdin=silent, stdout=Output()) == 0
    assert printed == b"waiting\nread x\n"


def test_a_thread_recurses_as_deep_as_the_program(program: Program) -> None:
    assert program.run("recursion", 1500) == 0
    assert program.printed == "the same\n"


# ---- the end of the program ----


def test_exit_in_a_thread_ends_threads_that_wait_loop_and_sleep(program: Program) -> None:
    assert program.run("exit-in-a-thread", 7) == 7
    assert program.printed == "goodbye\n"  # by a function that was given to atexit


def test_exit_in_a_thread_ends_the_program_that_joins_it(program: Program) -> None:
    assert program.run("exit-while-main-waits", 7) == 7


def test_exit_in_a_thread_with_0_is_success(program: Program) -> None:
    assert program.run("exit-while-main-waits", 0) == 0


def test_the_return_of_main_ends_threads_that_wait_loop_and_sleep(program: Program) -> None:
    assert program.run("return-from-main") == 0
    assert program.printed == "main returns\n"


def test_the_return_of_main_ends_a_thread_that_waits_for_input(
    program: Program, silent: Path
) -> None:
    assert program.run("read-never", stdin=silent, stdout=None) == 0


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ("abort-in-a-thread", TrapKind.UNREACHABLE),
        ("trap-in-a-thread", TrapKind.MEMORY_OUT_OF_BOUNDS),
        ("trap-in-main", TrapKind.UNREACHABLE),
    ],
)
def test_a_trap_ends_all_threads(program: Program, way: str, kind: TrapKind) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        program.run(way)
    assert caught.value.kind is kind


def test_a_trap_in_a_thread_has_the_frames_of_the_thread(program: Program) -> None:
    with pytest.raises(pywasm3.Trap) as caught:
        program.run("abort-in-a-thread")
    assert caught.value.frames[-1].name == "wasi_thread_start"


def test_endless_recursion_in_a_thread_ends_the_program(program: Program) -> None:
    """The value stack is so small that it ends before the stack that C has in the memory."""
    with pytest.raises(pywasm3.StackExhausted) as caught:
        program.run("recursion-in-a-thread", 100_000_000, stack=1 << 18)
    assert caught.value.frames[-1].name == "wasi_thread_start"


# ---- more threads than the host allows ----


def test_pthread_create_fails_when_there_are_too_many_threads(program: Program) -> None:
    """It fails with EAGAIN, and succeeds again when the other threads have ended."""
    assert program.run("too-many", 20, threads=5) == 0
    assert program.printed == "5\n5\n"


def test_pthread_create_fails_without_threads(program: Program) -> None:
    assert program.run("too-many", 20, threads=0) == 0
    assert program.printed == "0\n0\n"
