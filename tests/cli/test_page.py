# SPDX-License-Identifier: MIT
"""What docs/cli.md tells its reader to type works, and prints what the page shows."""

from __future__ import annotations

from pathlib import Path

from cli_helpers import LIBRARY
from helpers import TESTS, wat
from page_helpers import blocks_of, run_page

PAGE = TESTS.parent / "docs" / "cli.md"


def test_the_page_on_the_command_line_is_true(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    returns = wat('(module (func (export "_start")))')
    for name in ("program", "untrusted"):
        (tmp_path / f"{name}.wasm").write_bytes(returns)
    (tmp_path / "plugin.wasm").write_bytes(wat(LIBRARY.replace("$lib", "$plugin")))
    ran = run_page(PAGE, tmp_path, [])
    assert any(command.startswith("pywasm3 run --invoke") for command in ran)


def test_every_block_is_a_file_commands_or_output() -> None:
    assert [
        block
        for block in blocks_of(PAGE)
        if not block.file and block.language not in ("sh", "text")
    ] == []
