# SPDX-License-Identifier: MIT
"""Fixtures and settings of the whole suite."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import helpers

# No test may be timed: a slow machine is no bug.
hypothesis.settings.register_profile(
    "pywasm3",
    deadline=None,
    max_examples=20 if helpers.SANITIZED else 100,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("pywasm3")


@pytest.fixture(scope="session")
def wat() -> Callable[[str], bytes]:
    """Assembles a text module."""
    return helpers.wat


@pytest.fixture(scope="session")
def guests() -> Path:
    """The folder of the compiled guests."""
    return helpers.GUESTS


@pytest.fixture(scope="session")
def spec_suite() -> Path:
    """The official test-suite, where WASM_SPEC_TESTSUITE names it."""
    path = os.environ.get("WASM_SPEC_TESTSUITE")
    if not path:
        pytest.skip("WASM_SPEC_TESTSUITE does not name the official test-suite")
    return Path(path)
