# SPDX-License-Identifier: MIT
"""What must hold per script: how many commands pass, how many are skipped and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from .script import Report

PATH = Path(__file__).with_name("expected.json")

# {"passed": 12, "skipped": {"SIMD": 3}}
Row: TypeAlias = dict[str, Any]


def row(report: Report) -> Row:
    """A report as the table has it."""
    return {"passed": report.passed, "skipped": dict(sorted(report.skipped.items()))}


def read() -> dict[str, Row]:
    """The table; empty where there is none yet."""
    if not PATH.exists():
        return {}
    table: dict[str, Row] = json.loads(PATH.read_text(encoding="utf-8"))
    return table


def write(rows: dict[str, Row]) -> None:
    """Writes the table, a script a line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
