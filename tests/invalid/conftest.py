# SPDX-License-Identifier: MIT
"""Adds the option --bless, which writes the expected errors anew: pytest tests/invalid --bless."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option. pytest knows it only if tests/invalid is named on the command line."""
    parser.addoption(
        "--bless", action="store_true", help="write the errors that occur as the expected ones"
    )
