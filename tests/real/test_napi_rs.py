# SPDX-License-Identifier: MIT
"""Addons of Node that napi-rs compiled for WASI, which are packages of npm, run in Python.

npm downloads the packages, once. Archives are compared with the module lzma of Python, and hashes
with those that the specification of xxHash, or its reference implementation, gives for no bytes.
"""

from __future__ import annotations

import lzma
from typing import Any

import pytest

from npm_helpers import Package
from pywasm3.guests import napi
from pywasm3.wasi import WasiConfig

LZMA = Package(  # MIT
    "@napi-rs/lzma-wasm32-wasi",
    "1.5.1",
    "ba4db10a86171c500ea9a0b4036a5eacb3084167bb172ccd569a57dcd37d6fa3",
)
XXHASH = Package(  # MIT
    "@node-rs/xxhash-wasm32-wasi",
    "1.7.6",
    "df9c0e8980b96627af9e794a19035bbd532931ed15e9ab3c777a32a781fe535a",
)
DATA = b"".join(b"%d squared is %d\n" % (i, i * i) for i in range(1000))


def loaded(package: Package, path: str) -> napi.Guest:
    # The memory is imported, too, and is the smallest that the module takes.
    return napi.load(package.read(f"package/{path}"), wasi=WasiConfig(), missing="trap")


@pytest.fixture(scope="module")
def archives() -> Any:
    return loaded(LZMA, "lzma.wasm32-wasi.wasm")


@pytest.fixture(scope="module")
def hashes() -> Any:
    return loaded(XXHASH, "xxhash.wasm32-wasi.wasm")


def test_python_reads_what_the_guest_compresses(archives: Any) -> None:
    assert lzma.decompress(archives.exports["xz"]["compressSync"](DATA)) == DATA
    assert lzma.decompress(archives.exports["lzma"]["compressSync"](DATA)) == DATA


def test_the_guest_reads_what_python_compresses(archives: Any) -> None:
    assert archives.exports["xz"]["decompressSync"](lzma.compress(DATA)) == DATA


def test_a_promise_of_work_is_waited_for(archives: Any) -> None:
    assert lzma.decompress(archives.exports["xz"]["compress"](DATA)) == DATA


def test_what_is_no_archive_is_an_error(archives: Any) -> None:
    with pytest.raises(napi.JsError, match="invalid XZ magic bytes") as caught:
        archives.exports["xz"]["decompressSync"](b"no archive")
    assert caught.value.details == {"code": "InvalidArg"}


def test_calls_leave_nothing_behind(archives: Any) -> None:
    for turn in range(12):
        archives.exports["xz"]["compressSync"](DATA)
        if turn == 3:
            before = archives.host_bytes, archives.handles, len(archives.instance.memory)
    assert (archives.host_bytes, archives.handles, len(archives.instance.memory)) == before


def test_hashes_of_nothing_are_those_of_the_specification(hashes: Any) -> None:
    assert hashes.exports.xxh32(b"") == 0x02CC5D05
    assert hashes.exports.xxh64(b"") == 0xEF46DB3751D8E999
    assert hashes.exports["xxh3"]["xxh64"](b"") == 0x2D06800538D394C2
    assert hashes.exports["xxh3"]["xxh128"](b"") == 0x99AA06D3014798D86001C324468D497F


def test_an_object_of_the_guest_has_a_state(hashes: Any) -> None:
    hasher = hashes.exports.Xxh64(napi.BigInt(7))
    for start in range(0, len(DATA), 1000):
        hasher = hasher.update(DATA[start : start + 1000])
    assert hasher.digest() == hashes.exports.xxh64(DATA, napi.BigInt(7))
