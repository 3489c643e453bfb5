# SPDX-License-Identifier: MIT
"""Reads and writes expected.json: what must happen in each script of the official suite.

For each script it has the number of commands that pass, and the number that is skipped for each
reason. `python tests/spec/run.py --update` writes it from a run; no command may fail.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

from .script import Report

PATH = Path(__file__).with_name("expected.json")

# What must happen in a script, as in {"passed": 12, "skipped": {"SIMD": 3}}.
Row: TypeAlias = dict[str, Any]


def row(report: Report) -> Row:
    """Returns a report as the table has it."""
    return {"passed": report.passed, "skipped": dict(sorted(report.skipped.items()))}


def read() -> dict[str, Row]:
    """Returns the table, which is empty if the file does not exist."""
    if not PATH.exists():
        return {}
    table: dict[str, Row] = json.loads(PATH.read_text(encoding="utf-8"))
    return table


def write(rows: dict[str, Row]) -> None:
    """Writes the table, with one line for each script."""
    lines = [f"  {json.dumps(name)}: {json.dumps(rows[name])}" for name in sorted(rows)]
    PATH.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
