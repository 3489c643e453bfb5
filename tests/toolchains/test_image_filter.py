# SPDX-License-Identifier: MIT
"""Filters for images, compiled from C without SIMD and with it, give the pixels that numpy gives.

The program is examples/gallery/image_filter. Its page says how the filters are compiled.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import wasmtime

import pywasm3
from gallery_helpers import GALLERY, PAGES, run_commands, run_example, run_first_lines
from helpers import import_file
from zig_helpers import CACHE

FOLDER = GALLERY / "image_filter"
BUILDS = ["scalar", "simd"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which the commands of the page have run, and printed what the page shows."""
    folder = tmp_path_factory.mktemp("image_filter")
    run_commands("image_filter.md", folder, {"ZIG_LOCAL_CACHE_DIR": str(CACHE)})
    return folder


@pytest.fixture(scope="module")
def example() -> ModuleType:
    return import_file(FOLDER / "image_filter.py")


@pytest.fixture(params=BUILDS)
def module(request: pytest.FixtureRequest, folder: Path) -> pywasm3.Module:
    return pywasm3.Module((folder / f"{request.param}.wasm").read_bytes())


def random_image(height: int, width: int) -> Any:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 4), np.uint8)


def plain_blur(image: Any, y: int, x: int, channel: int) -> int:
    """One number of a blurred image, by its definition."""
    height, width, _ = image.shape
    total = 128
    for dy, row in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
        for dx, column in zip(range(-2, 3), (1, 4, 6, 4, 1), strict=True):
            inside = min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)
            total += row * column * int(image[(*inside, channel)])
    return total // 256


def test_the_picture_of_the_page_is_what_the_commands_draw(folder: Path) -> None:
    from PIL import Image

    drawn, shown = (np.asarray(Image.open(path / "image_filter.png")) for path in (folder, PAGES))
    assert np.array_equal(drawn, shown)


def test_the_first_lines_of_the_page_work(example: ModuleType, folder: Path) -> None:
    photo = random_image(1080, 1920)
    found = run_first_lines("image_filter.md", folder, **vars(example), photo=photo)
    assert found[""].shape == photo.shape


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (3, 3), (5, 4), (17, 33), (64, 100)])
def test_the_filters_give_the_pixels_of_numpy(
    example: ModuleType, module: pywasm3.Module, size: tuple[int, int]
) -> None:
    image = random_image(*size)
    filters = example.ImageFilter(module, *size)
    filters.source[:] = image
    assert np.array_equal(filters.blur(), example.numpy_blur(image))
    assert np.array_equal(filters.sharpen(), example.numpy_sharpen(image))
    assert np.array_equal(filters.source, image)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 254, 255])
def test_an_even_image_stays_as_it_is(
    example: ModuleType, module: pywasm3.Module, value: int
) -> None:
    """Among them is the largest sum that the guest's 16 bits must hold."""
    filters = example.ImageFilter(module, 9, 9)
    filters.source[:] = value
    assert set(filters.blur().flat) == {value}
    assert set(filters.sharpen().flat) == {value}


def test_numpy_gives_the_blur_of_the_definition(example: ModuleType) -> None:
    image = random_image(4, 5)
    blurred = example.numpy_blur(image)
    expected = [plain_blur(image, *place) for place in np.ndindex(image.shape)]
    assert blurred.reshape(-1).tolist() == expected


def test_the_images_are_in_the_memory_of_the_guest(
    example: ModuleType, module: pywasm3.Module
) -> None:
    filters = example.ImageFilter(module, 8, 8)
    memory = np.frombuffer(filters._exports.memory, np.uint8)
    assert np.shares_memory(filters.source, memory)
    assert np.shares_memory(filters.result, memory)
    assert not np.shares_memory(filters.source, filters.result)


def test_an_image_without_pixels_is_refused(example: ModuleType, module: pywasm3.Module) -> None:
    for size in ((0, 1), (1, 0), (-1, 1)):
        with pytest.raises(ValueError, match="at least 1 x 1"):
            example.ImageFilter(module, *size)
    with pytest.raises(pywasm3.WasmError):
        example.ImageFilter(module, 1 << 15, 1 << 15)


def test_only_one_module_has_vectors(folder: Path) -> None:
    config = wasmtime.Config()
    config.wasm_simd = config.wasm_relaxed_simd = False
    engine = wasmtime.Engine(config)
    scalar, simd = ((folder / f"{build}.wasm").read_bytes() for build in BUILDS)
    wasmtime.Module.validate(engine, scalar)
    with pytest.raises(wasmtime.WasmtimeError, match="SIMD"):
        wasmtime.Module.validate(engine, simd)


def test_speeds_are_measured_beside_numpy_and_wasmtime(folder: Path) -> None:
    modules = [folder / f"{build}.wasm" for build in BUILDS]
    output = run_example(FOLDER / "measure.py", *modules, "--size", "20", "30", "--rounds", "1")
    lines = [line for line in output.splitlines() if line.endswith("MP/s")]
    assert len(lines) >= 7
