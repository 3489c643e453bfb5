# SPDX-License-Identifier: MIT
"""Draws an image beside its filtered forms: ``python draw.py filter.wasm image_filter.png``."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from image_filter import Image, ImageFilter, numpy_blur, numpy_sharpen
from PIL import Image as Picture

import pywasm3

SIZE = 140  # pixels, of each side
GAP = 8
BLURS = 3


def pattern() -> Image:
    """An image with edges, small details and slow changes of its colours."""
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.empty((SIZE, SIZE, 4), np.uint8)
    image[..., 0] = 60 + x // 20 * 16
    image[..., 1] = 90 + y // 20 * 12
    image[..., 2] = 160
    image[..., 3] = 255
    for radius, color in ((42, (250, 220, 60)), (30, (200, 40, 60)), (14, (250, 250, 250))):
        image[(x - 48) ** 2 + (y - 48) ** 2 < radius**2, :3] = color
    checks = (x // 4 + y // 4) % 2 == 0
    image[checks & (x >= 96) & (y < 96), :3] = 255
    image[(y >= 104) & (y < 132) & ((x * x // 64) % 6 < 2), :3] = 20
    return image


def main() -> None:
    """Draws the image, the image when it was blurred some times, and the sharpened image."""
    module, target = (Path(argument) for argument in sys.argv[1:])
    filters = ImageFilter(pywasm3.Module(module.read_bytes()), SIZE, SIZE)
    image = pattern()
    filters.source[:] = expected = image
    for _ in range(BLURS):
        expected = numpy_blur(expected)
        filters.source[:] = filters.blur()
    blurred = filters.result.copy()
    print(f"blurred {BLURS} times, as by numpy: {np.array_equal(blurred, expected)}")
    filters.source[:] = image
    sharpened = filters.sharpen()
    print(f"sharpened, as by numpy: {np.array_equal(sharpened, numpy_sharpen(image))}")
    gap = np.full((SIZE, GAP, 4), 255, np.uint8)
    panels = np.concatenate([image, gap, blurred, gap, sharpened], axis=1)
    Picture.fromarray(panels).convert("RGB").save(target, optimize=True)
    print(f"{target.name}: {panels.shape[1]} x {panels.shape[0]} pixels")


if __name__ == "__main__":
    main()
