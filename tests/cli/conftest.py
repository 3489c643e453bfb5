# SPDX-License-Identifier: MIT
"""Fixtures for the tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import helpers


@pytest.fixture
def module(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes a module, given as text or as bytes, to a file."""

    def write(source: str | bytes, name: str = "guest.wasm") -> Path:
        path = tmp_path / name
        path.write_bytes(source if isinstance(source, bytes) else helpers.wat(source))
        return path

    return write
