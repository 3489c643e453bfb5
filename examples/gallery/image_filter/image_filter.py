# SPDX-License-Identifier: MIT
"""Filters for images that a guest and numpy share.

::

    filters = ImageFilter(pywasm3.Module(Path("filter.wasm").read_bytes()), 480, 640)
    filters.source[:] = photo  # or let whatever decodes the photo write there
    filters.blur()
    filters.result  # an array in the memory of the guest

docs/gallery/image_filter.md says how the module is compiled.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import pywasm3

Image = NDArray[np.uint8]  # height, width, and the four channels red, green, blue and alpha
Sums = NDArray[np.uint16]

CHANNELS = 4
RADIUS = 2  # how many pixels the blur looks at in each direction
SUM_BYTES = 2  # of a sum of the guest's
ALIGNMENT = 16  # bytes, for the guest's vectors
PAGE = 1 << 16


class Layout(NamedTuple):
    """Where the host puts things in the memory of a guest, as addresses."""

    source: int
    result: int
    line: int  # room for one row of sums, in which the guest works
    end: int

    @classmethod
    def of(cls, start: int, height: int, width: int) -> Layout:
        """Returns the layout for images of a size, from the first address that is free."""
        source = _aligned(start)
        result = _aligned(source + height * width * CHANNELS)
        line = _aligned(result + height * width * CHANNELS)
        return cls(source, result, line, line + (width + 2 * RADIUS) * CHANNELS * SUM_BYTES)


def _aligned(address: int) -> int:
    return -(-address // ALIGNMENT) * ALIGNMENT


class ImageFilter:
    """The filters for images of one size. The images lie in the memory of the guest.

    Attributes:
        source: The image that the filters read. Write to it what is to be filtered.
        result: The image that the filters write.
    """

    def __init__(self, module: pywasm3.Module, height: int, width: int) -> None:
        """Makes room for two images in the memory of a new guest.

        Raises:
            ValueError: The image would have no pixels.
            WasmError: The guest's memory, which has at most 4 GiB, has no room for the images.
        """
        if height < 1 or width < 1:
            raise ValueError(f"an image has at least 1 x 1 pixels, not {height} x {width}")
        self._exports: Any = pywasm3.Instance(module).exports
        self._size = width, height
        self._at = Layout.of(self._exports["__heap_base"].value, height, width)
        memory = self._exports.memory
        memory.grow(max(0, -(-(self._at.end - len(memory)) // PAGE)))
        shape = height, width, CHANNELS
        self.source, self.result = (
            memory.view("B", address, math.prod(shape), numpy=True).reshape(shape)
            for address in (self._at.source, self._at.result)
        )

    def blur(self) -> Image:
        """Blurs the source, and returns the result, which the next filter overwrites."""
        self._exports.blur(self._at.source, self._at.result, *self._size, self._at.line)
        return self.result

    def sharpen(self) -> Image:
        """Sharpens the source, and returns the result, which the next filter overwrites."""
        self._exports.sharpen(self._at.source, self._at.result, *self._size, self._at.line)
        return self.result


def numpy_blur(image: Image) -> Image:
    """The same as the guest's blur, by numpy."""
    height, width, _ = image.shape
    padded = np.pad(image, ((RADIUS, RADIUS), (RADIUS, RADIUS), (0, 0)), "edge").astype(np.uint16)
    rows = _weighted(*(padded[y : y + height] for y in range(5)))
    sums = _weighted(*(rows[:, x : x + width] for x in range(5)))
    return ((sums + 128) >> 8).astype(np.uint8)


def _weighted(a: Sums, b: Sums, c: Sums, d: Sums, e: Sums) -> Sums:
    """Adds neighbours with the weights 1, 4, 6, 4, 1."""
    return a + e + 4 * (b + d) + 6 * c


def numpy_sharpen(image: Image) -> Image:
    """The same as the guest's sharpening, by numpy."""
    values = 2 * image.astype(np.int16) - numpy_blur(image)
    return values.clip(0, 255).astype(np.uint8)
