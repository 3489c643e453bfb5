# SPDX-License-Identifier: MIT
"""The guests of guests/simd give the same bytes with SIMD as without, here and in wasmtime.

The expected bytes are computed by Python, in simd_kernels.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import pytest
import wasmtime

import pywasm3
import simd_kernels
from helpers import Oracle
from simd_kernels import BUILDS, Kernel

KERNELS = {kernel.name: kernel for kernel in simd_kernels.kernels()}


def ours(data: bytes) -> Callable[[bytes, int], bytes]:
    """Returns a function that runs a guest on an input, and returns the output."""
    guest = pywasm3.load(data)

    def run(data: bytes, size: int) -> bytes:
        guest.memory.write(guest.exports.input(), data)
        guest.exports.run(1)
        return guest.memory.read(guest.exports.output(), size)

    return run


def wasmtimes(data: bytes) -> Callable[[bytes, int], bytes]:
    """Returns a function that does the same as that of `ours` in wasmtime."""
    oracle = Oracle(data)
    memory = oracle.exports["memory"]

    def run(data: bytes, size: int) -> bytes:
        memory.write(oracle.store, data, oracle.call("input"))
        oracle.call("run", 1)
        at = oracle.call("output")
        return bytes(memory.read(oracle.store, at, at + size))

    return run


Engine = Callable[[bytes], Callable[[bytes, int], bytes]]

ENGINES = pytest.mark.parametrize("engine", [ours, wasmtimes])
EACH_BUILD = pytest.mark.parametrize("build", BUILDS)


@ENGINES
@EACH_BUILD
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
def test_a_kernel_gives_what_python_computes(kernel: Kernel, build: str, engine: Engine) -> None:
    run = engine(kernel.module(build))
    assert run(kernel.data, len(kernel.expected)) == kernel.expected


def test_the_model_of_chacha20_gives_the_block_of_rfc_8439() -> None:
    """The block is that of section 2.3.2."""
    start = bytes.fromhex("01000000 000000090000004a00000000")
    block = next(simd_kernels.keystream(bytes(range(32)), start))
    assert block == bytes.fromhex(
        "10f1e7e4d13b5915500fdd1fa32071c4c7d1f4c733c068030422aa9ac3d46c4e"
        "d2826446079faa0914c2d705d98b02a2b5129cd1de164eb9cbd083e8a2503c4e"
    )


# fmt: off
WRONG = [
    "80", "bf", "c0af", "c1bf", "c2", "c241", "dfdf", "e08080", "e09fbf", "e180", "e18041",
    "eda080", "edbfbf", "efbf", "f0808080", "f08fbfbf", "f18080", "f1808041", "f4908080",
    "f4bfbfbf", "f5808080", "f8", "fe", "ff", "c28080", "e1808080",
]
# fmt: on


def wrong_texts() -> Iterator[bytes]:
    """Yields texts like that of the kernel with something at one place that UTF-8 may not have."""
    chance = random.Random(4)
    text = KERNELS["text"].data
    for piece in map(bytes.fromhex, WRONG):
        # The last place is the end of the text, where what is missing comes no more.
        for at in (*(chance.randrange(len(text) - 10) for _ in range(8)), len(text) - len(piece)):
            yield text[:at] + piece + text[at + len(piece) :]


@ENGINES
@EACH_BUILD
def test_the_text_kernel_judges_utf8_as_python_does(build: str, engine: Engine) -> None:
    run = engine(KERNELS["text"].module(build))
    # A text without a line break at its end has one line more, so only the verdict is compared.
    verdicts = [run(text, 12)[8:] == simd_kernels.lines(text)[8:] for text in wrong_texts()]
    assert all(verdicts)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=list(KERNELS))
def test_only_the_vector_build_needs_simd(kernel: Kernel) -> None:
    """Otherwise a benchmark would compare two builds that are alike."""
    config = wasmtime.Config()
    config.wasm_relaxed_simd = config.wasm_simd = False
    engine = wasmtime.Engine(config)
    wasmtime.Module.validate(engine, kernel.module("scalar"))
    with pytest.raises(wasmtime.WasmtimeError, match="SIMD"):
        wasmtime.Module.validate(engine, kernel.module("vector"))
