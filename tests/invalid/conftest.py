# SPDX-License-Identifier: MIT
"""The switch that writes the goldens anew: pytest tests/invalid --bless."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Known to pytest when tests/invalid is named on the command line."""
    parser.addoption(
        "--bless", action="store_true", help="write what happens into the goldens as expected"
    )
