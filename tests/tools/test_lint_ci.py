# SPDX-License-Identifier: MIT
"""tools/lint_ci.py notices wheels that are missing, and wheels that nothing promises."""

from __future__ import annotations

from typing import Any

import pytest

from helpers import TESTS, import_file

ENDS = ["win_amd64"]


@pytest.fixture
def lint_ci(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = import_file(TESTS.parent / "tools" / "lint_ci.py")
    monkeypatch.setattr(module, "PLATFORMS", {"windows": ("AMD64", ENDS)})
    return module


def test_wheels_are_promised_for_each_python_and_without_a_gil(lint_ci: Any) -> None:
    pythons = ["cp310", "cp311", "cp312", "cp313", "cp314", "cp314t"]
    assert lint_ci.promised_wheels(ENDS) == {f"{python}-win_amd64" for python in pythons}


def test_wheels_for_pypy_are_promised_where_it_was_tried(lint_ci: Any) -> None:
    ends = ["manylinux_x86_64", "musllinux_x86_64", "win_amd64"]
    promised = lint_ci.promised_wheels(ends)
    assert {name for name in promised if name.startswith("pp")} == {"pp311-manylinux_x86_64"}


@pytest.mark.parametrize(
    ("more", "less", "fault"),
    [
        ([], ["cp312-win_amd64"], "no wheel is built for cp312-win_amd64"),
        (["cp312-win32"], [], "the classifiers do not name cp312-win32"),
    ],
)
def test_a_difference_is_a_fault(
    lint_ci: Any, monkeypatch: pytest.MonkeyPatch, more: list[str], less: list[str], fault: str
) -> None:
    built = (lint_ci.promised_wheels(ENDS) | {*more}) - {*less}
    monkeypatch.setattr(lint_ci, "built_wheels", lambda platform, processors: built)
    assert list(lint_ci.wheel_faults()) == [fault]
