# SPDX-License-Identifier: MIT
"""The modules of wasm-vips, which process images in threads, and throw and catch.

They have the legacy instructions, a shared memory, vectors, and atomic instructions. The texts are
those of libvips, of libjpeg and of libc++.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

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

# libc++ has std::ios_base inside every stream, as far behind the stream as the word BEFORE its
# virtual functions says. There it has the bits of the state, the bits for which it throws, and the
# buffer. XSPUTN is the virtual function of a buffer that takes a text.
BEFORE = -12
STATE, THROWS_FOR, BUFFER = 16, 20, 24
XSPUTN = 12
HEAD, FUNCTIONS = 8, 14  # bytes before the virtual functions of a buffer, and how many there are


def read(name: str) -> bytes:
    return VIPS.read(f"package/lib/{name}.wasm")


@pytest.fixture(scope="module")
def module() -> pywasm3.Module:
    return pywasm3.Module(read("vips"))


@pytest.fixture
def vips(module: pywasm3.Module) -> Iterator[Vips]:
    vips = Vips(module)
    yield vips
    vips.close()


class Stream:
    """std::cerr, whose buffer is the host's.

    Attributes:
        address: Where the stream is.
    """

    def __init__(self, vips: Vips, write: Callable[[str], None]) -> None:
        """Makes std::cerr call `write` with each text."""
        self.memory = memory = vips.memory
        self.address = int(vips.exports[CERR].value)
        self._base = self.address + memory.read_i32(memory.read_u32(self.address) + BEFORE)

        def xsputn(_buffer: int, text: int, size: int) -> int:
            write(bytes(memory[text : text + size]).decode())
            return size

        type = pywasm3.FuncType(["i32"] * 3, ["i32"])
        function = pywasm3.host_function(type, xsputn, store=vips.instance.store)
        index = vips.exports["__indirect_function_table"].grow(1, function)
        buffer = memory.read_u32(self._base + BUFFER)
        start = memory.read_u32(buffer) - HEAD
        size = HEAD + 4 * FUNCTIONS
        copy = vips.exports.malloc(size)
        memory[copy : copy + size] = bytes(memory[start : start + size])
        memory.write_u32(copy + HEAD + 4 * XSPUTN, index)
        memory.write_u32(buffer, copy + HEAD)

    @property
    def state(self) -> int:
        """The bits that say what went wrong."""
        return int(self.memory.read_u32(self._base + STATE))

    def throw_for(self, bits: int) -> None:
        """Makes the stream throw where these bits of its state are set."""
        self.memory.write_u32(self._base + THROWS_FOR, bits)


def thrower(vips: Vips) -> Callable[[str], None]:
    """Returns a function for a Stream, in which C++ throws."""
    return lambda _text: vips.exports[THROW_SYSTEM_ERROR](0, vips.text("a text"))


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


@pytest.mark.parametrize("cores", [1, 4])
def test_threads_of_the_guest_compute_an_image(module: pywasm3.Module, cores: int) -> None:
    """The main thread waits for them, and they wait for work until the library is shut down."""
    vips = Vips(module, cores)
    ramp = vips.call("identity")  # one line with all numbers from 0 to 255
    assert vips.call("avg", ramp) == sum(range(256)) / 256
    waves = vips.call("sines", 500, 500)
    average = vips.call("avg", waves)
    black = vips.call("black", 500, 500)
    assert vips.call("avg", black) == 0
    assert vips.call("avg", waves) == average != 0
    assert vips.threads
    assert vips.failures == []
    vips.close()
    assert not any(thread.is_alive() for thread in vips.threads)
    assert vips.failures == []


@pytest.mark.parametrize("letter", WRITERS)
def test_a_function_catches_what_it_calls_throws(vips: Vips, letter: str) -> None:
    """A buffer that throws makes its stream bad, and nothing else."""
    stream = Stream(vips, thrower(vips))
    assert stream.state == 0
    assert vips.exports[WRITERS[letter]](stream.address, 1) == stream.address
    assert vips.thrown == 1
    assert stream.state == BADBIT


def test_a_function_throws_again_what_it_has_caught(vips: Vips) -> None:
    """It does if the stream is told to throw."""
    stream = Stream(vips, thrower(vips))
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
