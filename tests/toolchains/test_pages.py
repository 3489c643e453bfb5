# SPDX-License-Identifier: MIT
"""What the pages of docs/guests tell their readers to do works, and prints what they show."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

import assemblyscript_helpers
from helpers import TESTS
from page_helpers import blocks_of, run_page
from zig_helpers import CACHE

PAGES = TESTS.parent / "docs" / "guests"
# Each with a command that shows that the page was understood.
COMMANDS = {
    "c": "python -m ziglang cc",
    "zig": "python -m ziglang build-exe",
    "wat": "pywasm3 run",
    "assemblyscript": "npx asc",
    "importing": "python use.py",
}


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the program npx, which runs the compiler that the tests have downloaded."""
    folder = tmp_path / "programs"
    folder.mkdir()
    npx = folder / "npx"
    command = shlex.join(assemblyscript_helpers.compiler())
    npx.write_text(f'#!/bin/sh\ntest "$1" = asc && shift && exec {command} "$@"\n')
    npx.chmod(0o755)
    return folder


def run(name: str, folder: Path, path: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    # The compiler's cache is the one of the other tests, so that its C library is compiled once.
    monkeypatch.setenv("ZIG_LOCAL_CACHE_DIR", str(CACHE))
    work = folder / "work"
    work.mkdir()
    ran = run_page(PAGES / f"{name}.md", work, path)
    assert any(command.startswith(COMMANDS[name]) for command in ran)


@pytest.mark.parametrize("name", ["c", "zig", "wat", "importing"])
def test_the_page_is_true(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(name, tmp_path, [], monkeypatch)


def test_the_page_on_assemblyscript_is_true(
    tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("assemblyscript", tmp_path, [programs], monkeypatch)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_block_is_a_file_commands_or_output(name: str) -> None:
    blocks = blocks_of(PAGES / f"{name}.md")
    assert [
        block for block in blocks if not block.file and block.language not in ("sh", "text")
    ] == []
    assert any(block.language == "text" for block in blocks)
