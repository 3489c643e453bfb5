# SPDX-License-Identifier: MIT
"""Fixtures for the tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import helpers
from cli_helpers import CAT, LIBRARY


@pytest.fixture
def module(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a module, given as text or as bytes, to a file."""

    def write(source: str | bytes, name: str = "guest.wasm") -> Path:
        path = tmp_path / name
        path.write_bytes(source if isinstance(source, bytes) else helpers.wat(source))
        return path

    return write


@pytest.fixture
def cat(module: Callable[..., Path]) -> Path:
    """A program that copies its input to its output."""
    return module(CAT, "cat.wasm")


@pytest.fixture
def library(module: Callable[..., Path]) -> Path:
    """A module that imports nothing and exports functions."""
    return module(LIBRARY, "lib.wasm")
