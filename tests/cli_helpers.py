# SPDX-License-Identifier: MIT
"""Runs the command line as a process of its own, and has guests for it to run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from helpers import TESTS

COMMAND = [sys.executable, "-m", "pywasm3"]
# These variables change what the command prints, and whoever starts the tests may have set them.
_ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name not in ("NO_COLOR", "FORCE_COLOR", "PYTHON_COLORS", "COLUMNS")
}


def environment(**more: str) -> dict[str, str]:
    """The environment of a child process, in which all warnings are errors."""
    return {**_ENVIRONMENT, "PYTHONWARNINGS": "error", "TERM": "xterm", **more}


@contextmanager
def start(*arguments: str | Path, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """Starts a command that runs beside the test, and kills it when the block ends."""
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        **{**pipes, "env": environment(), "cwd": TESTS, **options},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


class Done:
    """The exit code and the output of a command that has ended."""

    def __init__(self, code: int, out: bytes, err: bytes) -> None:
        self.code = code
        self.out = out.decode()
        self.err = err.decode()

    def __repr__(self) -> str:
        return f"exit code {self.code}\n{self.out}{self.err}"


def run(*arguments: str | Path, given: bytes = b"", **options: Any) -> Done:
    """Runs a command, gives it `given` as its input, and waits for its end."""
    with start(*arguments, **options) as process:
        out, err = process.communicate(given, timeout=120)
    return Done(process.returncode, out or b"", err or b"")


def failure(*arguments: str | Path, code: int = 1, **options: Any) -> str:
    """Runs a command that must fail, and returns the one line that it says."""
    done = run(*arguments, **options)
    assert done.code == code, done
    assert done.err.startswith("pywasm3: error: "), done
    assert done.err.count("\n") == 1, done
    assert done.err.endswith("\n"), done
    return done.err.removeprefix("pywasm3: error: ").rstrip("\n")


# Copies its input to its output as it comes. The exit code is the number of its arguments.
CAT = """(module
    (import "wasi_snapshot_preview1" "fd_read"
        (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (drop (call $sizes (i32.const 32) (i32.const 36)))
        (i32.store (i32.const 0) (i32.const 64))
        (loop $more
            (i32.store (i32.const 4) (i32.const 1024))
            (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
            (if (i32.load (i32.const 8)) (then
                (i32.store (i32.const 4) (i32.load (i32.const 8)))
                (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
                (br $more))))
        (call $exit (i32.load (i32.const 32)))))"""

# A library: it imports nothing, so the command line can call its exports.
LIBRARY = """(module $lib
    (memory (export "memory") 1 4)
    (func (export "add") (param i32 i32) (result i32)
        (i32.add (local.get 0) (local.get 1)))
    (func (export "mix") (param i64 f32 f64) (result f64 f32 i64)
        (local.get 2) (local.get 1) (local.get 0))
    (func (export "nothing"))
    (func (export "size of") (param externref) (result i32) (i32.const 1))
    (func $inner (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
    (func (export "divide") (param i32) (result i32) (call $inner (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
    (func $deep (export "deep") (param i32) (result i32)
        (if (result i32) (local.get 0)
            (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
            (else (i32.const 0))))
    (func (export "spin") (loop (br 0)))
    (func (export "lanes") (param v128 i32) (result i32 v128)
        (i8x16.extract_lane_u 0 (local.get 0)) (i32x4.shl (local.get 0) (local.get 1))))"""

# A valid module that this version cannot run. One name would confuse a terminal if it were printed
# as it is.
UNRUNNABLE = """(module
    (type $s (struct (field (mut i32)))) (tag $t (param i32)) (memory 1 (pagesize 1))
    (func (export "v128") (param v128) (result v128)
        (i8x16.add (local.get 0) (v128.const i32x4 1 2 3 4)))
    (func (export "struct") (result (ref $s)) (struct.new $s (i32.const 1)))
    (func (export "catch") (block $l (result i32) (try_table (catch $t $l)) (i32.const 0)) (drop))
    (func (export "\\1b[31mred\\0a\\e2\\80\\ae\\"\\\\")))"""
