# SPDX-License-Identifier: MIT
"""Fixtures of the leak tests."""

from __future__ import annotations

import pytest

import pywasm3
from helpers import load
from leak_helpers import IMPORTS, TEXT


@pytest.fixture
def instance() -> pywasm3.Instance:
    """An instance of `leak_helpers.TEXT`."""
    return load(TEXT, IMPORTS)
