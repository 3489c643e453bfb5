# SPDX-License-Identifier: MIT
"""What pywasm3.wasi.vectored does where Python has no vectored calls is what they do.

The expected values are those of os.readv, os.preadv, os.writev and os.pwritev.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pywasm3.wasi import vectored

if not hasattr(os, "preadv"):
    pytest.skip("this Python has nothing to compare with", allow_module_level=True)

CONTENT = bytes(range(100))
# The sizes of the buffers. The file ends in the middle of the last vector.
VECTORS = [[], [0], [10], [3, 0, 7], [60, 30, 30]]
EACH_VECTOR = pytest.mark.parametrize("sizes", VECTORS, ids=str)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[int]:
    """The descriptor of a file whose position is 5."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    descriptor = os.open(path, os.O_RDWR)
    os.lseek(descriptor, 5, os.SEEK_SET)
    yield descriptor
    os.close(descriptor)


def read_by(read: Callable[[list[memoryview]], int], sizes: list[int]) -> tuple[int, list[bytes]]:
    """The result of a function that reads, and what is in the buffers."""
    buffers = [bytearray(b"-" * size) for size in sizes]
    return read([memoryview(buffer) for buffer in buffers]), [bytes(buffer) for buffer in buffers]


@EACH_VECTOR
def test_reading_fills_the_buffers(file: int, sizes: list[int]) -> None:
    expected = read_by(lambda buffers: os.preadv(file, buffers, 5), sizes)
    assert read_by(lambda buffers: vectored._preadv(file, buffers, 5), sizes) == expected
    assert os.lseek(file, 0, os.SEEK_CUR) == 5
    assert read_by(lambda buffers: vectored._readv(file, buffers), sizes) == expected
    assert os.lseek(file, 0, os.SEEK_CUR) == 5 + expected[0]


@EACH_VECTOR
def test_writing_takes_all_buffers(file: int, sizes: list[int]) -> None:
    buffers = [memoryview(b"x" * size) for size in sizes]
    assert vectored._pwritev(file, buffers, 5) == sum(sizes)
    assert os.lseek(file, 0, os.SEEK_CUR) == 5
    assert vectored._writev(file, buffers) == sum(sizes)
    assert os.lseek(file, 0, os.SEEK_CUR) == 5 + sum(sizes)
    expected = CONTENT[:5] + b"x" * sum(sizes) + CONTENT[5 + sum(sizes) :]
    assert os.pread(file, 200, 0) == expected


def test_a_call_copies_no_more_than_a_part(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectored, "_MOST", 8)
    assert read_by(lambda buffers: vectored._preadv(file, buffers, 0), [6, 6]) == (
        8,
        [CONTENT[:6], CONTENT[6:8] + b"----"],
    )
    assert vectored._pwritev(file, [memoryview(b"abcdef")] * 2, 0) == 8
    assert os.pread(file, 9, 0) == b"abcdefab\x08"


def test_a_pipe_gives_what_it_has(file: int) -> None:
    reading, writing = os.pipe()
    try:
        assert vectored._writev(writing, [memoryview(b"ab"), memoryview(b"cd")]) == 4
        assert read_by(lambda buffers: vectored._readv(reading, buffers), [3, 9]) == (
            4,
            [b"abc", b"d" + b"-" * 8],
        )
    finally:
        os.close(reading)
        os.close(writing)
