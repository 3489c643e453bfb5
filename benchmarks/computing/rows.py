# SPDX-License-Identifier: MIT
"""The rows of compute.py that are small programs: loops of one kind each, from several compilers.

Those in the folder guests export `run`, which takes the amount of work and returns a checksum.
tests/guests/build.py compiles them, and says with which flags. Others are guests of the tests.
"""

import dataclasses
import hashlib
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

from pywasm3.bench.jobs import Instance, Job
from pywasm3.bench.programs import PLAIN, Imports

from .engines import ROOT

sys.path.insert(0, str(ROOT / "tests"))
from simd_kernels import Kernel, kernels

FOLDER = Path(__file__).resolve().parent / "guests"
TESTS = ROOT / "tests" / "guests"


@dataclasses.dataclass(frozen=True)
class Row:
    """A guest and what it does.

    Attributes:
        name: One word, by which the command line names the row.
        does: A few words about the work of the guest.
        compiler: The language of the guest, and the compiler if there are several.
        data: Returns the module.
        prepare: Makes an instance ready.
        expected: The result, if it is known from elsewhere. Otherwise, the engines are compared.
        imports: How the imports of the guest behave.
        program: Whether this is a whole program, and not a small one that was written for this.
        calls: The export and the arguments of the work, if it consists of one call.
    """

    name: str
    does: str
    compiler: str
    data: Callable[[], bytes]
    prepare: Callable[[Instance], Job]
    expected: int | None = None
    imports: Imports = PLAIN
    program: bool = False
    calls: tuple[str, tuple[int, ...]] | None = None


def kernel(
    name: str,
    does: str,
    compiler: str,
    path: Path,
    argument: int,
    expected: int | None = None,
    export: str = "run",
) -> Row:
    """Makes the row of a guest whose work is one call, (i32) -> i32."""

    def prepare(guest: Instance) -> Job:
        function = guest.function(export)
        return Job(lambda: function(argument), lambda: int(function(argument) or 0) & 0xFFFFFFFF)

    calls = (export, (argument,))
    return Row(name, does, compiler, path.read_bytes, prepare, expected, calls=calls)


def scalar_kernel(guest: Kernel, does: str, times: int) -> Row:
    """Makes the row of a guest of tests/guests/simd, compiled without SIMD."""

    def prepare(instance: Instance) -> Job:
        run = instance.function("run")
        output = int(instance.function("output")() or 0)
        instance.write(int(instance.function("input")() or 0), guest.data)

        def result() -> int:
            run(times)
            return zlib.crc32(instance.read(output, len(guest.expected)))

        return Job(lambda: run(times), result)

    expected = zlib.crc32(guest.expected)
    return Row(guest.name, does, "C", lambda: guest.module("scalar"), prepare, expected)


def prepare_mandelbrot(guest: Instance) -> Job:
    """The picture of 96 by 64 pixels is checked by its bytes."""
    render = guest.function("render")
    view = (96, 64, -0.5, 0.0, 3.0, 100)

    def result() -> int:
        return zlib.crc32(guest.read(int(render(*view) or 0), 2 * 96 * 64))

    return Job(lambda: render(*view), result)


def sha256_of(size: int) -> int:
    """Returns the first word of the digest that sha256.c computes."""
    pieces = bytes(i * 7 & 0xFF for i in range(65536)) * (size // 65536 + 1)
    return int.from_bytes(hashlib.sha256(pieces[:size]).digest()[:4], "big")


def squares_checksum(rounds: int) -> int:
    """Returns the checksum of the bytes that the program of brainfuck.c prints."""
    total = 0
    for _ in range(rounds):
        for number in range(1, 41):
            total = (total * 31 + number * number % 256) & 0xFFFFFFFF
    return total


def matrix_checksum(side: int) -> int:
    """Returns what matrix.c computes, in closed form for each number of the product."""
    ones, linear = side, side * (side - 1) // 2
    squares = (side - 1) * side * (2 * side - 1) // 6
    total = 0
    for row in range(side):
        for column in range(side):
            # The sum over i of (row + i) * (i - column).
            product = squares + (row - column) * linear - row * column * ones
            total += product * column
    return total & 0xFFFFFFFF


def registers_checksum(end: int) -> int:
    """Returns what the program of registers.c computes."""
    total = 0
    for number in range(1, end):
        length, value = 0, number
        while value > 1:
            length += 1
            value = value * 3 + 1 if value & 1 else value // 2
        total = total * 5 + length
    return total & 0xFFFFFFFF


def small_programs() -> list[Row]:
    """Returns all rows of this file, in the order of the table."""
    simd = {k.name: k for k in kernels()}
    matrix = FOLDER / "matrix.wasm"
    product = matrix_checksum(96)
    # fmt: off
    return [
        kernel("coremark", "lists, matrices, automaton, CRC", "C", TESTS / "compute.wasm", 10),
        kernel("sha256", "SHA-256 of 64 KB", "C", FOLDER / "sha256.wasm", 64000, sha256_of(64000)),
        scalar_kernel(simd["blake3"], "BLAKE3 of 16 KiB, 16 times", 16),
        scalar_kernel(simd["chacha20"], "ChaCha20 of 16 KiB, 8 times", 8),
        kernel("sieve", "primes below 300,000", "C", FOLDER / "sieve.wasm", 300_000, 25_997),
        kernel("matrix-i32", "product of 96 x 96 matrices", "C", matrix, 96, product, "i32"),
        kernel("matrix-f32", "the same with f32", "C", matrix, 96, product, "f32"),
        kernel("matrix-f64", "the same with f64", "C", matrix, 96, product, "f64"),
        kernel("nbody", "four planets, objects", "AssemblyScript", FOLDER / "nbody.wasm", 3000),
        Row("mandelbrot", "96 x 64 pixels, f64", "C", (TESTS / "mandelbrot.wasm").read_bytes,
            prepare_mandelbrot),
        kernel("quicksort", "6,000 numbers", "AssemblyScript", FOLDER / "quicksort.wasm", 6000),
        kernel("hashmap", "StringHashMap of std, 8,000 words", "Zig", FOLDER / "hashmap.wasm",
               8000),
        kernel("format", "std.fmt, 3,000 lines", "Zig", FOLDER / "format.wasm", 3000),
        kernel("json", "std.json, a document of 150 records", "Zig", FOLDER / "json.wasm", 150),
        kernel("regex", "Thompson's automaton", "C", FOLDER / "regex.wasm", 2,
               1_956_504_348),  # as Python's re computes
        kernel("brainfuck", "interpreter by br_table", "C", FOLDER / "brainfuck.wasm", 1,
               squares_checksum(1)),
        kernel("registers", "interpreter of register code", "C", FOLDER / "registers.wasm", 500,
               registers_checksum(500)),
        kernel("lz", "decompression of 64 KiB, 4 times", "C", FOLDER / "lz.wasm", 4),
        kernel("btree", "8,000 searches among 16,000 keys", "C", FOLDER / "btree.wasm", 8000),
        kernel("fib", "calls: fib(25)", "C", TESTS / "arith.wasm", 25, 75_025, "fib"),
        kernel("indirect", "200,000 calls by table", "WAT", FOLDER / "indirect.wasm", 200_000),
        kernel("bigint", "powers modulo 2^255 - 19, i64", "C", FOLDER / "bigint.wasm", 10),
        kernel("copy", "copies by words, 5 MiB", "WAT", FOLDER / "copy.wasm", 10),
        kernel("loop-f32", "a loop of dependent f32", "WAT", FOLDER / "loop_f32.wasm", 300_000),
        kernel("loop-f64", "a loop of dependent f64", "WAT", FOLDER / "loop_f64.wasm", 300_000),
    ]
    # fmt: on
