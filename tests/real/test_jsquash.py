# SPDX-License-Identifier: MIT
"""@jsquash/webp, Squoosh's encoder and decoder, writes in Python the bytes that it writes in Node.

C++ binds two functions by embind of 2023. It makes objects of JavaScript's classes by `_emval_new`,
and gives them views of its memory. Expected values are those that the same package gives in Node.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import pytest

import pywasm3
from node_helpers import in_node
from npm_helpers import Package
from pywasm3.guests import emscripten

WEBP = Package(
    "@jsquash/webp", "1.5.0", "b543cb1fc17e99c31e992a71d70da570d1bc1871ce3a88440df067e5b2e6ee9e"
)
SIZE = (24, 16)
PIXELS = bytes(
    round(127 + 120 * math.sin(x / 3 + channel) * math.cos(y / 4)) if channel < 3 else 255 - 2 * x
    for y in range(SIZE[1])
    for x in range(SIZE[0])
    for channel in range(4)
)
OPTIONS = {
    "quality": 60,
    "target_size": 0,
    "target_PSNR": 0,
    "method": 4,
    "sns_strength": 50,
    "filter_strength": 60,
    "filter_sharpness": 0,
    "filter_type": 1,
    "partitions": 0,
    "segments": 4,
    "pass": 1,
    "show_compressed": 0,
    "preprocessing": 0,
    "autofilter": 0,
    "partition_limit": 0,
    "alpha_compression": 1,
    "alpha_filtering": 1,
    "alpha_quality": 100,
    "lossless": 0,
    "exact": 0,
    "image_hint": 0,
    "emulate_jpeg_size": 0,
    "thread_level": 0,
    "low_memory": 0,
    "near_lossless": 100,
    "use_delta_palette": 0,
    "use_sharp_yuv": 0,
}
BEGIN = """
    const load = async (name) => (await import(`${folder}/codec/${name}.js`)).default({
        noInitialRun: true, wasmBinary: fs.readFileSync(`${folder}/codec/${name}.wasm`)});
"""


class ImageData(NamedTuple):
    """What the decoder makes of an image: JavaScript has a class of this name."""

    data: memoryview[int]
    width: int
    height: int


def load(name: str) -> emscripten.Emscripten:
    """Loads a module of the package, with its true names."""
    module = pywasm3.Module(WEBP.read(f"package/codec/{name}.wasm"))
    script = WEBP.read(f"package/codec/{name}.js").decode()
    return emscripten.load(module, names=emscripten.Names.from_js(script, module))


@pytest.mark.parametrize("changed", [{}, {"lossless": 1, "exact": 1}, {"quality": 5, "pass": 3}])
def test_an_image_is_encoded_to_the_same_bytes(changed: dict[str, int]) -> None:
    options = {**OPTIONS, **changed}
    with load("enc/webp_enc") as program:
        encoded = bytes(program.embind.encode(PIXELS, *SIZE, options))
    script = "return (await load('enc/webp_enc')).encode(Buffer.from(given[0]), ...given[1]);"
    given = [list(PIXELS), [*SIZE, options]]
    assert encoded[:4] + encoded[8:12] == b"RIFFWEBP"
    assert encoded.hex() == in_node(WEBP, BEGIN + script, given)


def test_an_image_is_decoded_to_the_same_pixels() -> None:
    with load("enc/webp_enc") as program:
        exact = {**OPTIONS, "lossless": 1, "exact": 1}
        encoded = bytes(program.embind.encode(PIXELS, *SIZE, exact))
    with load("dec/webp_dec") as program:
        program.val_globals["ImageData"] = ImageData
        image: Any = program.embind.decode(encoded)
        assert (bytes(image.data), image.width, image.height) == (PIXELS, *SIZE)
        assert program.embind.decode(b"no image") is None


def test_a_structure_without_a_field_is_refused() -> None:
    with (
        load("enc/webp_enc") as program,
        pytest.raises(TypeError, match=r"argument 4 of encode.*expected a dict with 'exact'"),
    ):
        program.embind.encode(PIXELS, *SIZE, {k: v for k, v in OPTIONS.items() if k != "exact"})
