# SPDX-License-Identifier: MIT
"""A library that rustc compiles for wasm32-unknown-unknown runs, without wasm-bindgen.

`rustc` may be that of Debian (the packages rustc, libstd-rust-dev-wasm32 and lld) or of rustup with
the target wasm32-unknown-unknown. Without a rustc that has the target, the tests are skipped.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import pywasm3
from compiler_helpers import rustc
from helpers import TESTS

SOURCE = TESTS / "toolchains" / "rust" / "texts.rs"


def compiled(folder: Path, *flags: str) -> pywasm3.Module:
    """Compiles the library."""
    target, output = "wasm32-unknown-unknown", folder / "texts.wasm"
    command = [rustc(target), f"--target={target}", "--crate-type=cdylib", *flags]
    done = subprocess.run(
        [*command, "-o", output, SOURCE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return pywasm3.Module(output.read_bytes())


class Library:
    """An instance of the library.

    Attributes:
        exports: What it exports.
        logged: The lines that it wrote.
    """

    def __init__(self, module: pywasm3.Module) -> None:
        self.logged: list[str] = []
        instance = pywasm3.Instance(module, {"host": {"log": self._log}})
        self.exports: Any = instance.exports
        self.memory = instance.memory

    def _log(self, pointer: int, length: int) -> None:
        self.logged.append(self.memory.read_str(pointer, length))

    def with_bytes(self, data: bytes, function: Callable[[int, int], Any]) -> Any:
        """Calls a function with a pointer to bytes and their number."""
        pointer = self.exports.take(len(data))
        self.memory[pointer : pointer + len(data)] = data
        result = function(pointer, len(data))
        self.exports.give(pointer, len(data))
        return result

    def text_of(self, packed: int) -> str:
        """Returns a text that the library returned, and frees it."""
        pointer, length = packed & 0xFFFFFFFF, packed >> 32 & 0xFFFFFFFF
        text = self.memory.read_str(pointer, length)
        self.exports.give(pointer, length)
        return text


@pytest.fixture(scope="module", params=["-Copt-level=0", "-Copt-level=3"])
def module(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> pywasm3.Module:
    return compiled(tmp_path_factory.mktemp("rust"), request.param)


@pytest.fixture
def library(module: pywasm3.Module) -> Library:
    return Library(module)


def test_a_text_goes_in_and_comes_out(library: Library) -> None:
    packed = library.with_bytes("eins zwei  drei … 北京".encode(), library.exports.reverse_words)
    assert library.text_of(packed) == "北京 … drei zwei eins"


def test_a_large_text_makes_the_memory_grow(library: Library) -> None:
    before = len(library.memory)
    packed = library.with_bytes(b"word " * 400_000, library.exports.reverse_words)
    assert library.text_of(packed) == "word " * 399_999 + "word"
    assert len(library.memory) > before


def test_the_library_calls_the_host(library: Library) -> None:
    assert library.with_bytes(b"one\ntwo\n", library.exports.log_lines) == 2
    assert library.logged == ["one", "two"]


def test_a_slice_of_numbers_goes_in(library: Library) -> None:
    numbers = struct.pack("<4d", 1.0, 2.0, 3.0, 6.0)
    mean = library.exports.mean
    assert library.with_bytes(numbers, lambda pointer, size: mean(pointer, size // 8)) == 3.0


def test_a_panic_is_a_trap(library: Library) -> None:
    with pytest.raises(pywasm3.Trap, match="unreachable"):
        library.exports.mean(8, 0)


def test_a_text_that_is_not_utf_8_is_a_trap(library: Library) -> None:
    with pytest.raises(pywasm3.Trap, match="unreachable"):
        library.with_bytes(b"\xff", library.exports.reverse_words)


def test_memory_that_is_taken_is_given_back(library: Library) -> None:
    for _ in range(3):
        library.text_of(library.with_bytes(b"a b" * 1000, library.exports.reverse_words))
    before = len(library.memory)
    for _ in range(200):
        library.text_of(library.with_bytes(b"a b" * 1000, library.exports.reverse_words))
    assert len(library.memory) == before
