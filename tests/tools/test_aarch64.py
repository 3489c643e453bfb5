# SPDX-License-Identifier: MIT
"""tools/aarch64.py hands arguments on, and names tests that exist.

Whether the package runs on ARM is what "make test-aarch64" shows.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from helpers import TESTS, import_file

import_file(TESTS.parent / "tools" / "debian.py")
aarch64: Any = import_file(TESTS.parent / "tools" / "aarch64.py")


@pytest.mark.skipif(os.name != "posix", reason="the script is for a POSIX shell")
def test_a_script_hands_on_its_arguments(tmp_path: Path) -> None:
    script = tmp_path / "script"
    aarch64.write_script(script, "exec printf '%s|'")
    shown = subprocess.run([script, "a b", "$c", ""], stdout=subprocess.PIPE, text=True, check=True)
    assert shown.stdout == "a b|$c||"


def test_the_tests_that_it_runs_exist() -> None:
    assert [name for name in aarch64.TESTS if not (TESTS / "unit" / name).is_file()] == []
