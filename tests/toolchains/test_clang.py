# SPDX-License-Identifier: MIT
"""What Debian's clang compiles with its own libraries for WASI runs: programs and libraries.

The packages are clang, lld, wasi-libc, libclang-rt-dev-wasm32, and libc++-dev-wasm32 for C++. The
expected values follow from the sources, or are what Zig's build of the same source does.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import pywasm3
from compiler_helpers import clang
from helpers import GUESTS, TESTS
from pywasm3.guests.strings import Form, Heap
from pywasm3.wasi import CAPTURE, VirtualDir, WasiConfig

SOURCES = TESTS / "toolchains"
REACTOR = ["-mexec-model=reactor", "-Wl,--export=malloc", "-Wl,--export=free"]
CPP = ["-std=c++17", "-fno-exceptions"]


def compiled(source: Path, folder: Path, *flags: str) -> bytes:
    """Compiles a source for WASI, and returns the module."""
    compiler = clang("clang++" if source.suffix == ".cpp" else "clang")
    output = folder / f"{source.stem}.wasm"
    command = [compiler, "--target=wasm32-wasi", "-Wall", "-Wextra", "-Werror", *flags]
    done = subprocess.run(
        [*command, "-o", output, source], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return output.read_bytes()


def outcome(module: bytes) -> tuple[int, bytes, bytes, object]:
    """Runs the program, and returns the exit code, what it wrote, and the directory afterwards."""
    directory = VirtualDir({"in.txt": b"of a file\n"})
    config = WasiConfig(
        args=["program", "argument"],
        env={"NAME": "value"},
        stdin=b"one\ntwo\n",
        stdout=CAPTURE,
        stderr=CAPTURE,
        preopens={"/data": directory},
    )
    instance = pywasm3.load(module, wasi=config)
    code = instance.run()
    return code, instance.wasi.stdout, instance.wasi.stderr, directory.to_dict()


@pytest.mark.parametrize("optimize", ["-O0", "-O2"])
def test_a_program_does_what_zigs_build_of_it_does(optimize: str, tmp_path: Path) -> None:
    module = compiled(GUESTS / "wasi" / "program.c", tmp_path, optimize)
    assert outcome(module) == outcome((GUESTS / "wasi" / "program.wasm").read_bytes())


@pytest.fixture
def library(tmp_path: Path) -> pywasm3.Instance:
    flags = ["-O2", "-D_GNU_SOURCE", *REACTOR]
    module = compiled(SOURCES / "c" / "library.c", tmp_path, *flags)
    files = VirtualDir({"file": b"12345"})
    return pywasm3.load(module, wasi=WasiConfig(preopens={"/data": files}))


def test_a_library_is_initialized_once(library: pywasm3.Instance) -> None:
    assert library.exports.constructions() == 1
    assert library.exports.constructions() == 1


def test_a_library_takes_and_returns_strings(library: pywasm3.Instance) -> None:
    twice = Heap(library).wrap("twice", result=Form.CSTRING, owned=True)
    assert twice("źdźbło") == "źdźbło\nźdźbło"


def test_a_library_reads_files(library: pywasm3.Instance) -> None:
    size_of = Heap(library).wrap("size_of")
    assert [size_of("/data/file"), size_of("/data/none"), size_of("/file")] == [5, -1, -1]


def test_a_library_uses_the_standard_library_of_cpp(tmp_path: Path) -> None:
    module = compiled(SOURCES / "cpp" / "library.cpp", tmp_path, "-O2", *CPP, *REACTOR)
    instance = pywasm3.load(module, wasi=WasiConfig())
    heap = Heap(instance)
    assert heap.wrap("number")("two") == 2
    heap.wrap("learn")("three", 3)
    listed = heap.wrap("all", result=Form.CSTRING, owned=True)()
    assert listed == "three=3;two=2;one=1;"
    assert instance.exports.areas(2.0, 5.0) == 4.0 + 10.0


def test_cpp_without_its_library_imports_nothing(tmp_path: Path) -> None:
    flags = ["-nostdlib++", *CPP, "-O2", "-mexec-model=reactor"]
    instance = pywasm3.load(compiled(SOURCES / "cpp" / "bare.cpp", tmp_path, *flags))
    assert list(instance.module.imports) == []
    assert [instance.exports.mix(5, 20_000) for _ in range(3)] == [20_000, 32_767, 32_767]
    assert instance.exports.mix(1, -70_000) == -32_768
