# SPDX-License-Identifier: MIT
from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench_helpers import ODD, PEERS, TINY
from helpers import SANITIZED
from pywasm3.bench.rows import ROWS
from pywasm3.bench.run import run

# Draw: matplotlib throws C++ exceptions, which a preloaded sanitizer cannot pass on.
collect_ignore = ["test_report.py", "test_command.py"] if SANITIZED else []


@pytest.fixture(scope="session")
def odd_peers() -> Iterator[None]:
    """The module is found, by children too."""
    here = str(Path(__file__).resolve().parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(here)
        patch.setenv("PYTHONPATH", here)
        yield


@pytest.fixture(scope="session")
def measured(odd_peers: None) -> Any:
    """All rows of all peers that are there, once, as a file has it."""
    return json.loads(json.dumps(run(ROWS, [*PEERS, *ODD], TINY)))
