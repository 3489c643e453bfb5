# SPDX-License-Identifier: MIT
"""Measures how many megapixels a second the blur does: ``python measure.py scalar.wasm simd.wasm``.

The same two modules run here and in wasmtime, which compiles them to machine code. numpy, Pillow
and scipy (if it is installed) do the same work with code of their own. All give the same pixels;
Pillow leaves the edges of an image as they are. The best of several rounds counts; use an idle
machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import wasmtime
from image_filter import PAGE, RADIUS, Image, ImageFilter, Layout, numpy_blur
from PIL import Image as Picture
from PIL import ImageFilter as PillowFilter

import pywasm3
from pywasm3.bench.machine import describe

Filter = Callable[[], Image]
WEIGHTS = (1, 4, 6, 4, 1)
INSIDE = slice(RADIUS, -RADIUS)


def by_pywasm3(path: Path, image: Image) -> Filter:
    """The blur of a module, here."""
    filters = ImageFilter(pywasm3.Module(path.read_bytes()), *image.shape[:2])
    filters.source[:] = image
    return filters.blur


def by_wasmtime(path: Path, image: Image) -> Filter:
    """The blur of a module in wasmtime, with an array in the guest's memory, too."""
    height, width, _ = image.shape
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    module = wasmtime.Module(engine, path.read_bytes())
    exports: Any = wasmtime.Instance(store, module, []).exports(store)
    layout = Layout.of(exports["__heap_base"].value(store), height, width)
    memory, function = exports["memory"], exports["blur"]
    memory.grow(store, -(-layout.end // PAGE))
    memory.write(store, image.tobytes(), layout.source)
    buffer = memory.get_buffer_ptr(store, image.size, layout.result)
    result = np.frombuffer(buffer, np.uint8).reshape(image.shape)

    def blur() -> Image:
        function(store, layout.source, layout.result, width, height, layout.line)
        return result

    return blur


def by_pillow(image: Image) -> Filter:
    """Pillow's filter with the same weights."""
    picture = Picture.fromarray(image)
    weights = [row * column for row in WEIGHTS for column in WEIGHTS]
    kernel = PillowFilter.Kernel((len(WEIGHTS), len(WEIGHTS)), weights, scale=sum(weights))
    return lambda: np.asarray(picture.filter(kernel))


def by_scipy(image: Image) -> Iterator[Filter]:
    """The same with scipy.ndimage, if there is one."""
    try:
        from scipy.ndimage import correlate1d
    except ImportError:
        return

    def blur() -> Image:
        rows = correlate1d(image, WEIGHTS, axis=0, output=np.uint16, mode="nearest")
        sums = correlate1d(rows, WEIGHTS, axis=1, output=np.uint16, mode="nearest")
        return ((sums + 128) >> 8).astype(np.uint8)

    yield blur


def seconds(filters: list[Filter], rounds: int) -> float:
    """The seconds for one image, if each filter has a thread of its own."""
    best = float("inf")
    with ThreadPoolExecutor(len(filters)) as threads:
        for _ in range(rounds):
            begin = time.perf_counter()
            list(threads.map(lambda each: each(), filters))
            best = min(best, (time.perf_counter() - begin) / len(filters))
    return best


def main() -> None:
    """Measures everything, and prints a line for each."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("scalar", type=Path, help="the module without SIMD")
    parser.add_argument("simd", type=Path, help="the module with SIMD")
    parser.add_argument("--size", type=int, nargs=2, default=[480, 640], help="height and width")
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    image = np.random.default_rng(1).integers(0, 256, (*options.size, 4), np.uint8)
    expected = numpy_blur(image)
    rows = [
        ("pywasm3, without SIMD", [by_pywasm3(options.scalar, image)]),
        ("pywasm3, SIMD", [by_pywasm3(options.simd, image)]),
        ("pywasm3, SIMD, 2 threads", [by_pywasm3(options.simd, image) for _ in range(2)]),
        ("wasmtime, without SIMD", [by_wasmtime(options.scalar, image)]),
        ("wasmtime, SIMD", [by_wasmtime(options.simd, image)]),
        ("numpy", [lambda: numpy_blur(image)]),
        ("Pillow", [by_pillow(image)]),
        *(("scipy", [each]) for each in by_scipy(image)),
    ]
    print(", ".join(describe().values()))
    for name, filters in rows:
        for blur in filters:
            assert np.array_equal(blur()[INSIDE, INSIDE], expected[INSIDE, INSIDE]), name
        speed = image.shape[0] * image.shape[1] / seconds(filters, options.rounds) / 1e6
        print(f"{name:26} {speed:7.1f} MP/s")


if __name__ == "__main__":
    main()
