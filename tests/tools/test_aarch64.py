# SPDX-License-Identifier: MIT
"""tools/aarch64.py says what it needs, hands arguments on, and names tests that exist.

Whether the package runs on ARM is what "make test-aarch64" shows.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from helpers import TESTS, import_file

aarch64: Any = import_file(TESTS.parent / "tools" / "aarch64.py")


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Lets the program work in an empty folder."""
    monkeypatch.setattr(aarch64, "SYSTEM", tmp_path / "system")
    monkeypatch.setattr(aarch64, "WORK", tmp_path / "work")
    return tmp_path


def test_without_apt_get_it_says_what_it_needs(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(empty))
    assert aarch64.main([]) == 1
    assert "needs apt-get, on an x86-64 machine" in capsys.readouterr().err


def test_a_download_that_fails_leaves_no_system(
    empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that is there counts as complete."""

    def fail(folder: Path) -> list[Path]:
        folder.mkdir()
        raise aarch64.AptError("no network")

    monkeypatch.setattr(aarch64.shutil, "which", lambda name: name)
    monkeypatch.setattr(aarch64.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(aarch64, "download", fail)
    with pytest.raises(aarch64.AptError, match="no network"):
        aarch64.fill_system()
    assert list(empty.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="the script is for a POSIX shell")
def test_a_script_hands_on_its_arguments(tmp_path: Path) -> None:
    script = tmp_path / "script"
    aarch64.write_script(script, "exec printf '%s|'")
    shown = subprocess.run([script, "a b", "$c", ""], stdout=subprocess.PIPE, text=True, check=True)
    assert shown.stdout == "a b|$c||"


def test_the_tests_that_it_runs_exist() -> None:
    assert [name for name in aarch64.TESTS if not (TESTS / "unit" / name).is_file()] == []
