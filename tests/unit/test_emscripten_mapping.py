# SPDX-License-Identifier: MIT
"""mmap() of a file gives a copy in the program's memory, and everything else an error number."""

from __future__ import annotations

import pytest

from emscripten_guests import MALLOC, module
from pywasm3.guests import emscripten
from pywasm3.wasi import VirtualDir, WasiConfig
from pywasm3.wasi.abi import EBADF, EFAULT, EINVAL, ENODEV, ENOMEM

READ, WRITE = 1, 2
SHARED, PRIVATE = 1, 2
PAGE = 65536
DATA = bytes(range(256)) * 400  # more than one page

# `place` is what the allocator returns.
GUEST = r"""
  (import "env" "_mmap_js" (func $map (param i32 i32 i32 i32 i64 i32 i32) (result i32)))
  (import "env" "_munmap_js" (func $unmap (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "env" "__syscall_openat" (func $open (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 8 100)
  (global $place (export "place") (mut i32) (i32.const 65536))
  (func (export "emscripten_builtin_memalign") (param i32 i32) (result i32) (global.get $place))
  (export "map" (func $map)) (export "unmap" (func $unmap)) (export "open" (func $open))
"""


class Mapped:
    """A program with a file that it has opened."""

    def __init__(self, flags: int = 0, text: str = GUEST) -> None:
        config = WasiConfig(preopens={"/": VirtualDir({"file": DATA})})
        self.program = emscripten.load(module(text + MALLOC), wasi=config)
        self.memory = self.program.memory
        path = self.program.new_text("/file")
        self.fd = self.program.exports.open(-100, path, flags, 0)

    def map(
        self,
        size: int = len(DATA),
        *,
        offset: int = 0,
        protection: int = READ,
        flags: int = PRIVATE,
        fd: int | None = None,
        result: int = 64,
    ) -> int:
        """Returns what the call returns."""
        fd = self.fd if fd is None else fd
        code = self.program.exports.map(size, protection, flags, fd, offset, result, result + 4)
        assert isinstance(code, int)
        return code


@pytest.mark.parametrize(("protection", "flags"), [(READ, SHARED), (READ | WRITE, PRIVATE)])
def test_a_file_is_mapped(protection: int, flags: int) -> None:
    mapped = Mapped()
    mapped.memory.write(PAGE, b"x" * 2 * PAGE)
    assert mapped.map(protection=protection, flags=flags) == 0
    assert (mapped.memory.read_u32(64), mapped.memory.read_u32(68)) == (1, PAGE)
    assert mapped.memory.read(PAGE, 2 * PAGE) == DATA.ljust(2 * PAGE, b"\0")
    assert mapped.program.exports.unmap(PAGE, len(DATA), READ, flags, mapped.fd, 0) == 0


def test_a_part_of_a_file_is_mapped() -> None:
    mapped = Mapped()
    assert mapped.map(10, offset=PAGE) == 0
    assert mapped.memory.read(PAGE, 11) == DATA[PAGE : PAGE + 10] + b"\0"
    assert mapped.map(10, offset=10 * PAGE) == 0
    assert mapped.memory.read(PAGE, 10) == bytes(10)


def test_a_file_is_not_written_by_its_mapping() -> None:
    assert Mapped(flags=2).map(protection=READ | WRITE, flags=SHARED) == -ENODEV


@pytest.mark.parametrize(("size", "offset"), [(0, 0), (10, 100), (10, -PAGE)])
def test_senseless_sizes_and_offsets_are_refused(size: int, offset: int) -> None:
    assert Mapped().map(size, offset=offset) == -EINVAL


def test_a_file_that_is_not_open_for_reading_is_refused() -> None:
    assert Mapped(flags=1).map() == -EBADF
    assert Mapped().map(fd=99) == -EBADF
    assert Mapped().map(fd=1) != 0


def test_memory_that_the_program_has_not_is_an_error() -> None:
    mapped = Mapped()
    assert mapped.map(-1) == -ENOMEM
    mapped.program.exports.place.value = 0
    assert mapped.map() == -ENOMEM
    mapped.program.exports.place.value = -PAGE
    assert mapped.map() == -EFAULT


def test_results_beyond_the_memory_are_an_error() -> None:
    assert Mapped().map(result=8 * PAGE - 4) == -EFAULT


def test_a_program_without_an_allocator_maps_nothing() -> None:
    assert Mapped(text=GUEST.replace("emscripten_builtin_memalign", "other")).map() == -ENODEV
