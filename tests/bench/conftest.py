# SPDX-License-Identifier: MIT
"""Fixtures for the tests of `pywasm3 bench`: peers that misbehave, and one measured run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench_helpers import ODD, PEERS, TINY
from helpers import SANITIZED
from pywasm3.bench.rows import select
from pywasm3.bench.run import run

# These files draw with matplotlib, which throws C++ exceptions; a preloaded sanitizer breaks them.
collect_ignore = ["test_report.py", "test_command.py"] if SANITIZED else []


@pytest.fixture(scope="session")
def odd_peers() -> Iterator[None]:
    """Makes the module odd_peers importable, in this process and in its children."""
    here = str(Path(__file__).resolve().parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(here)
        patch.setenv("PYTHONPATH", here)
        yield


@pytest.fixture(scope="session")
def measured(odd_peers: None) -> Any:
    """One run with all peers, of all rows that download nothing, as if it was read from a file."""
    return json.loads(json.dumps(run(select(["*"]), [*PEERS, *ODD], TINY)))
