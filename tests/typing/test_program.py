# SPDX-License-Identifier: MIT
"""The program that `make types` checks also runs, so that its annotations are true."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from helpers import GUESTS


def test_the_typed_program_runs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "program", GUESTS],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
