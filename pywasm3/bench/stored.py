# SPDX-License-Identifier: MIT
"""Reads the files that --json wrote, and checks them before they are used."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from .figures import Run
from .run import SCHEMA

# The keys that reports use, with their types. A file may hold more.
_RUN = {"machine": dict, "settings": dict, "peers": list, "rows": list}
_MACHINE = {"processor": str, "system": str, "python": str}
_SETTINGS = {"rounds": int, "fresh_rounds": int, "seconds": (int, float)}
_PEER = {"name": str, "title": str, "note": str, "floor": bool, "installed": bool}
_ROW = {"id": str, "group": str, "title": str, "unit": str, "plotted": bool, "cells": dict}
MOST = 1e18  # In nanoseconds or bytes. A larger number or NaN is not a possible value.


def _has(value: object, shape: Mapping[str, Any]) -> bool:
    return isinstance(value, dict) and all(
        isinstance(value.get(key), kind) for key, kind in shape.items()
    )


def _is_peer(peer: Any) -> bool:
    return _has(peer, _PEER) and isinstance(
        peer.get("version" if peer["installed"] else "why"), str
    )


def _is_value(value: Any, unit: str) -> bool:
    """Returns whether a value is possible; only resident memory may be negative."""
    if type(value) not in (int, float):
        return False
    return bool((-MOST if unit == "B" else 0) < value < MOST)


def _is_cell(cell: Any, unit: str) -> bool:
    if not _has(cell, {"values": list}):
        return _has(cell, {"cannot": str}) or _has(cell, {"failed": str})
    return all(_is_value(value, unit) for value in cell["values"])


def _is_row(row: Any, names: Iterable[str]) -> bool:
    if not _has(row, _ROW) or not row["cells"].keys() >= set(names):
        return False
    return all(_is_cell(cell, row["unit"]) for cell in row["cells"].values())


def is_run(run: Any) -> bool:
    """Returns whether an object is what `run.run` of this version returns."""
    if not _has(run, _RUN) or run.get("schema") != SCHEMA:
        return False
    if not _has(run["machine"], _MACHINE) or not _has(run["settings"], _SETTINGS):
        return False
    if not isinstance(run.get("load_average"), (int, float, NoneType)):
        return False
    names = [peer["name"] for peer in run["peers"] if _is_peer(peer) and peer["installed"]]
    return all(map(_is_peer, run["peers"])) and all(_is_row(row, names) for row in run["rows"])


def read(path: Path) -> Run:
    """Reads a run from a file of --json; raises ValueError if the file does not hold one."""
    try:
        run: Run = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if not is_run(run):
        raise ValueError(f"{path} is not what pywasm3 bench --json of this version writes")
    return run
