# SPDX-License-Identifier: MIT
"""Measures what WASI's fd_write and fd_read cost.

- fd_write: a loop in the guest writes 1,000,000 lines, one per call. It is compared with the same
  loop and a bare host function of the same signature, which only writes the same line with
  os.write. Both write to /dev/null, because the time of a terminal or a disk would hide the
  difference.
- fd_read: the guest reads a file of 100 MB in pieces of 64 KiB. The file was read before, so it
  comes from the page cache. It is compared with os.readv into a buffer of this process.

Each figure is the best of several rounds, in which the contestants take turns. The figures do not
show what a program's own library does before it calls fd_write (buffering, formatting), which is
most of the cost in a real program.

    python benchmarks/wasi.py [--rounds N]

The exit code is 1 if one of the two bars below is missed.
"""

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import wasmtime

import pywasm3
from pywasm3.wasi import WasiConfig

WRITE_BAR = 1.5  # The most time that fd_write may take, as a multiple of the bare function's.
READ_BAR = 1e9  # The least number of bytes per second through fd_read.

LINES, LINE = 1_000_000, b"a line of text, as programs write them\n"
FILE_SIZE, PIECE = 100_000_000, 64 << 10

TEXT = f"""(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 64) "{LINE.decode().strip()}\\n")
  (data (i32.const 0) "\\40\\00\\00\\00\\{len(LINE):02x}\\00\\00\\00")
  (data (i32.const 16) "\\00\\00\\01\\00\\00\\00\\01\\00")
  (func (export "write") (param $lines i32) (result i32)
    (local $failed i32)
    (loop $again
      (local.set $failed (i32.or (local.get $failed)
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))
      (br_if $again (local.tee $lines (i32.sub (local.get $lines) (i32.const 1)))))
    (local.get $failed))
  (func (export "read") (result i64)
    (local $total i64)
    (drop (call $seek (i32.const 0) (i64.const 0) (i32.const 0) (i32.const 40)))
    (loop $again
      (if (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 32))
        (then unreachable))
      (local.set $total (i64.add (local.get $total) (i64.load32_u (i32.const 32))))
      (br_if $again (i32.load (i32.const 32))))
    (local.get $total)))"""


def bare(file: int) -> Callable[[int, int, int, int], int]:
    """Returns an fd_write that does nothing but write the line."""
    write = os.write

    def fd_write(fd: int, iovecs: int, count: int, result: int) -> int:
        write(file, LINE)
        return 0

    return fd_write


def timed(function: Callable[[], object]) -> float:
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def race(functions: list[Callable[[], object]], rounds: int) -> list[float]:
    """Returns the least time of each function, in seconds."""
    least = [math.inf] * len(functions)
    for _ in range(rounds):
        for i, function in enumerate(functions):
            least[i] = min(least[i], timed(function))
    return least


def write_ratio(module: pywasm3.Module, rounds: int) -> float:
    """Returns the time of fd_write, as a multiple of the bare function's."""
    with open(os.devnull, "wb", buffering=0) as null:
        imports = {"wasi_snapshot_preview1": {"fd_write": bare(null.fileno())}}
        ours = pywasm3.Instance(module, wasi=WasiConfig(stdout=os.devnull))
        other = pywasm3.Instance(module, imports, wasi=WasiConfig())
        for instance in (ours, other):
            if instance.exports.write(1) != 0:
                raise AssertionError("fd_write failed")
        runs = [lambda i=i: i.exports.write(LINES) for i in (ours, other)]
        mine, theirs = race(runs, rounds)
    print(f"fd_write of a line: {mine * 1e3:.0f} ns, bare host function: {theirs * 1e3:.0f} ns")
    return mine / theirs


def read_rate(module: pywasm3.Module, rounds: int) -> float:
    """Returns how many bytes per second come through fd_read."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file")
        path.write_bytes(bytes(FILE_SIZE))
        instance = pywasm3.Instance(module, wasi=WasiConfig(stdin=path))
        buffer = bytearray(PIECE)
        fd = os.open(path, os.O_RDONLY)

        def plain() -> None:
            os.lseek(fd, 0, os.SEEK_SET)
            while os.readv(fd, [buffer]):
                pass

        def ours() -> None:
            if instance.exports.read() != FILE_SIZE:
                raise AssertionError("fd_read did not read the whole file")

        mine, theirs = race([ours, plain], rounds)
        os.close(fd)
    print(f"fd_read: {FILE_SIZE / mine / 1e9:.2f} GB/s, os.readv: {FILE_SIZE / theirs / 1e9:.2f}")
    return FILE_SIZE / mine


def main() -> int:
    """Prints both figures. Returns 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    module = pywasm3.Module(bytes(wasmtime.wat2wasm(TEXT)))
    ratio, rate = write_ratio(module, rounds), read_rate(module, rounds)
    passed = ratio <= WRITE_BAR and rate >= READ_BAR
    print(f"ratio {ratio:.2f}, at most {WRITE_BAR}; {rate / 1e9:.2f} GB/s, at least 1")
    print("pass" if passed else "FAIL")
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
