# SPDX-License-Identifier: MIT
"""The modules of wasm-vips, which process images in threads, and throw and catch.

They have the legacy instructions, a shared memory, vectors, and atomic instructions. The texts are
those of libvips, of libjpeg and of libc++.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

import pywasm3
from npm_helpers import Package
from vips_helpers import Vips

VIPS = Package(
    "wasm-vips", "0.0.19", "0bfec00056bc72e2d37b936e4836889885fb61c8f2dbe6d028d340bee4aa5ee1"
)
MODULES = ("vips", "vips-heif", "vips-jxl", "vips-resvg")

CERR = "_ZNSt3__24cerrE"
THROW_SYSTEM_ERROR = "_ZNSt3__220__throw_system_errorEiPKc"
# The operators << of std::ostream for numbers, each with the last letter of its name in C++.
WRITERS = {
    letter: f"_ZNSt3__213basic_ostreamIcNS_11char_traitsIcEEElsE{letter}" for letter in "bstijmxydf"
}
BADBIT = 1


def read(name: str) -> bytes:
    return VIPS.read(f"package/lib/{name}.wasm")


@pytest.fixture(scope="module")
def module() -> pywasm3.Module:
    return pywasm3.Module(read("vips"))


@pytest.fixture
def vips(module: pywasm3.Module) -> Vips:
    return Vips(module)


class Stream:
    """std::cerr, whose buffer is the host's.

    Attributes:
        written: The texts that the guest has given to the buffer.
    """

    def __init__(self, vips: Vips, write: Any) -> None:
        """Makes std::cerr call `write` with each text; it returns nothing or raises."""
        self.memory = vips.memory
        self.address = vips.exports[CERR].value
        # The part that all streams have begins so many bytes behind the stream.
        self.base = self.address + self.memory.read_i32(self.memory.read_u32(self.address) - 12)

        def xsputn(_buffer: int, text: int, size: int) -> int:
            write(bytes(self.memory[text : text + size]).decode())
            return size

        buffer = self.memory.read_u32(self.base + 24)
        table = self.memory.read_u32(buffer)
        copy = vips.exports.malloc(8 + 56) + 8  # of the virtual functions, behind two other words
        self.memory[copy - 8 : copy + 56] = bytes(self.memory[table - 8 : table + 56])
        type = pywasm3.FuncType(["i32"] * 3, ["i32"])
        function = pywasm3.host_function(type, xsputn, store=vips.instance.store)
        index = vips.exports["__indirect_function_table"].grow(1, function)
        self.memory.write_u32(copy + 4 * 12, index)
        self.memory.write_u32(buffer, copy)

    @property
    def state(self) -> int:
        return self.memory.read_u32(self.base + 16)

    def throw_for(self, bits: int) -> None:
        """Does what exceptions() of the stream does: errors with these bits are thrown."""
        self.memory.write_u32(self.base + 20, bits)


@pytest.mark.parametrize("name", MODULES)
def test_all_functions_compile(name: str) -> None:
    module = pywasm3.Module(read(name))
    pywasm3.Instance(module, missing="trap", compile="eager").close()


def test_the_library_says_its_version(vips: Vips) -> None:
    text = vips.call("version")
    size = vips.memory.read_u32(text)
    version = bytes(vips.memory[text + 4 : text + 4 + size]).decode()
    assert version == json.loads(VIPS.read("package/versions.json"))["vips"]


def test_freed_blocks_of_memory_are_used_again(vips: Vips) -> None:
    size = len(vips.memory)
    for _ in range(2 * size >> 20):
        block = vips.exports.malloc(1 << 20)
        assert block != 0
        vips.exports.free(block)
    assert len(vips.memory) == size


@pytest.mark.parametrize("letter", WRITERS)
def test_a_function_catches_what_it_calls_throws(vips: Vips, letter: str) -> None:
    """A buffer that throws makes its stream bad, and nothing else."""

    def throw(_text: str) -> None:
        vips.exports[THROW_SYSTEM_ERROR](0, vips.text("a text"))

    stream = Stream(vips, throw)
    assert stream.state == 0
    assert vips.exports[WRITERS[letter]](stream.address, 1) == stream.address
    assert vips.thrown == 1
    assert stream.state == BADBIT


def test_a_function_throws_again_what_it_has_caught(vips: Vips) -> None:
    """It does if the stream is told to throw."""

    def throw(_text: str) -> None:
        vips.exports[THROW_SYSTEM_ERROR](0, vips.text("a text"))

    stream = Stream(vips, throw)
    stream.throw_for(BADBIT)
    with pytest.raises(pywasm3.WasmException) as caught:
        vips.exports[WRITERS["i"]](stream.address, 123)
    assert vips.described(caught.value) == ("std::__2::system_error", "a text")
    assert vips.thrown == 2
    assert stream.state == BADBIT


def test_a_stream_of_the_host_gets_what_is_written(vips: Vips) -> None:
    written: list[str] = []
    stream = Stream(vips, written.append)
    vips.exports[WRITERS["i"]](stream.address, -123)
    vips.exports[WRITERS["d"]](stream.address, 0.5)
    assert written == ["-123", "0.5"]
    assert (stream.state, vips.thrown) == (0, 0)


def test_an_exception_of_python_passes_the_handlers_of_cpp(vips: Vips) -> None:
    raised = KeyError("key")

    def throw(_text: str) -> None:
        raise raised

    stream = Stream(vips, throw)
    with pytest.raises(KeyError) as caught:
        vips.exports[WRITERS["i"]](stream.address, 123)
    assert caught.value is raised


def test_an_error_of_the_library_arrives_with_its_text(vips: Vips) -> None:
    with pytest.raises(pywasm3.WasmException) as caught:
        vips.call("newFromFile", vips.bytes(b"nothing.jpg"))
    type, what = vips.described(caught.value)
    assert type == "vips::Error"
    assert what.startswith("unable to make source from file nothing.jpg\n")


def test_a_longjmp_inside_comes_to_its_setjmp(vips: Vips) -> None:
    """libjpeg leaves its functions so, and libvips throws an exception of C++ then."""
    broken = b"\xff\xd8" * 2
    with pytest.raises(pywasm3.WasmException) as caught:
        vips.call("jpegloadBuffer", vips.bytes(broken))
    type, what = vips.described(caught.value)
    assert type == "vips::Error"
    assert "VipsJpeg: Invalid JPEG file structure: two SOI markers" in what
