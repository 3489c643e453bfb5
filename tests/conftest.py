# SPDX-License-Identifier: MIT
"""Fixtures and settings of the whole suite."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

import helpers

# PEP 688: there is nothing to be skipped where Python has no such buffers.
collect_ignore = ["misuse/test_python_buffers.py"] if sys.version_info < (3, 12) else []

# No test may be timed: a slow machine is no bug.
hypothesis.settings.register_profile(
    "pywasm3",
    deadline=None,
    max_examples=20 if helpers.SANITIZED else 100,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("pywasm3")

# A shell starts what runs in the background deaf to Ctrl-C, and children would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def wat() -> Callable[[str], bytes]:
    """Assembles a text module."""
    return helpers.wat


@pytest.fixture(scope="session")
def guests() -> Path:
    """The folder of the compiled guests."""
    return helpers.GUESTS
